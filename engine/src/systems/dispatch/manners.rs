//! Manners: what a host's breaker, pace and robots.txt say before anything is sent to it.

use std::{sync::Arc, time::Duration};

use super::Tried;
use crate::{
    feed::frame::{Detail, Fault},
    message::{
        orders::{FetchOrder, Order, Purpose, RequestProfile},
        store_verbs::{Evidence, PageEnd, StoreVerb},
    },
    model::{
        class::{ErrorClass, WaitReason},
        ids::{HostId, OrderId, SessionId},
    },
    politeness::{breaker::Permission, pace::When},
    systems::crawl::{Crawl, robots_url},
    world::{
        host::RobotsKnown,
        host_queue::LineId,
        slots::{Flight, Owner},
        state::TaskState,
    },
};

/// Failed tries of a robots.txt after which its host's tasks fail.
const ROBOTS_TRIES: u32 = 3;

/// What the host's robots.txt, breaker and pace say; `None` where a request may go out.
pub(super) fn ask(
    crawl: &mut Crawl,
    session: SessionId,
    line: LineId,
    host: HostId,
) -> Option<Tried> {
    let now = crawl.now();
    let obeys = crawl
        .session(session)
        .is_some_and(|session| session.site.politeness.robots.unwrap_or(true));
    let Some(known) = crawl.host_mut(host) else {
        crawl.lines.hold_until(line, now, WaitReason::RobotsUnread);
        return Some(Tried::Held);
    };
    let robots = obeys.then(|| known.robots.clone());
    match known.breaker.permit(now) {
        Permission::Yes | Permission::Probe => {}
        Permission::Until(until) if until == Duration::MAX => {
            crawl.lines.hold(line, WaitReason::Breaker);
            return Some(Tried::Held);
        }
        Permission::Until(until) => {
            crawl.lines.hold_until(line, until, WaitReason::Breaker);
            return Some(Tried::Held);
        }
        Permission::ProbesOut => {
            crawl.lines.hold(line, WaitReason::Breaker);
            return Some(Tried::Held);
        }
    }
    match known.pace.next_allowed(now) {
        When::Now => {}
        When::At(at, WaitReason::RetryAfter)
            if at.saturating_sub(now) > crawl.settings.0.retry.max_retry_after =>
        {
            let hours = crawl.settings.0.retry.max_retry_after.as_secs() / 3600;
            let why = format!(
                "the host asks to be left alone for more than {hours} h; resume the crawl later"
            );
            fail_first(crawl, line, ErrorClass::HostParked, why);
            super::rearm(crawl, line);
            return Some(Tried::Went);
        }
        When::At(at, why) => {
            crawl.lines.hold_until(line, at, why);
            return Some(Tried::Held);
        }
        When::Full => {
            crawl.lines.hold(line, WaitReason::HostLimit);
            return Some(Tried::Held);
        }
    }
    match robots? {
        RobotsKnown::Read { until, .. } if until > now => None,
        RobotsKnown::Asked { .. } => {
            crawl.lines.hold(line, WaitReason::RobotsUnread);
            Some(Tried::Held)
        }
        RobotsKnown::Unreachable { again, tries, why } if again > now => {
            if tries >= ROBOTS_TRIES {
                let why = format!(
                    "nothing of this host is fetched while its robots.txt is unreadable: {why}"
                );
                fail_first(crawl, line, ErrorClass::Robots, why);
                super::rearm(crawl, line);
                return Some(Tried::Went);
            }
            crawl
                .lines
                .hold_until(line, again, WaitReason::RobotsUnread);
            Some(Tried::Held)
        }
        RobotsKnown::Unread | RobotsKnown::Unreachable { .. } | RobotsKnown::Read { .. } => {
            ask_robots(crawl, host);
            crawl.lines.hold(line, WaitReason::RobotsUnread);
            Some(Tried::Held)
        }
    }
}

