//! Each stage of a batch ends with one result per attempt (SPEC B6).

use std::time::Duration;

use bevy_ecs::system::ResMut;
use serde_json::{Value as Json, json};

use super::{batches, past_end};
use crate::{
    message::store_verbs::{Note, StoreVerb},
    model::{
        ids::{BatchId, PageKey, SessionId, StageId},
        numbers::number,
        phase::{Phase, StagePhase},
        session_state::{Ending, SessionState},
        stage_state::StageState,
    },
    politeness::retry,
    settings::OnFatal,
    world::{
        batch::StageRun,
        condition::{NetworkWatch, Recall},
        frontier::Frontier,
        ledger::{Book, Counts, open},
        session::{Session, Sessions},
        slots::Owner,
        store_requests::StoreRequests,
        task_state::Tasks,
        timers::{Due, Timers},
    },
};

/// Results kept for a session's result document.
const RESULTS: usize = 10_000;
/// Failed pages of a stage that our own network wronged run again after this.
const EXCUSED: Duration = Duration::from_secs(1);

/// Opens batches and judges stages that may have ended.
pub(super) fn judge_stages(
    sessions: Sessions,
    mut tasks: Tasks,
    frontier: Frontier,
    network: ResMut<NetworkWatch>,
    timers: ResMut<Timers>,
    requests: ResMut<StoreRequests>,
    recall: ResMut<Recall>,
) {
    tasks.ledger.stages_changed = false;
    let ids: Vec<SessionId> = sessions.index.ids().collect();
    let mut judge = Judge {
        sessions,
        tasks,
        frontier,
        network,
        timers,
        requests,
        recall,
    };
    for id in ids {
        if judge.sessions.get(id).is_open() {
            judge.judge_session(id);
        }
    }
}

/// What [`judge_stages`] works on.
struct Judge<'w, 's> {
    sessions: Sessions<'w, 's>,
    tasks: Tasks<'w, 's>,
    frontier: Frontier<'w>,
    network: ResMut<'w, NetworkWatch>,
    timers: ResMut<'w, Timers>,
    requests: ResMut<'w, StoreRequests>,
    recall: ResMut<'w, Recall>,
}

/// A stage of a batch, and what is known of its pages.
struct Settled {
    batch: BatchId,
    stage: StageId,
    counts: Counts,
}

/// What follows where no page of a stage can move by itself any more.
enum Verdict {
    /// The failed pages run again at this time.
    Again(Duration),
    /// The failed pages become dead letters.
    Condemn,
    Ends(StageState),
}

impl Judge<'_, '_> {
    fn judge_session(&mut self, id: SessionId) {
        let (tasks, frontier) = (&mut self.tasks, &mut self.frontier);
        batches::open_next(&mut self.sessions, tasks, frontier, &mut self.timers, id);
        // While our own network is down nobody is judged; its return has the stages judged again.
        if self.network.offline.is_offline() {
            return;
        }
        // At most two, but for those that came to life again.
        let running: Vec<BatchId> = self.sessions.get(id).running.iter().copied().collect();
        for batch in running {
            match self.sessions.batch(id, batch) {
                Some(known) => self.judge_batch(id, batch, known.stages.clone()),
                // It was opened in this very tick.
                None => self.tasks.ledger.stages_changed = true,
            }
        }
    }

    fn judge_batch(&mut self, id: SessionId, batch: BatchId, mut runs: Vec<StageRun>) {
        for stage in (0u16..).map(StageId).take(runs.len()) {
            let session = self.sessions.get(id);
            let Some(book) = self.tasks.ledger.book(id) else {
                continue;
            };
            if let Some(counts) = settled(session, book, batch, stage, &mut runs) {
                let settled = Settled {
                    batch,
                    stage,
                    counts,
                };
                self.judge_stage(id, &settled, &mut runs[usize::from(stage.0)]);
            }
        }
        let ended = runs.iter().all(|run| run.state.has_ended());
        let phase = if ended {
            let phases = runs.iter().map(|run| run.state.phase());
            phases.fold(StagePhase::Waiting, StagePhase::max_by_weight)
        } else {
            StagePhase::Running
        };
        let known = self.sessions.batch_mut(id, batch);
        let mut known = known.expect("only known batches are judged");
        // A stage that ended may end one that stands before it in the file.
        let mut both = known.stages.iter().zip(&runs);
        let has_moved = both.any(|(before, now)| before.state.phase() != now.state.phase());
        known.stages = runs;
        known.enter(phase);
        self.tasks.ledger.stages_changed |= has_moved;
        if ended {
            self.end_batch(id, batch, phase);
        }
        batches::tell_stages(&mut self.sessions, &mut self.tasks.journal, id);
    }

