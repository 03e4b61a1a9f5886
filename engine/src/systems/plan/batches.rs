//! Batches: opened one after the other with rests between them, and ended; what their stages tell of
//! the session's (SPEC B6).

use std::time::Duration;

use crate::{
    feed::frame::Change,
    model::{
        ids::{BatchId, SessionId, StageId},
        numbers::number,
        phase::{Phase, StagePhase},
    },
    politeness::batch_pacing::BatchRound,
    world::{
        batch::{Batch, StageRun},
        frontier::Frontier,
        journal::Journal,
        ledger::Book,
        session::{Session, Sessions},
        task_state::Tasks,
        timers::{Due, Timers},
    },
};

/// The next batch opens when the last one has nothing queued; at most two are open.
pub(super) fn open_next(
    sessions: &mut Sessions,
    tasks: &mut Tasks,
    frontier: &mut Frontier,
    timers: &mut Timers,
    id: SessionId,
) {
    let Some(book) = tasks.ledger.book(id) else {
        // Its start URLs are on their way to the store.
        return;
    };
    let mut session = sessions.get_mut(id);
    let Some(next) = next_batch(&session, book) else {
        session.tempo.busy();
        return;
    };
    let now = tasks.now();
    if !session.opened.is_empty() && rests(&mut session, &mut tasks.journal, timers, now) {
        return;
    }
    let mut stages = vec![StageRun::default(); session.site.stages.len()];
    for (stage, attempts) in session.attempts_before(next) {
        stages[usize::from(stage.0)].attempts = attempts;
    }
    session.opened.insert(next);
    session.running.insert(next);
    tasks.ledger.book_mut(id).open(next);
    let batch = Batch {
        session: id,
        id: next,
        phase: StagePhase::Running,
        stages,
    };
    let entity = tasks.commands.spawn(batch).id();
    sessions.index.batches.insert((id, next), entity);
    tasks.journal.write(Change::BatchMoved {
        session: id,
        batch: next,
        from: StagePhase::Waiting,
        to: StagePhase::Running,
    });
    frontier.low.0.extend(frontier.queues.read_on(id, next));
    tasks.ledger.stages_changed = true;
}

fn next_batch(session: &Session, book: &Book) -> Option<BatchId> {
    let last = session.opened.last();
    let last_is_busy = last.is_some_and(|last| book.batch(*last, Phase::Queued) > 0);
    let next = book.unopened();
    next.filter(|_| session.running.len() < 2 && !last_is_busy)
}

/// Whether the session still rests before its next batch.
fn rests(session: &mut Session, journal: &mut Journal, timers: &mut Timers, now: Duration) -> bool {
    let bounds = session.settings.batches();
    let tempo = &mut session.tempo;
    let (until, changed) = tempo.rest(now, &bounds);
    let is_news = now < until && tempo.is_news(until);
    let (size, pause) = (tempo.size(&bounds), tempo.pause(&bounds));
    if now >= until {
        tempo.busy();
    }
    if let Some(round) = changed {
        let text = format!(
            "batches: {size} entry pages, {:.1} s between them: {}",
            pause.as_secs_f64(),
            why(&round)
        );
        journal.notice(session.id, &text);
    }
    if is_news {
        timers.set(until, Due::Batch);
    }
    now < until
}

/// What a round was like, in words.
fn why(round: &BatchRound) -> String {
    let errors = f64::from(round.errors) / 10.0;
    let failed = format!("{errors:.1} % of {} answers failed", round.answers);
    if round.slowness == 0 {
        return failed;
    }
    let times = number(round.slowness) / 1_000.0;
    format!("{failed}, they took {times:.1} times as long as usual")
}

/// A batch has ended: from now on it costs nothing, what it tells of its stages is summed up.
pub(super) fn end(
    sessions: &mut Sessions,
    tasks: &mut Tasks,
    frontier: &mut Frontier,
    id: SessionId,
    batch: BatchId,
) {
    let ended = sessions.batch(id, batch).expect("a batch ends once judged");
    let (to, stages) = (ended.phase, ended.stages.clone());
    let mut session = sessions.get_mut(id);
    session.running.remove(&batch);
    session.account(&stages);
    frontier.queues.forget_batch(id, batch);
    tasks.journal.write(Change::BatchMoved {
        session: id,
        batch,
        from: StagePhase::Running,
        to,
    });
    tasks.ledger.stages_changed = true;
}

/// Tells where each stage is over all batches.
pub(super) fn tell_stages(sessions: &mut Sessions, journal: &mut Journal, id: SessionId) {
    let session = sessions.get(id);
    let mut stages = session.past.clone();
    for batch in &session.running {
        // One that was opened in this tick has nothing to tell yet.
        if let Some(batch) = sessions.batch(id, *batch) {
            for (at, run) in stages.iter_mut().zip(&batch.stages) {
                *at = at.max_by_weight(run.state.phase());
            }
        }
    }
    let mut session = sessions.get_mut(id);
    for (index, to) in (0u16..).zip(stages) {
        let at = &mut session.stages[usize::from(index)];
        let from = std::mem::replace(at, to);
        if from != to {
            journal.write(Change::StageMoved {
                session: id,
                stage: StageId(index),
                from,
                to,
            });
        }
    }
}
