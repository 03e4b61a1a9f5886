//! Commands for pages: dropped, or waiting once more.

use std::collections::BTreeSet;

use bevy_ecs::{entity::Entity, system::ResMut};
use rustc_hash::FxHashSet;
use serde_json::json;

use super::Area;
use crate::{
    message::{
        commands::{Command, Envelope},
        store_verbs::{DeadSelector, StoreVerb},
    },
    model::ids::{HostId, SessionId},
    systems::{endings::end_waiting, observe::DueSnapshots},
    world::{
        border::Inbox,
        frontier::Frontier,
        replies::{PendingReplies, acknowledge},
        session::Sessions,
        slots::Owner,
        store_requests::StoreRequests,
        task_state::{TaskState, Tasks},
    },
};

pub(super) fn requeue_or_drop(
    mut inbox: ResMut<Inbox>,
    mut tasks: Tasks,
    sessions: Sessions,
    mut frontier: Frontier,
    mut requests: ResMut<StoreRequests>,
    mut replies: ResMut<PendingReplies>,
    mut snapshots: ResMut<DueSnapshots>,
) {
    for Envelope { command, reply } in Area::Pages.take(&mut inbox) {
        match command {
            Command::RequeueDead { session, selector } => {
                let request = replies.wait(reply);
                frontier.evict_lost(&mut tasks, session, selector.requeueable());
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
    let dropped: FxHashSet<Entity> = waiting.iter().copied().collect();
    let home = |entity: &Entity| {
        let hop = tasks.hop(*entity).map(|hop| hop.host);
        hop.unwrap_or_else(|| tasks.identity(*entity).host)
    };
    let hosts: BTreeSet<HostId> = waiting.iter().map(home).collect();
    for host in hosts {
        // What is counted as waiting is so: a queue would forget them only when their turn comes.
        let queue = frontier.queues.id(id, host);
        let queue = frontier.queues.get_mut(queue);
        queue.retain(|entity| !dropped.contains(&entity));
    }
    for entity in &waiting {
        let session = sessions.get(id);
        let (window, state) = (&mut frontier.window, TaskState::Cancelled);
        end_waiting(tasks, window, requests, session, *entity, state);
    }
    frontier.evict_lost(tasks, id, &[]);
    let is_named = !selector.keys.is_empty();
    // What is resident still is in flight or has just been dropped.
    let residents = &frontier.residents;
    (selector.keys).retain(|key| tasks.find(residents, id, *key).is_none());
    let is_done = is_named && selector.keys.is_empty();
    (waiting.len(), (!is_done).then_some(selector))
}
