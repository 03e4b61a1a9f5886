//! Durations and counts as numbers to calculate with.

use std::time::Duration;

/// A duration as whole microseconds; 584,000 years fit.
#[must_use]
pub fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// A duration as whole milliseconds, at most 49 days.
#[must_use]
pub fn millis(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}

/// A count as a number to calculate with.
#[must_use]
#[expect(
    clippy::cast_precision_loss,
    reason = "counts are far below 2^52; this is the one place that says so"
)]
pub const fn count(n: usize) -> f64 {
    n as f64
}

/// A count as a number to calculate with.
#[must_use]
#[expect(
    clippy::cast_precision_loss,
    reason = "counts are far below 2^52; this is the one place that says so"
)]
pub const fn number(n: u64) -> f64 {
    n as f64
}
