//! What it costs to be watched: from a move to a subscriber's inbox, the engine's thread with and
//! without a subscriber, and whether what a slow one lost is counted to the last change.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use super::{
    Options, cpu, median,
    null_end::{Frames, NullEnd},
    table::{Bound, Row, Table},
};
use crate::feed::{
    hub::{self, Hub, Item, Subscription},
    mirror::Mirror,
};

/// Tasks in the window.
const WAITING: u32 = 20_000;
/// Changes a second.
const RATE: u32 = 10_000;
/// The CPU time of so long an engine's life is one figure.
const SPAN: Duration = Duration::from_millis(100);
/// After somebody has joined or left.
const SETTLING: Duration = Duration::from_millis(100);
/// Items of a viewer's inbox.
const INBOX: usize = 4_096;

pub(super) fn measure(options: &Options, _folder: &Path) -> Result<Table, String> {
    let seconds = if options.quick { 2 } else { 10 };
    let delays = delays(Duration::from_secs(seconds))?;
    let (with, without) = costs(if options.quick { 20 } else { 240 })?;
    let pairs = with.iter().zip(&without);
    let mut ratios: Vec<f64> = pairs.map(|(with, without)| with / without).collect();
    ratios.sort_by(f64::total_cmp);
    let (low, high) = interval(&ratios);
    let (lost, told) = loss()?;
    Ok(Table {
        name: "watched",
        title: format!("an engine that is watched at {RATE} changes a second"),
        rows: vec![
            Row::figure("from a move to the inbox, median ms", share(&delays, 0.5))
                .bound(Bound::AtMost(5.0)),
            Row::figure("from a move to the inbox, 95 % ms", share(&delays, 0.95))
                .bound(Bound::AtMost(50.0)),
            Row::figure("engine's thread, us a task, watched and not", median(with))
                .beside(median(without)),
            Row::figure(
                format!("the same, median of {} pairs' ratios", ratios.len()),
                median(ratios),
            )
            .bound(Bound::AtMost(1.03)),
            Row::figure("that median is above, 95 of 100 times", low),
            Row::figure("that median is below, 95 of 100 times", high),
            Row::figure(
                "changes that a stalled subscriber lost, told and true",
                told,
            )
            .beside(lost)
            .bound(Bound::AtLeast(1.0)),
            Row::figure("the same, not too many told", told)
                .beside(lost)
                .bound(Bound::AtMost(1.0)),
        ],
    })
}

/// The 95 % interval of a median, by the ranks that a fair coin gives.
fn interval(sorted: &[f64]) -> (f64, f64) {
    let count = number(sorted.len() as u64);
    let reach = 0.98 * count.sqrt() / (count - 1.0).max(1.0);
    (share(sorted, 0.5 - reach), share(sorted, 0.5 + reach))
}

/// The value below which this share lies.
fn share(sorted: &[f64], share: f64) -> f64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a place in a list that is in memory"
    )]
    let at = (sorted.len().saturating_sub(1) as f64 * share.clamp(0.0, 1.0)) as usize;
    sorted.get(at).copied().unwrap_or(f64::NAN)
}

/// An engine whose frames go to a hub.
fn engine() -> Result<(NullEnd, Hub), String> {
    let (feeder, hub) = hub::start().map_err(|error| format!("no thread for the hub: {error}"))?;
    let mut end = NullEnd::filled(WAITING, Frames::Sent(feeder, 0))?;
    end.refills = true;
    end.holds = false;
    Ok((end, hub))
}

fn sent(end: &NullEnd) -> u64 {
    match &end.frames {
        Frames::Sent(_, changes) => *changes,
        Frames::Encoded(_) | Frames::Mirrored(_) => 0,
    }
}

/// Whether as much was told since then as is due: the engine waits, as the live loop does.
fn is_ahead(end: &NullEnd, first: u64, from: Instant) -> bool {
    number(sent(end) - first) > from.elapsed().as_secs_f64() * f64::from(RATE)
}

/// Ticks at a steady rate of changes for so long; the CPU time of this thread for a task.
fn run(end: &mut NullEnd, began: Instant, span: Duration) -> f64 {
    let (before, lives) = (cpu::of_this_thread(), end.lives);
    let (from, first) = (Instant::now(), sent(end));
    while from.elapsed() < span {
        end.holds = is_ahead(end, first, from);
        end.wait_until(began.elapsed());
        end.tick();
        if end.holds {
            thread::sleep(Duration::from_millis(1));
        }
    }
    let spent = cpu::of_this_thread().saturating_sub(before);
    spent.as_secs_f64() * 1e6 / number((end.lives - lives).max(1))
}

#[expect(clippy::cast_precision_loss, reason = "counts of a benchmark")]
const fn number(n: u64) -> f64 {
    n as f64
}

