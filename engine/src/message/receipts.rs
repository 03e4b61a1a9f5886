//! What the store answers: a receipt for each of its verbs, or its error.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::{
    message::store_verbs::{AttemptRow, KeptCookie, Mode, StoredTask},
    model::{
        class::{ErrorClass, SkipReason},
        host_key::HostKey,
        ids::{BatchId, HostId, Seq, SessionId, StageId},
        phase::Phase,
        remark::Remarks,
    },
};

/// What a verb came to.
#[derive(Debug, Clone)]
pub enum StoreReceipt {
    /// The session is open.
    Opened(Box<SessionOpened>),
    /// Pages were added to the frontier.
    Discovered(Discovered),
    /// Waiting pages of one host and batch.
    Admitted {
        /// In the order of their numbers.
        tasks: Vec<StoredTask>,
        /// The highest number read; the next `after`.
        cursor: Seq,
        /// Nothing is left beyond it.
        exhausted: bool,
    },
    /// The mark is on disk.
    Marked,
    /// The attempt's end is on disk.
    Ended(Ended),
    /// So many pages changed state, by host, batch and stage.
    Moved(Vec<MovedCount>),
    /// The page's latest attempts, oldest first.
    Attempts(Vec<AttemptRow>),
    Noted,
}

/// A session as it stands in the store.
#[derive(Debug, Clone)]
pub struct SessionOpened {
    pub session: SessionId,
    /// Which start of an engine on this store this is, from 1.
    pub boot: u32,
    pub mode: Mode,
    pub seed: u64,
    /// Whether start URLs were discovered already.
    pub started: bool,
    /// Pages by batch, stage and phase (in-flight ones stand as queued).
    pub counts: Vec<(BatchId, StageId, Phase, u64)>,
    /// Every host of the session: id, key, pages waiting, what was learned of it.
    pub hosts: Vec<KnownHost>,
    /// How many attempts of each batch's stage were judged already.
    pub stage_attempts: Vec<(BatchId, StageId, u32)>,
    /// Skipped pages by reason, dead ones by class, records saved, bytes received so far.
    pub skipped: Vec<(SkipReason, u64)>,
    /// Dead letters by class.
    pub dead: Vec<(ErrorClass, u64)>,
    /// Records saved so far in this session.
    pub records: u64,
    /// Bytes received so far in this session.
    pub bytes: u64,
    /// What servers set in it.
    pub cookies: Vec<KeptCookie>,
    /// What is to be said at its end, so far.
    pub remarks: Remarks,
}

/// A host of a session.
#[derive(Debug, Clone)]
pub struct KnownHost {
    pub id: HostId,
    /// Scheme, name and port.
    pub key: HostKey,
    /// Pages waiting (queued and backoff).
    pub waiting: u64,
    /// Pages that are over, or have failed.
    pub gone: OverCounts,
    pub learned: Option<Json>,
}

/// What adding links did.
#[derive(Debug, Clone, Default)]
pub struct Discovered {
    /// New waiting pages, in order.
    pub new: Vec<StoredTask>,
    /// Hosts seen for the first time in this session.
    pub hosts: Vec<(HostId, HostKey)>,
    /// Pages known complete from an earlier session (mode *new*): entered as skipped
    /// (`not_modified`), by batch, stage and host.
    pub complete: Vec<(BatchId, StageId, HostId, u64)>,
    /// Links to pages that this session knows already.
    pub known: u64,
}

impl Discovered {
    /// One more page that an earlier session completed.
    pub fn count_complete(&mut self, batch: BatchId, stage: StageId, host: HostId) {
        let is_there = |(b, s, h, _): &&mut (BatchId, StageId, HostId, u64)| {
            (*b, *s, *h) == (batch, stage, host)
        };
        match self.complete.iter_mut().find(is_there) {
            Some((.., n)) => *n += 1,
            None => self.complete.push((batch, stage, host, 1)),
        }
    }
}

/// What ending an attempt did.
#[derive(Debug, Clone, Default)]
pub struct Ended {
    /// True: the redirect's target was known, so the page was skipped (duplicate) and nothing saved.
    pub duplicate: bool,
    pub discovered: Discovered,
    /// Records inserted, changed, and seen again unchanged.
    pub inserted: u32,
    pub changed: u32,
    pub unchanged: u32,
    /// What was added to the session's remarks.
    pub remarks: Remarks,
}

/// Pages that a bulk verb moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MovedCount {
    pub batch: BatchId,
    pub stage: StageId,
    pub host: HostId,
    pub from: Phase,
    /// What had failed, where they stood as failed or dead.
    pub class: Option<ErrorClass>,
    pub count: u64,
}

/// Where one moved page stood: batch, stage, host, phase, and what had failed.
pub type MovedFrom = (BatchId, StageId, HostId, Phase, Option<ErrorClass>);

impl MovedCount {
    /// Moved pages counted by where they stood, in that order.
    pub fn all(pages: impl IntoIterator<Item = MovedFrom>) -> Vec<Self> {
        let mut counts: BTreeMap<MovedFrom, u64> = BTreeMap::new();
        for from in pages {
            *counts.entry(from).or_default() += 1;
        }
        let counts = counts.into_iter();
        counts
            .map(|((batch, stage, host, from, class), count)| Self {
                batch,
                stage,
                host,
                from,
                class,
                count,
            })
            .collect()
    }
}

/// Why the store could not, by consequence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Try again later: locked or disk full.
    #[error("{0}")]
    Busy(String),
    /// No room; the session pauses until there is.
    #[error("{0}")]
    Full(String),
    /// Damaged, read-only or of another version: nothing can be saved.
    #[error("{0}")]
    Fatal(String),
    /// The verb names what is not there.
    #[error("{0}")]
    Refused(String),
}

impl StoreError {
    /// Whether the same verb may succeed later.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Busy(_) | Self::Full(_))
    }
}

/// Pages that wait for nothing any more, or for their stage's verdict, and stand in the store only.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OverCounts {
    /// Pages that are done or skipped.
    pub finished: u64,
    /// Dropped by a person.
    pub cancelled: u64,
    pub dead: u64,
    /// Failed: their stage may try them again.
    pub failed: u64,
}

impl OverCounts {
    /// The count of those in this phase; none where it is a phase in which pages wait or move.
    pub const fn of(&mut self, phase: Phase) -> Option<&mut u64> {
        match phase {
            Phase::Dead => Some(&mut self.dead),
            Phase::Failed => Some(&mut self.failed),
            Phase::Cancelled => Some(&mut self.cancelled),
            Phase::Done | Phase::Skipped => Some(&mut self.finished),
            _ => None,
        }
    }
}
