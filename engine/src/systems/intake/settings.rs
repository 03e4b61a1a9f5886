//! Settings changed while running: validated, carried out, kept with old and new value.

use std::{collections::BTreeMap, sync::Arc};

use bevy_ecs::system::{Res, ResMut};
use serde_json::{Value as Json, json};

use super::Area;
use crate::{
    message::{
        commands::{Command, Envelope},
        store_verbs::Note,
    },
    model::ids::HostId,
    politeness::pace::Ceiling,
    settings::{Settings, presets},
    systems::{completion::ceiling, plan::fit_capacities},
    world::{
        border::Inbox, clock::Clock, condition::CapacityGauge, host::Hosts, host_queue::HostQueues,
        journal::Journal, ledger::Ledger, permits::Permits, replies::acknowledge,
        session::Sessions, settings::ActiveSettings, store_requests::StoreRequests, window::Window,
    },
};

/// Another preset, or one setting by its dotted name.
pub(super) fn change_settings(
    mut inbox: ResMut<Inbox>,
    mut settings: ResMut<ActiveSettings>,
    mut sessions: Sessions,
    mut hosts: Hosts,
    mut host_queues: ResMut<HostQueues>,
    mut window: ResMut<Window>,
    mut permits: ResMut<Permits>,
    mut journal: ResMut<Journal>,
    mut ledger: ResMut<Ledger>,
    mut requests: ResMut<StoreRequests>,
    gauge: Res<CapacityGauge>,
    clock: Res<Clock>,
) {
    for Envelope { command, reply } in Area::Settings.take(&mut inbox) {
        let old = Arc::clone(&settings.0);
        let mut next = Settings::clone(&old);
        let changed = change(&mut next, &command);
        let (name, ack) = match changed {
            Ok(changed) => changed,
            Err(why) => {
                acknowledge(reply, Err(why));
                continue;
            }
        };
        let next = Arc::new(next);
        settings.0 = Arc::clone(&next);
        window.fit(&next);
        for mut session in &mut sessions.all {
            session.settings = Arc::clone(&next);
        }
        for mut host in &mut hosts.all {
            host.breaker.set(next.breaker);
            host.budget.set(&next.retry);
        }
        let notice = fit_capacities(&gauge, &mut permits, &next);
        if let Some(notice) = notice {
            journal.notice_all(sessions.index.ids(), notice);
        }
        if next.host != old.host || next.http_permits != old.http_permits {
            lower_ceilings(&mut hosts, &host_queues, &sessions);
        }
        // A rest between batches may be over.
        ledger.stages_changed = true;
        host_queues.wake_sessions(sessions.index.ids(), clock.now());
        let notice = format!("{name}: {} → {}", ack["old"], ack["new"]);
        journal.notice_all(sessions.index.ids(), &notice);
        let note = Note::Setting {
            session: None,
            name,
            old: ack["old"].clone(),
            new: ack["new"].clone(),
        };
        requests.note(None, note);
        acknowledge(reply, Ok(ack));
    }
}

/// The changed setting's name, and what is acknowledged.
fn change(next: &mut Settings, command: &Command) -> Result<(String, Json), String> {
    match command {
        Command::SetProfile(profile) => {
            let old = std::mem::replace(&mut next.profile, *profile);
            let cores = next.cores;
            presets::apply(next, cores);
            Ok(("profile".to_owned(), json!({ "old": old, "new": profile })))
        }
        Command::Set { name, value } => {
            let change = next.set(name, value)?;
            let ack = json!({ "name": change.name, "old": change.old, "new": change.new });
            Ok((change.name.to_owned(), ack))
        }
        command => unreachable!("{command:?} is another area's"),
    }
}

/// The ceilings of all hosts, anew: the lowest of the sessions that have tasks there.
fn lower_ceilings(hosts: &mut Hosts, host_queues: &HostQueues, sessions: &Sessions) {
    let mut lowest = BTreeMap::<HostId, Ceiling>::new();
    for (_, queue) in host_queues.iter() {
        // Several numbers may name one host.
        let Some(host) = hosts.get(queue.host).map(|host| host.id) else {
            continue;
        };
        let ceiling = ceiling(sessions.get(queue.session));
        lowest
            .entry(host)
            .and_modify(|low| {
                low.max_rate = low.max_rate.min(ceiling.max_rate);
                low.max_in_flight = low.max_in_flight.min(ceiling.max_in_flight);
            })
            .or_insert(ceiling);
    }
    for (host, ceiling) in lowest {
        if let Some(mut host) = hosts.get_mut(host) {
            let crawl_delay = host.pace.ceiling().crawl_delay;
            host.pace.set_ceiling(Ceiling {
                crawl_delay,
                ..ceiling
            });
        }
    }
}
