//! What was asked and what was answered, per URL.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use rustc_hash::FxHashMap;

/// What happened to one URL.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PathCounts {
    /// Requests, refused ones included.
    pub requests: u32,
    /// Answers with status 200.
    pub ok: u32,
    /// Answers with status 429.
    pub limited: u32,
}

/// Counts of requests, by `host/path?query`.
#[derive(Debug, Default)]
pub struct Ledger {
    urls: Mutex<FxHashMap<Box<str>, PathCounts>>,
    statuses: Mutex<FxHashMap<u16, u64>>,
    in_flight: AtomicU64,
    max_in_flight: AtomicU64,
}

impl Ledger {
    /// Requests of one URL, written `host/path?query`.
    #[must_use]
    pub fn of(&self, url: &str) -> PathCounts {
        locked(&self.urls).get(url).copied().unwrap_or_default()
    }

    /// All URLs that were asked for, in alphabetical order.
    #[must_use]
    pub fn all(&self) -> Vec<(String, PathCounts)> {
        let urls = locked(&self.urls);
        let mut all: Vec<_> = urls
            .iter()
            .map(|(url, counts)| (url.to_string(), *counts))
            .collect();
        all.sort_unstable_by(|left, right| left.0.cmp(&right.0));
        all
    }

    /// Requests that came.
    #[must_use]
    pub fn requests(&self) -> u64 {
        locked(&self.urls)
            .values()
            .map(|counts| u64::from(counts.requests))
            .sum()
    }

    /// Answers with this status; 0 counts the connections that were reset.
    #[must_use]
    pub fn status(&self, status: u16) -> u64 {
        locked(&self.statuses)
            .get(&status)
            .copied()
            .unwrap_or_default()
    }

    /// The most requests that were in flight at once.
    #[must_use]
    pub fn max_in_flight(&self) -> u64 {
        self.max_in_flight.load(Ordering::Relaxed)
    }

    /// Notes a request; returns how many of this URL came before that were not refused.
    pub(super) fn begin(&self, url: &str) -> u32 {
        let now = self.in_flight.fetch_add(1, Ordering::Relaxed) + 1;
        self.max_in_flight.fetch_max(now, Ordering::Relaxed);
        let mut urls = locked(&self.urls);
        let counts = match urls.get_mut(url) {
            Some(counts) => counts,
            None => urls.entry(url.into()).or_default(),
        };
        counts.requests += 1;
        counts.requests - 1 - counts.limited
    }

    /// Notes the answer to a request that `begin` noted.
    pub(super) fn end(&self, url: &str, status: u16) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
        *locked(&self.statuses).entry(status).or_default() += 1;
        if let Some(counts) = locked(&self.urls).get_mut(url) {
            match status {
                200 => counts.ok += 1,
                429 => counts.limited += 1,
                _ => {}
            }
        }
    }
}

/// The counts are whole numbers that no panic can leave half-written.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
