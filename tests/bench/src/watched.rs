//! What it costs to be watched: from a move to a subscriber's inbox, the engine's thread with and
//! without a subscriber, and whether what a slow one lost is counted to the last change.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use crawlfield_engine::feed::{
    hub::{self, Hub, Item, Subscription},
    mirror::Mirror,
};

use crate::{
    Options, Result,
    null_backend::{Frames, NullBackend},
    table::{Part, Row},
    timing::{cpu_of_this_thread, median, share, sorted},
};

/// Changes a second.
const RATE: u32 = 10_000;
/// After somebody has joined or left.
const SETTLING: Duration = Duration::from_millis(100);
/// Items of a viewer's inbox.
const INBOX: usize = 4_096;

pub(crate) fn measure(options: &Options) -> Result<Part> {
    // Tasks in the window.
    let waiting = options.pick(20_000, 20_000, 2_000);
    let span = Duration::from_millis(options.pick(10_000, 2_000, 200));
    let delays = delays(waiting, span)?;
    // The CPU time of so long an engine's life is one figure.
    let span = Duration::from_millis(options.pick(100, 100, 400));
    let (with, without) = costs(waiting, options.pick(240, 20, 2), span)?;
    let pairs = with.iter().zip(&without);
    let ratios = sorted(pairs.map(|(with, without)| with / without).collect());
    let (low, high) = interval(&ratios);
    let (lost, told) = loss(waiting, options.pick(400_000, 400_000, 150_000))?;
    Ok(Part {
        title: format!("an engine that is watched at {RATE} changes a second"),
        rows: vec![
            Row::figure("from a move to the inbox, median ms", share(&delays, 0.5)).at_most(5.0),
            Row::figure("from a move to the inbox, 95 % ms", share(&delays, 0.95)).at_most(50.0),
            Row::figure("engine's thread, us a task, watched and not", median(with))
                .beside(median(without)),
            Row::figure(
                format!("the same, median of {} pairs' ratios", ratios.len()),
                share(&ratios, 0.5),
            )
            .at_most(1.03),
            Row::figure("that median is above, 95 of 100 times", low),
            Row::figure("that median is below, 95 of 100 times", high),
            Row::figure(
                "changes that a stalled subscriber lost, told and true",
                told,
            )
            .beside(lost)
            .at_least(1.0),
            Row::figure("the same, not too many told", told)
                .beside(lost)
                .at_most(1.0),
        ],
    })
}

/// The 95 % interval of a median, by the ranks that a fair coin gives.
fn interval(sorted: &[f64]) -> (f64, f64) {
    let count = sorted.len() as f64;
    let reach = 0.98 * count.sqrt() / (count - 1.0).max(1.0);
    (share(sorted, 0.5 - reach), share(sorted, 0.5 + reach))
}

/// An engine whose frames go to a hub.
fn engine(waiting: u32) -> Result<(NullBackend, Hub)> {
    let (feeder, hub) = hub::start()?;
    let mut backend = NullBackend::with_waiting(waiting, Frames::Sent(feeder))?;
    backend.refills = true;
    backend.holds = false;
    Ok((backend, hub))
}

/// Whether as much was told since then as is due: the engine waits, as the live loop does.
fn is_ahead(backend: &NullBackend, first: u64, from: Instant) -> bool {
    (backend.changes - first) as f64 > from.elapsed().as_secs_f64() * f64::from(RATE)
}

/// Ticks at a steady rate of changes for so long; the CPU time of this thread for a task.
fn run(backend: &mut NullBackend, began: Instant, span: Duration) -> f64 {
    let (before, lives) = (cpu_of_this_thread(), backend.lives);
    let (from, first) = (Instant::now(), backend.changes);
    while from.elapsed() < span {
        backend.holds = is_ahead(backend, first, from);
        backend.wait_until(began.elapsed());
        backend.tick();
        if backend.holds {
            thread::sleep(Duration::from_millis(1));
        }
    }
    let spent = cpu_of_this_thread().saturating_sub(before);
    spent.as_secs_f64() * 1e6 / (backend.lives - lives).max(1) as f64
}

/// Milliseconds from each tick to the moment when its changes were taken out of the inbox; sorted.
fn delays(waiting: u32, span: Duration) -> Result<Vec<f64>> {
    let (mut backend, hub) = engine(waiting)?;
    let began = Instant::now();
    // The engine's clock has run ahead while it was filled.
    let ahead = Duration::from_hours(1);
    backend.wait_until(ahead);
    let reader = reader(hub.subscribe(INBOX), move |item| match item {
        Item::Changes(tick) => {
            let at = Duration::from_micros(tick.at_us).saturating_sub(ahead);
            let late = began.elapsed().saturating_sub(at).as_secs_f64() * 1e3;
            Some(vec![late; tick.changes.len()])
        }
        _ => Some(Vec::new()),
    })?;
    let first = backend.changes;
    while began.elapsed() < span {
        backend.holds = is_ahead(&backend, first, began);
        backend.wait_until(ahead + began.elapsed());
        backend.tick();
        thread::sleep(Duration::from_millis(1));
    }
    drop(backend);
    Ok(sorted(joined(reader)))
}

