//! Hosts: what sessions share of a server. Pace, breaker, robots.txt, budget.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use bevy_ecs::{
    change_detection::Mut,
    component::Component,
    entity::Entity,
    resource::Resource,
    system::{Query, ResMut, SystemParam},
};
use rustc_hash::FxHashMap;
use serde_json::Value as Json;

use crate::{
    model::{
        host_key::HostKey,
        ids::{HostId, SessionId},
        page_url::PageUrl,
    },
    politeness::{breaker::Breaker, pace::Pace, retry::RetryBudget, robots::Robots},
    world::host_answers::HostAnswers,
};

/// One scheme, name and port.
#[derive(Component, Debug)]
pub struct Host {
    /// The store's number of it (or one of ours from the top, for a redirect's host).
    pub id: HostId,
    /// Scheme, name and port.
    pub key: HostKey,
    pub name: Arc<str>,
    pub pace: Pace,
    pub breaker: Breaker,
    /// What its robots.txt says.
    pub robots: RobotsKnown,
    /// Retries it may get.
    pub budget: RetryBudget,
    /// When the last requests were sent, at most ten seconds back.
    pub recent: VecDeque<Duration>,
    pub sent: u64,
    pub answers: HostAnswers,
}

/// What is known of a robots.txt.
#[derive(Debug, Clone, Default)]
pub enum RobotsKnown {
    #[default]
    Unread,
    /// Being read: tries so far, hops so far.
    Asked {
        /// Failed tries so far.
        tries: u32,
        hops: u16,
    },
    /// Leads on: asked for there as soon as that host may be asked.
    Redirected {
        /// Failed tries so far.
        tries: u32,
        /// Redirects followed, with this one.
        hops: u16,
        /// An http or https address.
        to: PageUrl,
    },
    /// Could not be read: asked again at this time.
    Unreachable {
        again: Duration,
        /// Failed tries so far.
        tries: u32,
        why: String,
    },
    Read {
        rules: Arc<Robots>,
        /// When it is read again.
        until: Duration,
    },
}

impl Host {
    /// Until when it may not be asked at all: an open breaker, or a Retry-After.
    #[must_use]
    pub fn parked_until(&self, now: Duration) -> Option<Duration> {
        let until = self.breaker.open_until();
        let until = until.or_else(|| self.pace.retry_after_until(now));
        until.filter(|until| *until > now && *until < Duration::MAX)
    }

    /// Requests a second over the last ten seconds.
    pub fn rate(&mut self, now: Duration) -> f64 {
        let since = now.saturating_sub(Duration::from_secs(10));
        while self.recent.front().is_some_and(|sent| *sent < since) {
            self.recent.pop_front();
        }
        let span = now.min(Duration::from_secs(10)).as_secs_f64().max(1.0);
        crate::model::numbers::count(self.recent.len()) / span
    }
}

/// A host that a session has seen. Until the host is admitted, nobody can ask it.
#[derive(Debug)]
pub struct SeenHost {
    pub id: HostId,
    pub key: HostKey,
    pub session: SessionId,
    /// What an earlier run learned of it: pace, breaker.
    pub learned: Option<Json>,
}

/// Where hosts stand as entities.
#[derive(Resource, Debug, Default)]
pub struct HostIndex {
    /// By the store's numbers, of which several may name one host.
    pub entities: FxHashMap<HostId, Entity>,
    /// The first number of each host.
    pub ids: FxHashMap<HostKey, HostId>,
    /// Not admitted yet, or seen again; `admit_hosts` takes them.
    pub seen: Vec<SeenHost>,
}

impl HostIndex {
    /// A session has seen a host.
    pub fn see(&mut self, id: HostId, key: &HostKey, session: SessionId, learned: Option<Json>) {
        self.ids.entry(key.clone()).or_insert(id);
        self.seen.push(SeenHost {
            id,
            key: key.clone(),
            session,
            learned,
        });
    }

    /// The number of a host; one that only redirects lead to gets one of ours, from the top.
    pub fn id_of(&mut self, key: &HostKey, session: SessionId) -> HostId {
        if let Some(id) = self.ids.get(key) {
            return *id;
        }
        let n = u32::try_from(self.ids.len()).unwrap_or(0);
        let id = HostId(u32::MAX - n);
        self.see(id, key, session, None);
        id
    }
}

/// Hosts by their number.
#[derive(SystemParam)]
pub struct Hosts<'w, 's> {
    pub all: Query<'w, 's, &'static mut Host>,
    pub index: ResMut<'w, HostIndex>,
}

impl Hosts<'_, '_> {
    /// `None` until it is admitted, in the tick in which it was seen first or in the next.
    #[must_use]
    pub fn get(&self, id: HostId) -> Option<&Host> {
        self.all.get(*self.index.entities.get(&id)?).ok()
    }

    pub fn get_mut(&mut self, id: HostId) -> Option<Mut<'_, Host>> {
        self.all.get_mut(*self.index.entities.get(&id)?).ok()
    }
}
