//! The task record: what is known outside the engine of one resident task. Key frames, admissions,
//! the mirror, recordings and JSON events are made of it.

use serde::{Deserialize, Serialize};

use crate::model::{
    class::{ErrorClass, SkipReason},
    ids::{BatchId, HostId, PageKey, SessionId, StageId},
    page_url::PageUrl,
    phase::Phase,
};

/// A resident task. The URL is borrowed where a mirror is only looked at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskRecord<Url = PageUrl> {
    /// Its place in the window, its own until it leaves.
    pub slot: u32,
    /// The same page's in every run.
    pub key: PageKey,
    /// In canonical form, as the page's key has it.
    pub url: Url,
    /// The session that found it.
    pub session: SessionId,
    /// By its place in the site file.
    pub stage: StageId,
    /// By its number in the session.
    pub batch: BatchId,
    /// Its home host: that of its URL before any redirect.
    pub host: HostId,
    /// In an admission `Queued` or `Backoff`.
    pub phase: Phase,
    /// Failed attempts so far.
    pub attempts: u16,
    /// Engine time of its last move, µs. In an admission 0: the frame's time is meant.
    pub changed_us: u64,
    /// When it is tried again, engine time in µs; in backoff only.
    pub due_us: Option<u64>,
    /// Predicted ms of the step in flight: median, low, high (80 %).
    pub expected_ms: Option<(u32, u32, u32)>,
    /// How its last failed step failed.
    pub class: Option<ErrorClass>,
    /// Why it was skipped.
    pub reason: Option<SkipReason>,
}

impl TaskRecord {
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
            changed_us: 0,
            due_us: None,
            expected_ms: None,
            class: None,
            reason: None,
        }
    }
}

impl TaskRecord<&PageUrl> {
    /// The same with a URL of its own (shared, not copied).
    #[must_use]
    pub fn owned(&self) -> TaskRecord {
        TaskRecord {
            slot: self.slot,
            key: self.key,
            url: self.url.clone(),
            session: self.session,
            stage: self.stage,
            batch: self.batch,
            host: self.host,
            phase: self.phase,
            attempts: self.attempts,
            changed_us: self.changed_us,
            due_us: self.due_us,
            expected_ms: self.expected_ms,
            class: self.class,
            reason: self.reason,
        }
    }
}
