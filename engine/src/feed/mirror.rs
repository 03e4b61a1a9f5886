//! The mirror of the window: what the feed has told so far, a row for each slot.
//!
//! The hub cuts key frames from one, the viewer draws another, a recording rebuilds a third. It
//! never panics on what it is told: nonsense is counted and the rest is applied.

use crate::{
    feed::{
        frame::{Birth, Change, ChangeFrame, Detail, Move},
        key::{KeyFrame, KeyTask},
    },
    model::{
        class::{ErrorClass, SkipReason},
        ids::{BatchId, HostId, PageKey, SessionId, StageId},
        page_url::PageUrl,
        phase::Phase,
    },
};

mod answers;
mod row;
#[cfg(test)]
mod tests;

pub use crate::feed::tables::{HostRow, PhaseCounts, SessionRow, StageRow, Tables};
pub use answers::Sight;
use row::{Figures, Rare, Rares, Row};

/// A phase column's number where no task lives.
pub const EMPTY: u8 = u8::MAX;

/// Slots beyond this are nonsense: a window never holds more.
pub const SLOTS_MAX: u32 = 1 << 24;

/// The window's tasks by slot.
#[derive(Debug, Clone, Default)]
pub struct Mirror {
    rows: Vec<Row>,
    /// A column of its own: it is drawn and counted without the rest.
    phase: Vec<u8>,
    rares: Rares,
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
    marks: Vec<u64>,
    /// Slots that another task has got since the renderer last said so.
    handed: Vec<u64>,
}

