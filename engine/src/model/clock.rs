//! Engine time: a duration since the engine's start, moved only by `step`.

use std::time::Duration;

use bevy_ecs::resource::Resource;

/// The only time that systems know.
#[derive(Resource, Debug, Clone, Copy, Default)]
pub struct Clock {
    now: Duration,
}

impl Clock {
    /// Engine time of this tick.
    #[must_use]
    pub const fn now(&self) -> Duration {
        self.now
    }

    /// Moves the clock; it never goes back.
    pub fn advance_to(&mut self, now: Duration) {
        self.now = self.now.max(now);
    }
}

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
