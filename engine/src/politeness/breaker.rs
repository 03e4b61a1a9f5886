//! One breaker per host: closed, open until a time, half open with a bounded number of probes.
//! It trips on a failure rate in a sliding window, so that the order of failures does not matter.

use serde::{Deserialize, Serialize};
use std::{collections::VecDeque, time::Duration};

use super::chance::{self, Draw};
use crate::model::phase::BreakerPhase;

/// Settings of the breakers, of which each host has one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BreakerSettings {
    /// Outcomes that are looked at, at most.
    pub window: u32,
    /// Older outcomes do not count.
    pub max_age: Duration,
    /// Fewer outcomes never trip it.
    pub min_sample: u32,
    /// Share of failures that trips it.
    pub failure_rate: f64,
    /// First open time; doubles with each trip in a row.
    pub open_for: Duration,
    /// Open at a stretch for so long, at most.
    pub max_open_for: Duration,
    /// Probes at once while half open.
    pub probes: u32,
    /// Successful probes that close it.
    pub successes_to_close: u32,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self {
            window: 50,
            max_age: Duration::from_mins(2),
            min_sample: 20,
            failure_rate: 0.5,
            open_for: Duration::from_secs(30),
            max_open_for: Duration::from_mins(15),
            probes: 1,
            successes_to_close: 3,
        }
    }
}

/// After so long without tripping, one of the trips in a row is forgiven.
const FORGIVEN_AFTER: Duration = Duration::from_mins(5);

/// What an outcome says of the host's health.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// The host answered as a healthy one does (404 included).
    Good,
    /// The class counts against the host (`ErrorClass::is_host_failure`).
    Bad,
    /// Says nothing: throttled, aborted, our own trouble. Another probe may be sent.
    Neutral,
}

/// Whether a request may go to the host now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// At once, as any request.
    Yes,
    /// Yes, as a probe: `on_sent` makes it one.
    Probe,
    /// Not before this time; `Duration::MAX` where a person holds it open.
    Until(Duration),
    /// All probes are out: wait for one's outcome.
    ProbesOut,
}

/// A move of the breaker from one phase to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerMove {
    pub from: BreakerPhase,
    pub to: BreakerPhase,
    /// Open until this time; `Duration::MAX` where a person holds it open.
    pub until: Option<Duration>,
}

/// Where the breaker is, with what counts there. The table of moves between the phases is
/// [`BreakerPhase::may_move`].
#[derive(Debug, Clone)]
enum State {
    Closed {
        since: Duration,
        /// Time and health of the last outcomes, oldest first.
        window: VecDeque<(Duration, bool)>,
    },
    Open {
        until: Duration,
    },
    HalfOpen {
        since: Duration,
        /// Probes in flight, and those that ended well or badly.
        out: u32,
        good: u32,
        bad: u32,
    },
    /// A person holds it closed: nothing is counted.
    HeldClosed,
    /// A person holds it open.
    HeldOpen,
}

impl State {
    fn closed(now: Duration) -> Self {
        Self::Closed {
            since: now,
            window: VecDeque::new(),
        }
    }
}

/// The breaker of one host, shared by the sessions that crawl it.
#[derive(Debug, Clone)]
pub struct Breaker {
    settings: BreakerSettings,
    seed: u64,
    host: u128,
    state: State,
    /// Trips in a row.
    trips: u32,
}

impl Breaker {
    /// Closed, with an empty window. `seed` and `host` fix the spread of its open times.
    #[must_use]
    pub fn new(settings: BreakerSettings, seed: u64, host: u128) -> Self {
        Self {
            settings,
            seed,
            host,
            state: State::closed(Duration::ZERO),
            trips: 0,
        }
    }

    /// Takes up changed settings; the phase stays.
    pub fn set(&mut self, settings: BreakerSettings) {
        self.settings = settings;
    }

    /// A person holds it open.
    pub fn hold_open(&mut self) -> Option<BreakerMove> {
        self.trips = 0;
        self.move_to(State::HeldOpen)
    }

    /// A person holds it closed.
    pub fn hold_closed(&mut self) -> Option<BreakerMove> {
        self.trips = 0;
        self.move_to(State::HeldClosed)
    }

    /// A person who holds it leaves it to the rule again: it is closed then.
    pub fn release(&mut self, now: Duration) -> Option<BreakerMove> {
        match self.state {
            State::HeldOpen | State::HeldClosed => self.move_to(State::closed(now)),
            State::Closed { .. } | State::Open { .. } | State::HalfOpen { .. } => None,
        }
    }

    /// The phase it is in; one that a person holds has the phase it is held in.
    #[must_use]
    pub const fn phase(&self) -> BreakerPhase {
        match self.state {
            State::Closed { .. } | State::HeldClosed => BreakerPhase::Closed,
            State::Open { .. } | State::HeldOpen => BreakerPhase::Open,
            State::HalfOpen { .. } => BreakerPhase::HalfOpen,
        }
    }

    /// Open until this time; `Duration::MAX` where a person holds it open.
    #[must_use]
    pub const fn open_until(&self) -> Option<Duration> {
        match self.state {
            State::HeldOpen => Some(Duration::MAX),
            State::Open { until } => Some(until),
            State::Closed { .. } | State::HalfOpen { .. } | State::HeldClosed => None,
        }
    }

