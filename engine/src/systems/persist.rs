//! Persist: letters become store orders, in the order in which they were written.

use bevy_ecs::schedule::{IntoScheduleConfigs, Schedule};

use crate::{
    ports::orders::{Order, StoreOrder},
    systems::{
        TickSystems,
        crawl::{Crawl, desk},
    },
};

pub(super) fn install(schedule: &mut Schedule) {
    schedule.add_systems(
        send_letters
            .run_if(desk(|desk| !desk.letters.is_empty()))
            .in_set(TickSystems::Persist),
    );
}

/// Sends letters while there are slots.
fn send_letters(mut crawl: Crawl) {
    if crawl.condition.store_lost.is_some() {
        return;
    }
    let now = crawl.now();
    while let Some(letter) = crawl.desk.letters.pop_front() {
        let Some(id) = letter.id.or_else(|| crawl.slots.open(letter.owner, now)) else {
            crawl.desk.letters.push_front(letter);
            break;
        };
        if crawl.slots.get(id).is_some() {
            crawl.outbox.orders.push_back(Order::Store(StoreOrder {
                id,
                verb: letter.verb,
            }));
        }
    }
}