/// One task as the mirror knows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Task<'a> {
    /// Its slot.
    pub slot: u32,
    /// Its identity.
    pub key: PageKey,
    /// Canonical URL.
    pub url: &'a PageUrl,
    /// Whose.
    pub session: SessionId,
    /// Its stage.
    pub stage: StageId,
    /// Its batch.
    pub batch: BatchId,
    /// Its home host.
    pub host: HostId,
    /// Where it is.
    pub phase: Phase,
    /// Failed attempts so far.
    pub attempts: u16,
    /// Engine time of its last move, µs.
    pub changed_us: u64,
    /// When it is tried again, µs; in backoff only.
    pub due_us: Option<u64>,
    /// Predicted ms of the step in flight: median, low, high (80 %).
    pub expected_ms: Option<(u32, u32, u32)>,
    /// How its last step failed.
    pub class: Option<ErrorClass>,
    /// Why it was skipped.
    pub reason: Option<SkipReason>,
}

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
            Change::Admitted(birth) => self.admit(at_us, birth),
            Change::Moved(step) => self.shift(at_us, step),
            Change::Left { slot } => self.leave(*slot),
            other => self.nonsense += u64::from(!self.tables.apply(other)),
        }
    }

    /// Applies one part of a key frame; part 0 forgets all that was.
    pub fn apply_key(&mut self, frame: &KeyFrame) {
        if frame.part == 0 {
            self.clear();
            self.tables = frame.tables.clone();
        }
        self.next_seq = frame.seq;
        self.at_us = frame.at_us;
        for task in &frame.tasks {
            self.place(task);
        }
    }

    /// Time passes without a change.
    pub(super) fn wait_until(&mut self, at_us: u64) {
        self.at_us = self.at_us.max(at_us);
    }

    fn clear(&mut self) {
        let touched: Vec<u32> = self.slots().collect();
        for slot in touched {
            self.remove(slot);
        }
        self.tables = Tables::default();
    }

    fn admit(&mut self, at_us: u64, birth: &Birth) {
        if self.is_taken(birth.slot) {
            self.nonsense += 1;
        }
        self.place(&KeyTask::born(at_us, birth));
    }

    /// Puts a task into its slot, whoever stood there.
    fn place(&mut self, task: &KeyTask) {
        let Some((session, host)) = self.owners(task) else {
            self.nonsense += 1;
            return;
        };
        if self.is_taken(task.slot) {
            self.remove(task.slot);
        }
        let i = task.slot as usize;
        self.grow_to(i + 1);
        if self.rows[i].key != task.key {
            self.hand_over(task.slot);
        }
        let mut row = Row::of(task, session, host);
        self.rares.set(&mut row, Rare::of(task));
        self.rows[i] = row;
        self.count(i, task.phase, 1);
        self.phase[i] = task.phase as u8;
        self.touch(task.slot);
    }

    /// Indices of a task's session and host; `None` where a number is beyond all bounds.
    fn owners(&mut self, task: &KeyTask) -> Option<(u16, u32)> {
        if task.slot >= SLOTS_MAX {
            return None;
        }
        let session = self.tables.session_index(task.session)?;
        self.tables.stage_mut(session, task.stage)?;
        Some((session, self.tables.host_index(task.host)))
    }

    fn shift(&mut self, at_us: u64, step: &Move) {
        let i = step.slot as usize;
        let Some(from) = self.phase_at(step.slot) else {
            self.nonsense += 1;
            return;
        };
        self.nonsense += u64::from(from != step.from);
        self.count(i, from, -1);
        self.count(i, step.to, 1);
        self.phase[i] = step.to as u8;
        let row = &mut self.rows[i];
        row.changed_us = at_us;
        let mut rare = self.rares.of(row);
        rare.attempts = step.attempts;
        rare.figures = Figures::None;
        match &step.detail {
            Detail::Began { expect_ms } if step.to.is_in_flight() => {
                rare.figures = Figures::of(None, *expect_ms);
            }
            Detail::Error(fault) => {
                rare.class = Some(fault.class);
                if !step.to.is_in_flight() {
                    rare.figures = Figures::of(fault.retry_at_us, None);
                }
            }
            Detail::Reason(reason) => rare.reason = Some(*reason),
            Detail::None | Detail::Began { .. } | Detail::Took { .. } => {}
        }
        self.rares.set(row, rare);
        self.touch(step.slot);
    }

    fn leave(&mut self, slot: u32) {
        if self.is_taken(slot) {
            self.remove(slot);
        } else {
            self.nonsense += 1;
        }
    }

    fn remove(&mut self, slot: u32) {
        let i = slot as usize;
        if let Some(phase) = self.phase_at(slot) {
            self.count(i, phase, -1);
        }
        self.phase[i] = EMPTY;
        let row = &mut self.rows[i];
        row.url = None;
        self.rares.set(row, Rare::default());
        self.touch(slot);
    }

    fn count(&mut self, i: usize, phase: Phase, by: i64) {
        let row = &self.rows[i];
        self.counts.add(phase, by);
        self.tables
            .count(row.session, StageId(row.stage), phase, by);
        self.tables.count_host(row.host, phase, by);
    }

    fn touch(&mut self, slot: u32) {
        let Some(dirty) = &mut self.dirty else { return };
        let (word, bit) = (slot as usize / 64, 1_u64 << (slot % 64));
        if word >= dirty.marks.len() {
            dirty.marks.resize(word + 1, 0);
        }
        if dirty.marks[word] & bit == 0 {
            dirty.marks[word] |= bit;
            dirty.slots.push(slot);
        }
    }

    fn hand_over(&mut self, slot: u32) {
        let Some(dirty) = &mut self.dirty else { return };
        let word = slot as usize / 64;
        if word >= dirty.handed.len() {
            dirty.handed.resize(word + 1, 0);
        }
        dirty.handed[word] |= 1 << (slot % 64);
    }

    /// Grows by a sixteenth at a time: doubling would leave half the memory empty.
    fn grow_to(&mut self, len: usize) {
        if len <= self.phase.len() {
            return;
        }
        let more = len - self.phase.len();
        if len > self.phase.capacity() {
            let more = more.max(self.phase.len() / 16).max(64);
            self.rows.reserve_exact(more);
            self.phase.reserve_exact(more);
        }
        self.rows.resize(len, Row::EMPTY);
        self.phase.resize(len, EMPTY);
    }
}
