//! One breaker per host: closed, open until a time, half open with a bounded number of probes.
//! It trips on a failure rate in a sliding window, so that the order of failures does not matter.

use serde::{Deserialize, Serialize};
use std::{collections::VecDeque, time::Duration};

use super::{chance, chance::Purpose};
use crate::model::phase::BreakerPhase;

/// Breakers: one per host.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BreakerSettings {
    /// Outcomes looked at.
    pub window: u32,
    /// Older outcomes do not count.
    pub max_age: Duration,
    /// Fewer outcomes never trip it.
    pub min_sample: u32,
    /// Share of failures that trips it.
    pub failure_rate: f64,
    /// First open time; doubles with each trip in a row.
    pub open_for: Duration,
    /// Longest open time.
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
    /// The class speaks against the host (`ErrorClass::is_host_failure`).
    Bad,
    /// Says nothing: throttled, aborted, our own trouble. A probe is given back.
    Neutral,
}

/// Whether a request may go to the host now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// Closed.
    Yes,
    /// Yes, as a probe: `on_sent` makes it one.
    Probe,
    /// Not before this time; `Duration::MAX` where a person holds it open.
    Until(Duration),
    /// All probes are out: wait for one's outcome.
    ProbesOut,
}

/// A move of the breaker, to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moved {
    /// Where it was.
    pub from: BreakerPhase,
    /// Where it is.
    pub to: BreakerPhase,
    /// Open until this time; `Duration::MAX` where a person holds it open.
    pub until: Option<Duration>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Closed,
    Open {
        until: Duration,
    },
    HalfOpen {
        since: Duration,
        out: u32,
        good: u32,
        bad: u32,
    },
}

/// A host's breaker.
#[derive(Debug, Clone)]
pub struct Breaker {
    settings: BreakerSettings,
    seed: u64,
    host: u128,
    state: State,
    forced: Option<bool>,
    /// Time and health of the last outcomes, oldest first.
    window: VecDeque<(Duration, bool)>,
    trips: u32,
    closed_since: Duration,
}

impl Breaker {
    /// Closed, with an empty window. `seed` and `host` fix the spread of its open times.
    #[must_use]
    pub fn new(settings: BreakerSettings, seed: u64, host: u128) -> Self {
        Self {
            settings,
            seed,
            host,
            state: State::Closed,
            forced: None,
            window: VecDeque::new(),
            trips: 0,
            closed_since: Duration::ZERO,
        }
    }

    /// Takes up changed settings; the phase stays.
    pub fn set(&mut self, settings: BreakerSettings) {
        self.settings = settings;
    }

    /// A person holds it open or closed, or leaves it to the rule again (then it is closed).
    pub fn force(&mut self, open: Option<bool>, now: Duration) -> Option<Moved> {
        let from = self.phase();
        if open.is_some() || self.forced.is_some() {
            self.state = State::Closed;
            self.window.clear();
            self.trips = 0;
            self.closed_since = now;
        }
        self.forced = open;
        self.moved(from)
    }

    /// Where it is.
    #[must_use]
    pub const fn phase(&self) -> BreakerPhase {
        match (self.forced, self.state) {
            (Some(true), _) | (None, State::Open { .. }) => BreakerPhase::Open,
            (Some(false), _) | (None, State::Closed) => BreakerPhase::Closed,
            (None, State::HalfOpen { .. }) => BreakerPhase::HalfOpen,
        }
    }

