//! Dispatch: queued → fetching, line by line, as manners and permits allow.

mod politeness;
mod requests;

use std::{sync::Arc, time::Duration};

use bevy_ecs::{
    entity::Entity,
    schedule::{IntoScheduleConfigs, Schedule},
};

use crate::{
    feed::frame::Detail,
    message::orders::Purpose,
    model::{
        class::{SkipReason, WaitReason},
        flight_mark::FlightMark,
        ids::{HostId, SessionId},
        page_url::PageUrl,
        session_state::{Budget, SessionState},
    },
    politeness::pace::When,
    systems::{
        TickSystems,
        crawl::{Crawl, robots_url},
        dispatch::requests::Request,
    },
    world::{
        host_queue::LineId,
        session::Session,
        slots::{Flight, Owner},
        state::TaskState,
        stats::Step,
        task::{Hop, Identity},
        timers::Due,
    },
};

/// Slots kept free for what is no page: admissions, notes, marks.
const RESERVE: usize = 1_024;

pub(super) fn install(schedule: &mut Schedule) {
    schedule.add_systems(dispatch_queued.in_set(TickSystems::Dispatch));
}

/// What came of looking at a line.
enum Tried {
    /// Something was sent or ended.
    Went,
    /// The line is held, or empty.
    Held,
    /// Nothing at all can be sent now.
    Full(WaitReason),
}

/// Sessions take turns; within a session the line that may send first goes first.
fn dispatch_queued(mut crawl: Crawl) {
    crawl.condition.limited = None;
    if let Some(reason) = rests(&mut crawl) {
        crawl.condition.limited = Some(reason);
        return;
    }
    let stepping = crawl.condition.paused;
    let mut sessions: Vec<SessionId> = crawl
        .index
        .sessions
        .iter()
        .filter(|(_, entity)| {
            crawl.sessions.get(**entity).is_ok_and(|session| {
                let steps = stepping && *session.state() == SessionState::Paused;
                steps || session.is_dispatching()
            })
        })
        .map(|(id, _)| *id)
        .collect();
    if sessions.is_empty() {
        return;
    }
    let turn = crawl.index.turn as usize % sessions.len();
    sessions.rotate_left(turn);
    crawl.index.turn = crawl.index.turn.wrapping_add(1);
    let now = crawl.now();
    while !sessions.is_empty() {
        let mut full = None;
        sessions.retain(|session| {
            if full.is_some() {
                return false;
            }
            let Some(line) = crawl.lines.pop_ready(*session, now) else {
                return false;
            };
            if let Tried::Full(reason) = look_at(&mut crawl, *session, line) {
                crawl.lines.arm(line, now);
                full = Some(reason);
            }
            true
        });
        if full.is_some() {
            crawl.condition.limited = full;
            return;
        }
    }
}

/// Why nothing at all is dispatched.
fn rests(crawl: &mut Crawl) -> Option<WaitReason> {
    if crawl.condition.store_trouble.is_some() || crawl.condition.store_lost.is_some() {
        return Some(WaitReason::StoreTrouble);
    }
    if crawl.condition.paused {
        if crawl.condition.steps == 0 {
            return Some(WaitReason::Paused);
        }
        crawl.condition.steps -= 1;
    }
    if crawl.condition.offline.is_offline() {
        probe(crawl);
        return Some(WaitReason::Offline);
    }
    None
}

/// One request to a host that failed, to see whether the network is back.
fn probe(crawl: &mut Crawl) {
    let now = crawl.now();
    if !std::mem::take(&mut crawl.desk.probe_due) {
        return;
    }
    let next = crawl.condition.offline.next_probe().unwrap_or(now);
    if next > now {
        crawl.timers.set(next, Due::Probe);
        return;
    }
    crawl.timers.set(now + Duration::from_secs(1), Due::Probe);
    let waiting = crawl
        .lines
        .iter()
        .filter(|(_, line)| line.outside > 0 || line.resident > 0)
        .map(|(_, line)| line.host)
        .collect::<Vec<_>>()
        .into_iter()
        .find(|host| {
            let is_free = crawl
                .host_mut(*host)
                .is_some_and(|known| known.pace.next_allowed(now) == When::Now);
            is_free && crawl.profile_at(*host).is_some()
        });
    if let Some(host) = waiting.filter(|_| crawl.permits.http.has_room(1))
        && let Some(profile) = crawl.profile_at(host)
    {
        crawl.condition.offline.on_probe_sent(now);
        let Some(url) = crawl.host(host).map(|known| robots_url(&known.key)) else {
            return;
        };
        let first_byte = profile.first_byte_timeout;
        // Whatever its breaker says: it is the network that is asked for.
        requests::send(
            crawl,
            Request {
                owner: Owner::Probe(host),
                host,
                purpose: Purpose::Probe,
                url: url.as_str().into(),
                profile,
                first_byte,
                flight: None,
            },
        );
    }
}

