//! The baseline: the demo's catalogue crawled by a loop written by hand with the same crates
//! (reqwest, scraper, rusqlite) and no engine. It reads, keeps and commits the same; it knows no
//! robots, politeness, retries, frontier, history, or anybody who watches.

use std::{
    collections::{HashSet, VecDeque},
    path::Path,
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use reqwest::Client;
use rusqlite::{Connection, params, params_from_iter, types::Value as Sql, types::ValueRef};
use serde_json::{Map, Value as Json, json};
use tokio::task::JoinSet;

use crate::{
    Result,
    demo_site::{DemoSite, lists_of},
    scraped::{Card, Product, Selectors},
};

/// Requests in flight, as in the balanced profile.
const IN_FLIGHT: usize = 32;
/// Pages that may wait for the writer.
const WAITING: usize = 512;

/// A page to fetch.
#[derive(Debug, Clone)]
struct Todo {
    url: String,
    /// The card that led here; none for a list page.
    card: Option<Card>,
    /// The number of the list page that it is or stood on.
    page: u32,
}

/// A page that was read.
struct Page {
    todo: Todo,
    product: Option<Product>,
    found: Vec<Todo>,
    bytes: usize,
    status: u16,
    took: Duration,
}

/// Crawls to the end, with so many pages in a transaction; pages, and bytes that they had.
pub(crate) fn crawl(site: &DemoSite, path: &Path, commit: usize) -> Result<(u64, u64)> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let database = Database(Connection::open(path)?);
    database.0.execute_batch(SCHEMA)?;
    let (pages, kept) = sync_channel(WAITING);
    let writer = thread::Builder::new()
        .name("by-hand-store".to_owned())
        .spawn(move || database.keep_all(&kept, commit.max(1)))?;
    let fetched = runtime.block_on(fetch_all(site, pages));
    writer.join().expect("the writer does not panic")?;
    fetched
}

async fn fetch_all(site: &DemoSite, kept: SyncSender<Page>) -> Result<(u64, u64)> {
    let client = client(site)?;
    let (url, pattern) = lists_of(&site.site(1e6)?)?;
    let (selectors, pattern) = (Arc::new(Selectors::new()), Arc::<str>::from(pattern));
    let start = Todo {
        url,
        card: None,
        page: 1,
    };
    let mut known = HashSet::from([start.url.clone()]);
    let mut todo = VecDeque::from([start]);
    let mut flights: JoinSet<Result<Page>> = JoinSet::new();
    let (mut n, mut bytes) = (0, 0);
    loop {
        while flights.len() < IN_FLIGHT
            && let Some(next) = todo.pop_front()
        {
            let (client, selectors) = (client.clone(), Arc::clone(&selectors));
            let pattern = Arc::clone(&pattern);
            flights.spawn(async move { fetch(&client, &selectors, &pattern, next).await });
        }
        let Some(landed) = flights.join_next().await else {
            return Ok((n, bytes));
        };
        let mut page = landed??;
        page.found.retain(|link| known.insert(link.url.clone()));
        todo.extend(page.found.iter().cloned());
        n += 1;
        bytes += page.bytes as u64;
        kept.send(page)?;
    }
}

fn client(site: &DemoSite) -> Result<Client> {
    let tls = rustls::ClientConfig::builder_with_provider(Arc::new(
        rustls::crypto::ring::default_provider(),
    ))
    .with_safe_default_protocol_versions()?
    .with_root_certificates(rustls::RootCertStore::empty())
    .with_no_client_auth();
    let client = Client::builder()
        .no_proxy()
        .tls_backend_preconfigured(tls)
        .resolve(&site.config.host_names()[0], site.addr)
        .pool_max_idle_per_host(IN_FLIGHT)
        .timeout(Duration::from_secs(30));
    Ok(client.build()?)
}

async fn fetch(client: &Client, selectors: &Selectors, pattern: &str, todo: Todo) -> Result<Page> {
    let began = Instant::now();
    let answer = client.get(&todo.url).send().await?;
    let status = answer.status().as_u16();
    if status != 200 {
        return Err(format!("{}: status {status}", todo.url).into());
    }
    let text = answer.text().await?;
    let took = began.elapsed();
    let (mut product, mut found) = (None, Vec::new());
    if todo.card.is_some() {
        product = Some(selectors.detail(&text)?);
    } else {
        let list = selectors.list(&text, &todo.url)?;
        found.extend(list.cards.into_iter().map(|(url, card)| Todo {
            url: url.into(),
            card: Some(card),
            page: todo.page,
        }));
        // The first page tells how many there are.
        let told = if todo.page == 1 { list.last } else { 1 };
        found.extend((2..=told).map(|page| Todo {
            url: pattern.replace("{page}", &page.to_string()),
            card: None,
            page,
        }));
    }
    Ok(Page {
        product,
        found,
        bytes: text.len(),
        status,
        took,
        todo,
    })
}

const SCHEMA: &str = "
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA cache_size = -131072;
PRAGMA wal_autocheckpoint = 8000;
CREATE TABLE IF NOT EXISTS page (
  id INTEGER PRIMARY KEY, url TEXT NOT NULL UNIQUE, stage TEXT NOT NULL, state TEXT NOT NULL,
  carried TEXT, status INTEGER, bytes INTEGER, took_us INTEGER, at INTEGER);
