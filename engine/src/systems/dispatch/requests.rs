//! The one way in which a request leaves: pages, robots.txt, its redirects and probes alike take the
//! permits of the host that is asked, are watched until a deadline, and go out as one order.

use std::{sync::Arc, time::Duration};

use crate::{
    message::orders::{FetchOrder, Order, Purpose, RequestProfile},
    model::{
        class::WaitReason,
        ids::{HostId, OrderId},
        page_url::PageUrl,
    },
    politeness::{breaker::Permission, pace::When},
    systems::crawl::Crawl,
    world::{
        host::Host,
        slots::{Flight, Owner},
    },
};

/// Times of requests that a host keeps, at most; ten seconds of them are asked for.
const RECENT: usize = 100_000;

/// A request about to leave.
pub(super) struct Request {
    /// Who waits for what comes of it.
    pub(super) owner: Owner,
    /// The host that is asked: its permits, pace and breaker count it.
    pub(super) host: HostId,
    /// Page, robots.txt or probe.
    pub(super) purpose: Purpose,
    /// Absolute.
    pub(super) url: PageUrl,
    /// How the session asks.
    pub(super) profile: Arc<RequestProfile>,
    /// The first byte is waited for so long.
    pub(super) first_byte: Duration,
    /// What a task's flight has gathered so far; none for what is no page.
    pub(super) flight: Option<Box<Flight>>,
}

/// Whether a host may be asked, as its breaker and its pace say.
pub(super) enum MayAsk {
    /// At once.
    Now,
    /// Not before this time.
    At(Duration, WaitReason),
    /// When something wakes the host: a request that ends, a probe's outcome, a person.
    Woken(WaitReason),
}

impl MayAsk {
    pub(super) fn of(host: &mut Host, now: Duration) -> Self {
        match host.breaker.permit(now) {
            Permission::Yes | Permission::Probe => {}
            Permission::Until(until) if until < Duration::MAX => {
                return Self::At(until, WaitReason::Breaker);
            }
            Permission::Until(_) | Permission::ProbesOut => {
                return Self::Woken(WaitReason::Breaker);
            }
        }
        match host.pace.next_allowed(now) {
            When::Now => Self::Now,
            When::At(at, why) => Self::At(at, why),
            When::Full => Self::Woken(WaitReason::HostLimit),
        }
    }
}

/// Sends it; `None` where no slot is free.
pub(super) fn send(crawl: &mut Crawl, request: Request) -> Option<OrderId> {
    let now = crawl.now();
    let id = crawl.slots.open(request.owner, now)?;
    take_permits(crawl, id, request.host);
    let busy = crawl.slots.get_mut(id).expect("it was just opened");
    busy.flight = request.flight;
    crawl.expect_by(id, now + request.profile.report_within());
    crawl.outbox.orders.push_back(Order::Fetch(FetchOrder {
        id,
        purpose: request.purpose,
        url: request.url,
        profile: request.profile,
        first_byte: request.first_byte,
        validators: None,
    }));
    Some(id)
}

/// An http permit, the host's place, and its breaker's probe.
fn take_permits(crawl: &mut Crawl, id: OrderId, host: HostId) {
    let now = crawl.now();
    crawl.permits.http.take(1);
    let busy = crawl.slots.get_mut(id).expect("it was just opened");
    busy.http = Some(host);
    let mut known = crawl.host_mut(host).expect("only known hosts are asked");
    known.pace.on_sent(now);
    known.sent += 1;
    known.recent.push_back(now);
    if known.recent.len() > RECENT {
        known.recent.pop_front();
    }
    if let Some(moved) = known.breaker.on_sent(now) {
        crawl.tell_breaker(host, moved.to, moved.until);
    }
}
