//! What happened, kept for people: lines of a log, faults by class, dead letters, and curves over
//! time. It hears each change before the mirror does, and remembers a bounded amount.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

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

pub mod letters;
pub mod series;
#[cfg(test)]
mod tests;

use letters::{Letter, Letters};
use series::Series;

/// Lines kept.
const LINES: usize = 400;
/// Tasks whose last message is kept.
const MESSAGES: usize = 20_000;

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// Ordinary.
    Plain,
    /// Something went well.
    Good,
    /// Worth a look.
    Warning,
    /// Broken.
    Bad,
}

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Engine time in microseconds.
    pub at_us: u64,
    /// How much it matters.
    pub weight: Weight,
    /// For people; safe to show.
    pub text: String,
}

/// All of it.
#[derive(Debug, Default)]
pub struct Story {
    /// The newest line is the last.
    pub lines: VecDeque<Line>,
    /// Dead letters seen since this view began, and still there.
    pub letters: Letters,
    /// Curves by session.
    pub series: BTreeMap<u32, Series>,
    messages: BTreeMap<u32, Arc<str>>,
    sites: BTreeMap<SessionId, String>,
}

impl Story {
    /// Hears the changes of a tick; `mirror` does not know them yet.
    pub fn hear(&mut self, tick: &ChangeFrame, mirror: &Mirror) {
        for change in &tick.changes {
            match change {
                Change::Moved(step) => self.hear_move(tick.at_us, step, mirror),
                Change::Admitted(birth) => drop(self.messages.remove(&birth.slot)),
                Change::Left { .. } => {}
                other => self.hear_rest(tick.at_us, other, mirror),
            }
        }
    }

    /// Keeps a point of each curve.
    pub fn note(&mut self, snapshot: &Snapshot) {
        self.series
            .entry(snapshot.session.id)
            .or_default()
            .push(snapshot);
    }

    /// Somebody went to another time: what lies after is unknown again. The curves are the source's
    /// to give.
    pub fn rewind(&mut self, to_us: u64) {
        self.lines.retain(|line| line.at_us <= to_us);
        self.letters.rewind(to_us);
        self.messages.clear();
    }

    /// What a task's last failure said.
    #[must_use]
    pub fn message(&self, slot: u32) -> Option<&str> {
        self.messages.get(&slot).map(|text| &**text)
    }

    fn hear_move(&mut self, at_us: u64, step: &Move, mirror: &Mirror) {
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
            self.letters.remove(task.key);
            return;
        }
        let class = match &step.detail {
            Detail::Error(fault) => fault.class,
            _ => task.class.unwrap_or(ErrorClass::Aborted),
        };
        let message = self.messages.get(&step.slot).cloned();
        self.letters.push(Letter {
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

    fn hear_rest(&mut self, at_us: u64, change: &Change, mirror: &Mirror) {
        if let Change::SessionBorn { session, site, .. } = change {
            self.sites.insert(*session, safe(site));
        }
        if let Some((weight, text)) = told(change, mirror, &self.sites) {
            if self.lines.len() == LINES {
                self.lines.pop_front();
            }
            self.lines.push_back(Line {
                at_us,
                weight,
                text,
            });
        }
    }
}

/// A change that is no task's, in words.
fn told(
    change: &Change,
    mirror: &Mirror,
    sites: &BTreeMap<SessionId, String>,
) -> Option<(Weight, String)> {
    let tables = mirror.tables();
    let line = match change {
        Change::SessionBorn { site, source, .. } => {
            let mark = source
                .as_deref()
                .map_or_else(String::new, |source| format!(" ({})", safe(source)));
            (Weight::Plain, format!("{}{mark} begins", safe(site)))
        }
        Change::SessionMoved { session, from, to } => {
            let row = || tables.session(*session).map(|row| safe(&row.site));
            let site = sites.get(session).cloned().or_else(row);
            let site = site.unwrap_or_else(|| "session".to_owned());
            (session_weight(*to), moved(&site, from.name(), to.name()))
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
                stage_weight(*to),
                moved(&format!("stage {stage}"), from.name(), to.name()),
            )
        }
        Change::BatchMoved {
            batch, from, to, ..
        } => (
            stage_weight(*to),
            moved(&format!("batch {}", batch.0 + 1), from.name(), to.name()),
        ),
        Change::BreakerMoved { host, to } => {
            let name = tables
                .host(*host)
                .map_or_else(|| "a host".to_owned(), |row| safe(&row.name));
            match to {
                BreakerPhase::Closed => (Weight::Good, format!("{name}: breaker closed")),
                BreakerPhase::Open => (Weight::Bad, format!("{name}: breaker open")),
                BreakerPhase::HalfOpen => (Weight::Warning, format!("{name}: breaker probes")),
            }
        }
        Change::Notice { text, .. } => (Weight::Warning, safe(text)),
        Change::HostBorn { .. } | Change::Admitted(_) | Change::Moved(_) | Change::Left { .. } => {
            return None;
        }
    };
    Some(line)
}

fn moved(what: &str, from: &str, to: &str) -> String {
    format!("{what}: {to}, was {from}")
}

const fn session_weight(to: SessionPhase) -> Weight {
    match to {
        SessionPhase::Completed => Weight::Good,
        SessionPhase::Failed => Weight::Bad,
        SessionPhase::Paused | SessionPhase::Draining | SessionPhase::Stopped => Weight::Warning,
        _ => Weight::Plain,
    }
}

const fn stage_weight(to: StagePhase) -> Weight {
    match to {
        StagePhase::Success => Weight::Good,
        StagePhase::Partial => Weight::Warning,
        StagePhase::Fatal => Weight::Bad,
        StagePhase::Waiting | StagePhase::Running => Weight::Plain,
    }
}
