//! fetching → fetched, or → queued with the next hop, or a setback; parsing → queued where a page
//! leads on by itself.

use std::{sync::Arc, time::Duration};

use bevy_ecs::entity::Entity;
use url::Url;

use super::set_back;
use crate::{
    extract::{page_number, refresh, sitemap_may_be_missing},
    feed::frame::Detail,
    message::{
        reports::{Answer, FetchFailure},
        store_verbs::{PageEnd, StoreVerb},
    },
    model::{
        class::{ErrorClass, SkipReason},
        host_key::HostKey,
        ids::OrderId,
        numbers::millis,
        page_url::PageUrl,
    },
    politeness::{
        breaker::Health,
        classify::{Verdict, classify},
        pace::Signal,
    },
    site::compiled::Pages,
    systems::crawl::Crawl,
    world::{slots::Owner, state::TaskState, stats::Step, task::Hop},
};

/// Memory charged per byte of a body while it is parsed (measured on a page of tiny elements).
const MEMORY_PER_BYTE: u64 = 65;

/// Read instead of the 404 that ends a list.
const NO_MORE: &[u8] = b"<!-- no such page: the list has ended -->";

/// An answer of any status.
pub(super) fn answered(
    crawl: &mut Crawl,
    id: OrderId,
    entity: Entity,
    mut answer: Answer,
    took: Duration,
) {
    let verdict = match classify(&answer.head, answer.wall) {
        // Many sites have no robots.txt, and most of those no sitemap: nothing is listed.
        Verdict::Fail {
            class: ErrorClass::NotFound,
            ..
        } if is_unnamed_sitemap(crawl, entity) => {
            answer.body = Arc::default();
            Verdict::Page
        }
        // A list that goes on until a page is empty ends as well with a page that is not there.
        Verdict::Fail { class, .. } if ends_list(crawl, entity, class) => {
            answer.body = Arc::new(NO_MORE.to_vec());
            Verdict::Page
        }
        // What is asked of a browser counts where a redirect would.
        Verdict::Page => match refreshes_to(crawl, id, entity, &answer) {
            Some(location) => Verdict::Redirect(location),
            None => Verdict::Page,
        },
        verdict => verdict,
    };
    let (signal, health) = speaks(&answer, &verdict);
    let bytes = answer.wire_bytes;
    crawl.heard(id, signal, health, None);
    crawl.release(id);
    let Some(task) = crawl.moves.identity(entity) else {
        return;
    };
    let now = crawl.now();
    crawl.stats.session(task.session).bytes.add(now, bytes);
    crawl.moves.ledger().book_mut(task.session).bytes += bytes;
    let body = u64::try_from(answer.body.len()).unwrap_or(u64::MAX);
    let Some(flight) = crawl.slots.flight_mut(id) else {
        return;
    };
    flight.fetch += took;
    flight.bytes += bytes;
    flight.status = Some(answer.head.status);
    flight.answer = Some(answer);
    let fetch = flight.fetch;
    let told = Detail::Took {
        ms: millis(took),
        bytes,
    };
    match verdict {
        Verdict::Page => {
            let charge = body.saturating_mul(MEMORY_PER_BYTE);
            flight.memory = charge;
            crawl.permits.memory.take(charge);
            crawl
                .stats
                .ended(task.session, Step::Fetch, task.stage, fetch, now);
            if let Some(mut session) = crawl.session_mut(task.session) {
                session.tempo.on_good(task.stage.0, fetch);
            }
            crawl.moves.make(entity, TaskState::Fetched(id), told);
            crawl.desk.to_parse.push_back(id);
        }
        Verdict::Redirect(location) => go_on(crawl, id, entity, &location, Step::Fetch, told),
        Verdict::Fail { class, message } => set_back(crawl, id, class, message, None),
        Verdict::Throttle { after } => {
            let message = match after {
                Some(after) => format!("the host asks to wait {} s", after.as_secs()),
                None => "the host asks for fewer requests".to_owned(),
            };
            set_back(crawl, id, ErrorClass::RateLimit, message, after);
        }
    }
}

