//! What a person asks of one task: its state, why it waits, and the attempts that the store has of
//! it.

use std::time::Duration;

use bevy_ecs::{
    entity::Entity,
    system::{Res, ResMut},
};

use super::{Area, tasks::find};
use crate::{
    message::{
        commands::{Command, Envelope, Inspected},
        store_verbs::StoreVerb,
    },
    world::{
        border::Inbox,
        condition::{DispatchLimit, StoreHealth},
        host_queue::HostQueues,
        replies::{PendingReplies, acknowledge},
        residents::Residents,
        session::SessionIndex,
        slots::Owner,
        store_requests::StoreRequests,
        task_state::{TaskState, Tasks},
    },
};

/// A store in trouble is not waited for.
pub(super) fn inspect_tasks(
    mut inbox: ResMut<Inbox>,
    tasks: Tasks,
    mut host_queues: ResMut<HostQueues>,
    mut requests: ResMut<StoreRequests>,
    mut replies: ResMut<PendingReplies>,
    residents: Res<Residents>,
    sessions: Res<SessionIndex>,
    limit: Res<DispatchLimit>,
    store: Res<StoreHealth>,
) {
    for Envelope { command, reply } in Area::Inspect.take(&mut inbox) {
        let Command::Inspect(key) = command else {
            unreachable!("{command:?} is another area's");
        };
        let Some(entity) = find(&tasks, &residents, &sessions, key) else {
            acknowledge(reply, Err("the task is not in the window".to_owned()));
            continue;
        };
        let inspected = Inspected {
            url: tasks.url(entity).to_string(),
            state: tasks.state(entity).phase().name().to_owned(),
            waits: waits(&tasks, &mut host_queues, &limit, entity),
            attempts: Vec::new(),
        };
        if tasks.tries(entity).dispatched == 0 || !store.is_well() {
            acknowledge(reply, inspected.into_ack());
            continue;
        }
        let request = replies.wait(reply);
        replies.inspecting.insert(request, inspected);
        let session = tasks.identity(entity).session;
        requests.ask(
            Owner::Inspect(request),
            StoreVerb::Attempts { session, key },
        );
    }
}

/// Why a task waits, in words.
fn waits(
    tasks: &Tasks,
    host_queues: &mut HostQueues,
    limit: &DispatchLimit,
    entity: Entity,
) -> Option<String> {
    match tasks.state(entity) {
        TaskState::Queued if tasks.is_paused(entity) => Some("a person paused it".to_owned()),
        TaskState::Queued => {
            let task = tasks.identity(entity);
            let host = tasks.hop(entity).map_or(task.host, |hop| hop.host);
            let queue = host_queues.id(task.session, host);
            let held = host_queues.get(queue).held.or(limit.limited);
            held.map(|reason| reason.name().to_owned())
        }
        TaskState::Backoff { until_us, cause } => {
            let left = Duration::from_micros(until_us).saturating_sub(tasks.now());
            let after = cause.map_or_else(String::new, |cause| format!(" after {}", cause.name()));
            Some(format!("backoff{after}: {} ms left", left.as_millis()))
        }
        _ => None,
    }
}
