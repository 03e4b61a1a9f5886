//! What several systems ask of hosts: who they are, how they are met, what their answers say.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use crate::{
    feed::frame::Change,
    message::orders::RequestProfile,
    model::{
        class::ErrorClass,
        host_key::HostKey,
        ids::{HostId, OrderId, SessionId},
        phase::{BreakerPhase, Phase},
        retry_policy::RetryPolicy,
    },
    politeness::{
        breaker::{Breaker, Health},
        offline::NetworkChange,
        pace::{Ceiling, Learned, Pace, Signal},
        retry::RetryBudget,
    },
    systems::crawl::Crawl,
    world::{
        host::{Host, RobotsKnown},
        host_queue::Rank,
        task::Identity,
        timers::Due,
    },
};

/// Where a host's robots.txt is.
pub(in crate::systems) fn robots_url(host: &HostKey) -> String {
    let name = if host.name.contains(':') {
        format!("[{}]", host.name)
    } else {
        host.name.clone()
    };
    format!("{}://{}:{}/robots.txt", host.scheme, name, host.port)
}

impl Crawl<'_, '_> {
    /// A task's place in its line.
    pub(in crate::systems) fn rank(&self, task: &Identity) -> Rank {
        let depth = self
            .session(task.session)
            .map_or(0, |session| session.graph.rank(task.stage));
        (task.batch, depth, task.seq)
    }

    /// The number of a host; one that only redirects lead to gets one of ours, from the top.
    pub(in crate::systems) fn host_of(&mut self, key: &HostKey, session: SessionId) -> HostId {
        if let Some(id) = self.index.host_keys.get(key) {
            return *id;
        }
        let n = u32::try_from(self.index.host_keys.len()).unwrap_or(0);
        let id = HostId(u32::MAX - n);
        self.meet_host(id, key, session, None);
        id
    }

    /// A host is seen by a session: made on first sight, its ceiling lowered to the session's.
    pub(in crate::systems) fn meet_host(
        &mut self,
        id: HostId,
        key: &HostKey,
        session: SessionId,
        learned: Option<&serde_json::Value>,
    ) {
        let now = self.now();
        let ceiling = self.ceiling(session);
        if let Some(known) = self.index.host_keys.get(key).copied() {
            if let Some(mut host) = self.host_mut(known) {
                let old = *host.pace.ceiling();
                host.pace.set_ceiling(Ceiling {
                    max_rate: old.max_rate.min(ceiling.max_rate),
                    max_in_flight: old.max_in_flight.min(ceiling.max_in_flight),
                    crawl_delay: old.crawl_delay,
                });
            }
            if let Some(entity) = self.index.hosts.get(&known).copied() {
                let is_new = self.index.hosts.insert(id, entity).is_none();
                if is_new && let Ok(host) = self.hosts.get(entity) {
                    let name = Arc::clone(&host.name);
                    self.moves
                        .journal()
                        .write(Change::HostAdmitted { host: id, name });
                }
            }
            self.lines.same_host(id, known);
            return;
        }
        let learned: Option<Learned> =
            learned.and_then(|value| serde_json::from_value(value.clone()).ok());
        let name: Arc<str> = Arc::from(key.to_string());
        let settings = &self.settings.0;
        let seed = self.session(session).map_or(0, |session| session.seed);
        let host = Host {
            id,
            key: key.clone(),
            name: Arc::clone(&name),
            pace: Pace::new(ceiling, learned.as_ref(), now),
            breaker: Breaker::new(settings.breaker, seed, u128::from(id.0)),
            robots: RobotsKnown::Unread,
            budget: RetryBudget::new(&settings.retry),
            recent: VecDeque::new(),
            sent: 0,
        };
        let entity = self.commands.spawn(host).id();
        self.index.hosts.insert(id, entity);
        self.index.host_keys.insert(key.clone(), id);
        self.moves
            .journal()
            .write(Change::HostAdmitted { host: id, name });
    }

    /// The ceilings of all hosts, anew: the lowest of the sessions that have tasks there.
    pub(in crate::systems) fn lower_ceilings(&mut self) {
        let lines: Vec<_> = self
            .lines
            .iter()
            .map(|(_, line)| (line.host, line.session))
            .collect();
        let mut lowest = std::collections::BTreeMap::<HostId, Ceiling>::new();
        for (host, session) in lines {
            let ceiling = self.ceiling(session);
            lowest
                .entry(host)
                .and_modify(|low| {
                    low.max_rate = low.max_rate.min(ceiling.max_rate);
                    low.max_in_flight = low.max_in_flight.min(ceiling.max_in_flight);
                })
                .or_insert(ceiling);
        }
        for (host, ceiling) in lowest {
            if let Some(mut host) = self.host_mut(host) {
                let crawl_delay = host.pace.ceiling().crawl_delay;
                host.pace.set_ceiling(Ceiling {
                    crawl_delay,
                    ..ceiling
                });
            }
        }
    }

