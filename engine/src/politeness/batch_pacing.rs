//! Pacing of a session's batches: how many entry pages one holds, and how long the session rests
//! before the next one. Errors and slow answers make batches smaller and rests longer; a batch
//! without them goes the way back. The settings are the bounds.

use std::{collections::BTreeMap, time::Duration};

#[cfg(test)]
mod tests;

/// Answers of a round that are needed to judge it.
const SAMPLE: u32 = 10;
/// A round with more errors than this, in thousandths, slows down.
const ERRORS: u32 = 100;
/// A round with fewer errors than this, in thousandths, speeds up.
const CALM_ERRORS: u32 = 20;
/// Answers that took so many thousandths of the usual time slow down.
const SLOW: u64 = 2_000;
/// Answers below this speed up.
const CALM: u64 = 1_250;
/// Batches of the full size, in thousandths.
const FULL: u32 = 1_000;
/// The first rest that trouble leads to.
const REST: Duration = Duration::from_secs(1);

/// What the settings allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchBounds {
    /// Entry pages of a batch, at most.
    pub size: u32,
    /// Entry pages that a batch shrinks to, at least.
    pub least: u32,
    /// Rest between two batches, at least.
    pub pause: Duration,
    /// Rest that trouble leads to, at most.
    pub longest: Duration,
}

/// What a round was judged by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchRound {
    /// Answers and failed attempts.
    pub answers: u32,
    /// Failed attempts that may pass, in thousandths.
    pub errors: u32,
    /// Time of the answers, in thousandths of the usual time; 0: not known.
    pub slowness: u64,
}

/// The tempo of one session.
#[derive(Debug, Clone)]
pub struct BatchPacing {
    /// Of the settings' size, in thousandths.
    share: u32,
    /// On top of the settings' pause.
    extra: Duration,
    good: u32,
    bad: u32,
    /// By stage: answers are compared with those of their own kind.
    times: BTreeMap<u16, Times>,
    last: Option<BatchRound>,
    quiet_since: Option<Duration>,
    announced: Option<Duration>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Times {
    count: u32,
    sum: Duration,
    /// The mean of the best round; it forgets slowly.
    usual: Option<Duration>,
}

impl Default for BatchPacing {
    fn default() -> Self {
        Self {
            share: FULL,
            extra: Duration::ZERO,
            good: 0,
            bad: 0,
            times: BTreeMap::new(),
            last: None,
            quiet_since: None,
            announced: None,
        }
    }
}

impl BatchPacing {
    /// A page of this stage was answered.
    pub fn on_good(&mut self, stage: u16, took: Duration) {
        self.good = self.good.saturating_add(1);
        let times = self.times.entry(stage).or_default();
        times.count += 1;
        times.sum = times.sum.saturating_add(took);
    }

    /// An attempt failed in a way that may pass, or was throttled.
    pub fn on_bad(&mut self) {
        self.bad = self.bad.saturating_add(1);
    }

    /// Entry pages of a batch now.
    #[must_use]
    pub fn size(&self, bounds: &BatchBounds) -> u32 {
        let size = u64::from(bounds.size) * u64::from(self.share) / u64::from(FULL);
        let size = u32::try_from(size).unwrap_or(bounds.size);
        size.max(bounds.least).clamp(1, bounds.size.max(1))
    }

    /// Rest between two batches now.
    #[must_use]
    pub fn pause(&self, bounds: &BatchBounds) -> Duration {
        let rest = bounds.pause.saturating_add(self.extra);
        rest.min(bounds.longest).max(bounds.pause)
    }

    /// The round that was judged last.
    #[must_use]
    pub const fn last(&self) -> Option<BatchRound> {
        self.last
    }

    /// The last batch has something queued: no rest has begun.
    pub fn busy(&mut self) {
        (self.quiet_since, self.announced) = (None, None);
    }

    /// The last batch has nothing queued and another one waits: judges the round, and says when
    /// the next batch may open. `Some(round)` where the tempo changed.
    pub fn rest(&mut self, now: Duration, bounds: &BatchBounds) -> (Duration, Option<BatchRound>) {
        let changed = if self.quiet_since.is_none() {
            self.quiet_since = Some(now);
            self.judge(bounds)
        } else {
            None
        };
        let since = self.quiet_since.unwrap_or(now);
        (since.saturating_add(self.pause(bounds)), changed)
    }

    /// When the next batch may open, where the session rests.
    #[must_use]
    pub fn rests_until(&self, bounds: &BatchBounds) -> Option<Duration> {
        Some(self.quiet_since?.saturating_add(self.pause(bounds)))
    }

    /// Whether somebody has to be woken at this time who was not told yet.
    pub fn is_news(&mut self, at: Duration) -> bool {
        self.announced.replace(at) != Some(at)
    }

    fn judge(&mut self, bounds: &BatchBounds) -> Option<BatchRound> {
        let answers = self.good.saturating_add(self.bad);
        if answers < SAMPLE {
            return None;
        }
        let round = BatchRound {
            answers,
            errors: u32::try_from(u64::from(self.bad) * 1_000 / u64::from(answers)).unwrap_or(0),
            slowness: self.slowness(),
        };
        let before = (self.size(bounds), self.pause(bounds));
        if round.errors > ERRORS || round.slowness > SLOW {
            self.share = (self.share / 2).max(1);
            self.extra = (self.extra * 2).max(REST).min(bounds.longest);
            // A share below the floor would take as long to come back as it took to fall.
            let least = bounds.least.min(bounds.size.max(1));
            let floor = u64::from(least) * u64::from(FULL) / u64::from(bounds.size.max(1));
            self.share = self.share.max(u32::try_from(floor).unwrap_or(FULL));
        } else if round.errors < CALM_ERRORS && round.slowness < CALM {
            self.share = (self.share + self.share.div_ceil(2)).min(FULL);
            self.extra /= 2;
            if self.extra < REST / 2 {
                self.extra = Duration::ZERO;
            }
        }
        self.begin_round();
        self.last = Some(round);
        ((self.size(bounds), self.pause(bounds)) != before).then_some(round)
    }

    /// The round's answers beside the usual ones of their stages, in thousandths; 0: not known.
    fn slowness(&self) -> u64 {
        let (mut took, mut usual) = (0, 0);
        for times in self.times.values() {
            if let Some(mean) = times.usual {
                took += times.sum.as_micros();
                usual += mean.as_micros() * u128::from(times.count);
            }
        }
        (took * 1_000)
            .checked_div(usual)
            .map_or(0, |ratio| u64::try_from(ratio).unwrap_or(u64::MAX))
    }

    fn begin_round(&mut self) {
        (self.good, self.bad) = (0, 0);
        for times in self.times.values_mut() {
            if let Some(mean) = times.sum.checked_div(times.count) {
                let usual = times
                    .usual
                    .map_or(mean, |usual| mean.min(usual + usual / 16));
                times.usual = Some(usual);
            }
            (times.count, times.sum) = (0, Duration::ZERO);
        }
    }
}
