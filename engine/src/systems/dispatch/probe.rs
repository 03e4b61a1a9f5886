//! Whether our own network is back.

use std::time::Duration;

use bevy_ecs::system::{Res, ResMut};

use super::{
    robots::{profile_at, robots_url},
    send::{self, Request},
};
use crate::{
    message::orders::Purpose,
    model::class::WaitReason,
    politeness::pace::When,
    world::{
        clock::Clock,
        condition::{DispatchLimit, NetworkWatch},
        host::Hosts,
        host_queue::HostQueues,
        journal::Journal,
        permits::Permits,
        queue::Queue,
        session::Sessions,
        slots::Owner,
        timers::{Due, Timers},
    },
};

/// Between two looks for a host that may be asked.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

pub(super) fn is_due(limit: Res<DispatchLimit>, network: Res<NetworkWatch>) -> bool {
    limit.limited == Some(WaitReason::Offline) && network.probe_due
}

/// One request to a host that has pages waiting, to see whether the network is back.
pub(super) fn probe_network(
    mut network: ResMut<NetworkWatch>,
    mut hosts: Hosts,
    sessions: Sessions,
    mut host_queues: ResMut<HostQueues>,
    mut permits: ResMut<Permits>,
    mut timers: ResMut<Timers>,
    mut journal: ResMut<Journal>,
    mut requests: ResMut<Queue<Request>>,
    clock: Res<Clock>,
) {
    let now = clock.now();
    network.probe_due = false;
    let next = network.offline.next_probe().unwrap_or(now);
    if next > now {
        timers.set(next, Due::Probe);
        return;
    }
    timers.set(now + LOOK_AGAIN, Due::Probe);
    if !permits.http.has_room(1) {
        return;
    }
    let found = host_queues
        .iter()
        .filter(|(_, queue)| queue.outside > 0 || queue.resident > 0)
        .find_map(|(_, queue)| {
            let host = hosts.get_mut(queue.host);
            let is_free = host.is_some_and(|host| host.pace.next_allowed(now) == When::Now);
            let profile = is_free.then(|| profile_at(queue.host, &host_queues, &sessions));
            Some((queue.host, profile.flatten()?))
        });
    let Some((id, profile)) = found else {
        return;
    };
    network.offline.on_probe_sent(now);
    let mut host = hosts.get_mut(id).expect("it was just found");
    // Whatever its breaker says: it is the network that is asked for.
    send::reserve(&mut host, &mut permits, &mut host_queues, &mut journal, now);
    requests.push(Request {
        owner: Owner::Probe(id),
        host: id,
        purpose: Purpose::Probe,
        url: robots_url(&host.key).as_str().into(),
        first_byte: profile.first_byte_timeout,
        profile,
        flight: None,
    });
}