    /// What a session's site allows at one host.
    fn ceiling(&self, session: SessionId) -> Ceiling {
        let settings = &self.settings.0;
        let politeness = self
            .session(session)
            .map(|session| session.site.politeness.clone())
            .unwrap_or_default();
        let max_in_flight = match (politeness.max_in_flight, politeness.max_rate) {
            (Some(limit), _) => limit,
            (None, Some(_)) => settings.http_permits,
            (None, None) => settings.host.max_in_flight,
        };
        Ceiling {
            max_rate: politeness.max_rate.unwrap_or(settings.host.max_rate),
            max_in_flight: max_in_flight.max(1),
            crawl_delay: None,
        }
    }

    /// The retry policy of a task's stage, and whether it is the stage's own.
    pub(in crate::systems) fn retry_policy(&self, task: &Identity) -> (RetryPolicy, bool) {
        let own = self
            .session(task.session)
            .and_then(|session| session.site.stage(task.stage).retry);
        let policy = own.unwrap_or(self.settings.0.retry.policy);
        (policy, own.is_some())
    }

    /// Whether pages wait in the lines of this host.
    pub(in crate::systems) fn has_queued(&self, host: HostId) -> bool {
        let lines = self.lines.at_host(host);
        let mut lines = lines.iter().map(|line| self.lines.get(*line));
        lines.any(|line| line.waiting() > 0 || line.outside > 0)
    }

    /// The manners of a session that has tasks at this host.
    pub(in crate::systems) fn profile_at(&self, host: HostId) -> Option<Arc<RequestProfile>> {
        let lines = self.lines.at_host(host);
        let line = lines
            .iter()
            .map(|line| self.lines.get(*line))
            .find(|line| {
                self.session(line.session)
                    .is_some_and(|session| !session.is_over())
            })?;
        Some(Arc::clone(&self.session(line.session)?.profile))
    }

    /// What an answer says to its host's pace, breaker and budget, and to the offline watch.
    pub(in crate::systems) fn heard(
        &mut self,
        id: OrderId,
        signal: Signal,
        health: Health,
        failed: Option<ErrorClass>,
    ) {
        let now = self.now();
        let Some((host_id, sent)) = self
            .slots
            .get(id)
            .and_then(|busy| Some((busy.http?, busy.sent)))
        else {
            return;
        };
        let Some(mut host) = self.host_mut(host_id) else {
            return;
        };
        let marked = host.pace.refuses_at_any_speed().is_some();
        host.pace.on_answer(now, sent, signal);
        let share = host.pace.refuses_at_any_speed();
        let told = (share.is_some() != marked).then(|| match share {
            Some(share) => format!(
                "{} refuses {share} % of all requests at any speed: its Retry-After holds for the \
                 page that got it",
                host.name
            ),
            None => format!("the refusals of {} follow our speed again", host.name),
        });
        if health == Health::Good {
            host.budget.on_success();
        }
        if let Some(moved) = host.breaker.on_outcome(now, sent, health) {
            self.tell_breaker(host_id, moved.to, moved.until);
        }
        if let Some(told) = told {
            self.tell_all(&told);
        }
        if matches!(failed, Some(ErrorClass::Aborted | ErrorClass::Worker)) {
            return;
        }
        match self.condition.offline.on_outcome(now, host_id, failed) {
            Some(NetworkChange::WentOffline { since }) => {
                self.give_back(since);
                self.tell_all("our own network seems down: dispatch rests and probes");
                self.timers.set(now + Duration::from_secs(1), Due::Probe);
            }
            Some(NetworkChange::BackOnline) => {
                self.tell_all("the network is back");
                self.desk.restless = true;
                self.wake_all();
            }
            None => {}
        }
    }

    /// Attempts that failed by our own network are given back.
    fn give_back(&mut self, since: Duration) {
        for (at, cell, key) in std::mem::take(&mut self.desk.local) {
            if at < since {
                continue;
            }
            let entity = self.resident(cell.0, key);
            let waits = entity.filter(|entity| {
                let state = self.moves.of(*entity);
                state.is_some_and(|state| state.phase() != Phase::Failed)
            });
            match waits {
                Some(entity) => {
                    self.moves.charge(entity, |tries| {
                        tries.failed = tries.failed.saturating_sub(1);
                    });
                }
                None => {
                    self.desk.excused.insert(cell);
                }
            }
        }
    }

    /// A breaker moved: told, and its host looked at again when it may pass.
    pub(in crate::systems) fn tell_breaker(
        &mut self,
        host: HostId,
        to: BreakerPhase,
        until: Option<Duration>,
    ) {
        let change = Change::BreakerMoved { host, to };
        self.moves.journal().write(change);
        let now = self.now();
        match until.filter(|until| *until < Duration::MAX) {
            Some(at) => self.timers.set(at, Due::Host(host)),
            None => self.lines.wake_host(host, now),
        }
    }

    /// Looks again at every line.
    pub(in crate::systems) fn wake_all(&mut self) {
        let now = self.now();
        let sessions: Vec<_> = self.index.sessions.keys().copied().collect();
        for session in sessions {
            self.lines.wake_session(session, now);
        }
    }

    /// A line for people to read, in every session.
    pub(in crate::systems) fn tell_all(&mut self, text: &str) {
        let sessions: Vec<_> = self.index.sessions.keys().copied().collect();
        for session in sessions {
            self.notice(session, text);
        }
    }
}
