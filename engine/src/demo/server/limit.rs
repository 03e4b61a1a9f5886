//! A rate limit: one second's requests may come at once, then one every 1/rate (GCRA).

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// The limit of one host.
#[derive(Debug)]
pub(super) struct RateLimit {
    interval: Duration,
    burst: Duration,
    /// When the requests so far will have been worth their time.
    paid_until: Mutex<Option<Instant>>,
}

impl RateLimit {
    /// So many requests a second, more than 0.
    pub(super) fn new(per_second: f64) -> Self {
        let interval = Duration::from_secs_f64((1.0 / per_second).min(86_400.0));
        Self {
            interval,
            burst: Duration::from_secs(1).saturating_sub(interval),
            paid_until: Mutex::new(None),
        }
    }

    /// Lets a request through, or says how long to wait.
    pub(super) fn admit(&self, now: Instant) -> Result<(), Duration> {
        let mut paid_until = self
            .paid_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let from = paid_until.map_or(now, |paid| paid.max(now));
        let ahead = from - now;
        let wait = ahead.saturating_sub(self.burst);
        if !wait.is_zero() {
            return Err(wait);
        }
        *paid_until = Some(from + self.interval);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
