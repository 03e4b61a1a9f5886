//! When a failed attempt is tried again.

use std::time::Duration;

use crate::model::named::named_enum;

/// Retries of a stage or of the settings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RetryPolicy {
    /// The first try included.
    pub attempts: u32,
    pub backoff: Backoff,
    /// Delay before the first retry.
    pub base: Duration,
    /// No delay is longer.
    pub cap: Duration,
    pub jitter: Jitter,
}

named_enum! {
    /// Growth of the delay with the retry's number n = 1, 2, …
    pub enum Backoff {
        /// Not at all: base each time.
        Fixed = "fixed",
        /// By n: base times n.
        Linear = "linear",
        /// By powers of two: base times 2^(n−1).
        Exponential = "exponential",
    }
}

named_enum! {
    /// How a delay is spread.
    pub enum Jitter {
        /// The delay as it is.
        None = "none",
        /// Uniform between 0 and the delay.
        Full = "full",
        /// Uniform between base and three times the previous delay.
        Decorrelated = "decorrelated",
    }
}

impl Default for RetryPolicy {
    /// What the settings begin with: five attempts, full jitter from one second, doubling.
    fn default() -> Self {
        Self {
            attempts: 5,
            backoff: Backoff::Exponential,
            base: Duration::from_secs(1),
            cap: Duration::from_mins(5),
            jitter: Jitter::Full,
        }
    }
}
