//! The in-flight limit and the pace that a host bears, found by additive increase and
//! multiplicative decrease.

use std::time::Duration;

use super::{
    super::micros,
    Learned, Signal,
    latency::{Base, Window},
    refusals::Refusals,
};

/// Growth rests so long after a rate-limit event.
const FREEZE: Duration = Duration::from_secs(5);
/// A limit that the host refused is not tried again for so long, at first.
const PENALTY: Duration = Duration::from_mins(1);
/// The longest such time.
const MAX_PENALTY: Duration = Duration::from_mins(15);
/// The longest gap that rate limits lead to.
const MAX_PACE: Duration = Duration::from_mins(1);
/// The shortest gap that a rate limit leads to; a shorter one is no pace at all.
const MIN_PACE: Duration = Duration::from_millis(1);
/// A window in the steady state lasts at least this.
const WINDOW: Duration = Duration::from_secs(1);
/// A window in slow start lasts at least this.
const SHORT_WINDOW: Duration = Duration::from_millis(10);
/// Rises of the median below this are noise, on any host.
const NOISE_US: u64 = 20_000;
/// Fewer successes than this between two events mean a limit of rate, not of concurrency.
const FEW: u64 = 20;
/// So many answers of a window are taken to be good before refusals count for a share of it.
const FEW_INVITED: usize = 12;

/// Why the limit is what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    SlowStart,
    Growing,
    Refused,
    Noise,
    Strained,
    Latency { median: u64, base: u64 },
}

/// The state of one host's controller.
#[derive(Debug, Clone)]
pub(super) struct Controller {
    limit: u32,
    /// Slow start doubles the limit up to this.
    slow_until: u32,
    pace: Duration,
    /// The host refused more than this in flight.
    cap: Option<Cap>,
    /// The host refused this pace; until then none as short is tried again.
    refused_pace: Option<(Duration, Duration)>,
    penalty: Duration,
    frozen_until: Duration,
    last_event: Option<Duration>,
    successes_since_event: u64,
    refused_since_event: u64,
    base: Base,
    window: Window,
    window_began: Duration,
    /// In this window the limit or the pace held a request back.
    pressed: bool,
    strained: usize,
    /// Of the strained: refused, and asked to come back at once.
    invited: usize,
    last_sent: Option<Duration>,
    /// Mean gap between requests, in µs.
    sent_gap: u64,
    /// The same without the time in which we were idle, for what a host refuses is our speed at
    /// work; and without the first gap, which holds the connection's making.
    busy_gap: u64,
    gaps: u64,
    refusals: Refusals,
    cause: Cause,
}

#[derive(Debug, Clone, Copy)]
struct Cap {
    limit: u32,
    until: Duration,
}

impl Controller {
    pub(super) fn new(learned: Option<&Learned>, now: Duration) -> Self {
        let learned = learned.copied().unwrap_or_default();
        let cap = (learned.refused_above > 0).then(|| Cap {
            limit: learned.refused_above,
            until: now.saturating_add(PENALTY),
        });
        Self {
            limit: (learned.limit / 2).max(1),
            slow_until: if learned.limit > 0 {
                learned.limit
            } else {
                u32::MAX
            },
            pace: Duration::from_micros(learned.pace_us).min(MAX_PACE),
            cap,
            refused_pace: None,
            penalty: PENALTY,
            frozen_until: Duration::ZERO,
            last_event: None,
            successes_since_event: 0,
            refused_since_event: 0,
            base: Base::restored(learned.base_us, now),
            window: Window::default(),
            window_began: now,
            pressed: false,
            strained: 0,
            invited: 0,
            last_sent: None,
            sent_gap: 0,
            busy_gap: 0,
            gaps: 0,
            refusals: Refusals::default(),
            cause: Cause::SlowStart,
        }
    }

    pub(super) const fn limit(&self) -> u32 {
        self.limit
    }

    pub(super) const fn pace(&self) -> Duration {
        self.pace
    }

    pub(super) fn learned(&self, now: Duration) -> Learned {
        let cap = self.cap.filter(|cap| now < cap.until);
        Learned {
            base_us: self.base.value(),
            limit: self.limit,
            pace_us: micros(self.pace),
            refused_above: cap.map_or(0, |cap| cap.limit),
            parked_us: 0,
        }
    }

