//! Retry: setbacks are judged (backoff, failed, dead, or back to the queue), and due times come.

use std::time::Duration;

use bevy_ecs::{
    entity::Entity,
    schedule::{IntoScheduleConfigs, Schedule},
    system::Res,
};

use crate::{
    extract::output::Extracted,
    feed::frame::{Detail, Fault},
    message::{
        orders::Order,
        reports::{Outcome, Report},
        store_verbs::{AttemptRow, Evidence, PageEnd, StoreVerb},
    },
    model::{
        class::{Consequence, ErrorClass},
        ids::OrderId,
        numbers::micros,
        tries::Tries,
    },
    politeness::backoff,
    systems::{
        TickSystems,
        crawl::{Crawl, Letter, desk},
    },
    world::{
        clock::Clock,
        slots::{Busy, Flight, Overdue, Owner, Setback},
        state::TaskState,
        stats::Step,
        task::{Hop, Identity},
        timers::{Due, Timers},
    },
};

/// Failures remembered that may turn out to be our own network's.
const LOCAL_FAILURES: usize = 4_096;
/// A retry that waits for its host's budget is looked at again after this, at the latest: the host
/// may have nothing else to do by then.
const BUDGET_LOOK: Duration = Duration::from_secs(1);
/// A throttled task without a Retry-After comes back after this.
const THROTTLE_PAUSE: Duration = Duration::from_secs(1);

pub(super) fn install(schedule: &mut Schedule) {
    schedule.add_systems(
        (
            judge_setbacks.run_if(desk(|desk| !desk.setbacks.is_empty())),
            requeue_due.run_if(is_due),
        )
            .chain()
            .in_set(TickSystems::Retry),
    );
}

fn is_due(timers: Res<Timers>, clock: Res<Clock>) -> bool {
    timers.next().is_some_and(|at| at <= clock.now())
}

/// fetching, parsing → backoff, failed, dead or queued, by class and policy.
fn judge_setbacks(mut crawl: Crawl) {
    for setback in std::mem::take(&mut crawl.desk.setbacks) {
        let Some(busy) = crawl.slots.close(setback.id) else {
            continue;
        };
        let Owner::Task(entity) = busy.owner else {
            continue;
        };
        let step = match crawl.moves.of(entity) {
            Some(TaskState::Fetching(_)) => Step::Fetch,
            Some(TaskState::Parsing(_)) => Step::Parse,
            _ => continue,
        };
        let Some(task) = crawl.moves.identity(entity) else {
            continue;
        };
        crawl.stats.broke(task.session, step, task.stage);
        crawl.commands.entity(entity).remove::<Hop>();
        judge(&mut crawl, entity, &task, busy, setback);
    }
}

/// What follows a setback.
enum Next {
    Queued,
    Backoff(Duration),
    Failed,
    Dead(ErrorClass),
}

