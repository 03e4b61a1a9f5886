//! Attempts that ended badly: what each means for its page.

use std::{sync::Arc, time::Duration};

use bevy_ecs::system::ResMut;

use crate::{
    extract::output::Extracted,
    feed::frame::{Detail, Fault},
    message::store_verbs::{EndAttempt, Evidence, PageEnd},
    model::{
        class::{Consequence, ErrorClass},
        numbers::micros,
        tries::Tries,
    },
    politeness::retry,
    systems::completion::Setback,
    world::{
        condition::NetworkWatch,
        host::Hosts,
        host_queue::HostQueues,
        queue::Queue,
        session::{Session, Sessions},
        store_requests::StoreRequests,
        task::{CameShort, Hop, Identity},
        task_state::{TaskState, Tasks},
        timers::{Due, Timers},
        window::Window,
    },
};

/// A throttled task without a Retry-After comes back after this.
const THROTTLE_PAUSE: Duration = Duration::from_secs(1);

/// What follows a setback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Queued,
    Backoff(Duration),
    Failed,
    Dead(ErrorClass),
}

/// fetching, parsing → backoff, failed, dead or queued, by class and policy.
pub(super) fn judge_setbacks(
    mut setbacks: ResMut<Queue<Setback>>,
    mut tasks: Tasks,
    mut sessions: Sessions,
    hosts: Hosts,
    mut network: ResMut<NetworkWatch>,
    mut host_queues: ResMut<HostQueues>,
    mut window: ResMut<Window>,
    mut timers: ResMut<Timers>,
    mut requests: ResMut<StoreRequests>,
) {
    while let Some(mut setback) = setbacks.pop() {
        let entity = setback.entity;
        let now = tasks.now();
        let task = tasks.identity(entity);
        tasks.commands.entity(entity).remove::<Hop>();
        if setback.class.is_local_origin() {
            if network.offline.is_offline() {
                // Our own network is down: that is nobody's fault, and nobody loses an attempt.
                setback.class = ErrorClass::Offline;
            } else {
                let stage = (task.session, task.batch, task.stage);
                network.remember(now, stage, task.key);
            }
        }
        let consequence = setback.class.consequence();
        let mut session = sessions.get_mut(task.session);
        if matches!(consequence, Consequence::Transient | Consequence::Throttled) {
            session.tempo.on_bad();
        }
        let free = session.settings.retry.free_throttles;
        let tries = tasks.charge(entity, |tries| charge(tries, consequence, free));
        let is_calm = hosts
            .get(task.host)
            .is_some_and(|host| host.breaker.is_calm());
        let short = tasks.came_short(entity);
        let (next, found) = judge(&mut setback, &session, &task, tries, short, is_calm);
        let end = end_of(&setback, &session, &task, tries, next, found, now);
        requests.end(end);
        let state = match next {
            Next::Queued => TaskState::Queued,
            Next::Backoff(wait) => TaskState::Backoff {
                until_us: micros(now + wait),
                cause: Some(setback.class),
            },
            Next::Failed => TaskState::Failed(setback.class),
            Next::Dead(class) => TaskState::Dead(class),
        };
        tasks.enter(entity, state, detail(&setback, state));
        match next {
            Next::Queued => {
                let queue = host_queues.id(task.session, task.host);
                host_queues.enqueue(queue, session.rank(&task), entity, now);
            }
            Next::Backoff(wait) => timers.set(now + wait, Due::Backoff(entity)),
            Next::Failed | Next::Dead(_) => window.retire(entity, now),
        }
    }
}

/// What an attempt costs its page.
const fn charge(tries: &mut Tries, consequence: Consequence, free_throttles: u16) {
    match consequence {
        Consequence::Ours => {}
        Consequence::Throttled => {
            tries.throttled += 1;
            if tries.throttled > free_throttles {
                tries.failed += 1;
            }
        }
        Consequence::Transient | Consequence::Permanent => {
            tries.failed += 1;
            tries.throttled = 0;
        }
    }
}

