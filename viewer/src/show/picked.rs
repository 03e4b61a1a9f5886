//! Tasks that a person works with: selected, and under the pointer.

use std::sync::Arc;

use crawlfield_engine::{feed::mirror::Mirror, model::ids::PageKey};

use super::Show;
use crate::{
    field::{
        board::Board,
        texel::{FLAG_HOVERED, FLAG_SELECTED},
    },
    numbers::index,
};

/// Tasks that a person works with.
#[derive(Debug, Clone, Default)]
pub struct Picked {
    /// Selected: slot and identity.
    pub tasks: Arc<Vec<(u32, PageKey)>>,
    /// The one that was selected left by itself; nothing was selected since.
    pub has_left: bool,
    /// Under the pointer.
    pub hovered: Option<u32>,
}

impl Picked {
    pub(super) fn mark(&self, mirror: &Mirror, board: &mut Board, on: bool) {
        board.expect_changes(self.tasks.len());
        if !on && board.is_stale() {
            return board.clear(FLAG_SELECTED);
        }
        for (slot, _) in self.tasks.iter() {
            board.flag(mirror, *slot, FLAG_SELECTED, on);
        }
    }
}

impl Show {
    /// Selects these tasks only.
    pub fn select(&mut self, slots: Vec<u32>) {
        self.picked.mark(&self.mirror, &mut self.board, false);
        let mirror = &self.mirror;
        let tasks = Arc::make_mut(&mut self.picked.tasks);
        tasks.clear();
        tasks.reserve(slots.len());
        tasks.extend(in_order(slots).filter_map(|slot| Some((slot, mirror.key_at(slot)?))));
        self.picked.mark(&self.mirror, &mut self.board, true);
        self.picked.has_left = false;
    }

    /// Forgets selected tasks that have left; their cells may be another's by now.
    pub fn keep_picked(&mut self) {
        let mirror = &self.mirror;
        let had_one = self.picked.tasks.len() == 1;
        let is_here = |(slot, key): &(u32, PageKey)| mirror.key_at(*slot) == Some(*key);
        if self.picked.tasks.iter().all(is_here) {
            return;
        }
        Arc::make_mut(&mut self.picked.tasks).retain(is_here);
        self.picked.has_left |= had_one && self.picked.tasks.is_empty();
    }

    /// A slot may be another task's by now, which nobody selected.
    pub(super) fn forget_departed(&mut self, touched: &[u32]) {
        let (mirror, board) = (&self.mirror, &mut self.board);
        let is_marked = |slot: &&u32| board.flags_of(**slot) & FLAG_SELECTED != 0;
        let marked: Vec<u32> = touched.iter().filter(is_marked).copied().collect();
        if marked.is_empty() {
            return;
        }
        let had_one = self.picked.tasks.len() == 1;
        Arc::make_mut(&mut self.picked.tasks).retain(|(slot, key)| {
            let is_here = mirror.key_at(*slot) == Some(*key);
            if !is_here {
                board.flag(mirror, *slot, FLAG_SELECTED, false);
            }
            is_here
        });
        self.picked.has_left |= had_one && self.picked.tasks.is_empty();
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

/// Each slot once, in the order in which the mirror's columns lie: a lasso may hold a million.
fn in_order(slots: Vec<u32>) -> Box<dyn Iterator<Item = u32>> {
    if slots.len() < 64 {
        return Box::new(slots.into_iter());
    }
    let most = slots.iter().max().copied().unwrap_or(0);
    let mut marks = vec![0_u64; index(most) / 64 + 1];
    for slot in slots {
        marks[index(slot) / 64] |= 1 << (slot % 64);
    }
    let places = (0_u32..).step_by(64).zip(marks);
    Box::new(places.flat_map(|(first, word)| {
        (0..64)
            .filter(move |bit| word >> bit & 1 == 1)
            .map(move |bit| first + bit)
    }))
}
