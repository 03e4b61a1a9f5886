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
