//! The whole picture in aggregates (SPEC H1, `system-state-update`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One snapshot; times are seconds of engine time.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    /// The number of the last change before it; 0 where there was none.
    pub seq: u64,
    /// Seconds since the engine started.
    pub at: f64,
    /// Of which session; there is one a session.
    pub session: SessionInfo,
    /// How far it is.
    pub progress: Progress,
    /// When it will end, where there is evidence.
    pub prediction: Option<Prediction>,
    /// Throughput over the last ten seconds.
    pub rates: Rates,
    /// Statistics by work type.
    pub pools: Vec<Pool>,
    /// Hosts of the session, the last to end first, at most 64.
    pub hosts: Vec<HostInfo>,
    /// Waiting tasks by reason.
    pub waiting: BTreeMap<String, u64>,
    /// Size of batches and the rest between them.
    #[serde(default)]
    pub batches: BatchInfo,
    /// What the process uses; absent where not measured.
    pub resources: Resources,
    /// Failed attempts by class.
    pub errors: BTreeMap<String, u64>,
    /// What limits the speed.
    pub bottleneck: Option<Bottleneck>,
    /// Changes that this subscriber lost so far.
    pub lost: u64,
}

impl Snapshot {
    /// Engine time in µs.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float's cast saturates, and no time is negative"
    )]
    pub fn at_us(&self) -> u64 {
        (self.at * 1e6).round() as u64
    }
}

/// Which session a snapshot is of.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionInfo {
    /// The store's number of the session.
    pub id: u32,
    /// The site's name, from its site file.
    pub site: String,
    /// A `SessionPhase` by its name.
    pub state: String,
    /// What is fetched: new, full.
    pub mode: String,
    /// economy, balanced, performance, custom.
    pub profile: String,
    /// What marks it as not real.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// How far a session is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// Pages known; equals the sum over `by_state`.
    pub discovered: u64,
    /// Pages saved for good.
    pub done: u64,
    /// Pages that wait for a verdict.
    pub failed: u64,
    /// Pages not fetched or not kept, with a reason.
    pub skipped: u64,
    /// Pages that are dead letters.
    pub dead: u64,
    /// Records saved by this session.
    pub records: u64,
    /// Those of them that the store did not have.
    #[serde(default)]
    pub records_new: u64,
    /// Those of them whose values were others before.
    #[serde(default)]
    pub records_changed: u64,
    /// Bytes received by this session.
    pub bytes: u64,
    /// Pages by state, those outside the window included.
    pub by_state: BTreeMap<String, u64>,
    /// In the order of the site file.
    pub stages: Vec<StageInfo>,
}

/// How far a stage is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StageInfo {
    /// As the site file names it.
    pub name: String,
    /// A `StagePhase` by its name.
    pub state: String,
    /// Pages known in any state.
    pub discovered: u64,
    /// Pages saved for good.
    pub done: u64,
    /// Pages that wait for the stage's verdict.
    pub failed: u64,
    /// Pages that are dead letters.
    pub dead: u64,
    /// Pages not fetched or not kept, with a reason.
    pub skipped: u64,
    /// Pages from `fetching` to `saving`.
    pub in_flight: u64,
    /// Seconds left: the median, where there is evidence.
    pub eta: Option<f64>,
    /// Its 80 % interval: seconds from, to.
    #[serde(default)]
    pub eta80: Option<[f64; 2]>,
}

/// When it will end, in seconds from `at`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Prediction {
    /// The median of the time left.
    pub eta_median: f64,
    /// Where it lies in 80 % of such forecasts: from, to.
    pub eta80: [f64; 2],
    /// Where it lies in 95 % of such forecasts: from, to.
    pub eta95: [f64; 2],
    /// Measured coverage of the 80 % interval; absent until measured.
    pub coverage80: Option<f64>,
    /// Measured coverage of the 95 % interval; absent until measured.
    pub coverage95: Option<f64>,
}

/// How fast a session is, over the last ten seconds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rates {
    /// Pages done a minute.
    pub pages_per_minute: f64,
    /// Records saved a minute.
    pub records_per_minute: f64,
    /// Bytes received a second.
    pub bytes_per_second: f64,
}

