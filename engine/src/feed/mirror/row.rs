//! A task's row in a mirror, and what only few tasks have at a time, kept apart: a task that
//! merely waits takes 49 bytes beside its URL.

use uuid::Uuid;

use crate::{
    feed::key::KeyTask,
    model::{
        class::{ErrorClass, SkipReason},
        ids::PageKey,
        page_url::PageUrl,
    },
};

/// What every resident task has, but for its phase, which is a column of its own.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) key: PageKey,
    /// `None` where no task lives.
    pub(super) url: Option<PageUrl>,
    pub(super) changed_us: u64,
    pub(super) batch: u32,
    /// Its place among the hosts.
    pub(super) host: u32,
    /// Its place among the rare things; `NONE` for a task that has none.
    rare: u32,
    /// Its place among the sessions.
    pub(super) session: u16,
    pub(super) stage: u16,
}

const _: () = assert!(size_of::<Row>() == 48);

const NONE: u32 = u32::MAX;

impl Row {
    /// Nobody's.
    pub(super) const EMPTY: Self = Self {
        key: PageKey(Uuid::nil()),
        url: None,
        changed_us: 0,
        batch: 0,
        host: 0,
        rare: NONE,
        session: 0,
        stage: 0,
    };

    /// A task of these sessions' and hosts' places, without what is rare.
    pub(super) fn of(task: &KeyTask, session: u16, host: u32) -> Self {
        Self {
            key: task.key,
            url: Some(task.url.clone()),
            changed_us: task.changed_us,
            batch: task.batch.0,
            host,
            rare: NONE,
            session,
            stage: task.stage.0,
        }
    }
}

/// What a task has that was sent, that failed or that was skipped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Rare {
    /// Failed attempts so far.
    pub(super) attempts: u16,
    pub(super) figures: Figures,
    /// How its last step failed.
    pub(super) class: Option<ErrorClass>,
    /// Why it was skipped.
    pub(super) reason: Option<SkipReason>,
}

/// What is known of the future.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Figures {
    /// Nothing.
    #[default]
    None,
    /// In flight: expected ms (median, low, high).
    Expected(u32, u32, u32),
    /// Otherwise: when it is tried again, µs.
    Due(u64),
}

impl Figures {
    pub(super) fn of(due_us: Option<u64>, expected_ms: Option<(u32, u32, u32)>) -> Self {
        match (due_us, expected_ms) {
            (_, Some((median, low, high))) => Self::Expected(median, low, high),
            (Some(due), None) => Self::Due(due),
            (None, None) => Self::None,
        }
    }

    pub(super) const fn due_us(self) -> Option<u64> {
        match self {
            Self::Due(due) => Some(due),
            _ => None,
        }
    }

    pub(super) const fn expected_ms(self) -> Option<(u32, u32, u32)> {
        match self {
            Self::Expected(median, low, high) => Some((median, low, high)),
            _ => None,
        }
    }
}

impl Rare {
    pub(super) fn of(task: &KeyTask) -> Self {
        Self {
            attempts: task.attempts,
            figures: Figures::of(task.due_us, task.expected_ms),
            class: task.class,
            reason: task.reason,
        }
    }
}

/// The rare things of all rows.
#[derive(Debug, Clone, Default)]
pub(super) struct Rares {
    entries: Vec<Rare>,
    free: Vec<u32>,
}

impl Rares {
    #[inline]
    pub(super) fn of(&self, row: &Row) -> Rare {
        let entry = self.entries.get(row.rare as usize);
        entry.copied().unwrap_or_default()
    }

    pub(super) fn set(&mut self, row: &mut Row, rare: Rare) {
        if rare == Rare::default() {
            if row.rare != NONE {
                self.free.push(row.rare);
                row.rare = NONE;
            }
            return;
        }
        if let Some(entry) = self.entries.get_mut(row.rare as usize) {
            *entry = rare;
            return;
        }
        row.rare = if let Some(at) = self.free.pop() {
            self.entries[at as usize] = rare;
            at
        } else {
            self.entries.push(rare);
            u32::try_from(self.entries.len() - 1).expect("a row each, and slots are u32")
        };
    }

    /// Bytes that they take.
    pub(super) const fn bytes(&self) -> usize {
        self.entries.capacity() * size_of::<Rare>() + self.free.capacity() * size_of::<u32>()
    }

    /// Places there are, and how many are taken.
    #[cfg(test)]
    pub(super) fn kept(&self) -> (usize, usize) {
        let places = self.entries.len();
        (places, places - self.free.len())
    }
}
