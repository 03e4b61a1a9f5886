//! robots.txt, rates, budgets, breakers, retries: pure policy.

pub mod backoff;
pub mod breaker;
pub mod budget;
pub mod capacity;
pub mod chance;
pub mod classify;
pub mod offline;
pub mod pace;
pub mod retry_after;
pub mod robots;
pub mod tempo;

use std::time::Duration;

/// Whole microseconds of `time`, saturating.
pub(crate) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
