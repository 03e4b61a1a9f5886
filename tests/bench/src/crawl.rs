//! A whole crawl of the demo's pages: pages per CPU-second of this process, the engine beside the
//! loop written by hand, turn by turn; and which threads the CPU went to.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crawlfield_engine::{
    demo::{self, Catalogue},
    live::parse::Reader,
    run::{RunOutcome, Until},
    store::export::export_jsonl,
};
use rusqlite::Connection;
use serde_json::Value as Json;

use crate::{
    Options, Result, by_hand,
    demo_site::DemoSite,
    table::{Part, Row},
    timing::{cpu_of_process, median, threads},
};

/// What one crawl took.
pub(crate) struct Crawled {
    pages: u64,
    bytes: u64,
    cpu: Duration,
    wall: Duration,
    /// CPU of the engine's own thread.
    engine: Duration,
}

impl Crawled {
    pub(crate) fn per_cpu_second(&self) -> f64 {
        self.pages as f64 / self.cpu.as_secs_f64()
    }

    fn per_second(&self) -> f64 {
        self.pages as f64 / self.wall.as_secs_f64()
    }
}

/// Products of the crawled catalogue; its last list page is not full, or the engine would look
/// whether there is one more.
pub(crate) fn products(options: &Options) -> u32 {
    options.pick(12_005, 605, 59)
}

pub(crate) fn measure(options: &Options) -> Result<Part> {
    let site = DemoSite::start(products(options))?;
    let (ours, theirs) = (options.file("engine.db"), options.file("by-hand.db"));
    let mut rates = [Vec::new(), Vec::new()];
    let mut walls = [Vec::new(), Vec::new()];
    let (mut shares, mut commits, mut page_bytes) = (Vec::new(), Vec::new(), 0.0);
    for _ in 0..options.rounds() {
        remove_store(&ours);
        remove_store(&theirs);
        let engine = by_engine(&site, &ours, None)?;
        let commit = pages_per_commit(&ours)?;
        let hand = by_hand(&site, &theirs, commit)?;
        if hand.pages != engine.pages {
            let (hand, engine) = (hand.pages, engine.pages);
            return Err(format!("the baseline crawled {hand} pages, the engine {engine}").into());
        }
        for (at, crawl) in [&engine, &hand].into_iter().enumerate() {
            rates[at].push(crawl.per_cpu_second());
            walls[at].push(crawl.per_second());
        }
        shares.push(100.0 * engine.engine.as_secs_f64() / engine.cpu.as_secs_f64());
        commits.push(commit as f64);
        page_bytes = hand.bytes as f64 / hand.pages as f64;
    }
    verify(&site, exported(&ours)?)?;
    verify(&site, by_hand::products(&theirs)?)?;
    let [engine, hand] = rates.map(median);
    let [engine_wall, hand_wall] = walls.map(median);
    let mut rows = vec![
        Row::figure("pages per CPU-second, beside by hand", engine)
            .beside(hand)
            .at_least(0.9),
        Row::figure("CPU µs a page, beside by hand", 1e6 / engine).beside(1e6 / hand),
        Row::figure("pages per second of wall time, beside by hand", engine_wall).beside(hand_wall),
        Row::figure("engine's thread, % of the CPU", median(shares)).at_most(3.0),
    ];
    remove_store(&ours);
    for (name, share) in shares_by_thread(&site, &ours)? {
        rows.push(Row::figure(format!("  {name}, % of the CPU"), share));
    }
    rows.push(Row::figure("pages a commit", median(commits)));
    rows.push(Row::figure("kB of HTML a page", page_bytes / 1e3));
    remove_store(&ours);
    remove_store(&theirs);
    Ok(Part {
        title: format!(
            "a crawl of {} products, all fields stored at synchronous=FULL, median of {}",
            site.config.products,
            options.rounds()
        ),
        rows,
    })
}

/// Crawls with the engine into a new store.
pub(crate) fn by_engine(site: &DemoSite, store: &Path, reader: Option<Reader>) -> Result<Crawled> {
    let (began, before) = (Instant::now(), cpu_of_process());
    let running = site.crawl(site.site(1e6)?, store, Until::SessionsOver, reader)?;
    let ended = running.finish();
    let (cpu, wall) = (cpu_of_process().saturating_sub(before), began.elapsed());
    let (pages, bytes) = counted(&ended)?;
    Ok(Crawled {
        pages,
        bytes,
        cpu,
        wall,
        engine: ended.engine_cpu.unwrap_or_default(),
    })
}

