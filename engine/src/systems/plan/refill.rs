//! Host queues that run low are filled from the store.

use bevy_ecs::system::ResMut;

use crate::{
    message::store_verbs::StoreVerb,
    world::{
        frontier::Frontier, host_queue::LowQueues, session::Sessions, slots::Owner,
        store_requests::StoreRequests,
    },
};

/// Waiting tasks of one host queue in memory, at most.
const MOST: u32 = 4_096;

/// Asks the store for the next waiting pages of host queues that run low.
pub(super) fn fill_queues(
    mut frontier: Frontier,
    sessions: Sessions,
    mut requests: ResMut<StoreRequests>,
) {
    let LowQueues(low) = &mut *frontier.low;
    let mut low = std::mem::take(low);
    low.sort_unstable();
    low.dedup();
    let fair = frontier.window.fair_share(frontier.queues.len());
    let share = fair.min(MOST);
    for id in low {
        let queue = frontier.queues.get_mut(id);
        let waiting = u32::try_from(queue.waiting()).unwrap_or(u32::MAX);
        let session = sessions.get(queue.session);
        if queue.outside == 0 || waiting > share / 2 || !session.takes_in() {
            continue;
        }
        let own = fair.saturating_sub(queue.resident);
        if own == 0 {
            // It is looked at again when one of its tasks leaves.
            continue;
        }
        let limit = (share - waiting).min(frontier.window.room()).min(own);
        if limit == 0 {
            frontier.low.0.push(id);
            continue;
        }
        queue.cursors.sort_unstable_by_key(|cursor| cursor.batch);
        let mut cursors = queue.cursors.iter_mut();
        let unread = cursors.find(|cursor| {
            session.opened.contains(&cursor.batch) && (cursor.asked || !cursor.exhausted)
        });
        let Some(cursor) = unread.filter(|cursor| !cursor.asked) else {
            continue;
        };
        cursor.asked = true;
        requests.ask(
            Owner::Admit(id, cursor.batch),
            StoreVerb::Admit {
                session: queue.session,
                host: queue.host,
                batch: cursor.batch,
                after: cursor.after,
                limit,
            },
        );
    }
}