/// The page was read, and leads on by itself.
pub(super) fn leads_on(crawl: &mut Crawl, id: OrderId, entity: Entity, to: &str, took: Duration) {
    let told = Detail::Took {
        ms: millis(took),
        bytes: 0,
    };
    go_on(crawl, id, entity, to, Step::Parse, told);
}

/// fetching, parsing → queued with the next hop, or skipped where that leaves the scope.
fn go_on(crawl: &mut Crawl, id: OrderId, entity: Entity, location: &str, step: Step, told: Detail) {
    match next_hop(crawl, id, entity, location) {
        Ok(Some(hop)) => take_hop(crawl, id, entity, hop, step, told),
        Ok(None) => end_skipped(crawl, id, entity, SkipReason::OutOfScope),
        Err(message) => set_back(crawl, id, ErrorClass::Redirect, message, None),
    }
}

/// Where the answer's `Refresh` leads within five seconds, if that is another page.
fn refreshes_to(crawl: &mut Crawl, id: OrderId, entity: Entity, answer: &Answer) -> Option<String> {
    let location = refresh::target(answer.head.header("refresh")?)?;
    let page = crawl.moves.url(entity).cloned()?;
    let flight = crawl.slots.flight_mut(id)?;
    let from = Url::parse(flight.target.as_ref().unwrap_or(&page)).ok()?;
    let url = from.join(location).ok()?;
    let is_own = refresh::is_same_page(&from, &url);
    (HostKey::of(&url).is_some() && !is_own).then(|| url.into())
}

/// Whether this page was asked for only to see whether there is a sitemap.
fn is_unnamed_sitemap(crawl: &Crawl, entity: Entity) -> bool {
    let Some((task, url)) = crawl.moves.identity(entity).zip(crawl.moves.url(entity)) else {
        return false;
    };
    let Some(session) = crawl.session(task.session) else {
        return false;
    };
    session.site.stage(task.stage).sitemap_of.is_some()
        && sitemap_may_be_missing(url, url.carried())
}

/// Whether a page of a list was asked for only to see whether there is one, and this says no.
fn ends_list(crawl: &Crawl, entity: Entity, class: ErrorClass) -> bool {
    let Some((task, url)) = crawl.moves.identity(entity).zip(crawl.moves.url(entity)) else {
        return false;
    };
    let Some(session) = crawl.session(task.session) else {
        return false;
    };
    let stage = session.site.stage(task.stage);
    let Some(Pages::Pattern { first, .. }) = &stage.pages else {
        return false;
    };
    let carried = url.carried().parse().unwrap_or_default();
    let page = page_number(stage, url, &carried);
    match session.page_counts.get(&task.stage) {
        // Past what the site itself told, any refusal bears it out.
        Some((told, _)) => page > *told,
        None => page > *first && class == ErrorClass::NotFound,
    }
}

/// What an answer says of its host's speed and health.
fn speaks(answer: &Answer, verdict: &Verdict) -> (Signal, Health) {
    match verdict {
        Verdict::Page => (Signal::Good(answer.first_byte), Health::Good),
        Verdict::Throttle { after } => (Signal::Throttled(*after), Health::Neutral),
        Verdict::Fail { class, .. } if class.is_host_failure() => {
            let signal = if answer.head.status == 503 {
                Signal::Strained
            } else {
                Signal::Neutral
            };
            (signal, Health::Bad)
        }
        Verdict::Redirect(_) | Verdict::Fail { .. } => (Signal::Neutral, Health::Good),
    }
}

