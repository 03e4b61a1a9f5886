//! Sessions of the model, bulk moves and notes.

use std::collections::BTreeMap;

use crate::{
    message::{
        receipts::{KnownHost, MovedCount, OverCounts, SessionOpened, StoreError},
        store_verbs::{DeadSelector, LONE_CRASHES, Note, OpenSession, SetCookies, StoreVerb},
    },
    model::{
        class::{ErrorClass, SkipReason},
        ids::{BatchId, HostId, PageKey, Seq, SessionId, StageId},
        phase::Phase,
        remark::Remarks,
        tries::Tries,
    },
    sim::store::{ModelStore, Session, refused},
    store::{
        sessions::{has_ended, is_over_for_good},
        transaction::FrontierEnd,
    },
};

impl ModelStore {
    pub(super) fn open_session(
        &mut self,
        order: &OpenSession,
    ) -> Result<SessionOpened, StoreError> {
        let id = match order.resume {
            Some(id) => self.resume(id, order)?,
            None => self.begin(order)?,
        };
        Ok(self.opened(id))
    }

    fn begin(&mut self, order: &OpenSession) -> Result<SessionId, StoreError> {
        let name = &order.site.name;
        let open = self
            .sessions
            .iter()
            .find(|(_, known)| known.name == *name && !has_ended(&known.state));
        if let Some((id, known)) = open {
            return Err(refused(format!(
                "session {} of site {name} is {} and not finished",
                id.0, known.state
            )));
        }
        let last = self.sessions.keys().next_back().map_or(0, |id| id.0);
        let id = SessionId(last + 1);
        self.sessions.insert(
            id,
            Session {
                site: Some(order.site.clone()),
                name: name.clone(),
                mode: order.mode,
                seed: order.seed,
                source: order.source.clone(),
                state: "running".to_owned(),
                frontier: FrontierEnd::START,
                visits: BTreeMap::new(),
                waiting: BTreeMap::new(),
                in_flight: BTreeMap::new(),
                hosts: std::collections::BTreeSet::new(),
                judged: BTreeMap::new(),
                records: 0,
                bytes: 0,
                cookies: BTreeMap::new(),
                remarks: Remarks::default(),
                remarked: std::collections::BTreeSet::new(),
            },
        );
        Ok(id)
    }

    fn resume(&mut self, id: SessionId, order: &OpenSession) -> Result<SessionId, StoreError> {
        let session = self
            .sessions
            .get_mut(&id)
            .filter(|known| !has_ended(&known.state) && known.name == order.site.name)
            .ok_or_else(|| refused(format!("session {} cannot be resumed", id.0)))?;
        "running".clone_into(&mut session.state);
        session.site = Some(order.site.clone());
        for (key, lone) in std::mem::take(&mut session.in_flight) {
            let visit = session
                .visits
                .get_mut(&key)
                .expect("only known pages are marked");
            visit.suspect = true;
            visit.crashes += u32::from(lone);
            if visit.crashes >= LONE_CRASHES {
                session.move_page(key, Phase::Dead, false);
                let visit = session
                    .visits
                    .get_mut(&key)
                    .expect("it was there a line ago");
                visit.class = Some(ErrorClass::Crash);
            } else if visit.phase == Phase::Backoff {
                session.move_page(key, Phase::Queued, false);
            }
        }
        Ok(id)
    }

    fn opened(&self, id: SessionId) -> SessionOpened {
        let session = &self.sessions[&id];
        let visits = session.visits.values();
        let mut counts = BTreeMap::new();
        let mut hosts: BTreeMap<HostId, (u64, OverCounts)> = BTreeMap::new();
        for visit in visits.clone() {
            *counts
                .entry((visit.batch, visit.stage, visit.phase))
                .or_default() += 1;
            let (waiting, gone) = hosts.entry(visit.host).or_default();
            *waiting += u64::from(visit.phase.is_waiting());
            if let Some(count) = gone.of(visit.phase) {
                *count += 1;
            }
        }
        let skipped = visits.clone().filter(|visit| visit.phase == Phase::Skipped);
        let dead = visits.filter(|visit| visit.phase == Phase::Dead);
        let known = session.hosts.iter().map(|id| {
            let (key, learned) = &self.hosts[id.0 as usize - 1];
            let (waiting, gone) = hosts.get(id).copied().unwrap_or_default();
            KnownHost {
                id: *id,
                key: key.clone(),
                waiting,
                gone,
                learned: learned.clone(),
            }
        });
        SessionOpened {
            session: id,
            boot: self.restarts + 1,
            mode: session.mode,
            seed: session.seed,
            started: session.frontier.next_seq > FrontierEnd::START.next_seq,
            counts: counts
                .into_iter()
                .map(|((b, s, p), n)| (b, s, p, n))
                .collect(),
            hosts: known.collect(),
            stage_attempts: session
                .judged
                .iter()
                .map(|((b, s), n)| (*b, *s, *n))
                .collect(),
            skipped: by_name(
                skipped.map(|visit| visit.skip.expect("a skipped page has a reason")),
                SkipReason::name,
            ),
            dead: by_name(
                dead.map(|visit| visit.class.expect("a dead letter has a class")),
                ErrorClass::name,
            ),
            records: session.records,
            bytes: session.bytes,
            cookies: session.cookies.values().cloned().collect(),
            remarks: session.remarks.clone(),
        }
    }

