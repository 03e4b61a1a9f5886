//! Plan: capacities are set, sessions begin, batches open, stages are judged, sessions end, ended
//! tasks leave, lines are filled.

mod admission;
mod begin;
mod capacity;
mod ending;
mod stages;

use bevy_ecs::schedule::{IntoScheduleConfigs, Schedule};

use crate::systems::TickSystems;

pub(super) fn install(schedule: &mut Schedule) {
    schedule.add_systems(
        (
            capacity::follow_measures,
            begin::begin_sessions,
            stages::judge_stages,
            ending::end_sessions,
            admission::let_leave,
            admission::fill_lines,
        )
            .chain()
            .in_set(TickSystems::Plan),
    );
}
