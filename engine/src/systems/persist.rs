//! Persist: letters become store orders, in the order in which they were written.

use bevy_ecs::{
    schedule::{IntoScheduleConfigs, Schedule},
    system::{Res, ResMut},
};

use crate::{
    message::{
        orders::{Order, StoreOrder},
        store_verbs::StoreVerb,
    },
    systems::{
        Outbox, TickSystems,
        crawl::{Desk, desk},
    },
    world::{
        clock::Clock,
        session::Condition,
        slots::{Owner, Slots},
    },
};

pub(super) fn install(schedule: &mut Schedule) {
    schedule.add_systems(
        send_letters
            .run_if(desk(|desk| {
                !(desk.letters.is_empty() && desk.marks.is_empty())
            }))
            .in_set(TickSystems::Persist),
    );
}

/// Sends letters while there are slots; then marks: a letter may have put back to wait what is in
/// flight again.
fn send_letters(
    mut desk: ResMut<Desk>,
    mut slots: ResMut<Slots>,
    mut outbox: ResMut<Outbox>,
    condition: Res<Condition>,
    clock: Res<Clock>,
) {
    if condition.store_lost.is_some() {
        return;
    }
    let now = clock.now();
    let mut send = |id, verb| {
        let order = StoreOrder { id, verb };
        outbox.orders.push_back(Order::Store(order));
    };
    while let Some(letter) = desk.letters.pop_front() {
        let Some(id) = letter.id.or_else(|| slots.open(letter.owner, now)) else {
            desk.letters.push_front(letter);
            return;
        };
        if slots.get(id).is_some() {
            send(id, letter.verb);
        }
    }
    let desk = &mut *desk;
    while let Some(marks) = desk.marks.first_entry() {
        let Some(id) = slots.open(Owner::Marks, now) else {
            return;
        };
        let (session, lone) = *marks.key();
        let (keys, flights) = marks.remove().into_iter().unzip();
        desk.marking.insert(id, flights);
        let verb = StoreVerb::Mark {
            session,
            keys,
            lone,
        };
        send(id, verb);
    }
}
