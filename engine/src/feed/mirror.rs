//! The mirror of the window: a task for each slot, by what the feed has brought so far.
//!
//! The hub cuts key frames from one, the viewer draws another, a recording rebuilds a third. It
//! never panics on what it is told: nonsense is counted and the rest is applied.

use crate::{
    feed::{
        frame::{Change, ChangeFrame, Detail, Move},
        key_frame::KeyFrame,
        task_record::TaskRecord,
    },
    model::{
        ids::{PageKey, StageId},
        page_url::PageUrl,
        phase::Phase,
    },
};

mod columns;
#[cfg(test)]
mod tests;

pub use crate::feed::tables::{MirroredHost, MirroredSession, MirroredStage, PhaseCounts, Tables};
pub use columns::EMPTY;
use columns::{Columns, Outlook, Owners};

/// Slots beyond this are nonsense: a window never holds more.
pub const SLOTS_MAX: u32 = 1 << 24;

/// The window's tasks by slot.
#[derive(Debug, Clone, Default)]
pub struct Mirror {
    columns: Columns,
    tables: Tables,
    counts: PhaseCounts,
    next_seq: u64,
    at_us: u64,
    missed: u64,
    nonsense: u64,
    dirty: Option<Dirty>,
}

/// Slots touched since the renderer last asked, each once.
#[derive(Debug, Clone, Default)]
struct Dirty {
    slots: Vec<u32>,
    /// A bit a slot: it is in the list.
    listed: Vec<u64>,
    /// A bit a slot: another task has got it since `watch_slots`.
    replaced: Vec<u64>,
}

/// What of a task is drawn: few columns, for those who look at very many.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sight {
    /// Where it is in its life.
    pub phase: Phase,
    /// Its stage's place in the site file.
    pub stage: StageId,
    /// Failed attempts so far.
    pub attempts: u16,
    /// Engine time of its last move, µs.
    pub changed_us: u64,
    /// When it is tried again, µs; in backoff only.
    pub due_us: Option<u64>,
    /// Predicted ms of the step in flight: median, low, high (80 %).
    pub expected_ms: Option<(u32, u32, u32)>,
    /// A byte of its identity: no two need move alike.
    pub variety: u8,
    /// Its home host's place in the tables.
    pub host_number: u32,
}

/// What the feed tells.
impl Mirror {
    /// An empty mirror that lists the slots it touches, for a renderer (`take_dirty`).
    #[must_use]
    pub fn tracking() -> Self {
        Self {
            dirty: Some(Dirty::default()),
            ..Self::default()
        }
    }

    /// Applies all changes of a tick.
    pub fn apply(&mut self, frame: &ChangeFrame) {
        self.missed += frame.seq.saturating_sub(self.next_seq);
        self.next_seq = frame.seq.saturating_add(frame.changes.len() as u64);
        for change in &frame.changes {
            self.apply_change(frame.at_us, change);
        }
        self.at_us = frame.at_us;
    }

    /// Applies one change that happened at `at_us`.
    pub fn apply_change(&mut self, at_us: u64, change: &Change) {
        match change {
            Change::Admitted(task) => {
                self.nonsense += u64::from(self.phase_at(task.slot).is_some());
                self.insert(task, at_us);
            }
            Change::Moved(step) => self.shift(at_us, step),
            Change::Left { slot } => {
                let was_here = self.remove(*slot);
                self.nonsense += u64::from(!was_here);
            }
            other => self.nonsense += u64::from(!self.tables.apply(other)),
        }
    }

    /// Applies one part of a key frame; part 0 forgets all that was.
    pub fn apply_key(&mut self, frame: &KeyFrame) {
        if frame.part == 0 {
            let taken: Vec<u32> = self.slots().collect();
            for slot in taken {
                self.remove(slot);
            }
            self.tables = frame.tables.clone();
        }
        self.next_seq = frame.seq;
        self.at_us = frame.at_us;
        for task in &frame.tasks {
            self.insert(task, task.changed_us);
        }
    }

    /// Time passes without a change.
    pub(super) fn wait_until(&mut self, at_us: u64) {
        self.at_us = self.at_us.max(at_us);
    }

    /// Puts a task into its slot, whoever stood there.
    fn insert(&mut self, task: &TaskRecord, changed_us: u64) {
        let Some(owners) = self.owners(task) else {
            self.nonsense += 1;
            return;
        };
        self.remove(task.slot);
        if self.columns.last_key(task.slot) != Some(task.key) {
            self.mark_replaced(task.slot);
        }
        self.columns.insert(task, changed_us, owners);
        self.count(owners, task.phase, 1);
        self.list(task.slot);
    }

    /// `None` where a number is beyond all bounds.
    fn owners(&mut self, task: &TaskRecord) -> Option<Owners> {
        if task.slot >= SLOTS_MAX {
            return None;
        }
        let session = self.tables.session_index(task.session)?;
        self.tables.stage_mut(session, task.stage)?;
        Some(Owners {
            session,
            stage: task.stage.0,
            host: self.tables.host_index(task.host),
        })
    }

