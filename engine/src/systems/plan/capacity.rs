//! Capacities follow the measured service times and the memory left (SPEC F1).

use bevy_ecs::system::Res;

use crate::{
    systems::crawl::Crawl,
    world::{clock::Clock, session::Condition},
};

pub(super) fn is_due(condition: Res<Condition>, clock: Res<Clock>) -> bool {
    condition.gauge.is_due(clock.now())
}

/// Once a second while something happens; a resting engine needs no new capacities.
pub(super) fn follow_measures(mut crawl: Crawl) {
    let now = crawl.now();
    let sums = crawl.stats.sums();
    let has_backlog = !crawl.desk.to_save.is_empty();
    crawl.condition.gauge.look(now, sums, has_backlog);
    crawl.fit_capacities();
}
