//! Batches: opened one after the other, and ended; what their stages tell of the session's.

use serde_json::json;

use super::{note, rest, running_of};
use crate::{
    feed::frame::Change,
    model::{
        ids::{BatchId, SessionId, StageId},
        phase::{Phase, StagePhase},
        session_state::{Ending, SessionState},
    },
    settings::OnFatal,
    systems::crawl::Crawl,
    world::session::{Batch, StageRun},
};

/// The next batch opens when the last one has nothing queued; at most two are open.
pub(super) fn open_next(crawl: &mut Crawl, id: SessionId) {
    let (Some(session), Some(book)) = (crawl.session(id), crawl.moves.book(id)) else {
        return;
    };
    let last = session.opened.last();
    let last_is_busy = last.is_some_and(|last| book.batch(*last, Phase::Queued) > 0);
    let is_first = last.is_none();
    let next = book
        .unopened()
        .filter(|_| session.running.len() < 2 && !last_is_busy);
    let Some(next) = next else {
        if let Some(mut session) = crawl.session_mut(id) {
            session.tempo.busy();
        }
        return;
    };
    let mut runs = vec![StageRun::default(); session.site.stages.len()];
    for (stage, attempts) in session.attempts_before(next) {
        runs[usize::from(stage.0)].attempts = attempts;
    }
    if !is_first && rest::goes_on(crawl, id) {
        return;
    }
    open_batch(crawl, id, next, runs);
}

fn open_batch(crawl: &mut Crawl, session: SessionId, id: BatchId, stages: Vec<StageRun>) {
    let batch = Batch {
        session,
        id,
        phase: StagePhase::Running,
        stages,
    };
    let entity = crawl.commands.spawn(batch).id();
    crawl.moves.ledger().book_mut(session).open(id);
    crawl.index.batches.insert((session, id), entity);
    crawl.moves.journal().write(Change::BatchMoved {
        session,
        batch: id,
        from: StagePhase::Waiting,
        to: StagePhase::Running,
    });
    if let Some(mut session) = crawl.session_mut(session) {
        session.opened.insert(id);
        session.running.insert(id);
    }
    let lines: Vec<_> = crawl
        .lines
        .iter()
        .filter(|(_, line)| line.session == session && line.outside > 0)
        .map(|(line, _)| line)
        .collect();
    for line in lines {
        crawl.lines.get_mut(line).cursor(id).exhausted = false;
        crawl.desk.hungry.push(line);
    }
    crawl.desk.restless = true;
}

/// A batch has ended; a fatal one is the session's policy to judge.
pub(super) fn end(crawl: &mut Crawl, session: SessionId, batch: BatchId, phase: StagePhase) {
    leave_running(crawl, session, batch);
    crawl.moves.journal().write(Change::BatchMoved {
        session,
        batch,
        from: StagePhase::Running,
        to: phase,
    });
    note(
        crawl,
        session,
        batch,
        None,
        json!({ "result": phase.name() }),
    );
    crawl.desk.restless = true;
    if phase != StagePhase::Fatal {
        return;
    }
    match crawl.settings.0.on_fatal {
        OnFatal::Continue => {}
        OnFatal::Pause => {
            crawl.notice(
                session,
                "a stage failed beyond its tolerance: the session pauses",
            );
            crawl.move_session(session, SessionState::Paused);
        }
        OnFatal::Abort => {
            crawl.notice(
                session,
                "a stage failed beyond its tolerance: the session ends",
            );
            let why = "a stage failed beyond its tolerance".to_owned();
            let (at_once, then) = (true, Ending::Failed(why));
            crawl.move_session(session, SessionState::Draining { at_once, then });
            crawl.desk.abort = true;
        }
    }
}

/// Tells where each stage is over all batches.
pub(super) fn tell_stages(crawl: &mut Crawl, id: SessionId) {
    let running = running_of(crawl, id);
    let index = &crawl.index;
    let Some(mut session) =
        (index.sessions.get(&id)).and_then(|of| crawl.sessions.get_mut(*of).ok())
    else {
        return;
    };
    let mut stages = session.past.clone();
    for batch in running {
        if let Ok(batch) = crawl.batches.get(index.batches[&(id, batch)]) {
            for (at, run) in stages.iter_mut().zip(&batch.stages) {
                *at = at.max_by_weight(run.state.phase());
            }
        }
    }
    let mut told = Vec::new();
    for (index, to) in stages.into_iter().enumerate() {
        let from = std::mem::replace(&mut session.stages[index], to);
        if from != to
            && let Ok(stage) = u16::try_from(index)
        {
            told.push(Change::StageMoved {
                session: id,
                stage: StageId(stage),
                from,
                to,
            });
        }
    }
    for change in told {
        crawl.moves.journal().write(change);
    }
}

/// From now on the batch costs nothing: what it tells of its stages is summed up.
fn leave_running(crawl: &mut Crawl, id: SessionId, batch: BatchId) {
    let index = &crawl.index;
    let (Some(session), Some(entity)) = (index.sessions.get(&id), index.batches.get(&(id, batch)))
    else {
        return;
    };
    if let (Ok(mut session), Ok(ended)) =
        (crawl.sessions.get_mut(*session), crawl.batches.get(*entity))
    {
        session.running.remove(&batch);
        session.account(&ended.stages);
    }
    crawl.lines.forget_batch(id, batch);
}
