//! Batches open; each stage of a batch ends with one result per attempt (SPEC B6).

mod batches;
mod past_end;
mod rest;

use std::time::Duration;

use serde_json::json;
use smallvec::SmallVec;

use crate::{
    message::store_verbs::{Note, StoreVerb},
    model::{
        ids::{BatchId, PageKey, SessionId, StageId},
        numbers::number,
        phase::{Phase, StagePhase},
        stage_state::StageState,
    },
    politeness::backoff,
    systems::crawl::Crawl,
    world::{
        ledger::{Counts, open},
        session::{Session, StageRun},
        slots::Owner,
        timers::Due,
    },
};

/// Opens batches and judges stages that may have ended.
pub(super) fn judge_stages(mut crawl: Crawl) {
    crawl.desk.restless = false;
    // While our own network is down nobody is judged; its return makes the desk restless again.
    let offline = crawl.condition.offline.is_offline();
    let sessions: Vec<SessionId> = crawl.index.sessions.keys().copied().collect();
    for id in sessions {
        if crawl.session(id).is_some_and(Session::is_open) {
            batches::open_next(&mut crawl, id);
            if offline {
                continue;
            }
            for batch in running_of(&crawl, id) {
                judge_batch(&mut crawl, id, batch);
            }
        }
    }
}

/// Batches that have not ended: at most two, but for those that came to life again.
fn running_of(crawl: &Crawl, session: SessionId) -> SmallVec<[BatchId; 2]> {
    let session = crawl.session(session).into_iter();
    session
        .flat_map(|session| &session.running)
        .copied()
        .collect()
}

fn judge_batch(crawl: &mut Crawl, session: SessionId, id: BatchId) {
    let entity = crawl.index.batches[&(session, id)];
    let Ok(batch) = crawl.batches.get(entity) else {
        // It was opened in this very tick.
        crawl.desk.restless = true;
        return;
    };
    let mut runs = batch.stages.clone();
    for index in 0..runs.len() {
        let Ok(stage) = u16::try_from(index).map(StageId) else {
            continue;
        };
        judge_stage(crawl, session, id, stage, &mut runs);
    }
    let ended = runs.iter().all(|run| run.state.has_ended());
    let phase = if ended {
        runs.iter()
            .map(|run| run.state.phase())
            .fold(StagePhase::Waiting, StagePhase::max_by_weight)
    } else {
        StagePhase::Running
    };
    if let Ok(mut batch) = crawl.batches.get_mut(entity) {
        // A stage that ended may end one that stands before it in the file.
        let ended_one = batch
            .stages
            .iter()
            .zip(&runs)
            .any(|(before, now)| before.state.phase() != now.state.phase());
        crawl.desk.restless |= ended_one;
        batch.stages = runs;
        batch.enter(phase);
    }
    if ended {
        batches::end(crawl, session, id, phase);
    }
    batches::tell_stages(crawl, session);
}

/// One stage of one batch: still open, recoverable, or ended.
fn judge_stage(
    crawl: &mut Crawl,
    id: SessionId,
    batch: BatchId,
    stage: StageId,
    runs: &mut [StageRun],
) {
    let at = usize::from(stage.0);
    if runs[at].state.has_ended() {
        return;
    }
    let Some(counts) = settled(crawl, id, batch, stage, runs) else {
        return;
    };
    if matches!(
        runs[at].state,
        StageState::Recovering | StageState::Condemning
    ) {
        return;
    }
    let total: u64 = counts.iter().sum();
    let failed = counts[Phase::Failed as usize];
    let lost = failed + counts[Phase::Dead as usize];
    let Some(session) = crawl.session(id) else {
        return;
    };
    let rule = session.site.stage(stage);
    let tolerance = rule.tolerance.unwrap_or(crawl.settings.0.tolerance);
    let max_attempts = rule
        .stage_attempts
        .unwrap_or(crawl.settings.0.stage_attempts);
    let policy = rule.retry.unwrap_or(crawl.settings.0.retry.policy);
    let seed = session.seed;
    let share = if total == 0 {
        0.0
    } else {
        number(lost) / number(total)
    };
    let verdict = if lost == 0 && runs[at].past_end == 0 {
        StageState::Success
    } else if share <= tolerance {
        StageState::Partial
    } else {
        StageState::Fatal
    };
    let run = &mut runs[at];
    if failed > 0 && crawl.desk.excused.remove(&(id, batch, stage)) {
        // Our own network was down: this round is not counted.
        let at = crawl.now() + Duration::from_secs(1);
        run.enter(StageState::Recovering);
        crawl.timers.set(at, Due::StageAgain(id, batch, stage));
        evict_failed(crawl, id, batch, stage);
        return;
    }
    if failed > 0 && past_end::skip(crawl, id, batch, stage, run) {
        return;
    }
    if failed > 0 && run.attempts + 1 < max_attempts {
        run.attempts += 1;
        let key = PageKey(uuid::Uuid::from_u64_pair(
            u64::from(batch.0),
            u64::from(stage.0),
        ));
        let dispatch = u16::try_from(run.attempts).unwrap_or(u16::MAX);
        let wait = backoff::delay(&policy, run.attempts, seed, key, dispatch);
        let at = crawl.now() + wait.max(policy.base.min(Duration::from_secs(1)));
        run.enter(StageState::Recovering);
        crawl.timers.set(at, Due::StageAgain(id, batch, stage));
        let result = json!({ "result": "recoverable", "attempt": run.attempts, "failed": failed, "total": total });
        note(crawl, id, batch, Some(stage), result);
        evict_failed(crawl, id, batch, stage);
        return;
    }
    if failed > 0 {
        run.enter(StageState::Condemning);
        evict_failed(crawl, id, batch, stage);
        crawl.write(
            Owner::Condemn(id, batch, stage),
            StoreVerb::CondemnFailed {
                session: id,
                batch: Some(batch),
                stage,
            },
        );
        return;
    }
    run.enter(verdict);
    let result = json!({
        "result": verdict.name(),
        "attempt": run.attempts + 1,
        "failed": lost,
        "pastTheEnd": run.past_end,
        "total": total,
    });
    note(crawl, id, batch, Some(stage), result);
    let now = crawl.now();
    crawl.lines.wake_session(id, now);
    let has_barrier = crawl
        .session(id)
        .is_some_and(|session| session.site.stages.iter().any(|stage| stage.barrier));
    if has_barrier {
        let again = crawl.lines.read_again(id, batch);
        crawl.desk.hungry.extend(again);
    }
}

