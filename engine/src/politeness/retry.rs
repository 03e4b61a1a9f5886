//! When a failed page is tried again: the backoff of its retry policy (growth, cap and jitter), and
//! the host's retry budget, a token bucket that successes and time fill, so that retries cannot
//! become the load.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::chance::{self, Draw};
use crate::model::{
    ids::PageKey,
    numbers::micros,
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
            Draw::Retry,
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

/// Settings of retries and of the hosts' retry budgets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RetrySettings {
    /// The policy of a stage that has none of its own.
    pub policy: RetryPolicy,
    /// The first retry by that policy comes after this, at the latest, at a host that answers
    /// well.
    pub quick: Duration,
    /// Tokens that a success adds to the host's retry budget.
    pub budget_per_success: f64,
    /// Tokens that a second adds.
    pub budget_per_second: f64,
    /// Tokens that a budget holds, at most.
    pub budget_max: f64,
    /// Throttles in a row that cost no attempt.
    pub free_throttles: u16,
    /// A longer Retry-After makes a dead letter.
    pub max_retry_after: Duration,
}

impl Default for RetrySettings {
    fn default() -> Self {
        Self {
            policy: RetryPolicy::default(),
            quick: Duration::from_millis(100),
            budget_per_success: 0.5,
            budget_per_second: 10.0,
            budget_max: 100.0,
            free_throttles: 10,
            max_retry_after: Duration::from_hours(24),
        }
    }
}

/// One token in the bucket's unit.
const TOKEN: u64 = 1_000_000;

/// Tokens in millionths; begins full.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetryBudget {
    tokens: u64,
    filled_at: Duration,
    per_success: u64,
    per_second: u64,
    max: u64,
}

impl RetryBudget {
    /// A full bucket at the engine's beginning.
    #[must_use]
    pub fn new(settings: &RetrySettings) -> Self {
        let mut budget = Self {
            tokens: 0,
            filled_at: Duration::ZERO,
            per_success: 0,
            per_second: 0,
            max: 0,
        };
        budget.set(settings);
        budget.tokens = budget.max;
        budget
    }

    /// Takes up changed settings; what is saved stays, up to the new maximum.
    pub fn set(&mut self, settings: &RetrySettings) {
        self.per_success = millionths(settings.budget_per_success);
        self.per_second = millionths(settings.budget_per_second);
        self.max = millionths(settings.budget_max).max(TOKEN);
        self.tokens = self.tokens.min(self.max);
    }

    /// A request succeeded: the bucket gains what the settings say.
    pub fn on_success(&mut self) {
        self.tokens = self.tokens.saturating_add(self.per_success).min(self.max);
    }

    /// How long until a retry is allowed; zero: now.
    pub fn wait(&mut self, now: Duration) -> Duration {
        self.fill(now);
        let missing = TOKEN.saturating_sub(self.tokens);
        if missing == 0 {
            return Duration::ZERO;
        }
        if self.per_second == 0 {
            // Only successes fill the bucket: look again in a second.
            return Duration::from_secs(1);
        }
        let micros = u128::from(missing) * 1_000_000;
        let wait = micros.div_ceil(u128::from(self.per_second));
        Duration::from_micros(u64::try_from(wait).unwrap_or(u64::MAX))
    }

    /// Takes a token.
    ///
    /// # Errors
    /// The time until there is one; nothing was taken.
    pub fn try_take(&mut self, now: Duration) -> Result<(), Duration> {
        match self.wait(now) {
            Duration::ZERO => {
                self.tokens -= TOKEN;
                Ok(())
            }
            wait => Err(wait),
        }
    }

    fn fill(&mut self, now: Duration) {
        let passed = micros(now.saturating_sub(self.filled_at));
        let gained = u128::from(passed) * u128::from(self.per_second) / 1_000_000;
        let gained = u64::try_from(gained).unwrap_or(u64::MAX);
        // A rate so low that the passed time gives nothing yet must not lose that time.
        if gained > 0 {
            self.tokens = self.tokens.saturating_add(gained).min(self.max);
            self.filled_at = now;
        }
    }
}

/// A setting in millionths; negative and not-a-number count as 0.
fn millionths(value: f64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float cast saturates, and not-a-number becomes 0"
    )]
    let scaled = (value * 1e6) as u64;
    scaled
}

#[cfg(test)]
mod tests;
