//! How long a retry waits: growth, cap and jitter of a retry policy.

use std::time::Duration;

use super::chance::{self, Purpose};
use crate::model::{
    ids::PageKey,
    retry_policy::{Backoff, Jitter, RetryPolicy},
};

/// Full jitter never waits less, unless the policy's own delay is shorter.
const FLOOR: Duration = Duration::from_millis(100);

/// The delay before retry `n` (from 1), before jitter: base, base × n or base × 2^(n−1), capped.
#[must_use]
pub fn ceiling(policy: &RetryPolicy, n: u32) -> Duration {
    let n = n.max(1);
    let grown = match policy.backoff {
        Backoff::Fixed => policy.base,
        Backoff::Linear => policy.base.saturating_mul(n),
        Backoff::Exponential if n > 32 && !policy.base.is_zero() => Duration::MAX,
        Backoff::Exponential => policy.base.saturating_mul(1 << (n - 1).min(31)),
    };
    grown.min(policy.cap)
}

/// The delay before retry `n` (from 1) of a page whose last send had number `dispatch`: the same
/// for the same arguments, never longer than the policy's cap.
#[must_use]
pub fn delay(policy: &RetryPolicy, n: u32, seed: u64, key: PageKey, dispatch: u16) -> Duration {
    let bits = |draw: u32| {
        chance::unit(
            seed,
            Purpose::Retry,
            key.0.as_u128(),
            u32::from(dispatch) | draw << 16,
        )
    };
    match policy.jitter {
        Jitter::None => ceiling(policy, n),
        Jitter::Full => {
            let ceiling = ceiling(policy, n);
            chance::between(bits(0), FLOOR.min(ceiling), ceiling)
        }
        Jitter::Decorrelated => {
            let base = policy.base.min(policy.cap);
            let mut delay = base;
            for retry in 1..=n.clamp(1, 64) {
                let high = delay.saturating_mul(3).min(policy.cap);
                delay = chance::between(bits(retry), base, high.max(base));
            }
            delay
        }
    }
}

#[cfg(test)]
mod tests;
