//! The narrow interface to a store: verbs in, receipts out. The SQLite store and the
//! simulation's model both have it.

use std::{fmt, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::{
    extract::output::{Link, Record},
    model::{
        class::{ErrorClass, SkipReason},
        head::{Head, Validators},
        ids::{BatchId, HostId, PageKey, Seq, SessionId, StageId},
        named::named_enum,
        page_url::PageUrl,
        phase::Phase,
        remark::Remarks,
        tries::Tries,
    },
    site::compiled::Site,
};

/// Lone parses of a suspect that may end with the process before it is a dead letter.
pub const LONE_CRASHES: u32 = 3;

/// Attempts of a page that are read back at most, the latest ones.
pub const SHOWN_ATTEMPTS: u32 = 32;

/// What is asked of a store. Every verb is atomic; verbs of one session take effect in the order
/// in which they were sent.
#[derive(Debug, Clone)]
pub enum StoreVerb {
    /// Begin a session, or take a stopped one up again.
    OpenSession(OpenSession),
    /// Add pages to the frontier (start URLs, sitemaps).
    Discover {
        session: SessionId,
        batch: BatchId,
        depth: u32,
        /// In order; known ones are not added again.
        links: Vec<Link>,
        /// Pages of the entry stage that a batch holds; see `EndAttempt::batch_size`.
        batch_size: u32,
    },
    /// Read waiting pages of a host, in the order of discovery.
    Admit {
        session: SessionId,
        host: HostId,
        batch: BatchId,
        /// Only pages with a higher number.
        after: Seq,
        /// At most so many.
        limit: u32,
    },
    /// Attempts are in flight; pages that do not wait are passed over.
    Mark {
        session: SessionId,
        keys: Vec<PageKey>,
        /// True when a suspect is about to be parsed alone.
        lone: bool,
    },
    /// An attempt has ended: one transaction holds records, links, state and counts.
    End(Arc<EndAttempt>),
    /// The failed pages of a stage in a batch run again: they become queued with new numbers.
    RequeueFailed {
        session: SessionId,
        /// Of which batch; `None` for all.
        batch: Option<BatchId>,
        stage: StageId,
    },
    /// The failed pages of a stage in a batch become dead letters.
    CondemnFailed {
        session: SessionId,
        /// Of which batch; `None` for all.
        batch: Option<BatchId>,
        stage: StageId,
    },
    /// Some failed pages of a stage in a batch are skipped; others of the keys are left as they are.
    SkipFailed {
        session: SessionId,
        batch: BatchId,
        stage: StageId,
        keys: Vec<PageKey>,
        reason: SkipReason,
    },
    /// Dead letters become queued again (attempts reset, history kept).
    RequeueDead {
        session: SessionId,
        selector: DeadSelector,
    },
    /// Dead letters (or waiting pages) are dropped: cancelled.
    Drop {
        session: SessionId,
        selector: DeadSelector,
    },
    /// Read the history of a page's attempts.
    Attempts { session: SessionId, key: PageKey },
    /// Session, batch and stage states, results, settings, what was learned of hosts.
    Note(Note),
    /// Keep what servers set: given back by `OpenSession` until the session has ended for good.
    KeepCookies(SetCookies),
}

/// Begin a session, or take up a stopped one.
#[derive(Debug, Clone)]
pub struct OpenSession {
    /// The compiled site; record tables are made or widened for it.
    pub site: Arc<Site>,
    /// *new* or *full*; ignored when resuming.
    pub mode: Mode,
    /// Where it came from, kept for `resume`: kind (site, demo), flags, `connect_to`; never secrets.
    pub origin: Json,
    /// What marks its data as not real (M4), kept in `_source`: "demo", "simulated".
    pub source: Option<String>,
    pub seed: u64,
    /// The stopped session to take up again.
    pub resume: Option<SessionId>,
}

named_enum! {
    /// What a session fetches.
    #[derive(Default)]
    pub enum Mode {
        /// All list pages; details only where new or incomplete.
        #[default]
        New = "new",
        /// Everything, known or not.
        Full = "full",
    }
}

/// A waiting page as the store keeps it.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredTask {
    pub key: PageKey,
    /// Its number in the frontier.
    pub seq: Seq,
    /// Canonical URL, and what the link carried.
    pub url: PageUrl,
    pub stage: StageId,
    pub batch: BatchId,
    pub host: HostId,
    /// Links away from a start URL.
    pub depth: u32,
    /// Queued or backoff, no other.
    pub phase: Phase,
    /// Backoff: how long still, else zero.
    pub due_in: Duration,
    /// Backoff: what failed; `None` where an older program did not keep it.
    pub cause: Option<ErrorClass>,
    /// What was charged so far.
    pub tries: Tries,
    /// In flight when the process died: to be parsed alone.
    pub suspect: bool,
    /// From an earlier session of this site. No request is made with them yet: they wait for mode
    /// *changed*.
    pub validators: Option<Validators>,
}

