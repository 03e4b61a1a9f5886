//! Sessions that are cancelled at once: what they have in flight is called back.

use bevy_ecs::{entity::Entity, system::ResMut};

use crate::{
    feed::frame::Detail,
    message::{orders::Order, store_verbs::PageEnd},
    model::{ids::OrderId, session_state::SessionState},
    world::{
        border::Outbox,
        condition::Recall,
        permits::Permits,
        queue::ParseQueue,
        session::Sessions,
        slots::{Owner, Slots},
        stats::{Stats, Step},
        store_requests::StoreRequests,
        task::Hop,
        task_state::{TaskState, Tasks},
    },
};

/// in flight → queued. A fetch is aborted: its report says so, and gives the permit back. Any other
/// result is thrown away; a late report of its parse is dropped.
pub(super) fn call_back(
    mut recall: ResMut<Recall>,
    mut tasks: Tasks,
    sessions: Sessions,
    mut slots: ResMut<Slots>,
    mut permits: ResMut<Permits>,
    mut parse_queue: ResMut<ParseQueue>,
    mut stats: ResMut<Stats>,
    mut outbox: ResMut<Outbox>,
    mut requests: ResMut<StoreRequests>,
) {
    recall.0 = false;
    let flying: Vec<(OrderId, Entity)> = slots
        .iter()
        .filter_map(|(id, busy)| match busy.owner {
            Owner::Task(entity) => Some((id, entity)),
            _ => None,
        })
        .collect();
    for (id, entity) in flying {
        let task = tasks.identity(entity);
        let session = sessions.get(task.session);
        let is_cancelled = matches!(
            session.state(),
            SessionState::Draining { at_once: true, .. }
        );
        if !is_cancelled {
            continue;
        }
        let at = tasks.state(entity);
        match at {
            TaskState::Fetching(_) => outbox.orders.push_back(Order::Abort(id)),
            TaskState::Fetched(_) | TaskState::Parsing(_) | TaskState::Parsed(_) => {
                slots.release(id, &mut permits);
                parse_queue.ended(id);
                if matches!(at, TaskState::Parsing(_)) {
                    stats.broke(task.session, Step::Parse, task.stage);
                }
                slots.close(id);
                requests.end(session.end_of(&task, tasks.tries(entity), PageEnd::Queued));
                tasks.commands.entity(entity).remove::<Hop>();
                tasks.enter(entity, TaskState::Queued, Detail::None);
            }
            _ => {}
        }
    }
}
