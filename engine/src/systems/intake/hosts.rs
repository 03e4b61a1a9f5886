//! Commands for hosts: a breaker is held open or closed, or left to its rule.

use std::time::Duration;

use bevy_ecs::system::{Res, ResMut};
use serde_json::json;

use super::Area;
use crate::{
    message::commands::{Ack, Command, Envelope},
    systems::completion::tell_breaker,
    world::{
        border::Inbox, clock::Clock, host::Hosts, host_queue::HostQueues, journal::Journal,
        replies::acknowledge, timers::Timers,
    },
};

pub(super) fn force_breakers(
    mut inbox: ResMut<Inbox>,
    mut hosts: Hosts,
    mut host_queues: ResMut<HostQueues>,
    mut timers: ResMut<Timers>,
    mut journal: ResMut<Journal>,
    clock: Res<Clock>,
) {
    for Envelope { command, reply } in Area::Hosts.take(&mut inbox) {
        let Command::Breaker { host, open } = command else {
            unreachable!("{command:?} is another area's");
        };
        let mut ack: Ack = Err(format!("no host {host:?} is known"));
        let now: Duration = clock.now();
        for mut known in &mut hosts.all {
            if *known.name != *host && known.key.name != host {
                continue;
            }
            ack = Ok(json!({ "host": host, "open": open }));
            let moved = match open {
                Some(true) => known.breaker.hold_open(),
                Some(false) => known.breaker.hold_closed(),
                None => known.breaker.release(now),
            };
            if let Some(moved) = moved {
                let (journal, queues) = (&mut journal, &mut host_queues);
                tell_breaker(journal, queues, &mut timers, known.id, moved, now);
            }
            host_queues.wake_host(known.id, now);
        }
        acknowledge(reply, ack);
    }
}
