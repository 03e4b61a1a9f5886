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
