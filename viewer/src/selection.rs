//! The selection: tasks that a person works with, the task under the pointer, and the one that the
//! view follows.

#![expect(
    clippy::needless_pass_by_value,
    reason = "systems take their resources by value"
)]

use std::sync::Arc;

use bevy::prelude::*;
use crawlfield_engine::{feed::mirror::Mirror, model::ids::PageKey};

use crate::{
    feed::Feed,
    field::{
        Field,
        cells::Cells,
        slot_set::SlotSet,
        texel::{FLAG_HOVERED, FLAG_SELECTED},
        view::View,
    },
};

#[cfg(test)]
mod tests;

/// Nothing is selected; the view follows a task before the panels draw it.
pub fn plugin(app: &mut App) {
    app.init_resource::<Selection>()
        .add_systems(PostUpdate, follow_task.in_set(SelectionSystems));
}

/// Cells of a followed task are at least so wide, in screen pixels.
const NEAR: f32 = 96.0;

/// Systems that act on the selection; what draws it comes after.
#[derive(SystemSet, Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SelectionSystems;

/// Tasks that a person works with.
#[derive(Resource, Debug, Clone, Default)]
pub struct Selection {
    /// Slots of the selected tasks: each holds the task that it held when it was selected.
    pub slots: Arc<SlotSet>,
    /// The only selected task left the window by itself; nothing was selected since.
    pub has_left: bool,
    /// The slot under the pointer.
    pub hovered: Option<u32>,
    /// The task that the view keeps in its middle, until it leaves or a person moves the view.
    pub followed: Option<(u32, PageKey)>,
}

impl Selection {
    /// Selects these tasks only.
    pub fn select(&mut self, slots: impl Into<SlotSet>, mirror: &mut Mirror, cells: &mut Cells) {
        self.mark(mirror, cells, false);
        self.slots = Arc::new(slots.into());
        self.mark(mirror, cells, true);
        self.has_left = false;
        mirror.watch_slots();
    }

    /// Sets or clears the flag of all that is selected.
    pub(crate) fn mark(&self, mirror: &Mirror, cells: &mut Cells, on: bool) {
        cells.expect_changes(self.slots.len());
        if cells.is_stale() {
            return cells.set_flag_of_all(&self.slots, FLAG_SELECTED, on);
        }
        for slot in self.slots.iter() {
            cells.set_flag(mirror, slot, FLAG_SELECTED, on);
        }
    }

    /// The pointer is over this task, or over none.
    pub fn hover(&mut self, slot: Option<u32>, mirror: &Mirror, cells: &mut Cells) {
        if self.hovered == slot {
            return;
        }
        if let Some(old) = self.hovered {
            cells.set_flag(mirror, old, FLAG_HOVERED, false);
        }
        if let Some(new) = slot {
            cells.set_flag(mirror, new, FLAG_HOVERED, true);
        }
        self.hovered = slot;
    }

    /// A slot may be another task's by now, which nobody selected; `touched` are the slots that
    /// changed.
    pub(crate) fn forget_departed(&mut self, touched: &[u32], mirror: &Mirror, cells: &mut Cells) {
        let has_gone = |slot: &&u32| self.slots.contains(**slot) && mirror.has_changed(**slot);
        let gone: Vec<u32> = touched.iter().filter(has_gone).copied().collect();
        self.forget(&gone);
        for slot in gone {
            cells.set_flag(mirror, slot, FLAG_SELECTED, false);
        }
    }

    /// What is selected, by identity: for when another mirror takes this one's place.
    pub(crate) fn keys(&self, mirror: &Mirror) -> Vec<(u32, PageKey)> {
        let slots = self.slots.iter();
        slots
            .filter_map(|slot| Some((slot, mirror.key_at(slot)?)))
            .collect()
    }

    /// Keeps of these who is still where they were; the field is arranged anew after it.
    pub(crate) fn keep(&mut self, keys: &[(u32, PageKey)], mirror: &mut Mirror) {
        let has_gone = |(slot, key): &&(u32, PageKey)| mirror.key_at(*slot) != Some(*key);
        let gone: Vec<u32> = keys
            .iter()
            .filter(has_gone)
            .map(|(slot, _)| *slot)
            .collect();
        self.forget(&gone);
        mirror.watch_slots();
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

/// Keeps the followed task in the middle of the view.
fn follow_task(
    feed: Res<Feed>,
    field: Res<Field>,
    mut selection: ResMut<Selection>,
    mut view: ResMut<View>,
) {
    let Some((slot, key)) = selection.followed else {
        return;
    };
    if feed.mirror.key_at(slot) != Some(key) {
        selection.followed = None;
        return;
    }
    field.show_task(slot, NEAR, &mut view);
}
