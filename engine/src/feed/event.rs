//! The feed as JSON events (`atomic-task-update`): every move of every task, session, batch, stage.
//!
//! One move may be several facts: a save that ends is `TaskCompleted` and `TaskDone`. Events
//! therefore have numbers of their own, from 0 without a gap, in the order of the moves.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    feed::{
        frame::{Change, ChangeFrame, Detail, Fault, Move},
        key::KeyFrame,
        mirror::{Mirror, Task},
    },
    model::{
        class::{ErrorClass, SkipReason},
        ids::{PageKey, StageId},
        page_url::PageUrl,
        phase::{BreakerPhase, Phase, SessionPhase, StagePhase},
    },
};

#[cfg(test)]
mod tests;

/// One event; `at` is seconds of engine time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Its number, without a gap.
    pub seq: u64,
    /// When.
    pub at: f64,
    /// What happened.
    #[serde(flatten)]
    pub fact: Fact,
}

/// What happened; `task_type` is `fetch:STAGE`, `parse:STAGE` or `save`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all_fields = "camelCase")]
#[expect(missing_docs, reason = "the names are those of SPEC H1")]
pub enum Fact {
    TaskAdmitted {
        task_id: PageKey,
        url: PageUrl,
        stage: Arc<str>,
        host: Arc<str>,
        session: u32,
        batch: u32,
    },
    TaskLeft {
        task_id: PageKey,
    },
    TaskStarted {
        task_id: PageKey,
        task_type: String,
    },
    TaskCompleted {
        task_id: PageKey,
        task_type: String,
        duration_ms: u64,
    },
    TaskFailed {
        task_id: PageKey,
        task_type: String,
        error_class: Option<ErrorClass>,
        error_message: Arc<str>,
    },
    TaskRetrying {
        task_id: PageKey,
        task_type: String,
        retry_count: u16,
        retry_at: Option<f64>,
    },
    /// Back in the queue: due again, a redirect's next hop, aborted, or requeued by a verdict.
    TaskQueued {
        task_id: PageKey,
        from: Phase,
    },
    TaskDone {
        task_id: PageKey,
    },
    TaskSkipped {
        task_id: PageKey,
        reason: Option<SkipReason>,
    },
    TaskDead {
        task_id: PageKey,
        error_class: Option<ErrorClass>,
    },
    /// Dropped by a person.
    TaskCancelled {
        task_id: PageKey,
    },
    SessionBorn {
        id: u32,
        site: Arc<str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        source: Option<Arc<str>>,
    },
    SessionMoved {
        id: u32,
        from: SessionPhase,
        to: SessionPhase,
    },
    BatchMoved {
        id: u32,
        session: u32,
        from: StagePhase,
        to: StagePhase,
    },
    /// `id` is the stage's name.
    StageMoved {
        id: Arc<str>,
        session: u32,
        from: StagePhase,
        to: StagePhase,
    },
    BreakerMoved {
        host: Arc<str>,
        to: BreakerPhase,
    },
    Notice {
        session: u32,
        text: Arc<str>,
    },
}

/// Turns frames into events; holds a mirror for what the moves do not repeat.
#[derive(Debug, Default)]
pub struct Events {
    mirror: Mirror,
    next: u64,
}

impl Events {
    /// Takes the picture from a part of a key frame; tells nothing.
    pub fn resync(&mut self, frame: &KeyFrame) {
        self.mirror.apply_key(frame);
    }

    /// The events of a tick, in order.
    pub fn of(&mut self, frame: &ChangeFrame) -> Vec<Event> {
        let mut facts = Vec::with_capacity(frame.changes.len());
        for change in &frame.changes {
            self.tell(frame.at_us, change, &mut facts);
            self.mirror.apply_change(frame.at_us, change);
        }
        let at = seconds(frame.at_us);
        let seqs = self.next..;
        self.next += facts.len() as u64;
        seqs.zip(facts)
            .map(|(seq, fact)| Event { seq, at, fact })
            .collect()
    }

