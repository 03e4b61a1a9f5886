//! What a host's latest answers were like: how long they took, and how many requests failed.

use std::{collections::VecDeque, time::Duration};

use crate::model::numbers::{count, micros};

/// Requests that are remembered, at most.
const KEPT: usize = 256;
/// Requests that ended before this are forgotten.
const MEMORY: Duration = Duration::from_mins(1);
/// Medians and shares of fewer requests are noise.
const LEAST: usize = 5;

/// How a request to a host ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostOutcome {
    /// With a page, after this time from sending to the body's end.
    Page(Duration),
    /// With another answer of a healthy host: a redirect, a 404.
    Other,
    /// With an error of the host, a refusal, a time-out, or no answer.
    Failed,
}

/// The latest requests to a host that have ended, oldest first.
#[derive(Debug, Default)]
pub struct HostAnswers(VecDeque<(Duration, HostOutcome)>);

/// Figures of the last minute, of the latest 256 requests at most; absent where fewer than five say
/// so.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct AnswerFigures {
    /// Median time of a page in milliseconds.
    pub p50_ms: Option<f64>,
    /// Its 95th percentile in milliseconds.
    pub p95_ms: Option<f64>,
    /// Requests that failed, as a share from 0 to 1.
    pub errors: Option<f64>,
}

impl HostAnswers {
    /// A request has ended.
    pub fn add(&mut self, now: Duration, outcome: HostOutcome) {
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back((now, outcome));
    }

    /// What they say by now.
    pub fn figures(&mut self, now: Duration) -> AnswerFigures {
        let since = now.saturating_sub(MEMORY);
        while self.0.front().is_some_and(|(at, _)| *at < since) {
            self.0.pop_front();
        }
        let outcomes = || self.0.iter().map(|(_, outcome)| *outcome);
        let mut times: Vec<u64> = outcomes()
            .filter_map(|outcome| match outcome {
                HostOutcome::Page(took) => Some(micros(took)),
                HostOutcome::Other | HostOutcome::Failed => None,
            })
            .collect();
        times.sort_unstable();
        let quantile = |per_cent: usize| {
            let last = times.len().checked_sub(1)?;
            let us = times[(last * per_cent).div_ceil(100)];
            (times.len() >= LEAST).then(|| Duration::from_micros(us).as_secs_f64() * 1e3)
        };
        let failed = outcomes().filter(|outcome| *outcome == HostOutcome::Failed);
        AnswerFigures {
            p50_ms: quantile(50),
            p95_ms: quantile(95),
            errors: (self.0.len() >= LEAST).then(|| count(failed.count()) / count(self.0.len())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn pages_tell_the_time_and_all_requests_the_share_that_failed() {
        let mut answers = HostAnswers::default();
        for n in 1..=8 {
            answers.add(ms(n), HostOutcome::Page(ms(n * 100)));
        }
        answers.add(ms(9), HostOutcome::Failed);
        answers.add(ms(9), HostOutcome::Other);
        let told = answers.figures(ms(10));
        let expected = AnswerFigures {
            p50_ms: Some(500.0),
            p95_ms: Some(800.0),
            errors: Some(0.1),
        };
        assert_eq!(told, expected);
    }

    #[test]
    fn a_few_requests_tell_nothing_and_old_ones_are_forgotten() {
        let mut answers = HostAnswers::default();
        for _ in 0..4 {
            answers.add(ms(1), HostOutcome::Failed);
        }
        assert_eq!(answers.figures(ms(2)), AnswerFigures::default());
        answers.add(ms(70_000), HostOutcome::Failed);
        assert_eq!(answers.figures(ms(70_000)), AnswerFigures::default());
    }

    #[test]
    fn a_busy_host_is_told_by_its_latest_requests() {
        let mut answers = HostAnswers::default();
        for n in 0..1_000 {
            let failed = n < 1_000 - KEPT;
            let outcome = if failed {
                HostOutcome::Failed
            } else {
                HostOutcome::Page(ms(7))
            };
            answers.add(ms(1), outcome);
        }
        let told = answers.figures(ms(2));
        assert_eq!((told.p95_ms, told.errors), (Some(7.0), Some(0.0)));
    }
}