/// The counts of a stage that cannot get more work: nothing of it is open, and every stage that
/// leads to it has ended. Stages on a cycle end together.
fn settled(
    crawl: &mut Crawl,
    id: SessionId,
    batch: BatchId,
    stage: StageId,
    runs: &mut [StageRun],
) -> Option<Counts> {
    let session = crawl.session(id)?;
    let at = usize::from(stage.0);
    let cycle = session.graph.cycle[at].clone();
    let upstream = session.graph.upstream[at].clone();
    let (enter, discovering) = (session.site.enter, session.discovering);
    let sitemaps: Vec<StageId> = (0u16..)
        .map(StageId)
        .zip(&session.site.stages)
        .filter(|(_, stage)| stage.sitemap_of.is_some())
        .map(|(id, _)| id)
        .collect();
    let book = crawl.moves.ledger().book(id)?;
    let counts = book.cell(batch, stage);
    if open(&counts) > 0 {
        if runs[at].state == StageState::Waiting {
            runs[at].enter(StageState::Running);
        }
        return None;
    }
    let cycle_open = cycle
        .iter()
        .any(|other| open(&book.cell(batch, *other)) > 0);
    let upstream_open = upstream.iter().any(|from| {
        *from != stage && !cycle.contains(from) && !runs[usize::from(from.0)].state.has_ended()
    });
    let by_sitemap = upstream.iter().any(|from| sitemaps.contains(from));
    let may_grow = stage == enter || upstream.contains(&enter) || by_sitemap;
    let still_listing = sitemaps.iter().any(|of| open(&book.stage(*of)) > 0);
    let sealed = !may_grow
        || book.last_batch() > Some(batch)
        || (!discovering && open(&book.stage(enter)) == 0 && !still_listing);
    (!cycle_open && !upstream_open && sealed).then_some(counts)
}

/// Failed tasks leave the window before the store moves them.
fn evict_failed(crawl: &mut Crawl, session: SessionId, batch: BatchId, stage: StageId) {
    let leaving = std::mem::take(&mut crawl.window.leaving);
    for (at, entity) in leaving {
        let of_stage = crawl.moves.identity(entity).is_some_and(|task| {
            task.session == session && task.batch == batch && task.stage == stage
        });
        let failed = crawl
            .moves
            .of(entity)
            .is_some_and(|state| state.phase() == Phase::Failed);
        if of_stage && failed {
            crawl.leave(entity);
        } else {
            crawl.window.leaving.push_back((at, entity));
        }
    }
}

fn note(
    crawl: &mut Crawl,
    session: SessionId,
    batch: BatchId,
    stage: Option<StageId>,
    mut result: serde_json::Value,
) {
    let verb = StoreVerb::Note(Note::StageResult {
        session,
        batch: Some(batch),
        stage,
        result: result.clone(),
    });
    crawl.write(Owner::Note(Some(session)), verb);
    if let Some(mut session) = crawl.session_mut(session) {
        result["batch"] = json!(batch.0);
        result["stage"] = json!(stage.map(|stage| session.site.stage(stage).name.clone()));
        if session.results.len() < 10_000 {
            session.results.push(result);
        }
    }
}
