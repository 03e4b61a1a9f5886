//! Counts of pages by session, batch, stage and phase. Only moves and receipts change them, so
//! that `discovered = Σ phases` holds at every tick.

use std::collections::{BTreeMap, BTreeSet};

use bevy_ecs::resource::Resource;

use crate::model::{
    class::{ErrorClass, SkipReason},
    ids::{BatchId, SessionId, StageId},
    phase::Phase,
    remark::Remarks,
};

/// Pages of one stage of one batch by phase.
pub type Counts = [u64; Phase::ALL.len()];

/// The books. Pages outside the window stand as queued (or in their final phase).
#[derive(Resource, Debug, Default)]
pub struct Ledger {
    sessions: BTreeMap<SessionId, Book>,
    /// Stages may have ended, or a batch may open: set by whatever ends pages, moves sessions or
    /// brings links, cleared by `judge_stages`.
    pub stages_changed: bool,
}

/// The books of one session.
#[derive(Debug, Default)]
pub struct Book {
    pub discovered: u64,
    counts: BTreeMap<(BatchId, StageId), Counts>,
    stages: Vec<Counts>,
    unopened: BTreeSet<BatchId>,
    /// Over all batches and stages.
    pub total: Counts,
    /// Failed attempts by class.
    pub errors: BTreeMap<ErrorClass, u64>,
    /// Dead letters by class.
    pub dead: BTreeMap<ErrorClass, u64>,
    /// Skipped pages by reason.
    pub skipped: BTreeMap<SkipReason, u64>,
    pub records: u64,
    pub bytes: u64,
    /// What is said at the end.
    pub remarks: Remarks,
}

impl Book {
    /// Pages of a stage over all batches.
    #[must_use]
    pub fn stage(&self, stage: StageId) -> Counts {
        let counts = self.stages.get(usize::from(stage.0));
        counts.copied().unwrap_or_default()
    }

    /// Pages of a stage of a batch.
    #[must_use]
    pub fn cell(&self, batch: BatchId, stage: StageId) -> Counts {
        self.counts
            .get(&(batch, stage))
            .copied()
            .unwrap_or_default()
    }

    /// Pages of a batch in this phase, over its stages.
    #[must_use]
    pub fn batch(&self, batch: BatchId, phase: Phase) -> u64 {
        self.counts
            .range((batch, StageId(0))..=(batch, StageId(u16::MAX)))
            .map(|(_, counts)| counts[phase as usize])
            .sum()
    }

    /// The first batch that has pages and was not opened yet.
    #[must_use]
    pub fn unopened(&self) -> Option<BatchId> {
        self.unopened.first().copied()
    }

    /// The last batch that has pages.
    #[must_use]
    pub fn last_batch(&self) -> Option<BatchId> {
        let ((batch, _), _) = self.counts.last_key_value()?;
        Some(*batch)
    }

    /// A batch is opened.
    pub fn open(&mut self, batch: BatchId) {
        self.unopened.remove(&batch);
    }

    /// Whether `discovered = Σ phases`, in total, over the stages and over the cells.
    #[must_use]
    pub fn is_balanced(&self) -> bool {
        let sum = |all: &mut dyn Iterator<Item = &Counts>| {
            all.fold(Counts::default(), |mut sum, counts| {
                add(&mut sum, counts);
                sum
            })
        };
        sum(&mut self.counts.values()) == self.total
            && sum(&mut self.stages.iter()) == self.total
            && self.total.iter().sum::<u64>() == self.discovered
    }

    fn stage_mut(&mut self, stage: StageId) -> &mut Counts {
        let at = usize::from(stage.0);
        if at >= self.stages.len() {
            self.stages.resize(at + 1, Counts::default());
        }
        &mut self.stages[at]
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

/// Pages of these counts that an order is out for, or whose next step waits.
#[must_use]
pub fn in_flight(counts: &Counts) -> u64 {
    Phase::ALL
        .into_iter()
        .filter(|phase| phase.is_in_flight())
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
        book.stage_mut(cell.1)[phase as usize] += count;
        if let Some(counts) = book.counts.get_mut(&cell) {
            counts[phase as usize] += count;
            return;
        }
        let batch = (cell.0, StageId(0))..=(cell.0, StageId(u16::MAX));
        if book.counts.range(batch).next().is_none() {
            book.unopened.insert(cell.0);
        }
        book.counts.entry(cell).or_default()[phase as usize] += count;
    }

    /// `count` pages moved; the books that say so.
    ///
    /// # Panics
    /// If the books hold fewer pages in `from`: a broken invariant of ours.
    pub fn shift(
        &mut self,
        session: SessionId,
        cell: (BatchId, StageId),
        arrow: (Phase, Phase),
        count: u64,
    ) -> &mut Book {
        let book = self.book_mut(session);
        let (from, to) = (arrow.0 as usize, arrow.1 as usize);
        let counts = book.counts.entry(cell).or_default();
        counts[from] = counts[from]
            .checked_sub(count)
            .unwrap_or_else(|| panic!("{session:?} {cell:?} holds too few {:?}", arrow.0));
        counts[to] += count;
        book.total[from] -= count;
        book.total[to] += count;
        let stage = book.stage_mut(cell.1);
        stage[from] -= count;
        stage[to] += count;
        book
    }
}
