//! The baseline: the demo's catalogue crawled by a loop written by hand with the same crates
//! (reqwest, scraper, rusqlite) and no engine. It reads, keeps and commits the same; it knows no
//! robots, manners, retries, frontier, history, or anybody who watches.

mod keep;
mod read;

use std::{
    collections::{HashSet, VecDeque},
    path::Path,
    sync::{Arc, mpsc},
    thread,
};

use reqwest::Client;
use tokio::task::JoinSet;

use super::served::Served;
use keep::Keep;
pub(super) use read::Selectors;
use read::{Card, Product};

/// Requests in flight, as in the balanced profile.
const IN_FLIGHT: usize = 32;
/// Pages that may wait for the writer.
const WAITING: usize = 512;

/// What to crawl, and where to.
pub(super) struct Job<'a> {
    pub(super) served: &'a Served,
    /// The database; made or taken on.
    pub(super) path: &'a Path,
    /// Pages in one commit.
    pub(super) commit: usize,
    /// The start URL.
    pub(super) start: String,
    /// Where list page `{page}` is.
    pub(super) pattern: String,
}

/// A page to fetch.
#[derive(Debug, Clone)]
pub(super) struct Todo {
    pub(super) url: String,
    /// The card that led here; none for a list page.
    pub(super) card: Option<Card>,
    /// A list page's number.
    pub(super) page: u32,
}

/// A page that was read.
pub(super) struct Page {
    pub(super) todo: Todo,
    pub(super) product: Option<Product>,
    pub(super) found: Vec<Todo>,
    pub(super) bytes: usize,
    pub(super) status: u16,
    pub(super) took: std::time::Duration,
}

/// Crawls to the end; how many pages there were and how many bytes they had.
pub(super) fn crawl(job: &Job<'_>) -> Result<(u64, u64), String> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("the baseline's runtime cannot start: {error}"))?;
    let keep = Keep::open(job.path).map_err(|error| error.to_string())?;
    let (pages, kept) = mpsc::sync_channel(WAITING);
    let commit = job.commit.max(1);
    let writer = thread::Builder::new()
        .name("by-hand-store".to_owned())
        .spawn(move || keep.run(&kept, commit))
        .map_err(|error| error.to_string())?;
    let fetched = runtime.block_on(fetch_all(job, &pages));
    drop(pages);
    let written = writer
        .join()
        .map_err(|_| "the baseline's writer panicked".to_owned())?;
    written.map_err(|error| error.to_string())?;
    fetched
}

async fn fetch_all(job: &Job<'_>, kept: &mpsc::SyncSender<Page>) -> Result<(u64, u64), String> {
    let client = client(job.served)?;
    let selectors = Arc::new(Selectors::new());
    let pattern: Arc<str> = job.pattern.as_str().into();
    let start = Todo {
        url: job.start.clone(),
        card: None,
        page: 1,
    };
    let mut known = HashSet::from([start.url.clone()]);
    let mut todo = VecDeque::from([start]);
    let mut flights: JoinSet<Result<Page, String>> = JoinSet::new();
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
        let mut page = landed.map_err(|error| error.to_string())??;
        page.found.retain(|link| known.insert(link.url.clone()));
        todo.extend(page.found.iter().cloned());
        n += 1;
        bytes += page.bytes as u64;
        kept.send(page)
            .map_err(|_| "the baseline's writer has ended".to_owned())?;
    }
}

fn client(served: &Served) -> Result<Client, String> {
    let tls = rustls::ClientConfig::builder_with_provider(Arc::new(
        rustls::crypto::ring::default_provider(),
    ))
    .with_safe_default_protocol_versions()
    .map_err(|error| error.to_string())?
    .with_root_certificates(rustls::RootCertStore::empty())
    .with_no_client_auth();
    let host = served.config.host_names().swap_remove(0);
    Client::builder()
        .no_proxy()
        .tls_backend_preconfigured(tls)
        .resolve(&host, served.addr)
        .pool_max_idle_per_host(IN_FLIGHT)
        .timeout(std::time::Duration::from_secs(30))
        .build()
        .map_err(|error| format!("the baseline's client cannot be built: {error}"))
}

async fn fetch(
    client: &Client,
    selectors: &Selectors,
    pattern: &str,
    todo: Todo,
) -> Result<Page, String> {
    let began = std::time::Instant::now();
    let failed = |error: reqwest::Error| format!("{}: {error}", todo.url);
    let answer = client.get(&todo.url).send().await.map_err(failed)?;
    let status = answer.status().as_u16();
    if status != 200 {
        return Err(format!("{}: status {status}", todo.url));
    }
    let text = answer.text().await.map_err(failed)?;
    let took = began.elapsed();
    let (product, found) = read(selectors, &text, &todo, pattern)?;
    Ok(Page {
        product,
        found,
        bytes: text.len(),
        status,
        took,
        todo,
    })
}

fn read(
    selectors: &Selectors,
    text: &str,
    todo: &Todo,
    pattern: &str,
) -> Result<(Option<Product>, Vec<Todo>), String> {
    if todo.card.is_some() {
        return Ok((Some(read::detail(selectors, text)?), Vec::new()));
    }
    Ok((None, read::list(selectors, text, todo, pattern)))
}

/// A page as it came, for reading it again and again.
pub(super) struct Sample {
    pub(super) todo: Todo,
    pub(super) text: String,
}

/// The first list pages and the first detail pages, so many of each.
pub(super) fn sample(
    served: &Served,
    job: &(String, String),
    many: usize,
) -> Result<[Vec<Sample>; 2], String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    let client = client(served)?;
    let selectors = Selectors::new();
    let mut all = [Vec::new(), Vec::new()];
    let mut todo = VecDeque::from([Todo {
        url: job.0.clone(),
        card: None,
        page: 1,
    }]);
    while let Some(next) = todo.pop_front() {
        let kind = usize::from(next.card.is_some());
        if all[kind].len() == many {
            continue;
        }
        let get = async { client.get(&next.url).send().await?.text().await };
        let text = runtime.block_on(get).map_err(|error| error.to_string())?;
        todo.extend(read(&selectors, &text, &next, &job.1)?.1);
        all[kind].push(Sample { todo: next, text });
    }
    Ok(all)
}

/// Reads a page of a sample.
pub(super) fn read_again(selectors: &Selectors, sample: &Sample) -> Result<(), String> {
    read(selectors, &sample.text, &sample.todo, "").map(drop)
}

/// The records as `crawlfield export` would give them, for checking against the truth.
#[cfg(test)]
pub(super) fn rows(path: &Path) -> Result<Vec<serde_json::Value>, String> {
    keep::rows(path).map_err(|error| error.to_string())
}