/// queued → failed: nothing of this host may be fetched in this run.
fn fail_first(crawl: &mut Crawl, line: LineId, class: ErrorClass, message: String) {
    let Some((_, entity)) = crawl.lines.get_mut(line).pop() else {
        return;
    };
    let Some((task, tries)) = crawl.moves.identity(entity).zip(crawl.moves.tries(entity)) else {
        return;
    };
    if !matches!(crawl.moves.of(entity), Some(TaskState::Queued)) {
        return;
    }
    let end = PageEnd::Failed {
        evidence: Evidence {
            message: message.clone(),
            ..Evidence::default()
        },
        records: Vec::new(),
        links: Vec::new(),
    };
    let now = crawl.now();
    let failure = Some((class, message.clone()));
    let attempt = Flight::begun(now).attempt(now, tries.dispatched, failure);
    let end = crawl.end_of(&task, tries, Some(attempt), end);
    crawl.write(Owner::End(task.session), StoreVerb::End(end));
    let fault = Fault {
        class,
        message: Arc::from(message),
        retry_at_us: None,
    };
    crawl.moves.make(
        entity,
        TaskState::Failed(class),
        Detail::Error(Box::new(fault)),
    );
    crawl.retire(entity);
}

fn ask_robots(crawl: &mut Crawl, host: HostId) {
    let Some(profile) = crawl.profile_at(host) else {
        return;
    };
    if let Some(mut known) = crawl.host_mut(host) {
        let tries = match known.robots {
            RobotsKnown::Unreachable { tries, .. } => tries,
            _ => 0,
        };
        known.robots = RobotsKnown::Asked { tries, hops: 0 };
    }
    errand(crawl, Owner::Robots(host), host, Purpose::Robots, profile);
}

/// A host's own request: same permits, pace and guard, but no task.
pub(super) fn errand(
    crawl: &mut Crawl,
    owner: Owner,
    host: HostId,
    purpose: Purpose,
    profile: Arc<RequestProfile>,
) {
    let now = crawl.now();
    let most = profile.first_byte_timeout;
    let Some((url, first_byte)) = crawl.host_mut(host).map(|known| {
        let first_byte = match known.robots {
            RobotsKnown::Asked { tries, .. } if purpose == Purpose::Robots => {
                (known.pace).first_byte(most, tries, tries + 1 >= ROBOTS_TRIES)
            }
            _ => most,
        };
        (robots_url(&known.key), first_byte)
    }) else {
        return;
    };
    let Some(id) = crawl.slots.open(owner, now) else {
        return;
    };
    take_permits(crawl, id, host);
    crawl.expect_by(id, now + profile.report_within());
    crawl.outbox.orders.push_back(Order::Fetch(FetchOrder {
        id,
        purpose,
        url: url.as_str().into(),
        profile,
        first_byte,
        validators: None,
    }));
}

/// An http permit, the host's place, and its breaker's probe.
pub(super) fn take_permits(crawl: &mut Crawl, id: OrderId, host: HostId) {
    let now = crawl.now();
    crawl.permits.http.take(1);
    if let Some(busy) = crawl.slots.get_mut(id) {
        busy.http = Some(host);
    }
    let Some(mut known) = crawl.host_mut(host) else {
        return;
    };
    known.pace.on_sent(now);
    known.sent += 1;
    known.recent.push_back(now);
    if known.recent.len() > 100_000 {
        known.recent.pop_front();
    }
    if let Some(moved) = known.breaker.on_sent(now) {
        crawl.tell_breaker(host, moved.to, moved.until);
    }
}

pub(super) fn is_disallowed(crawl: &Crawl, host: HostId, session: SessionId, url: &str) -> bool {
    let obeys = crawl
        .session(session)
        .is_some_and(|session| session.site.politeness.robots.unwrap_or(true));
    if !obeys {
        return false;
    }
    let Some(RobotsKnown::Read { rules, .. }) = crawl.host(host).map(|host| &host.robots) else {
        return false;
    };
    !rules.allows(path_of(url))
}

/// An absolute URL from its path on.
fn path_of(url: &str) -> &str {
    let slashes = url.bytes().enumerate().filter(|(_, byte)| *byte == b'/');
    slashes.map(|(at, _)| &url[at..]).nth(2).unwrap_or("/")
}
