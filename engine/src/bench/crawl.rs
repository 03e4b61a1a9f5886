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

use rusqlite::Connection;

use super::{
    Options, by_hand, cpu, median, remove_database,
    served::Served,
    table::{Bound, Row, Table},
};
use crate::{
    demo,
    run::{self, Ended, Until},
    settings::{Settings, presets},
    site::compiled::{Pages, Site},
};

/// One crawl.
pub(super) struct Crawled {
    pub(super) pages: u64,
    pub(super) bytes: u64,
    pub(super) cpu: Duration,
    pub(super) wall: Duration,
    /// CPU of the engine's own thread.
    pub(super) engine: Duration,
}

impl Crawled {
    fn per_cpu_second(&self) -> f64 {
        per(self.pages, self.cpu)
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of a benchmark")]
fn per(pages: u64, time: Duration) -> f64 {
    pages as f64 / time.as_secs_f64()
}

pub(super) fn measure(options: &Options, folder: &Path) -> Result<Table, String> {
    let served = Served::elsewhere(options.products())?;
    let (ours, theirs) = (folder.join("engine.db"), folder.join("by-hand.db"));
    let mut rates = [Vec::new(), Vec::new()];
    let mut walls = [Vec::new(), Vec::new()];
    let (mut shares, mut commits) = (Vec::new(), Vec::new());
    let mut size = 0.0;
    for _ in 0..options.rounds() {
        remove_database(&ours);
        remove_database(&theirs);
        let engine = engine(&served, &ours)?;
        let commit = pages_per_commit(&ours)?;
        let hand = hand(&served, &theirs, commit)?;
        if hand.pages != engine.pages {
            return Err(format!(
                "the baseline crawled {} pages, the engine {}",
                hand.pages, engine.pages
            ));
        }
        for (slot, crawl) in [&engine, &hand].into_iter().enumerate() {
            rates[slot].push(crawl.per_cpu_second());
            walls[slot].push(per(crawl.pages, crawl.wall));
        }
        shares.push(100.0 * engine.engine.as_secs_f64() / engine.cpu.as_secs_f64());
        commits.push(f64::from(u32::try_from(commit).unwrap_or(u32::MAX)));
        size = 1e-3 / per(hand.pages, Duration::from_secs(hand.bytes));
    }
    remove_database(&ours);
    let [engine, hand] = rates.map(median);
    let [engine_wall, hand_wall] = walls.map(median);
    let mut rows = vec![
        Row::figure("pages per CPU-second, beside by hand", engine)
            .beside(hand)
            .bound(Bound::AtLeast(0.9)),
        Row::figure("CPU µs a page, beside by hand", 1e6 / engine).beside(1e6 / hand),
        Row::figure("pages per second of wall time, beside by hand", engine_wall).beside(hand_wall),
        Row::figure("engine's thread, % of the CPU", median(shares)).bound(Bound::AtMost(3.0)),
    ];
    for (name, share) in shares_by_thread(&served, &ours)? {
        rows.push(Row::figure(format!("  {name}, % of the CPU"), share));
    }
    rows.push(Row::figure("pages a commit", median(commits)));
    rows.push(Row::figure("kB of HTML a page", size));
    remove_database(&ours);
    remove_database(&theirs);
    Ok(Table {
        name: "crawl",
        title: format!(
            "a crawl of {} products, all fields stored at synchronous=FULL, median of {}",
            options.products(),
            options.rounds()
        ),
        rows,
    })
}

/// The demo's site without a brake.
pub(super) fn site(served: &Served) -> Result<Site, String> {
    let text = demo::site_toml(&served.config);
    let mut site = Site::load(&text, "demo.toml").map_err(|errors| errors.to_string())?;
    site.politeness.max_rate = Some(1e6);
    Ok(site)
}

/// Where its crawl begins, and where list page `{page}` is.
pub(super) fn lists_of(site: &Site) -> Result<(String, String), String> {
    let start = site.start.first().map(ToString::to_string);
    let start = start.ok_or_else(|| "the demo has no start URL".to_owned())?;
    match &site.stage(site.enter).pages {
        Some(Pages::Pattern { pattern, .. }) => Ok((start, pattern.clone())),
        _ => Err("the demo's list has no pattern".to_owned()),
    }
}

/// Crawls with the engine into a store.
pub(super) fn engine(served: &Served, store: &Path) -> Result<Crawled, String> {
    let (began, before) = (Instant::now(), cpu::of_process());
    let mut settings = Settings::default();
    presets::apply(&mut settings, run::cores());
    let opened = run::open_store(store).map_err(|error| error.to_string())?;
    let running = run::start(settings.clone(), opened, Until::SessionsOver)
        .map_err(|error| format!("the engine cannot start: {error}"))?;
    served.begin(&running, site(served)?, &settings)?;
    let ended = running.finish();
    let (cpu, wall) = (cpu::of_process().saturating_sub(before), began.elapsed());
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
fn counted(ended: &Ended) -> Result<(u64, u64), String> {
    let result = ended
        .sessions
        .first()
        .and_then(|(_, _, result)| result.as_ref())
        .ok_or("the benched session has no result")?;
    let n = |name: &str| result[name].as_u64().unwrap_or(0);
    if n("dead") + n("skipped") > 0 || result["outcome"] != "completed" {
        return Err(format!("the benched crawl did not go well: {result}"));
    }
    Ok((n("done"), n("bytes")))
}

/// Crawls with the loop written by hand.
pub(super) fn hand(served: &Served, path: &Path, commit: usize) -> Result<Crawled, String> {
    let (began, before) = (Instant::now(), cpu::of_process());
    let site = site(served)?;
    let (start, pattern) = lists_of(&site)?;
    let job = by_hand::Job {
        served,
        path,
        commit,
        start,
        pattern,
    };
    let (pages, bytes) = by_hand::crawl(&job)?;
    Ok(Crawled {
        pages,
        bytes,
        cpu: cpu::of_process().saturating_sub(before),
        wall: began.elapsed(),
        engine: Duration::ZERO,
    })
}

/// How many pages the engine ended in one commit: all attempts of a commit bear its time.
fn pages_per_commit(store: &Path) -> Result<usize, String> {
    let read = || {
        Connection::open(store)?.query_row(
            "SELECT count(*) / max(1, count(DISTINCT ended_at)) FROM cf_attempt",
            [],
            |row| row.get(0),
        )
    };
    let pages: i64 = read().map_err(|error: rusqlite::Error| error.to_string())?;
    Ok(usize::try_from(pages).unwrap_or(1).max(1))
}

/// A crawl of its own, for the looking costs a little too: shares of the CPU in percent.
fn shares_by_thread(served: &Served, store: &Path) -> Result<Vec<(String, f64)>, String> {
    let over = Arc::new(AtomicBool::new(false));
    let watch = {
        let over = Arc::clone(&over);
        let look = move || {
            let first = cpu::by_thread();
            let mut last = BTreeMap::new();
            while !over.load(Ordering::Relaxed) {
                last.extend(cpu::by_thread());
                thread::sleep(Duration::from_millis(20));
            }
            for (name, before) in first {
                last.entry(name)
                    .and_modify(|now: &mut Duration| *now = now.saturating_sub(before));
            }
            last
        };
        let named = thread::Builder::new().name("bench-watch".to_owned());
        named.spawn(look).map_err(|error| error.to_string())?
    };
    let crawled = engine(served, store);
    over.store(true, Ordering::Relaxed);
    let seen = watch.join().map_err(|_| "the watch panicked".to_owned())?;
    crawled?;
    let all: f64 = seen.values().map(Duration::as_secs_f64).sum();
    let mut shares: Vec<_> = seen
        .into_iter()
        .map(|(name, time)| (name, 100.0 * time.as_secs_f64() / all))
        .filter(|(_, share)| *share >= 0.1)
        .collect();
    shares.sort_by(|a, b| b.1.total_cmp(&a.1));
    Ok(shares)
}
