//! How each host went lately: its rate and its answers over time, one point a snapshot.

use std::collections::{BTreeMap, VecDeque};

use crawlfield_engine::feed::snapshot::HostInfo;

/// Points of a host, at most; when full, every second point of the older half goes.
pub const HOST_POINTS_MAX: usize = 600;
/// Hosts that are remembered, at most: who was not told of for longest goes first.
pub const HOSTS_MAX: usize = 256;

/// What one snapshot told of a host.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HostPoint {
    /// Seconds of engine time.
    pub at: f64,
    /// Requests a second, over the ten seconds before.
    pub rate: f64,
    /// Median time of its pages in milliseconds, where that is measured.
    pub p50_ms: Option<f64>,
}

/// The points of the hosts of a session, by the hosts' numbers.
#[derive(Debug, Clone, Default)]
pub struct HostTrends {
    hosts: BTreeMap<u32, VecDeque<HostPoint>>,
}

impl HostTrends {
    /// Adds what a snapshot at `at` seconds tells; points that are not before it go.
    pub fn push(&mut self, at: f64, infos: &[HostInfo]) {
        for info in infos {
            let points = self.hosts.entry(info.id).or_default();
            while points.back().is_some_and(|last| last.at >= at) {
                points.pop_back();
            }
            if points.len() == HOST_POINTS_MAX {
                thin_older_half(points);
            }
            points.push_back(HostPoint {
                at,
                rate: info.rate,
                p50_ms: info.p50_ms,
            });
        }
        while self.hosts.len() > HOSTS_MAX {
            let last = |points: &VecDeque<HostPoint>| points.back().map_or(0.0, |point| point.at);
            let oldest = self
                .hosts
                .iter()
                .min_by(|a, b| last(a.1).total_cmp(&last(b.1)))
                .map(|(id, _)| *id);
            oldest.and_then(|id| self.hosts.remove(&id));
        }
    }

    /// The points up to `at` seconds.
    #[must_use]
    pub fn until(&self, at: f64) -> Self {
        let until = |points: &VecDeque<HostPoint>| {
            let count = points.partition_point(|point| point.at <= at);
            points.range(..count).copied().collect()
        };
        let hosts = self.hosts.iter();
        Self {
            hosts: hosts.map(|(id, points)| (*id, until(points))).collect(),
        }
    }

    /// A curve of a host from `from` seconds on; empty where nothing is known of it.
    #[must_use]
    pub fn curve(
        &self,
        host: u32,
        from: f64,
        value: impl Fn(&HostPoint) -> Option<f64>,
    ) -> Vec<[f64; 2]> {
        let points = self.hosts.get(&host).into_iter().flatten();
        points
            .filter(|point| point.at >= from)
            .filter_map(|point| Some([point.at, value(point)?]))
            .collect()
    }
}

/// Drops every second of the older half of these.
pub(super) fn thin_older_half<T>(points: &mut VecDeque<T>) {
    let half = points.len() / 2;
    let mut number = 0;
    points.retain(|_| {
        number += 1;
        number > half || number % 2 == 1
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(id: u32, rate: f64) -> HostInfo {
        HostInfo {
            id,
            rate,
            ..HostInfo::default()
        }
    }

    #[test]
    fn a_hosts_curve_is_known_up_to_any_time_and_replaced_where_told_again() {
        let mut trends = HostTrends::default();
        for (at, rate) in [(1.0, 10.0), (2.0, 20.0), (3.0, 30.0), (3.0, 31.0)] {
            trends.push(at, &[info(7, rate)]);
        }
        let rates = |trends: &HostTrends| trends.curve(7, 2.0, |point| Some(point.rate));
        assert_eq!(rates(&trends), [[2.0, 20.0], [3.0, 31.0]]);
        assert_eq!(rates(&trends.until(2.5)), [[2.0, 20.0]]);
        assert!(trends.curve(7, 0.0, |point| point.p50_ms).is_empty());
        assert!(trends.curve(8, 0.0, |point| Some(point.rate)).is_empty());
    }

    #[test]
    fn points_and_hosts_stay_bounded() {
        let mut trends = HostTrends::default();
        for second in 0_u32..2_000 {
            trends.push(f64::from(second), &[info(1, 1.0), info(second + 2, 1.0)]);
        }
        let points = trends.curve(1, 0.0, |point| Some(point.rate));
        assert!(points.len() <= HOST_POINTS_MAX);
        // The last five minutes are whole.
        assert_eq!(trends.curve(1, 1_700.0, |p| Some(p.rate)).len(), 300);
        assert_eq!(trends.hosts.len(), HOSTS_MAX);
        assert!(trends.hosts.contains_key(&2_001));
    }
}
