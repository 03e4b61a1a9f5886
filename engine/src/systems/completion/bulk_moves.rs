//! Bulk verbs of the store: a stage's failed pages, a person's dead letters; they stand in the store.

use bevy_ecs::system::ResMut;
use serde_json::json;

use super::BulkMove;
use crate::{
    message::receipts::MovedCount,
    model::{
        class::SkipReason,
        ids::{BatchId, SessionId, StageId},
        phase::Phase,
        stage_state::StageState,
    },
    systems::{endings::reopen, observe::DueSnapshots},
    world::{
        frontier::Frontier,
        host_queue::{HostQueues, LowQueues},
        ledger::Ledger,
        queue::Queue,
        replies::PendingReplies,
        session::Sessions,
        slots::Owner,
        task_state::{TaskState, Tasks},
    },
};

pub(super) fn take_moved(
    mut moves: ResMut<Queue<BulkMove>>,
    mut tasks: Tasks,
    mut sessions: Sessions,
    mut frontier: Frontier,
    mut replies: ResMut<PendingReplies>,
    mut snapshots: ResMut<DueSnapshots>,
) {
    while let Some(BulkMove { owner, moved }) = moves.pop() {
        let (session, to) = match owner {
            Owner::Requeue(session, ..) | Owner::RequeueDead(session, _) => {
                (session, Phase::Queued)
            }
            Owner::Condemn(session, ..) => (session, Phase::Dead),
            Owner::SkipFailed(session, ..) => (session, Phase::Skipped),
            Owner::Drop(session, _) => (session, Phase::Cancelled),
            owner => unreachable!("{owner:?} moves no pages"),
        };
        let mut count = moved.iter().map(|moved| moved.count).sum::<u64>();
        if let Owner::Drop(_, request) = owner {
            let (waited, keys) = replies.dropping.remove(&request).unwrap_or_default();
            count += waited as u64;
            for key in keys {
                // It was read up before the store dropped it.
                if let Some(entity) = tasks.find(&frontier.residents, session, key)
                    && matches!(tasks.state(entity), TaskState::Queued)
                {
                    frontier.leave(&mut tasks, entity);
                }
            }
        }
        book(&mut tasks.ledger, session, &moved, to);
        let (queues, low) = (&mut frontier.queues, &mut frontier.low);
        requeue(queues, low, session, &moved, to);
        tasks.ledger.stages_changed = true;
        match owner {
            Owner::SkipFailed(_, batch, stage) => {
                let skipped = &mut tasks.ledger.book_mut(session).skipped;
                *skipped.entry(SkipReason::PastTheEnd).or_default() += count;
                carried_out(&mut sessions, session, batch, stage);
            }
            Owner::Requeue(_, batch, stage) | Owner::Condemn(_, batch, stage) => {
                carried_out(&mut sessions, session, batch, stage);
            }
            Owner::RequeueDead(_, request) => {
                for moved in &moved {
                    let stage = (moved.batch, moved.stage);
                    reopen(&mut sessions, &mut tasks.journal, session, stage);
                }
                snapshots.add(session);
                replies.answer(request, Ok(json!({ "pages": count })));
            }
            Owner::Drop(_, request) => {
                snapshots.add(session);
                replies.answer(request, Ok(json!({ "pages": count })));
            }
            _ => {}
        }
    }
}

fn book(ledger: &mut Ledger, session: SessionId, moved: &[MovedCount], to: Phase) {
    for count in moved {
        let stage = (count.batch, count.stage);
        let book = ledger.shift(session, stage, (count.from, to), count.count);
        let Some(class) = count.class else {
            continue;
        };
        if count.from == Phase::Dead
            && let Some(known) = book.dead.get_mut(&class)
        {
            *known = known.saturating_sub(count.count);
        }
        if to == Phase::Dead {
            *book.dead.entry(class).or_default() += count.count;
        }
        book.dead.retain(|_, count| *count > 0);
    }
}

/// The host queues follow.
fn requeue(
    queues: &mut HostQueues,
    low: &mut LowQueues,
    session: SessionId,
    moved: &[MovedCount],
    to: Phase,
) {
    for count in moved {
        let id = queues.id(session, count.host);
        let queue = queues.get_mut(id);
        if count.from.is_waiting() {
            queue.outside = queue.outside.saturating_sub(count.count);
        }
        if let Some(gone) = queue.gone.of(count.from) {
            *gone = gone.saturating_sub(count.count);
        }
        if let Some(gone) = queue.gone.of(to) {
            *gone += count.count;
        }
        if to == Phase::Queued {
            queue.outside += count.count;
            queue.cursor(count.batch).exhausted = false;
            low.0.push(id);
        }
    }
}

/// The store has carried out a stage's verdict.
fn carried_out(sessions: &mut Sessions, session: SessionId, batch: BatchId, stage: StageId) {
    let batch = sessions.batch_mut(session, batch);
    let mut batch = batch.expect("a batch is open before its stages are judged");
    batch.stages[usize::from(stage.0)].enter(StageState::Running);
}
