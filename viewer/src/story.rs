//! What happened, kept for people: lines of a log, faults by class, dead letters, and curves over
//! time. It hears each change before the mirror does, and remembers a bounded amount.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use crawlfield_engine::{
    feed::{
        frame::{BreakerPhase, Change, ChangeFrame, Detail, Move, SessionPhase, StagePhase},
        mirror::Mirror,
        snapshot::Snapshot,
    },
    model::{
        class::ErrorClass,
        ids::{HostId, PageKey, SessionId, StageId},
        phase::Phase,
    },
    progress::safe,
};

pub mod series;
#[cfg(test)]
mod tests;

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

/// Dead letters of one class and session, as seen since this view began.
#[derive(Debug, Clone)]
pub struct Letters {
    /// How many.
    pub count: u64,
    /// By host.
    pub hosts: BTreeMap<HostId, u64>,
    /// By stage.
    pub stages: BTreeMap<StageId, u64>,
    /// When the first and the last died, µs.
    pub span_us: (u64, u64),
    /// The last one: who, where, what happened.
    pub sample: (PageKey, Arc<str>, Arc<str>),
}

/// All of it.
#[derive(Debug, Default)]
pub struct Story {
    /// The newest line is the last.
    pub lines: VecDeque<Line>,
    /// Dead letters by session and class.
    pub letters: BTreeMap<(SessionId, ErrorClass), Letters>,
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

    /// Somebody went back in time: what lies after is unknown again.
    pub fn rewind(&mut self, to_us: u64) {
        self.lines.retain(|line| line.at_us <= to_us);
        self.letters.retain(|_, letters| letters.span_us.1 <= to_us);
        self.messages.clear();
        let to = std::time::Duration::from_micros(to_us).as_secs_f64();
        for series in self.series.values_mut() {
            series.rewind(to);
        }
    }

    /// What a task's last failure said.
    #[must_use]
    pub fn message(&self, slot: u32) -> Option<&str> {
        self.messages.get(&slot).map(|text| &**text)
    }

    /// Letters of a class were taken away by a person.
    pub fn forget_letters(&mut self, session: SessionId, class: ErrorClass) {
        self.letters.remove(&(session, class));
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
            if let Some(class) = task.class
                && let Some(letters) = self.letters.get_mut(&(task.session, class))
            {
                letters.count = letters.count.saturating_sub(1);
            }
            return;
        }
        let class = match &step.detail {
            Detail::Error(fault) => fault.class,
            _ => task.class.unwrap_or(ErrorClass::Aborted),
        };
        let message = self.messages.get(&step.slot).cloned();
        let sample = (
            task.key,
            Arc::from(&**task.url),
            message.unwrap_or_else(|| Arc::from("")),
        );
        let letters = self
            .letters
            .entry((task.session, class))
            .or_insert_with(|| Letters {
                count: 0,
                hosts: BTreeMap::new(),
                stages: BTreeMap::new(),
                span_us: (at_us, at_us),
                sample: sample.clone(),
            });
        letters.count += 1;
        *letters.hosts.entry(task.host).or_default() += 1;
        *letters.stages.entry(task.stage).or_default() += 1;
        letters.span_us.1 = at_us;
        letters.sample = sample;
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
