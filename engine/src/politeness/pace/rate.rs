//! How far apart requests go out, and whether a host's refusals follow our speed.
//!
//! Nothing holds requests apart until the host refuses one. That sets the rate to what the host
//! served lately while we were sending; one such refusal may have any cause, and the rate doubles
//! each second. A second one at about that rate proves it: half of it comes back within seconds,
//! the rate is held for half a minute, felt for a quarter further, then doubles every few seconds.
//! A refusal just above a proven rate sets it anew, hardly slower. All goes by time, not answers.
//!
//! Some hosts refuse a share of all requests, and to go slower changes nothing there but the time
//! it takes: `Refusals` finds them.

use std::time::Duration;

use crate::model::numbers::micros;

/// The longest time between two requests, in µs.
const MAX_GAP: u64 = 60_000_000;
/// The same where nothing was served: it is the host that is down, not we that are too fast.
const MAX_GAP_UNSERVED: u64 = 16_000_000;
/// A shorter gap is none.
const MIN_GAP: u64 = 1_000;

/// An answer, as they are counted: in thousandths.
const ANSWER: u64 = 1_000;
/// Good answers that prove a rate.
const PROOF: u64 = 3 * ANSWER;
/// What was served in a shorter time counts as served in this.
const LEAST_SENDING: Duration = Duration::from_secs(1);
/// What was served longer ago counts half.
const MEMORY: Duration = Duration::from_secs(2);

/// A proven rate is held for this, the first time for less; or for so many of its gaps, up to twice
/// as long.
const HOLD: Duration = Duration::from_secs(32);
const FIRST_HOLD: Duration = Duration::from_secs(10);
const HOLD_GAPS: u32 = 16;
/// Then it grows by a quarter within this, so that the limit is found near by.
const PROBE: Duration = Duration::from_secs(8);
/// A proven rate doubles in this, or in so many of its gaps.
const DOUBLE: Duration = Duration::from_secs(3);
const DOUBLE_GAPS: u32 = 4;
/// A rate that is not proven doubles in this.
const DOUBLE_UNPROVEN: Duration = Duration::from_secs(1);

/// The rate that refusals led to.
#[derive(Debug, Clone, Copy)]
struct Cut {
    /// Since when requests go out again.
    at: Duration,
    /// Gap in µs then.
    from: u64,
    /// Gap in µs that the host has served: reached soon, then held.
    to: u64,
    /// For so long; zero: the rate is not proven.
    hold: Duration,
}

impl Cut {
    const fn is_proven(&self) -> bool {
        !self.hold.is_zero()
    }

    fn double(&self) -> Duration {
        DOUBLE.max(Duration::from_micros(self.to) * DOUBLE_GAPS)
    }

    /// When `to` is no longer held.
    fn held_until(&self) -> Duration {
        let reached = if self.from > self.to {
            self.double()
        } else {
            Duration::ZERO
        };
        self.at + reached + self.hold
    }

    fn gap(&self, now: Duration) -> u64 {
        let Some(over) = now.checked_sub(self.held_until()) else {
            let back = faded(self.from, now.saturating_sub(self.at), self.double());
            return back.max(self.to);
        };
        if self.is_proven() {
            let part = micros(over.min(PROBE));
            let probed = self.to - self.to / 5 * part / micros(PROBE);
            return faded(probed, over.saturating_sub(PROBE), self.double());
        }
        // A long gap shrinks by a second each second first.
        let long = Duration::from_micros(self.to).saturating_sub(DOUBLE_UNPROVEN);
        let shrunk = self.to - micros(over.min(long));
        faded(shrunk, over.saturating_sub(long), DOUBLE_UNPROVEN)
    }
}

