//! Plan: capacities are set, sessions begin, batches open, stages are judged, sessions end, ended
//! tasks leave, lines are filled.

mod admission;
mod begin;
mod budget;
mod capacity;
mod ending;
mod stages;

use bevy_ecs::schedule::{IntoScheduleConfigs, Schedule};

use crate::systems::{TickSystems, crawl::desk};

pub(super) fn install(schedule: &mut Schedule) {
    schedule.add_systems(
        (
            capacity::follow_measures.run_if(capacity::is_due),
            begin::begin_sessions.run_if(desk(|desk| !desk.opened.is_empty())),
            stages::judge_stages.run_if(desk(|desk| desk.restless)),
            budget::stop_in_time,
            ending::end_sessions,
            admission::let_leave,
            admission::fill_lines.run_if(desk(|desk| !desk.hungry.is_empty())),
        )
            .chain()
            .in_set(TickSystems::Plan),
    );
}
