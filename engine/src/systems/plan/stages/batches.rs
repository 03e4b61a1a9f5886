//! Batches: opened one after the other, and ended; what their stages tell of the session's.

use serde_json::json;

use super::{batches_of, note, rest, severity};
use crate::{
    feed::frame::{Change, SessionPhase, StagePhase},
    model::{
        ids::{BatchId, SessionId, StageId},
        phase::Phase,
        session::{Batch, StageRun},
    },
    settings::OnFatal,
    systems::crawl::Crawl,
};

/// The next batch opens when the last one has nothing queued; at most two are open.
pub(super) fn open_next(crawl: &mut Crawl, id: SessionId) {
    let Some(book) = crawl.moves.ledger().book(id) else {
        return;
    };
    let mut known: Vec<BatchId> = book.counts.keys().map(|(batch, _)| *batch).collect();
    known.dedup();
    let queued = |batch: BatchId| -> u64 {
        book.counts
            .range((batch, StageId(0))..=(batch, StageId(u16::MAX)))
            .map(|(_, counts)| counts[Phase::Queued as usize])
            .sum()
    };
    let queued: Vec<(BatchId, u64)> = known.iter().map(|batch| (*batch, queued(*batch))).collect();
    let Some(session) = crawl.session(id) else {
        return;
    };
    let (opened, stages) = (session.opened.clone(), session.site.stages.len());
    let past = session.stage_attempts.clone();
    let still_open = batches_of(crawl, id)
        .iter()
        .filter(|(_, entity)| {
            crawl
                .batches
                .get(*entity)
                .is_ok_and(|batch| batch.phase == StagePhase::Running)
        })
        .count();
    let last_is_busy = opened
        .last()
        .is_some_and(|last| queued.iter().any(|(batch, n)| batch == last && *n > 0));
    let next = known.into_iter().find(|batch| !opened.contains(batch));
    let (false, Some(next)) = (still_open >= 2 || last_is_busy, next) else {
        if let Some(mut session) = crawl.session_mut(id) {
            session.tempo.busy();
        }
        return;
    };
    if !opened.is_empty() && rest::goes_on(crawl, id) {
        return;
    }
    let mut runs = vec![StageRun::default(); stages];
    for (batch, stage, attempts) in past {
        if batch == next {
            runs[usize::from(stage.0)].attempts = attempts;
        }
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
    crawl.index.batches.insert((session, id), entity);
    crawl.moves.journal().write(Change::BatchMoved {
        session,
        batch: id,
        from: StagePhase::Waiting,
        to: StagePhase::Running,
    });
    if let Some(mut session) = crawl.session_mut(session) {
        session.opened.insert(id);
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
            crawl.move_session(session, SessionPhase::Paused);
        }
        OnFatal::Abort => {
            crawl.notice(
                session,
                "a stage failed beyond its tolerance: the session ends",
            );
            if let Some(mut session) = crawl.session_mut(session) {
                session.why = Some("a stage failed beyond its tolerance".to_owned());
                session.cancel = Some(true);
            }
            crawl.desk.abort = true;
        }
    }
}

/// Tells where each stage is over all batches.
pub(super) fn tell_stages(crawl: &mut Crawl, id: SessionId) {
    let runs: Vec<Vec<StagePhase>> = batches_of(crawl, id)
        .iter()
        .filter_map(|(_, entity)| crawl.batches.get(*entity).ok())
        .map(|batch| batch.stages.iter().map(|run| run.phase).collect())
        .collect();
    let Some(mut session) = crawl.session_mut(id) else {
        return;
    };
    let mut told = Vec::new();
    for index in 0..session.stages.len() {
        let to = runs
            .iter()
            .filter_map(|stages| stages.get(index).copied())
            .max_by_key(|phase| severity(*phase))
            .unwrap_or_default();
        let from = session.stages[index];
        if from != to
            && let Ok(stage) = u16::try_from(index)
        {
            session.stages[index] = to;
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
