//! What a mirror answers: tasks, columns, counts, key frames, and the slots to draw anew.

use crate::{
    feed::{
        key::{KeyFrame, KeyTask},
        mirror::{EMPTY, Mirror, PhaseCounts, Tables, Task},
    },
    model::{
        ids::{BatchId, PageKey, StageId},
        phase::Phase,
    },
};

/// Tasks in one part of a key frame.
const PART_TASKS: usize = 8_192;

/// What of a task is drawn: few columns, for those who look at very many.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sight {
    /// Where it is.
    pub phase: Phase,
    /// Its stage.
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

impl Mirror {
    /// What is drawn of the task in this slot.
    #[must_use]
    #[inline]
    pub fn sight(&self, slot: u32) -> Option<Sight> {
        let phase = self.phase_at(slot)?;
        let row = self.rows.get(slot as usize)?;
        let rare = self.rares.of(row);
        Some(Sight {
            phase,
            stage: StageId(row.stage),
            attempts: rare.attempts,
            changed_us: row.changed_us,
            due_us: rare.figures.due_us(),
            expected_ms: rare.figures.expected_ms(),
            variety: row.key.0.as_bytes()[15],
            host_number: row.host,
        })
    }

    /// Who is in this slot.
    #[must_use]
    #[inline]
    pub fn key_at(&self, slot: u32) -> Option<PageKey> {
        self.phase_at(slot)?;
        Some(self.rows.get(slot as usize)?.key)
    }

    /// All of it as the parts of one key frame, at least one.
    #[must_use]
    pub fn key_frames(&self) -> Vec<KeyFrame> {
        let parts = self.len().div_ceil(PART_TASKS as u64);
        let parts = u32::try_from(parts).unwrap_or(u32::MAX).max(1);
        let mut slots = self.slots();
        (0..parts)
            .map(|part| KeyFrame {
                seq: self.next_seq(),
                at_us: self.at_us(),
                part,
                parts,
                tables: if part == 0 {
                    self.tables().clone().without_counts()
                } else {
                    Tables::default()
                },
                tasks: slots
                    .by_ref()
                    .take(PART_TASKS)
                    .filter_map(|slot| self.task(slot).map(KeyTask::from))
                    .collect(),
            })
            .collect()
    }

    /// The task in this slot.
    #[must_use]
    pub fn task(&self, slot: u32) -> Option<Task<'_>> {
        let phase = self.phase_at(slot)?;
        let row = self.rows.get(slot as usize)?;
        let rare = self.rares.of(row);
        Some(Task {
            slot,
            key: row.key,
            url: row.url.as_ref()?,
            session: self.tables.sessions()[usize::from(row.session)].id,
            stage: StageId(row.stage),
            batch: BatchId(row.batch),
            host: self.tables.hosts()[row.host as usize].id,
            phase,
            attempts: rare.attempts,
            changed_us: row.changed_us,
            due_us: rare.figures.due_us(),
            expected_ms: rare.figures.expected_ms(),
            class: rare.class,
            reason: rare.reason,
        })
    }

    /// The phase of the task in this slot.
    #[must_use]
    #[inline]
    pub fn phase_at(&self, slot: u32) -> Option<Phase> {
        Phase::from_number(*self.phase.get(slot as usize)?)
    }

    /// Slots in use, in order.
    pub fn slots(&self) -> impl Iterator<Item = u32> + '_ {
        (0_u32..)
            .zip(&self.phase)
            .filter(|(_, phase)| **phase != EMPTY)
            .map(|(slot, _)| slot)
    }

    /// The phase column: a phase's number, or `EMPTY`, by slot.
    #[must_use]
    pub fn phases(&self) -> &[u8] {
        &self.phase
    }

    /// Resident tasks.
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
        fn of<T>(column: &Vec<T>) -> usize {
            column.capacity() * size_of::<T>()
        }
        let ours = of(&self.rows) + of(&self.phase) + self.rares.bytes();
        let dirty = self.dirty.as_ref();
        ours + dirty.map_or(0, |dirty| {
            of(&dirty.slots) + of(&dirty.marks) + of(&dirty.handed)
        })
    }

    /// Slots touched since the last call, each once; empty unless made by `tracking`.
    pub fn take_dirty(&mut self) -> Vec<u32> {
        let Some(dirty) = &mut self.dirty else {
            return Vec::new();
        };
        let slots = std::mem::take(&mut dirty.slots);
        for slot in &slots {
            dirty.marks[*slot as usize / 64] = 0;
        }
        slots
    }

    /// From now on `has_changed` speaks of what comes.
    pub fn watch_hands(&mut self) {
        if let Some(dirty) = &mut self.dirty {
            dirty.handed.fill(0);
        }
    }

    /// Whether the task that was in this slot at the last `watch_hands` is there no more; always
    /// true unless made by `tracking`.
    #[must_use]
    pub fn has_changed(&self, slot: u32) -> bool {
        let word = |dirty: &super::Dirty| dirty.handed.get(slot as usize / 64).copied();
        let handed = self.dirty.as_ref().and_then(word).unwrap_or(u64::MAX);
        !self.is_taken(slot) || handed >> (slot % 64) & 1 == 1
    }

    pub(super) fn is_taken(&self, slot: u32) -> bool {
        self.phase_at(slot).is_some()
    }
}

impl From<Task<'_>> for KeyTask {
    fn from(task: Task<'_>) -> Self {
        Self {
            slot: task.slot,
            key: task.key,
            url: task.url.clone(),
            session: task.session,
            stage: task.stage,
            batch: task.batch,
            host: task.host,
            phase: task.phase,
            attempts: task.attempts,
            changed_us: task.changed_us,
            due_us: task.due_us,
            expected_ms: task.expected_ms,
            class: task.class,
            reason: task.reason,
        }
    }
}