/// The CPU time of the engine's thread for a task, watched and not, by pairs of short spans of one
/// engine's life: what else changes with time changes for both.
fn costs(waiting: u32, pairs: u32, span: Duration) -> Result<(Vec<f64>, Vec<f64>)> {
    let (mut backend, hub) = engine(waiting)?;
    let began = Instant::now();
    run(&mut backend, began, SETTLING * 4);
    let (mut with, mut without) = (Vec::new(), Vec::new());
    let mut watcher: Option<Watcher> = None;
    for pair in 0..pairs {
        // Whoever runs first finds another cache: they take turns.
        for is_watched in [pair % 2 == 0, pair % 2 == 1] {
            if is_watched != watcher.is_some() {
                match watcher.take() {
                    Some(watcher) => watcher.leave(&mut backend, began),
                    None => watcher = Some(Watcher::join(&hub)?),
                }
                // The key frame of who joins, and caches.
                run(&mut backend, began, SETTLING);
            }
            let cost = run(&mut backend, began, span);
            if is_watched { &mut with } else { &mut without }.push(cost);
        }
    }
    drop(backend);
    if let Some(watcher) = watcher {
        joined(watcher.thread);
    }
    Ok((with, without))
}

/// A subscriber that drains the feed into a mirror, as a viewer does, until it shall leave.
struct Watcher {
    thread: JoinHandle<Vec<f64>>,
    shall_leave: Arc<AtomicBool>,
}

impl Watcher {
    fn join(hub: &Hub) -> Result<Self> {
        let shall_leave = Arc::new(AtomicBool::new(false));
        let mut mirror = Mirror::tracking();
        let leaves = Arc::clone(&shall_leave);
        let thread = reader(hub.subscribe(INBOX), move |item| {
            match item {
                Item::Key { frame, .. } => mirror.apply_key(frame),
                Item::Changes(tick) => mirror.apply(tick),
                Item::Snapshot(_) | Item::Closed => {}
            }
            mirror.take_dirty();
            (!leaves.load(Ordering::Relaxed)).then(Vec::new)
        })?;
        Ok(Self {
            thread,
            shall_leave,
        })
    }

    /// It looks at the flag with the next change.
    fn leave(self, backend: &mut NullBackend, began: Instant) {
        self.shall_leave.store(true, Ordering::Relaxed);
        while !self.thread.is_finished() {
            run(backend, began, Duration::from_millis(20));
        }
        joined(self.thread);
    }
}

/// A subscriber that stalls while more is told than waits for it, and then reads on: what it
/// lost in truth, and what it was told.
fn loss(waiting: u32, changes: u64) -> Result<(f64, f64)> {
    let (mut backend, hub) = engine(waiting)?;
    let subscription = hub.subscribe(4);
    let first = backend.changes;
    while backend.changes - first < changes {
        backend.tick();
    }
    let all = backend.changes;
    drop(backend);
    let (mut received, mut told, mut from) = (0, 0, None);
    loop {
        match subscription.recv_timeout(Duration::from_secs(30)) {
            None => return Err("the hub fell silent".into()),
            Some(Item::Closed) => break,
            Some(Item::Key { frame, lost }) => {
                // What was told before it joined is no loss.
                from.get_or_insert(frame.seq);
                told = lost;
            }
            Some(Item::Changes(tick)) => received += tick.changes.len() as u64,
            Some(Item::Snapshot(snapshot)) => told = snapshot.lost,
        }
    }
    let missed = all.saturating_sub(from.unwrap_or(0) + received);
    Ok((missed as f64, told as f64))
}

/// Reads until the feed ends or `read` gives nothing; what it gave.
fn reader(
    subscription: Subscription,
    mut read: impl FnMut(&Item) -> Option<Vec<f64>> + Send + 'static,
) -> Result<JoinHandle<Vec<f64>>> {
    let thread = thread::Builder::new().name("subscriber".to_owned());
    let read_all = move || {
        let mut all = Vec::new();
        while let Some(item) = subscription.recv_timeout(Duration::from_secs(30)) {
            match read(&item).filter(|_| !matches!(item, Item::Closed)) {
                Some(more) => all.extend(more),
                None => break,
            }
        }
        all
    };
    Ok(thread.spawn(read_all)?)
}

fn joined(reader: JoinHandle<Vec<f64>>) -> Vec<f64> {
    reader.join().expect("a subscriber does not panic")
}