    fn shift(&mut self, at_us: u64, step: &Move) {
        let Some(from) = self.phase_at(step.slot) else {
            self.nonsense += 1;
            return;
        };
        self.nonsense += u64::from(from != step.from);
        let owners = self.columns.owners(step.slot);
        self.count(owners, from, -1);
        self.count(owners, step.to, 1);
        let is_in_flight = step.to.is_in_flight();
        self.columns.shift(step.slot, step.to, at_us, |extra| {
            extra.attempts = step.attempts;
            extra.outlook = match &step.detail {
                Detail::Began { expect_ms } if is_in_flight => Outlook::new(None, *expect_ms),
                Detail::Error(fault) if !is_in_flight => Outlook::new(fault.retry_at_us, None),
                _ => Outlook::Unknown,
            };
            match &step.detail {
                Detail::Error(fault) => extra.class = Some(fault.class),
                Detail::Reason(reason) => extra.reason = Some(*reason),
                Detail::None | Detail::Began { .. } | Detail::Took { .. } => {}
            }
        });
        self.list(step.slot);
    }

    /// Frees a slot; whether a task was there.
    fn remove(&mut self, slot: u32) -> bool {
        let Some(phase) = self.phase_at(slot) else {
            return false;
        };
        self.count(self.columns.owners(slot), phase, -1);
        self.columns.remove(slot);
        self.list(slot);
        true
    }

    fn count(&mut self, owners: Owners, phase: Phase, by: i64) {
        self.counts.add(phase, by);
        self.tables
            .count(owners.session, StageId(owners.stage), phase, by);
        self.tables.count_host(owners.host, phase, by);
    }

    fn list(&mut self, slot: u32) {
        let Some(dirty) = &mut self.dirty else { return };
        if set_bit(&mut dirty.listed, slot) {
            dirty.slots.push(slot);
        }
    }

    fn mark_replaced(&mut self, slot: u32) {
        if let Some(dirty) = &mut self.dirty {
            set_bit(&mut dirty.replaced, slot);
        }
    }
}

/// What those ask who look at it.
impl Mirror {
    /// The task in this slot.
    #[must_use]
    pub fn task(&self, slot: u32) -> Option<TaskRecord<&PageUrl>> {
        self.columns.get(slot, &self.tables)
    }

    /// What is drawn of the task in this slot.
    #[must_use]
    #[inline]
    pub fn sight(&self, slot: u32) -> Option<Sight> {
        self.columns.sight(slot)
    }

    /// Who is in this slot.
    #[must_use]
    #[inline]
    pub fn key_at(&self, slot: u32) -> Option<PageKey> {
        self.phase_at(slot)?;
        self.columns.last_key(slot)
    }

    /// The phase of the task in this slot.
    #[must_use]
    #[inline]
    pub fn phase_at(&self, slot: u32) -> Option<Phase> {
        self.columns.phase(slot)
    }

    /// Slots in use, in order.
    pub fn slots(&self) -> impl Iterator<Item = u32> + '_ {
        (0_u32..)
            .zip(self.phases())
            .filter(|(_, phase)| **phase != EMPTY)
            .map(|(slot, _)| slot)
    }

    /// The phase column: a phase's number, or `EMPTY`, by slot.
    #[must_use]
    pub fn phases(&self) -> &[u8] {
        self.columns.phases()
    }

    /// How many tasks are resident.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.counts.total()
    }

    /// Whether no task is resident.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Resident tasks by phase.
    #[must_use]
    pub fn counts(&self) -> &PhaseCounts {
        &self.counts
    }

    /// Sessions, stages and hosts, with their counts.
    #[must_use]
    pub fn tables(&self) -> &Tables {
        &self.tables
    }

    /// Number of the next change.
    #[must_use]
    pub fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// Engine time of what was last applied, µs.
    #[must_use]
    pub fn at_us(&self) -> u64 {
        self.at_us
    }

    /// Changes that the numbering says were never told.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.missed
    }

    /// Changes that made no sense (an unknown slot, another phase than told).
    #[must_use]
    pub fn nonsense(&self) -> u64 {
        self.nonsense
    }

    /// Bytes that the columns take, URLs aside.
    #[must_use]
    pub fn column_bytes(&self) -> usize {
        let dirty = self.dirty.as_ref().map_or(0, |dirty| {
            dirty.slots.capacity() * size_of::<u32>()
                + (dirty.listed.capacity() + dirty.replaced.capacity()) * size_of::<u64>()
        });
        self.columns.bytes() + dirty
    }

    /// Slots touched since the last call, each once; empty unless made by `tracking`.
    pub fn take_dirty(&mut self) -> Vec<u32> {
        let Some(dirty) = &mut self.dirty else {
            return Vec::new();
        };
        let slots = std::mem::take(&mut dirty.slots);
        for slot in &slots {
            dirty.listed[*slot as usize / 64] = 0;
        }
        slots
    }

    /// From now on `has_changed` is about what comes.
    pub fn watch_slots(&mut self) {
        if let Some(dirty) = &mut self.dirty {
            dirty.replaced.fill(0);
        }
    }

    /// Whether the task that was in this slot at the last `watch_slots` is there no more; always
    /// true unless made by `tracking`.
    #[must_use]
    pub fn has_changed(&self, slot: u32) -> bool {
        let word = |dirty: &Dirty| dirty.replaced.get(slot as usize / 64).copied();
        let replaced = self.dirty.as_ref().and_then(word).unwrap_or(u64::MAX);
        self.phase_at(slot).is_none() || replaced >> (slot % 64) & 1 == 1
    }
}

/// Sets a slot's bit; whether it was not set before.
fn set_bit(bits: &mut Vec<u64>, slot: u32) -> bool {
    let (word, bit) = (slot as usize / 64, 1_u64 << (slot % 64));
    if word >= bits.len() {
        bits.resize(word + 1, 0);
    }
    let is_new = bits[word] & bit == 0;
    bits[word] |= bit;
    is_new
}
