//! How many requests are in flight.
//!
//! We are guests: the aim is no queue at the host. The limit doubles, later grows by one or an
//! eighth a second, while it is reached and answers take about as long as at an idle host. Answers
//! that take longer take a tenth off; a refusal, or hangs and 503s of more than a quarter, take
//! three tenths off (the last step, where that was to blame) and let it rest. What was refused is
//! not tried again for half a minute.

use std::{collections::VecDeque, time::Duration};

use crate::model::numbers::micros;

/// Growth rests so long after a refusal.
const FREEZE: Duration = Duration::from_secs(5);
/// A limit that the host refused is not tried again for so long.
const PENALTY: Duration = Duration::from_secs(30);
/// A window in the steady state lasts at least this.
const WINDOW: Duration = Duration::from_secs(1);
/// A window in slow start lasts at least this.
const SHORT_WINDOW: Duration = Duration::from_millis(10);
/// Rises of the median below this are noise, on any host.
const NOISE_US: u64 = 20_000;

/// Why the limit is what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    SlowStart,
    Growing,
    Refused,
    Strained,
    Latency { median: u64, base: u64 },
}

#[derive(Debug, Clone, Copy)]
struct Cap {
    limit: u32,
    until: Duration,
}

/// The in-flight limit of one host.
#[derive(Debug, Clone)]
pub(super) struct ConcurrencyLimit {
    now: u32,
    /// Slow start doubles the limit up to this.
    slow_until: u32,
    cap: Option<Cap>,
    frozen_until: Duration,
    /// When it last grew, in the steady state.
    grew_at: Option<Duration>,
    base: IdleLatency,
    window: LatencyWindow,
    window_began: Duration,
    /// In this window the limit held a request back.
    is_pressed: bool,
    /// Hangs and 503s of this window.
    strained: usize,
    cause: Cause,
}

impl ConcurrencyLimit {
    /// At a host met for the first time all are 0.
    pub(super) fn new(limit: u32, base_us: u64, refused_above: u32, now: Duration) -> Self {
        let cap = (refused_above > 0).then(|| Cap {
            limit: refused_above,
            until: now.saturating_add(PENALTY),
        });
        Self {
            now: (limit / 2).max(1),
            slow_until: if limit > 0 { limit } else { u32::MAX },
            cap,
            frozen_until: Duration::ZERO,
            grew_at: None,
            base: IdleLatency::restored(base_us, now),
            window: LatencyWindow::default(),
            window_began: now,
            is_pressed: false,
            strained: 0,
            cause: Cause::SlowStart,
        }
    }

    pub(super) const fn value(&self) -> u32 {
        self.now
    }

    /// Time to the first byte of the idle host in µs; 0: not known.
    pub(super) fn base_us(&self) -> u64 {
        self.base.value()
    }

    /// What the host refused to exceed lately; 0: nothing.
    pub(super) fn refused_above(&self, now: Duration) -> u32 {
        let cap = self.cap.filter(|cap| now < cap.until);
        cap.map_or(0, |cap| cap.limit)
    }

    pub(super) fn press(&mut self) {
        self.is_pressed = true;
    }

    pub(super) fn on_good(&mut self, first_byte: Duration) {
        self.window.push(micros(first_byte));
    }

    pub(super) fn on_strained(&mut self) {
        self.strained += 1;
    }

    /// Whether it has just become larger by a step: what is refused then is refused for that.
    pub(super) fn is_probing(&self, now: Duration) -> bool {
        let (limit, since) = (WINDOW * 2, self.grew_at);
        since.is_some_and(|since| now.saturating_sub(since) < limit)
    }

    /// A rate-limit event: `most` is the ceiling.
    pub(super) fn cut(&mut self, now: Duration, most: u32) {
        let limit = self.now.min(most);
        if limit > 1 {
            self.cap = Some(Cap {
                limit: limit - 1,
                until: now.saturating_add(PENALTY),
            });
        }
        // A step too far is taken back; else the host bears less than it did.
        self.now = if self.is_probing(now) {
            part(limit, 8, 9).min(limit - 1).max(1)
        } else if self.in_slow_start() {
            part(limit, 1, 2)
        } else {
            part(limit, 7, 10)
        };
        self.grew_at = None;
        self.slow_until = 0;
        self.frozen_until = now.saturating_add(FREEZE);
        self.cause = Cause::Refused;
        self.begin_window(now);
    }

    /// The host's refusals do not follow our speed: finds out anew what it bears.
    pub(super) fn set_free(&mut self, now: Duration) {
        self.cap = None;
        self.slow_until = u32::MAX;
        self.frozen_until = now;
        self.cause = Cause::SlowStart;
        self.begin_window(now);
    }

    /// Judges the window where it is over.
    pub(super) fn look(&mut self, now: Duration, most: u32) {
        if !self.is_window_over(now) {
            return;
        }
        let (good, strained) = (self.window.count(), self.strained);
        let limit = self.now.min(most);
        if let Some(served) = self.take_slower(now, limit) {
            self.now = served;
            self.slow_until = 0;
        } else if strained >= 2 && strained * 4 > good + strained {
            self.now = part(limit, 7, 10);
            self.slow_until = 0;
            self.frozen_until = now.saturating_add(FREEZE);
            self.cause = Cause::Strained;
        } else if self.is_pressed && now >= self.frozen_until {
            self.grow(now, most);
        }
        self.begin_window(now);
    }

