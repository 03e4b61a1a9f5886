//! The model's frontier: pages discovered, admitted, marked, ended; and their attempts.

use std::time::Duration;

use crate::{
    extract::output::{Link, Record},
    message::{
        receipts::{Discovered, Ended, StoreError, StoreReceipt},
        store_verbs::{Alias, AttemptRow, EndAttempt, Mode, PageEnd, SHOWN_ATTEMPTS, StoredTask},
    },
    model::{
        class::SkipReason,
        host_key::HostKey,
        ids::{BatchId, HostId, PageKey, Seq, SessionId},
        numbers::micros,
        page_url::PageUrl,
        phase::Phase,
        remark::Remarks,
        tries::Tries,
    },
    sim::store::{ModelStore, Saved, Session, Visit, refused},
};

impl ModelStore {
    pub(super) fn check_links(&mut self, id: SessionId, links: &[Link]) -> Result<(), StoreError> {
        let (_, site) = self.live(id)?;
        let has = |link: &Link| usize::from(link.stage.0) < site.stages.len();
        links
            .iter()
            .all(has)
            .then_some(())
            .ok_or_else(|| refused(format!("site {} has no such stage", site.name)))
    }

    pub(super) fn discover(
        &mut self,
        id: SessionId,
        (batch, batch_size): (BatchId, u32),
        depth: u32,
        links: &[Link],
    ) -> Discovered {
        let mut found = Discovered::default();
        for link in links {
            let alias = self.aliases.get(&link.key).copied();
            let session = &self.sessions[&id];
            if session.visits.contains_key(&link.key) || alias.is_some_and(|(by, _)| by == id) {
                found.known += 1;
                continue;
            }
            let is_done = |key: &PageKey| self.pages.get(key).is_some_and(|page| page.done);
            let is_complete = session.mode == Mode::New
                && session
                    .site
                    .as_ref()
                    .is_some_and(|site| site.stage(link.stage).is_leaf())
                && (is_done(&link.key) || alias.is_some_and(|(_, page)| is_done(&page)));
            let (host, is_new) = self.host(id, &link.host);
            if is_new {
                found.hosts.push((host, link.host.clone()));
            }
            self.pages.entry(link.key).or_default();
            let session = self
                .sessions
                .get_mut(&id)
                .expect("it was checked to be open");
            let enter = session.site.as_ref().map(|site| site.enter);
            let batch = if enter == Some(link.stage) {
                session.frontier.entry_batch(batch, batch_size)
            } else {
                batch
            };
            let task = session.enter(link, (batch, host), depth, is_complete);
            if is_complete {
                found.count_complete(batch, link.stage, host);
            } else {
                found.new.push(task);
            }
        }
        found
    }

    fn host(&mut self, id: SessionId, key: &HostKey) -> (HostId, bool) {
        let index = self.hosts.iter().position(|(known, _)| known == key);
        let index = index.unwrap_or_else(|| {
            self.hosts.push((key.clone(), None));
            self.hosts.len() - 1
        });
        let host = HostId(u32::try_from(index + 1).expect("a simulation has few hosts"));
        let session = self
            .sessions
            .get_mut(&id)
            .expect("it was checked to be open");
        (host, session.hosts.insert(host))
    }

    pub(super) fn admit(
        &mut self,
        id: SessionId,
        (batch, host): (BatchId, HostId),
        after: Seq,
        limit: u32,
    ) -> Result<StoreReceipt, StoreError> {
        let now = self.now;
        let (session, site) = self.live(id)?;
        let from = (batch, host, Seq(after.0 + 1))..=(batch, host, Seq(u64::MAX));
        let mut keys: Vec<PageKey> = session
            .waiting
            .range(from)
            .take(limit as usize + 1)
            .map(|(_, key)| *key)
            .collect();
        let exhausted = keys.len() <= limit as usize;
        keys.truncate(limit as usize);
        let mode = session.mode;
        let mut tasks: Vec<StoredTask> = keys
            .iter()
            .map(|key| session.visits[key].as_task(*key, now))
            .collect();
        for task in &mut tasks {
            if mode == Mode::New && site.stage(task.stage).is_leaf() {
                task.validators = self.pages[&task.key].validators.clone();
            }
        }
        Ok(StoreReceipt::Admitted {
            cursor: tasks.last().map_or(after, |task| task.seq),
            tasks,
            exhausted,
        })
    }

