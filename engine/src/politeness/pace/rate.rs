//! How far apart requests go out.
//!
//! Nothing holds them apart until the host refuses one. That sets the rate to what the host served
//! lately while we were sending; one such refusal may have any cause, and the rate doubles each
//! second. A second one at about that rate proves it: half of it comes back within seconds, the
//! rate is held for half a minute, felt for a quarter further, then doubles every few seconds.
//! A refusal just above a proven rate sets it anew, hardly slower. All goes by time, not answers.

use std::time::Duration;

use super::super::micros;

/// The longest time between two requests.
const MAX_GAP: u64 = 60_000_000;
/// The same where nothing was served: it is the host that is down, not we that are too fast.
const MAX_BLIND: u64 = 16_000_000;
/// A shorter gap is none.
const MIN_GAP: u64 = 1_000;
/// What was served in a shorter time counts as served in this.
const LEAST: Duration = Duration::from_secs(1);
/// Good answers that prove a rate.
const PROOF: u64 = 3 * ONE;
/// An answer.
const ONE: u64 = 1_000;
/// What was served longer ago counts half.
const MEMORY: Duration = Duration::from_secs(2);
/// A proven rate is held for this, the first time for less; or for so many of its gaps, up to twice
/// as long.
const HOLD: Duration = Duration::from_secs(32);
const SHORT_HOLD: Duration = Duration::from_secs(10);
const HOLD_GAPS: u32 = 16;
/// Then it grows by a quarter within this, so that the limit is found near by.
const PROBE: Duration = Duration::from_secs(8);
/// A proven rate doubles in this, or in so many of its gaps.
const DOUBLE: Duration = Duration::from_secs(3);
const DOUBLE_GAPS: u32 = 4;
/// A rate that is not proven doubles in this.
const DOUBLE_BLIND: Duration = Duration::from_secs(1);

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
        let long = Duration::from_micros(self.to).saturating_sub(DOUBLE_BLIND);
        let shrunk = self.to - micros(over.min(long));
        faded(shrunk, over.saturating_sub(long), DOUBLE_BLIND)
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
        self.good = self.good.saturating_add(ONE);
    }

    pub(super) fn on_refused(&mut self) {
        self.refused = self.refused.saturating_add(ONE);
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
        let served = micros(self.sending.max(LEAST)) * ONE / self.good.max(ONE);
        let before = micros(self.gap(now));
        let again = before > 0 && self.is_held(now);
        // One refusal may have any cause; a second one at about the rate of the first is a limit,
        // and so is one not far above a rate that was right for a while.
        let agrees = self
            .cut
            .is_some_and(|cut| self.good >= PROOF && cut.to.abs_diff(served) <= cut.to / 4);
        let is_near = self.is_near(now);
        let hold = match (is_near, agrees) {
            (true, _) => HOLD,
            (false, true) => SHORT_HOLD,
            (false, false) => Duration::ZERO,
        };
        let to = if self.good == 0 {
            (before * 2)
                .clamp(served.min(MAX_BLIND), MAX_BLIND)
                .max(before)
        } else if again {
            let fitting = before.saturating_mul(self.good + self.refused) / self.good;
            fitting.clamp(before * 17 / 16, before * 2)
        } else if is_near && now < self.probed_until() {
            before * 33 / 32
        } else if is_near {
            before * 5 / 4
        } else {
            served.max(before * 17 / 16)
        };
        let to = to.clamp(MIN_GAP, MAX_GAP);
        let hold = (hold * 2).min(hold.max(Duration::from_micros(to) * HOLD_GAPS));
        let back = if again && agrees { to * 2 } else { to };
        self.cut = Some(Cut {
            at: from,
            from: back.min(MAX_GAP),
            to,
            hold,
        });
        (self.good, self.refused, self.sending) = (0, 0, Duration::ZERO);
    }

    /// The host's refusals do not follow our speed.
    pub(super) fn set_free(&mut self) {
        self.cut = None;
        (self.good, self.refused, self.sending) = (0, 0, Duration::ZERO);
    }
}
