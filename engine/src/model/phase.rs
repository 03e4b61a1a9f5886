//! A task's state without its data, as events, the store and the viewer know it.

use super::named::named_enum;

#[cfg(test)]
mod tests;

named_enum! {
    /// Where a task is in its life (SPEC C3), in the order of a life that goes well, then of what
    /// may happen instead. The data of each state is in `TaskState`.
    #[derive(Default)]
    pub enum Phase {
        /// Waiting to be fetched.
        #[default]
        Queued = "queued",
        /// A fetch is in flight.
        Fetching = "fetching",
        /// The body is here; waiting to be parsed.
        Fetched = "fetched",
        /// A worker parses it.
        Parsing = "parsing",
        /// Records and links are here; waiting to be saved.
        Parsed = "parsed",
        /// The store has it.
        Saving = "saving",
        /// Saved for good, in one transaction.
        Done = "done",
        /// Waiting for its next attempt.
        Backoff = "backoff",
        /// Retries used up; waiting for its stage's verdict.
        Failed = "failed",
        /// A dead letter: given up, with its evidence.
        Dead = "dead",
        /// Not fetched or not kept, with a reason.
        Skipped = "skipped",
        /// Dropped by a person.
        Cancelled = "cancelled",
    }
}

impl Phase {
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

named_enum! {
    /// Where a session is.
    #[derive(Default)]
    pub enum SessionPhase {
        /// Its store is being read.
        #[default]
        Analysing = "analysing",
        /// Its plan is being made.
        Planning = "planning",
        /// Its tasks are dispatched.
        Running = "running",
        /// None of its tasks is dispatched.
        Paused = "paused",
        /// What is in flight ends.
        Draining = "draining",
        /// Stopped; `resume` goes on with it.
        Stopped = "stopped",
        /// Ended; every task is final.
        Completed = "completed",
        /// Ended with a fatal stage or store.
        Failed = "failed",
    }
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

named_enum! {
    /// Where a batch or a stage is.
    #[derive(Default)]
    pub enum StagePhase {
        /// Nothing of it has begun.
        #[default]
        Waiting = "waiting",
        /// Some of its tasks are open.
        Running = "running",
        /// Ended; nothing of it failed.
        Success = "success",
        /// Ended; some items failed, within the tolerance.
        Partial = "partial",
        /// Ended; beyond the tolerance.
        Fatal = "fatal",
    }
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

named_enum! {
    /// Where a breaker is.
    #[derive(Default)]
    pub enum BreakerPhase {
        /// Every request to the host passes.
        #[default]
        Closed = "closed",
        /// None passes until its time is over.
        Open = "open",
        /// A few probes pass.
        HalfOpen = "half_open",
    }
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
