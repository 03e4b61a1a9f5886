//! What people ask of single things: tasks, hosts, start URLs; and calling back what is in flight.

use std::time::Duration;

use bevy_ecs::entity::Entity;
use crossbeam_channel::Sender;
use serde_json::json;
use url::Url;

use crate::{
    feed::frame::Detail,
    message::{
        commands::{Ack, Inspected},
        orders::Order,
        store_verbs::{DeadSelector, PageEnd, StoreVerb},
    },
    model::{
        ids::{OrderId, PageKey, SessionId},
        session_state::SessionState,
    },
    systems::crawl::Crawl,
    world::{
        slots::Owner,
        state::TaskState,
        task::{Hop, Identity, Paused},
    },
};

/// A number for somebody who waits for the store.
pub(super) fn request(crawl: &mut Crawl, reply: Option<Sender<Ack>>) -> u32 {
    crawl.index.requests += 1;
    let request = crawl.index.requests;
    if let Some(reply) = reply {
        crawl.index.asking.insert(request, reply);
    }
    request
}

/// in flight → queued, for sessions that are cancelled at once.
pub(super) fn call_back(mut crawl: Crawl) {
    crawl.desk.abort = false;
    let flying: Vec<(OrderId, Entity)> = crawl
        .slots
        .iter()
        .filter_map(|(id, busy)| match busy.owner {
            Owner::Task(entity) => Some((id, entity)),
            _ => None,
        })
        .collect();
    for (id, entity) in flying {
        let Some(task) = crawl.moves.identity(entity) else {
            continue;
        };
        let at_once = crawl.session(task.session).is_some_and(|session| {
            matches!(
                session.state(),
                SessionState::Draining { at_once: true, .. }
            )
        });
        if !at_once {
            continue;
        }
        match crawl.moves.of(entity) {
            // Its report says that it was aborted, and gives the permit back.
            Some(TaskState::Fetching(_)) => crawl.outbox.orders.push_back(Order::Abort(id)),
            Some(TaskState::Fetched(_) | TaskState::Parsing(_) | TaskState::Parsed(_)) => {
                put_back(&mut crawl, id, entity, &task);
            }
            _ => {}
        }
    }
}

/// A result that nobody will use is thrown away; a late report of its parse is discarded.
fn put_back(crawl: &mut Crawl, id: OrderId, entity: Entity, task: &Identity) {
    crawl.release(id);
    crawl.release_memory(id);
    if crawl.desk.alone == Some(id) {
        crawl.desk.alone = None;
    }
    crawl.slots.close(id);
    let tries = crawl.moves.charge(entity, |_| {});
    let end = crawl.end_of(task, tries, None, PageEnd::Queued);
    crawl.write(Owner::End(task.session), StoreVerb::End(end));
    crawl.commands.entity(entity).remove::<Hop>();
    crawl.moves.make(entity, TaskState::Queued, Detail::None);
}

/// A start URL joins a running session.
pub(super) fn add_start(crawl: &mut Crawl, id: SessionId, url: &str) -> Ack {
    let Some(session) = crawl.session(id).filter(|session| session.is_open()) else {
        return Err(format!("session {} is not running", id.0));
    };
    let parsed = Url::parse(url).map_err(|error| format!("{url:?} is no absolute URL: {error}"))?;
    if !session.site.scope.contains(&parsed) {
        let hosts = session.site.scope.hosts.join(", ");
        return Err(format!(
            "{url} is out of scope: the site's hosts are {hosts}"
        ));
    }
    let canonical = session.site.scope.canonical(&parsed);
    let carried = json!({ "page": 1, "position": 1 });
    let link = crate::extract::start_urls::link(&session.site, &canonical, carried);
    let Some(link) = link else {
        return Err(format!("{url} is not an http or https URL"));
    };
    if let Some(mut session) = crawl.session_mut(id) {
        session.discovering = true;
    }
    crawl.discover(id, vec![link]);
    Ok(json!({ "url": url }))
}

/// A host's breaker is held open or closed, or left to its rule.
pub(super) fn breaker(crawl: &mut Crawl, name: &str, open: Option<bool>) -> Ack {
    let now = crawl.now();
    let found: Vec<_> = crawl
        .hosts
        .iter()
        .filter(|host| *host.name == *name || host.key.name == name)
        .map(|host| host.id)
        .collect();
    if found.is_empty() {
        return Err(format!("no host {name:?} is known"));
    }
    for id in found {
        let moved = crawl
            .host_mut(id)
            .and_then(|mut host| host.breaker.force(open, now));
        if let Some(moved) = moved {
            crawl.tell_breaker(id, moved.to, moved.until);
        }
        crawl.lines.wake_host(id, now);
    }
    Ok(json!({ "host": name, "open": open }))
}