/// Pages and bytes of the one session, which must have saved everything.
fn counted(ended: &RunOutcome) -> Result<(u64, u64)> {
    let session = ended.sessions.first();
    let result = session
        .and_then(|(_, _, result)| result.as_ref())
        .ok_or("the benched session has no result")?;
    let n = |name: &str| result[name].as_u64().unwrap_or(0);
    if n("dead") + n("skipped") > 0 || result["outcome"] != "completed" {
        return Err(format!("the benched crawl did not go well: {result}").into());
    }
    Ok((n("done"), n("bytes")))
}

fn by_hand(site: &DemoSite, path: &Path, commit: usize) -> Result<Crawled> {
    let (began, before) = (Instant::now(), cpu_of_process());
    let (pages, bytes) = by_hand::crawl(site, path, commit)?;
    Ok(Crawled {
        pages,
        bytes,
        cpu: cpu_of_process().saturating_sub(before),
        wall: began.elapsed(),
        engine: Duration::ZERO,
    })
}

/// Whether these are all products, each once and with every field right.
pub(crate) fn verify(site: &DemoSite, products: Vec<Json>) -> Result<()> {
    let truth = Catalogue::new(site.config.clone());
    let verdict = demo::verify(&truth, products.into_iter());
    if verdict.is_right() {
        Ok(())
    } else {
        Err(verdict.to_string().into())
    }
}

/// The products in a store of the engine.
pub(crate) fn exported(store: &Path) -> Result<Vec<Json>> {
    let mut out = Vec::new();
    export_jsonl(store, "product", None, &mut out).map_err(|error| error.to_string())?;
    let rows = serde_json::Deserializer::from_slice(&out).into_iter();
    Ok(rows.collect::<serde_json::Result<_>>()?)
}

/// How many pages the engine ended in one commit: all attempts of a commit bear its time.
fn pages_per_commit(store: &Path) -> Result<usize> {
    let pages: u32 = Connection::open(store)?.query_row(
        "SELECT count(*) / max(1, count(DISTINCT ended_at)) FROM cf_attempt",
        [],
        |row| row.get(0),
    )?;
    Ok(pages.max(1) as usize)
}

/// A crawl of its own, for the looking costs a little too: shares of the CPU in percent.
fn shares_by_thread(site: &DemoSite, store: &Path) -> Result<Vec<(String, f64)>> {
    let by_name = || {
        let mut all = BTreeMap::<String, Duration>::new();
        for thread in threads() {
            *all.entry(thread.name).or_default() += thread.cpu;
        }
        all
    };
    let is_over = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&is_over);
    let watch = thread::Builder::new().name("bench-watch".to_owned());
    let watch = watch.spawn(move || {
        let first = by_name();
        let mut last = BTreeMap::new();
        while !told.load(Ordering::Relaxed) {
            last.extend(by_name());
            thread::sleep(Duration::from_millis(20));
        }
        for (name, before) in first {
            last.entry(name)
                .and_modify(|now: &mut Duration| *now = now.saturating_sub(before));
        }
        last
    })?;
    let crawled = by_engine(site, store, None);
    is_over.store(true, Ordering::Relaxed);
    let seen = watch.join().expect("the watch does not panic");
    crawled?;
    let all: f64 = seen.values().map(Duration::as_secs_f64).sum();
    let shares = seen.into_iter();
    let mut shares: Vec<_> = shares
        .map(|(name, time)| (name, 100.0 * time.as_secs_f64() / all))
        .filter(|(_, share)| *share >= 0.1)
        .collect();
    shares.sort_by(|a, b| b.1.total_cmp(&a.1));
    Ok(shares)
}

/// Removes a store file with what stands beside it.
pub(crate) fn remove_store(path: &Path) {
    for ending in ["", "-wal", "-shm", ".lock"] {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        std::fs::remove_file(name).ok();
    }
}