/// An ended attempt and what becomes of the page.
#[derive(Debug, Clone)]
pub struct EndAttempt {
    pub session: SessionId,
    pub key: PageKey,
    /// The page's stage, batch, host and number, as admitted.
    pub stage: StageId,
    pub batch: BatchId,
    pub host: HostId,
    pub seq: Seq,
    /// Depth of the links found.
    pub depth: u32,
    /// Counters after this attempt.
    pub tries: Tries,
    /// New links into the entry stage fill the session's newest batch up to this many pages of
    /// that stage, then open the next one; all other links belong to `batch`.
    pub batch_size: u32,
    /// The attempt's history row; `None` where no attempt was made (a drop, a robots skip).
    pub attempt: Option<AttemptRow>,
    pub end: PageEnd,
    /// What is counted and said at the session's end. A page's remarks count once a session, with
    /// the first end that has any, however often it is read.
    pub remarks: Remarks,
}

impl EndAttempt {
    /// Whether the attempt came as far as a parse.
    #[must_use]
    pub fn was_parsed(&self) -> bool {
        (self.attempt.as_ref()).is_some_and(|attempt| !attempt.parse.is_zero())
    }

    /// What the store keeps of how the page failed: a failed one may become a dead letter, and needs
    /// a class for that.
    #[must_use]
    pub fn class(&self) -> Option<ErrorClass> {
        match &self.end {
            PageEnd::Backoff { class, .. } | PageEnd::Dead { class, .. } => Some(*class),
            PageEnd::Failed { .. } => {
                let class = self.attempt.as_ref().and_then(|attempt| attempt.class);
                Some(class.unwrap_or(ErrorClass::Unknown))
            }
            _ => None,
        }
    }
}

/// One attempt, for the history (SPEC C6); the engine's come from `Flight::attempt`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct AttemptRow {
    /// Its number among all sends of this page, from 1.
    pub dispatch: u16,
    pub began_ago: Duration,
    /// How long ago it ended: zero when it is written, its age when it is read back.
    pub ended_ago: Duration,
    pub fetch: Duration,
    pub parse: Duration,
    /// Of the body, as received.
    pub bytes: u64,
    /// HTTP status, where one came.
    pub status: Option<u16>,
    pub class: Option<ErrorClass>,
    /// What happened, for people.
    pub message: Option<String>,
}

/// What becomes of a page.
#[derive(Debug, Clone)]
pub enum PageEnd {
    /// Records and links are saved.
    Done {
        records: Vec<Record>,
        /// Links found, in order.
        links: Vec<Link>,
        /// The redirect's target: becomes an alias of the page. If it is already known in the
        /// stage, the page ends as skipped (duplicate) and nothing is saved.
        alias: Option<Alias>,
        /// For conditional requests: kept, and not used before there is mode *changed*.
        validators: Option<Validators>,
        /// Of the body; `None` until there is mode *changed*.
        content_hash: Option<[u8; 16]>,
    },
    /// Not fetched or not kept.
    Skipped(SkipReason),
    /// Another attempt, when it is due.
    Backoff {
        /// How long from now.
        due_in: Duration,
        class: ErrorClass,
    },
    /// Back to the frontier, nothing charged (aborted, cancelled session, suspect released).
    Queued,
    /// Waits for its stage's verdict.
    Failed {
        /// The last attempt's evidence.
        evidence: Evidence,
        /// Records of a page that came short: what it has is saved and followed all the same.
        records: Vec<Record>,
        links: Vec<Link>,
    },
    /// It becomes a dead letter.
    Dead {
        class: ErrorClass,
        /// The last attempt's evidence.
        evidence: Evidence,
    },
    /// Dropped by a person.
    Cancelled,
}

