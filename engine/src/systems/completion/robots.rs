//! A host's robots.txt, and the probe of our own network.

use std::{sync::Arc, time::Duration};

use bevy_ecs::system::{Res, ResMut};
use url::Url;

use super::{HostAnswered, RobotsReport};
use crate::{
    message::{
        orders::RequestProfile,
        reports::{Answer, Outcome},
    },
    model::{class::ErrorClass, host_key::HostKey},
    politeness::{
        HostSettings,
        breaker::Health,
        classify::{Verdict, by_status},
        pace::{Ceiling, Signal},
        robots::{Access, Robots, access},
    },
    systems::dispatch::{profile_at, robots_url},
    world::{
        clock::Clock,
        host::{Host, Hosts, RobotsKnown},
        host_queue::HostQueues,
        permits::Permits,
        queue::Queue,
        session::Sessions,
        settings::ActiveSettings,
        slots::Slots,
        timers::{Due, Timers},
    },
};

/// Redirects of a robots.txt that are followed (RFC 9309 §2.3.1.2 asks for five at least).
const HOPS: u16 = 5;

pub(super) fn read_robots(
    mut reports: ResMut<Queue<RobotsReport>>,
    mut hosts: Hosts,
    sessions: Sessions,
    mut slots: ResMut<Slots>,
    mut permits: ResMut<Permits>,
    mut host_queues: ResMut<HostQueues>,
    mut timers: ResMut<Timers>,
    mut answered: ResMut<Queue<HostAnswered>>,
    settings: Res<ActiveSettings>,
    clock: Res<Clock>,
) {
    let now = clock.now();
    while let Some(report) = reports.pop() {
        let sent = slots
            .get(report.id)
            .expect("a matched order is in flight")
            .sent;
        let asked = slots.release(report.id, &mut permits);
        let asked = asked.expect("a request holds a host's permit until its report");
        slots.close(report.id);
        let (signal, health, failed) = signals(&report.outcome);
        answered.push(HostAnswered {
            host: asked,
            sent,
            signal,
            health,
            failed,
        });
        if report.is_probe {
            continue;
        }
        let profile = profile_at(report.host, &host_queues, &sessions);
        let mut host = hosts
            .get_mut(report.host)
            .expect("only admitted hosts are asked");
        host.robots = known(
            &host,
            report.outcome,
            profile.as_deref(),
            &settings.0.host,
            now,
        );
        match &host.robots {
            RobotsKnown::Unreachable { again, .. } => timers.set(*again, Due::Host(host.id)),
            RobotsKnown::Read { rules, .. } => {
                let cap = settings.0.host.max_crawl_delay;
                let ceiling = Ceiling {
                    crawl_delay: rules.crawl_delay().map(|delay| delay.min(cap)),
                    ..*host.pace.ceiling()
                };
                host.pace.set_ceiling(ceiling);
            }
            _ => {}
        }
        host_queues.wake_host(report.host, now);
    }
}

/// What is known of a robots.txt after this.
fn known(
    host: &Host,
    outcome: Outcome,
    profile: Option<&RequestProfile>,
    settings: &HostSettings,
    now: Duration,
) -> RobotsKnown {
    let read = |rules: Robots| RobotsKnown::Read {
        rules: Arc::new(rules),
        until: now + settings.robots_ttl,
    };
    match outcome {
        Outcome::Answered(answer) => {
            // Asked for where it leads, once that host may be asked.
            if let Some(redirected) = leads_on(host, &answer) {
                return redirected;
            }
            let status = answer.head.status;
            if access(status) == Access::Nothing {
                return unreachable(
                    host,
                    format!("robots.txt answered with status {status}"),
                    now,
                );
            }
            let agent = profile.map(|profile| profile.user_agent.as_str());
            read(Robots::from_answer(
                status,
                &answer.body,
                agent.unwrap_or_default(),
            ))
        }
        // The guard refuses the pages too, with its own message for each.
        Outcome::FetchFailed(failure) if failure.class == ErrorClass::UnsafeAddress => {
            read(Robots::allow_all())
        }
        Outcome::FetchFailed(failure) => unreachable(host, failure.message, now),
        _ => RobotsKnown::Unread,
    }
}

fn signals(outcome: &Outcome) -> (Signal, Health, Option<ErrorClass>) {
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

/// Where a redirect leads that is followed: it is asked for there once that host may be asked.
fn leads_on(host: &Host, answer: &Answer) -> Option<RobotsKnown> {
    let Verdict::Redirect(location) = by_status(&answer.head) else {
        return None;
    };
    let RobotsKnown::Asked { tries, hops } = host.robots else {
        return None;
    };
    let base = Url::parse(&robots_url(&host.key)).ok()?;
    let to = base.join(&location).ok()?;
    (hops < HOPS && HostKey::of(&to).is_some()).then(|| RobotsKnown::Redirected {
        tries,
        hops: hops + 1,
        to: to.as_str().into(),
    })
}

/// Nothing is allowed for now; asked again after 1, 2, 4, 5, 5, … seconds.
fn unreachable(host: &Host, why: String, now: Duration) -> RobotsKnown {
    let tries = match host.robots {
        RobotsKnown::Asked { tries, .. } => tries + 1,
        _ => 1,
    };
    let again = now + Duration::from_secs((1 << (tries - 1).min(3)).min(5));
    RobotsKnown::Unreachable { again, tries, why }
}
