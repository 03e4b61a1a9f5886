//! Due times: backoff → queued when due and the retry budget allows; orders that nobody answered;
//! hosts, batches, probes and snapshots whose time has come.

use std::{collections::BTreeSet, time::Duration};

use bevy_ecs::{
    entity::Entity,
    resource::Resource,
    system::{Res, ResMut},
};

use crate::{
    feed::frame::Detail,
    message::{orders::Order, store_verbs::StoreVerb},
    model::{ids::OrderId, numbers::micros},
    systems::{completion, observe::SnapshotDue},
    world::{
        border::{Inbox, Outbox, TickAgain},
        clock::Clock,
        condition::NetworkWatch,
        host::Hosts,
        host_queue::HostQueues,
        ledger::Ledger,
        queue::Queue,
        session::Sessions,
        slots::{Overdue, Owner, Slots},
        store_requests::StoreRequests,
        task_state::{TaskState, Tasks},
        timers::{Due, Timers},
    },
};

/// A retry that waits for its host's budget is looked at again after this, at the latest: the host
/// may have nothing else to do by then.
const BUDGET_LOOK: Duration = Duration::from_secs(1);

/// Retries that are due and wait for their host's budget; some may have moved on since.
#[derive(Resource, Debug, Default)]
pub(in crate::systems) struct BudgetWaits(pub(in crate::systems) BTreeSet<Entity>);

pub(super) fn is_due(timers: Res<Timers>, clock: Res<Clock>) -> bool {
    timers.next().is_some_and(|at| at <= clock.now())
}

/// A task whose backoff is over; `end_backoffs` takes it.
#[derive(Debug)]
pub(in crate::systems) struct BackoffOver(pub(in crate::systems) Entity);

/// An order that is due; `watch_orders` takes it.
#[derive(Debug)]
pub(in crate::systems) enum OrderDue {
    /// The order in this slot should have been answered by now.
    Deadline(u32),
    /// A store order that met trouble is sent again.
    Resend(OrderId),
}

/// Hosts, stages, batches, probes and snapshots whose time has come; tasks and orders are left for
/// the systems that follow.
pub(super) fn fire_due(
    mut timers: ResMut<Timers>,
    clock: Res<Clock>,
    mut backoffs: ResMut<Queue<BackoffOver>>,
    mut orders: ResMut<Queue<OrderDue>>,
    mut host_queues: ResMut<HostQueues>,
    mut requests: ResMut<StoreRequests>,
    mut ledger: ResMut<Ledger>,
    mut network: ResMut<NetworkWatch>,
    mut snapshot: ResMut<SnapshotDue>,
) {
    while let Some(due) = timers.pop_due(clock.now()) {
        match due {
            Due::Backoff(entity) => backoffs.push(BackoffOver(entity)),
            Due::Deadline(slot) => orders.push(OrderDue::Deadline(slot)),
            Due::Resend(id) => orders.push(OrderDue::Resend(id)),
            Due::Host(host) => host_queues.wake_host(host, clock.now()),
            Due::StageAgain(session, batch, stage) => requests.ask(
                Owner::Requeue(session, batch, stage),
                StoreVerb::RequeueFailed {
                    session,
                    batch: Some(batch),
                    stage,
                },
            ),
            Due::Batch => ledger.stages_changed = true,
            Due::Probe => network.probe_due = true,
            Due::Snapshot => snapshot.0 = true,
        }
    }
}

pub(super) fn end_backoffs(
    mut over: ResMut<Queue<BackoffOver>>,
    mut tasks: Tasks,
    sessions: Sessions,
    mut hosts: Hosts,
    mut host_queues: ResMut<HostQueues>,
    mut timers: ResMut<Timers>,
    mut budget_waits: ResMut<BudgetWaits>,
) {
    while let Some(BackoffOver(entity)) = over.pop() {
        let now = tasks.now();
        // It may have been dropped, have left, or wait anew by now.
        let Some((task, TaskState::Backoff { until_us, .. })) = tasks.get(entity) else {
            continue;
        };
        if until_us > micros(now) {
            continue;
        }
        let has_other_work = host_queues.has_queued(task.host);
        if let Some(mut host) = hosts.get_mut(task.host)
            && let Err(wait) = host.budget.try_take(now)
            && (has_other_work || !host.breaker.is_calm())
        {
            budget_waits.0.insert(entity);
            timers.set(now + wait.min(BUDGET_LOOK), Due::Backoff(entity));
            continue;
        }
        budget_waits.0.remove(&entity);
        tasks.enter(entity, TaskState::Queued, Detail::None);
        let rank = sessions.get(task.session).rank(&task);
        let queue = host_queues.id(task.session, task.host);
        host_queues.enqueue(queue, rank, entity, now);
    }
}

/// Orders whose deadline has come are given up; store orders that met trouble are sent again.
pub(super) fn watch_orders(
    mut due: ResMut<Queue<OrderDue>>,
    tasks: Tasks,
    mut slots: ResMut<Slots>,
    mut timers: ResMut<Timers>,
    mut inbox: ResMut<Inbox>,
    mut outbox: ResMut<Outbox>,
    mut again: ResMut<TickAgain>,
    mut requests: ResMut<StoreRequests>,
) {
    while let Some(due) = due.pop() {
        match due {
            OrderDue::Deadline(slot) => match slots.overdue(slot, tasks.now()) {
                Overdue::Order(id) if has_reported(&tasks, &slots, id) => {}
                Overdue::Order(id) => {
                    let busy = slots.get(id);
                    if busy.is_some_and(|busy| busy.http.is_some()) {
                        outbox.orders.push_back(Order::Abort(id));
                    }
                    // The task is taken back by this; a late report is dropped.
                    inbox.reports.push_back(completion::lost(id));
                    again.0 = true;
                }
                Overdue::At(at) => timers.set(at, Due::Deadline(slot)),
                Overdue::Nothing => {}
            },
            OrderDue::Resend(id) => {
                // Given up meanwhile.
                let Some(busy) = slots.get_mut(id) else {
                    continue;
                };
                let owner = busy.owner;
                if let Some(verb) = busy.verb.take() {
                    requests.ask_in(Some(id), owner, *verb);
                }
            }
        }
    }
}

/// Whether the order was answered, and its result waits for the task's next step.
fn has_reported(tasks: &Tasks, slots: &Slots, id: OrderId) -> bool {
    match slots.get(id).map(|busy| busy.owner) {
        Some(Owner::Task(entity)) => matches!(
            tasks.state(entity),
            TaskState::Fetched(_) | TaskState::Parsed(_)
        ),
        _ => false,
    }
}
