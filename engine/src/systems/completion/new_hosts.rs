//! Hosts that were seen for the first time are admitted: from then on they can be asked.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use bevy_ecs::system::{Commands, Res, ResMut};

use crate::{
    feed::frame::Change,
    model::{host_key::HostKey, ids::HostId},
    politeness::{
        breaker::Breaker,
        pace::{Ceiling, Learned, Pace},
        retry::RetryBudget,
    },
    world::{
        clock::Clock,
        host::{Host, HostIndex, Hosts, RobotsKnown, SeenHost},
        host_answers::HostAnswers,
        host_queue::HostQueues,
        journal::Journal,
        session::{Session, Sessions},
    },
};

pub(super) fn any_seen(index: Res<HostIndex>) -> bool {
    !index.seen.is_empty()
}

/// A host is made on first sight; else its ceiling is lowered to the session's.
pub(super) fn admit_hosts(
    mut commands: Commands,
    mut hosts: Hosts,
    sessions: Sessions,
    mut host_queues: ResMut<HostQueues>,
    mut journal: ResMut<Journal>,
    clock: Res<Clock>,
) {
    for seen in std::mem::take(&mut hosts.index.seen) {
        let SeenHost { id, key, .. } = &seen;
        let session = sessions.get(seen.session);
        let known = hosts.index.ids[key];
        let entity = if let Some(entity) = hosts.index.entities.get(&known).copied() {
            if let Some(mut host) = hosts.get_mut(known) {
                lower(&mut host, session);
            }
            host_queues.same_host(*id, known);
            entity
        } else {
            let host = new_host(&seen, session, clock.now());
            let entity = commands.spawn(host).id();
            hosts.index.entities.insert(known, entity);
            tell(&mut journal, known, key);
            entity
        };
        if hosts.index.entities.insert(*id, entity).is_none() {
            tell(&mut journal, *id, key);
        }
    }
}

/// The lowest ceiling wins.
fn lower(host: &mut Host, session: &Session) {
    let (old, own) = (*host.pace.ceiling(), ceiling(session));
    host.pace.set_ceiling(Ceiling {
        max_rate: old.max_rate.min(own.max_rate),
        max_in_flight: old.max_in_flight.min(own.max_in_flight),
        crawl_delay: old.crawl_delay,
    });
}

fn tell(journal: &mut Journal, host: HostId, key: &HostKey) {
    let name = Arc::from(key.to_string());
    journal.write(Change::HostAdmitted { host, name });
}

pub(in crate::systems) fn new_host(seen: &SeenHost, session: &Session, now: Duration) -> Host {
    let learned = seen.learned.clone();
    let learned: Option<Learned> = learned.and_then(|value| serde_json::from_value(value).ok());
    let settings = &session.settings;
    Host {
        id: seen.id,
        key: seen.key.clone(),
        name: Arc::from(seen.key.to_string()),
        pace: Pace::new(ceiling(session), learned.as_ref(), now),
        breaker: Breaker::new(settings.breaker, session.seed, u128::from(seen.id.0)),
        robots: RobotsKnown::Unread,
        budget: RetryBudget::new(&settings.retry),
        recent: VecDeque::new(),
        sent: 0,
        answers: HostAnswers::default(),
    }
}

/// What a session's site allows at one host.
pub(in crate::systems) fn ceiling(session: &Session) -> Ceiling {
    let settings = &session.settings;
    let politeness = &session.site.politeness;
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
