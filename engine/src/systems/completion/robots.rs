//! robots.txt as a host's errand, and the probe of our own network.

use std::{sync::Arc, time::Duration};

use url::Url;

use crate::{
    message::{
        orders::{FetchOrder, Order, Purpose},
        reports::{Answer, Outcome},
    },
    model::{
        class::ErrorClass,
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
    if let Some(location) = redirect
        && matches!(owner, Owner::Robots(_))
        && follow(crawl, id, host, &location)
    {
        return;
    }
    crawl.release(id);
    crawl.slots.close(id);
    if matches!(owner, Owner::Probe(_)) {
        return;
    }
    match outcome {
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

/// Asks at the redirect's target; the rules apply to the host asked first.
fn follow(crawl: &mut Crawl, id: OrderId, host_id: HostId, location: &str) -> bool {
    let now = crawl.now();
    let Some(profile) = crawl.profile_at(host_id) else {
        return false;
    };
    let Some(mut host) = crawl.host_mut(host_id) else {
        return false;
    };
    let RobotsKnown::Asked { tries, hops } = host.robots else {
        return false;
    };
    let Some(url) = Url::parse(&robots_url(&host.key))
        .ok()
        .and_then(|base| base.join(location).ok())
        .filter(|url| hops < HOPS && matches!(url.scheme(), "http" | "https"))
    else {
        return false;
    };
    let hops = hops + 1;
    host.robots = RobotsKnown::Asked { tries, hops };
    let first_byte = (host.pace).first_byte(profile.first_byte_timeout, tries, false);
    host.pace.on_sent(now);
    let next = crawl.slots.renew(id, now);
    crawl.expect_by(next, now + profile.report_within());
    crawl.outbox.orders.push_back(Order::Fetch(FetchOrder {
        id: next,
        purpose: Purpose::Robots,
        url: url.as_str().into(),
        profile,
        first_byte,
        validators: None,
    }));
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
