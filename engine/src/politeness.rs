//! robots.txt, rates, budgets, breakers, retries: pure policy.

pub mod batch_pacing;
pub mod breaker;
pub mod capacity;
pub mod chance;
pub mod classify;
pub mod network;
pub mod pace;
pub mod retry;
pub mod retry_after;
pub mod robots;

use std::time::Duration;

use serde::{Deserialize, Serialize};

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