fn judge(crawl: &mut Crawl, entity: Entity, task: &Identity, busy: Busy, mut setback: Setback) {
    let now = crawl.now();
    if crawl.condition.offline.is_offline() && setback.class.is_local_origin() {
        // Our own network is down: that is nobody's fault, and nobody loses an attempt.
        setback.class = ErrorClass::Offline;
    }
    let (mut policy, is_own) = crawl.retry_policy(task);
    let seed = crawl
        .session(task.session)
        .map_or(0, |session| session.seed);
    let retry = crawl.settings.0.retry;
    let stopping = crawl
        .session(task.session)
        .is_none_or(|session| !session.is_open());
    let consequence = consequence(crawl, task, &setback);
    if matches!(consequence, Consequence::Transient | Consequence::Throttled)
        && let Some(mut session) = crawl.session_mut(task.session)
    {
        session.tempo.on_bad();
    }
    let tries = crawl.moves.charge(entity, |tries| match consequence {
        Consequence::Ours => {}
        Consequence::Throttled => {
            tries.throttled += 1;
            if tries.throttled > retry.free_throttles {
                tries.failed += 1;
            }
        }
        Consequence::Transient | Consequence::Permanent => {
            tries.failed += 1;
            tries.throttled = 0;
        }
    });
    // An empty page that the count promises is asked for twice; then its stage judges it (B5).
    let is_judged_later = setback.class == ErrorClass::ShortPage
        && (crawl.came_short(entity)).is_some_and(|short| short.promised && short.times >= 2);
    let used_up = is_judged_later || u32::from(tries.failed) >= policy.attempts;
    let is_calm = crawl
        .host(task.host)
        .is_some_and(|host| host.breaker.is_calm());
    if !is_own && tries.failed == 1 && setback.class.is_host_failure() && is_calm {
        // Most such failures pass with the connection that they came by.
        policy.cap = policy.cap.min(retry.quick);
    }
    let spread = backoff::delay(
        &policy,
        u32::from(tries.failed.max(1)),
        seed,
        task.key,
        tries.dispatched,
    );
    let begun = || Box::new(Flight::begun(now));
    let mut flight = busy.flight.unwrap_or_else(begun);
    let found = flight.extracted.take();
    let next = match consequence {
        Consequence::Ours if stopping || setback.class == ErrorClass::Aborted => Next::Queued,
        Consequence::Ours => Next::Backoff(THROTTLE_PAUSE),
        Consequence::Permanent => Next::Dead(setback.class),
        Consequence::Throttled => match setback.after {
            Some(after) if after > retry.max_retry_after => Next::Dead(ErrorClass::HostParked),
            _ if used_up => Next::Failed,
            Some(after) => Next::Backoff(after),
            None => Next::Backoff(THROTTLE_PAUSE.max(spread)),
        },
        Consequence::Transient if !used_up => Next::Backoff(spread),
        // What came with a failed page is saved while that waits for its stage's verdict.
        Consequence::Transient if setback.class.is_content() && found.is_none() => {
            Next::Dead(setback.class)
        }
        Consequence::Transient => Next::Failed,
    };
    let found = *found.unwrap_or_default();
    let (attempt, evidence) = history(now, tries, *flight, &setback);
    crawl.condition.last_failure = Some((setback.class, setback.message.clone()));
    carry_out(
        crawl, entity, task, tries, next, attempt, evidence, found, &setback,
    );
}

#[expect(
    clippy::too_many_arguments,
    reason = "one place turns a verdict into the move, the letter and the timer"
)]
fn carry_out(
    crawl: &mut Crawl,
    entity: Entity,
    task: &Identity,
    tries: Tries,
    next: Next,
    attempt: AttemptRow,
    evidence: Evidence,
    found: Extracted,
    setback: &Setback,
) {
    let now = crawl.now();
    let fault = |retry_at_us| {
        Detail::Error(Box::new(Fault {
            class: setback.class,
            message: std::sync::Arc::from(setback.message.as_str()),
            retry_at_us,
        }))
    };
    let remarks = found.remarks;
    let end = match &next {
        Next::Queued => PageEnd::Queued,
        Next::Backoff(due_in) => PageEnd::Backoff {
            due_in: *due_in,
            class: setback.class,
        },
        Next::Failed => PageEnd::Failed {
            evidence,
            records: found.records,
            links: found.links,
        },
        Next::Dead(class) => PageEnd::Dead {
            class: *class,
            evidence,
        },
    };
    let end = crawl.end_with(task, tries, Some(attempt), end, remarks);
    crawl.write(Owner::End(task.session), StoreVerb::End(end));
    match next {
        Next::Queued => {
            crawl.moves.make(entity, TaskState::Queued, Detail::None);
            let rank = crawl.rank(task);
            let line = crawl.lines.id(task.session, task.host);
            crawl.lines.enqueue(line, rank, entity, now);
        }
        Next::Backoff(wait) => {
            let until = now + wait;
            let until_us = micros(until);
            let state = TaskState::Backoff {
                until_us,
                cause: Some(setback.class),
            };
            crawl.moves.make(entity, state, fault(Some(until_us)));
            crawl.timers.set(until, Due::Backoff(entity));
        }
        Next::Failed => {
            let state = TaskState::Failed(setback.class);
            crawl.moves.make(entity, state, fault(None));
            crawl.retire(entity);
        }
        Next::Dead(class) => {
            crawl
                .moves
                .make(entity, TaskState::Dead(class), fault(None));
            crawl.retire(entity);
        }
    }
}

/// What the setback means for the page; what may turn out to be our own network is remembered.
fn consequence(crawl: &mut Crawl, task: &Identity, setback: &Setback) -> Consequence {
    if !setback.class.is_local_origin() {
        return setback.class.consequence();
    }
    let now = crawl.now();
    let local = &mut crawl.desk.local;
    if local.len() >= LOCAL_FAILURES {
        local.pop_front();
    }
    local.push_back((now, (task.session, task.batch, task.stage), task.key));
    setback.class.consequence()
}