/// No whole answer.
pub(super) fn failed(crawl: &mut Crawl, id: OrderId, failure: FetchFailure, took: Duration) {
    let signal = match failure.class {
        ErrorClass::TimeoutFirstByte => Signal::Lost,
        ErrorClass::TimeoutWhole => Signal::Strained,
        _ => Signal::Neutral,
    };
    let health = if failure.class.is_host_failure() {
        Health::Bad
    } else {
        Health::Neutral
    };
    crawl.heard(id, signal, health, Some(failure.class));
    crawl.release(id);
    if let Some(flight) = crawl.slots.flight_mut(id) {
        flight.fetch += took;
        flight.bytes += failure.wire_bytes;
        if let Some(head) = failure.head {
            flight.status = Some(head.status);
            flight.answer = Some(Answer {
                head,
                ..Answer::default()
            });
        }
    }
    set_back(crawl, id, failure.class, failure.message, None);
}

/// The worker panicked or was told to stop.
pub(super) fn broke(
    crawl: &mut Crawl,
    id: OrderId,
    entity: Entity,
    class: ErrorClass,
    message: &str,
) {
    if matches!(crawl.moves.of(entity), Some(TaskState::Fetching(_))) {
        crawl.heard(id, Signal::Neutral, Health::Neutral, Some(class));
    }
    crawl.release(id);
    crawl.release_memory(id);
    if crawl.desk.alone == Some(id) {
        crawl.desk.alone = None;
    }
    set_back(crawl, id, class, message.to_owned(), None);
}

/// Where a redirect leads, checked against scheme, scope, loops and the limit; `None` where it
/// leaves the scope.
fn next_hop(
    crawl: &mut Crawl,
    id: OrderId,
    entity: Entity,
    location: &str,
) -> Result<Option<Hop>, String> {
    let max = crawl.settings.0.fetch.max_redirects;
    let task = crawl.moves.identity(entity).ok_or("the task is gone")?;
    let session = task.session;
    let page = crawl.moves.url(entity).cloned().ok_or("the task is gone")?;
    let flight = crawl.slots.flight_mut(id).ok_or("the flight is gone")?;
    let from = flight.target.clone().unwrap_or(page);
    let sets_cookie = flight
        .answer
        .as_ref()
        .is_some_and(|answer| answer.head.header("set-cookie").is_some());
    let before = flight.hop.take();
    let spent = flight.fetch;
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
    let in_scope = crawl
        .session(session)
        .is_some_and(|session| session.site.scope.contains(&url));
    Ok(in_scope.then(|| Hop {
        url: PageUrl::from(url.as_str()),
        count,
        host: crawl.host_of(&key, session),
        visited,
        spent,
    }))
}

/// fetching, parsing → queued: the next hop is a new order under the target host's manners.
fn take_hop(crawl: &mut Crawl, id: OrderId, entity: Entity, hop: Hop, step: Step, told: Detail) {
    let Some(task) = crawl.moves.identity(entity) else {
        return;
    };
    let now = crawl.now();
    let host = hop.host;
    crawl.slots.close(id);
    crawl.stats.broke(task.session, step, task.stage);
    crawl.commands.entity(entity).insert(hop);
    crawl.moves.make(entity, TaskState::Queued, told);
    let rank = crawl.rank(&task);
    let line = crawl.lines.id(task.session, host);
    crawl.lines.enqueue(line, rank, entity, now);
}

/// fetching, parsing → skipped.
fn end_skipped(crawl: &mut Crawl, id: OrderId, entity: Entity, reason: SkipReason) {
    let now = crawl.now();
    let Some((task, tries)) = crawl.moves.identity(entity).zip(crawl.moves.tries(entity)) else {
        return;
    };
    let flight = crawl.slots.close(id).and_then(|busy| busy.flight);
    let attempt = flight.map(|flight| flight.attempt(now, tries.dispatched, None));
    let end = crawl.end_of(&task, tries, attempt, PageEnd::Skipped(reason));
    crawl.write(Owner::End(task.session), StoreVerb::End(end));
    crawl
        .moves
        .make(entity, TaskState::Skipped(reason), Detail::Reason(reason));
    crawl.retire(entity);
}
