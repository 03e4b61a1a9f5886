//! What hosts may expect: their pace, their Retry-After, a rest while the breaker is open, what their
//! robots.txt forbids, few requests at once. Read from the scenario, not from the engine.

use std::{collections::BTreeMap, time::Duration};

use crawlfield_engine::{
    engine::Engine, message::orders::Purpose, model::phase::BreakerPhase, settings::Settings,
    site::compiled::Site,
};

use super::that;
use crate::{backend::Backend, scenario::Scenario};

/// What was promised to hosts, and what was sent to them.
#[derive(Debug, Default)]
pub(super) struct Politeness {
    max_rate: BTreeMap<String, f64>,
    max_in_flight: BTreeMap<String, usize>,
    denied: Vec<(String, String)>,
    crawl_delay: BTreeMap<String, Duration>,
    breakers: BTreeMap<String, BreakerPhase>,
    parked: BTreeMap<String, Duration>,
    /// The same of single pages.
    back: BTreeMap<String, Duration>,
    sent: BTreeMap<String, Vec<Duration>>,
    asked: usize,
    answered: usize,
}

impl Politeness {
    pub(super) fn meet(&mut self, scenario: &Scenario, site: &Site, settings: &Settings) {
        let politeness = &site.politeness;
        let rate = politeness.max_rate.unwrap_or(settings.host.max_rate);
        let in_flight = match (politeness.max_in_flight, politeness.max_rate) {
            (Some(limit), _) => limit,
            (None, Some(_)) => settings.http_permits,
            (None, None) => settings.host.max_in_flight,
        };
        for host in &site.scope.hosts {
            let lowest = self.max_rate.entry(host.clone()).or_insert(rate);
            *lowest = lowest.min(rate);
            let lowest = self
                .max_in_flight
                .entry(host.clone())
                .or_insert(in_flight as usize);
            *lowest = (*lowest).min(in_flight as usize);
        }
        if politeness.robots == Some(false) {
            return;
        }
        for (host, replies) in &scenario.robots {
            for line in replies.last().map_or("", |reply| reply.text()).lines() {
                if let Some(path) = line.strip_prefix("Disallow: /") {
                    let prefix = format!("http://{host}/{path}");
                    self.denied.push((host.clone(), prefix));
                }
                if let Some(delay) = line.strip_prefix("Crawl-delay: ") {
                    let delay = delay.parse().expect("scripts give whole seconds");
                    self.crawl_delay
                        .insert(host.clone(), Duration::from_secs(delay));
                }
            }
        }
    }

    pub(super) fn restart(&mut self) {
        self.breakers.clear();
        self.parked.clear();
        self.back.clear();
        self.sent.clear();
    }

    pub(super) fn breaker_moved(&mut self, host: &str, to: BreakerPhase) {
        self.breakers.insert(host.to_owned(), to);
    }

    /// All that was asked since the last check, and what is out.
    pub(super) fn check(
        &mut self,
        now: Duration,
        engine: &Engine,
        backend: &Backend,
        loosened: bool,
    ) -> Result<(), String> {
        self.read_answers(engine, backend);
        self.check_requests(now, backend, loosened)?;
        self.check_in_flight(engine, backend, loosened)
    }

    /// Pages and hosts are parked from the moment their Retry-After is reported; hosts that refuse
    /// at any speed are not.
    fn read_answers(&mut self, engine: &Engine, backend: &Backend) {
        for answer in &backend.answered[self.answered..] {
            if let Some(after) = answer.retry_after {
                let until = answer.at.saturating_add(after);
                let parked = self.parked.entry(answer.host.clone()).or_default();
                *parked = (*parked).max(until);
                self.back.insert(answer.url.clone(), until);
            }
        }
        self.answered = backend.answered.len();
        for host in engine.hosts() {
            if host.pace.refuses_at_any_speed().is_some() {
                self.parked.remove(&host.key.name);
            }
        }
    }

    fn check_requests(
        &mut self,
        now: Duration,
        backend: &Backend,
        loosened: bool,
    ) -> Result<(), String> {
        for asked in &backend.asked[self.asked..] {
            let (host, url) = (&asked.host, &asked.url);
            if let Some(until) = self.parked.get(host) {
                that(now >= *until, || {
                    format!("{url} was asked before the host's Retry-After ended at {until:?}")
                })?;
            }
            if let Some(until) = self.back.get(url) {
                that(now >= *until, || {
                    format!("{url} was asked before its own Retry-After ended at {until:?}")
                })?;
            }
            if asked.purpose != Purpose::Probe {
                that(self.breakers.get(host) != Some(&BreakerPhase::Open), || {
                    format!("{url} was asked while the breaker was open")
                })?;
            }
            let denied = self.denied.iter();
            let denied = denied.filter(|(of, _)| of == host);
            for (_, prefix) in denied {
                that(
                    asked.purpose != Purpose::Page || !url.starts_with(prefix.as_str()),
                    || format!("{url} was asked against robots.txt"),
                )?;
            }
            let gap = self.gap(host, asked.purpose);
            let sent = self.sent.entry(host.clone()).or_default();
            sent.push(now);
            if let (Some(gap), false) = (gap, loosened) {
                check_gap(host, sent, gap)?;
            }
        }
        self.asked = backend.asked.len();
        Ok(())
    }

    fn check_in_flight(
        &self,
        engine: &Engine,
        backend: &Backend,
        loosened: bool,
    ) -> Result<(), String> {
        let mut by_host: BTreeMap<&str, usize> = BTreeMap::new();
        for (id, host) in backend.out() {
            if engine.slots().get(*id).is_some() {
                *by_host.entry(host).or_default() += 1;
            }
        }
        for (host, n) in by_host {
            let most = self.max_in_flight.get(host).copied();
            that(loosened || most.is_none_or(|most| n <= most), || {
                format!("{n} requests in flight at {host}")
            })?;
        }
        Ok(())
    }

    /// The least time between two requests to a host, where it has one.
    fn gap(&self, host: &str, purpose: Purpose) -> Option<Duration> {
        let gap = Duration::from_secs_f64(1.0 / self.max_rate.get(host)?);
        let delay = self.crawl_delay.get(host).copied().unwrap_or_default();
        Some(if purpose == Purpose::Page {
            gap.max(delay)
        } else {
            gap
        })
    }
}

/// A host is never asked sooner than its gap after the last request. Below 50 ms the engine makes
/// up for coarse ticks by 10 ms, so there the gap is held over twenty requests.
fn check_gap(host: &str, sent: &[Duration], gap: Duration) -> Result<(), String> {
    let (back, slack) = if gap < Duration::from_millis(50) {
        (20, Duration::from_millis(12))
    } else {
        (1, Duration::from_micros(10))
    };
    let Some(from) = sent.len().checked_sub(back + 1) else {
        return Ok(());
    };
    let span = sent[sent.len() - 1].saturating_sub(sent[from]);
    let least = gap * u32::try_from(back).unwrap_or(1);
    that(span + slack >= least, || {
        format!("{back} requests to {host} within {span:?}, though its gap is {gap:?}")
    })
}
