//! Waiting tasks by reason: queues by what holds them, backoff by the ledger.

use std::collections::BTreeMap;

use bevy_ecs::{
    resource::Resource,
    system::{Res, ResMut},
};

use super::DueSnapshots;
use crate::{
    model::{class::WaitReason, ids::SessionId, phase::Phase},
    systems::retry::BudgetWaits,
    world::{
        condition::DispatchLimit,
        host_queue::HostQueues,
        queue::{ParseQueue, SaveQueue},
        session::{Session, Sessions},
        task_state::{TaskState, Tasks},
    },
};

/// Waiting tasks of the sessions whose snapshot is taken in this tick, by reason.
#[derive(Resource, Debug, Default)]
pub(super) struct WaitingCounts(pub(super) BTreeMap<SessionId, BTreeMap<WaitReason, u64>>);

impl WaitingCounts {
    /// Takes those of a session.
    pub(super) fn take(&mut self, session: SessionId) -> BTreeMap<WaitReason, u64> {
        self.0.remove(&session).unwrap_or_default()
    }
}

pub(super) fn count_waiting(
    due: Res<DueSnapshots>,
    mut counts: ResMut<WaitingCounts>,
    mut budget_waits: ResMut<BudgetWaits>,
    tasks: Tasks,
    sessions: Sessions,
    host_queues: Res<HostQueues>,
    limit: Res<DispatchLimit>,
    parse_queue: Res<ParseQueue>,
    save_queue: Res<SaveQueue>,
) {
    let waits = |state| matches!(state, TaskState::Backoff { .. });
    let still = |entity| tasks.get(entity).filter(|(_, state)| waits(*state));
    (budget_waits.0).retain(|entity| still(*entity).is_some());
    for id in &due.0 {
        let session = sessions.get(*id);
        let mut waiting = in_queues(session, &host_queues, &limit);
        let mut add = |reason, count: usize| {
            *waiting.entry(reason).or_default() += u64::try_from(count).unwrap_or(u64::MAX);
        };
        add(WaitReason::CpuPermits, parse_queue.waiting.len());
        add(WaitReason::StorePermits, save_queue.0.len());
        let backoff = tasks.ledger.book(*id);
        let backoff = backoff.map_or(0, |book| book.total[Phase::Backoff as usize]);
        let own = |entity: &&_| still(**entity).is_some_and(|(task, _)| task.session == *id);
        let for_budget = budget_waits.0.iter().filter(own).count();
        let for_budget = u64::try_from(for_budget).unwrap_or(u64::MAX).min(backoff);
        *waiting.entry(WaitReason::RetryBudget).or_default() += for_budget;
        *waiting.entry(WaitReason::Backoff).or_default() += backoff - for_budget;
        waiting.retain(|_, count| *count > 0);
        counts.0.insert(*id, waiting);
    }
}

/// Pages in a session's host queues, and outside the window.
fn in_queues(
    session: &Session,
    host_queues: &HostQueues,
    limit: &DispatchLimit,
) -> BTreeMap<WaitReason, u64> {
    let mut waiting = BTreeMap::new();
    // While a session rests, nothing of its open batches is queued.
    let rests = session.tempo.rests_until(&session.settings.batches());
    let outside = if rests.is_some() {
        WaitReason::BatchNotBegun
    } else {
        WaitReason::OutsideWindow
    };
    let queues = host_queues.iter().map(|(_, queue)| queue);
    for queue in queues.filter(|queue| queue.session == session.id) {
        let reason = if session.is_dispatching() {
            let held = limit.limited.or(queue.held);
            held.unwrap_or(WaitReason::HttpPermits)
        } else {
            WaitReason::Paused
        };
        let resident = u64::try_from(queue.waiting()).unwrap_or(0);
        *waiting.entry(reason).or_default() += resident;
        *waiting.entry(outside).or_default() += queue.outside;
    }
    waiting
}
