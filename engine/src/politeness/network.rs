//! Our own network: whether it is down, told by local failures on several hosts at once.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use crate::model::{class::ErrorClass, ids::HostId};

/// Outcomes older than this do not count.
const WINDOW: Duration = Duration::from_secs(10);
/// Between two probes while offline.
const PROBE_EVERY: Duration = Duration::from_secs(5);
/// So many hosts must fail at once; a dead host is not a dead network.
const HOSTS: usize = 3;
/// Outcomes that are remembered, at most.
const MEMORY: usize = 4_096;
/// Failures that a crawl of one or two hosts must show, of both kinds, without any answer.
const FEW_HOSTS_FAILURES: usize = 6;

/// A change of our own network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NetworkChange {
    /// Dispatch rests; the attempts that failed locally since `since` are given back.
    WentOffline {
        /// Start of the window that showed it.
        since: Duration,
    },
    /// An answer came: dispatch goes on.
    BackOnline,
}

/// What an outcome says of our own network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trace {
    Answered,
    Dns,
    Connect,
}

/// Watches all hosts' outcomes; online, with nothing seen, by default.
#[derive(Debug, Clone, Default)]
pub struct Offline {
    outcomes: VecDeque<(Duration, HostId, Trace)>,
    next_probe: Option<Duration>,
}

impl Offline {
    /// Whether our network is down: nothing is dispatched then.
    #[must_use]
    pub const fn is_offline(&self) -> bool {
        self.next_probe.is_some()
    }

    /// When the next probe is due, while offline.
    #[must_use]
    pub const fn next_probe(&self) -> Option<Duration> {
        self.next_probe
    }

    /// A probe went out: the next one follows five seconds later.
    pub fn on_probe_sent(&mut self, now: Duration) {
        if self.next_probe.is_some() {
            self.next_probe = Some(now.saturating_add(PROBE_EVERY));
        }
    }

    /// A request (or probe) to `host` ended: `None` for any answer, else what failed. Failures
    /// that need a connection (a reset, a time-out after it) prove nothing and are not counted.
    pub fn on_outcome(
        &mut self,
        now: Duration,
        host: HostId,
        failed: Option<ErrorClass>,
    ) -> Option<NetworkChange> {
        let trace = match failed {
            None => Trace::Answered,
            Some(ErrorClass::Dns) => Trace::Dns,
            Some(class) if class.is_local_origin() => Trace::Connect,
            Some(_) => return None,
        };
        if trace == Trace::Answered && self.next_probe.take().is_some() {
            self.outcomes.clear();
            return Some(NetworkChange::BackOnline);
        }
        self.outcomes.push_back((now, host, trace));
        let oldest = now.saturating_sub(WINDOW);
        while self.outcomes.len() > MEMORY
            || self.outcomes.front().is_some_and(|(at, ..)| *at < oldest)
        {
            self.outcomes.pop_front();
        }
        if trace == Trace::Answered || self.is_offline() || !self.looks_down() {
            return None;
        }
        self.next_probe = Some(now.saturating_add(PROBE_EVERY));
        Some(NetworkChange::WentOffline { since: oldest })
    }

    /// At least half of all failed locally, on three hosts that gave no answer since they failed;
    /// or, where fewer hosts are active, nothing answered and names and connections failed alike.
    fn looks_down(&self) -> bool {
        let mut last = BTreeMap::new();
        for (_, host, trace) in &self.outcomes {
            last.insert(*host, *trace);
        }
        let count = |wanted: Trace| {
            self.outcomes
                .iter()
                .filter(|(.., trace)| *trace == wanted)
                .count()
        };
        let (answered, dns, connect) = (
            count(Trace::Answered),
            count(Trace::Dns),
            count(Trace::Connect),
        );
        let failed = dns + connect;
        if last.len() < HOSTS {
            return answered == 0 && dns > 0 && connect > 0 && failed >= FEW_HOSTS_FAILURES;
        }
        let down = last
            .values()
            .filter(|trace| **trace != Trace::Answered)
            .count();
        down >= HOSTS && failed >= answered
    }
}

#[cfg(test)]
mod tests;
