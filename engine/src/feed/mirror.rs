//! The columnar mirror of the window: what the feed has told so far, one array per fact.
//!
//! The hub cuts key frames from one, the viewer draws another, a recording rebuilds a third. It
//! never panics on what it is told: nonsense is counted and the rest is applied.

use std::sync::Arc;

use crate::{
    feed::{
        frame::{Birth, Change, ChangeFrame, Detail, Move},
        key::{KeyFrame, KeyTask},
    },
    model::{
        class::{ErrorClass, SkipReason},
        ids::{BatchId, HostId, PageKey, SessionId, StageId},
        phase::Phase,
    },
};

mod answers;
mod tables;
#[cfg(test)]
mod tests;

pub use answers::Sight;
pub use tables::{HostRow, PhaseCounts, SessionRow, StageRow, Tables};

/// A phase column's number where no task lives.
pub const EMPTY: u8 = u8::MAX;

/// Slots beyond this are nonsense: a window never holds more.
pub const SLOTS_MAX: u32 = 1 << 24;

/// No figures: nothing expected, nothing due.
const NO_FIGURES: [u32; 3] = [u32::MAX; 3];
/// No class or no reason.
const NONE: u8 = u8::MAX;

/// The window's tasks as columns by slot, at most 64 bytes a task beside the URL.
#[derive(Debug, Clone, Default)]
pub struct Mirror {
    key: Vec<PageKey>,
    url: Vec<Option<Arc<str>>>,
    session: Vec<u16>,
    stage: Vec<u16>,
    batch: Vec<u32>,
    host: Vec<u32>,
    phase: Vec<u8>,
    attempts: Vec<u16>,
    changed_us: Vec<u64>,
    /// In flight: expected ms (median, low, high); in backoff: due time, low and high half.
    figures: Vec<[u32; 3]>,
    class: Vec<u8>,
    reason: Vec<u8>,
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
}

/// One task as the mirror knows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Task<'a> {
    /// Its slot.
    pub slot: u32,
    /// Its identity.
    pub key: PageKey,
    /// Canonical URL.
    pub url: &'a Arc<str>,
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
        self.key[i] = task.key;
        self.url[i] = Some(Arc::clone(&task.url));
        self.session[i] = session;
        self.stage[i] = task.stage.0;
        self.batch[i] = task.batch.0;
        self.host[i] = host;
        self.attempts[i] = task.attempts;
        self.changed_us[i] = task.changed_us;
        self.figures[i] = figures(task.due_us, task.expected_ms);
        self.class[i] = task.class.map_or(NONE, class_number);
        self.reason[i] = task.reason.map_or(NONE, |reason| reason as u8);
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
        self.attempts[i] = step.attempts;
        self.changed_us[i] = at_us;
        self.figures[i] = NO_FIGURES;
        match &step.detail {
            Detail::Began { expect_ms } if step.to.is_in_flight() => {
                self.figures[i] = figures(None, *expect_ms);
            }
            Detail::Error(fault) => {
                self.class[i] = class_number(fault.class);
                if !step.to.is_in_flight() {
                    self.figures[i] = figures(fault.retry_at_us, None);
                }
            }
            Detail::Reason(reason) => self.reason[i] = *reason as u8,
            Detail::None | Detail::Began { .. } | Detail::Took { .. } => {}
        }
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
        self.url[i] = None;
        self.touch(slot);
    }

    fn count(&mut self, i: usize, phase: Phase, by: i64) {
        self.counts.add(phase, by);
        self.tables
            .count(self.session[i], StageId(self.stage[i]), phase, by);
        self.tables.count_host(self.host[i], phase, by);
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

    /// Grows by a sixteenth at a time: doubling would leave half the memory empty.
    fn grow_to(&mut self, len: usize) {
        if len <= self.phase.len() {
            return;
        }
        let more = len - self.phase.len();
        if len > self.phase.capacity() {
            let more = more.max(self.phase.len() / 16).max(64);
            self.key.reserve_exact(more);
            self.url.reserve_exact(more);
            self.session.reserve_exact(more);
            self.stage.reserve_exact(more);
            self.batch.reserve_exact(more);
            self.host.reserve_exact(more);
            self.phase.reserve_exact(more);
            self.attempts.reserve_exact(more);
            self.changed_us.reserve_exact(more);
            self.figures.reserve_exact(more);
            self.class.reserve_exact(more);
            self.reason.reserve_exact(more);
        }
        self.key.resize(len, PageKey(uuid::Uuid::nil()));
        self.url.resize(len, None);
        self.session.resize(len, 0);
        self.stage.resize(len, 0);
        self.batch.resize(len, 0);
        self.host.resize(len, 0);
        self.phase.resize(len, EMPTY);
        self.attempts.resize(len, 0);
        self.changed_us.resize(len, 0);
        self.figures.resize(len, NO_FIGURES);
        self.class.resize(len, NONE);
        self.reason.resize(len, NONE);
    }
}

fn figures(due_us: Option<u64>, expected_ms: Option<(u32, u32, u32)>) -> [u32; 3] {
    match (due_us, expected_ms) {
        (_, Some((median, low, high))) => [median, low, high],
        (Some(due), None) => [low_half(due), low_half(due >> 32), 0],
        (None, None) => NO_FIGURES,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the half that is meant")]
const fn low_half(number: u64) -> u32 {
    number as u32
}

/// The class's place in `ErrorClass::ALL`, which is the order of its declaration.
const fn class_number(class: ErrorClass) -> u8 {
    class as u8
}
