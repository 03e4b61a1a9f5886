//! Flags of the board's tasks: selected, dimmed, in the air, behind a breaker.

use crawlfield_engine::feed::mirror::Mirror;

use super::{Arrangement, Board, NONE};
use crate::{
    field::{
        flights::Air,
        slots::Slots,
        texel::{FLAG_ALOFT, FLAG_BEHIND_BREAKER},
    },
    numbers::index,
};

impl Board {
    /// Sets or clears a flag of many tasks; only where all is to be written anew.
    pub fn mark_all(&mut self, slots: &Slots, flag: u32, on: bool) {
        debug_assert!(self.is_stale, "nobody would hear of it");
        let (looks, stands) = (&mut self.looks, &self.stands);
        slots.iter().for_each(|slot| {
            if stands.get(index(slot)).is_some_and(|at| *at != NONE) {
                looks[index(slot)].set_flag(flag, on);
            }
        });
    }

    /// Sets or clears a flag of a task.
    pub fn flag(&mut self, mirror: &Mirror, slot: u32, flag: u32, on: bool) {
        if self.address_of(slot).is_none() || !self.looks[index(slot)].set_flag(flag, on) {
            return;
        }
        if !self.is_stale
            && let Some(texel) = self.texel_of(mirror, slot)
        {
            self.write(self.stands[index(slot)], texel);
        }
    }

    /// Lets flights start and land.
    pub fn steer(&mut self, mirror: &Mirror, air: Air<'_>) {
        let mut flights = core::mem::take(&mut self.flights);
        flights.steer(air, |slot, is_aloft| {
            self.flag(mirror, slot, FLAG_ALOFT, is_aloft);
        });
        self.flights = flights;
    }

    /// Marks a host's tasks as held by its breaker, in the arrangement whose blocks cannot say so.
    pub fn hold_back(&mut self, mirror: &Mirror, is_open: &[bool]) {
        if self.arrangement != Arrangement::Flow || self.walled == is_open {
            return;
        }
        self.walled = is_open.to_vec();
        for slot in mirror.slots() {
            if let Some(sight) = mirror.sight(slot) {
                let is_walled = self.is_walled(sight.host_number);
                self.flag(mirror, slot, FLAG_BEHIND_BREAKER, is_walled);
            }
        }
    }

    pub(super) fn is_walled(&self, host: u32) -> bool {
        self.walled.get(index(host)).copied().unwrap_or(false)
    }
}
