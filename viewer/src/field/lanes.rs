//! Lanes of the flow: one for each step of a task's life. Fetch, parse and save share one while hardly
//! any time is spent outside the fetch: their own lanes would stand empty.

use crawlfield_engine::{feed::snapshot::Snapshot, model::phase::Phase};

use crate::numbers::{index, wide};

/// Names of all lanes, in the order of their blocks.
pub const LANES: [&str; 7] = [
    "Frontier",
    "Fetch",
    "Parse",
    "Save",
    "Done",
    "Backoff",
    "Dead letters",
];
/// The lane that parse and save may share.
pub const FETCH_LANE: u32 = 1;
/// Where dead letters lie.
pub const DEAD_LANE: u32 = 6;

/// Steps that must have ended before their times say anything.
const ENOUGH: u64 = 60;
/// Parse and save have lanes of their own from this share of the time on.
const SPLIT_FROM: f64 = 0.3;
/// They lose them below this one.
const JOINED_BELOW: f64 = 0.15;

/// Which steps have a lane of their own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Lanes {
    /// Fetch, parse and save share one.
    #[default]
    Joined,
    /// Every step: fetch, parse and save take their time.
    Split,
}

impl Lanes {
    /// The lane of a phase.
    #[must_use]
    pub const fn lane_of(self, phase: Phase) -> u32 {
        match (phase, self) {
            (Phase::Queued, _) => 0,
            (Phase::Fetching | Phase::Fetched, _)
            | (Phase::Parsing | Phase::Parsed | Phase::Saving, Self::Joined) => FETCH_LANE,
            (Phase::Parsing | Phase::Parsed, Self::Split) => 2,
            (Phase::Saving, Self::Split) => 3,
            (Phase::Done | Phase::Skipped | Phase::Cancelled, _) => 4,
            (Phase::Backoff | Phase::Failed, _) => 5,
            (Phase::Dead, _) => DEAD_LANE,
        }
    }

    /// The name of a lane.
    #[must_use]
    pub fn name(self, lane: u32) -> &'static str {
        match (lane, self) {
            (FETCH_LANE, Self::Joined) => "In flight",
            _ => LANES[index(lane)],
        }
    }

    /// Which lanes these times ask for; the two bounds lie apart, so that it does not go to and fro.
    #[must_use]
    pub fn next(self, times: &StepTimes) -> Self {
        match (self, times.outside_fetch()) {
            (Self::Joined, Some(share)) if share > SPLIT_FROM => Self::Split,
            (Self::Split, Some(share)) if share < JOINED_BELOW => Self::Joined,
            _ => self,
        }
    }
}

/// What the three steps have taken so far.
#[derive(Debug, Clone, Copy, Default)]
pub struct StepTimes {
    /// Milliseconds of fetch, parse and save.
    pub ms: [f64; 3],
    ended: u64,
}

impl StepTimes {
    /// By the latest snapshots.
    #[must_use]
    pub fn of<'a>(snapshots: impl Iterator<Item = &'a Snapshot>) -> Self {
        let mut times = Self::default();
        for pool in snapshots.flat_map(|snapshot| &snapshot.pools) {
            let step = pool.work_type.split(':').next().unwrap_or_default();
            let at = match step {
                "fetch" => 0,
                "parse" => 1,
                "save" => 2,
                _ => continue,
            };
            times.ms[at] += wide(pool.count) * pool.mean_ms;
            times.ended += pool.count;
        }
        times
    }

    /// The share of each step; `None` while too few have ended.
    #[must_use]
    pub fn shares(&self) -> Option<[f64; 3]> {
        let all: f64 = self.ms.iter().sum();
        (self.ended >= ENOUGH && all > 0.0).then(|| self.ms.map(|ms| ms / all))
    }

    fn outside_fetch(&self) -> Option<f64> {
        self.shares().map(|[_, parse, save]| parse + save)
    }
}

#[cfg(test)]
mod tests {
    use crawlfield_engine::feed::snapshot::Pool;

    use super::*;

    fn times(parse_ms: f64) -> StepTimes {
        let pool = |work_type: &str, mean_ms| Pool {
            work_type: work_type.to_owned(),
            count: 100,
            mean_ms,
            ..Pool::default()
        };
        let snapshot = Snapshot {
            pools: vec![pool("fetch:list", 100.0), pool("parse:list", parse_ms)],
            ..Snapshot::default()
        };
        StepTimes::of([&snapshot].into_iter())
    }

    #[test]
    fn parse_has_a_lane_of_its_own_where_it_takes_its_time_and_keeps_it_for_a_while() {
        assert_eq!(Lanes::Joined.next(&StepTimes::default()), Lanes::Joined);
        assert_eq!(Lanes::Joined.next(&times(1.0)), Lanes::Joined);
        assert_eq!(Lanes::Joined.next(&times(100.0)), Lanes::Split);
        assert_eq!(Lanes::Split.next(&times(30.0)), Lanes::Split);
        assert_eq!(Lanes::Joined.next(&times(30.0)), Lanes::Joined);
        assert_eq!(Lanes::Split.next(&times(5.0)), Lanes::Joined);
    }

    #[test]
    fn every_phase_has_a_lane_and_what_is_in_flight_shares_one_or_has_three() {
        let of = |lanes: Lanes| {
            let flying = Phase::ALL.into_iter().filter(|phase| phase.is_in_flight());
            let mut lanes: Vec<u32> = flying.map(|phase| lanes.lane_of(phase)).collect();
            lanes.dedup();
            lanes
        };
        assert_eq!(of(Lanes::Joined), [1]);
        assert_eq!(of(Lanes::Split), [1, 2, 3]);
        assert_eq!(Lanes::Joined.name(1), "In flight");
        assert_eq!(Lanes::Split.name(1), "Fetch");
    }
}