    /// Tells `change`, which the mirror does not know yet.
    fn tell(&self, at_us: u64, change: &Change, facts: &mut Vec<Fact>) {
        let tables = self.mirror.tables();
        facts.push(match change {
            Change::Moved(step) => {
                if let Some(task) = self.mirror.task(step.slot) {
                    self.tell_move(at_us, &task, step, facts);
                }
                return;
            }
            Change::Left { slot } => match self.mirror.task(*slot) {
                Some(task) => Fact::TaskLeft { task_id: task.key },
                None => return,
            },
            Change::Admitted(birth) => Fact::TaskAdmitted {
                task_id: birth.key,
                url: birth.url.clone(),
                stage: self.stage_name(birth.session, birth.stage),
                host: tables
                    .host(birth.host)
                    .map_or_else(|| Arc::from(""), |host| Arc::clone(&host.name)),
                session: birth.session.0,
                batch: birth.batch.0,
            },
            Change::SessionBorn {
                session,
                site,
                source,
                ..
            } => Fact::SessionBorn {
                id: session.0,
                site: Arc::clone(site),
                source: source.clone(),
            },
            Change::HostBorn { .. } => return,
            Change::SessionMoved { session, from, to } => Fact::SessionMoved {
                id: session.0,
                from: *from,
                to: *to,
            },
            Change::BatchMoved {
                session,
                batch,
                from,
                to,
            } => Fact::BatchMoved {
                id: batch.0,
                session: session.0,
                from: *from,
                to: *to,
            },
            Change::StageMoved {
                session,
                stage,
                from,
                to,
            } => Fact::StageMoved {
                id: self.stage_name(*session, *stage),
                session: session.0,
                from: *from,
                to: *to,
            },
            Change::BreakerMoved { host, to } => Fact::BreakerMoved {
                host: tables
                    .host(*host)
                    .map_or_else(|| Arc::from(""), |host| Arc::clone(&host.name)),
                to: *to,
            },
            Change::Notice { session, text } => Fact::Notice {
                session: session.0,
                text: Arc::clone(text),
            },
        });
    }

    fn tell_move(&self, at_us: u64, task: &Task<'_>, step: &Move, facts: &mut Vec<Fact>) {
        let task_id = task.key;
        let task_type = self.task_type(task, step.from);
        match (&step.detail, step.to) {
            (Detail::Error(fault), _) if is_failure(step) => {
                facts.push(failed(task_id, task_type.clone(), fault));
            }
            // A step that ends well, a redirect's hop and a skip after an answer included.
            (detail, _) if is_completion(step) => facts.push(Fact::TaskCompleted {
                task_id,
                task_type: task_type.clone(),
                duration_ms: match detail {
                    Detail::Took { ms, .. } => u64::from(*ms),
                    _ => at_us.saturating_sub(task.changed_us) / 1_000,
                },
            }),
            _ => {}
        }
        let class = match &step.detail {
            Detail::Error(fault) => Some(fault.class),
            _ => task.class,
        };
        facts.push(match step.to {
            Phase::Fetching | Phase::Parsing | Phase::Saving => Fact::TaskStarted {
                task_id,
                task_type: self.task_type(task, step.to),
            },
            Phase::Fetched | Phase::Parsed | Phase::Failed => return,
            Phase::Backoff => Fact::TaskRetrying {
                task_id,
                task_type,
                retry_count: step.attempts,
                retry_at: match &step.detail {
                    Detail::Error(fault) => fault.retry_at_us.map(seconds),
                    _ => None,
                },
            },
            Phase::Queued => Fact::TaskQueued {
                task_id,
                from: step.from,
            },
            Phase::Done => Fact::TaskDone { task_id },
            Phase::Skipped => Fact::TaskSkipped {
                task_id,
                reason: match &step.detail {
                    Detail::Reason(reason) => Some(*reason),
                    _ => None,
                },
            },
            Phase::Dead => Fact::TaskDead {
                task_id,
                error_class: class,
            },
            Phase::Cancelled => Fact::TaskCancelled { task_id },
        });
    }

    /// The work type that a task in this phase waits for, is in, or has ended.
    fn task_type(&self, task: &Task<'_>, phase: Phase) -> String {
        let step = match phase {
            Phase::Fetched | Phase::Parsing => "parse",
            Phase::Parsed | Phase::Saving => return "save".to_owned(),
            _ => "fetch",
        };
        format!("{step}:{}", self.stage_name(task.session, task.stage))
    }

    fn stage_name(&self, session: crate::model::ids::SessionId, stage: StageId) -> Arc<str> {
        let row = self.mirror.tables().stage(session, stage);
        row.map_or_else(|| Arc::from(""), |row| Arc::clone(&row.name))
    }
}

/// Whether a step that was begun or waited for failed with this move. A verdict (failed to dead)
/// and a return to the queue from rest are not failures of a step.
fn is_failure(step: &Move) -> bool {
    step.from.is_in_flight() || matches!(step.to, Phase::Backoff | Phase::Failed)
}

/// Whether the step in flight ended well with this move.
fn is_completion(step: &Move) -> bool {
    match (step.from, step.to) {
        (Phase::Fetching, Phase::Fetched)
        | (Phase::Parsing, Phase::Parsed)
        | (Phase::Saving, Phase::Done)
        | (Phase::Fetching | Phase::Parsing | Phase::Saving, Phase::Skipped) => true,
        (Phase::Fetching | Phase::Parsing, Phase::Queued) => {
            matches!(step.detail, Detail::Took { .. })
        }
        _ => false,
    }
}

fn failed(task_id: PageKey, task_type: String, fault: &Fault) -> Fact {
    Fact::TaskFailed {
        task_id,
        task_type,
        error_class: Some(fault.class),
        error_message: Arc::clone(&fault.message),
    }
}

#[expect(clippy::cast_precision_loss, reason = "exact for 285 years of µs")]
fn seconds(us: u64) -> f64 {
    us as f64 / 1e6
}