    pub(super) fn on_sent(&mut self, now: Duration, idle: Duration, pressed: bool) {
        self.pressed |= pressed;
        if let Some(last) = self.last_sent {
            let gap = now.saturating_sub(last);
            let mean = |mean: u64, gap: Duration, of: u64| {
                (mean * (of - 1)).saturating_add(micros(gap)) / of
            };
            let of = if self.sent_gap == 0 { 1 } else { 8 };
            self.sent_gap = mean(self.sent_gap, gap, of);
            if self.gaps > 0 {
                self.busy_gap = mean(self.busy_gap, gap.saturating_sub(idle), self.gaps.min(8));
            }
            self.gaps += 1;
        }
        self.last_sent = Some(now);
    }

    pub(super) fn on_answer(&mut self, now: Duration, sent: Duration, signal: Signal, most: u32) {
        let refused = matches!(signal, Signal::Throttled(_));
        if refused || matches!(signal, Signal::Good(_)) {
            self.refusals.on_answer(self.sent_gap, refused);
        }
        match signal {
            Signal::Good(first_byte) => {
                self.successes_since_event += 1;
                self.window.push(micros(first_byte));
            }
            Signal::Neutral => {}
            Signal::Strained => self.strained += 1,
            Signal::Throttled(Some(after)) if after.is_zero() && !self.is_refused_often() => {
                self.strained += 1;
                self.invited += 1;
            }
            Signal::Throttled(_) if self.refusals.bears() => {}
            Signal::Throttled(_) => self.refuse(now, sent, most),
        }
        if self.is_window_over(now) {
            self.end_window(now, most);
        }
    }

    /// Whether this one makes a quarter of the answers refusals. "Retry after 0 s" invites the
    /// same request again: while few are told so, it is no reason to go slower for long.
    fn is_refused_often(&self) -> bool {
        (self.invited + 1) * 3 > self.window.count().max(FEW_INVITED)
    }

    /// Cuts once for a burst of refusals: those sent before the last cut are part of its event.
    fn refuse(&mut self, now: Duration, sent: Duration, most: u32) {
        self.refused_since_event += 1;
        let apart = WINDOW.max(Duration::from_micros(self.base.value().saturating_mul(2)));
        let again = self.last_event;
        if again.is_some_and(|at| sent < at || now.saturating_sub(at) < apart) {
            return;
        }
        if let Some(gap) = self.refusals.find_noise() {
            return self.bear(now, gap, most);
        }
        let limit = self.limit.min(most);
        let until = now.saturating_add(self.penalty);
        if !self.pace.is_zero() {
            self.refused_pace = Some((self.pace, until));
        } else if limit > 1 {
            self.cap = Some(Cap {
                limit: limit - 1,
                until,
            });
        }
        self.penalty = self.penalty.saturating_mul(2).min(MAX_PENALTY);
        let few = self.successes_since_event < FEW;
        if limit == 1 || !self.pace.is_zero() || (again.is_some() && few) {
            let at_work = match self.gaps {
                0 | 1 => micros(now.saturating_sub(sent)),
                _ => self.busy_gap,
            };
            let natural = Duration::from_micros(at_work.saturating_add(at_work / 2));
            let slower = self.slower();
            self.pace = if self.pace.is_zero() { natural } else { slower };
            self.pace = self.pace.clamp(MIN_PACE, MAX_PACE);
        }
        self.limit = cut(limit, 7, 10);
        self.slow_until = 0;
        self.frozen_until = now.saturating_add(FREEZE);
        self.last_event = Some(now);
        (self.successes_since_event, self.refused_since_event) = (0, 0);
        self.cause = Cause::Refused;
        self.begin_window(now);
    }

    /// By what was refused of the pace; one that held for a while is nearly right.
    fn slower(&self) -> Duration {
        if self.refusals.is_unproven(micros(self.pace)) {
            return self.pace;
        }
        let good = u128::from(self.successes_since_event) + 1;
        let all = good + u128::from(self.refused_since_event);
        let fitting = self.pace.as_micros() * all / good;
        let fitting = Duration::from_micros(u64::try_from(fitting).unwrap_or(u64::MAX));
        fitting.clamp(self.pace * 9 / 8, self.pace * 2)
    }

    /// Slowing down changed nothing: back to the speed at which as much was refused.
    fn bear(&mut self, now: Duration, gap: u64, most: u32) {
        self.pace = self.pace.min(Duration::from_micros(gap));
        let in_service = self.base.value().saturating_mul(3) / 2 / gap.max(1);
        let in_service = u32::try_from(in_service).unwrap_or(u32::MAX);
        self.limit = self.limit.max(in_service.saturating_add(1).min(most));
        self.cap = None;
        // Not faster than what was tried, for now: the limit itself may begin there.
        let known = self.pace.saturating_mul(31) / 32;
        self.refused_pace = Some((known, now.saturating_add(PENALTY)));
        self.penalty = PENALTY;
        self.frozen_until = now;
        self.last_event = Some(now);
        (self.successes_since_event, self.refused_since_event) = (0, 0);
        self.cause = Cause::Noise;
        self.begin_window(now);
    }

