//! The resident tasks of a mirror by slot, packed: what only few tasks have at a time is kept
//! apart, so that a task that merely waits takes 49 bytes beside its URL.

use uuid::Uuid;

use crate::{
    feed::{mirror::Sight, tables::Tables, task_record::TaskRecord},
    model::{
        class::{ErrorClass, SkipReason},
        ids::{BatchId, PageKey, StageId},
        page_url::PageUrl,
        phase::Phase,
    },
};

/// A phase column's number where no task lives.
pub const EMPTY: u8 = u8::MAX;

/// What every resident task has, but for its phase.
#[derive(Debug, Clone)]
struct Packed {
    key: PageKey,
    /// `None` where no task lives.
    url: Option<PageUrl>,
    changed_us: u64,
    batch: u32,
    /// Its place among the hosts.
    host: u32,
    /// Its place among the extras; `NO_EXTRA` for a task that has none.
    extra: u32,
    /// Its place among the sessions.
    session: u16,
    stage: u16,
}

const _: () = assert!(size_of::<Packed>() == 48);

const NO_EXTRA: u32 = u32::MAX;

const VACANT: Packed = Packed {
    key: PageKey(Uuid::nil()),
    url: None,
    changed_us: 0,
    batch: 0,
    host: 0,
    extra: NO_EXTRA,
    session: 0,
    stage: 0,
};

/// What a task has that was sent, that failed or that was skipped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Extra {
    pub(super) attempts: u16,
    pub(super) outlook: Outlook,
    pub(super) class: Option<ErrorClass>,
    pub(super) reason: Option<SkipReason>,
}

/// What is known of a task's next move: one of two, as a task in flight is not in backoff.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Outlook {
    #[default]
    Unknown,
    /// Predicted ms of the step in flight: median, low, high.
    Expected(u32, u32, u32),
    /// Engine time of the next try, µs.
    Due(u64),
}

impl Outlook {
    pub(super) fn new(due_us: Option<u64>, expected_ms: Option<(u32, u32, u32)>) -> Self {
        match (due_us, expected_ms) {
            (_, Some((median, low, high))) => Self::Expected(median, low, high),
            (Some(due), None) => Self::Due(due),
            (None, None) => Self::Unknown,
        }
    }

    const fn due_us(self) -> Option<u64> {
        match self {
            Self::Due(due) => Some(due),
            _ => None,
        }
    }

    const fn expected_ms(self) -> Option<(u32, u32, u32)> {
        match self {
            Self::Expected(median, low, high) => Some((median, low, high)),
            _ => None,
        }
    }
}

/// Places of a task's session and host in the tables, and its stage: where it is counted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Owners {
    pub(super) session: u16,
    pub(super) stage: u16,
    pub(super) host: u32,
}

/// The resident tasks by slot.
#[derive(Debug, Clone, Default)]
pub(super) struct Columns {
    tasks: Vec<Packed>,
    /// A column of its own: it is drawn and counted without the rest.
    phases: Vec<u8>,
    extras: Vec<Extra>,
    free_extras: Vec<u32>,
}

impl Columns {
    pub(super) fn phases(&self) -> &[u8] {
        &self.phases
    }

    #[inline]
    pub(super) fn phase(&self, slot: u32) -> Option<Phase> {
        Phase::from_number(*self.phases.get(slot as usize)?)
    }

    /// The key that this slot holds, or held last.
    pub(super) fn last_key(&self, slot: u32) -> Option<PageKey> {
        Some(self.tasks.get(slot as usize)?.key)
    }

    /// Of a slot in use, or used before.
    pub(super) fn owners(&self, slot: u32) -> Owners {
        let packed = &self.tasks[slot as usize];
        Owners {
            session: packed.session,
            stage: packed.stage,
            host: packed.host,
        }
    }

    /// Puts a task into its slot, which is free.
    pub(super) fn insert(&mut self, task: &TaskRecord, changed_us: u64, owners: Owners) {
        let i = task.slot as usize;
        self.grow_to(i + 1);
        self.tasks[i] = Packed {
            key: task.key,
            url: Some(task.url.clone()),
            changed_us,
            batch: task.batch.0,
            host: owners.host,
            extra: NO_EXTRA,
            session: owners.session,
            stage: owners.stage,
        };
        self.phases[i] = task.phase as u8;
        let extra = Extra {
            attempts: task.attempts,
            outlook: Outlook::new(task.due_us, task.expected_ms),
            class: task.class,
            reason: task.reason,
        };
        self.set_extra(i, extra);
    }