/// One task waits until it is told to go on.
pub(super) fn pause_task(crawl: &mut Crawl, key: PageKey, on: bool) -> Ack {
    let Some(entity) = find(crawl, key) else {
        return Err("the task is not in the window".to_owned());
    };
    if on {
        crawl.commands.entity(entity).insert(Paused);
        return Ok(json!({ "paused": true }));
    }
    crawl.commands.entity(entity).remove::<Paused>();
    if let Some(at) = crawl
        .desk
        .parked
        .iter()
        .position(|parked| *parked == entity)
    {
        crawl.desk.parked.swap_remove(at);
        if let Some(task) = crawl.moves.identity(entity) {
            let now = crawl.now();
            let rank = crawl.rank(&task);
            let host = crawl.hop(entity).map_or(task.host, |hop| hop.host);
            let line = crawl.lines.id(task.session, host);
            crawl.lines.enqueue(line, rank, entity, now);
        }
    }
    Ok(json!({ "paused": false }))
}

fn find(crawl: &Crawl, key: PageKey) -> Option<Entity> {
    crawl
        .index
        .sessions
        .keys()
        .find_map(|session| crawl.resident(*session, key))
}

/// Dead letters (in the store) and waiting tasks (in memory) are dropped.
pub(super) fn drop_waiting(
    crawl: &mut Crawl,
    session: SessionId,
    mut selector: DeadSelector,
    reply: Option<Sender<Ack>>,
) -> Option<Ack> {
    let waiting: Vec<Entity> = selector
        .keys
        .iter()
        .filter_map(|key| crawl.resident(session, *key))
        .filter(|entity| {
            matches!(
                crawl.moves.of(*entity),
                Some(TaskState::Queued | TaskState::Backoff { .. })
            )
        })
        .collect();
    let count = waiting.len();
    for entity in waiting {
        crawl.end_waiting(entity, TaskState::Cancelled, PageEnd::Cancelled);
    }
    crawl.evict_ended(session);
    let named = !selector.keys.is_empty();
    // What is resident still is in flight or has just been dropped.
    selector
        .keys
        .retain(|key| crawl.resident(session, *key).is_none());
    if named && selector.keys.is_empty() {
        return Some(Ok(json!({ "pages": count })));
    }
    let request = request(crawl, reply);
    crawl
        .desk
        .dropping
        .insert(request, (count, selector.keys.clone()));
    crawl.write(
        Owner::Drop(session, request),
        StoreVerb::Drop { session, selector },
    );
    None
}

/// One task: its state, why it waits, and the attempts that the store has of it. A store in
/// trouble is not waited for.
pub(super) fn inspect(crawl: &mut Crawl, key: PageKey, reply: Option<Sender<Ack>>) -> Option<Ack> {
    let Some(entity) = find(crawl, key) else {
        return Some(Err("the task is not in the window".to_owned()));
    };
    let moves = &crawl.moves;
    let (Some(task), Some(url)) = (moves.identity(entity), moves.url(entity)) else {
        return Some(Err("the task has just left".to_owned()));
    };
    let (Some(tries), Some(state)) = (moves.tries(entity), moves.of(entity)) else {
        return Some(Err("the task has just left".to_owned()));
    };
    let inspected = Inspected {
        url: url.to_string(),
        state: state.phase().name().to_owned(),
        waits: waits(crawl, entity, &task, state),
        attempts: Vec::new(),
    };
    if tries.dispatched == 0 || crawl.condition.store_trouble.is_some() {
        return Some(serde_json::to_value(inspected).map_err(|error| error.to_string()));
    }
    let request = request(crawl, reply);
    crawl.desk.inspecting.insert(request, inspected);
    let session = task.session;
    crawl.write(
        Owner::Inspect(request),
        StoreVerb::Attempts { session, key },
    );
    None
}

/// Why a task waits, in words.
fn waits(crawl: &mut Crawl, entity: Entity, task: &Identity, state: TaskState) -> Option<String> {
    let host = crawl.hop(entity).map_or(task.host, |hop| hop.host);
    let line = crawl.lines.id(task.session, host);
    match state {
        TaskState::Queued if crawl.is_paused(entity) => Some("a person paused it".to_owned()),
        TaskState::Queued => crawl
            .lines
            .get(line)
            .held
            .or(crawl.condition.limited)
            .map(|reason| reason.name().to_owned()),
        TaskState::Backoff { until_us, cause } => {
            let left = Duration::from_micros(until_us).saturating_sub(crawl.now());
            let after = cause.map_or_else(String::new, |cause| format!(" after {}", cause.name()));
            Some(format!("backoff{after}: {} ms left", left.as_millis()))
        }
        _ => None,
    }
}
