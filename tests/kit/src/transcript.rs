//! What happened, as facts with names and as text: one line a change.

use std::{
    cell::Cell, collections::BTreeMap, fmt::Write as _, fs, path::Path, thread, time::Duration,
};

use crawlfield_engine::{
    feed::{
        frame::{Change, Detail},
        task_record::TaskRecord,
    },
    model::{
        class::{ErrorClass, SkipReason},
        ids::{HostId, PageKey, SessionId},
        phase::Phase,
    },
};

use crate::short;

thread_local! {
    /// Crawls of this test so far.
    static CRAWLS: Cell<u32> = const { Cell::new(0) };
}

/// One move of a task.
#[derive(Debug, Clone, PartialEq)]
pub struct Fact {
    /// When.
    pub at: Duration,
    /// Whose.
    pub session: SessionId,
    /// Which page, as scenarios write it.
    pub page: String,
    /// Its stage's place.
    pub stage: u16,
    /// From.
    pub from: Phase,
    /// To.
    pub to: Phase,
    /// Failed attempts so far.
    pub attempts: u16,
    /// What failed.
    pub class: Option<ErrorClass>,
    /// Why it was skipped.
    pub reason: Option<SkipReason>,
    /// When it is tried again.
    pub retry_at: Option<Duration>,
}

/// All that was told.
#[derive(Debug, Default)]
pub struct Transcript {
    residents: BTreeMap<u32, TaskRecord>,
    counts: BTreeMap<(SessionId, Phase), u64>,
    hosts: BTreeMap<HostId, String>,
    sessions: BTreeMap<SessionId, (String, Vec<String>)>,
    /// Moves of tasks.
    pub facts: Vec<Fact>,
    /// Every line, with births and departures.
    pub lines: Vec<String>,
    /// The lines that `expect` compares: moves of tasks only.
    pub moves: Vec<String>,
    /// Notices for people.
    pub notices: Vec<String>,
}

impl Transcript {
    /// Takes one change.
    pub fn take(&mut self, at: Duration, change: &Change) {
        let text = match change {
            Change::Moved(moved) => {
                self.moved(at, moved);
                return;
            }
            Change::SessionAdmitted {
                session,
                site,
                stages,
                ..
            } => {
                let stages = stages.iter().map(ToString::to_string).collect();
                self.sessions.insert(*session, (site.to_string(), stages));
                format!("session {site} is known")
            }
            Change::HostAdmitted { host, name } => {
                self.hosts.insert(*host, name.to_string());
                format!("host {name} is known")
            }
            Change::Admitted(task) => {
                let text = format!("{} enters {}", short(&task.url), task.phase.name());
                *self.counts.entry((task.session, task.phase)).or_default() += 1;
                let before = self.residents.insert(task.slot, (**task).clone());
                assert!(before.is_none(), "slot {} is taken", task.slot);
                text
            }
            Change::Left { slot } => {
                let left = self.residents.remove(slot);
                let left = left.expect("only residents leave");
                *self.counts.entry((left.session, left.phase)).or_default() -= 1;
                format!("{} leaves", short(&left.url))
            }
            Change::SessionMoved { session, from, to } => {
                let name = &self.sessions[session].0;
                format!("session {name} {} → {}", from.name(), to.name())
            }
            Change::BatchMoved {
                batch, from, to, ..
            } => format!("batch {} {} → {}", batch.0, from.name(), to.name()),
            Change::StageMoved {
                session,
                stage,
                from,
                to,
            } => {
                let stage = &self.sessions[session].1[usize::from(stage.0)];
                format!("stage {stage} {} → {}", from.name(), to.name())
            }
            Change::BreakerMoved { host, to } => {
                format!("breaker of {} → {}", self.hosts[host], to.name())
            }
            Change::Notice { text, .. } => {
                self.notices.push(text.to_string());
                format!("notice: {text}")
            }
        };
        self.lines.push(format!("{} {text}", clock(at)));
    }

