//! A task's state without its data, as events, the store and the viewer know it.

use serde::{Deserialize, Serialize};

/// Where a task is in its life (SPEC C3). The data of each state is in `TaskState`.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Phase {
    /// Waiting to be fetched.
    #[default]
    Queued = 0,
    /// A fetch is in flight.
    Fetching = 1,
    /// The body is here; waiting to be parsed.
    Fetched = 2,
    /// A worker parses it.
    Parsing = 3,
    /// Records and links are here; waiting to be saved.
    Parsed = 4,
    /// The store has it.
    Saving = 5,
    /// Saved for good.
    Done = 6,
    /// Waiting for its next attempt.
    Backoff = 7,
    /// Retries used up; waiting for its stage's verdict.
    Failed = 8,
    /// A dead letter.
    Dead = 9,
    /// Not fetched or not kept, with a reason.
    Skipped = 10,
    /// Dropped by a person.
    Cancelled = 11,
}

impl Phase {
    /// All phases, in the order of their numbers.
    pub const ALL: [Self; 12] = [
        Self::Queued,
        Self::Fetching,
        Self::Fetched,
        Self::Parsing,
        Self::Parsed,
        Self::Saving,
        Self::Done,
        Self::Backoff,
        Self::Failed,
        Self::Dead,
        Self::Skipped,
        Self::Cancelled,
    ];

    /// The phase as text in events, snapshots and the store.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Fetching => "fetching",
            Self::Fetched => "fetched",
            Self::Parsing => "parsing",
            Self::Parsed => "parsed",
            Self::Saving => "saving",
            Self::Done => "done",
            Self::Backoff => "backoff",
            Self::Failed => "failed",
            Self::Dead => "dead",
            Self::Skipped => "skipped",
            Self::Cancelled => "cancelled",
        }
    }

    /// The phase with this number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// Whether it stands in the frontier.
    #[must_use]
    pub const fn is_waiting(self) -> bool {
        matches!(self, Self::Queued | Self::Backoff)
    }

    /// Whether only a person's requeue can move it on.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(
            self,
            Self::Done | Self::Dead | Self::Skipped | Self::Cancelled
        )
    }

    /// Whether an order for it is out, or its result waits in memory.
    #[must_use]
    pub const fn is_in_flight(self) -> bool {
        matches!(
            self,
            Self::Fetching | Self::Fetched | Self::Parsing | Self::Parsed | Self::Saving
        )
    }
}

/// The table of allowed moves. The README draws it; a new arrow is a line here and there.
#[must_use]
pub const fn may_move(from: Phase, to: Phase) -> bool {
    use Phase::{
        Backoff, Cancelled, Dead, Done, Failed, Fetched, Fetching, Parsed, Parsing, Queued, Saving,
        Skipped,
    };
    matches!(
        (from, to),
        (Queued, Fetching | Skipped | Failed | Cancelled)
            | (
                Fetching,
                Fetched | Queued | Backoff | Failed | Dead | Skipped
            )
            | (Fetched, Parsing | Queued | Cancelled)
            | (Parsing, Parsed | Queued | Backoff | Failed | Dead | Skipped)
            | (Parsed, Saving | Queued | Cancelled)
            | (Saving, Done | Skipped)
            | (Backoff, Queued | Cancelled)
            | (Failed, Queued | Dead | Skipped | Cancelled)
            | (Dead | Skipped | Cancelled, Queued)
            | (Dead, Cancelled)
    )
}

/// Where a session is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionPhase {
    /// Its store is being read.
    #[default]
    Analysing,
    /// Its plan is being made.
    Planning,
    /// Tasks are dispatched.
    Running,
    /// Nothing is dispatched.
    Paused,
    /// What is in flight ends.
    Draining,
    /// Stopped, resumable.
    Stopped,
    /// Ended; every task is final.
    Completed,
    /// Ended with a fatal stage or store.
    Failed,
}

impl SessionPhase {
    /// Those in which a session is over.
    const OVER: [Self; 3] = [Self::Stopped, Self::Completed, Self::Failed];

    /// Whether a session that is here is over.
    #[must_use]
    pub fn is_over(self) -> bool {
        Self::OVER.contains(&self)
    }

    /// The same of its name, as a snapshot has it.
    #[must_use]
    pub fn is_over_by_name(name: &str) -> bool {
        Self::OVER.iter().any(|phase| phase.name() == name)
    }
}

/// Where a batch or a stage is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StagePhase {
    /// Nothing of it has begun.
    #[default]
    Waiting,
    /// Has open tasks.
    Running,
    /// Ended with success.
    Success,
    /// Ended; some items failed, within the tolerance.
    Partial,
    /// Ended; beyond the tolerance.
    Fatal,
}

impl StagePhase {
    /// What counts of two: open before ended, worse before better.
    #[must_use]
    pub fn max_by_weight(self, other: Self) -> Self {
        const fn weight(phase: StagePhase) -> u8 {
            match phase {
                StagePhase::Waiting => 0,
                StagePhase::Success => 1,
                StagePhase::Partial => 2,
                StagePhase::Fatal => 3,
                StagePhase::Running => 4,
            }
        }
        if weight(other) >= weight(self) {
            other
        } else {
            self
        }
    }
}

/// Where a breaker is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakerPhase {
    /// All requests pass.
    #[default]
    Closed,
    /// None passes.
    Open,
    /// A few probes pass.
    HalfOpen,
}

impl BreakerPhase {
    /// The table of allowed moves. Open → closed is a person's: who held it open lets go.
    #[must_use]
    pub const fn may_move(self, to: Self) -> bool {
        use BreakerPhase::{Closed, HalfOpen, Open};
        matches!(
            (self, to),
            (Closed, Open) | (Open, HalfOpen | Closed) | (HalfOpen, Closed | Open)
        )
    }
}

macro_rules! named {
    ($type:ident { $($variant:ident = $name:literal),+ $(,)? }) => {
        impl $type {
            /// As text in events, snapshots and the store.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }
        }
    };
}
named!(SessionPhase {
    Analysing = "analysing",
    Planning = "planning",
    Running = "running",
    Paused = "paused",
    Draining = "draining",
    Stopped = "stopped",
    Completed = "completed",
    Failed = "failed",
});
named!(StagePhase {
    Waiting = "waiting",
    Running = "running",
    Success = "success",
    Partial = "partial",
    Fatal = "fatal",
});
named!(BreakerPhase { Closed = "closed", Open = "open", HalfOpen = "half_open" });