    /// One stage of one batch: recoverable, or ended.
    fn judge_stage(&mut self, id: SessionId, settled: &Settled, run: &mut StageRun) {
        let Settled {
            batch,
            stage,
            counts,
        } = *settled;
        let now = self.tasks.now();
        let has_failed = counts[Phase::Failed as usize] > 0;
        let is_excused = has_failed && self.network.excused.remove(&(id, batch, stage));
        let mut session = self.sessions.get_mut(id);
        if has_failed
            && !is_excused
            && past_end::skip(
                &mut session,
                &mut self.tasks.ledger,
                &mut self.requests,
                (batch, stage),
                run,
            )
        {
            self.evict_failed(id, settled);
            return;
        }
        let verdict = if is_excused {
            // Our own network was down: this round is not counted.
            Verdict::Again(now + EXCUSED)
        } else {
            verdict(&session, settled, run, now)
        };
        match verdict {
            Verdict::Again(at) => {
                run.enter(StageState::Recovering);
                self.timers.set(at, Due::StageAgain(id, batch, stage));
                if !is_excused {
                    let result = settled.result("recoverable", run.attempts, None);
                    note(&mut session, &mut self.requests, batch, Some(stage), result);
                }
                self.evict_failed(id, settled);
            }
            Verdict::Condemn => {
                run.enter(StageState::Condemning);
                self.requests.ask(
                    Owner::Condemn(id, batch, stage),
                    StoreVerb::CondemnFailed {
                        session: id,
                        batch: Some(batch),
                        stage,
                    },
                );
                self.evict_failed(id, settled);
            }
            Verdict::Ends(state) => {
                run.enter(state);
                let result = settled.result(state.name(), run.attempts + 1, Some(run.past_end));
                note(&mut session, &mut self.requests, batch, Some(stage), result);
                let has_barrier = session.site.stages.iter().any(|stage| stage.barrier);
                let queues = &mut self.frontier.queues;
                queues.wake_session(id, now);
                if has_barrier {
                    self.frontier.low.0.extend(queues.read_again(id, batch));
                }
            }
        }
    }

    /// Failed pages leave the window before the store moves them.
    fn evict_failed(&mut self, id: SessionId, of: &Settled) {
        let stage = (id, of.batch, of.stage);
        self.frontier.evict_ended(&mut self.tasks, |task, phase| {
            (task.session, task.batch, task.stage) == stage && phase == Phase::Failed
        });
    }

    /// A batch has ended; a fatal one is the session's policy to judge.
    fn end_batch(&mut self, id: SessionId, batch: BatchId, phase: StagePhase) {
        batches::end(
            &mut self.sessions,
            &mut self.tasks,
            &mut self.frontier,
            id,
            batch,
        );
        let mut session = self.sessions.get_mut(id);
        let result = json!({ "result": phase.name() });
        note(&mut session, &mut self.requests, batch, None, result);
        if phase != StagePhase::Fatal {
            return;
        }
        let why = "a stage failed beyond its tolerance";
        let (what, to) = match session.settings.on_fatal {
            OnFatal::Continue => return,
            OnFatal::Pause => ("pauses", SessionState::Paused),
            OnFatal::Abort => {
                self.recall.0 = true;
                let (at_once, then) = (true, Ending::Failed(why.to_owned()));
                ("ends", SessionState::Draining { at_once, then })
            }
        };
        let journal = &mut self.tasks.journal;
        journal.notice(id, &format!("{why}: the session {what}"));
        self.sessions.enter(id, to, journal);
    }
}