/// Whether the resources for one more page are there.
fn resources(crawl: &Crawl) -> Option<WaitReason> {
    let permits = &crawl.permits;
    let is_full = |queue: usize, capacity: u64| queue as u64 >= capacity;
    if !permits.http.has_room(1) {
        Some(if crawl.condition.is_pressed {
            WaitReason::Memory
        } else {
            WaitReason::HttpPermits
        })
    } else if is_full(crawl.desk.to_parse.len(), permits.parse_queue)
        || is_full(crawl.desk.to_save.len(), permits.save_queue)
        || crawl.slots.room() < RESERVE
    {
        Some(WaitReason::BackPressure)
    } else if crawl.permits.memory.used >= crawl.permits.memory.limit {
        Some(WaitReason::Memory)
    } else {
        None
    }
}

fn look_at(crawl: &mut Crawl, session: SessionId, line: LineId) -> Tried {
    let host = crawl.lines.get(line).host;
    let Some((batch, _, _)) = crawl.lines.get(line).peek() else {
        return Tried::Held;
    };
    if !crawl.session(session).is_some_and(Session::is_open) {
        // A budget was used up a line ago.
        return Tried::Held;
    }
    if let Some(reason) = resources(crawl) {
        return Tried::Full(reason);
    }
    if !begun(crawl, session, batch) {
        crawl.lines.hold(line, WaitReason::BatchNotBegun);
        return Tried::Held;
    }
    if let Some(tried) = politeness::ask(crawl, session, line, host) {
        return tried;
    }
    let Some((rank, entity)) = crawl.lines.get_mut(line).pop() else {
        return Tried::Held;
    };
    if crawl.lines.get(line).outside > 0 {
        crawl.desk.hungry.push(line);
    }
    let Some(task) = crawl.moves.identity(entity) else {
        rearm(crawl, line);
        return Tried::Went;
    };
    if !matches!(crawl.moves.of(entity), Some(TaskState::Queued)) {
        rearm(crawl, line);
        return Tried::Went;
    }
    if crawl.is_paused(entity) {
        // It waits beside its line until a person lets it go on.
        crawl.desk.parked.push(entity);
        rearm(crawl, line);
        return Tried::Went;
    }
    if barred(crawl, &task) {
        if crawl.lines.get(line).outside > 0 {
            // Pages that the barrier waits for may stand behind it in the store.
            crawl.leave(entity);
            rearm(crawl, line);
            return Tried::Went;
        }
        crawl.lines.get_mut(line).push(rank, entity);
        crawl.lines.hold(line, WaitReason::BatchNotBegun);
        return Tried::Held;
    }
    if let Some(budget) = used_up(crawl, session, entity) {
        crawl.lines.get_mut(line).push(rank, entity);
        crawl.use_up(session, budget);
        return Tried::Held;
    }
    let hop = crawl.hop(entity).cloned();
    let leads = hop.as_ref().map(|hop| &hop.url);
    let Some(url) = leads.or_else(|| crawl.moves.url(entity)).cloned() else {
        rearm(crawl, line);
        return Tried::Went;
    };
    if politeness::is_disallowed(crawl, host, session, &url) {
        crawl.skip(entity, SkipReason::Robots);
    } else {
        send(crawl, entity, &task, url, host, hop);
    }
    rearm(crawl, line);
    Tried::Went
}

/// Looks at the line again at once: its host's manners say when it may go on.
fn rearm(crawl: &mut Crawl, line: LineId) {
    if crawl.lines.get(line).waiting() > 0 {
        let now = crawl.now();
        crawl.lines.arm(line, now);
    }
}

