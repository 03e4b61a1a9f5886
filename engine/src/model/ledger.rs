//! Counts of pages by session, batch, stage and phase. Only moves and receipts change them, so
//! that `discovered = Σ phases` holds at every tick.

use std::collections::BTreeMap;

use bevy_ecs::resource::Resource;

use crate::model::{
    class::{ErrorClass, SkipReason},
    ids::{BatchId, SessionId, StageId},
    phase::Phase,
};

/// Pages of one stage of one batch by phase.
pub type Counts = [u64; Phase::ALL.len()];

/// The books. Pages outside the window stand as queued (or in their final phase).
#[derive(Resource, Debug, Default)]
pub struct Ledger {
    sessions: BTreeMap<SessionId, Book>,
}

/// The books of one session.
#[derive(Debug, Default)]
pub struct Book {
    /// Pages known.
    pub discovered: u64,
    /// By batch and stage.
    pub counts: BTreeMap<(BatchId, StageId), Counts>,
    /// Over all batches and stages.
    pub total: Counts,
    /// Failed attempts by class.
    pub errors: BTreeMap<ErrorClass, u64>,
    /// Dead letters by class.
    pub dead: BTreeMap<ErrorClass, u64>,
    /// Skipped pages by reason.
    pub skipped: BTreeMap<SkipReason, u64>,
    /// Records saved.
    pub records: u64,
    /// Bytes received.
    pub bytes: u64,
}

impl Book {
    /// Pages of a stage over all batches.
    #[must_use]
    pub fn stage(&self, stage: StageId) -> Counts {
        let mut sum = Counts::default();
        for counts in self
            .counts
            .iter()
            .filter(|((_, of), _)| *of == stage)
            .map(|(_, counts)| counts)
        {
            add(&mut sum, counts);
        }
        sum
    }

    /// Pages of a stage of a batch.
    #[must_use]
    pub fn cell(&self, batch: BatchId, stage: StageId) -> Counts {
        self.counts
            .get(&(batch, stage))
            .copied()
            .unwrap_or_default()
    }

    /// Whether `discovered = Σ phases`, in total and over the cells.
    #[must_use]
    pub fn is_balanced(&self) -> bool {
        let mut sum = Counts::default();
        for counts in self.counts.values() {
            add(&mut sum, counts);
        }
        sum == self.total && self.total.iter().sum::<u64>() == self.discovered
    }
}

fn add(sum: &mut Counts, counts: &Counts) {
    for (sum, count) in sum.iter_mut().zip(counts) {
        *sum += count;
    }
}

/// Pages of these counts that may still move by themselves.
#[must_use]
pub fn open(counts: &Counts) -> u64 {
    Phase::ALL
        .into_iter()
        .filter(|phase| !phase.is_final() && *phase != Phase::Failed)
        .map(|phase| counts[phase as usize])
        .sum()
}

impl Ledger {
    /// The books of a session, opened on first use.
    pub fn book_mut(&mut self, session: SessionId) -> &mut Book {
        self.sessions.entry(session).or_default()
    }

    /// The session's books are opened anew, from what the store counts.
    pub fn begin_anew(&mut self, session: SessionId) {
        self.sessions.remove(&session);
    }

    /// The books of a session.
    #[must_use]
    pub fn book(&self, session: SessionId) -> Option<&Book> {
        self.sessions.get(&session)
    }

    /// All books, by session.
    pub fn books(&self) -> impl Iterator<Item = (SessionId, &Book)> {
        self.sessions.iter().map(|(id, book)| (*id, book))
    }

    /// `count` pages became known in this phase.
    pub fn discover(
        &mut self,
        session: SessionId,
        cell: (BatchId, StageId),
        phase: Phase,
        count: u64,
    ) {
        let book = self.book_mut(session);
        book.discovered += count;
        book.total[phase as usize] += count;
        book.counts.entry(cell).or_default()[phase as usize] += count;
    }

    /// `count` pages moved.
    ///
    /// # Panics
    /// If the books hold fewer pages in `from`: a broken invariant of ours.
    pub fn shift(
        &mut self,
        session: SessionId,
        cell: (BatchId, StageId),
        arrow: (Phase, Phase),
        count: u64,
    ) {
        let book = self.book_mut(session);
        let (from, to) = (arrow.0 as usize, arrow.1 as usize);
        let counts = book.counts.entry(cell).or_default();
        counts[from] = counts[from]
            .checked_sub(count)
            .unwrap_or_else(|| panic!("{session:?} {cell:?} holds too few {:?}", arrow.0));
        counts[to] += count;
        book.total[from] -= count;
        book.total[to] += count;
    }
}
