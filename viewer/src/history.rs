//! What happened, kept for people: lines of a log, dead letters, and curves over time. It is told of
//! each change before the mirror is, and keeps a bounded amount.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use bevy::prelude::{App, Resource};
use crawlfield_engine::{
    feed::{
        frame::{Change, ChangeFrame, Detail, Move},
        mirror::Mirror,
        snapshot::Snapshot,
    },
    model::{
        class::ErrorClass,
        ids::SessionId,
        phase::{BreakerPhase, Phase, SessionPhase, StagePhase},
    },
    progress::safe,
};

pub mod dead_letters;
pub mod host_trend;
pub mod plan;
pub mod series;
#[cfg(test)]
mod tests;

use dead_letters::{DeadLetter, DeadLetters};
use series::Series;

/// Nothing has happened yet.
pub fn plugin(app: &mut App) {
    app.init_resource::<History>();
}

/// Lines of the log, at most.
pub const LINES: usize = 400;
/// Tasks whose last message is kept.
const MESSAGES: usize = 20_000;

/// How much a line or a notification matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// An ordinary step of the run.
    Plain,
    /// Something has gone well.
    Good,
    /// It is worth a look.
    Warning,
    /// Something is broken or refused.
    Bad,
}

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// Engine time in microseconds.
    pub at_us: u64,
    /// How much it matters to who reads it.
    pub severity: Severity,
    /// For people; safe to show.
    pub text: String,
}

/// What happened up to the shown time.
#[derive(Resource, Debug, Default)]
pub struct History {
    /// The log; the newest line is the last.
    pub log: VecDeque<LogLine>,
    /// Dead letters seen since this view began, and still there.
    pub dead_letters: DeadLetters,
    /// Curves by session id.
    pub series: BTreeMap<u32, Series>,
    /// What a task's last failure said, by slot.
    messages: BTreeMap<u32, Arc<str>>,
    /// Names of the sessions' sites.
    sites: BTreeMap<SessionId, String>,
}

impl History {
    /// Takes note of the changes of a tick; `mirror` does not have them yet.
    pub fn record_changes(&mut self, tick: &ChangeFrame, mirror: &Mirror) {
        for change in &tick.changes {
            match change {
                Change::Moved(step) => self.record_move(tick.at_us, step, mirror),
                Change::Admitted(birth) => drop(self.messages.remove(&birth.slot)),
                Change::Left { .. } => {}
                other => self.log_change(tick.at_us, other, mirror),
            }
        }
    }

    /// Keeps a point of each curve.
    pub fn record_snapshot(&mut self, snapshot: &Snapshot) {
        self.series
            .entry(snapshot.session.id)
            .or_default()
            .push(snapshot);
    }

    /// Somebody went to another time: what lies after is unknown again. The curves are the source's
    /// to give.
    pub fn rewind(&mut self, to_us: u64) {
        self.log.retain(|line| line.at_us <= to_us);
        self.dead_letters.rewind(to_us);
        self.messages.clear();
    }

    /// What a task's last failure said.
    #[must_use]
    pub fn last_message(&self, slot: u32) -> Option<&str> {
        self.messages.get(&slot).map(|text| &**text)
    }

    fn record_move(&mut self, at_us: u64, step: &Move, mirror: &Mirror) {
        if let Detail::Error(fault) = &step.detail {
            if self.messages.len() >= MESSAGES {
                self.messages.pop_first();
            }
            self.messages.insert(step.slot, Arc::clone(&fault.message));
        }
        if step.to != Phase::Dead && step.from != Phase::Dead {
            return;
        }
        let Some(task) = mirror.task(step.slot) else {
            return;
        };
        if step.from == Phase::Dead {
            self.dead_letters.remove(task.key);
            return;
        }
        let class = match &step.detail {
            Detail::Error(fault) => fault.class,
            _ => task.class.unwrap_or(ErrorClass::Aborted),
        };
        let message = self.messages.get(&step.slot).cloned();
        self.dead_letters.push(DeadLetter {
            session: task.session,
            class,
            key: task.key,
            url: Arc::from(&**task.url),
            host: task.host,
            stage: task.stage,
            at_us,
            message: message.unwrap_or_else(|| Arc::from("")),
        });
    }

    fn log_change(&mut self, at_us: u64, change: &Change, mirror: &Mirror) {
        if let Change::SessionAdmitted { session, site, .. } = change {
            self.sites.insert(*session, safe(site));
        }
        if let Some((severity, text)) = described(change, mirror, &self.sites) {
            if self.log.len() == LINES {
                self.log.pop_front();
            }
            self.log.push_back(LogLine {
                at_us,
                severity,
                text,
            });
        }
    }
}

/// A change that is no task's, in words.
fn described(
    change: &Change,
    mirror: &Mirror,
    sites: &BTreeMap<SessionId, String>,
) -> Option<(Severity, String)> {
    let tables = mirror.tables();
    let line = match change {
        Change::SessionAdmitted { site, source, .. } => {
            let mark = source
                .as_deref()
                .map_or_else(String::new, |source| format!(" ({})", safe(source)));
            (Severity::Plain, format!("{}{mark} begins", safe(site)))
        }
        Change::SessionMoved { session, from, to } => {
            let row = || tables.session(*session).map(|row| safe(&row.site));
            let site = sites.get(session).cloned().or_else(row);
            let site = site.unwrap_or_else(|| "session".to_owned());
            (session_severity(*to), moved(&site, from.name(), to.name()))
        }
        Change::StageMoved {
            session,
            stage,
            from,
            to,
        } => {
            let stage = tables
                .stage(*session, *stage)
                .map_or_else(|| stage.0.to_string(), |row| safe(&row.name));
            (
                stage_severity(*to),
                moved(&format!("stage {stage}"), from.name(), to.name()),
            )
        }
        Change::BatchMoved {
            batch, from, to, ..
        } => (
            stage_severity(*to),
            moved(&format!("batch {}", batch.0 + 1), from.name(), to.name()),
        ),
        Change::BreakerMoved { host, to } => {
            let name = tables
                .host(*host)
                .map_or_else(|| "a host".to_owned(), |row| safe(&row.name));
            match to {
                BreakerPhase::Closed => (Severity::Good, format!("{name}: breaker closed")),
                BreakerPhase::Open => (Severity::Bad, format!("{name}: breaker open")),
                BreakerPhase::HalfOpen => (Severity::Warning, format!("{name}: breaker probes")),
            }
        }
        Change::Notice { text, .. } => (Severity::Warning, safe(text)),
        Change::HostAdmitted { .. }
        | Change::Admitted(_)
        | Change::Moved(_)
        | Change::Left { .. } => {
            return None;
        }
    };
    Some(line)
}

fn moved(what: &str, from: &str, to: &str) -> String {
    format!("{what}: {to}, was {from}")
}

const fn session_severity(to: SessionPhase) -> Severity {
    match to {
        SessionPhase::Completed => Severity::Good,
        SessionPhase::Failed => Severity::Bad,
        SessionPhase::Paused | SessionPhase::Draining | SessionPhase::Stopped => Severity::Warning,
        _ => Severity::Plain,
    }
}

const fn stage_severity(to: StagePhase) -> Severity {
    match to {
        StagePhase::Success => Severity::Good,
        StagePhase::Partial => Severity::Warning,
        StagePhase::Fatal => Severity::Bad,
        StagePhase::Waiting | StagePhase::Running => Severity::Plain,
    }
}