    /// Whether the host answers well: not open, and at most a third of its outcomes lately
    /// were failures.
    #[must_use]
    pub fn is_calm(&self) -> bool {
        let (bad, all) = self.sample();
        self.phase() == BreakerPhase::Closed && bad * 3 <= all
    }

    /// Whether a request may go out at `now`.
    #[must_use]
    pub fn permit(&self, now: Duration) -> Permission {
        match self.state {
            State::Closed { .. } | State::HeldClosed => Permission::Yes,
            State::HeldOpen => Permission::Until(Duration::MAX),
            State::Open { until } if now < until => Permission::Until(until),
            State::Open { .. } => Permission::Probe,
            State::HalfOpen { out, .. } if out < self.settings.probes.max(1) => Permission::Probe,
            State::HalfOpen { .. } => Permission::ProbesOut,
        }
    }

    /// A request went out: the first one after the open time makes the breaker half open.
    pub fn on_sent(&mut self, now: Duration) -> Option<BreakerMove> {
        match &mut self.state {
            State::Open { until } if now >= *until => self.move_to(State::HalfOpen {
                since: now,
                out: 1,
                good: 0,
                bad: 0,
            }),
            State::HalfOpen { out, .. } => {
                *out += 1;
                None
            }
            State::Open { .. } | State::Closed { .. } | State::HeldOpen | State::HeldClosed => None,
        }
    }

    /// A request that went out at `sent` has ended.
    pub fn on_outcome(
        &mut self,
        now: Duration,
        sent: Duration,
        health: Health,
    ) -> Option<BreakerMove> {
        match &mut self.state {
            State::Closed { .. } => self.count(now, health),
            // What went out before the trip says nothing new.
            State::HalfOpen { since, .. } if sent < *since => None,
            State::HalfOpen { out, good, bad, .. } => {
                *out = out.saturating_sub(1);
                *good += u32::from(health == Health::Good);
                *bad += u32::from(health == Health::Bad);
                let (good, bad) = (*good, *bad);
                self.judge_probes(now, good, bad)
            }
            State::Open { .. } | State::HeldOpen | State::HeldClosed => None,
        }
    }

    /// Probes are judged by the rate that trips it: one failure of several is no news of a host
    /// that fails now and then.
    fn judge_probes(&mut self, now: Duration, good: u32, bad: u32) -> Option<BreakerMove> {
        if good >= self.settings.successes_to_close {
            return self.move_to(State::closed(now));
        }
        let is_over = f64::from(bad) > self.settings.failure_rate * f64::from(good + bad);
        if !is_over && (good > 0 || bad == 0) {
            return None;
        }
        // A host that answers at times is given the same time again, not twice as much.
        self.trips = self.trips.saturating_sub(u32::from(good > 0));
        self.trip(now)
    }

    /// Failures and outcomes in the window, for a person to see why.
    #[must_use]
    pub fn sample(&self) -> (usize, usize) {
        match &self.state {
            State::Closed { window, .. } => sample(window),
            _ => (0, 0),
        }
    }

    fn count(&mut self, now: Duration, health: Health) -> Option<BreakerMove> {
        let is_good = match health {
            Health::Good => true,
            Health::Bad => false,
            Health::Neutral => return None,
        };
        let State::Closed { since, window } = &mut self.state else {
            return None;
        };
        while self.trips > 0 && now.saturating_sub(*since) >= FORGIVEN_AFTER {
            self.trips -= 1;
            *since += FORGIVEN_AFTER;
        }
        window.push_back((now, is_good));
        let oldest = now.saturating_sub(self.settings.max_age);
        while window.len() > self.settings.window.max(1) as usize
            || window.front().is_some_and(|(at, _)| *at < oldest)
        {
            window.pop_front();
        }
        let (bad, all) = sample(window);
        let trips = bad > 0 && all >= self.settings.min_sample as usize && self.is_over(bad, all);
        trips.then(|| self.trip(now)).flatten()
    }

    fn is_over(&self, bad: usize, all: usize) -> bool {
        let count = |n: usize| u32::try_from(n).map_or(f64::MAX, f64::from);
        count(bad) >= self.settings.failure_rate * count(all)
    }

    /// Open for the first open time × 2^(trips in a row), ± 10 %, at most the longest.
    fn trip(&mut self, now: Duration) -> Option<BreakerMove> {
        let doubled = self
            .settings
            .open_for
            .saturating_mul(1 << self.trips.min(20));
        let nominal = doubled.min(self.settings.max_open_for);
        let bits = chance::unit(self.seed, Draw::Breaker, self.host, self.trips);
        let spread = nominal / 10;
        let open_for = chance::between(
            bits,
            nominal.saturating_sub(spread),
            nominal.saturating_add(spread),
        );
        self.trips = self.trips.saturating_add(1);
        let until = now.saturating_add(open_for.min(self.settings.max_open_for));
        self.move_to(State::Open { until })
    }

    /// The only writer of another state; none where its phase is the same.
    fn move_to(&mut self, state: State) -> Option<BreakerMove> {
        let from = self.phase();
        self.state = state;
        let to = self.phase();
        if from == to {
            return None;
        }
        assert!(
            from.may_move(to),
            "a breaker may not move from {from:?} to {to:?}"
        );
        Some(BreakerMove {
            from,
            to,
            until: self.open_until(),
        })
    }
}

fn sample(window: &VecDeque<(Duration, bool)>) -> (usize, usize) {
    let bad = window.iter().filter(|(_, is_good)| !is_good).count();
    (bad, window.len())
}

#[cfg(test)]
mod tests;