    /// The task in this slot.
    pub(super) fn get<'a>(&'a self, slot: u32, tables: &Tables) -> Option<TaskRecord<&'a PageUrl>> {
        let phase = self.phase(slot)?;
        let packed = self.tasks.get(slot as usize)?;
        let extra = self.extra(packed);
        Some(TaskRecord {
            slot,
            key: packed.key,
            url: packed.url.as_ref()?,
            session: tables.sessions()[usize::from(packed.session)].id,
            stage: StageId(packed.stage),
            batch: BatchId(packed.batch),
            host: tables.hosts()[packed.host as usize].id,
            phase,
            attempts: extra.attempts,
            changed_us: packed.changed_us,
            due_us: extra.outlook.due_us(),
            expected_ms: extra.outlook.expected_ms(),
            class: extra.class,
            reason: extra.reason,
        })
    }

    /// What is drawn of the task in this slot.
    #[inline]
    pub(super) fn sight(&self, slot: u32) -> Option<Sight> {
        let phase = self.phase(slot)?;
        let packed = self.tasks.get(slot as usize)?;
        let extra = self.extra(packed);
        Some(Sight {
            phase,
            stage: StageId(packed.stage),
            attempts: extra.attempts,
            changed_us: packed.changed_us,
            due_us: extra.outlook.due_us(),
            expected_ms: extra.outlook.expected_ms(),
            variety: packed.key.0.as_bytes()[15],
            host_number: packed.host,
        })
    }

    /// Moves the task of a slot in use.
    pub(super) fn shift(
        &mut self,
        slot: u32,
        to: Phase,
        at_us: u64,
        edit: impl FnOnce(&mut Extra),
    ) {
        let i = slot as usize;
        self.phases[i] = to as u8;
        self.tasks[i].changed_us = at_us;
        let mut extra = self.extra(&self.tasks[i]);
        edit(&mut extra);
        self.set_extra(i, extra);
    }

    /// Frees a slot in use: its key stays until another task comes.
    pub(super) fn remove(&mut self, slot: u32) {
        let i = slot as usize;
        self.phases[i] = EMPTY;
        self.tasks[i].url = None;
        self.set_extra(i, Extra::default());
    }

    /// Bytes that they take, URLs aside.
    pub(super) fn bytes(&self) -> usize {
        self.tasks.capacity() * size_of::<Packed>()
            + self.phases.capacity()
            + self.extras.capacity() * size_of::<Extra>()
            + self.free_extras.capacity() * size_of::<u32>()
    }

    #[inline]
    fn extra(&self, packed: &Packed) -> Extra {
        let extra = self.extras.get(packed.extra as usize);
        extra.copied().unwrap_or_default()
    }

    fn set_extra(&mut self, i: usize, extra: Extra) {
        let place = &mut self.tasks[i].extra;
        if extra == Extra::default() {
            if *place != NO_EXTRA {
                self.free_extras.push(*place);
                *place = NO_EXTRA;
            }
        } else if let Some(old) = self.extras.get_mut(*place as usize) {
            *old = extra;
        } else if let Some(free) = self.free_extras.pop() {
            self.extras[free as usize] = extra;
            *place = free;
        } else {
            *place = u32::try_from(self.extras.len()).expect("one a slot, and slots are u32");
            self.extras.push(extra);
        }
    }

    /// Grows by a sixteenth at a time: doubling would leave half the memory empty.
    fn grow_to(&mut self, len: usize) {
        if len <= self.phases.len() {
            return;
        }
        if len > self.phases.capacity() {
            let more = len - self.phases.len();
            let more = more.max(self.phases.len() / 16).max(64);
            self.tasks.reserve_exact(more);
            self.phases.reserve_exact(more);
        }
        self.tasks.resize(len, VACANT);
        self.phases.resize(len, EMPTY);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Columns {
        /// Places there are for extras, and how many are taken.
        pub(in crate::feed::mirror) fn extras_kept(&self) -> (usize, usize) {
            let places = self.extras.len();
            (places, places - self.free_extras.len())
        }
    }

    #[test]
    fn a_task_costs_at_most_64_bytes_beside_its_url() {
        // The dirty list holds a slot once, the marks a bit.
        let task = size_of::<Packed>() + size_of::<u8>() + size_of::<u32>();
        assert!(task < 64, "{task}");
        let mut columns = Columns::default();
        for len in 1..=100_000 {
            columns.grow_to(len);
        }
        let (tasks, phases) = (columns.tasks.capacity(), columns.phases.capacity());
        assert!(tasks < 120_000 && phases < 120_000, "little stands empty");
    }
}