    const fn in_slow_start(&self) -> bool {
        self.limit < self.slow_until
    }

    fn is_window_over(&self, now: Duration) -> bool {
        let lasted = now.saturating_sub(self.window_began);
        let count = self.window.count() + self.strained;
        let limit = self.limit as usize;
        if self.in_slow_start() && count >= (2 * limit).max(8) {
            return lasted >= SHORT_WINDOW;
        }
        let enough = if self.in_slow_start() {
            limit.max(4)
        } else {
            limit.max(8)
        };
        lasted >= WINDOW && count >= enough
    }

    fn end_window(&mut self, now: Duration, most: u32) {
        let (good, strained) = (self.window.count(), self.strained);
        let limit = self.limit.min(most);
        if good > 0 {
            let median = self.window.take_median();
            self.base.push(now, median);
            let base = self.base.value();
            let bearable = if self.in_slow_start() {
                base.saturating_mul(3) / 2
            } else {
                base.saturating_mul(5) / 4
            };
            if median > bearable && median.saturating_sub(base) > NOISE_US {
                // Leaving slow start, what the limit overshot queues: base ÷ median of it is in service.
                self.limit = if self.in_slow_start() {
                    let served = u64::from(limit).saturating_mul(base) / median.max(1);
                    u32::try_from(served).unwrap_or(limit).max(limit / 2).max(1)
                } else {
                    cut(limit, 9, 10)
                };
                self.slow_until = 0;
                self.cause = Cause::Latency { median, base };
                return self.begin_window(now);
            }
        }
        if strained >= 2 && strained * 10 > good + strained {
            self.limit = cut(limit, 7, 10);
            self.slow_until = 0;
            self.frozen_until = now.saturating_add(FREEZE);
            self.cause = Cause::Strained;
        } else if self.pressed && now >= self.frozen_until {
            self.grow(now, most);
        }
        self.begin_window(now);
    }

    fn grow(&mut self, now: Duration, most: u32) {
        let cap = self.cap.filter(|cap| now < cap.until);
        if !self.pace.is_zero() {
            let before = self.pace;
            self.quicken(now);
            // Where the pace has settled, the limit may grow under it.
            if self.pace != before {
                return;
            }
        }
        let most = cap.map_or(most, |cap| cap.limit.min(most));
        let next = if self.in_slow_start() {
            self.limit.saturating_mul(2).min(self.slow_until)
        } else {
            self.cause = Cause::Growing;
            self.limit.saturating_add(1)
        };
        self.limit = next.min(most).max(self.limit.min(most));
        if cap.is_some_and(|cap| self.limit >= cap.limit) {
            self.cause = Cause::Refused;
        }
    }

    /// Shortens the pace by a tenth; a pace that the limit makes idle is dropped.
    fn quicken(&mut self, now: Duration) {
        let refused = self.refused_pace.filter(|(_, until)| now < *until);
        // Just above what was refused, until that may be tried again.
        let shortest = refused.map_or(Duration::ZERO, |(pace, _)| pace + pace / 32);
        self.pace = self.pace.min((self.pace * 9 / 10).max(shortest));
        let natural = Duration::from_micros(self.base.value() / u64::from(self.limit.max(1)));
        if self.pace < MIN_PACE || self.pace < natural / 2 {
            self.pace = Duration::ZERO;
        }
    }

    fn begin_window(&mut self, now: Duration) {
        self.window.take_median();
        self.strained = 0;
        self.invited = 0;
        self.pressed = false;
        self.window_began = now;
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
            Cause::Noise => format!(
                "the host refuses {} % at any speed (429): going slower changes nothing",
                self.refusals.borne().unwrap_or_default()
            ),
            Cause::Strained => "cut: time-outs or 503 from the host".to_owned(),
            Cause::Latency { median, base } => {
                format!(
                    "cut: answers took {} ms instead of {} ms",
                    median / 1_000,
                    base / 1_000
                )
            }
        }
    }
}

/// ⌊limit × part ÷ whole⌋, at least 1.
fn cut(limit: u32, part: u32, whole: u32) -> u32 {
    (limit.saturating_mul(part) / whole).max(1)
}
