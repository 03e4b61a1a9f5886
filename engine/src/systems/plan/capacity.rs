//! Capacities follow the measured service times and the memory left (SPEC F1).

use crate::systems::crawl::Crawl;

/// Once a second while something happens; a resting engine needs no new capacities.
pub(super) fn follow_measures(mut crawl: Crawl) {
    let now = crawl.now();
    if !crawl.condition.gauge.is_due(now) {
        return;
    }
    let sums = crawl.stats.sums();
    let has_backlog = !crawl.desk.to_save.is_empty();
    crawl.condition.gauge.look(now, sums, has_backlog);
    crawl.fit_capacities();
}
