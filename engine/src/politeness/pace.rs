//! Pace of one host: how many requests may be in flight and how far apart they go out.
//!
//! The controller is `PoliteAIMD`: we are guests, so the aim is no queue at the host. The limit
//! grows while the median time to the first byte stays near the host's idle latency, and is cut
//! on rate-limit events and on rising latency. A person's ceiling is never exceeded.

use std::time::Duration;

use serde::{Deserialize, Serialize};

mod controller;
mod latency;
mod refusals;

use controller::Controller;

use super::micros;
use crate::model::class::WaitReason;

/// Lateness that a fast ceiling makes up for, so that coarse ticks do not lower the rate.
const CREDIT: Duration = Duration::from_millis(10);
/// Ceilings with wider gaps than this are kept request by request.
const STRICT_FROM: Duration = Duration::from_millis(50);

/// What nobody may exceed at this host.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ceiling {
    /// Requests per second; infinite: no ceiling.
    pub max_rate: f64,
    /// Requests in flight, at least 1.
    pub max_in_flight: u32,
    /// Crawl-delay of robots.txt, already capped: a floor of the gap.
    pub crawl_delay: Option<Duration>,
}

impl Ceiling {
    /// The shortest time between two requests.
    #[must_use]
    pub fn gap(&self) -> Duration {
        self.rate_gap().max(self.crawl_delay.unwrap_or_default())
    }

    fn rate_gap(&self) -> Duration {
        // A rate that is no positive number is refused by the settings; here it means "hardly ever".
        let never = Duration::from_hours(1);
        if self.max_rate > 0.0 {
            Duration::try_from_secs_f64(1.0 / self.max_rate)
                .unwrap_or(never)
                .min(never)
        } else {
            never
        }
    }
}

/// What an answer says to the controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// A page or a 304, with its time to the first byte.
    Good(Duration),
    /// Ended in a way that says nothing of speed (404, 500, aborted, refused).
    Neutral,
    /// A time-out, or 503 without Retry-After: perhaps too much for the host.
    Strained,
    /// 429, or 503 with Retry-After; with the Retry-After, where one could be read.
    Throttled(Option<Duration>),
}

/// When the next request may go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// At once.
    Now,
    /// Not before this time, for this reason (pace, crawl delay, Retry-After).
    At(Duration, WaitReason),
    /// When one of those in flight has ended.
    Full,
}

/// What was learned of a host, for the next run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Learned {
    /// Idle time to the first byte in µs; 0: not known.
    pub base_us: u64,
    /// In-flight limit reached.
    pub limit: u32,
    /// Gap found by rate limits in µs; 0: none.
    pub pace_us: u64,
    /// In-flight limit that the host refused to exceed; 0: none.
    pub refused_above: u32,
    /// The rest of a Retry-After in µs; 0: none.
    pub parked_us: u64,
}

/// Pace of one host.
#[derive(Debug, Clone)]
pub struct Pace {
    ceiling: Ceiling,
    controller: Controller,
    in_flight: u32,
    /// By the gaps; Retry-After is apart.
    next_at: Duration,
    /// The last answer's end.
    ended_at: Duration,
    parked_until: Duration,
}

impl Pace {
    /// A host met for the first time (`learned` none), or again.
    #[must_use]
    pub fn new(ceiling: Ceiling, learned: Option<&Learned>, now: Duration) -> Self {
        let parked = learned.map_or(0, |learned| learned.parked_us);
        Self {
            ceiling,
            controller: Controller::new(learned, now),
            in_flight: 0,
            next_at: Duration::ZERO,
            ended_at: Duration::ZERO,
            parked_until: if parked == 0 {
                Duration::ZERO
            } else {
                now.saturating_add(Duration::from_micros(parked))
            },
        }
    }

    /// Takes up a changed ceiling at once.
    pub fn set_ceiling(&mut self, ceiling: Ceiling) {
        // A faster ceiling must not wait out the old, longer gap.
        let shorter = self.ceiling.gap().saturating_sub(ceiling.gap());
        self.next_at = self.next_at.saturating_sub(shorter);
        if !self.next_at.is_zero() {
            // A robots.txt's crawl delay counts from the request for it.
            let longer = ceiling.gap().saturating_sub(self.ceiling.gap());
            let credit = if longer > CREDIT { CREDIT } else { longer };
            self.next_at = self.next_at.saturating_add(longer + credit);
        }
        self.ceiling = ceiling;
    }