/// The verdict, and what the page had all the same.
fn judge(
    setback: &mut Setback,
    session: &Session,
    task: &Identity,
    tries: Tries,
    short: Option<&CameShort>,
    is_calm: bool,
) -> (Next, Option<Box<Extracted>>) {
    let class = setback.class;
    let retry = &session.settings.retry;
    let (mut policy, is_own) = session.retry_policy(task.stage);
    // An empty page that the count promises is asked for twice; then its stage judges it (B5).
    let is_judged_later = class == ErrorClass::ShortPage
        && short.is_some_and(|short| short.promised && short.times >= 2);
    let used_up = is_judged_later || u32::from(tries.failed) >= policy.attempts;
    if !is_own && tries.failed == 1 && class.is_host_failure() && is_calm {
        // Most such failures pass with the connection that they came by.
        policy.cap = policy.cap.min(retry.quick);
    }
    let n = u32::from(tries.failed.max(1));
    let spread = retry::delay(&policy, n, session.seed, task.key, tries.dispatched);
    let found = setback.flight.extracted.take();
    let next = match class.consequence() {
        Consequence::Ours if !session.is_open() || class == ErrorClass::Aborted => Next::Queued,
        Consequence::Ours => Next::Backoff(THROTTLE_PAUSE),
        Consequence::Permanent => Next::Dead(class),
        Consequence::Throttled => match setback.after {
            Some(after) if after > retry.max_retry_after => Next::Dead(ErrorClass::HostParked),
            _ if used_up => Next::Failed,
            Some(after) => Next::Backoff(after),
            None => Next::Backoff(THROTTLE_PAUSE.max(spread)),
        },
        Consequence::Transient if !used_up => Next::Backoff(spread),
        // What came with a failed page is saved while that waits for its stage's verdict.
        Consequence::Transient if class.is_content() && found.is_none() => Next::Dead(class),
        Consequence::Transient => Next::Failed,
    };
    (next, found)
}

fn detail(setback: &Setback, state: TaskState) -> Detail {
    let retry_at_us = match state {
        TaskState::Queued => return Detail::None,
        TaskState::Backoff { until_us, .. } => Some(until_us),
        _ => None,
    };
    Detail::Error(Box::new(Fault {
        class: setback.class,
        message: Arc::from(setback.message.as_str()),
        retry_at_us,
    }))
}

/// What the store is told.
fn end_of(
    setback: &Setback,
    session: &Session,
    task: &Identity,
    tries: Tries,
    next: Next,
    found: Option<Box<Extracted>>,
    now: Duration,
) -> EndAttempt {
    let class = setback.class;
    let failure = Some((class, setback.message.clone()));
    let attempt = setback.flight.attempt(now, tries.dispatched, failure);
    let found = *found.unwrap_or_default();
    let end = match next {
        Next::Queued => PageEnd::Queued,
        Next::Backoff(due_in) => PageEnd::Backoff { due_in, class },
        Next::Failed => PageEnd::Failed {
            evidence: evidence(setback),
            records: found.records,
            links: found.links,
        },
        Next::Dead(class) => PageEnd::Dead {
            class,
            evidence: evidence(setback),
        },
    };
    EndAttempt {
        attempt: Some(attempt),
        remarks: found.remarks,
        ..session.end_of(task, tries, end)
    }
}

/// What the attempt left behind.
fn evidence(setback: &Setback) -> Evidence {
    let answer = setback.flight.answer.as_ref();
    let body = answer.map_or(&[][..], |answer| &answer.body[..]);
    let cut = body.len().min(Evidence::MOST);
    Evidence {
        message: setback.message.clone(),
        head: answer.map(|answer| answer.head.clone()),
        body: (cut > 0).then(|| body[..cut].to_vec()),
    }
}
