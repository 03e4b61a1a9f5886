//! Where a stage of a batch, and a batch, is.

use crate::model::{named::named_enum, phase::StagePhase};

named_enum! {
    /// Where a stage of a batch is. Outside, a stage that recovers or is condemned is *running*.
    #[derive(Default)]
    pub enum StageState {
        /// No page of it is known.
        #[default]
        Waiting = "waiting",
        /// It has open pages.
        Running = "running",
        /// Its failed pages wait to run again, or the store requeues or skips them.
        Recovering = "recovering",
        /// The store makes dead letters of its failed pages.
        Condemning = "condemning",
        /// Nothing of it failed.
        Success = "success",
        /// Some of it failed, within the tolerance.
        Partial = "partial",
        /// More of it failed than is tolerated.
        Fatal = "fatal",
    }
}

impl StageState {
    /// The state as events, snapshots and the store know it.
    #[must_use]
    pub const fn phase(self) -> StagePhase {
        match self {
            Self::Waiting => StagePhase::Waiting,
            Self::Running | Self::Recovering | Self::Condemning => StagePhase::Running,
            Self::Success => StagePhase::Success,
            Self::Partial => StagePhase::Partial,
            Self::Fatal => StagePhase::Fatal,
        }
    }

    /// Whether its verdict is given.
    #[must_use]
    pub const fn has_ended(self) -> bool {
        matches!(self, Self::Success | Self::Partial | Self::Fatal)
    }

    /// The table of a stage's moves; the README draws it. An ended stage runs again when pages
    /// come into it.
    #[must_use]
    pub const fn may_move(self, to: Self) -> bool {
        use StageState::{Condemning, Fatal, Partial, Recovering, Running, Success, Waiting};
        matches!(
            (self, to),
            (
                Waiting,
                Running | Recovering | Condemning | Success | Partial | Fatal
            ) | (Running, Recovering | Condemning | Success | Partial | Fatal)
                | (Recovering | Condemning | Success | Partial | Fatal, Running)
        )
    }
}

impl StagePhase {
    /// The table of a batch's moves; the README draws it.
    #[must_use]
    pub const fn may_move(self, to: Self) -> bool {
        use StagePhase::{Fatal, Partial, Running, Success, Waiting};
        matches!(
            (self, to),
            (Waiting | Success | Partial | Fatal, Running) | (Running, Success | Partial | Fatal)
        )
    }
}