/// The gap after it has been halved each `half` for so long.
fn faded(gap: u64, after: Duration, half: Duration) -> u64 {
    let (after, half) = (micros(after), micros(half).max(1));
    let Ok(halvings) = u32::try_from(after / half) else {
        return 0;
    };
    let gap = gap.checked_shr(halvings).unwrap_or(0);
    let part = u128::from(gap / 2) * u128::from(after % half) / u128::from(half);
    gap - u64::try_from(part).unwrap_or(0)
}

/// Why a rate is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CutReason {
    /// The host served nothing since the last cut.
    NothingServed,
    /// The rate of the last cut was still held.
    AgainWhileHeld,
    /// A rate that was right for a while was felt a little further.
    JustAboveProven,
    /// Such a rate had grown by more than that, not to twice as much.
    AboveProven,
    /// Nothing is known of the rate at which it came.
    FirstRefusal,
}

/// How long a rate of this gap in µs is held; zero: it is not proven. A refusal proves the rate
/// below it where that is near one that was right for a while, or where two refusals agree.
fn hold(is_near: bool, agrees: bool, gap: u64) -> Duration {
    let hold = match (is_near, agrees) {
        (true, _) => HOLD,
        (false, true) => FIRST_HOLD,
        (false, false) => Duration::ZERO,
    };
    (hold * 2).min(hold.max(Duration::from_micros(gap) * HOLD_GAPS))
}

/// The rate of one host.
#[derive(Debug, Clone, Default)]
pub(super) struct Rate {
    cut: Option<Cut>,
    /// Since the last cut, in thousandths.
    good: u64,
    refused: u64,
    /// Time in which requests went out for them.
    sending: Duration,
    last_sent: Option<Duration>,
    /// Mean time between two requests in µs, idle time too; 0 before the second.
    mean_us: u64,
}

impl Rate {
    /// As an earlier run left it.
    pub(super) fn restored(gap_us: u64, now: Duration) -> Self {
        let gap = gap_us.min(MAX_GAP);
        let cut = Cut {
            at: now,
            from: gap,
            to: gap,
            hold: HOLD,
        };
        Self {
            cut: (gap >= MIN_GAP).then_some(cut),
            ..Self::default()
        }
    }

    /// Time between two requests that refusals ask for; zero: none do.
    pub(super) fn gap(&self, now: Duration) -> Duration {
        let gap = self.cut.map_or(0, |cut| cut.gap(now));
        if gap < MIN_GAP {
            return Duration::ZERO;
        }
        Duration::from_micros(gap)
    }

    /// A request goes out. `idle`: the time before it in which there was nothing to send;
    /// `most`: no request keeps the next one waiting for longer than this, unless it hangs.
    pub(super) fn on_sent(&mut self, now: Duration, idle: Duration, most: Duration) {
        if let Some(last) = self.last_sent.replace(now) {
            let gap = now.saturating_sub(last);
            let of = if self.mean_us == 0 { 1 } else { 4 };
            self.mean_us = (self.mean_us * (of - 1)).saturating_add(micros(gap)) / of;
            self.sending += gap.saturating_sub(idle).min(most);
            if self.sending >= MEMORY {
                self.sending /= 2;
                self.good /= 2;
                self.refused /= 2;
            }
        }
    }

    /// Mean time between two requests in µs lately.
    pub(super) const fn mean_us(&self) -> u64 {
        self.mean_us
    }

    pub(super) fn on_good(&mut self) {
        self.good = self.good.saturating_add(ANSWER);
    }

    pub(super) fn on_refused(&mut self) {
        self.refused = self.refused.saturating_add(ANSWER);
    }

    fn is_held(&self, now: Duration) -> bool {
        self.cut.is_some_and(|cut| now < cut.held_until())
    }

    /// Whether it has become a little faster than a rate that was right for a while: what is
    /// refused then is refused for that.
    pub(super) fn is_near(&self, now: Duration) -> bool {
        let gap = micros(self.gap(now));
        let near = |cut: Cut| cut.is_proven() && gap * 2 >= cut.to;
        !self.is_held(now) && self.cut.is_some_and(near)
    }

