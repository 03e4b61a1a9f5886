//! Batches of a session, and the stages of those.

use bevy_ecs::component::Component;

use crate::model::{
    ids::{BatchId, SessionId},
    phase::StagePhase,
    stage_state::StageState,
};

/// A share of a session: up to `batch_size` pages of the entry stage and all they lead to.
#[derive(Component, Debug)]
pub struct Batch {
    pub session: SessionId,
    pub id: BatchId,
    pub phase: StagePhase,
    /// One for each stage of the site.
    pub stages: Vec<StageRun>,
}

/// A stage within a batch.
#[derive(Debug, Clone, Default)]
pub struct StageRun {
    pub state: StageState,
    /// Verdicts of *recoverable* so far.
    pub attempts: u32,
    /// Pages past the end of their list, which were skipped.
    pub past_end: u64,
}

impl Batch {
    /// Moves it.
    ///
    /// # Panics
    /// If the move is not in the table: a broken invariant of ours.
    pub fn enter(&mut self, to: StagePhase) {
        let from = self.phase;
        assert!(
            from == to || from.may_move(to),
            "no move {from:?} -> {to:?} for batch {:?}",
            self.id
        );
        self.phase = to;
    }
}

impl StageRun {
    /// Moves it.
    ///
    /// # Panics
    /// If the move is not in the table: a broken invariant of ours.
    pub fn enter(&mut self, to: StageState) {
        let from = self.state;
        assert!(
            from == to || from.may_move(to),
            "no move {from:?} -> {to:?} for a stage of a batch"
        );
        self.state = to;
    }
}
