//! A host's robots.txt, and the probe of our own network.

use std::{sync::Arc, time::Duration};

use url::Url;

use crate::{
    message::reports::{Answer, Outcome},
    model::{
        class::ErrorClass,
        host_key::HostKey,
        ids::{HostId, OrderId},
    },
    politeness::{
        breaker::Health,
        classify::{Verdict, by_status},
        pace::{Ceiling, Signal},
        robots::{Access, Robots, access},
    },
    systems::crawl::{Crawl, robots_url},
    world::{host::RobotsKnown, slots::Owner, timers::Due},
};

/// Redirects of a robots.txt that are followed (RFC 9309 §2.3.1.2 asks for five at least).
const HOPS: u16 = 5;

/// A robots.txt, or a probe, came back.
pub(super) fn answered(
    crawl: &mut Crawl,
    id: OrderId,
    owner: Owner,
    host: HostId,
    outcome: Outcome,
) {
    let (signal, health, failed) = speaks(&outcome);
    crawl.heard(id, signal, health, failed);
    let redirect = match &outcome {
        Outcome::Answered(answer) => match by_status(&answer.head) {
            Verdict::Redirect(location) => Some(location),
            _ => None,
        },
        _ => None,
    };
    let is_followed = matches!(owner, Owner::Robots(_))
        && redirect.is_some_and(|location| leads_on(crawl, host, &location));
    crawl.release(id);
    crawl.slots.close(id);
    if matches!(owner, Owner::Probe(_)) {
        return;
    }
    match outcome {
        // Asked for where it leads, once that host may be asked.
        _ if is_followed => {}
        Outcome::Answered(answer) => read(crawl, host, &answer),
        // The guard refuses the pages too, with its own message for each.
        Outcome::FetchFailed(failure) if failure.class == ErrorClass::UnsafeAddress => {
            know(crawl, host, Robots::allow_all());
        }
        Outcome::FetchFailed(failure) => unreachable(crawl, host, failure.message),
        _ => {
            if let Some(mut host) = crawl.host_mut(host) {
                host.robots = RobotsKnown::Unread;
            }
        }
    }
    let now = crawl.now();
    crawl.lines.wake_host(host, now);
}

fn speaks(outcome: &Outcome) -> (Signal, Health, Option<ErrorClass>) {
    match outcome {
        Outcome::Answered(answer) => match by_status(&answer.head) {
            Verdict::Throttle { after } => (Signal::Throttled(after), Health::Neutral, None),
            _ if answer.head.status >= 500 => (Signal::Neutral, Health::Bad, None),
            _ => (Signal::Neutral, Health::Good, None),
        },
        Outcome::FetchFailed(failure) if failure.class.is_host_failure() => {
            (Signal::Neutral, Health::Bad, Some(failure.class))
        }
        Outcome::FetchFailed(failure) => (Signal::Neutral, Health::Neutral, Some(failure.class)),
        _ => (Signal::Neutral, Health::Neutral, Some(ErrorClass::Aborted)),
    }
}

/// Whether a redirect is followed: it is asked for at its target once that host may be asked.
fn leads_on(crawl: &mut Crawl, host: HostId, location: &str) -> bool {
    let Some(mut known) = crawl.host_mut(host) else {
        return false;
    };
    let RobotsKnown::Asked { tries, hops } = known.robots else {
        return false;
    };
    let base = Url::parse(&robots_url(&known.key)).ok();
    let to = base.and_then(|base| base.join(location).ok());
    let Some(to) = to.filter(|to| hops < HOPS && HostKey::of(to).is_some()) else {
        return false;
    };
    known.robots = RobotsKnown::Redirected {
        tries,
        hops: hops + 1,
        to: to.as_str().into(),
    };
    true
}

fn read(crawl: &mut Crawl, host: HostId, answer: &Answer) {
    let status = answer.head.status;
    if access(status) == Access::Nothing {
        let why = format!("robots.txt answered with status {status}");
        unreachable(crawl, host, why);
        return;
    }
    let agent = crawl
        .profile_at(host)
        .map(|profile| profile.user_agent.clone())
        .unwrap_or_default();
    let rules = Robots::from_answer(status, &answer.body, &agent);
    know(crawl, host, rules);
}

fn know(crawl: &mut Crawl, host: HostId, rules: Robots) {
    let now = crawl.now();
    let cap = crawl.settings.0.host.max_crawl_delay;
    let ttl = crawl.settings.0.host.robots_ttl;
    let Some(mut host) = crawl.host_mut(host) else {
        return;
    };
    let ceiling = Ceiling {
        crawl_delay: rules.crawl_delay().map(|delay| delay.min(cap)),
        ..*host.pace.ceiling()
    };
    host.pace.set_ceiling(ceiling);
    host.robots = RobotsKnown::Read {
        rules: Arc::new(rules),
        until: now + ttl,
    };
}

/// Nothing is allowed for now; asked again after 1, 2, 4, 5, 5, … seconds.
fn unreachable(crawl: &mut Crawl, host_id: HostId, why: String) {
    let now = crawl.now();
    let Some(mut host) = crawl.host_mut(host_id) else {
        return;
    };
    let tries = match host.robots {
        RobotsKnown::Asked { tries, .. } => tries + 1,
        _ => 1,
    };
    let again = now + Duration::from_secs((1 << (tries - 1).min(3)).min(5));
    host.robots = RobotsKnown::Unreachable { again, tries, why };
    crawl.timers.set(again, Due::Host(host_id));
}