CREATE TABLE IF NOT EXISTS product (
  id INTEGER PRIMARY KEY, url TEXT NOT NULL UNIQUE, seen INTEGER NOT NULL, model TEXT,
  manufacturer TEXT, device_type TEXT, certification_date TEXT, vid INTEGER, pid INTEGER,
  tis_trp_tested INTEGER, primary_device_type_id INTEGER, application_categories TEXT,
  compliance_document_url TEXT, list_manufacturer TEXT, list_model TEXT,
  list_certificate_id TEXT, list_page INTEGER, list_position INTEGER, certificate_id TEXT,
  family_sku TEXT, family_variant_sku TEXT, firmware_version TEXT, hardware_version TEXT,
  software_version TEXT, family_id TEXT, specification_version TEXT, transport_interface TEXT);
";

const PRODUCT: &str = "INSERT OR REPLACE INTO product VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, \
     ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

/// Pages with their states and what led to them, an attempt's figures, and the products.
struct Database(Connection);

impl Database {
    /// Keeps pages until nobody sends any more.
    fn keep_all(&self, pages: &Receiver<Page>, commit: usize) -> rusqlite::Result<()> {
        let mut batch = Vec::with_capacity(commit);
        while let Ok(page) = pages.recv() {
            batch.push(page);
            if batch.len() == commit {
                self.commit(&batch)?;
                batch.clear();
            }
        }
        self.commit(&batch)
    }

    fn commit(&self, batch: &[Page]) -> rusqlite::Result<()> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.map_or(0, |time| time.as_millis() as i64);
        self.0.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        for page in batch {
            self.keep(page, now)?;
        }
        self.0.prepare_cached("COMMIT")?.execute([])?;
        Ok(())
    }

    fn keep(&self, page: &Page, now: i64) -> rusqlite::Result<()> {
        let mut link = self.0.prepare_cached(
            "INSERT OR IGNORE INTO page (url, stage, state, carried) VALUES (?1, ?2, 'queued', ?3)",
        )?;
        for found in &page.found {
            link.execute(params![found.url, found.stage(), found.carried()])?;
        }
        self.0
            .prepare_cached(
                "INSERT INTO page (url, stage, state, status, bytes, took_us, at)
                 VALUES (?1, ?2, 'done', ?3, ?4, ?5, ?6)
                 ON CONFLICT (url) DO UPDATE SET state = 'done', status = excluded.status,
                   bytes = excluded.bytes, took_us = excluded.took_us, at = excluded.at",
            )?
            .execute(params![
                page.todo.url,
                page.todo.stage(),
                page.status,
                page.bytes as i64,
                page.took.as_micros() as i64,
                now
            ])?;
        if let (Some(product), Some(card)) = (&page.product, &page.todo.card) {
            let row = row(&page.todo, product, card, now);
            let mut product = self.0.prepare_cached(PRODUCT)?;
            product.execute(params_from_iter(row))?;
        }
        Ok(())
    }
}

impl Todo {
    const fn stage(&self) -> &'static str {
        if self.card.is_some() {
            "detail"
        } else {
            "list"
        }
    }

    fn carried(&self) -> String {
        let carried = match &self.card {
            None => json!({ "page": self.page }),
            Some(card) => json!({
                "manufacturer": card.manufacturer, "model": card.model,
                "certificate_id": card.certificate_id, "page": self.page,
                "position": card.position,
            }),
        };
        carried.to_string()
    }
}

/// A row of `product`, in the order of its columns.
fn row(todo: &Todo, product: &Product, card: &Card, now: i64) -> Vec<Sql> {
    let text = |text: &str| Sql::Text(text.to_owned());
    let maybe = |text: &Option<String>| text.clone().map_or(Sql::Null, Sql::Text);
    let number = |number: Option<i64>| number.map_or(Sql::Null, Sql::Integer);
    let categories = Json::from(product.application_categories.as_slice());
    let mut row = vec![
        text(&todo.url),
        Sql::Integer(now),
        text(&product.model),
        text(&product.manufacturer),
        maybe(&product.device_type),
        text(&product.certification_date),
        Sql::Integer(product.vid),
        Sql::Integer(product.pid),
        number(product.tis_trp_tested.map(i64::from)),
        number(product.primary_device_type_id),
        Sql::Text(categories.to_string()),
        maybe(&product.compliance_document_url),
        text(&card.manufacturer),
        text(&card.model),
        maybe(&card.certificate_id),
        Sql::Integer(i64::from(todo.page)),
        Sql::Integer(i64::from(card.position)),
    ];
    row.extend(product.texts.iter().map(maybe));
    row
}

/// Every product as an object, in the order in which they were kept, as an export would give it.
pub(crate) fn products(path: &Path) -> Result<Vec<Json>> {
    let db = Connection::open(path)?;
    let mut query = db.prepare("SELECT * FROM product ORDER BY id")?;
    let names: Vec<String> = query.column_names().map(str::to_owned).collect();
    let rows = query.query_map([], |row| {
        let mut object = Map::new();
        for (at, name) in names.iter().enumerate() {
            let value = match row.get_ref(at)? {
                ValueRef::Integer(n) if name == "tis_trp_tested" => Json::from(n != 0),
                ValueRef::Integer(n) => Json::from(n),
                ValueRef::Text(text) if name == "application_categories" => {
                    serde_json::from_slice(text).unwrap_or_default()
                }
                ValueRef::Text(text) => Json::from(String::from_utf8_lossy(text)),
                _ => Json::Null,
            };
            let name = if name == "url" { "_url" } else { name };
            object.insert(name.to_owned(), value);
        }
        Ok(Json::Object(object))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
