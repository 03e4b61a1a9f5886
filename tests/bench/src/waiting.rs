//! What it costs to wait: an engine with nothing to do, tasks that only wait, and their memory. It
//! is weighed in a process of its own: what an earlier bench left allocated would hide what the next
//! one takes.

use std::{path::Path, thread, time::Duration, time::Instant};

use crawlfield_engine::{
    live::store::wall_ms,
    message::commands::{Command, Target},
    model::ids::SessionId,
    run::Until,
    store::Store,
};

use crate::{
    Options, Result, child,
    crawl::remove_store,
    demo_site::DemoSite,
    null_backend::{Frames, NullBackend},
    table::{Part, Row},
    timing::{cpu_of_process, median, resident},
};

/// An engine paused, and one whose host has to be waited for.
pub(crate) fn measure_idle(options: &Options) -> Result<Part> {
    let site = DemoSite::start(options.pick(600, 600, 59))?;
    let span = Duration::from_millis(options.pick(10_000, 3_000, 200));
    let store = options.file("idle.db");
    let waiting = idle_share(&site, &store, span, false)?;
    let paused = idle_share(&site, &store, span, true)?;
    Ok(Part {
        title: format!("an engine with nothing to do for {} s", span.as_secs_f64()),
        rows: vec![
            Row::figure("all hosts waiting, % of a core", waiting).at_most(1.0),
            Row::figure("paused, % of a core", paused).at_most(1.0),
        ],
    })
}

/// CPU of the whole process over `span`, in percent of a core.
fn idle_share(site: &DemoSite, store: &Path, span: Duration, pause: bool) -> Result<f64> {
    remove_store(store);
    // One request a minute: after the first ones everything waits for the host.
    let running = site.crawl(site.site(1.0 / 60.0)?, store, Until::Shutdown, None)?;
    if pause {
        running.ask(Command::Pause(Target::Engine))?;
    }
    // What was begun has ended by then.
    thread::sleep(Duration::from_secs(1));
    let before = cpu_of_process();
    thread::sleep(span);
    let used = cpu_of_process().saturating_sub(before);
    running.ask(Command::Shutdown)?;
    let _ = running.join();
    remove_store(store);
    Ok(100.0 * used.as_secs_f64() / span.as_secs_f64())
}

/// A tick in which nothing changes, and memory.
pub(crate) fn measure(options: &Options) -> Result<Part> {
    let million = options.pick(1_000_000, 100_000, 1_000);
    let lives = lives(options);
    let grown = weigh("window", &million.to_string(), 0)?;
    let mut backend = NullBackend::with_waiting(million, Frames::Mirrored(Box::default()))?;
    let ticks = options.pick(5_000, 5_000, 50);
    let busy = tick(&mut backend, ticks);
    backend.command(Command::Pause(Target::Engine));
    backend.tick();
    let paused = tick(&mut backend, ticks);
    let resident = backend.resident();
    drop(backend);
    let one = weigh("frontier", "1000000", lives)?;
    let ten = weigh("frontier", "10000000", lives)?;
    let rows = vec![
        Row::figure("µs a tick, permits all out (median)", busy).at_most(20.0),
        Row::figure("µs a tick, paused (median)", paused).at_most(20.0),
        Row::figure(
            "bytes a waiting task, with URL and the feed's mirror",
            grown / f64::from(resident),
        )
        .at_most(400.0),
        Row::figure(
            "MB with 10,000,000 in the frontier, beside 1,000,000",
            ten / 1e6,
        )
        .beside(one / 1e6)
        .at_most(1.1),
    ];
    Ok(Part {
        title: format!("{million} tasks waiting in the window"),
        rows,
    })
}

/// The median of a step in which nothing changes, in µs.
fn tick(backend: &mut NullBackend, ticks: usize) -> f64 {
    for _ in 0..50 {
        backend.tick();
    }
    let mut times = Vec::with_capacity(ticks);
    for _ in 0..ticks {
        let began = Instant::now();
        backend.step();
        times.push(began.elapsed().as_secs_f64() * 1e6);
        backend.tick();
    }
    median(times)
}

/// The session that a store to be weighed has open.
pub(crate) const LAST: SessionId = SessionId(2);

/// Pages that an engine crawls before it is weighed.
pub(crate) fn lives(options: &Options) -> u64 {
    options.pick(50_000, 50_000, 500)
}

/// Bytes that a process takes more for one thing: `window`, an engine with so many tasks waiting in
/// it, and the feed's mirror; `frontier`, an engine with a small window that has crawled so many
/// pages, of so many in a store that is not there; `store`, the same over the store at this path.
pub(crate) fn weigh(what: &str, of: &str, lives: u64) -> Result<f64> {
    let output = child(&["weigh", what, of, &lives.to_string()])?
        // What the allocator keeps for later use, freed but not given back, is nobody's: it
        // differs from run to run by a quarter of the whole.
        .env("MIMALLOC_PURGE_DELAY", "0")
        .output()?;
    let told = String::from_utf8_lossy(&output.stdout);
    let bytes = told.trim().parse().map_err(|_| {
        let why = String::from_utf8_lossy(&output.stderr);
        format!("the weighing process failed: {why}")
    })?;
    Ok(bytes)
}

/// The other side: weighs one thing here and tells the bytes on standard output.
pub(crate) fn weigh_here(what: &str, of: &str, lives: u64) -> Result<()> {
    let before = resident();
    let mut backend = match what {
        "window" => NullBackend::with_waiting(of.parse()?, Frames::Mirrored(Box::default()))?,
        "frontier" => NullBackend::with_frontier(of.parse()?),
        "store" => {
            let store = Store::open(Path::new(of), Box::new(wall_ms));
            NullBackend::over(store.map_err(|error| error.to_string())?, LAST)
        }
        other => return Err(format!("{other:?} cannot be weighed").into()),
    };
    if lives > 0 {
        crawl(&mut backend, lives)?;
    }
    // What was kept for a busy tick goes in quiet ones.
    for _ in 0..20 {
        backend.tick();
    }
    println!("{}", resident().saturating_sub(before));
    Ok(())
}

fn crawl(backend: &mut NullBackend, lives: u64) -> Result<()> {
    backend.holds = false;
    for _ in 0..200_000 {
        if backend.lives >= lives {
            return Ok(());
        }
        backend.tick();
    }
    Err(format!("the crawl stands still after {} pages", backend.lives).into())
}
