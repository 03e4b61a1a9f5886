//! The store's thread: takes whatever gathered, commits it as one, reports each order once.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    thread::{self, JoinHandle},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use crossbeam_channel::{Receiver, Sender};

use super::panic_text;
use crate::{
    message::{
        orders::StoreOrder,
        receipts::{StoreError, StoreReceipt},
        reports::{Outcome, Report},
        store_verbs::{EndAttempt, PageEnd, StoreVerb},
    },
    model::ids::OrderId,
    store::Store,
};

/// Orders in one commit, at most: a report must not wait for ever longer batches.
const MOST_ORDERS: usize = 1_000;

/// Rough bytes in one commit, at most.
const MOST_BYTES: usize = 8 << 20;

/// Commits begin at least so far apart: a commit costs as much as several pages, so that on a fast
/// disk a busy store would spend most of its time on ever smaller ones. What comes meanwhile waits
/// in the channel; to wait there for each bundle would wake the thread for all of them.
const APART: Duration = Duration::from_millis(10);

/// Milliseconds since 1970, for `Store::open`.
///
/// # Panics
/// If the clock is 292 million years ahead.
#[must_use]
pub fn wall_ms() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| {
            i64::try_from(time.as_millis()).expect("the year is below 292 million")
        })
}

/// Starts the thread. It ends, closing the store, when the order channel is closed and drained, or
/// nobody listens any more.
///
/// # Panics
/// If the system gives no thread.
#[must_use]
pub fn spawn(
    store: Store,
    orders: Receiver<Vec<StoreOrder>>,
    reports: Sender<Report>,
) -> JoinHandle<()> {
    thread::Builder::new()
        .name("store".to_owned())
        .spawn(move || run(store, &orders, &reports))
        .expect("an engine's start needs a thread for its store")
}

fn run(mut store: Store, orders: &Receiver<Vec<StoreOrder>>, reports: &Sender<Report>) {
    let mut last: Option<Instant> = None;
    let mut waiting = VecDeque::new();
    loop {
        if waiting.is_empty() {
            match orders.recv() {
                Ok(first) => waiting.extend(first),
                Err(_) => return,
            }
        }
        if let Some(left) = last.and_then(|last| APART.checked_sub(last.elapsed())) {
            thread::sleep(left);
        }
        let batch = gather(&mut waiting, orders);
        let began = Instant::now();
        last = Some(began);
        let results = apply(&mut store, batch);
        let took = began.elapsed();
        for (id, outcome) in results {
            if reports.send(Report::new(id, took, outcome)).is_err() {
                return;
            }
        }
    }
}

/// What came in and fits into one commit; the rest stays in `waiting`.
fn gather(
    waiting: &mut VecDeque<StoreOrder>,
    orders: &Receiver<Vec<StoreOrder>>,
) -> Vec<StoreOrder> {
    waiting.extend(orders.try_iter().flatten());
    let (mut count, mut bytes) = (0, 0);
    for order in waiting.iter().take(MOST_ORDERS) {
        if bytes >= MOST_BYTES {
            break;
        }
        bytes += weight(&order.verb);
        count += 1;
    }
    waiting.drain(..count).collect()
}

/// Roughly how many bytes a verb writes.
fn weight(verb: &StoreVerb) -> usize {
    match verb {
        StoreVerb::End(end) => end_weight(end),
        StoreVerb::Discover { links, .. } => links.len() * 256,
        _ => 256,
    }
}

fn end_weight(end: &EndAttempt) -> usize {
    let (records, links) = end.end.found();
    let evidence = match &end.end {
        PageEnd::Failed { evidence, .. } | PageEnd::Dead { evidence, .. } => {
            evidence.body.as_ref().map_or(0, Vec::len)
        }
        _ => 0,
    };
    512 + records.len() * 1024 + links.len() * 256 + evidence
}

/// Carries out a batch; a panic becomes a report for each of its orders.
fn apply(store: &mut Store, batch: Vec<StoreOrder>) -> Vec<(OrderId, Outcome)> {
    // A failed batch goes back with its verbs; their pages and links are shared, not copied.
    let kept: Vec<StoreOrder> = batch.clone();
    match catch_unwind(AssertUnwindSafe(|| store.apply(batch))) {
        Ok(results) => results
            .into_iter()
            .zip(kept)
            .map(|((id, result), kept)| (id, outcome(result, kept.verb)))
            .collect(),
        Err(panic) => {
            store.recover();
            let text = format!("the store's thread {}", panic_text(panic.as_ref()));
            kept.into_iter()
                .map(|order| (order.id, Outcome::Panicked(text.clone())))
                .collect()
        }
    }
}

fn outcome(result: Result<StoreReceipt, StoreError>, verb: StoreVerb) -> Outcome {
    match result {
        Ok(receipt) => Outcome::Stored(Box::new(receipt)),
        Err(error) => Outcome::StoreFailed(error, Some(Box::new(verb))),
    }
}

#[cfg(test)]
mod tests;