    /// Carries out a verb that moves many pages; how many stood where.
    pub(super) fn move_many(&mut self, verb: StoreVerb) -> Result<Vec<MovedCount>, StoreError> {
        match verb {
            StoreVerb::RequeueFailed {
                session,
                batch,
                stage,
            } => self.move_failed(session, (batch, stage), true),
            StoreVerb::CondemnFailed {
                session,
                batch,
                stage,
            } => self.move_failed(session, (batch, stage), false),
            StoreVerb::SkipFailed {
                session,
                batch,
                stage,
                keys,
                reason,
            } => self.skip_failed(session, (batch, stage), &keys, reason),
            StoreVerb::RequeueDead { session, selector } => self.requeue_dead(session, &selector),
            StoreVerb::Drop { session, selector } => self.drop_pages(session, &selector),
            other => unreachable!("{other:?} moves no pages by itself"),
        }
    }

    fn move_failed(
        &mut self,
        id: SessionId,
        (batch, stage): (Option<BatchId>, StageId),
        again: bool,
    ) -> Result<Vec<MovedCount>, StoreError> {
        let (session, _) = self.live(id)?;
        let keys = session.keys(|_, visit| {
            visit.phase == Phase::Failed
                && visit.stage == stage
                && batch.is_none_or(|batch| visit.batch == batch)
        });
        let to = if again { Phase::Queued } else { Phase::Dead };
        Ok(session.move_pages(keys, to, again))
    }

    fn skip_failed(
        &mut self,
        id: SessionId,
        (batch, stage): (BatchId, StageId),
        keys: &[PageKey],
        reason: SkipReason,
    ) -> Result<Vec<MovedCount>, StoreError> {
        let (session, _) = self.live(id)?;
        let keys = session.keys(|key, visit| {
            (visit.phase, visit.batch, visit.stage) == (Phase::Failed, batch, stage)
                && keys.contains(key)
        });
        let moved = session.move_pages(keys.clone(), Phase::Skipped, false);
        for key in keys {
            let visit = session.visits.get_mut(&key).expect("it has just moved");
            visit.skip = Some(reason);
        }
        Ok(moved)
    }

    fn requeue_dead(
        &mut self,
        id: SessionId,
        selector: &DeadSelector,
    ) -> Result<Vec<MovedCount>, StoreError> {
        let keys = self.selected(id, selector, selector.requeueable())?;
        let (session, _) = self.live(id)?;
        Ok(session.move_pages(keys, Phase::Queued, true))
    }

    fn drop_pages(
        &mut self,
        id: SessionId,
        selector: &DeadSelector,
    ) -> Result<Vec<MovedCount>, StoreError> {
        let keys = self.selected(id, selector, selector.droppable())?;
        let (session, _) = self.live(id)?;
        let moved = session.move_pages(keys, Phase::Cancelled, false);
        if session.is_over_for_good() {
            session.cookies.clear();
        }
        Ok(moved)
    }

    fn selected(
        &mut self,
        id: SessionId,
        selector: &DeadSelector,
        phases: &[Phase],
    ) -> Result<Vec<PageKey>, StoreError> {
        let names: Vec<(String, String)> = self
            .hosts
            .iter()
            .map(|(key, _)| (key.name.clone(), format!("{}:{}", key.name, key.port)))
            .collect();
        let (session, _) = self.live(id)?;
        Ok(session.keys(|key, visit| {
            let (name, full) = &names[visit.host.0 as usize - 1];
            phases.contains(&visit.phase)
                && (selector.keys.is_empty() || selector.keys.contains(key))
                && selector
                    .class
                    .is_none_or(|class| visit.class == Some(class))
                && selector.stage.is_none_or(|stage| visit.stage == stage)
                && selector
                    .host
                    .as_ref()
                    .is_none_or(|host| host == name || host == full)
        }))
    }

