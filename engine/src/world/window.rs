//! The window: which slots are taken, and who leaves when.

use std::{collections::VecDeque, time::Duration};

use bevy_ecs::{entity::Entity, resource::Resource};

/// Slots of resident tasks; a task keeps its own until it leaves.
#[derive(Resource, Debug, Default)]
pub struct Window {
    next: u32,
    free: Vec<u32>,
    resident: u32,
    /// Tasks that have ended, by the time at which they leave.
    pub leaving: VecDeque<(Duration, Entity)>,
}

impl Window {
    /// Tasks resident now.
    #[must_use]
    pub const fn resident(&self) -> u32 {
        self.resident
    }

    /// Takes a slot.
    pub fn enter(&mut self) -> u32 {
        self.resident += 1;
        self.free.pop().unwrap_or_else(|| {
            self.next += 1;
            self.next - 1
        })
    }

    /// Gives a slot back.
    pub fn leave(&mut self, slot: u32) {
        self.resident -= 1;
        self.free.push(slot);
    }
}
