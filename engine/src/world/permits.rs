//! Permits: how much of each resource is in use. They belong to orders.

use bevy_ecs::resource::Resource;

use crate::politeness::capacity::Capacities;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Permit {
    pub limit: u64,
    pub used: u64,
}

impl Permit {
    /// Whether `amount` more fits. One oversized request passes when nothing else is in use.
    #[must_use]
    pub const fn has_room(&self, amount: u64) -> bool {
        self.used == 0 || self.used.saturating_add(amount) <= self.limit
    }

    pub const fn take(&mut self, amount: u64) {
        self.used += amount;
    }

    /// Gives `amount` back.
    ///
    /// # Panics
    /// If more is given back than was taken: a broken invariant of ours.
    pub const fn give(&mut self, amount: u64) {
        assert!(self.used >= amount, "a permit was given back twice");
        self.used -= amount;
    }
}

/// All resources of the engine.
#[derive(Resource, Debug, Default)]
pub struct Permits {
    pub http: Permit,
    /// Pages with the parse workers; beyond the limit they wait for one (`Settings::parse_ahead`).
    pub cpu: Permit,
    /// Memory charged to bodies between their arrival and the end of their parsing.
    pub memory: Permit,
    /// Bytes on their way to the store.
    pub store: Permit,
    /// Fetched pages that may wait for a parse worker.
    pub parse_queue: u64,
    /// Parsed pages that may wait for the store.
    pub save_queue: u64,
    /// Memory runs out: less is worked on at once.
    pub is_pressed: bool,
}

impl Permits {
    /// Permits and queues as the capacities say; what is in use stays in use.
    pub const fn fit(&mut self, fits: &Capacities, cpu: u64) {
        self.http.limit = fits.http;
        self.cpu.limit = cpu;
        self.memory.limit = fits.parse_memory;
        self.store.limit = fits.store_bytes;
        self.parse_queue = fits.parse_queue;
        self.save_queue = fits.save_queue;
        self.is_pressed = fits.is_pressed;
    }
}
