//! The feed as lines of JSON: atomic events (`atomic-task-update`: every move of every task, session,
//! batch and stage) and snapshots (`system-state-update`), in the forms of SPEC H1.
//!
//! One move may be several facts: a save that ends is `TaskCompleted` and `TaskDone`. Events
//! therefore have numbers of their own, from 0 without a gap, in the order of the moves.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    feed::{
        frame::{Change, ChangeFrame, Detail, Move},
        hub::Item,
        key_frame::KeyFrame,
        mirror::Mirror,
        snapshot::Snapshot,
        task_record::TaskRecord,
    },
    model::{
        class::{ErrorClass, SkipReason},
        ids::{HostId, PageKey, SessionId, StageId},
        numbers::number,
        page_url::PageUrl,
        phase::{BreakerPhase, Phase, SessionPhase, StagePhase},
    },
};

#[cfg(test)]
mod tests;

/// One event, a line of JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// From 0, without a gap.
    pub seq: u64,
    /// Engine time in seconds.
    pub at: f64,
    /// Its fields stand beside these.
    #[serde(flatten)]
    pub fact: Fact,
}

/// What happened, by the names of SPEC H1; `task_type` is `fetch:STAGE`, `parse:STAGE` or `save`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all_fields = "camelCase")]
pub enum Fact {
    TaskAdmitted {
        task_id: PageKey,
        url: PageUrl,
        stage: Arc<str>,
        host: Arc<str>,
        session: u32,
        batch: u32,
        state: Phase,
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
    SessionAdmitted {
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
    /// `id` is that of the host in snapshots.
    BreakerMoved {
        id: u32,
        host: Arc<str>,
        from: BreakerPhase,
        to: BreakerPhase,
    },
    Notice {
        session: u32,
        text: Arc<str>,
    },
}

/// Turns what a subscriber gets into lines; holds a mirror for what the moves do not repeat.
#[derive(Debug, Default)]
pub struct Events {
    mirror: Mirror,
    next: u64,
    /// Changes that the subscriber has lost, as told so far.
    lost: u64,
}

impl Events {
    /// An item as lines of JSON, each with its end. A snapshot's `seq` is the next event's.
    pub fn lines(&mut self, item: &Item) -> String {
        let mut lines = String::new();
        match item {
            Item::Key { frame, lost } => {
                if *lost > self.lost {
                    push_line(
                        &mut lines,
                        &json!({ "type": "Lost", "n": lost - self.lost }),
                    );
                    self.lost = *lost;
                }
                for event in self.of_key_frame(frame) {
                    push_line(&mut lines, &event);
                }
            }
            Item::Changes(tick) => {
                for event in self.of_changes(tick) {
                    push_line(&mut lines, &event);
                }
            }
            Item::Snapshot(snapshot) => {
                let mut snapshot = Snapshot::clone(snapshot);
                snapshot.seq = self.next;
                push_line(&mut lines, &snapshot);
            }
            Item::Closed => {}
        }
        lines
    }

    /// The resident tasks of a part of a key frame, as if they had just come; before them the
    /// sessions that were not known yet.
    fn of_key_frame(&mut self, frame: &KeyFrame) -> Vec<Event> {
        let frame = frame.without_secrets();
        let sessions = frame.tables.sessions().iter();
        let is_new = |id| self.mirror.tables().session(id).is_none();
        let sessions = sessions.filter(|session| is_new(session.id));
        let mut facts: Vec<Fact> = sessions
            .map(|session| session_admitted(session.id, &session.site, session.source.as_ref()))
            .collect();
        self.mirror.apply_key(&frame);
        facts.extend(frame.tasks.iter().map(|task| self.task_admitted(task)));
        self.numbered(frame.at_us, facts)
    }

    /// The events of a tick, in order.
    fn of_changes(&mut self, tick: &ChangeFrame) -> Vec<Event> {
        let tick = tick.without_secrets();
        let mut facts = Vec::with_capacity(tick.changes.len());
        for change in &tick.changes {
            match change {
                Change::Moved(step) => {
                    if let Some(task) = self.mirror.task(step.slot) {
                        facts.extend(self.step_end(tick.at_us, &task, step));
                        facts.extend(self.arrival(&task, step));
                    }
                }
                other => facts.extend(self.fact(other)),
            }
            self.mirror.apply_change(tick.at_us, change);
        }
        self.numbered(tick.at_us, facts)
    }

    fn numbered(&mut self, at_us: u64, facts: Vec<Fact>) -> Vec<Event> {
        let at = seconds(at_us);
        let seqs = self.next..;
        self.next += facts.len() as u64;
        seqs.zip(facts)
            .map(|(seq, fact)| Event { seq, at, fact })
            .collect()
    }

    /// The fact of a change that is no move, and that the mirror does not know yet.
    fn fact(&self, change: &Change) -> Option<Fact> {
        Some(match change {
            Change::Moved(_) | Change::HostAdmitted { .. } => return None,
            Change::Left { slot } => Fact::TaskLeft {
                task_id: self.mirror.key_at(*slot)?,
            },
            Change::Admitted(task) => self.task_admitted(task),
            Change::SessionAdmitted {
                session,
                site,
                source,
                ..
            } => session_admitted(*session, site, source.as_ref()),
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
                id: host.0,
                host: self.host_name(*host),
                from: (self.mirror.tables().host(*host))
                    .map_or_else(Default::default, |host| host.breaker),
                to: *to,
            },
            Change::Notice { session, text } => Fact::Notice {
                session: session.0,
                text: Arc::clone(text),
            },
        })
    }

    fn task_admitted(&self, task: &TaskRecord) -> Fact {
        Fact::TaskAdmitted {
            task_id: task.key,
            url: task.url.clone(),
            stage: self.stage_name(task.session, task.stage),
            host: self.host_name(task.host),
            session: task.session.0,
            batch: task.batch.0,
            state: task.phase,
        }
    }

    /// How the step in flight ended with this move, where one did.
    fn step_end(&self, at_us: u64, task: &TaskRecord<&PageUrl>, step: &Move) -> Option<Fact> {
        let task_id = task.key;
        let task_type = self.task_type(task, step.from);
        match &step.detail {
            Detail::Error(fault) if is_failure(step) => Some(Fact::TaskFailed {
                task_id,
                task_type,
                error_class: Some(fault.class),
                error_message: Arc::clone(&fault.message),
            }),
            // A step that ends well, a redirect's hop and a skip after an answer included.
            detail if is_completion(step) => Some(Fact::TaskCompleted {
                task_id,
                task_type,
                duration_ms: match detail {
                    Detail::Took { ms, .. } => u64::from(*ms),
                    _ => at_us.saturating_sub(task.changed_us) / 1_000,
                },
            }),
            _ => None,
        }
    }

    /// What the task has come to with this move, where that is told.
    fn arrival(&self, task: &TaskRecord<&PageUrl>, step: &Move) -> Option<Fact> {
        let task_id = task.key;
        let fault = match &step.detail {
            Detail::Error(fault) => Some(fault),
            _ => None,
        };
        Some(match step.to {
            Phase::Fetching | Phase::Parsing | Phase::Saving => Fact::TaskStarted {
                task_id,
                task_type: self.task_type(task, step.to),
            },
            Phase::Fetched | Phase::Parsed | Phase::Failed => return None,
            Phase::Backoff => Fact::TaskRetrying {
                task_id,
                task_type: self.task_type(task, step.from),
                retry_count: step.attempts,
                retry_at: fault.and_then(|fault| fault.retry_at_us).map(seconds),
            },
            Phase::Queued => Fact::TaskQueued {
                task_id,
                from: step.from,
            },
            Phase::Done => Fact::TaskDone { task_id },
            Phase::Skipped => Fact::TaskSkipped {
                task_id,
                reason: match step.detail {
                    Detail::Reason(reason) => Some(reason),
                    _ => None,
                },
            },
            Phase::Dead => Fact::TaskDead {
                task_id,
                error_class: fault.map(|fault| fault.class).or(task.class),
            },
            Phase::Cancelled => Fact::TaskCancelled { task_id },
        })
    }

    /// The work type that a task in this phase waits for, is in, or has ended.
    fn task_type(&self, task: &TaskRecord<&PageUrl>, phase: Phase) -> String {
        let step = match phase {
            Phase::Fetched | Phase::Parsing => "parse",
            Phase::Parsed | Phase::Saving => return "save".to_owned(),
            _ => "fetch",
        };
        format!("{step}:{}", self.stage_name(task.session, task.stage))
    }

    fn stage_name(&self, session: SessionId, stage: StageId) -> Arc<str> {
        let stage = self.mirror.tables().stage(session, stage);
        stage.map_or_else(|| Arc::from(""), |stage| Arc::clone(&stage.name))
    }

    fn host_name(&self, host: HostId) -> Arc<str> {
        let host = self.mirror.tables().host(host);
        host.map_or_else(|| Arc::from(""), |host| Arc::clone(&host.name))
    }
}

fn session_admitted(id: SessionId, site: &Arc<str>, source: Option<&Arc<str>>) -> Fact {
    Fact::SessionAdmitted {
        id: id.0,
        site: Arc::clone(site),
        source: source.cloned(),
    }
}

fn push_line(lines: &mut String, value: &impl Serialize) {
    lines.push_str(&serde_json::to_string(value).expect("all its keys are text"));
    lines.push('\n');
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

fn seconds(us: u64) -> f64 {
    number(us) / 1e6
}
