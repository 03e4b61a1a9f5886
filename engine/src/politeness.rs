//! robots.txt, rates, budgets, breakers, retries: pure policy.

use serde::{Deserialize, Serialize};
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

/// Politeness defaults for hosts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct HostSettings {
    /// Requests per second, at most, where the site file says nothing.
    pub max_rate: f64,
    /// Requests in flight, at most, where the site file says nothing.
    pub max_in_flight: u32,
    /// Crawl-delay is obeyed up to this.
    pub max_crawl_delay: Duration,
    /// robots.txt is read again after this.
    pub robots_ttl: Duration,
}

impl Default for HostSettings {
    fn default() -> Self {
        Self {
            max_rate: 4.0,
            max_in_flight: 4,
            max_crawl_delay: Duration::from_mins(1),
            robots_ttl: Duration::from_hours(24),
        }
    }
}