/// Milliseconds from each tick to the moment when its changes were taken out of the inbox; sorted.
fn delays(span: Duration) -> Result<Vec<f64>, String> {
    let (mut end, hub) = engine()?;
    let began = Instant::now();
    // The engine's clock has run ahead while it was filled.
    let ahead = Duration::from_hours(1);
    end.wait_until(ahead);
    let reader = reader(hub.subscribe(INBOX), move |item| match item {
        Item::Changes(tick) => {
            let at = Duration::from_micros(tick.at_us).saturating_sub(ahead);
            let late = began.elapsed().saturating_sub(at).as_secs_f64() * 1e3;
            Some(vec![late; tick.changes.len()])
        }
        _ => Some(Vec::new()),
    })?;
    let first = sent(&end);
    while began.elapsed() < span {
        end.holds = is_ahead(&end, first, began);
        end.wait_until(ahead + began.elapsed());
        end.tick();
        thread::sleep(Duration::from_millis(1));
    }
    drop(end);
    let mut delays: Vec<f64> = joined(reader)?;
    delays.sort_by(f64::total_cmp);
    Ok(delays)
}

/// The CPU time of the engine's thread for a task, watched and not, by pairs of short spans of one
/// engine's life: what else changes with time changes for both.
fn costs(pairs: u32) -> Result<(Vec<f64>, Vec<f64>), String> {
    let (mut end, hub) = engine()?;
    let began = Instant::now();
    run(&mut end, began, SETTLING * 4);
    let (mut with, mut without) = (Vec::new(), Vec::new());
    let mut watcher: Option<Watcher> = None;
    for pair in 0..pairs {
        // Whoever runs first finds another cache: they take turns.
        for is_watched in [pair % 2 == 0, pair % 2 == 1] {
            if is_watched != watcher.is_some() {
                match watcher.take() {
                    Some(watcher) => watcher.leave(&mut end, began)?,
                    None => watcher = Some(Watcher::join(&hub)?),
                }
                // The key frame of who joins, and caches.
                run(&mut end, began, SETTLING);
            }
            let cost = run(&mut end, began, SPAN);
            if is_watched { &mut with } else { &mut without }.push(cost);
        }
    }
    drop(end);
    if let Some(watcher) = watcher {
        joined(watcher.thread)?;
    }
    Ok((with, without))
}

/// A subscriber that drains the feed into a mirror, as a viewer does, until it is told to leave.
struct Watcher {
    thread: JoinHandle<Vec<f64>>,
    shall_leave: Arc<AtomicBool>,
}

impl Watcher {
    fn join(hub: &Hub) -> Result<Self, String> {
        let shall_leave = Arc::new(AtomicBool::new(false));
        let mut mirror = Mirror::tracking();
        let told = Arc::clone(&shall_leave);
        let thread = reader(hub.subscribe(INBOX), move |item| {
            match item {
                Item::Key { frame, .. } => mirror.apply_key(frame),
                Item::Changes(tick) => mirror.apply(tick),
                Item::Snapshot(_) | Item::Closed => {}
            }
            mirror.take_dirty();
            (!told.load(Ordering::Relaxed)).then(Vec::new)
        })?;
        Ok(Self {
            thread,
            shall_leave,
        })
    }

    /// It hears that with the next change.
    fn leave(self, end: &mut NullEnd, began: Instant) -> Result<(), String> {
        self.shall_leave.store(true, Ordering::Relaxed);
        while !self.thread.is_finished() {
            run(end, began, Duration::from_millis(20));
        }
        joined(self.thread).map(drop)
    }
}

/// A subscriber that stalls while more is told than waits for it, and then reads on: what it
/// lost in truth, and what it was told.
fn loss() -> Result<(f64, f64), String> {
    let (mut end, hub) = engine()?;
    let subscription = hub.subscribe(4);
    let first = sent(&end);
    while sent(&end) - first < 400_000 {
        end.tick();
    }
    let all = sent(&end);
    drop(end);
    let (mut received, mut told, mut from) = (0, 0, None);
    loop {
        match subscription.recv_timeout(Duration::from_secs(30)) {
            None => return Err("the hub fell silent".to_owned()),
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
    Ok((number(missed), number(told)))
}

fn reader(
    subscription: Subscription,
    mut hear: impl FnMut(&Item) -> Option<Vec<f64>> + Send + 'static,
) -> Result<JoinHandle<Vec<f64>>, String> {
    let read = move || {
        let mut heard = Vec::new();
        while let Some(item) = subscription.recv_timeout(Duration::from_secs(30)) {
            if matches!(item, Item::Closed) {
                break;
            }
            match hear(&item) {
                Some(more) => heard.extend(more),
                None => break,
            }
        }
        heard
    };
    thread::Builder::new()
        .name("subscriber".to_owned())
        .spawn(read)
        .map_err(|error| format!("no thread for a subscriber: {error}"))
}

fn joined(reader: JoinHandle<Vec<f64>>) -> Result<Vec<f64>, String> {
    reader
        .join()
        .map_err(|_| "the subscriber's thread died".to_owned())
}
