//! What the engine tells: every move of a tick, admissions and departures included.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    feed::{snapshot::Snapshot, task_record::TaskRecord},
    model::{
        class::{ErrorClass, SkipReason},
        ids::{BatchId, HostId, SessionId, StageId},
        phase::{BreakerPhase, Phase, SessionPhase, StagePhase},
    },
};

/// One item of the feed, in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Frame {
    /// All changes of one tick.
    Changes(ChangeFrame),
    /// The whole picture in aggregates, each second.
    Snapshot(Box<Snapshot>),
}

/// What happened in one tick, or in several where the hub was behind.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ChangeFrame {
    /// Number of the first change; the others follow without a gap.
    pub seq: u64,
    /// Engine time in microseconds since its start.
    pub at_us: u64,
    /// In the order in which they happened.
    pub changes: Vec<Change>,
}

/// One fact of a tick.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Change {
    /// A session begins: names for what follows.
    SessionAdmitted {
        /// The store's number of it.
        session: SessionId,
        /// The site's name, from its site file.
        site: Arc<str>,
        /// `None` where real; else "demo", "simulated", …
        source: Option<Arc<str>>,
        /// Names of its stages, by `StageId`.
        stages: Vec<Arc<str>>,
    },
    /// A host is seen for the first time.
    HostAdmitted {
        /// The store's number of it.
        host: HostId,
        /// Host and port as shown, without the scheme.
        name: Arc<str>,
    },
    /// A task entered the window.
    Admitted(Box<TaskRecord>),
    /// A task has another state.
    Moved(Move),
    /// A task left the window; its slot is free.
    Left {
        /// Its place in the window until now.
        slot: u32,
    },
    /// A session has another state.
    SessionMoved {
        /// The store's number of it.
        session: SessionId,
        /// Where it was until this tick.
        from: SessionPhase,
        /// Where it is from now on.
        to: SessionPhase,
    },
    /// A batch has another state.
    BatchMoved {
        /// The session that it is a part of.
        session: SessionId,
        /// Its number in the session, from 0.
        batch: BatchId,
        /// Where it was until this tick.
        from: StagePhase,
        /// Where it is from now on.
        to: StagePhase,
    },
    /// A stage of a session has another state.
    StageMoved {
        /// The session that it is a part of.
        session: SessionId,
        /// Its place in the site file, from 0.
        stage: StageId,
        /// Where it was until this tick.
        from: StagePhase,
        /// Where it is from now on.
        to: StagePhase,
    },
    /// A host's breaker has another state.
    BreakerMoved {
        /// The store's number of the host.
        host: HostId,
        /// Where it is from now on.
        to: BreakerPhase,
    },
    /// Something a person should read (page count shrank, budget reached).
    Notice {
        /// The session that it is about.
        session: SessionId,
        /// One line, which may hold remote text.
        text: Arc<str>,
    },
}

/// A task's move along an arrow of `may_move`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Move {
    /// Where the task stands in the window.
    pub slot: u32,
    pub from: Phase,
    pub to: Phase,
    /// Failed attempts so far.
    pub attempts: u16,
    /// What belongs to the arrow.
    pub detail: Detail,
}

/// What belongs to a move.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub enum Detail {
    /// Nothing that the states do not say.
    #[default]
    None,
    /// A step began: its predicted duration in ms (median and 80 % interval), where known.
    Began {
        /// Median, then the ends of the interval.
        expect_ms: Option<(u32, u32, u32)>,
    },
    /// A step ended well after so many milliseconds, with so many bytes.
    Took {
        /// Its duration in milliseconds.
        ms: u32,
        /// Bytes received (fetch), else 0.
        bytes: u64,
    },
    /// A step failed, and how.
    Error(Box<Fault>),
    /// It was skipped, and why.
    Reason(SkipReason),
}

/// How a step failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    /// What kind of failure it is.
    pub class: ErrorClass,
    /// One line for people.
    pub message: Arc<str>,
    /// When it is tried again: engine time in microseconds.
    pub retry_at_us: Option<u64>,
}
