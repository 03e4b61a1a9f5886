//! Forecast: when a session, and each of its stages, has no open page, from counts and recent
//! completions.
//!
//! Pages left `L`: see `growth`. Pages a second `m`: the mean of the last minute, whose seconds
//! weigh half as much every ten seconds back, drawn towards the mean of the whole run by the
//! weight of three pages. Time left by flow is `L ÷ m`, and by host `parked + L_h ÷ m_h`, as hosts
//! work side by side: the slowest of them is the last to end. Relative variance: that of `L`, plus
//! `d ÷ (m·t)` for the flow to come over `t = L ÷ m`, plus `d ÷ n` for the mean of `n` weighted
//! pages, plus `DRIFT²`, where `d` (at least 1, a Poisson flow) is how much more uneven the flow is
//! than chance. Time left is taken as log-normal, so an interval is `T · exp(±z·σ)`.
//! What it does not know: breakers that will open, and hosts that will slow down.

mod growth;
pub mod host;
mod interval;

use crate::{feed::snapshot::Prediction, model::numbers::number};
use growth::{Growth, grow};
use interval::{Left, Z80, Z95};

#[cfg(test)]
mod tests;

/// Fewer pages are no evidence.
pub const MIN_PAGES: u64 = 5;
/// After so many seconds a second weighs half.
const HALF_LIFE_S: f64 = 10.0;
/// The whole run's mean weighs as much as so many recent pages.
const PRIOR_PAGES: f64 = 3.0;
/// How far rates drift from what they are, as a share.
const DRIFT: f64 = 0.3;

/// A stage, as counted.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StageLoad {
    /// Pages known and not final.
    pub open: u64,
    /// Pages read to their end in this run: those that brought `children`.
    pub read: u64,
    /// New pages that they brought: which stage, how many.
    pub children: Vec<(usize, u64)>,
    /// By the site file its pages may lead to others.
    pub leads: bool,
    /// Its first page names all the others (a page count, a sitemap's index): none follow later.
    pub is_counted: bool,
    /// Pages that ended in each of the last seconds, oldest first.
    pub recent: Vec<u32>,
}

/// A host, as counted.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct HostLoad {
    /// Pages known and not final.
    pub open: u64,
    /// Pages that end a second.
    pub rate: f64,
    /// How many pages that is known from.
    pub seen: u64,
    /// Nothing is asked of it for so many seconds.
    pub parked_s: f64,
}

/// All that a forecast is made from.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ForecastInput {
    /// In the order of their numbers.
    pub stages: Vec<StageLoad>,
    /// All that had pages.
    pub hosts: Vec<HostLoad>,
    /// Pages that ended in each of the last seconds, oldest first.
    pub recent: Vec<u32>,
    /// Pages that ended in this run.
    pub ended: u64,
    /// Seconds that it took.
    pub elapsed_s: f64,
    /// What a page takes from its sending to its end, in seconds: the last one is not faster.
    pub page_s: f64,
}

/// When a session and its stages end.
#[derive(Debug, Clone, PartialEq)]
pub struct Forecast {
    pub session: Prediction,
    /// Each stage that has pages left or to come: seconds, median and 80 % interval.
    pub stages: Vec<Option<(f64, [f64; 2])>>,
}

/// When no stage has an open page; `None` where there is no evidence: fewer than five pages, an
/// open page of a stage of which none was read yet and that may lead anywhere, or stages that lead
/// to each other in a ring that grows.
#[must_use]
pub fn predict(evidence: &ForecastInput) -> Option<Forecast> {
    if evidence.stages.iter().all(|stage| stage.open == 0) && evidence.ended > 0 {
        return Some(Forecast {
            session: Prediction::default(),
            stages: vec![None; evidence.stages.len()],
        });
    }
    if evidence.ended < MIN_PAGES || evidence.elapsed_s <= 0.0 {
        return None;
    }
    let growth = grow(&evidence.stages)?;
    let mean = number(evidence.ended) / evidence.elapsed_s;
    let flow = Flow::of(&evidence.recent, mean);
    let total = growth.total();
    let spread = growth.spread();
    let mut left = flow.time(total, spread);
    for host in slowest(&evidence.hosts, &growth, &evidence.stages) {
        left = left.later(host.widened(spread));
    }
    let left = left.at_least(evidence.page_s);
    let stages = evidence
        .stages
        .iter()
        .zip(&growth.left)
        .map(|(stage, pages)| {
            (*pages > 0.0).then(|| {
                let flow = Flow::of(&stage.recent, mean);
                // Without a page of its own lately it ends when all do.
                let own = if stage.recent.iter().any(|pages| *pages > 0) {
                    flow.time(*pages, spread).sooner(left)
                } else {
                    left
                };
                (own.median, own.interval(Z80))
            })
        })
        .collect();
    Some(Forecast {
        session: Prediction {
            eta_median: left.median,
            eta80: left.interval(Z80),
            eta95: left.interval(Z95),
            coverage80: None,
            coverage95: None,
        },
        stages,
    })
}

/// Pages a second, and how sure that is.
struct Flow {
    rate: f64,
    /// Weighted pages behind it.
    pages: f64,
    /// Variance of the counts over their mean: 1 where pages end independently.
    unevenness: f64,
}

impl Flow {
    fn of(recent: &[u32], mean: f64) -> Self {
        let keeps = libm::exp2(-1.0 / HALF_LIFE_S);
        let (mut weight, mut seconds, mut pages, mut squares) = (1.0, 0.0, 0.0, 0.0);
        for count in recent.iter().rev() {
            let count = f64::from(*count);
            seconds += weight;
            pages += weight * count;
            squares += weight * count * count;
            weight *= keeps;
        }
        let rate = (pages + PRIOR_PAGES) / (seconds + PRIOR_PAGES / mean);
        let unevenness = if pages > 0.0 {
            (squares / pages - pages / seconds).max(1.0)
        } else {
            1.0
        };
        Self {
            rate,
            pages: pages + PRIOR_PAGES,
            unevenness,
        }
    }

    /// Time for so many pages, which are themselves known up to `spread`.
    fn time(&self, left: f64, spread: f64) -> Left {
        let share = self.unevenness * (1.0 / left.max(1.0) + 1.0 / self.pages);
        let sigma = libm::sqrt(libm::log1p(share) + spread * spread + DRIFT * DRIFT);
        Left::of(left / self.rate, sigma)
    }
}

/// When each host ends, where several have pages left. Pages to come stand where known ones do.
fn slowest(hosts: &[HostLoad], growth: &Growth, stages: &[StageLoad]) -> Vec<Left> {
    let open: u64 = stages.iter().map(|stage| stage.open).sum();
    let factor = growth.total() / number(open).max(1.0);
    let busy = || hosts.iter().filter(|host| host.open > 0);
    // Of a single host the flow tells as much; of the last of several it tells the others' speed.
    if hosts.len() < 2 && busy().all(|host| host.parked_s <= 0.0) {
        return Vec::new();
    }
    busy()
        .filter(|host| host.rate > 0.0 && host.seen > 0)
        .map(|host| {
            let pages = number(host.open) * factor;
            let share = 1.0 / pages.max(1.0) + 1.0 / number(host.seen);
            let sigma = libm::sqrt(libm::log1p(share) + DRIFT * DRIFT);
            Left::of(host.parked_s + pages / host.rate, sigma)
        })
        .collect()
}
