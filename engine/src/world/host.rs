//! Hosts: what sessions share of a server. Pace, breaker, robots.txt, budget.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use bevy_ecs::component::Component;

use crate::{
    model::{host_key::HostKey, ids::HostId, page_url::PageUrl},
    politeness::{breaker::Breaker, budget::RetryBudget, pace::Pace, robots::Robots},
};

/// One scheme, name and port.
#[derive(Component, Debug)]
pub struct Host {
    /// The store's number of it (or one of ours from the top, for a redirect's host).
    pub id: HostId,
    /// Scheme, name and port.
    pub key: HostKey,
    /// As shown.
    pub name: Arc<str>,
    /// How fast.
    pub pace: Pace,
    /// Whether at all.
    pub breaker: Breaker,
    /// What its robots.txt says.
    pub robots: RobotsKnown,
    /// Retries it may get.
    pub budget: RetryBudget,
    /// When the last requests were sent, at most ten seconds back.
    pub recent: VecDeque<Duration>,
    /// Requests sent.
    pub sent: u64,
}

/// What is known of a robots.txt.
#[derive(Debug, Clone, Default)]
pub enum RobotsKnown {
    /// Not read yet.
    #[default]
    Unread,
    /// Being read: tries so far, hops so far.
    Asked {
        /// Failed tries so far.
        tries: u32,
        /// Redirects followed.
        hops: u16,
    },
    /// Leads on: asked for there as soon as that host may be asked.
    Redirected {
        /// Failed tries so far.
        tries: u32,
        /// Redirects followed, with this one.
        hops: u16,
        /// An http or https address.
        to: PageUrl,
    },
    /// Could not be read: asked again at this time.
    Unreachable {
        /// When.
        again: Duration,
        /// Failed tries so far.
        tries: u32,
        /// What happened.
        why: String,
    },
    /// Read.
    Read {
        /// Its rules.
        rules: Arc<Robots>,
        /// When it is read again.
        until: Duration,
    },
}

impl Host {
    /// Requests a second over the last ten seconds.
    pub fn rate(&mut self, now: Duration) -> f64 {
        let since = now.saturating_sub(Duration::from_secs(10));
        while self.recent.front().is_some_and(|sent| *sent < since) {
            self.recent.pop_front();
        }
        let span = now.min(Duration::from_secs(10)).as_secs_f64().max(1.0);
        crate::model::numbers::count(self.recent.len()) / span
    }
}