    /// Until when it grows gently.
    fn probed_until(&self) -> Duration {
        self.cut
            .map_or(Duration::ZERO, |cut| cut.held_until() + PROBE)
    }

    /// A rate-limit event: goes slower, from `from` on (now, or when a Retry-After is over).
    pub(super) fn slow_down(&mut self, now: Duration, from: Duration) {
        let served = micros(self.sending.max(LEAST_SENDING)) * ANSWER / self.good.max(ANSWER);
        let before = micros(self.gap(now));
        let reason = self.reason(now, before);
        let agrees = self.agrees(served);
        let to = self
            .slower_gap(reason, before, served)
            .clamp(MIN_GAP, MAX_GAP);
        let is_again = reason == CutReason::AgainWhileHeld;
        let back = if is_again && agrees { to * 2 } else { to };
        self.cut = Some(Cut {
            at: from,
            from: back.min(MAX_GAP),
            to,
            hold: hold(self.is_near(now), agrees, to),
        });
        (self.good, self.refused, self.sending) = (0, 0, Duration::ZERO);
    }

    /// What a refusal now says, where requests were `before` µs apart.
    fn reason(&self, now: Duration, before: u64) -> CutReason {
        if self.good == 0 {
            CutReason::NothingServed
        } else if before > 0 && self.is_held(now) {
            CutReason::AgainWhileHeld
        } else if !self.is_near(now) {
            CutReason::FirstRefusal
        } else if now < self.probed_until() {
            CutReason::JustAboveProven
        } else {
            CutReason::AboveProven
        }
    }

    /// One refusal may have any cause; a second one at about the rate of the first is a limit.
    fn agrees(&self, served: u64) -> bool {
        self.cut
            .is_some_and(|cut| self.good >= PROOF && cut.to.abs_diff(served) <= cut.to / 4)
    }

    /// The gap in µs to go on with; `served` is the one at which the host served lately.
    fn slower_gap(&self, reason: CutReason, before: u64, served: u64) -> u64 {
        match reason {
            CutReason::NothingServed => (before * 2)
                .clamp(served.min(MAX_GAP_UNSERVED), MAX_GAP_UNSERVED)
                .max(before),
            CutReason::AgainWhileHeld => {
                let fitting = before.saturating_mul(self.good + self.refused) / self.good;
                fitting.clamp(before * 17 / 16, before * 2)
            }
            CutReason::JustAboveProven => before * 33 / 32,
            CutReason::AboveProven => before * 5 / 4,
            CutReason::FirstRefusal => served.max(before * 17 / 16),
        }
    }

    /// The host's refusals do not follow our speed.
    pub(super) fn set_free(&mut self) {
        self.cut = None;
        (self.good, self.refused, self.sending) = (0, 0, Duration::ZERO);
    }
}

/// Half octaves of the gap between two requests, in µs: from nothing to minutes.
const SPEEDS: usize = 56;
/// A speed's counts are halved when they reach this, so that they follow the host.
const MOST_COUNTED: u32 = 256;
/// So many half octaves apart, one gap is at least twice the other.
const TWICE_AS_SLOW: usize = 3;
/// Answers at a speed that tell anything of it.
const SPEED_SAMPLE: u32 = 20;
/// Refusals at the slow speeds that tell anything.
const SLOW_REFUSALS: u32 = 2;
/// Who refuses a larger share than this at the slow speeds, in thousandths, means it.
const MOST_SHARE: u32 = 350;
/// Shares are the same within this factor: the samples are small.
const SAME_WITHIN: u32 = 3;
/// So many refusals are borne in a row, in thousandths.
const MOST_SAVED: u32 = 10_000;
/// Times in a row that what is borne may be used up.
const STRIKES: u8 = 3;

/// Answers and refusals by the speed at which the requests were sent.
#[derive(Debug, Clone)]
pub(super) struct Refusals {
    speeds: [Tally; SPEEDS],
    mark: Option<Mark>,
}

