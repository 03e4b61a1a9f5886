//! A store in memory that means the same by each verb as the real one; the conformance suite holds
//! both to it. Deterministic: ordered maps, and the time is given.

mod frontier;
mod session;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use serde_json::Value as Json;

use crate::{
    extract::output::Value,
    message::{
        orders::StoreOrder,
        receipts::{StoreError, StoreReceipt},
        store_verbs::{AttemptRow, KeptCookie, Mode, StoreVerb},
    },
    model::{
        class::{ErrorClass, SkipReason},
        head::Validators,
        host_key::HostKey,
        ids::{BatchId, HostId, OrderId, PageKey, Seq, SessionId, StageId},
        page_url::PageUrl,
        phase::Phase,
        remark::Remarks,
        tries::Tries,
    },
    site::compiled::Site,
    store::transaction::FrontierEnd,
};

/// The store of simulations.
#[derive(Debug, Default)]
pub struct ModelStore {
    restarts: u32,
    trouble: Option<StoreError>,
    sessions: BTreeMap<SessionId, Session>,
    pages: BTreeMap<PageKey, Page>,
    aliases: BTreeMap<PageKey, (SessionId, PageKey)>,
    hosts: Vec<(HostKey, Option<Json>)>,
    records: BTreeMap<(String, String, String), Saved>,
    now: Duration,
}

/// What is known of a page over all sessions.
#[derive(Debug, Default)]
struct Page {
    done: bool,
    validators: Option<Validators>,
}

/// A record as it was saved.
#[derive(Debug, Clone, PartialEq)]
pub struct Saved {
    /// One per field of its rule.
    pub values: Vec<Value>,
    pub url: String,
    /// What marks it as not real.
    pub source: Option<String>,
    pub first_seen: Duration,
    pub last_seen: Duration,
    pub changed_at: Duration,
}

#[derive(Debug)]
struct Session {
    /// `None` until opened in this run of the engine.
    site: Option<Arc<Site>>,
    name: String,
    mode: Mode,
    seed: u64,
    source: Option<String>,
    state: String,
    frontier: FrontierEnd,
    visits: BTreeMap<PageKey, Visit>,
    waiting: BTreeMap<(BatchId, HostId, Seq), PageKey>,
    in_flight: BTreeMap<PageKey, bool>,
    hosts: BTreeSet<HostId>,
    judged: BTreeMap<(BatchId, StageId), u32>,
    records: u64,
    bytes: u64,
    cookies: BTreeMap<String, KeptCookie>,
    remarks: Remarks,
    /// Pages whose remarks are counted.
    remarked: BTreeSet<PageKey>,
}

#[derive(Debug)]
struct Visit {
    seq: Seq,
    url: PageUrl,
    stage: StageId,
    batch: BatchId,
    host: HostId,
    depth: u32,
    phase: Phase,
    due_at: Duration,
    tries: Tries,
    skip: Option<SkipReason>,
    class: Option<ErrorClass>,
    suspect: bool,
    crashes: u32,
    /// When each ended, and its row.
    attempts: Vec<(Duration, AttemptRow)>,
}

impl ModelStore {
    /// Carries out all orders at this time; while there is trouble, none.
    pub fn apply(
        &mut self,
        now: Duration,
        orders: Vec<StoreOrder>,
    ) -> Vec<(OrderId, Result<StoreReceipt, StoreError>)> {
        self.now = now;
        orders
            .into_iter()
            .map(|order| {
                let result = match &self.trouble {
                    Some(trouble) => Err(trouble.clone()),
                    None => self.carry_out(order.verb),
                };
                (order.id, result)
            })
            .collect()
    }

    /// From now on every order fails so, until `None` is given.
    pub fn set_trouble(&mut self, trouble: Option<StoreError>) {
        self.trouble = trouble;
    }

    /// The engine has died and starts again: sessions have to be opened anew, marks stay.
    pub fn restart(&mut self) {
        self.restarts += 1;
        for session in self.sessions.values_mut() {
            session.site = None;
        }
    }

    /// A record as it was saved.
    #[must_use]
    pub fn record(&self, site: &str, kind: &str, identity: &str) -> Option<&Saved> {
        self.records
            .get(&(site.to_owned(), kind.to_owned(), identity.to_owned()))
    }

    /// How many records of a kind are saved.
    #[must_use]
    pub fn records(&self, site: &str, kind: &str) -> usize {
        self.records
            .keys()
            .filter(|(of_site, of_kind, _)| of_site == site && of_kind == kind)
            .count()
    }

    /// The states of a session's pages.
    #[must_use]
    pub fn phases(&self, session: SessionId) -> Vec<Phase> {
        let visits = self.sessions.get(&session).map(|session| &session.visits);
        visits.map_or(Vec::new(), |visits| {
            visits.values().map(|visit| visit.phase).collect()
        })
    }

    fn carry_out(&mut self, verb: StoreVerb) -> Result<StoreReceipt, StoreError> {
        Ok(match verb {
            StoreVerb::OpenSession(order) => {
                StoreReceipt::Opened(Box::new(self.open_session(&order)?))
            }
            StoreVerb::Discover {
                session,
                batch,
                depth,
                links,
                batch_size,
            } => {
                self.check_links(session, &links)?;
                StoreReceipt::Discovered(self.discover(session, (batch, batch_size), depth, &links))
            }
            StoreVerb::Admit {
                session,
                host,
                batch,
                after,
                limit,
            } => self.admit(session, (batch, host), after, limit)?,
            StoreVerb::Mark {
                session,
                keys,
                lone,
            } => {
                self.mark(session, &keys, lone)?;
                StoreReceipt::Marked
            }
            StoreVerb::End(order) => StoreReceipt::Ended(self.end(&order)?),
            StoreVerb::RequeueFailed { .. }
            | StoreVerb::CondemnFailed { .. }
            | StoreVerb::SkipFailed { .. }
            | StoreVerb::RequeueDead { .. }
            | StoreVerb::Drop { .. } => StoreReceipt::Moved(self.move_many(verb)?),
            StoreVerb::Attempts { session, key } => {
                StoreReceipt::Attempts(self.attempts(session, key))
            }
            StoreVerb::Note(note) => {
                self.note(note)?;
                StoreReceipt::Noted
            }
            StoreVerb::KeepCookies(set) => {
                self.keep_cookies(set);
                StoreReceipt::Noted
            }
        })
    }

    fn live(&mut self, id: SessionId) -> Result<(&mut Session, Arc<Site>), StoreError> {
        let session = self.sessions.get_mut(&id);
        session
            .and_then(|session| {
                let site = session.site.clone()?;
                Some((session, site))
            })
            .ok_or_else(|| refused(format!("session {} is not open in this store", id.0)))
    }
}

fn refused(text: String) -> StoreError {
    StoreError::Refused(text)
}