    /// Open until this time; `Duration::MAX` where a person holds it open.
    #[must_use]
    pub const fn open_until(&self) -> Option<Duration> {
        match (self.forced, self.state) {
            (Some(true), _) => Some(Duration::MAX),
            (None, State::Open { until }) => Some(until),
            _ => None,
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
        match (self.forced, self.state) {
            (Some(true), _) => Permission::Until(Duration::MAX),
            (Some(false), _) | (None, State::Closed) => Permission::Yes,
            (None, State::Open { until }) if now < until => Permission::Until(until),
            (None, State::Open { .. }) => Permission::Probe,
            (None, State::HalfOpen { out, .. }) if out < self.settings.probes.max(1) => {
                Permission::Probe
            }
            (None, State::HalfOpen { .. }) => Permission::ProbesOut,
        }
    }

    /// A request went out: the first one after the open time makes the breaker half open.
    pub fn on_sent(&mut self, now: Duration) -> Option<Moved> {
        let from = self.phase();
        if self.forced.is_some() {
            return None;
        }
        match &mut self.state {
            State::Open { until } if now >= *until => {
                self.state = State::HalfOpen {
                    since: now,
                    out: 1,
                    good: 0,
                    bad: 0,
                };
            }
            State::HalfOpen { out, .. } => *out += 1,
            State::Open { .. } | State::Closed => {}
        }
        self.moved(from)
    }

    /// A request that went out at `sent` has ended.
    pub fn on_outcome(&mut self, now: Duration, sent: Duration, health: Health) -> Option<Moved> {
        let from = self.phase();
        if self.forced.is_some() {
            return None;
        }
        match self.state {
            State::Closed => self.count(now, health),
            // What went out before the trip says nothing new.
            State::Open { .. } => {}
            State::HalfOpen { since, .. } if sent < since => {}
            State::HalfOpen {
                since,
                out,
                good,
                bad,
            } => {
                let good = good + u32::from(health == Health::Good);
                let bad = bad + u32::from(health == Health::Bad);
                self.state = State::HalfOpen {
                    since,
                    out: out.saturating_sub(1),
                    good,
                    bad,
                };
                self.judge_probes(now, good, bad);
            }
        }
        self.moved(from)
    }

    /// Probes are judged by the rate that trips it: one failure of several is no news of a host
    /// that fails now and then.
    fn judge_probes(&mut self, now: Duration, good: u32, bad: u32) {
        if good >= self.settings.successes_to_close {
            self.state = State::Closed;
            self.window.clear();
            self.closed_since = now;
            return;
        }
        let is_over = f64::from(bad) > self.settings.failure_rate * f64::from(good + bad);
        if is_over || (good == 0 && bad > 0) {
            // A host that answers at times is given the same time again, not twice as much.
            self.trips = self.trips.saturating_sub(u32::from(good > 0));
            self.trip(now);
        }
    }

    /// Failures and outcomes in the window, for a person to see why.
    #[must_use]
    pub fn sample(&self) -> (usize, usize) {
        (
            self.window.iter().filter(|(_, good)| !good).count(),
            self.window.len(),
        )
    }

    fn count(&mut self, now: Duration, health: Health) {
        let good = match health {
            Health::Good => true,
            Health::Bad => false,
            Health::Neutral => return,
        };
        self.forgive(now);
        self.window.push_back((now, good));
        let oldest = now.saturating_sub(self.settings.max_age);
        while self.window.len() > self.settings.window.max(1) as usize
            || self.window.front().is_some_and(|(at, _)| *at < oldest)
        {
            self.window.pop_front();
        }
        let (bad, all) = self.sample();
        if bad > 0 && all >= self.settings.min_sample as usize && self.is_over(bad, all) {
            self.trip(now);
        }
    }

    fn is_over(&self, bad: usize, all: usize) -> bool {
        let count = |n: usize| u32::try_from(n).map_or(f64::MAX, f64::from);
        count(bad) >= self.settings.failure_rate * count(all)
    }

    fn forgive(&mut self, now: Duration) {
        while self.trips > 0 && now.saturating_sub(self.closed_since) >= FORGIVEN_AFTER {
            self.trips -= 1;
            self.closed_since += FORGIVEN_AFTER;
        }
    }

    /// Open for the first open time × 2^(trips in a row), ± 10 %, at most the longest.
    fn trip(&mut self, now: Duration) {
        let doubled = self
            .settings
            .open_for
            .saturating_mul(1 << self.trips.min(20));
        let nominal = doubled.min(self.settings.max_open_for);
        let bits = chance::unit(self.seed, Purpose::Breaker, self.host, self.trips);
        let spread = nominal / 10;
        let open_for = chance::between(
            bits,
            nominal.saturating_sub(spread),
            nominal.saturating_add(spread),
        );
        self.trips = self.trips.saturating_add(1);
        self.window.clear();
        let until = now.saturating_add(open_for.min(self.settings.max_open_for));
        self.state = State::Open { until };
    }

    fn moved(&self, from: BreakerPhase) -> Option<Moved> {
        let to = self.phase();
        (from != to).then(|| Moved {
            from,
            to,
            until: self.open_until(),
        })
    }
}

#[cfg(test)]
mod tests;