fn begun(crawl: &Crawl, session: SessionId, batch: crate::model::ids::BatchId) -> bool {
    crawl
        .session(session)
        .is_some_and(|session| session.opened.contains(&batch))
}

/// The budget that forbids to ask for this page; one asked for before is no page more.
fn used_up(crawl: &Crawl, id: SessionId, entity: Entity) -> Option<Budget> {
    let bounds = &crawl.settings.0.bounds;
    let session = crawl.session(id)?;
    let is_new = (crawl.moves.tries(entity)).is_some_and(|tries| tries.dispatched == 0);
    if is_new && bounds.max_pages.is_some_and(|most| session.pages >= most) {
        return Some(Budget::Pages);
    }
    let bytes = crawl.moves.book(id).map_or(0, |book| book.bytes);
    let received = bytes.saturating_sub(session.bytes_before);
    (bounds.max_bytes.is_some_and(|most| received >= most)).then_some(Budget::Bytes)
}

/// Whether a barrier holds the task: a stage that leads to its own has not ended.
fn barred(crawl: &Crawl, task: &Identity) -> bool {
    let Some(session) = crawl.session(task.session) else {
        return false;
    };
    if !session.site.stage(task.stage).barrier {
        return false;
    }
    let at = usize::from(task.stage.0);
    let Some(batch) = crawl
        .index
        .batches
        .get(&(task.session, task.batch))
        .and_then(|entity| crawl.batches.get(*entity).ok())
    else {
        return true;
    };
    session.graph.upstream[at].iter().any(|from| {
        *from != task.stage
            && !session.graph.cycle[at].contains(from)
            && !batch.stages[usize::from(from.0)].state.has_ended()
    })
}

/// queued → fetching.
fn send(
    crawl: &mut Crawl,
    entity: Entity,
    task: &Identity,
    url: PageUrl,
    host: HostId,
    hop: Option<Hop>,
) {
    let now = crawl.now();
    let is_new = (crawl.moves.tries(entity)).is_some_and(|tries| tries.dispatched == 0);
    let Some(profile) = crawl.session_mut(task.session).map(|mut session| {
        session.requests += 1;
        session.pages += u64::from(is_new);
        Arc::clone(&session.profile)
    }) else {
        return;
    };
    let first_byte = patience(crawl, entity, task, host, profile.first_byte_timeout);
    // The page of a hop is marked already.
    let mark = match hop {
        Some(_) => FlightMark::Kept,
        None => FlightMark::Asked,
    };
    let spent = hop.as_ref().map_or(Duration::ZERO, |hop| hop.spent);
    let flight = Flight {
        began: now.saturating_sub(spent),
        fetch: spent,
        target: hop.is_some().then(|| url.clone()),
        mark,
        hop,
        ..Flight::default()
    };
    let request = Request {
        owner: Owner::Task(entity),
        host,
        purpose: Purpose::Page,
        url,
        profile,
        first_byte,
        flight: Some(Box::new(flight)),
    };
    let id = requests::send(crawl, request).expect("a reserve of slots is kept");
    if mark == FlightMark::Asked {
        crawl.mark(id, task, false);
    }
    crawl.moves.charge(entity, |tries| {
        tries.dispatched = tries.dispatched.saturating_add(1);
    });
    let expect_ms = crawl.stats.began(task.session, Step::Fetch, task.stage);
    crawl
        .moves
        .make(entity, TaskState::Fetching(id), Detail::Began { expect_ms });
}

/// How long this attempt waits for the first byte: by the host's own slow answers, longer after
/// each failure, and the last one as long as the setting (`most`) says.
fn patience(
    crawl: &mut Crawl,
    entity: Entity,
    task: &Identity,
    host: HostId,
    most: Duration,
) -> Duration {
    let failed = crawl
        .moves
        .tries(entity)
        .map_or(0, |tries| u32::from(tries.failed));
    let (policy, _) = crawl.retry_policy(task);
    crawl.host_mut(host).map_or(most, |host| {
        let is_last = failed + 1 >= policy.attempts;
        host.pace.first_byte(most, failed, is_last)
    })
}
