//! Dispatch: queued → fetching, host queue by host queue, as hosts and permits allow.
//!
//! `decide_dispatch` says whether anything may be sent, `pick_queued` chooses and takes the permits,
//! `turn_away` ends what may not be fetched, `send_requests` sends the rest.

mod pick;
mod probe;
mod robots;
mod send;
mod turn_away;

use bevy_ecs::{
    schedule::{IntoScheduleConfigs, Schedule},
    system::{Res, ResMut},
    world::World,
};

pub(super) use robots::{profile_at, robots_url};
pub(super) use turn_away::PausedTasks;

use crate::{
    model::class::WaitReason,
    systems::TickSystems,
    world::{
        condition::{DispatchLimit, NetworkWatch, Pause, StoreHealth},
        permits::Permits,
        queue::{ParseQueue, Queue, SaveQueue, any},
        slots::Slots,
    },
};

/// Slots kept free for what is no page: admissions, notes, marks.
const RESERVE: usize = 1_024;

pub(super) fn install(schedule: &mut Schedule, world: &mut World) {
    world.init_resource::<Queue<send::Request>>();
    world.init_resource::<Queue<turn_away::TurnedAway>>();
    world.init_resource::<PausedTasks>();
    schedule.add_systems(
        (
            decide_dispatch,
            probe::probe_network.run_if(probe::is_due),
            pick::pick_queued.run_if(|limit: Res<DispatchLimit>| limit.limited.is_none()),
            turn_away::turn_away.run_if(any::<turn_away::TurnedAway>),
            send::send_requests.run_if(any::<send::Request>),
        )
            .chain()
            .in_set(TickSystems::Dispatch),
    );
}

/// Why nothing at all is sent in this tick, and what whoever comes first would find lacking.
fn decide_dispatch(
    mut limit: ResMut<DispatchLimit>,
    mut pause: ResMut<Pause>,
    store: Res<StoreHealth>,
    network: Res<NetworkWatch>,
    permits: Res<Permits>,
    slots: Res<Slots>,
    parse_queue: Res<ParseQueue>,
    save_queue: Res<SaveQueue>,
) {
    let is_full = |length: usize, capacity: u64| length as u64 >= capacity;
    let is_backed_up = is_full(parse_queue.waiting.len(), permits.parse_queue)
        || is_full(save_queue.0.len(), permits.save_queue);
    *limit = DispatchLimit {
        limited: None,
        lacking: if is_backed_up {
            Some(WaitReason::BackPressure)
        } else if permits.memory.used >= permits.memory.limit {
            Some(WaitReason::Memory)
        } else {
            None
        },
        slots: (slots.room() + 1).saturating_sub(RESERVE),
        is_step: pause.is_paused,
    };
    if !store.is_well() {
        limit.limited = Some(WaitReason::StoreTrouble);
    } else if pause.is_paused && pause.steps == 0 {
        limit.limited = Some(WaitReason::Paused);
    } else {
        pause.steps = pause.steps.saturating_sub(1);
        if network.offline.is_offline() {
            limit.limited = Some(WaitReason::Offline);
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
