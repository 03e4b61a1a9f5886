//! Pace of one host: how many requests may be in flight and how far apart they go out.
//!
//! Two machines, the concurrency limit and the rate, each explained in its file, find what the site
//! bears; both are cut on a rate-limit event, a burst of which is one. A host that refuses a share
//! of all requests at any speed is marked: those refusals slow nobody. The host's slow answers tell
//! a hung request from a slow one. A Retry-After stops all requests until it is over. A person's
//! ceiling is never exceeded.

use std::{collections::VecDeque, time::Duration};

use serde::{Deserialize, Serialize};

mod concurrency;
mod rate;

use concurrency::ConcurrencyLimit;
use rate::{Rate, Refusals};

use super::retry_after::RetryAfterWait;
use crate::model::{class::WaitReason, numbers::micros};

/// Refusals closer together than this, or than two answers of the idle host, are one event.
const EVENT: Duration = Duration::from_secs(1);
/// "Retry after 0 s" invites the same request again: an event only where more than one of so many
/// answers says it.
const INVITED_SHARE: u32 = 4;
/// Answers that are taken to be good before invitations count for a share.
const INVITED_SAMPLE: u32 = 12;
/// A host without an answer yet is not taken to be quicker than this.
const UNKNOWN_ANSWER: Duration = Duration::from_secs(1);
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

/// What an answer says of the host's speed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// A page or a 304, with its time to the first byte.
    Good(Duration),
    /// Ended in a way that says nothing of speed (404, 500, aborted, refused).
    Neutral,
    /// A body that came too slowly, or 503 without Retry-After: perhaps too much for the host.
    Strained,
    /// No answer in time: a hang says nothing of speed, many of them that it is too much.
    Lost,
    /// 429, or 503 with Retry-After; with the Retry-After, where one could be read.
    Throttled(Option<Duration>),
}

/// When the next request may go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// At once, as far as this host is concerned.
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
    /// Time to the first byte of its slow answers in µs; 0: not known.
    pub slow_us: u64,
    /// In-flight limit that was reached; 0: not known.
    pub limit: u32,
    /// Gap found by rate limits in µs; 0: none.
    pub pace_us: u64,
    /// In-flight limit that the host refused to exceed; 0: none.
    pub refused_above: u32,
    /// The rest of a Retry-After in µs; 0: none.
    #[serde(rename = "parked_us")]
    pub retry_after_us: u64,
}

/// A request in flight.
#[derive(Debug, Clone, Copy)]
struct Sent {
    at: Duration,
    /// The mean gap when it went out, by `rate::speed`.
    speed: u8,
}

/// Pace of one host.
#[derive(Debug, Clone)]
pub struct Pace {
    ceiling: Ceiling,
    limit: ConcurrencyLimit,
    rate: Rate,
    refusals: Refusals,
    slow_answers: SlowAnswers,
    /// Requests in flight, oldest first.
    out: VecDeque<Sent>,
    /// By the gaps; Retry-After is apart.
    next_at: Duration,
    /// The last answer's end.
    ended_at: Duration,
    retry_after: RetryAfterWait,
    /// The last rate-limit event.
    refused_at: Option<Duration>,
    /// Answers of the last while, and those of them that said "retry after 0 s".
    answers: u32,
    invited: u32,
}

