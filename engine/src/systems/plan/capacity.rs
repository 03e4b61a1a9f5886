//! Capacities follow the measured service times and the memory left (SPEC F1).

use bevy_ecs::system::{Res, ResMut};

use crate::{
    settings::Settings,
    world::{
        clock::Clock, condition::CapacityGauge, journal::Journal, permits::Permits,
        queue::SaveQueue, session::SessionIndex, settings::ActiveSettings, stats::Stats,
    },
};

pub(super) fn is_due(gauge: Res<CapacityGauge>, clock: Res<Clock>) -> bool {
    gauge.0.is_due(clock.now())
}

/// Once a second while something happens; a resting engine needs no new capacities.
pub(super) fn follow_measures(
    mut gauge: ResMut<CapacityGauge>,
    mut permits: ResMut<Permits>,
    mut journal: ResMut<Journal>,
    stats: Res<Stats>,
    save_queue: Res<SaveQueue>,
    sessions: Res<SessionIndex>,
    settings: Res<ActiveSettings>,
    clock: Res<Clock>,
) {
    let has_backlog = !save_queue.0.is_empty();
    gauge.0.look(clock.now(), stats.sums(), has_backlog);
    if let Some(notice) = fit_capacities(&gauge, &mut permits, &settings.0) {
        journal.notice_all(sessions.ids(), notice);
    }
}

/// Permits and queues follow what was measured, within the settings; a line for people where memory
/// runs out, or no longer does.
pub(in crate::systems) fn fit_capacities(
    gauge: &CapacityGauge,
    permits: &mut Permits,
    settings: &Settings,
) -> Option<&'static str> {
    let ceilings = settings.ceilings();
    let was_pressed = permits.is_pressed;
    permits.fit(&gauge.0.capacities(&ceilings), ceilings.cpu);
    (permits.is_pressed != was_pressed).then_some(if permits.is_pressed {
        "memory runs out: less is worked on at once"
    } else {
        "there is memory enough again"
    })
}
