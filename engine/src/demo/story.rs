//! The demo as a story for people who watch: calm, a slow host, an outage that trips a breaker, a
//! tail of retries, the end. Acts begin and end at fixed times after the first request; which host
//! each one befalls, and which of its requests, comes from the seed.

use std::time::Duration;

use super::{
    chance::Dice,
    config::{DemoConfig, Script},
};

/// What a host suffers during an act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Its answers take `SLOWNESS` times as long.
    Slow,
    /// It answers every page with 503.
    Outage,
    /// It answers a share `FLAKY` of its pages with an error.
    Flaky,
}

impl Trouble {
    /// Answers take so many times as long.
    pub(super) const fn slowness(self) -> f64 {
        match self {
            Self::Slow => 9.0,
            Self::Outage | Self::Flaky => 1.0,
        }
    }

    /// The share of requests that fail, where it is another than the demo's own.
    pub(super) const fn error_rate(self) -> Option<f64> {
        match self {
            Self::Slow => None,
            Self::Outage => Some(1.0),
            Self::Flaky => Some(0.3),
        }
    }
}

/// A trouble, whom it befalls, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Act {
    /// What happens in it.
    pub trouble: Trouble,
    /// To which host, by its place among `DemoConfig::host_names`.
    pub host: usize,
    /// Seconds after the first request at which it begins.
    pub from: u64,
    /// Seconds after the first request at which it is over.
    pub to: u64,
}

impl Act {
    fn is_on(&self, at: Duration) -> bool {
        (self.from..self.to).contains(&at.as_secs())
    }
}

/// Hosts of a story.
const HOSTS: u32 = 5;

/// The acts of a story with this seed, in the order of their beginnings; each befalls another host.
#[must_use]
pub fn acts(seed: u64) -> [Act; 3] {
    let hosts = HOSTS as usize;
    let first = Dice::new(seed, "story").below(hosts);
    let act = |at: usize, trouble, (from, to)| Act {
        trouble,
        host: (first + 2 * at) % hosts,
        from,
        to,
    };
    [
        act(0, Trouble::Slow, (13, 38)),
        act(1, Trouble::Outage, (26, 33)),
        act(2, Trouble::Flaky, (44, 62)),
    ]
}

/// What befalls a host so long after the first request.
pub(super) fn trouble(seed: u64, host: usize, at: Duration) -> Option<Trouble> {
    let acts = acts(seed).into_iter();
    let mut on = acts.filter(|act| act.host == host && act.is_on(at));
    on.next().map(|act| act.trouble)
}

/// Settings with which the story takes about a minute: a breaker trips, and closes again, while one
/// watches.
pub const SETTINGS: [(&str, &str); 4] = [
    ("breaker.window", "16"),
    ("breaker.min_sample", "8"),
    ("breaker.open_for", "8s"),
    ("politeness.max_rate", "8/s"),
];

/// The story with this seed.
#[must_use]
pub fn config(seed: u64) -> DemoConfig {
    DemoConfig {
        script: Script::Story,
        products: 1_650,
        seed,
        latency_ms: 140,
        error_rate: 0.004,
        hosts: HOSTS,
        ..DemoConfig::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_seed_has_the_same_acts_at_the_same_times_on_three_different_hosts() {
        for seed in 0..50 {
            let acts = acts(seed);
            let times = acts.map(|act| (act.trouble, act.from, act.to));
            assert_eq!(
                times,
                super::acts(1).map(|act| (act.trouble, act.from, act.to))
            );
            let [a, b, c] = acts.map(|act| act.host);
            assert!(a != b && b != c && a != c, "{acts:?}");
        }
    }

    #[test]
    fn an_act_befalls_its_host_from_its_beginning_to_its_end() {
        let [slow, ..] = acts(7);
        let at = |seconds| trouble(7, slow.host, Duration::from_secs(seconds));
        assert_eq!(at(slow.from - 1), None);
        assert_eq!(at(slow.from), Some(Trouble::Slow));
        assert_eq!(at(slow.to - 1), Some(Trouble::Slow));
        assert_eq!(at(slow.to), None);
        let other = (slow.host + 1) % HOSTS as usize;
        assert_eq!(trouble(7, other, Duration::from_secs(slow.from)), None);
    }
}