impl Default for Refusals {
    fn default() -> Self {
        Self {
            speeds: [Tally::default(); SPEEDS],
            mark: None,
        }
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    answers: u32,
    refused: u32,
}

impl Tally {
    /// Refused of a thousand.
    fn share(self) -> u32 {
        self.refused * 1_000 / self.answers.max(1)
    }

    fn add(&mut self, other: Self) {
        self.answers += other.answers;
        self.refused += other.refused;
    }

    fn halve(&mut self) {
        self.answers /= 2;
        self.refused /= 2;
    }
}

/// The host refuses a share of its requests at any speed.
#[derive(Debug, Clone, Copy)]
struct Mark {
    /// Refused requests of a thousand.
    share: u32,
    /// Refusals that are borne still, in thousandths.
    saved: u32,
    /// Times that they were used up.
    strikes: u8,
}

/// The speed of requests with this mean gap in µs: 0 is the fastest.
pub(super) fn speed(gap_us: u64) -> u8 {
    let gap = u128::from(gap_us.max(1));
    u8::try_from((gap * gap).ilog2()).unwrap_or(u8::MAX)
}

impl Refusals {
    /// A request was answered that was sent at this speed; none: that tells nothing of speeds.
    pub(super) fn on_answer(&mut self, speed: Option<u8>, refused: bool) {
        if let Some(speed) = speed {
            let tally = &mut self.speeds[usize::from(speed).min(SPEEDS - 1)];
            tally.answers += 1;
            tally.refused += u32::from(refused);
            if tally.answers >= MOST_COUNTED {
                tally.halve();
            }
        }
        if let Some(mark) = &mut self.mark {
            // A quarter more than was found, and one of a hundred.
            mark.saved = (mark.saved + mark.share * 5 / 4 + 10).min(MOST_SAVED);
            if mark.saved == MOST_SAVED {
                mark.strikes = 0;
            }
        }
    }

    /// Whether a refusal is one of those that come at any speed.
    pub(super) fn is_expected(&mut self) -> bool {
        let Some(mark) = &mut self.mark else {
            return false;
        };
        if let Some(left) = mark.saved.checked_sub(1_000) {
            mark.saved = left;
            return true;
        }
        mark.saved = MOST_SAVED / 2;
        mark.strikes += 1;
        if mark.strikes >= STRIKES {
            // It is another share than it seemed: newer counts decide whether it is found again.
            self.mark = None;
            self.speeds.iter_mut().for_each(Tally::halve);
        }
        false
    }

    /// Marks the host where as large a share was refused at half the speed and slower.
    pub(super) fn find(&mut self) -> bool {
        if self.mark.is_some() {
            return false;
        }
        let mut slow = Tally::default();
        let mut slowest = SPEEDS;
        while slow.answers < SPEED_SAMPLE || slow.refused < SLOW_REFUSALS {
            let Some(next) = slowest.checked_sub(1) else {
                return false;
            };
            slowest = next;
            slow.add(self.speeds[slowest]);
        }
        let mut fast = Tally::default();
        for at in 0..(slowest + 1).saturating_sub(TWICE_AS_SLOW) {
            fast.add(self.speeds[at]);
        }
        let is_same = |one: Tally, other: Tally| {
            one.refused * other.answers <= SAME_WITHIN * other.refused * one.answers
        };
        let found = fast.answers >= SPEED_SAMPLE
            && slow.share() <= MOST_SHARE
            && is_same(fast, slow)
            && is_same(slow, fast);
        if found {
            slow.add(fast);
            self.mark = Some(Mark {
                share: slow.share().min(MOST_SHARE),
                saved: MOST_SAVED,
                strikes: 0,
            });
        }
        found
    }

    /// The share that is refused at any speed, in per cent.
    pub(super) fn share(&self) -> Option<u32> {
        self.mark.map(|mark| mark.share.div_ceil(10))
    }
}
