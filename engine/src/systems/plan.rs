//! Plan: capacities are set, sessions begin, batches open, stages are judged, sessions end, ended
//! tasks leave, host queues are filled.

mod batches;
mod begin;
mod budget;
mod capacity;
mod ending;
mod leaving;
mod past_end;
mod refill;
mod result;
mod stages;

use bevy_ecs::{
    schedule::{IntoScheduleConfigs, Schedule},
    system::Res,
    world::World,
};

pub(super) use begin::discover;
pub(super) use budget::use_up;
pub(super) use capacity::fit_capacities;

use crate::{
    message::receipts::SessionOpened,
    systems::TickSystems,
    world::{
        host_queue::LowQueues,
        ledger::Ledger,
        queue::{Queue, any},
        window::Window,
    },
};

pub(super) fn install(schedule: &mut Schedule, world: &mut World) {
    world.init_resource::<Queue<SessionOpened>>();
    schedule.add_systems(
        (
            capacity::follow_measures.run_if(capacity::is_due),
            begin::begin_sessions.run_if(any::<SessionOpened>),
            stages::judge_stages.run_if(|ledger: Res<Ledger>| ledger.stages_changed),
            budget::stop_in_time.run_if(budget::is_set),
            ending::end_sessions,
            leaving::let_leave.run_if(|window: Res<Window>| !window.leaving.is_empty()),
            refill::fill_queues.run_if(|low: Res<LowQueues>| !low.0.is_empty()),
        )
            .chain()
            .in_set(TickSystems::Plan),
    );
}

#[cfg(test)]
mod tests;
