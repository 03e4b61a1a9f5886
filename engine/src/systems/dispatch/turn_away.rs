//! Tasks that `pick_queued` took from their queue and that are not fetched.

use std::sync::Arc;

use bevy_ecs::{entity::Entity, resource::Resource, system::ResMut};

use crate::{
    feed::frame::{Detail, Fault},
    message::store_verbs::{EndAttempt, Evidence, PageEnd},
    model::class::{ErrorClass, SkipReason},
    systems::endings::end_waiting,
    world::{
        frontier::Frontier,
        queue::Queue,
        session::{Session, Sessions},
        slots::Flight,
        store_requests::StoreRequests,
        task_state::{TaskState, Tasks},
    },
};

/// What happens to a queued task instead of being fetched; `turn_away` takes it.
#[derive(Debug)]
pub(super) enum TurnedAway {
    /// Not fetched, for good.
    Skip(Entity, SkipReason),
    /// Nothing of its host may be fetched in this run, for this reason.
    Fail(Entity, ErrorClass, String),
    /// Pages that a barrier waits for may stand behind it in the store: it makes room.
    Evict(Entity),
    /// A person paused it: it waits beside its queue.
    Park(Entity),
}

/// Paused tasks that wait beside their queues until a person lets them go on.
#[derive(Resource, Debug, Default)]
pub(in crate::systems) struct PausedTasks(pub(in crate::systems) Vec<Entity>);

pub(super) fn turn_away(
    mut turned: ResMut<Queue<TurnedAway>>,
    mut tasks: Tasks,
    sessions: Sessions,
    mut frontier: Frontier,
    mut requests: ResMut<StoreRequests>,
    mut paused: ResMut<PausedTasks>,
) {
    while let Some(turned) = turned.pop() {
        match turned {
            TurnedAway::Skip(entity, reason) => {
                let session = sessions.get(tasks.identity(entity).session);
                let (window, state) = (&mut frontier.window, TaskState::Skipped(reason));
                end_waiting(&mut tasks, window, &mut requests, session, entity, state);
            }
            TurnedAway::Fail(entity, class, why) => {
                let session = sessions.get(tasks.identity(entity).session);
                fail(&mut tasks, &mut requests, session, entity, class, &why);
                let now = tasks.now();
                frontier.window.retire(entity, now);
            }
            TurnedAway::Evict(entity) => frontier.leave(&mut tasks, entity),
            TurnedAway::Park(entity) => paused.0.push(entity),
        }
    }
}

fn fail(
    tasks: &mut Tasks,
    requests: &mut StoreRequests,
    session: &Session,
    entity: Entity,
    class: ErrorClass,
    why: &str,
) {
    let now = tasks.now();
    let (task, tries) = (tasks.identity(entity), tasks.tries(entity));
    let end = PageEnd::Failed {
        evidence: Evidence {
            message: why.to_owned(),
            ..Evidence::default()
        },
        records: Vec::new(),
        links: Vec::new(),
    };
    let failure = Some((class, why.to_owned()));
    requests.end(EndAttempt {
        attempt: Some(Flight::begun(now).attempt(now, tries.dispatched, failure)),
        ..session.end_of(&task, tries, end)
    });
    let fault = Fault {
        class,
        message: Arc::from(why),
        retry_at_us: None,
    };
    let state = TaskState::Failed(class);
    tasks.enter(entity, state, Detail::Error(Box::new(fault)));
}
