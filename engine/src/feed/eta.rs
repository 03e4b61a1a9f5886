//! A first simple forecast: when the session ends, from counts and recent completions alone.
//!
//! Pages left `L = Σ open + Σ children`: each open page of a stage brings as many pages of every
//! other stage as its finished ones did on average, and those bring theirs. Pages an interval:
//! mean `m` and variance `s²` (at least `m`, a Poisson flow) over the recent intervals. Time left
//! `T = L ÷ m`. Relative variance of T: `s² ÷ (m·L)` for the flow to come, `s² ÷ (n·m²)` for the
//! mean of `n` intervals, and `Σ (c·N + N²·c ÷ d) ÷ L²` for the children of `N` pages when `d`
//! pages had `c` each. T is taken as log-normal, so the interval is `T · exp(±z·σ)`.
//! What it does not know: slow hosts at the end, breakers, retries to come, and that rates drift.

use crate::feed::snapshot::Prediction;

#[cfg(test)]
mod tests;

/// Fewer completions are no evidence.
pub const MIN_COMPLETIONS: u64 = 20;
/// Two-sided 80 % and 95 % quantiles of the normal distribution.
const Z80: f64 = 1.281_551_565_544_6;
const Z95: f64 = 1.959_963_984_540_1;
/// A page that brings on average this many pages of its own kind has no end in sight.
const ENDLESS: f64 = 0.95;

/// A stage, as counted.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StageLoad {
    /// Pages known and not final.
    pub open: u64,
    /// Pages final.
    pub finished: u64,
    /// New pages that its finished pages brought: which stage, how many.
    pub children: Vec<(usize, u64)>,
}

/// When all stages have no open page; `None` where there is no evidence: fewer than 20
/// completions, none recently, or pages that lead to ever more pages.
///
/// `recent` counts completions over all stages in consecutive intervals of `interval_s` seconds.
#[must_use]
pub fn predict(stages: &[StageLoad], recent: &[u32], interval_s: f64) -> Option<Prediction> {
    let finished: u64 = stages.iter().map(|stage| stage.finished).sum();
    let completions: u64 = recent.iter().map(|n| u64::from(*n)).sum();
    if finished.min(completions) < MIN_COMPLETIONS {
        return None;
    }
    let (left, children_variance) = pages_left(stages)?;
    if left <= 0.0 {
        return Some(Prediction::default());
    }
    let n = real(recent.len() as u64);
    let mean = real(completions) / n;
    let spread = recent.iter().map(|x| (f64::from(*x) - mean).powi(2));
    let variance = (spread.sum::<f64>() / (n - 1.0).max(1.0)).max(mean);
    let relative =
        variance / (mean * left) + variance / (n * mean * mean) + children_variance / (left * left);
    let sigma = libm::sqrt(libm::log1p(relative));
    let median = left / mean * interval_s;
    let around = |z: f64| {
        let factor = libm::exp(z * sigma);
        [median / factor, median * factor]
    };
    Some(Prediction {
        eta_median: median,
        eta80: around(Z80),
        eta95: around(Z95),
        coverage80: None,
        coverage95: None,
    })
}

/// Expected pages left, children included, and the variance that the children bring.
fn pages_left(stages: &[StageLoad]) -> Option<(f64, f64)> {
    let mut left: Vec<f64> = stages.iter().map(|stage| real(stage.open)).collect();
    let mut wave = left.clone();
    let mut variance = 0.0;
    // Each wave holds the children of the one before; a chain without end does not die out.
    for _ in 0..256 {
        let mut next = vec![0.0; stages.len()];
        for (stage, pages) in stages.iter().zip(&wave) {
            if *pages <= 0.0 {
                continue;
            }
            for (to, brought) in &stage.children {
                if stage.finished == 0 || *to >= stages.len() || *brought == 0 {
                    continue;
                }
                let each = real(*brought) / real(stage.finished);
                if std::ptr::eq(stage, &raw const stages[*to]) && each > ENDLESS {
                    return None;
                }
                next[*to] += pages * each;
                variance += pages * each + pages * pages * each / real(stage.finished);
            }
            // An open page of a stage that nothing is known of may bring anything.
            if stage.finished == 0 && stages.len() > 1 && is_source(stages, stage) {
                return None;
            }
        }
        if next.iter().sum::<f64>() < 0.5 {
            return Some((left.iter().sum(), variance));
        }
        for (total, more) in left.iter_mut().zip(&next) {
            *total += more;
        }
        wave = next;
    }
    None
}

/// Whether no other stage's pages lead here: an entry, of which everything else comes.
fn is_source(stages: &[StageLoad], stage: &StageLoad) -> bool {
    let at = stages.iter().position(|other| std::ptr::eq(other, stage));
    let into = |other: &StageLoad| other.children.iter().any(|(to, _)| Some(*to) == at);
    !stages.iter().any(into)
}

#[expect(clippy::cast_precision_loss, reason = "counts of pages are below 2^53")]
fn real(count: u64) -> f64 {
    count as f64
}
