//! Key frames: the whole window at one moment, in parts.

use crate::{
    feed::{frame::Birth, tables::Tables},
    model::{
        class::{ErrorClass, SkipReason},
        ids::{BatchId, HostId, PageKey, SessionId, StageId},
        page_url::PageUrl,
        phase::Phase,
    },
};

/// One part of a key frame; all parts carry the same `seq` and `at_us`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct KeyFrame {
    /// Number of the first change that is not in it.
    pub seq: u64,
    /// Engine time in µs.
    pub at_us: u64,
    /// Which part, from 0.
    pub part: u32,
    /// How many parts; at least 1.
    pub parts: u32,
    /// Sessions and hosts, in part 0 only; counts are zero.
    pub tables: Tables,
    /// Resident tasks by slot.
    pub tasks: Vec<KeyTask>,
}

/// One resident task.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyTask {
    /// Its slot.
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
    /// Where it is.
    pub phase: Phase,
    /// Failed attempts so far.
    pub attempts: u16,
    /// Engine time of its last move, µs.
    pub changed_us: u64,
    /// When it is tried again, µs.
    pub due_us: Option<u64>,
    /// Predicted ms of the step in flight.
    pub expected_ms: Option<(u32, u32, u32)>,
    /// How its last step failed.
    pub class: Option<ErrorClass>,
    /// Why it was skipped.
    pub reason: Option<SkipReason>,
}

impl KeyTask {
    /// A task at its birth.
    #[must_use]
    pub fn born(at_us: u64, birth: &Birth) -> Self {
        Self {
            slot: birth.slot,
            key: birth.key,
            url: birth.url.clone(),
            session: birth.session,
            stage: birth.stage,
            batch: birth.batch,
            host: birth.host,
            phase: birth.phase,
            attempts: birth.attempts,
            changed_us: at_us,
            due_us: None,
            expected_ms: None,
            class: None,
            reason: None,
        }
    }
}
