//! What the engine tells: every move of a tick, births and departures included.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    feed::snapshot::Snapshot,
    model::{
        class::{ErrorClass, SkipReason},
        ids::{BatchId, HostId, PageKey, SessionId, StageId},
        page_url::PageUrl,
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

/// All changes of one tick.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ChangeFrame {
    /// Number of the first change; the others follow without a gap.
    pub seq: u64,
    /// Engine time in microseconds since its start.
    pub at_us: u64,
    /// In order.
    pub changes: Vec<Change>,
}

/// One fact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Change {
    /// A session begins: names for what follows.
    SessionBorn {
        /// Its id.
        session: SessionId,
        /// The site's name.
        site: Arc<str>,
        /// `None` where real; else "demo", "simulated", …
        source: Option<Arc<str>>,
        /// Names of its stages, by `StageId`.
        stages: Vec<Arc<str>>,
    },
    /// A host is seen for the first time.
    HostBorn {
        /// Its id.
        host: HostId,
        /// As shown.
        name: Arc<str>,
    },
    /// A task entered the window. Its slot is its own until it leaves.
    Admitted(Box<Birth>),
    /// A task moved.
    Moved(Move),
    /// A task left the window; its slot is free.
    Left {
        /// Its slot.
        slot: u32,
    },
    /// A session moved.
    SessionMoved {
        /// Which.
        session: SessionId,
        /// From.
        from: SessionPhase,
        /// To.
        to: SessionPhase,
    },
    /// A batch moved.
    BatchMoved {
        /// Whose.
        session: SessionId,
        /// Which.
        batch: BatchId,
        /// From.
        from: StagePhase,
        /// To.
        to: StagePhase,
    },
    /// A stage moved.
    StageMoved {
        /// Whose.
        session: SessionId,
        /// Which.
        stage: StageId,
        /// From.
        from: StagePhase,
        /// To.
        to: StagePhase,
    },
    /// A host's breaker moved.
    BreakerMoved {
        /// Whose.
        host: HostId,
        /// To.
        to: BreakerPhase,
    },
    /// Something a person should read (page count shrank, budget reached).
    Notice {
        /// About which session.
        session: SessionId,
        /// One line.
        text: Arc<str>,
    },
}

/// A task that entered the window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Birth {
    /// Its slot in the window.
    pub slot: u32,
    /// Its identity.
    pub key: PageKey,
    /// Canonical URL.
    pub url: PageUrl,
    /// Whose.
    pub session: SessionId,
    /// Its stage.
    pub stage: StageId,
    /// Its batch.
    pub batch: BatchId,
    /// Its home host.
    pub host: HostId,
    /// Queued or Backoff.
    pub phase: Phase,
    /// Failed attempts so far.
    pub attempts: u16,
}

impl Birth {
    /// A queued page of session 1, its first stage and batch, and host 1: for frames made by hand.
    #[must_use]
    pub fn new(slot: u32, url: &str) -> Self {
        Self {
            slot,
            key: PageKey::new("site", "page", url),
            url: url.into(),
            session: SessionId(1),
            stage: StageId(0),
            batch: BatchId(0),
            host: HostId(1),
            phase: Phase::Queued,
            attempts: 0,
        }
    }
}

/// One task's move.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Move {
    /// Its slot.
    pub slot: u32,
    /// From.
    pub from: Phase,
    /// To.
    pub to: Phase,
    /// Failed attempts so far.
    pub attempts: u16,
    /// What belongs to the arrow.
    pub detail: Detail,
}

/// What belongs to a move.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub enum Detail {
    /// Nothing more.
    #[default]
    None,
    /// A step began: its predicted duration in ms (median and 80 % interval), where known.
    Began {
        /// Median, low, high.
        expect_ms: Option<(u32, u32, u32)>,
    },
    /// A step ended well after so many milliseconds, with so many bytes.
    Took {
        /// Milliseconds.
        ms: u32,
        /// Bytes received (fetch), else 0.
        bytes: u64,
    },
    /// A step failed.
    Error(Box<Fault>),
    /// A skip.
    Reason(SkipReason),
}

/// How a step failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    /// Class.
    pub class: ErrorClass,
    /// One line for people.
    pub message: Arc<str>,
    /// When it is tried again: engine time in microseconds.
    pub retry_at_us: Option<u64>,
}