/// The attempt's row and what it left behind.
fn history(
    now: Duration,
    tries: Tries,
    flight: Flight,
    setback: &Setback,
) -> (AttemptRow, Evidence) {
    let failure = Some((setback.class, setback.message.clone()));
    let attempt = flight.attempt(now, tries.dispatched, failure);
    let (head, body) = match flight.answer {
        Some(answer) => {
            let cut = answer.body.len().min(Evidence::MOST);
            let body = (cut > 0).then(|| answer.body[..cut].to_vec());
            (Some(answer.head), body)
        }
        None => (None, None),
    };
    let evidence = Evidence {
        message: setback.message.clone(),
        head,
        body,
    };
    (attempt, evidence)
}

/// backoff → queued when due and the retry budgets allow; other due times.
fn requeue_due(mut crawl: Crawl) {
    let now = crawl.now();
    while let Some(due) = crawl.timers.pop_due(now) {
        match due {
            Due::Backoff(entity) => end_backoff(&mut crawl, entity),
            Due::Deadline(slot) => look_at_slot(&mut crawl, slot),
            Due::Host(host) => crawl.lines.wake_host(host, now),
            Due::StageAgain(session, batch, stage) => {
                crawl.write(
                    Owner::Requeue(session, batch, stage),
                    StoreVerb::RequeueFailed {
                        session,
                        batch: Some(batch),
                        stage,
                    },
                );
            }
            Due::Resend(id) => resend(&mut crawl, id),
            Due::Batch => crawl.desk.restless = true,
            Due::Probe => crawl.desk.probe_due = true,
            Due::Snapshot => crawl.desk.snapshot_due = true,
        }
    }
}

fn end_backoff(crawl: &mut Crawl, entity: Entity) {
    let now = crawl.now();
    if !matches!(crawl.moves.of(entity), Some(TaskState::Backoff { until_us, .. }) if until_us <= micros(now))
    {
        return;
    }
    let Some(task) = crawl.moves.identity(entity) else {
        return;
    };
    let has_other_work = crawl.has_queued(task.host);
    if let Some(mut host) = crawl.host_mut(task.host)
        && let Err(wait) = host.budget.try_take(now)
        && (has_other_work || !host.breaker.is_calm())
    {
        crawl.desk.thrifty.insert(entity);
        crawl
            .timers
            .set(now + wait.min(BUDGET_LOOK), Due::Backoff(entity));
        return;
    }
    crawl.desk.thrifty.remove(&entity);
    crawl.moves.make(entity, TaskState::Queued, Detail::None);
    let rank = crawl.rank(&task);
    let line = crawl.lines.id(task.session, task.host);
    crawl.lines.enqueue(line, rank, entity, now);
}

fn look_at_slot(crawl: &mut Crawl, slot: u32) {
    let now = crawl.now();
    match crawl.slots.overdue(slot, now) {
        Overdue::Order(id) => give_up(crawl, id),
        Overdue::At(at) => crawl.timers.set(at, Due::Deadline(slot)),
        Overdue::Nothing => {}
    }
}

/// No report by the order's own deadline: the task is taken back, the late report discarded.
fn give_up(crawl: &mut Crawl, id: OrderId) {
    let Some(busy) = crawl.slots.get(id) else {
        return;
    };
    let fetch = busy.http.is_some();
    if let Owner::Task(entity) = busy.owner
        && let Some(TaskState::Fetched(_) | TaskState::Parsed(_)) = crawl.moves.of(entity)
    {
        // It has reported; the result waits for its next step.
        return;
    }
    if fetch {
        crawl.outbox.orders.push_back(Order::Abort(id));
    }
    // It is told like any other report, in the next tick.
    let lost = Report::new(id, Duration::ZERO, Outcome::Lost);
    crawl.inbox.reports.push_back(lost);
    crawl.desk.again = true;
}

fn resend(crawl: &mut Crawl, id: OrderId) {
    let Some(busy) = crawl.slots.get_mut(id) else {
        return;
    };
    let owner = busy.owner;
    if let Some(verb) = busy.verb.take() {
        crawl.desk.letters.push_back(Letter {
            owner,
            verb: *verb,
            id: Some(id),
        });
    }
}