/// A stage that is neither excused nor past its list's end: recoverable while it has attempts left,
/// then success, partial or fatal.
fn verdict(session: &Session, settled: &Settled, run: &mut StageRun, now: Duration) -> Verdict {
    let Settled { batch, stage, .. } = *settled;
    let (failed, lost, total) = settled.figures();
    let rule = session.site.stage(stage);
    let settings = &session.settings;
    if failed > 0 && run.attempts + 1 < rule.stage_attempts.unwrap_or(settings.stage_attempts) {
        run.attempts += 1;
        let policy = session.retry_policy(stage).0;
        let key = PageKey(uuid::Uuid::from_u64_pair(
            u64::from(batch.0),
            u64::from(stage.0),
        ));
        let dispatch = u16::try_from(run.attempts).unwrap_or(u16::MAX);
        let wait = retry::delay(&policy, run.attempts, session.seed, key, dispatch);
        return Verdict::Again(now + wait.max(policy.base.min(Duration::from_secs(1))));
    }
    if failed > 0 {
        return Verdict::Condemn;
    }
    let share = if total == 0 {
        0.0
    } else {
        number(lost) / number(total)
    };
    Verdict::Ends(if lost == 0 && run.past_end == 0 {
        StageState::Success
    } else if share <= rule.tolerance.unwrap_or(settings.tolerance) {
        StageState::Partial
    } else {
        StageState::Fatal
    })
}

impl Settled {
    /// Pages that failed, that are lost (failed or dead), and all.
    fn figures(&self) -> (u64, u64, u64) {
        let failed = self.counts[Phase::Failed as usize];
        let lost = failed + self.counts[Phase::Dead as usize];
        (failed, lost, self.counts.iter().sum())
    }

    /// As kept in the store and told in the session's result document.
    fn result(&self, result: &str, attempt: u32, past_end: Option<u64>) -> Json {
        let (failed, lost, total) = self.figures();
        match past_end {
            None => {
                json!({ "result": result, "attempt": attempt, "failed": failed, "total": total })
            }
            Some(past_end) => json!({
                "result": result,
                "attempt": attempt,
                "failed": lost,
                "pastTheEnd": past_end,
                "total": total,
            }),
        }
    }
}

/// The counts of a stage that cannot get more work: nothing of it is open, and every stage that
/// leads to it has ended. Stages on a cycle end together. `None` for one that has ended already, or
/// whose last verdict the store still carries out.
fn settled(
    session: &Session,
    book: &Book,
    batch: BatchId,
    stage: StageId,
    runs: &mut [StageRun],
) -> Option<Counts> {
    let at = usize::from(stage.0);
    if runs[at].state.has_ended() {
        return None;
    }
    let (cycle, upstream) = (&session.graph.cycle[at], &session.graph.upstream[at]);
    let enter = session.site.enter;
    let is_sitemap = |of: &StageId| session.site.stage(*of).sitemap_of.is_some();
    let counts = book.cell(batch, stage);
    if open(&counts) > 0 {
        if runs[at].state == StageState::Waiting {
            runs[at].enter(StageState::Running);
        }
        return None;
    }
    let mut others = cycle.iter();
    let cycle_open = others.any(|other| open(&book.cell(batch, *other)) > 0);
    let upstream_open = upstream.iter().any(|from| {
        *from != stage && !cycle.contains(from) && !runs[usize::from(from.0)].state.has_ended()
    });
    let may_grow = stage == enter || upstream.contains(&enter) || upstream.iter().any(is_sitemap);
    let mut sitemaps = (0u16..).map(StageId).take(session.site.stages.len());
    let still_listing = sitemaps.any(|of| is_sitemap(&of) && open(&book.stage(of)) > 0);
    let is_sealed = !may_grow
        || book.last_batch() > Some(batch)
        || (!session.discovering && open(&book.stage(enter)) == 0 && !still_listing);
    let is_carried_out = matches!(
        runs[at].state,
        StageState::Recovering | StageState::Condemning
    );
    (!cycle_open && !upstream_open && is_sealed && !is_carried_out).then_some(counts)
}

/// A result is kept in the store, and told in the session's result document.
fn note(
    session: &mut Session,
    requests: &mut StoreRequests,
    batch: BatchId,
    stage: Option<StageId>,
    mut result: Json,
) {
    let note = Note::StageResult {
        session: session.id,
        batch: Some(batch),
        stage,
        result: result.clone(),
    };
    requests.note(Some(session.id), note);
    if session.results.len() < RESULTS {
        result["batch"] = json!(batch.0);
        result["stage"] = json!(stage.map(|stage| session.site.stage(stage).name.clone()));
        session.results.push(result);
    }
}