    fn moved(&mut self, at: Duration, moved: &crawlfield_engine::feed::frame::Move) {
        let task = self.residents.get_mut(&moved.slot);
        let task = task.expect("only residents move");
        assert_eq!(
            task.phase, moved.from,
            "{} at {at:?}: a move begins where the last one ended",
            task.url
        );
        task.phase = moved.to;
        let (session, phases) = (task.session, (moved.from, moved.to));
        *self.counts.entry((session, phases.0)).or_default() -= 1;
        *self.counts.entry((session, phases.1)).or_default() += 1;
        let page = short(&task.url).to_owned();
        let mut line = format!(
            "{} {page} {} → {}",
            clock(at),
            moved.from.name(),
            moved.to.name()
        );
        let (mut class, mut reason, mut retry_at) = (None, None, None);
        match &moved.detail {
            Detail::Error(fault) => {
                class = Some(fault.class);
                retry_at = fault.retry_at_us.map(Duration::from_micros);
                let _ = write!(line, " {}", fault.class.name());
                if let Some(until) = retry_at {
                    let _ = write!(line, " until {}", clock(until).trim_start());
                }
            }
            Detail::Reason(why) => {
                reason = Some(*why);
                let _ = write!(line, " {}", why.name());
            }
            Detail::None | Detail::Began { .. } | Detail::Took { .. } => {}
        }
        self.facts.push(Fact {
            at,
            session: task.session,
            page,
            stage: task.stage.0,
            from: moved.from,
            to: moved.to,
            attempts: moved.attempts,
            class,
            reason,
            retry_at,
        });
        self.moves.push(line.clone());
        self.lines.push(line);
    }

    /// Resident tasks by slot.
    pub fn residents(&self) -> impl Iterator<Item = &TaskRecord> {
        self.residents.values()
    }

    /// Resident tasks of a session in a state.
    #[must_use]
    pub fn count(&self, session: SessionId, phase: Phase) -> u64 {
        self.counts.get(&(session, phase)).copied().unwrap_or(0)
    }

    /// The task in this slot.
    #[must_use]
    pub fn resident(&self, slot: u32) -> TaskRecord {
        let found = self.residents.get(&slot);
        found.expect("only residents move").clone()
    }

    /// The process died: nobody is resident any more.
    pub fn restart(&mut self) {
        self.residents.clear();
        self.counts.clear();
        self.hosts.clear();
        self.lines.push("the process dies".to_owned());
        self.moves.push("the process dies".to_owned());
    }

    /// The key of a resident task.
    #[must_use]
    pub fn key(&self, page: &str) -> Option<PageKey> {
        let found = self.residents().find(|task| short(&task.url) == page);
        Some(found?.key)
    }

    /// A host's name.
    #[must_use]
    pub fn host(&self, host: HostId) -> &str {
        &self.hosts[&host]
    }

    /// The last lines, for messages.
    #[must_use]
    pub fn tail(&self, n: usize) -> String {
        let from = self.lines.len().saturating_sub(n);
        self.lines[from..].join("\n")
    }

    /// Writes all lines where `CRAWLFIELD_TRANSCRIPTS` names a folder, one file a crawl, named for
    /// the test: so that two versions of the engine can be compared.
    fn keep(&self) {
        let Some(folder) = std::env::var_os("CRAWLFIELD_TRANSCRIPTS") else {
            return;
        };
        let thread = thread::current();
        let test = thread.name().unwrap_or("main").replace("::", "-");
        let number = CRAWLS.with(|crawls| crawls.replace(crawls.get() + 1));
        let path = Path::new(&folder).join(format!("{test}-{number}.txt"));
        fs::create_dir_all(&folder).expect("the folder can be made");
        fs::write(path, self.lines.join("\n")).expect("the folder can be written to");
    }

    /// FNV-1a over all lines: equal runs have equal numbers.
    #[must_use]
    pub fn hash(&self) -> u64 {
        let bytes = self.lines.iter().flat_map(|line| line.bytes().chain([10]));
        bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
    }
}

impl Drop for Transcript {
    fn drop(&mut self) {
        self.keep();
    }
}

/// Seconds with three places.
#[must_use]
pub fn clock(at: Duration) -> String {
    format!("{}.{:03}", at.as_secs(), at.subsec_millis())
}
