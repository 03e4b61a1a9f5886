//! Curves over time: one point a snapshot, thinned with age, and cut to what a chart can show.

use std::collections::VecDeque;

use crawlfield_engine::feed::snapshot::{Prediction, Snapshot};

use super::host_trend::{HostTrends, thin_older_half};
use crate::numbers::{to_u64, wide};

/// Points of a series, at most; when full, every second point of the older half goes.
pub const POINTS_MAX: usize = 8_192;

/// The figures of one snapshot.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SeriesPoint {
    /// Seconds of engine time.
    pub at: f64,
    /// Pages that were known then.
    pub discovered: f64,
    /// Pages done by then.
    pub done: f64,
    /// Pages final: done, skipped, dead, cancelled.
    pub ended: f64,
    /// Pages that were queued then.
    pub queued: f64,
    /// Failed attempts by class since the start.
    pub errors: Vec<(String, u64)>,
    /// Median of a fetch in milliseconds, the busiest stage's.
    pub p50_ms: Option<f64>,
    /// Its 95th percentile in milliseconds.
    pub p95_ms: Option<f64>,
    /// Cores in use, where that is measured.
    pub cpu: Option<f64>,
    /// Resident memory in bytes, where that is measured.
    pub rss: Option<f64>,
    /// What was predicted then.
    pub prediction: Option<Prediction>,
}

impl SeriesPoint {
    /// The figures of a snapshot.
    #[must_use]
    pub fn of(snapshot: &Snapshot) -> Self {
        let state = |name: &str| {
            let count = snapshot.progress.by_state.get(name);
            wide(count.copied().unwrap_or(0))
        };
        let fetch = snapshot
            .pools
            .iter()
            .filter(|pool| pool.work_type.starts_with("fetch") && pool.count > 0)
            .max_by_key(|pool| pool.count);
        Self {
            at: snapshot.at,
            discovered: wide(snapshot.progress.discovered),
            done: state("done"),
            ended: state("done") + state("skipped") + state("dead") + state("cancelled"),
            queued: state("queued"),
            errors: snapshot
                .errors
                .iter()
                .map(|(class, count)| (class.clone(), *count))
                .collect(),
            p50_ms: fetch.map(|pool| pool.p50_ms),
            p95_ms: fetch.map(|pool| pool.p95_ms),
            cpu: snapshot.resources.cpu,
            rss: snapshot.resources.rss_bytes.map(wide),
            prediction: snapshot.prediction.clone(),
        }
    }
}

/// The points of one session.
#[derive(Debug, Clone, Default)]
pub struct Series {
    /// The hosts one by one.
    pub hosts: HostTrends,
    points: VecDeque<SeriesPoint>,
}

impl Series {
    /// Adds a snapshot; one that is not later than the last replaces it.
    pub fn push(&mut self, snapshot: &Snapshot) {
        while self
            .points
            .back()
            .is_some_and(|last| last.at >= snapshot.at)
        {
            self.points.pop_back();
        }
        if self.points.len() == POINTS_MAX {
            thin_older_half(&mut self.points);
        }
        self.hosts.push(snapshot.at, &snapshot.hosts);
        self.points.push_back(SeriesPoint::of(snapshot));
    }

    /// The points up to `at` seconds.
    #[must_use]
    pub fn until(&self, at: f64) -> Self {
        let count = self.points.partition_point(|point| point.at <= at);
        Self {
            hosts: self.hosts.until(at),
            points: self.points.range(..count).cloned().collect(),
        }
    }

    /// The latest point, if there is one.
    #[must_use]
    pub fn last(&self) -> Option<&SeriesPoint> {
        self.points.back()
    }

    /// What was foreseen last: nothing is while a session rests.
    #[must_use]
    pub fn last_prediction(&self) -> Option<&Prediction> {
        let mut points = self.points.iter().rev();
        points.find_map(|point| point.prediction.as_ref())
    }

    /// The earliest point, if there is one.
    #[must_use]
    pub fn first(&self) -> Option<&SeriesPoint> {
        self.points.front()
    }

    /// The points from `from` seconds on, with one before it so that a line enters the chart.
    pub fn since(&self, from: f64) -> impl Iterator<Item = &SeriesPoint> {
        let first = self.points.partition_point(|point| point.at < from);
        self.points.range(first.saturating_sub(1)..)
    }

    /// A curve of the points from `from` on.
    #[must_use]
    pub fn curve(&self, from: f64, value: impl Fn(&SeriesPoint) -> Option<f64>) -> Vec<[f64; 2]> {
        self.since(from)
            .filter_map(|point| Some([point.at, value(point)?]))
            .collect()
    }

    /// How fast a total grew between two points that follow each other, a second.
    #[must_use]
    pub fn slope(&self, from: f64, value: impl Fn(&SeriesPoint) -> f64) -> Vec<[f64; 2]> {
        let points: Vec<&SeriesPoint> = self.since(from).collect();
        points
            .windows(2)
            .map(|pair| {
                let span = (pair[1].at - pair[0].at).max(0.001);
                let grown = (value(pair[1]) - value(pair[0])).max(0.0);
                [pair[1].at, grown / span]
            })
            .collect()
    }
}

/// At most about `2 × buckets` points that keep every bucket's lowest and highest value.
#[must_use]
pub fn thinned(curve: &[[f64; 2]], buckets: usize) -> Vec<[f64; 2]> {
    if curve.len() <= buckets.max(1) * 2 {
        return curve.to_vec();
    }
    let (first, last) = (curve[0][0], curve[curve.len() - 1][0]);
    let width = (last - first) / wide(buckets.max(1) as u64);
    let bucket_of = |point: &[f64; 2]| to_u64((point[0] - first) / width.max(f64::MIN_POSITIVE));
    let mut out = Vec::with_capacity(buckets * 2 + 2);
    for group in curve.chunk_by(|a, b| bucket_of(a) == bucket_of(b)) {
        let mut low = group[0];
        let mut high = group[0];
        for point in group {
            if point[1] < low[1] {
                low = *point;
            }
            if point[1] > high[1] {
                high = *point;
            }
        }
        let (a, b) = if low[0] <= high[0] {
            (low, high)
        } else {
            (high, low)
        };
        out.push(a);
        if low[0].total_cmp(&high[0]).is_ne() {
            out.push(b);
        }
    }
    out
}
