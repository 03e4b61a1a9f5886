//! Chance without a generator: a draw is a pure function of seed, purpose, subject and dispatch
//! number, so that adding a draw never shifts another one.

use std::time::Duration;

use crate::model::numbers::micros;

/// What a draw is for: equal subjects draw independently for different draws.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u64)]
pub enum Draw {
    /// Spread of a retry's delay.
    Retry = 1,
    /// Spread of a breaker's open time.
    Breaker = 2,
    /// Latency of a simulated answer.
    Latency = 4,
    /// Faults of a simulated web.
    Fault = 5,
}

/// What the state of `SplitMix64` grows by with each round.
pub const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

/// The finalizer of `SplitMix64` (Steele, Lea and Flood, 2014): every bit depends on all others.
#[must_use]
pub const fn mix(z: u64) -> u64 {
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// One round of `SplitMix64` from this state.
#[must_use]
pub const fn splitmix(state: u64) -> u64 {
    mix(state.wrapping_add(GAMMA))
}

/// 64 uniform bits, the same for the same arguments.
#[must_use]
pub const fn unit(seed: u64, purpose: Draw, subject: u128, dispatch: u32) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the two halves of the subject are wanted"
    )]
    let (high, low) = ((subject >> 64) as u64, subject as u64);
    let keyed = splitmix(splitmix(splitmix(splitmix(seed) ^ purpose as u64) ^ high) ^ low);
    splitmix(keyed ^ dispatch as u64)
}

/// Uniform below `bound` from 64 uniform bits; 0 where `bound` is 0.
#[must_use]
pub const fn below(bits: u64, bound: u64) -> u64 {
    ((bits as u128 * bound as u128) >> 64) as u64
}

/// Uniform from `low` to `high`, both possible, in microseconds; `low` where they are crossed.
#[must_use]
pub fn between(bits: u64, low: Duration, high: Duration) -> Duration {
    let (low, high) = (micros(low), micros(high));
    let span = high.saturating_sub(low).saturating_add(1);
    Duration::from_micros(low.saturating_add(below(bits, span)))
}

#[cfg(test)]
mod tests;