/// Statistics of one step in one stage, since the session began.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pool {
    /// `fetch:list`, `parse:list`, `save`, …
    pub work_type: String,
    /// Orders that are out now.
    pub active: u32,
    /// Orders that may be out at once.
    pub max: u32,
    /// `active` ÷ `max`, from 0 to 1.
    pub utilisation: f64,
    /// Waiting for a permit.
    pub queue_depth: u64,
    /// Bound of that queue; 0 where the store holds it.
    pub queue_capacity: u64,
    /// Steps that ended well so far.
    pub count: u64,
    /// Steps a minute, over the last minute.
    pub per_minute: f64,
    /// Mean duration of those that ended well.
    pub mean_ms: f64,
    /// Median of that duration, within 1 %.
    pub p50_ms: f64,
    /// Its 95th percentile, within 1 %.
    pub p95_ms: f64,
    /// Its 99th percentile, within 1 %.
    pub p99_ms: f64,
}

/// One host as the session uses it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HostInfo {
    /// The store's number of it.
    pub id: u32,
    /// Its name and port, as shown.
    pub host: String,
    /// Requests a second over the last ten seconds.
    pub rate: f64,
    /// Requests that may be in flight now.
    pub limit: u32,
    /// Seconds between two requests now.
    pub pace: f64,
    /// Share of requests that the host refuses at any speed, where it does: its Retry-After then
    /// holds for the page alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refuses: Option<f64>,
    /// Median time of its pages over the last minute, from sending to the body's end; absent where
    /// fewer than five came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p50_ms: Option<f64>,
    /// The 95th percentile of that time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p95_ms: Option<f64>,
    /// Share of its requests of the last minute that failed, from 0 to 1: errors, refusals,
    /// time-outs (a 404 is an answer); absent where fewer than five ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub errors: Option<f64>,
    /// Seconds until the pages that are known of it have ended, at its present rate; absent where it
    /// has none, before five requests to it, and while nothing is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eta: Option<f64>,
    /// Its speed is still being found: its time left is not to be trusted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_learning: bool,
    /// Why the limit and pace are what they are.
    pub why: String,
    /// A `BreakerPhase` by its name.
    pub breaker: String,
    /// Seconds until the breaker lets a probe through, or a Retry-After ends.
    pub parked_for: Option<f64>,
    /// Tasks waiting, those in the store included.
    pub waiting: u64,
    /// Tasks waiting in the store only.
    pub outside: u64,
    /// Requests that are in flight now.
    pub in_flight: u32,
    /// Tasks that are done or skipped, and have left the window.
    pub finished: u64,
    /// Tasks that a person dropped, and have left the window.
    #[serde(default)]
    pub cancelled: u64,
    /// Dead letters that have left the window.
    #[serde(default)]
    pub dead: u64,
    /// Tasks that have failed and left the window: their stage may try them again.
    #[serde(default)]
    pub failed: u64,
}

/// Size of batches and the rest between them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchInfo {
    /// Opened so far in this run.
    pub opened: u32,
    /// Entry pages of a batch, at most.
    pub size: u32,
    /// Seconds between two batches.
    pub pause: f64,
    /// Seconds until the next one opens, while the session rests.
    pub opens_in: Option<f64>,
    /// Failed attempts of the round that was judged last, as a share.
    pub errors: Option<f64>,
    /// Time of its answers, as a multiple of the usual time.
    pub slowness: Option<f64>,
}

/// What the process uses.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Resources {
    /// Bytes of resident memory.
    pub rss_bytes: Option<u64>,
    /// CPU of the process in cores.
    pub cpu: Option<f64>,
    /// Received and sent by the machine's interfaces, or by us where not measured.
    pub net_bytes_per_second: Option<f64>,
    /// Size of the store's files.
    pub disk_bytes: Option<u64>,
    /// Seconds since the engine started.
    pub uptime_seconds: f64,
    /// Tasks resident in the window.
    pub window: u64,
}

/// What limits the speed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bottleneck {
    /// site's rate, http permits, cpu, memory, store, breaker, network, retry budget; else what most
    /// pages wait for.
    pub name: String,
    /// The figures that say so, as a sentence.
    pub evidence: String,
    /// The host that sets the end, where one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<u32>,
}
