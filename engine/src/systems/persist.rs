//! Persist: requests become store orders, in the order in which they were made.

use bevy_ecs::{
    schedule::{IntoScheduleConfigs, Schedule},
    system::{Res, ResMut},
};

use crate::{
    message::{
        orders::{Order, StoreOrder},
        store_verbs::StoreVerb,
    },
    systems::TickSystems,
    world::{
        border::Outbox,
        clock::Clock,
        condition::StoreHealth,
        slots::{Owner, Slots},
        store_requests::StoreRequests,
    },
};

pub(super) fn install(schedule: &mut Schedule) {
    let is_asked = |requests: Res<StoreRequests>| !requests.is_empty();
    let persist = send_store_requests.run_if(is_asked);
    schedule.add_systems(persist.in_set(TickSystems::Persist));
}

/// Sends requests while there are slots; then marks: a request may have put back to wait what is in
/// flight again.
fn send_store_requests(
    mut requests: ResMut<StoreRequests>,
    mut slots: ResMut<Slots>,
    mut outbox: ResMut<Outbox>,
    health: Res<StoreHealth>,
    clock: Res<Clock>,
) {
    if health.lost.is_some() {
        return;
    }
    let now = clock.now();
    let mut send = |id, verb| {
        let order = StoreOrder { id, verb };
        outbox.orders.push_back(Order::Store(order));
    };
    while let Some(request) = requests.waiting.pop_front() {
        let Some(id) = request.id.or_else(|| slots.open(request.owner, now)) else {
            requests.waiting.push_front(request);
            return;
        };
        // A page may have been called back since.
        if slots.get(id).is_some() {
            send(id, request.verb);
        }
    }
    let requests = &mut *requests;
    while let Some(marks) = requests.marks.first_entry() {
        let Some(id) = slots.open(Owner::Marks, now) else {
            return;
        };
        let (session, lone) = *marks.key();
        let (keys, flights) = marks.remove().into_iter().unzip();
        requests.marking.insert(id, flights);
        let verb = StoreVerb::Mark {
            session,
            keys,
            lone,
        };
        send(id, verb);
    }
}

#[cfg(test)]
mod tests;