impl PageEnd {
    /// Whether a page that stands there may end so: a final one never moves by an attempt, a failed
    /// one only to its verdict.
    #[must_use]
    pub const fn may_end(&self, phase: Phase) -> bool {
        let is_verdict = matches!(self, Self::Dead { .. } | Self::Cancelled | Self::Skipped(_));
        phase.is_waiting() || (matches!(phase, Phase::Failed) && is_verdict)
    }

    /// Records and links to save.
    #[must_use]
    pub fn found(&self) -> (&[Record], &[Link]) {
        match self {
            Self::Done { records, links, .. } | Self::Failed { records, links, .. } => {
                (records, links)
            }
            _ => (&[], &[]),
        }
    }
}

/// A second name of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alias {
    /// The target's key in the same stage.
    pub key: PageKey,
    /// The target's canonical URL.
    pub url: String,
}

/// What the last attempt left behind (SPEC E4).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evidence {
    pub message: String,
    pub head: Option<Head>,
    /// The body's first bytes, [`Evidence::MOST`] at most.
    pub body: Option<Vec<u8>>,
}

impl Evidence {
    /// Bytes of a body that are kept: it is there for people to look at.
    pub const MOST: usize = 64 << 10;
}

/// Which dead letters are meant; all where nothing is named. By name other pages may be meant too.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeadSelector {
    /// These pages only; any where it is empty.
    pub keys: Vec<PageKey>,
    pub class: Option<ErrorClass>,
    pub host: Option<String>,
    pub stage: Option<StageId>,
}

impl DeadSelector {
    /// Names these pages and no others; all dead letters where there is none.
    #[must_use]
    pub fn of_pages(keys: Vec<PageKey>) -> Self {
        Self {
            keys,
            ..Self::default()
        }
    }

    /// The phases of pages that [`StoreVerb::RequeueDead`] queues again: dead letters, and what a
    /// person dropped where pages are named.
    #[must_use]
    pub const fn requeueable(&self) -> &'static [Phase] {
        if self.keys.is_empty() {
            &[Phase::Dead]
        } else {
            &[Phase::Dead, Phase::Cancelled]
        }
    }

    /// The phases of pages that [`StoreVerb::Drop`] drops: those of dead letters, or of whatever
    /// still waits where pages are named.
    #[must_use]
    pub const fn droppable(&self) -> &'static [Phase] {
        if self.keys.is_empty() {
            &[Phase::Dead]
        } else {
            &[Phase::Dead, Phase::Queued, Phase::Backoff, Phase::Failed]
        }
    }
}

/// Things to keep that end no page.
#[derive(Debug, Clone)]
pub enum Note {
    /// A session moved to another state.
    SessionState {
        session: SessionId,
        /// `running`, `paused`, `stopped`, `completed`, `failed`, …
        state: String,
        /// The result document, at the end.
        result: Option<Json>,
    },
    /// A stage's or batch's result (SPEC B6), as JSON.
    StageResult {
        session: SessionId,
        /// Which batch; `None` for the whole stage.
        batch: Option<BatchId>,
        /// Which stage; `None` for the whole batch.
        stage: Option<StageId>,
        /// success, partial, recoverable, fatal, and its figures.
        result: Json,
    },
    /// A setting changed while running: name, old and new value.
    Setting {
        /// Whose; `None` for the engine.
        session: Option<SessionId>,
        /// With its area, as `politeness.max_rate`.
        name: String,
        old: Json,
        new: Json,
    },
    /// What the engine itself has to say at the session's end.
    Remarks {
        session: SessionId,
        remarks: Remarks,
    },
    /// What was learned of a host (rate, limit, pace, breaker), for the next run.
    Learned { host: HostId, state: Json },
}

/// One cookie of a session's jar. Only the jar looks inside, and it is never printed (SPEC N4).
#[derive(Clone, PartialEq, Eq)]
pub struct KeptCookie {
    /// Its place in the jar (domain, path and name, in the jar's own writing).
    pub place: String,
    /// The cookie in the jar's own writing; `None` where its server took it back.
    pub text: Option<String>,
}

impl fmt::Debug for KeptCookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeptCookie")
    }
}

/// What changed in a session's jar since it was last handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetCookies {
    /// The session whose jar it is.
    pub session: SessionId,
    /// Each place at most once.
    pub cookies: Vec<KeptCookie>,
}
