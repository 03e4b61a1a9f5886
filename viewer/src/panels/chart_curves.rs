//! The curves of the charts: of the run, or of what is pinned of it.

use crawlfield_engine::model::{class::ErrorClass, ids::HostId};

use crate::{
    feed::Feed,
    history::{host_trend::HostPoint, series::Series},
    pin::Pin,
    theme::StateColours,
};

/// One curve with its name and colour.
#[derive(Debug, Clone)]
pub(super) struct Curve {
    pub(super) name: String,
    pub(super) hex: u32,
    pub(super) points: Vec<[f64; 2]>,
}

impl Curve {
    pub(super) fn new(name: impl Into<String>, hex: u32, points: Vec<[f64; 2]>) -> Self {
        Self {
            name: name.into(),
            hex,
            points,
        }
    }

    /// The last value, or the one at a time: the latest point that is not after it.
    pub(super) fn value(&self, cursor: Option<f64>) -> Option<f64> {
        let count = cursor.map_or(self.points.len(), |at| {
            self.points.partition_point(|point| point[0] <= at)
        });
        Some(self.points.get(count.checked_sub(1)?)?[1])
    }
}

/// What the charts are about: the run, or what is pinned of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Focus {
    Run,
    Host(HostId),
    Class(ErrorClass),
}

impl Focus {
    /// What is pinned, where charts can be about it.
    pub(super) fn of(feed: &Feed, pin: Option<&Pin>) -> Self {
        match pin {
            Some(Pin::Class(class)) => Self::Class(*class),
            Some(Pin::Host(name)) => {
                let mut hosts = feed.mirror.tables().hosts().iter();
                let host = hosts.find(|row| *row.name == **name);
                host.map_or(Self::Run, |row| Self::Host(row.id))
            }
            _ => Self::Run,
        }
    }
}

/// A chart's title and its curves.
pub(super) type Titled = (&'static str, Vec<Curve>);

/// How fast it goes and how long answers take: of the run, or of one host.
pub(super) fn speed(
    states: &StateColours,
    series: &Series,
    from: f64,
    focus: Focus,
) -> (Titled, Titled) {
    let Focus::Host(HostId(host)) = focus else {
        return (
            ("Pages a second", throughput(states, series, from)),
            ("Fetch time", latency(states, series, from)),
        );
    };
    let curve = |value: fn(&HostPoint) -> Option<f64>| series.hosts.curve(host, from, value);
    let rate = curve(|point| Some(point.rate));
    let median = curve(|point| point.p50_ms);
    (
        (
            "Its requests a second",
            vec![Curve::new("sent", states.running, rate)],
        ),
        (
            "Its answers",
            vec![Curve::new("median", states.running, median)],
        ),
    )
}

fn throughput(states: &StateColours, series: &Series, from: f64) -> Vec<Curve> {
    let found = series.slope(from, |point| point.discovered);
    let done = series.slope(from, |point| point.done);
    vec![
        Curve::new("found", states.queued, found),
        Curve::new("done", states.done, done),
    ]
}

fn latency(states: &StateColours, series: &Series, from: f64) -> Vec<Curve> {
    let slow = series.curve(from, |point| point.p95_ms);
    let median = series.curve(from, |point| point.p50_ms);
    vec![
        Curve::new("95 %", states.retry, slow),
        Curve::new("median", states.running, median),
    ]
}

pub(super) fn machine(states: &StateColours, series: &Series, from: f64) -> Vec<Curve> {
    let cores = series.curve(from, |point| point.cpu);
    vec![Curve::new("cores", states.running, cores)]
}
