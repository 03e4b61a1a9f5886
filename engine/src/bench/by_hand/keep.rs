//! The baseline's database: pages with their states and what led to them, an attempt's figures,
//! and the products; so many pages in one transaction at synchronous=FULL.

use std::{
    path::Path,
    sync::mpsc::Receiver,
    time::{SystemTime, UNIX_EPOCH},
};

use rusqlite::{Connection, Result, params, params_from_iter, types::Value as Sql};

use super::{
    Page, Todo,
    read::{Card, LABELS, Product},
};

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

/// The database of one crawl.
pub(super) struct Keep(Connection);

impl Keep {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let db = Connection::open(path)?;
        db.execute_batch(SCHEMA)?;
        Ok(Self(db))
    }

    /// Keeps pages until nobody sends any more.
    pub(super) fn run(&self, pages: &Receiver<Page>, commit: usize) -> Result<()> {
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

    fn commit(&self, batch: &[Page]) -> Result<()> {
        let db = &self.0;
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |time| i64::try_from(time.as_millis()).unwrap_or(0));
        db.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        for page in batch {
            self.keep(page, now)?;
        }
        db.prepare_cached("COMMIT")?.execute([])?;
        Ok(())
    }

    fn keep(&self, page: &Page, now: i64) -> Result<()> {
        let db = &self.0;
        let mut link = db.prepare_cached(
            "INSERT OR IGNORE INTO page (url, stage, state, carried) VALUES (?1, ?2, 'queued', ?3)",
        )?;
        for found in &page.found {
            link.execute(params![found.url, stage(found), carried(found)])?;
        }
        let took = i64::try_from(page.took.as_micros()).unwrap_or(i64::MAX);
        let bytes = i64::try_from(page.bytes).unwrap_or(i64::MAX);
        db.prepare_cached(
            "INSERT INTO page (url, stage, state, status, bytes, took_us, at)
             VALUES (?1, ?2, 'done', ?3, ?4, ?5, ?6)
             ON CONFLICT (url) DO UPDATE SET state = 'done', status = excluded.status,
               bytes = excluded.bytes, took_us = excluded.took_us, at = excluded.at",
        )?
        .execute(params![
            page.todo.url,
            stage(&page.todo),
            page.status,
            bytes,
            took,
            now
        ])?;
        if let (Some(product), Some(card)) = (&page.product, &page.todo.card) {
            db.prepare_cached(PRODUCT)?
                .execute(params_from_iter(columns(
                    &page.todo.url,
                    product,
                    card,
                    now,
                )))?;
        }
        Ok(())
    }
}

fn stage(todo: &Todo) -> &'static str {
    if todo.card.is_some() {
        "detail"
    } else {
        "list"
    }
}

fn carried(todo: &Todo) -> String {
    match &todo.card {
        None => format!("{{\"page\":{}}}", todo.page),
        Some(card) => serde_json::json!({
            "manufacturer": card.manufacturer, "model": card.model,
            "certificate_id": card.certificate_id, "page": card.page, "position": card.position,
        })
        .to_string(),
    }
}

fn columns(url: &str, product: &Product, card: &Card, now: i64) -> Vec<Sql> {
    let text = |text: &str| Sql::Text(text.to_owned());
    let maybe = |text: &Option<String>| text.clone().map_or(Sql::Null, Sql::Text);
    let number = |number: Option<i64>| number.map_or(Sql::Null, Sql::Integer);
    let categories = serde_json::to_string(&product.application_categories);
    let mut columns = vec![
        text(url),
        Sql::Integer(now),
        text(&product.model),
        text(&product.manufacturer),
        maybe(&product.device_type),
        text(&product.certification_date),
        Sql::Integer(product.vid),
        Sql::Integer(product.pid),
        number(product.tis_trp_tested.map(i64::from)),
        number(product.primary_device_type_id),
        categories.map_or(Sql::Null, Sql::Text),
        maybe(&product.compliance_document_url),
        text(&card.manufacturer),
        text(&card.model),
        maybe(&card.certificate_id),
        Sql::Integer(i64::from(card.page)),
        Sql::Integer(i64::from(card.position)),
    ];
    columns.extend(product.texts.iter().map(maybe));
    debug_assert_eq!(columns.len(), 17 + LABELS.len());
    columns
}

/// Every product as an object, in the order in which they were kept.
#[cfg(test)]
pub(super) fn rows(path: &Path) -> Result<Vec<serde_json::Value>> {
    use rusqlite::types::ValueRef;
    use serde_json::{Map, Value as Json};
    let db = Connection::open(path)?;
    let mut query = db.prepare("SELECT * FROM product ORDER BY id")?;
    let names: Vec<String> = query.column_names().map(str::to_owned).collect();
    let rows = query.query_map([], |row| {
        let mut object = Map::new();
        for (at, name) in names.iter().enumerate() {
            let value = match row.get_ref(at)? {
                ValueRef::Integer(n) if name == "tis_trp_tested" => Json::from(n != 0),
                ValueRef::Integer(n) => Json::from(n),
                ValueRef::Text(text) => {
                    let text = String::from_utf8_lossy(text).into_owned();
                    match name.as_str() {
                        "application_categories" => serde_json::from_str(&text).unwrap_or_default(),
                        _ => Json::from(text),
                    }
                }
                _ => Json::Null,
            };
            let name = if name == "url" { "_url" } else { name };
            object.insert(name.to_owned(), value);
        }
        Ok(Json::Object(object))
    })?;
    rows.collect()
}
