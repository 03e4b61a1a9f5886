//! Commands for single tasks: paused, and let go on.

use bevy_ecs::{entity::Entity, system::ResMut};
use serde_json::json;

use super::Area;
use crate::{
    message::commands::{Ack, Command, Envelope, Target},
    model::ids::PageKey,
    systems::dispatch::PausedTasks,
    world::{
        border::Inbox,
        frontier::Frontier,
        host_queue::HostQueues,
        replies::acknowledge,
        residents::Residents,
        session::{SessionIndex, Sessions},
        task::Paused,
        task_state::Tasks,
    },
};

pub(super) fn steer_tasks(
    mut inbox: ResMut<Inbox>,
    mut tasks: Tasks,
    sessions: Sessions,
    mut frontier: Frontier,
    mut paused: ResMut<PausedTasks>,
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