    pub(super) fn keep_cookies(&mut self, set: SetCookies) {
        let session = self.sessions.get_mut(&set.session);
        let Some(session) = session.filter(|known| !known.is_over_for_good()) else {
            return;
        };
        for cookie in set.cookies {
            if cookie.text.is_some() {
                session.cookies.insert(cookie.place.clone(), cookie);
            } else {
                session.cookies.remove(&cookie.place);
            }
        }
    }

    pub(super) fn note(&mut self, note: Note) -> Result<(), StoreError> {
        match note {
            Note::SessionState { session, state, .. } => {
                let known = self
                    .sessions
                    .get_mut(&session)
                    .ok_or_else(|| refused(format!("there is no session {}", session.0)))?;
                known.state = state;
                if known.is_over_for_good() {
                    known.cookies.clear();
                }
            }
            Note::StageResult {
                session,
                batch: Some(batch),
                stage: Some(stage),
                ..
            } => {
                if let Some(known) = self.sessions.get_mut(&session) {
                    *known.judged.entry((batch, stage)).or_default() += 1;
                }
            }
            Note::Remarks { session, remarks } => {
                if let Some(known) = self.sessions.get_mut(&session) {
                    known.remarks.merge(&remarks);
                }
            }
            Note::Learned { host, state } => {
                if let Some((_, learned)) = self.hosts.get_mut(host.0 as usize - 1) {
                    *learned = Some(state);
                }
            }
            Note::StageResult { .. } | Note::Setting { .. } => {}
        }
        Ok(())
    }
}

/// How often each stands there, in the order of their names.
fn by_name<T: Copy>(
    all: impl Iterator<Item = T>,
    name: impl Fn(T) -> &'static str,
) -> Vec<(T, u64)> {
    let mut counts = BTreeMap::new();
    for one in all {
        counts.entry(name(one)).or_insert((one, 0)).1 += 1;
    }
    counts.into_values().collect()
}

impl Session {
    /// Whether nobody can take it up again.
    fn is_over_for_good(&self) -> bool {
        let mut visits = self.visits.values();
        let has_dead = visits.any(|visit| visit.phase == Phase::Dead);
        is_over_for_good(&self.state, has_dead)
    }

    /// The pages that are meant, in the order of their numbers.
    fn keys(&self, is_meant: impl Fn(&PageKey, &super::Visit) -> bool) -> Vec<PageKey> {
        let mut meant: Vec<(Seq, PageKey)> = self
            .visits
            .iter()
            .filter(|(key, visit)| is_meant(key, visit))
            .map(|(key, visit)| (visit.seq, *key))
            .collect();
        meant.sort_unstable();
        meant.into_iter().map(|(_, key)| key).collect()
    }

    fn move_pages(&mut self, keys: Vec<PageKey>, to: Phase, afresh: bool) -> Vec<MovedCount> {
        let stood = keys.iter().map(|key| {
            let visit = &self.visits[key];
            let failed = matches!(visit.phase, Phase::Failed | Phase::Dead);
            let class = visit.class.filter(|_| failed);
            (visit.batch, visit.stage, visit.host, visit.phase, class)
        });
        let moved = MovedCount::all(stood);
        for key in keys {
            self.move_page(key, to, afresh);
        }
        moved
    }

    /// Moves a page; afresh: with a new number and nothing charged.
    pub(super) fn move_page(&mut self, key: PageKey, to: Phase, afresh: bool) {
        let visit = self.visits.get_mut(&key).expect("only known pages move");
        if visit.phase.is_waiting() && !to.is_waiting() {
            self.waiting.remove(&(visit.batch, visit.host, visit.seq));
        }
        if afresh {
            visit.seq = self.frontier.next_seq();
            visit.crashes = 0;
            visit.tries = Tries {
                dispatched: visit.tries.dispatched,
                ..Tries::default()
            };
            self.waiting
                .insert((visit.batch, visit.host, visit.seq), key);
        }
        visit.phase = to;
        visit.due_at = std::time::Duration::ZERO;
        self.in_flight.remove(&key);
    }
}