    pub(super) fn mark(
        &mut self,
        id: SessionId,
        keys: &[PageKey],
        lone: bool,
    ) -> Result<(), StoreError> {
        let (session, _) = self.live(id)?;
        for key in keys {
            let visit = session.visits.get(key);
            if visit.is_some_and(|visit| visit.phase.is_waiting()) {
                session.in_flight.insert(*key, lone);
            }
        }
        Ok(())
    }

    pub(super) fn end(&mut self, order: &EndAttempt) -> Result<Ended, StoreError> {
        let id = order.session;
        self.check_end(order)?;
        let now = self.now;
        let mut ended = Ended::default();
        let mut due_at = Duration::ZERO;
        let mut skip = None;
        let phase = match &order.end {
            PageEnd::Done {
                alias: Some(alias), ..
            } if self.take_alias(order, alias) => {
                ended.duplicate = true;
                skip = Some(SkipReason::Duplicate);
                Phase::Skipped
            }
            PageEnd::Done { validators, .. } => {
                self.save_found(order, &mut ended);
                let page = self.pages.entry(order.key).or_default();
                (page.done, page.validators) = (true, validators.clone());
                Phase::Done
            }
            PageEnd::Skipped(reason) => {
                skip = Some(*reason);
                Phase::Skipped
            }
            PageEnd::Backoff { due_in, .. } => {
                // The file keeps whole milliseconds.
                due_at = now + Duration::from_millis(micros(*due_in) / 1_000);
                Phase::Backoff
            }
            PageEnd::Queued => Phase::Queued,
            PageEnd::Failed { .. } => {
                self.save_found(order, &mut ended);
                Phase::Failed
            }
            PageEnd::Dead { .. } => Phase::Dead,
            PageEnd::Cancelled => Phase::Cancelled,
        };
        let session = self
            .sessions
            .get_mut(&id)
            .expect("it was checked to be open");
        if !ended.duplicate {
            ended.remarks = session.remark(order);
        }
        session.move_page(order.key, phase, false);
        session.bytes += (order.attempt.as_ref()).map_or(0, |attempt| attempt.bytes);
        let visit = session
            .visits
            .get_mut(&order.key)
            .expect("it was checked to be there");
        visit.suspect &= phase == Phase::Backoff && !order.was_parsed();
        (visit.due_at, visit.tries) = (due_at, order.tries);
        (visit.skip, visit.class) = (skip, order.class());
        self.keep_attempt(order);
        Ok(ended)
    }

    /// All that may be refused is refused before anything changes.
    fn check_end(&mut self, order: &EndAttempt) -> Result<(), StoreError> {
        let (session, site) = self.live(order.session)?;
        let visit = session
            .visits
            .get(&order.key)
            .ok_or_else(|| refused(format!("there is no page {}", order.key.0)))?;
        if !order.end.may_end(visit.phase) {
            let phase = visit.phase.name();
            return Err(refused(format!("page {} is {phase} already", order.key.0)));
        }
        let rules = &site.stage(visit.stage).records;
        let (records, links) = order.end.found();
        let fits = |record: &Record| {
            rules
                .get(usize::from(record.rule))
                .is_some_and(|rule| rule.fields.len() == record.values.len())
        };
        if !records.iter().all(fits) {
            return Err(refused("the record does not fit its rule".to_owned()));
        }
        self.check_links(order.session, links)
    }

    fn take_alias(&mut self, order: &EndAttempt, alias: &Alias) -> bool {
        if alias.key == order.key {
            return false;
        }
        let by_other = self
            .aliases
            .get(&alias.key)
            .is_some_and(|(by, page)| *by == order.session && *page != order.key);
        if by_other
            || self.sessions[&order.session]
                .visits
                .contains_key(&alias.key)
        {
            return true;
        }
        self.aliases.insert(alias.key, (order.session, order.key));
        false
    }

    fn save_found(&mut self, order: &EndAttempt, ended: &mut Ended) {
        let (id, (records, links)) = (order.session, order.end.found());
        self.save(order, records, ended);
        let batch = self.sessions[&id].visits[&order.key].batch;
        ended.discovered = self.discover(id, (batch, order.batch_size), order.depth, links);
    }

