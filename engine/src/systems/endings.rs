//! What several systems do to a page that ends, or to a stage that goes on again.

use bevy_ecs::entity::Entity;

use crate::{
    feed::frame::{Change, Detail},
    message::store_verbs::PageEnd,
    model::{
        ids::{BatchId, SessionId, StageId},
        phase::StagePhase,
        stage_state::StageState,
    },
    world::{
        journal::Journal,
        session::{Session, Sessions},
        store_requests::StoreRequests,
        task_state::{TaskState, Tasks},
        window::Window,
    },
};

/// A task in no flight ends for good: skipped or cancelled.
pub(super) fn end_waiting(
    tasks: &mut Tasks,
    window: &mut Window,
    requests: &mut StoreRequests,
    session: &Session,
    entity: Entity,
    state: TaskState,
) {
    let (end, detail) = match state {
        TaskState::Skipped(reason) => (PageEnd::Skipped(reason), Detail::Reason(reason)),
        TaskState::Cancelled => (PageEnd::Cancelled, Detail::None),
        state => unreachable!("no waiting task ends as {state:?}"),
    };
    let (task, tries) = (tasks.identity(entity), tasks.tries(entity));
    requests.end(session.end_of(&task, tries, end));
    tasks.enter(entity, state, detail);
    window.retire(entity, tasks.now());
}

/// Pages came into a stage of a batch that had ended: it is judged again, and so is what its links
/// lead to. The caller has the stages judged.
pub(super) fn reopen(
    sessions: &mut Sessions,
    journal: &mut Journal,
    id: SessionId,
    (batch_id, stage): (BatchId, StageId),
) {
    if !sessions.index.batches.contains_key(&(id, batch_id)) {
        // It was not opened yet.
        return;
    }
    let graph = &sessions.get(id).graph;
    let is_downstream = |at: usize| graph.upstream[at].contains(&stage);
    let again: Vec<bool> = (0..graph.upstream.len())
        .map(|at| at == usize::from(stage.0) || is_downstream(at))
        .collect();
    let Some(mut batch) = sessions.batch_mut(id, batch_id) else {
        return;
    };
    let mut reopened = false;
    for (run, again) in batch.stages.iter_mut().zip(again) {
        if again && run.state.has_ended() {
            run.enter(StageState::Running);
            reopened = true;
        }
    }
    let from = batch.phase;
    if !reopened || from == StagePhase::Running {
        return;
    }
    batch.enter(StagePhase::Running);
    recount_past(sessions, id, batch_id);
    journal.write(Change::BatchMoved {
        session: id,
        batch: batch_id,
        from,
        to: StagePhase::Running,
    });
}

/// An ended batch runs again: where each stage is, over those that have ended still. This is rare,
/// so it may look at all of them.
fn recount_past(sessions: &mut Sessions, id: SessionId, again: BatchId) {
    let Sessions {
        all,
        batches,
        index,
    } = sessions;
    let session = all.get_mut(index.entities[&id]);
    let mut session = session.expect("the session of an open batch is open");
    session.running.insert(again);
    session.past.fill(StagePhase::Waiting);
    let range = (id, BatchId(0))..=(id, BatchId(u32::MAX));
    for ((_, batch), entity) in index.batches.range(range) {
        if let Ok(ended) = batches.get(*entity)
            && !session.running.contains(batch)
        {
            session.account(&ended.stages);
        }
    }
}
