//! Permits: how much of each resource is in use. They belong to orders.

use bevy_ecs::resource::Resource;

/// One resource.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Permit {
    /// At most.
    pub limit: u64,
    /// Now.
    pub used: u64,
}

impl Permit {
    /// Whether `amount` more fits. One oversized request passes when nothing else is in use.
    #[must_use]
    pub const fn has_room(&self, amount: u64) -> bool {
        self.used == 0 || self.used.saturating_add(amount) <= self.limit
    }

    /// Takes `amount`.
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
    /// Requests in flight.
    pub http: Permit,
    /// Pages with the parse workers; beyond the limit they wait for one (`Settings::parse_ahead`).
    pub cpu: Permit,
    /// Memory charged to bodies between their arrival and the end of their parsing.
    pub memory: Permit,
    /// Bytes on their way to the store.
    pub store: Permit,
}
