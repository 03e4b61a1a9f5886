//! The window: which slots are taken, and who leaves when.

use std::{collections::VecDeque, time::Duration};

use bevy_ecs::{entity::Entity, resource::Resource};

use crate::settings::Settings;

/// Residents of one host queue, however many of them share the window.
const LEAST: u32 = 16;

/// Slots of resident tasks; a task keeps its own until it leaves.
#[derive(Resource, Debug, Default)]
pub struct Window {
    next: u32,
    free: Vec<u32>,
    resident: u32,
    size: u32,
    /// Tasks that have ended stay so long.
    retain_for: Duration,
    /// Tasks that have ended, by the time at which they leave.
    pub leaving: VecDeque<(Duration, Entity)>,
}

impl Window {
    /// Follows the settings in force.
    pub const fn fit(&mut self, settings: &Settings) {
        self.size = settings.window;
        self.retain_for = settings.retain_for;
    }

    #[must_use]
    pub const fn resident(&self) -> u32 {
        self.resident
    }

    /// Tasks that may still enter.
    #[must_use]
    pub const fn room(&self) -> u32 {
        self.size.saturating_sub(self.resident)
    }

    /// Whether nine tenths of it are taken: ended tasks leave at once.
    #[must_use]
    pub const fn is_nearly_full(&self) -> bool {
        self.resident > self.size - self.size / 10
    }

    /// Residents that one of so many host queues may have: none of them fills the window.
    #[must_use]
    pub fn fair_share(&self, queues: u32) -> u32 {
        (self.size / queues.max(1)).max(LEAST)
    }

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

    /// A task has ended for now: it leaves after a while.
    pub fn retire(&mut self, entity: Entity, now: Duration) {
        self.leaving.push_back((now + self.retain_for, entity));
    }
}
