//! What a host's breaker, pace and robots.txt say before a page of it is asked for.

use std::{sync::Arc, time::Duration};

use super::{
    Tried,
    requests::{self, MayAsk, Request},
};
use crate::{
    feed::frame::{Detail, Fault},
    message::{
        orders::Purpose,
        store_verbs::{Evidence, PageEnd, StoreVerb},
    },
    model::{
        class::{ErrorClass, WaitReason},
        host_key::HostKey,
        ids::{HostId, SessionId},
        page_url::PageUrl,
    },
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
/// A host that cannot say when it may be asked is looked at again after this.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// Why a host and a session's profile for it are there.
const LOOKED_AT: &str = "a queue that is looked at has a host and an open session";
/// Two ticks are at least so far apart.
const TICK: Duration = Duration::from_millis(1);

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
    let Some(mut known) = crawl.host_mut(host) else {
        crawl.lines.hold_until(line, now, WaitReason::RobotsUnread);
        return Some(Tried::Held);
    };
    let robots = obeys.then(|| known.robots.clone());
    match MayAsk::of(&mut known, now) {
        MayAsk::Now => {}
        MayAsk::At(at, WaitReason::RetryAfter)
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
        MayAsk::At(at, why) => {
            crawl.lines.hold_until(line, at, why);
            return Some(Tried::Held);
        }
        MayAsk::Woken(why) => {
            crawl.lines.hold(line, why);
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
        RobotsKnown::Redirected { tries, hops, to } => {
            match follow(crawl, host, tries, hops, to) {
                Some(at) => crawl.lines.hold_until(line, at, WaitReason::RobotsUnread),
                None => crawl.lines.hold(line, WaitReason::RobotsUnread),
            }
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

/// Asks for a host's robots.txt.
fn ask_robots(crawl: &mut Crawl, host: HostId) {
    let mut known = crawl.host_mut(host).expect(LOOKED_AT);
    let tries = match known.robots {
        RobotsKnown::Unreachable { tries, .. } => tries,
        _ => 0,
    };
    known.robots = RobotsKnown::Asked { tries, hops: 0 };
    let url = robots_url(&known.key).as_str().into();
    send_robots(crawl, host, host, url, tries);
}

/// Asks where a robots.txt leads, if the host there may be asked; else when to look again. That host
/// need not be in scope (RFC 9309 §2.3.1.2): what is read counts for the host asked first, and no
/// credentials go there.
fn follow(crawl: &mut Crawl, host: HostId, tries: u32, hops: u16, to: PageUrl) -> Option<Duration> {
    let now = crawl.now();
    let key = url::Url::parse(&to).ok().and_then(|url| HostKey::of(&url));
    let key = key.expect("only http and https addresses are followed");
    let profile = crawl.profile_at(host).expect(LOOKED_AT);
    let session = profile.session;
    let target = crawl.host_of(&key, session);
    let Some(mut known) = crawl.host_mut(target) else {
        // It was met in this very tick.
        return Some(now + TICK);
    };
    match MayAsk::of(&mut known, now) {
        MayAsk::Now => {}
        MayAsk::At(at, _) => return Some(at),
        MayAsk::Woken(_) => return Some(now + LOOK_AGAIN),
    }
    let mut known = crawl.host_mut(host).expect(LOOKED_AT);
    known.robots = RobotsKnown::Asked { tries, hops };
    send_robots(crawl, host, target, to, tries);
    None
}

/// One request for the robots.txt of `host`, at the host where it is.
fn send_robots(crawl: &mut Crawl, host: HostId, at: HostId, url: PageUrl, tries: u32) {
    let profile = crawl.profile_at(host).expect(LOOKED_AT);
    let most = profile.first_byte_timeout;
    let first_byte = crawl.host_mut(at).map_or(most, |at| {
        at.pace.first_byte(most, tries, tries + 1 >= ROBOTS_TRIES)
    });
    let owner = Owner::Robots(host);
    let sent = requests::send(
        crawl,
        Request {
            owner,
            host: at,
            purpose: Purpose::Robots,
            url,
            profile,
            first_byte,
            flight: None,
        },
    );
    sent.expect("a reserve of slots is kept");
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
