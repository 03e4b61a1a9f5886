//! The one way in which a request leaves: pages, robots.txt, its redirects and probes alike take the
//! permits of the host that is asked, are watched until a deadline, and go out as one order.

use std::{sync::Arc, time::Duration};

use bevy_ecs::system::ResMut;

use crate::{
    feed::frame::{Change, Detail},
    message::orders::{FetchOrder, Order, Purpose, RequestProfile},
    model::{class::WaitReason, ids::HostId, page_url::PageUrl},
    politeness::{breaker::Permission, pace::When},
    world::{
        border::Outbox,
        host::Host,
        host_queue::HostQueues,
        journal::Journal,
        permits::Permits,
        queue::Queue,
        slots::{Flight, Owner, Slots},
        stats::{Stats, Step},
        store_requests::StoreRequests,
        task_state::{TaskState, Tasks},
        timers::Timers,
    },
};

/// Times of requests that a host keeps, at most; ten seconds of them are asked for.
const RECENT: usize = 100_000;

/// A request about to leave; its host and the permits count it already. `pick_queued` and
/// `probe_network` leave it for `send_requests`.
#[derive(Debug)]
pub(super) struct Request {
    /// Who waits for what comes of it.
    pub(super) owner: Owner,
    /// The host that is asked: its permits, pace and breaker count it.
    pub(super) host: HostId,
    pub(super) purpose: Purpose,
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
    Now,
    /// Not before this time.
    At(Duration, WaitReason),
    /// When something wakes the host: a request that ends, a probe's outcome, a person.
    Woken(WaitReason),
}

impl MayAsk {
    pub(super) fn of(host: &Host, now: Duration) -> Self {
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

/// Takes an http permit, the host's place, and its breaker's probe.
pub(super) fn reserve(
    host: &mut Host,
    permits: &mut Permits,
    host_queues: &mut HostQueues,
    journal: &mut Journal,
    now: Duration,
) {
    permits.http.take(1);
    host.pace.on_sent(now);
    host.sent += 1;
    host.recent.push_back(now);
    if host.recent.len() > RECENT {
        host.recent.pop_front();
    }
    if let Some(moved) = host.breaker.on_sent(now) {
        // To half open: no time has to be waited for.
        let (host, to) = (host.id, moved.to);
        journal.write(Change::BreakerMoved { host, to });
        host_queues.wake_host(host, now);
    }
}

/// queued → fetching, and requests that are no task's.
pub(super) fn send_requests(
    mut requests: ResMut<Queue<Request>>,
    mut tasks: Tasks,
    mut slots: ResMut<Slots>,
    mut timers: ResMut<Timers>,
    mut outbox: ResMut<Outbox>,
    mut stats: ResMut<Stats>,
    mut store: ResMut<StoreRequests>,
) {
    while let Some(request) = requests.pop() {
        let now = tasks.now();
        let id = slots.open(request.owner, now);
        let id = id.expect("pick_queued leaves a reserve of slots");
        let busy = slots.get_mut(id).expect("it was just opened");
        busy.http = Some(request.host);
        let is_marked = (request.flight.as_ref()).is_none_or(|flight| flight.mark.is_kept());
        busy.flight = request.flight;
        timers.expect_by(&mut slots, id, now + request.profile.report_within());
        outbox.orders.push_back(Order::Fetch(FetchOrder {
            id,
            purpose: request.purpose,
            url: request.url,
            profile: request.profile,
            first_byte: request.first_byte,
            validators: None,
        }));
        let Owner::Task(entity) = request.owner else {
            continue;
        };
        let task = tasks.identity(entity);
        if !is_marked {
            store.mark(id, &task, false);
        }
        tasks.charge(entity, |tries| {
            tries.dispatched = tries.dispatched.saturating_add(1);
        });
        let expect_ms = stats.began(task.session, Step::Fetch, task.stage);
        let began = Detail::Began { expect_ms };
        tasks.enter(entity, TaskState::Fetching(id), began);
    }
}
