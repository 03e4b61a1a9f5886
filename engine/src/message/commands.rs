//! Commands: what a person or script asks the engine (SPEC B7). Each is acknowledged.

use std::sync::Arc;

use crossbeam_channel::Sender;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::{
    message::{
        orders::RequestProfile,
        store_verbs::{AttemptRow, DeadSelector, Mode},
    },
    model::{
        ids::{PageKey, SessionId},
        profile::Profile,
    },
    site::compiled::Site,
};

/// One command and where its acknowledgement goes.
#[derive(Debug, Clone)]
pub struct Envelope {
    pub command: Command,
    /// Bounded by 1; `None` where nobody waits.
    pub reply: Option<Sender<Ack>>,
}

/// Accepted (with what is worth knowing), or refused with the reason.
pub type Ack = Result<Json, String>;

/// What the engine is asked to do.
#[derive(Debug, Clone)]
pub enum Command {
    /// Begin a session, or take up a stopped one.
    Start(Box<StartSession>),
    /// Stop dispatching; what is in flight ends.
    Pause(Target),
    /// Dispatch again what was paused.
    Resume(Target),
    /// Stop resumably: drain, or abort what is in flight within 100 ms.
    Cancel {
        /// Which session; `None` for all.
        session: Option<SessionId>,
        /// Abort instead of draining.
        now: bool,
    },
    /// Switch all sessions to this profile.
    SetProfile(Profile),
    /// Change one setting by its dotted name; validated, recorded with old and new value.
    Set {
        /// Dotted name, e.g. `politeness.max_rate`.
        name: String,
        value: Json,
    },
    /// Add a start URL to a running session.
    AddStart {
        session: SessionId,
        /// Absolute URL in scope.
        url: String,
    },
    /// Dead letters wait once more, nothing charged.
    RequeueDead {
        session: SessionId,
        selector: DeadSelector,
    },
    /// Dead letters or waiting tasks dropped.
    Drop {
        session: SessionId,
        selector: DeadSelector,
    },
    /// Force a host's breaker open or closed, or leave it to the rule.
    Breaker {
        /// Host as shown in snapshots.
        host: String,
        /// `Some(true)` open, `Some(false)` closed, `None` by the rule.
        open: Option<bool>,
    },
    /// Paused engine: run this many ticks.
    Step(u32),
    /// One task's history and reason.
    Inspect(PageKey),
    /// Look whether there is something to do.
    Nothing,
    /// Stop the engine's thread after draining nothing more.
    Shutdown,
}

/// What is paused or resumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    Engine,
    Session(SessionId),
    Task(PageKey),
}

/// A session to begin or take up again.
#[derive(Debug, Clone)]
pub struct StartSession {
    pub site: Arc<Site>,
    /// What its requests have in common.
    pub profile: Arc<RequestProfile>,
    pub mode: Mode,
    /// Where it came from, kept for `resume`.
    pub origin: Json,
    /// Marks its data as not real.
    pub source: Option<String>,
    pub seed: u64,
    /// The stopped session to take up again.
    pub resume: Option<SessionId>,
}

/// What `Inspect` answers, as JSON in the acknowledgement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Inspected {
    pub url: String,
    pub state: String,
    /// Why it waits, in words.
    pub waits: Option<String>,
    /// Ended attempts, oldest first, as the store has them; empty while the store is in trouble.
    pub attempts: Vec<AttemptRow>,
}

impl Inspected {
    /// As an acknowledgement.
    ///
    /// # Errors
    /// Where it cannot be written as JSON, which text and numbers always can.
    pub fn into_ack(self) -> Ack {
        serde_json::to_value(self).map_err(|error| error.to_string())
    }
}
