//! What happened in this tick, in order; the feed is made of it.

use std::sync::Arc;

use bevy_ecs::resource::Resource;

use crate::{feed::frame::Change, model::ids::SessionId};

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

    /// A line for people to read.
    pub fn notice(&mut self, session: SessionId, text: &str) {
        self.write(Change::Notice {
            session,
            text: Arc::from(text),
        });
    }

    /// A line for people to read, in every one of these sessions.
    pub fn notice_all(&mut self, sessions: impl Iterator<Item = SessionId>, text: &str) {
        for session in sessions {
            self.notice(session, text);
        }
    }

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
