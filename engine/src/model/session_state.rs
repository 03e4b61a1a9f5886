//! Where a session is, inside the engine: what it drains for, and how it ends.

use crate::model::phase::SessionPhase;

/// Where a session is, with what belongs to it. Outside only its [`phase`](Self::phase) is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionState {
    /// The store has opened it; its hosts and start URLs are not known yet.
    Planning,
    Running,
    /// Nothing is dispatched until a person or the policy of a fatal stage lets it go on.
    Paused,
    /// What is in flight ends, or is called back at once; nothing is sent any more.
    Draining {
        /// What is in flight is called back.
        at_once: bool,
        /// How it ends when nothing is in flight.
        then: Ending,
    },
    /// Its last note is on its way to the store.
    Closing(Ending),
    /// Its last note is kept, or the store is lost.
    Over(Ending),
}

/// How a session ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// Every task is final.
    Completed,
    /// Resumable: by a person, or by a budget that is used up.
    Stopped(Option<Budget>),
    /// By a fatal stage or a lost store; one line for people.
    Failed(String),
}

/// What may end a run before its work does (SPEC B9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Budget {
    /// So many pages were asked for.
    Pages,
    /// So many bytes were received.
    Bytes,
    /// So long it ran.
    Minutes,
}

impl Budget {
    /// The setting that holds it.
    #[must_use]
    pub const fn setting(self) -> &'static str {
        match self {
            Self::Pages => "bounds.max_pages",
            Self::Bytes => "bounds.max_bytes",
            Self::Minutes => "bounds.max_minutes",
        }
    }
}

impl Ending {
    /// The phase of a session that has ended so.
    #[must_use]
    pub const fn phase(&self) -> SessionPhase {
        match self {
            Self::Completed => SessionPhase::Completed,
            Self::Stopped(_) => SessionPhase::Stopped,
            Self::Failed(_) => SessionPhase::Failed,
        }
    }
}

impl SessionState {
    /// The state as events, snapshots and the store know it: *draining* until the last note is
    /// kept.
    #[must_use]
    pub const fn phase(&self) -> SessionPhase {
        match self {
            Self::Planning => SessionPhase::Planning,
            Self::Running => SessionPhase::Running,
            Self::Paused => SessionPhase::Paused,
            Self::Draining { .. } | Self::Closing(_) => SessionPhase::Draining,
            Self::Over(ending) => ending.phase(),
        }
    }

    /// Whether work goes on, or would if nobody had paused it.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self, Self::Planning | Self::Running | Self::Paused)
    }
}

impl SessionPhase {
    /// The table of a session's moves; the README draws it. A stopped session that is taken up
    /// again is analysed anew.
    #[must_use]
    pub const fn may_move(self, to: Self) -> bool {
        use SessionPhase::{
            Analysing, Completed, Draining, Failed, Paused, Planning, Running, Stopped,
        };
        matches!(
            (self, to),
            (Analysing, Planning)
                | (Planning | Paused, Running | Draining | Failed)
                | (Running, Paused | Draining | Failed)
                | (Draining, Stopped | Completed | Failed)
                | (Stopped | Completed | Failed, Analysing)
        )
    }
}