    fn save(&mut self, order: &EndAttempt, records: &[Record], ended: &mut Ended) {
        let session = self
            .sessions
            .get_mut(&order.session)
            .expect("it was checked to be open");
        let site = session.site.clone().expect("it was checked to be open");
        let visit = &session.visits[&order.key];
        session.records += records.len() as u64;
        for record in records {
            let rule = &site.stage(visit.stage).records[usize::from(record.rule)];
            let key = (
                site.name.clone(),
                rule.kind.clone(),
                record.identity.clone(),
            );
            let new = Saved {
                values: record.values.clone(),
                url: visit.url.to_string(),
                source: session.source.clone(),
                first_seen: self.now,
                last_seen: self.now,
                changed_at: self.now,
            };
            match self.records.get_mut(&key) {
                None => {
                    ended.inserted += 1;
                    self.records.insert(key, new);
                }
                Some(old) if old.values == new.values && old.source == new.source => {
                    ended.unchanged += 1;
                    old.last_seen = self.now;
                }
                Some(old) => {
                    ended.changed += 1;
                    let first_seen = old.first_seen;
                    *old = Saved { first_seen, ..new };
                }
            }
        }
    }

    /// The attempt that has just ended.
    pub(super) fn keep_attempt(&mut self, order: &EndAttempt) {
        let visit = self
            .sessions
            .get_mut(&order.session)
            .and_then(|session| session.visits.get_mut(&order.key));
        if let (Some(visit), Some(attempt)) = (visit, &order.attempt) {
            visit.attempts.push((self.now, attempt.clone()));
        }
    }

    /// The latest attempts at a page, oldest first.
    pub(super) fn attempts(&self, session: SessionId, key: PageKey) -> Vec<AttemptRow> {
        let session = self.sessions.get(&session);
        let visit = session.and_then(|session| session.visits.get(&key));
        let kept = visit.map_or(&[][..], |visit| &visit.attempts);
        let first = kept.len().saturating_sub(SHOWN_ATTEMPTS as usize);
        kept[first..]
            .iter()
            .map(|(ended, row)| {
                let ended_ago = self.now.saturating_sub(*ended);
                AttemptRow {
                    began_ago: row.began_ago + ended_ago,
                    ended_ago,
                    ..row.clone()
                }
            })
            .collect()
    }
}

impl Session {
    /// What the page adds to what is said at the session's end: once, however often it is read.
    fn remark(&mut self, order: &EndAttempt) -> Remarks {
        if order.remarks.is_empty() || !self.remarked.insert(order.key) {
            return Remarks::default();
        }
        self.remarks.merge(&order.remarks);
        order.remarks.clone()
    }

    fn enter(
        &mut self,
        link: &Link,
        (batch, host): (BatchId, HostId),
        depth: u32,
        is_complete: bool,
    ) -> StoredTask {
        let seq = self.frontier.next_seq();
        let carried = serde_json::to_string(&link.carried).expect("maps of JSON have text keys");
        let visit = Visit {
            seq,
            url: PageUrl::new(&link.url, &carried),
            stage: link.stage,
            batch,
            host,
            depth,
            phase: if is_complete {
                Phase::Skipped
            } else {
                Phase::Queued
            },
            due_at: Duration::ZERO,
            tries: Tries::default(),
            skip: is_complete.then_some(SkipReason::NotModified),
            class: None,
            suspect: false,
            crashes: 0,
            attempts: Vec::new(),
        };
        let task = visit.as_task(link.key, Duration::ZERO);
        if !is_complete {
            self.waiting.insert((batch, host, seq), link.key);
        }
        self.visits.insert(link.key, visit);
        task
    }
}

impl Visit {
    fn as_task(&self, key: PageKey, now: Duration) -> StoredTask {
        StoredTask {
            key,
            seq: self.seq,
            url: self.url.clone(),
            stage: self.stage,
            batch: self.batch,
            host: self.host,
            depth: self.depth,
            phase: self.phase,
            due_in: if self.phase == Phase::Backoff {
                self.due_at.saturating_sub(now)
            } else {
                Duration::ZERO
            },
            cause: self.class.filter(|_| self.phase == Phase::Backoff),
            tries: self.tries,
            suspect: self.suspect,
            validators: None,
        }
    }
}