    /// The ceiling in force.
    #[must_use]
    pub const fn ceiling(&self) -> &Ceiling {
        &self.ceiling
    }

    /// When the next request may go out.
    #[must_use]
    pub fn next_allowed(&self, now: Duration) -> When {
        if now < self.parked_until {
            When::At(self.parked_until, WaitReason::RetryAfter)
        } else if self.in_flight >= self.limit() {
            When::Full
        } else if now < self.next_at {
            let by_robots = self
                .ceiling
                .crawl_delay
                .is_some_and(|delay| delay >= self.gap());
            let reason = if by_robots {
                WaitReason::CrawlDelay
            } else {
                WaitReason::Pace
            };
            When::At(self.next_at, reason)
        } else {
            When::Now
        }
    }

    /// A request went out.
    pub fn on_sent(&mut self, now: Duration) {
        let gap = self.gap();
        let due = self.next_at;
        let by_rate = gap < STRICT_FROM && gap == self.ceiling.rate_gap();
        let credit = if by_rate { CREDIT } else { Duration::ZERO };
        self.next_at = due.max(now.saturating_sub(credit)).saturating_add(gap);
        // With nothing in flight and no gap to wait for, we had no work or were parked.
        let idle = if self.in_flight == 0 {
            now.saturating_sub(self.ended_at.max(due))
        } else {
            Duration::ZERO
        };
        self.in_flight += 1;
        let prompt = now.saturating_sub(due) <= gap / 2;
        let at_limit = self.in_flight >= self.limit();
        let at_pace = prompt && gap == self.controller.pace();
        self.controller.on_sent(now, idle, at_limit || at_pace);
    }

    /// A request that went out at `sent` has ended (at the body's end, or by failing).
    pub fn on_answer(&mut self, now: Duration, sent: Duration, signal: Signal) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.ended_at = now;
        if let Signal::Throttled(Some(after)) = signal {
            self.parked_until = self.parked_until.max(now.saturating_add(after));
        }
        self.controller
            .on_answer(now, sent, signal, self.ceiling.max_in_flight.max(1));
    }

    /// A Retry-After holds the host until this time.
    #[must_use]
    pub fn parked_until(&self, now: Duration) -> Option<Duration> {
        (now < self.parked_until).then_some(self.parked_until)
    }

    /// Requests that may be in flight now.
    #[must_use]
    pub fn limit(&self) -> u32 {
        self.controller
            .limit()
            .min(self.ceiling.max_in_flight)
            .max(1)
    }

    /// Requests in flight now.
    #[must_use]
    pub const fn in_flight(&self) -> u32 {
        self.in_flight
    }

    /// Time between two requests now.
    #[must_use]
    pub fn gap(&self) -> Duration {
        self.ceiling.gap().max(self.controller.pace())
    }

    /// Why limit and gap are what they are, in words.
    #[must_use]
    pub fn why(&self, now: Duration) -> String {
        if let Some(until) = self.parked_until(now) {
            let left = until.saturating_sub(now).as_secs_f64();
            return format!("the host asked for a pause (Retry-After): {left:.1} s left");
        }
        let pace = self.controller.pace();
        if pace > self.ceiling.gap() {
            let gap = pace.as_secs_f64();
            return format!("one request each {gap:.2} s: the host refused faster ones (429)");
        }
        let delay = self.ceiling.crawl_delay.unwrap_or_default();
        if delay >= self.ceiling.rate_gap() && !delay.is_zero() {
            return format!("crawl delay of robots.txt: {:.1} s", delay.as_secs_f64());
        }
        if self.controller.limit() >= self.ceiling.max_in_flight.max(1) {
            return format!(
                "in-flight ceiling of {} reached",
                self.ceiling.max_in_flight.max(1)
            );
        }
        self.controller.why(now)
    }

    /// What the next run should know.
    #[must_use]
    pub fn learned(&self, now: Duration) -> Learned {
        Learned {
            parked_us: micros(self.parked_until.saturating_sub(now)),
            ..self.controller.learned(now)
        }
    }
}

#[cfg(test)]
mod tests;