    /// The limit to go down to, where answers took longer than at the idle host.
    fn take_slower(&mut self, now: Duration, limit: u32) -> Option<u32> {
        if self.window.count() == 0 {
            return None;
        }
        let median = self.window.take_median();
        self.base.push(now, median);
        let base = self.base.value();
        let bearable = if self.in_slow_start() {
            base.saturating_mul(3) / 2
        } else {
            base.saturating_mul(5) / 4
        };
        if median <= bearable || median.saturating_sub(base) <= NOISE_US {
            return None;
        }
        self.cause = Cause::Latency { median, base };
        if !self.in_slow_start() {
            return Some(part(limit, 9, 10));
        }
        // What slow start overshot queues: base ÷ median of it is in service.
        let served = u64::from(limit).saturating_mul(base) / median.max(1);
        Some(u32::try_from(served).unwrap_or(limit).max(limit / 2).max(1))
    }

    fn grow(&mut self, now: Duration, most: u32) {
        let cap = self.cap.filter(|cap| now < cap.until);
        let most = cap.map_or(most, |cap| cap.limit.min(most));
        let next = if self.in_slow_start() {
            self.now.saturating_mul(2).min(self.slow_until)
        } else {
            self.cause = Cause::Growing;
            self.grew_at = Some(now);
            self.now.saturating_add((self.now / 8).max(1))
        };
        self.now = next.min(most).max(self.now.min(most));
        if cap.is_some_and(|cap| self.now >= cap.limit) {
            self.cause = Cause::Refused;
        }
    }

    const fn in_slow_start(&self) -> bool {
        self.now < self.slow_until
    }

    fn is_window_over(&self, now: Duration) -> bool {
        let lasted = now.saturating_sub(self.window_began);
        let count = self.window.count() + self.strained;
        let limit = self.now as usize;
        if self.in_slow_start() && count >= (2 * limit).max(8) {
            return lasted >= SHORT_WINDOW;
        }
        let enough = if self.in_slow_start() { 4 } else { 8 };
        lasted >= WINDOW && count >= limit.max(enough)
    }

    fn begin_window(&mut self, now: Duration) {
        self.window.take_median();
        self.strained = 0;
        self.is_pressed = false;
        self.window_began = now;
    }

    /// Whether it has not met a bound of the host yet.
    pub(super) fn is_learning(&self) -> bool {
        matches!(self.cause, Cause::SlowStart)
    }

    pub(super) fn why(&self, now: Duration) -> String {
        match self.cause {
            Cause::SlowStart => "finding out what the host bears".to_owned(),
            Cause::Growing => "growing while the host stays quick".to_owned(),
            Cause::Refused => match self.cap.filter(|cap| now < cap.until) {
                Some(cap) => {
                    let left = cap.until.saturating_sub(now).as_secs();
                    format!(
                        "the host refused more than {} in flight (429); tried again in {left} s",
                        cap.limit
                    )
                }
                None => "recovering from a rate limit (429)".to_owned(),
            },
            Cause::Strained => "cut because of time-outs or 503".to_owned(),
            Cause::Latency { median, base } => {
                format!(
                    "cut because answers took {} ms instead of {} ms",
                    median / 1_000,
                    base / 1_000
                )
            }
        }
    }
}

/// ⌊limit × part ÷ whole⌋, at least 1.
fn part(limit: u32, part: u32, whole: u32) -> u32 {
    (limit.saturating_mul(part) / whole).max(1)
}

/// Window medians older than this no longer tell the idle latency.
const MEMORY: Duration = Duration::from_mins(10);
/// Medians kept: one a second for as long as they count.
const MEDIANS: usize = 600;
/// Latencies kept of one window; later ones replace the oldest.
const SAMPLES: usize = 512;

/// Latencies of the present window, in µs.
#[derive(Debug, Clone, Default)]
pub(super) struct LatencyWindow {
    samples: Vec<u64>,
    count: usize,
}

impl LatencyWindow {
    pub(super) fn push(&mut self, latency: u64) {
        if self.samples.len() < SAMPLES {
            self.samples.push(latency);
        } else {
            self.samples[self.count % SAMPLES] = latency;
        }
        self.count += 1;
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// The median, and an empty window again.
    pub(super) fn take_median(&mut self) -> u64 {
        let median = quantile(&mut self.samples, 1, 2);
        self.samples.clear();
        self.count = 0;
        median
    }
}

/// Idle latency: the 10th percentile of the window medians of the last ten minutes.
#[derive(Debug, Clone, Default)]
pub(super) struct IdleLatency {
    medians: VecDeque<(Duration, u64)>,
    value: u64,
}

impl IdleLatency {
    /// As an earlier run learned it, until windows of this run say otherwise.
    pub(super) fn restored(value: u64, now: Duration) -> Self {
        let medians = if value == 0 {
            VecDeque::new()
        } else {
            VecDeque::from([(now, value)])
        };
        Self { medians, value }
    }

    pub(super) fn push(&mut self, now: Duration, median: u64) {
        self.medians.push_back((now, median));
        let oldest = now.saturating_sub(MEMORY);
        while self.medians.len() > MEDIANS
            || self.medians.front().is_some_and(|(at, _)| *at < oldest)
        {
            self.medians.pop_front();
        }
        let mut values: Vec<u64> = self.medians.iter().map(|(_, median)| *median).collect();
        self.value = quantile(&mut values, 1, 10);
    }

    /// In µs; 0 before the first window.
    pub(super) fn value(&self) -> u64 {
        self.value
    }
}

/// The value at rank ⌊(n − 1) × part ÷ whole⌋; 0 of nothing.
fn quantile(values: &mut [u64], part: usize, whole: usize) -> u64 {
    if values.is_empty() {
        return 0;
    }
    let rank = (values.len() - 1) * part / whole;
    *values.select_nth_unstable(rank).1
}