impl Pace {
    /// A host met for the first time (`learned` none), or again.
    #[must_use]
    pub fn new(ceiling: Ceiling, learned: Option<&Learned>, now: Duration) -> Self {
        let learned = learned.copied().unwrap_or_default();
        Self {
            ceiling,
            limit: ConcurrencyLimit::new(
                learned.limit,
                learned.base_us,
                learned.refused_above,
                now,
            ),
            rate: Rate::restored(learned.pace_us, now),
            refusals: Refusals::default(),
            slow_answers: SlowAnswers::restored(learned.slow_us),
            out: VecDeque::new(),
            next_at: Duration::ZERO,
            ended_at: Duration::ZERO,
            retry_after: RetryAfterWait::restored(learned.retry_after_us, now),
            refused_at: None,
            answers: 0,
            invited: 0,
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
        if let Some(until) = self.retry_after.until(now) {
            return When::At(until, WaitReason::RetryAfter);
        }
        if let Some(full) = self.full(now) {
            return full;
        }
        if now >= self.next_at {
            return When::Now;
        }
        let by_robots = self
            .ceiling
            .crawl_delay
            .is_some_and(|delay| delay >= self.gap(now));
        let reason = if by_robots {
            WaitReason::CrawlDelay
        } else {
            WaitReason::Pace
        };
        When::At(self.next_at, reason)
    }

    /// What the limits say of those in flight. Hung ones count for the ceiling only, as long as
    /// they are no more than the limit itself.
    fn full(&self, now: Duration) -> Option<When> {
        let (out, limit) = (self.out.len(), self.limit() as usize);
        if out >= self.ceiling.max_in_flight.max(1) as usize {
            return Some(When::Full);
        }
        let lost_after = self.slow_answers.lost_after();
        let is_lost = |sent: &&Sent| sent.at.saturating_add(lost_after) <= now;
        let lost = self.out.iter().take(limit).take_while(is_lost).count();
        if out - lost < limit {
            return None;
        }
        let next = self.out.get(lost).filter(|_| lost < limit);
        Some(next.map_or(When::Full, |next| {
            When::At(next.at.saturating_add(lost_after), WaitReason::HostLimit)
        }))
    }

    /// A request went out.
    pub fn on_sent(&mut self, now: Duration) {
        let gap = self.gap(now);
        let due = self.next_at;
        let by_rate = gap < STRICT_FROM && gap == self.ceiling.rate_gap();
        let credit = if by_rate { CREDIT } else { Duration::ZERO };
        self.next_at = due.max(now.saturating_sub(credit)).saturating_add(gap);
        // With nothing in flight and no gap to wait for, we had no work or waited out a Retry-After.
        let idle = if self.out.is_empty() {
            now.saturating_sub(self.ended_at.max(due))
        } else {
            Duration::ZERO
        };
        let most = gap.max(self.slow_answers.slow().unwrap_or(UNKNOWN_ANSWER));
        self.rate.on_sent(now, idle, most);
        let speed = rate::speed(self.rate.mean_us());
        self.out.push_back(Sent { at: now, speed });
        if self.out.len() >= self.limit() as usize {
            self.limit.press();
        }
    }

    /// A request that went out at `sent` has ended (at the body's end, or by failing).
    pub fn on_answer(&mut self, now: Duration, sent: Duration, signal: Signal) {
        let at = self.out.iter().position(|out| out.at == sent);
        let speed = at.and_then(|at| self.out.remove(at)).map(|out| out.speed);
        self.ended_at = now;
        match signal {
            Signal::Good(first_byte) => {
                self.slow_answers.on_good(first_byte);
                self.limit.on_good(first_byte);
                self.rate.on_good();
                self.count_answer(sent, speed, false);
            }
            Signal::Neutral => {}
            Signal::Strained | Signal::Lost => self.limit.on_strained(),
            Signal::Throttled(after) => {
                self.count_answer(sent, speed, true);
                self.on_throttled(now, sent, after);
            }
        }
        self.limit.look(now, self.ceiling.max_in_flight.max(1));
    }

    /// Counts an answer that says of the host's speed what it bears or not.
    fn count_answer(&mut self, sent: Duration, speed: Option<u8>, refused: bool) {
        // What goes out just after a refusal may be refused for what went before it.
        let is_after = |at: Duration| sent >= at && sent < at.saturating_add(EVENT);
        let speed = speed.filter(|_| !self.refused_at.is_some_and(is_after));
        self.refusals.on_answer(speed, refused);
        self.answers += 1;
        if self.answers >= INVITED_SHARE * INVITED_SAMPLE {
            self.answers /= 2;
            self.invited /= 2;
        }
    }

    /// A refusal lays its Retry-After on the host. The first one of a burst is a rate-limit event:
    /// the host goes slower for it, unless its refusals do not follow our speed.
    fn on_throttled(&mut self, now: Duration, sent: Duration, after: Option<Duration>) {
        if self.refusals.is_expected() {
            return;
        }
        self.rate.on_refused();
        let over_at = self.retry_after.extend(now, after.unwrap_or_default());
        if self.is_invitation(after) || self.is_same_event(now, sent) {
            return;
        }
        self.refused_at = Some(now);
        if self.refusals.find() {
            self.retry_after.end(now);
            self.rate.set_free();
            self.limit.set_free(now);
        } else {
            self.slow_down(now, over_at, after.is_some());
        }
    }

    /// Whether a refusal invites the same request again ("retry after 0 s"), as a few answers do.
    fn is_invitation(&mut self, after: Option<Duration>) -> bool {
        if !after.is_some_and(|after| after.is_zero()) {
            return false;
        }
        self.invited += 1;
        self.invited * INVITED_SHARE <= self.answers.max(INVITED_SAMPLE)
    }

    /// Whether a refusal belongs to the last event: its request went out before that, or it comes
    /// hard on it.
    fn is_same_event(&self, now: Duration, sent: Duration) -> bool {
        let two_answers = Duration::from_micros(self.limit.base_us().saturating_mul(2));
        let apart = EVENT.max(two_answers);
        self.refused_at
            .is_some_and(|at| sent < at || now.saturating_sub(at) < apart)
    }

    /// A rate-limit event, whose Retry-After is over at `over_at`. Whichever of limit and rate has
    /// just gone a step further is to blame, else both.
    fn slow_down(&mut self, now: Duration, over_at: Duration, names_time: bool) {
        let (by_limit, by_rate) = (self.limit.is_probing(now), self.rate.is_near(now));
        if by_limit || !by_rate {
            self.limit.cut(now, self.ceiling.max_in_flight.max(1));
        }
        // A host that names no time is left alone until its second has passed.
        let is_burst = !names_time && !by_rate;
        let from = over_at.max(now.saturating_add(if is_burst { EVENT } else { Duration::ZERO }));
        if by_rate || !by_limit {
            self.rate.slow_down(now, from);
        }
        self.next_at = self.next_at.max(from);
    }

    /// How long an attempt waits for the first byte. `most` is the setting; `failed`: attempts of
    /// its page that failed; `is_last`: it gets no other, and waits as long as the setting says.
    #[must_use]
    pub fn first_byte(&self, most: Duration, failed: u32, is_last: bool) -> Duration {
        self.slow_answers.first_byte(most, failed, is_last)
    }

    /// The share of requests in per cent that the host refuses at any speed, where it does.
    #[must_use]
    pub fn refuses_at_any_speed(&self) -> Option<u32> {
        self.refusals.share()
    }

    /// A Retry-After holds the host until this time.
    #[must_use]
    pub fn retry_after_until(&self, now: Duration) -> Option<Duration> {
        self.retry_after.until(now)
    }

    /// Requests that may be in flight now.
    #[must_use]
    pub fn limit(&self) -> u32 {
        let limit = self.limit.value().min(self.ceiling.max_in_flight);
        limit.max(1)
    }

    /// Requests in flight now.
    #[must_use]
    pub fn in_flight(&self) -> u32 {
        u32::try_from(self.out.len()).unwrap_or(u32::MAX)
    }

    /// Time between two requests now.
    #[must_use]
    pub fn gap(&self, now: Duration) -> Duration {
        self.ceiling.gap().max(self.rate.gap(now))
    }

    /// Why limit and gap are what they are, in words.
    #[must_use]
    pub fn why(&self, now: Duration) -> String {
        if let Some(until) = self.retry_after_until(now) {
            let left = until.saturating_sub(now).as_secs_f64();
            return format!("the host asked for a pause (Retry-After): {left:.1} s left");
        }
        let gap = self.rate.gap(now);
        if gap > self.ceiling.gap() {
            let gap = gap.as_secs_f64();
            return format!("one request each {gap:.2} s: the host refused faster ones (429)");
        }
        if let Some(share) = self.refuses_at_any_speed() {
            return format!(
                "the host refuses {share} % at any speed (429): going slower changes nothing"
            );
        }
        let delay = self.ceiling.crawl_delay.unwrap_or_default();
        if delay >= self.ceiling.rate_gap() && !delay.is_zero() {
            return format!("crawl delay of robots.txt: {:.1} s", delay.as_secs_f64());
        }
        let most = self.ceiling.max_in_flight.max(1);
        if self.limit.value() >= most {
            return format!("in-flight ceiling of {most} reached");
        }
        if self.is_at_rate_ceiling(now) {
            return format!(
                "at its ceiling of {} requests a second",
                self.ceiling.max_rate
            );
        }
        self.limit.why(now)
    }

    /// Whether only the highest rate that is allowed holds the next request.
    fn is_at_rate_ceiling(&self, now: Duration) -> bool {
        self.in_flight() < self.limit() && self.next_at > now && self.ceiling.max_rate.is_finite()
    }

    /// Whether its speed is still being found.
    #[must_use]
    pub fn is_learning(&self) -> bool {
        self.limit.is_learning() && self.limit.value() < self.ceiling.max_in_flight.max(1)
    }

    /// What the next run should know.
    #[must_use]
    pub fn learned(&self, now: Duration) -> Learned {
        Learned {
            base_us: self.limit.base_us(),
            slow_us: self.slow_answers.slow_us(),
            limit: self.limit.value(),
            pace_us: micros(self.rate.gap(now)),
            refused_above: self.limit.refused_above(now),
            retry_after_us: self.retry_after.left_us(now),
        }
    }
}

/// How long a host that has not answered yet may take to begin an answer.
const FIRST_ANSWER: Duration = Duration::from_secs(10);
/// Any host may take so long.
const LEAST_TIMEOUT: Duration = Duration::from_secs(3);
/// Else it may take so many times a slow answer of its own.
const TIMEOUT_TIMES: u32 = 4;
/// Before this no request counts as lost.
const LOST_AFTER: Duration = Duration::from_secs(1);
/// A slow answer is forgotten by a 256th with each one that follows.
const FORGOTTEN_PART: u64 = 256;

/// What is known of a host's slow answers.
#[derive(Debug, Clone, Copy, Default)]
struct SlowAnswers {
    /// Time to the first byte in µs, of the slowest answers lately; 0: none was seen.
    slow_us: u64,
}

impl SlowAnswers {
    const fn restored(slow_us: u64) -> Self {
        Self { slow_us }
    }

