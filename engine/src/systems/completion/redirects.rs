//! Redirects: fetching, parsing → queued with the next hop, or skipped where that leaves the scope.

use bevy_ecs::system::ResMut;
use url::Url;

use super::{Redirected, Setback};
use crate::{
    feed::frame::Detail,
    message::store_verbs::{EndAttempt, PageEnd},
    model::{
        class::{ErrorClass, SkipReason},
        host_key::HostKey,
        numbers::millis,
        page_url::PageUrl,
    },
    world::{
        host::HostIndex,
        host_queue::HostQueues,
        queue::Queue,
        session::{Session, Sessions},
        slots::{Flight, Slots},
        stats::{Stats, Step},
        store_requests::StoreRequests,
        task::Hop,
        task_state::{TaskState, Tasks},
        window::Window,
    },
};

/// The next hop is a new order, under the rules of the host that it leads to.
pub(super) fn follow_redirects(
    mut redirects: ResMut<Queue<Redirected>>,
    mut tasks: Tasks,
    sessions: Sessions,
    mut slots: ResMut<Slots>,
    mut host_index: ResMut<HostIndex>,
    mut host_queues: ResMut<HostQueues>,
    mut window: ResMut<Window>,
    mut stats: ResMut<Stats>,
    mut requests: ResMut<StoreRequests>,
    mut setbacks: ResMut<Queue<Setback>>,
) {
    while let Some(redirected) = redirects.pop() {
        let Redirected {
            id,
            entity,
            location,
            took,
            bytes,
        } = redirected;
        let now = tasks.now();
        let task = tasks.identity(entity);
        let session = sessions.get(task.session);
        let step = match tasks.state(entity) {
            TaskState::Parsing(_) => Step::Parse,
            _ => Step::Fetch,
        };
        stats.broke(task.session, step, task.stage);
        let flight = slots.flight_mut(id);
        match next_hop(
            flight,
            session,
            &mut host_index,
            tasks.url(entity),
            &location,
        ) {
            Ok(Some(hop)) => {
                slots.close(id);
                let queue = host_queues.id(task.session, hop.host);
                tasks.commands.entity(entity).insert(hop);
                let ms = millis(took);
                tasks.enter(entity, TaskState::Queued, Detail::Took { ms, bytes });
                host_queues.enqueue(queue, session.rank(&task), entity, now);
            }
            Ok(None) => {
                let reason = SkipReason::OutOfScope;
                let tries = tasks.tries(entity);
                let attempt = flight.attempt(now, tries.dispatched, None);
                slots.close(id);
                requests.end(EndAttempt {
                    attempt: Some(attempt),
                    ..session.end_of(&task, tries, PageEnd::Skipped(reason))
                });
                tasks.enter(entity, TaskState::Skipped(reason), Detail::Reason(reason));
                window.retire(entity, now);
            }
            Err(message) => {
                let class = ErrorClass::Redirect;
                setbacks.push(Setback::new(&mut slots, id, entity, class, message));
            }
        }
    }
}

/// Where a redirect leads, checked against scheme, scope, loops and the limit; `None` where it
/// leaves the scope.
fn next_hop(
    flight: &mut Flight,
    session: &Session,
    index: &mut HostIndex,
    page: &PageUrl,
    location: &str,
) -> Result<Option<Hop>, String> {
    let max = session.settings.fetch.max_redirects;
    let from = flight.target.clone().unwrap_or_else(|| page.clone());
    let sets_cookie = flight
        .answer
        .as_ref()
        .is_some_and(|answer| answer.head.header("set-cookie").is_some());
    let before = flight.hop.take();
    let mut url = Url::parse(&from)
        .and_then(|base| base.join(location.trim()))
        .map_err(|error| format!("the redirect's Location {location:?} is no address: {error}"))?;
    url.set_fragment(None);
    let Some(key) = HostKey::of(&url) else {
        let scheme = url.scheme();
        return Err(format!(
            "the redirect leads to {scheme}:, which is not fetched"
        ));
    };
    let count = before.as_ref().map_or(0, |hop| hop.count) + 1;
    if count > max {
        return Err(format!("more than {max} redirects in a row"));
    }
    let mut visited = before.map(|hop| hop.visited).unwrap_or_default();
    visited.push(from);
    if !sets_cookie && visited.iter().any(|seen| **seen == *url.as_str()) {
        return Err(format!("the redirect leads back to {url}: a loop"));
    }
    let hop = |host| Hop {
        url: PageUrl::from(url.as_str()),
        count,
        host,
        visited,
        spent: flight.fetch,
    };
    let in_scope = session.site.scope.contains(&url);
    Ok(in_scope.then(|| hop(index.id_of(&key, session.id))))
}
