//! Commands for tasks: paused, dropped, dead letters that wait once more.

use bevy_ecs::{entity::Entity, system::ResMut};
use serde_json::json;

use super::Area;
use crate::{
    message::{
        commands::{Ack, Command, Envelope, Target},
        store_verbs::{DeadSelector, StoreVerb},
    },
    model::{
        ids::{PageKey, SessionId},
        phase::Phase,
    },
    systems::{dispatch::PausedTasks, endings::end_waiting, observe::DueSnapshots},
    world::{
        border::Inbox,
        frontier::Frontier,
        host_queue::HostQueues,
        replies::{PendingReplies, acknowledge},
        residents::Residents,
        session::{SessionIndex, Sessions},
        slots::Owner,
        store_requests::StoreRequests,
        task::Paused,
        task_state::{TaskState, Tasks},
    },
};

pub(super) fn steer_tasks(
    mut inbox: ResMut<Inbox>,
    mut tasks: Tasks,
    sessions: Sessions,
    mut frontier: Frontier,
    mut requests: ResMut<StoreRequests>,
    mut replies: ResMut<PendingReplies>,
    mut paused: ResMut<PausedTasks>,
    mut snapshots: ResMut<DueSnapshots>,
) {
    for Envelope { command, reply } in Area::Tasks.take(&mut inbox) {
        match command {
            Command::Pause(Target::Task(key)) => {
                let found = find(&tasks, &frontier.residents, &sessions.index, key);
                if let Some(entity) = found {
                    tasks.commands.entity(entity).insert(Paused);
                }
                acknowledge(reply, ack(found, true));
            }
            Command::Resume(Target::Task(key)) => {
                let found = find(&tasks, &frontier.residents, &sessions.index, key);
                if let Some(entity) = found {
                    let queues = &mut frontier.queues;
                    go_on(&mut tasks, &sessions, queues, &mut paused, entity);
                }
                acknowledge(reply, ack(found, false));
            }
            Command::RequeueDead { session, selector } => {
                let request = replies.wait(reply);
                frontier.evict_lost(&mut tasks, session);
                if selector.requeueable().contains(&Phase::Cancelled) {
                    frontier.evict_cancelled(&mut tasks, session);
                }
                requests.ask(
                    Owner::RequeueDead(session, request),
                    StoreVerb::RequeueDead { session, selector },
                );
            }
            Command::Drop { session, selector } => {
                snapshots.add(session);
                let (count, rest) = drop_waiting(
                    &mut tasks,
                    &sessions,
                    &mut frontier,
                    &mut requests,
                    session,
                    selector,
                );
                let Some(selector) = rest else {
                    acknowledge(reply, Ok(json!({ "pages": count })));
                    continue;
                };
                let request = replies.wait(reply);
                let keys = selector.keys.clone();
                replies.dropping.insert(request, (count, keys));
                requests.ask(
                    Owner::Drop(session, request),
                    StoreVerb::Drop { session, selector },
                );
            }
            command => unreachable!("{command:?} is another area's"),
        }
    }
}

/// A task of any session by its page.
pub(super) fn find(
    tasks: &Tasks,
    residents: &Residents,
    sessions: &SessionIndex,
    key: PageKey,
) -> Option<Entity> {
    let mut ids = sessions.ids();
    ids.find_map(|session| tasks.find(residents, session, key))
}

fn ack(found: Option<Entity>, is_paused: bool) -> Ack {
    match found {
        Some(_) => Ok(json!({ "paused": is_paused })),
        None => Err("the task is not in the window".to_owned()),
    }
}

/// A paused task waits in its queue again.
fn go_on(
    tasks: &mut Tasks,
    sessions: &Sessions,
    queues: &mut HostQueues,
    paused: &mut PausedTasks,
    entity: Entity,
) {
    tasks.commands.entity(entity).remove::<Paused>();
    let Some(at) = paused.0.iter().position(|parked| *parked == entity) else {
        // It is in its queue still, or in flight.
        return;
    };
    paused.0.swap_remove(at);
    let task = tasks.identity(entity);
    let rank = sessions.get(task.session).rank(&task);
    let host = tasks.hop(entity).map_or(task.host, |hop| hop.host);
    let queue = queues.id(task.session, host);
    queues.enqueue(queue, rank, entity, tasks.now());
}

/// Waiting tasks in memory are dropped: how many, and what is left for the store to drop.
fn drop_waiting(
    tasks: &mut Tasks,
    sessions: &Sessions,
    frontier: &mut Frontier,
    requests: &mut StoreRequests,
    id: SessionId,
    mut selector: DeadSelector,
) -> (usize, Option<DeadSelector>) {
    let waits = |state| matches!(state, TaskState::Queued | TaskState::Backoff { .. });
    let named = selector.keys.iter();
    let waiting: Vec<Entity> = named
        .filter_map(|key| tasks.find(&frontier.residents, id, *key))
        .filter(|entity| waits(tasks.state(*entity)))
        .collect();
    for entity in &waiting {
        let session = sessions.get(id);
        let (window, state) = (&mut frontier.window, TaskState::Cancelled);
        end_waiting(tasks, window, requests, session, *entity, state);
    }
    frontier.evict_lost(tasks, id);
    let is_named = !selector.keys.is_empty();
    // What is resident still is in flight or has just been dropped.
    let residents = &frontier.residents;
    (selector.keys).retain(|key| tasks.find(residents, id, *key).is_none());
    let is_done = is_named && selector.keys.is_empty();
    (waiting.len(), (!is_done).then_some(selector))
}