    const fn slow_us(self) -> u64 {
        self.slow_us
    }

    fn on_good(&mut self, first_byte: Duration) {
        let faded = self.slow_us - self.slow_us / FORGOTTEN_PART;
        self.slow_us = faded.max(micros(first_byte)).max(1);
    }

    /// A slow answer's time, where one was seen.
    fn slow(self) -> Option<Duration> {
        (self.slow_us > 0).then(|| Duration::from_micros(self.slow_us))
    }

    /// How long an attempt waits for the first byte: twice as long after each failure of its
    /// page, the last attempt as long as the setting (`most`) says.
    fn first_byte(self, most: Duration, failed: u32, is_last: bool) -> Duration {
        if is_last {
            return most;
        }
        let usual = (self.slow()).map_or(FIRST_ANSWER, |slow| {
            slow.saturating_mul(TIMEOUT_TIMES).max(LEAST_TIMEOUT)
        });
        usual.saturating_mul(1 << failed.min(16)).min(most)
    }

    /// A request without an answer for so long hangs: it says nothing of the host's speed, and
    /// another may take its place.
    fn lost_after(self) -> Duration {
        (self.slow()).map_or(LOST_AFTER * 2, |slow| (slow * 2).max(LOST_AFTER))
    }
}

#[cfg(test)]
mod tests;
