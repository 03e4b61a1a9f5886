//! What a mirror answers: tasks, columns, counts, and the slots to draw anew.

use crate::{
    feed::mirror::{EMPTY, Mirror, PhaseCounts, Tables, Task, row::Figures},
    model::{
        ids::{BatchId, StageId},
        phase::Phase,
    },
};

impl Mirror {
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
            due_us: match rare.figures {
                Figures::Due(due) => Some(due),
                _ => None,
            },
            expected_ms: match rare.figures {
                Figures::Expected(median, low, high) => Some((median, low, high)),
                _ => None,
            },
            class: rare.class,
            reason: rare.reason,
        })
    }

    /// The phase of the task in this slot.
    #[must_use]
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

    pub(super) fn is_taken(&self, slot: u32) -> bool {
        self.phase_at(slot).is_some()
    }
}
