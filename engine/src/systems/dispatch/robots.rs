//! robots.txt before pages: read, waited for, followed where it leads, and obeyed.

use std::{sync::Arc, time::Duration};

use super::send::{MayAsk, Request};
use crate::{
    message::orders::{Purpose, RequestProfile},
    model::{host_key::HostKey, ids::HostId, page_url::PageUrl},
    world::{
        host::{Host, Hosts, RobotsKnown},
        host_queue::HostQueues,
        session::Sessions,
        slots::Owner,
    },
};

/// Failed tries of a robots.txt after which its host's tasks fail.
const TRIES: u32 = 3;
/// A host that cannot say when it may be asked is looked at again after this.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// Two ticks are at least so far apart.
const TICK: Duration = Duration::from_millis(1);
/// Why a host and a session's profile for it are there.
const LOOKED_AT: &str = "a queue that is looked at has a host and an open session";

/// Where a host's robots.txt is.
pub(in crate::systems) fn robots_url(host: &HostKey) -> String {
    let name = if host.name.contains(':') {
        format!("[{}]", host.name)
    } else {
        host.name.clone()
    };
    format!("{}://{}:{}/robots.txt", host.scheme, name, host.port)
}

/// How a session that has tasks at this host asks.
pub(in crate::systems) fn profile_at(
    host: HostId,
    host_queues: &HostQueues,
    sessions: &Sessions,
) -> Option<Arc<RequestProfile>> {
    let queues = host_queues.at_host(host);
    let mut own = queues
        .iter()
        .map(|id| sessions.get(host_queues.get(*id).session));
    let session = own.find(|session| !session.is_over())?;
    Some(Arc::clone(&session.profile))
}

/// What stands between a queue's first page and its request.
pub(super) enum Robots {
    /// Read: the page is asked for as its rules say.
    Read,
    /// The queue is looked at again then, or when something wakes its host.
    Wait(Option<Duration>),
    /// Nothing of the host may be fetched in this run.
    Unreadable(String),
    /// It has to be asked for, where it is, and is waited for.
    Ask,
}

impl Robots {
    pub(super) fn of(known: &RobotsKnown, now: Duration) -> Self {
        match known {
            RobotsKnown::Read { until, .. } if *until > now => Self::Read,
            RobotsKnown::Asked { .. } => Self::Wait(None),
            RobotsKnown::Unreachable { again, tries, why } if *again > now => {
                if *tries >= TRIES {
                    Self::Unreadable(format!(
                        "nothing of this host is fetched while its robots.txt is unreadable: {why}"
                    ))
                } else {
                    Self::Wait(Some(*again))
                }
            }
            RobotsKnown::Unread
            | RobotsKnown::Redirected { .. }
            | RobotsKnown::Unreachable { .. }
            | RobotsKnown::Read { .. } => Self::Ask,
        }
    }
}

/// The request for a host's robots.txt, where it is; or when to look again. Where it leads to
/// another host, that need not be in scope (RFC 9309 §2.3.1.2): what is read counts for the host
/// asked first, and no credentials go there.
pub(super) fn ask(
    id: HostId,
    hosts: &mut Hosts,
    profile: Arc<RequestProfile>,
    now: Duration,
) -> Result<Request, Duration> {
    let host = hosts.get(id).expect(LOOKED_AT);
    let (at, url, tries, hops) = match &host.robots {
        RobotsKnown::Redirected { tries, hops, to } => {
            let (to, tries, hops) = (to.clone(), *tries, *hops);
            let key = url::Url::parse(&to).ok().and_then(|url| HostKey::of(&url));
            let key = key.expect("only http and https addresses are followed");
            let at = hosts.index.id_of(&key, profile.session);
            // One that is seen for the first time is admitted in the next tick.
            let target = hosts.get(at).ok_or(now + TICK)?;
            match MayAsk::of(target, now) {
                MayAsk::Now => {}
                MayAsk::At(at, _) => return Err(at),
                MayAsk::Woken(_) => return Err(now + LOOK_AGAIN),
            }
            (at, to, tries, hops)
        }
        RobotsKnown::Unreachable { tries, .. } => (id, own(host), *tries, 0),
        _ => (id, own(host), 0, 0),
    };
    let most = profile.first_byte_timeout;
    let pace = &hosts.get(at).expect(LOOKED_AT).pace;
    let first_byte = pace.first_byte(most, tries, tries + 1 >= TRIES);
    let mut host = hosts.get_mut(id).expect(LOOKED_AT);
    host.robots = RobotsKnown::Asked { tries, hops };
    Ok(Request {
        owner: Owner::Robots(id),
        host: at,
        purpose: Purpose::Robots,
        url,
        first_byte,
        profile,
        flight: None,
    })
}

fn own(host: &Host) -> PageUrl {
    robots_url(&host.key).as_str().into()
}

/// Whether the rules that were read forbid an absolute URL.
pub(super) fn is_disallowed(host: &Host, url: &str) -> bool {
    match &host.robots {
        RobotsKnown::Read { rules, .. } => !rules.allows(path_of(url)),
        _ => false,
    }
}

/// An absolute URL from its path on.
fn path_of(url: &str) -> &str {
    let slashes = url.bytes().enumerate().filter(|(_, byte)| *byte == b'/');
    slashes.map(|(at, _)| &url[at..]).nth(2).unwrap_or("/")
}
