//! What happened in this tick, in order; the feed is made of it.

use bevy_ecs::resource::Resource;

use crate::feed::frame::Change;

/// Facts of this tick.
#[derive(Resource, Debug, Default)]
pub struct Journal {
    changes: Vec<Change>,
}

impl Journal {
    /// Writes a fact down.
    pub fn write(&mut self, change: Change) {
        self.changes.push(change);
    }

    /// Whether nothing happened.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Takes the tick's facts.
    pub fn take(&mut self) -> Vec<Change> {
        // The next tick is about as busy.
        let next = Vec::with_capacity(self.changes.len());
        std::mem::replace(&mut self.changes, next)
    }
}
