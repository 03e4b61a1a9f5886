//! Pages to come: what open pages will bring, stage by stage.
//!
//! A page of a stage brings as many pages of every other stage as the pages that were read
//! brought on average, and those bring theirs. Pages of its own stage it brings in chains (`next`
//! links, lists in lists): of `C` chains that were begun, with `F` pages read, `o` go on; each is
//! expected to go on for as long as a chain was on average so far, `F ÷ C`, so that `o·F ÷ C` pages
//! come. For one chain of which no end was seen that is as long again as it was, which holds at a
//! moment taken at random, and its odds are known: half to twice as long or more by 1 : 1, nine
//! times as long by 1 : 9.

use super::StageLoad;
use crate::model::numbers::number;

/// Standard deviation of the logarithm of a chain's rest where none has ended: the odds 1 : 9 lie
/// 1.28 of it from the median.
const CHAIN_SPREAD: f64 = 1.714;
/// Rounds of "and those bring theirs".
const ROUNDS: usize = 64;

/// Pages left, those to come included.
pub(super) struct Growth {
    /// In the order of the stages.
    pub(super) left: Vec<f64>,
    /// The same where chains go on for one standard deviation longer.
    longer: f64,
    /// What the numbers of children add to the variance of the sum.
    variance: f64,
}

impl Growth {
    pub(super) fn total(&self) -> f64 {
        self.left.iter().sum()
    }

    /// Standard deviation of the logarithm of the sum.
    pub(super) fn spread(&self) -> f64 {
        let total = self.total().max(1.0);
        let chains = libm::log(self.longer.max(total) / total);
        libm::sqrt(libm::log1p(self.variance / (total * total)) + chains * chains)
    }
}

/// `None` where an open page may bring anything, or the pages never end.
pub(super) fn grow(stages: &[StageLoad]) -> Option<Growth> {
    let is_unknown = |stage: &StageLoad| stage.open > 0 && stage.read == 0 && stage.leads;
    if stages.iter().any(is_unknown) {
        return None;
    }
    let (left, variance) = spread_out(stages, 0.0)?;
    let (longer, _) = spread_out(stages, 1.0)?;
    Some(Growth {
        longer: longer.iter().sum(),
        left,
        variance,
    })
}

/// Pages left where each chain goes on for `z` standard deviations longer than expected.
fn spread_out(stages: &[StageLoad], z: f64) -> Option<(Vec<f64>, f64)> {
    let mut wave: Vec<f64> = stages
        .iter()
        .enumerate()
        .map(|(at, stage)| number(stage.open) + chained(at, stage, z))
        .collect();
    let mut left = wave.clone();
    let mut variance = 0.0;
    for _ in 0..ROUNDS {
        let mut next = vec![0.0; stages.len()];
        for ((at, stage), pages) in stages.iter().enumerate().zip(&wave) {
            for (to, brought) in &stage.children {
                if *to == at || *to >= stages.len() || stage.read == 0 {
                    continue;
                }
                let each = number(*brought) / number(stage.read) * own_pages(*to, &stages[*to]);
                next[*to] += pages * each;
                variance += pages * each + pages * pages * each / number(stage.read);
            }
        }
        if next.iter().sum::<f64>() < 0.5 {
            return Some((left, variance));
        }
        for (total, more) in left.iter_mut().zip(&next) {
            *total += more;
        }
        wave = next;
    }
    None
}

/// Pages that were brought by pages of the same stage.
fn own_children(at: usize, stage: &StageLoad) -> u64 {
    stage
        .children
        .iter()
        .filter(|(to, _)| *to == at)
        .map(|(_, brought)| brought)
        .sum()
}

/// Pages of its own stage that open pages will bring.
fn chained(at: usize, stage: &StageLoad, z: f64) -> f64 {
    let own = own_children(at, stage);
    if own == 0 || stage.open == 0 || stage.is_counted {
        return 0.0;
    }
    let seen = stage.open + stage.read;
    let chains = seen.saturating_sub(own).max(1);
    let ended = chains.saturating_sub(stage.open);
    let rest = number(stage.open) * number(stage.read) / number(chains);
    let spread = CHAIN_SPREAD / libm::sqrt(1.0 + number(ended));
    // A page that brings several of its kind is a tree: at most as much again as was seen.
    rest.min(number(seen)) * libm::exp(z * spread)
}

/// How many pages of its stage come with one that another stage leads to: itself, and its chain.
fn own_pages(at: usize, stage: &StageLoad) -> f64 {
    let own = own_children(at, stage);
    let begun = (stage.open + stage.read).saturating_sub(own).max(1);
    1.0 + number(own) / number(begun)
}
