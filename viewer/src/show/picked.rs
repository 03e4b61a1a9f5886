//! Tasks that a person works with: selected, and under the pointer.

use std::sync::Arc;

use crawlfield_engine::{feed::mirror::Mirror, model::ids::PageKey};

use super::Show;
use crate::field::{
    board::Board,
    slots::Slots,
    texel::{FLAG_HOVERED, FLAG_SELECTED},
};

#[cfg(test)]
mod tests;

/// Tasks that a person works with.
#[derive(Debug, Clone, Default)]
pub struct Picked {
    /// Slots of the selected tasks: each holds the task that it held when it was selected.
    pub slots: Arc<Slots>,
    /// The one that was selected left by itself; nothing was selected since.
    pub has_left: bool,
    /// Under the pointer.
    pub hovered: Option<u32>,
}

impl Picked {
    pub(super) fn mark(&self, mirror: &Mirror, board: &mut Board, on: bool) {
        board.expect_changes(self.slots.len());
        if board.is_stale() {
            return board.mark_all(&self.slots, FLAG_SELECTED, on);
        }
        for slot in self.slots.iter() {
            board.flag(mirror, slot, FLAG_SELECTED, on);
        }
    }

    /// Takes these out; says so where the only one goes.
    fn forget(&mut self, gone: &[u32]) {
        if gone.is_empty() {
            return;
        }
        let had_one = self.slots.len() == 1;
        let slots = Arc::make_mut(&mut self.slots);
        for slot in gone {
            slots.remove(*slot);
        }
        self.has_left |= had_one && self.slots.is_empty();
    }
}

impl Show {
    /// Selects these tasks only.
    pub fn select(&mut self, slots: impl Into<Slots>) {
        self.picked.mark(&self.mirror, &mut self.board, false);
        self.picked.slots = Arc::new(slots.into());
        self.picked.mark(&self.mirror, &mut self.board, true);
        self.picked.has_left = false;
        self.mirror.watch_hands();
    }

    /// A slot may be another task's by now, which nobody selected.
    pub(super) fn forget_departed(&mut self, touched: &[u32]) {
        let (mirror, picked) = (&self.mirror, &mut self.picked);
        let has_gone = |slot: &&u32| picked.slots.contains(**slot) && mirror.has_changed(**slot);
        let gone: Vec<u32> = touched.iter().filter(has_gone).copied().collect();
        picked.forget(&gone);
        for slot in gone {
            self.board.flag(mirror, slot, FLAG_SELECTED, false);
        }
    }

    /// What is selected, by identity: for when another mirror takes this one's place.
    pub(super) fn picked_keys(&self) -> Vec<(u32, PageKey)> {
        let slots = self.picked.slots.iter();
        slots
            .filter_map(|slot| Some((slot, self.mirror.key_at(slot)?)))
            .collect()
    }

    /// Keeps of these who is still where they were; the board is laid out anew after it.
    pub(super) fn keep_keys(&mut self, keys: &[(u32, PageKey)]) {
        let mirror = &self.mirror;
        let has_gone = |(slot, key): &&(u32, PageKey)| mirror.key_at(*slot) != Some(*key);
        let gone: Vec<u32> = keys
            .iter()
            .filter(has_gone)
            .map(|(slot, _)| *slot)
            .collect();
        self.picked.forget(&gone);
        self.mirror.watch_hands();
    }

    /// The pointer is over this task, or over none.
    pub fn hover(&mut self, slot: Option<u32>) {
        if self.picked.hovered == slot {
            return;
        }
        if let Some(old) = self.picked.hovered {
            self.board.flag(&self.mirror, old, FLAG_HOVERED, false);
        }
        if let Some(new) = slot {
            self.board.flag(&self.mirror, new, FLAG_HOVERED, true);
        }
        self.picked.hovered = slot;
    }
}
