//! Sessions, stages and hosts of a mirror, with resident tasks counted by phase.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use crate::{
    feed::frame::Change,
    model::{
        ids::{HostId, SessionId, StageId},
        phase::{BreakerPhase, Phase, SessionPhase, StagePhase},
    },
};

/// More stages than this in one site are nonsense.
const STAGES_MAX: u16 = 4_096;
/// More sessions than this in one feed are nonsense.
const SESSIONS_MAX: usize = 4_096;

/// A count of tasks for each phase.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PhaseCounts([u64; Phase::ALL.len()]);

impl PhaseCounts {
    /// Tasks in this phase.
    #[must_use]
    pub const fn of(&self, phase: Phase) -> u64 {
        self.0[phase as usize]
    }

    /// Tasks in all phases.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// The same without the phases that do not pass.
    #[must_use]
    pub fn only(&self, passes: impl Fn(Phase) -> bool) -> Self {
        let mut counts = *self;
        for (count, phase) in counts.0.iter_mut().zip(Phase::ALL) {
            *count *= u64::from(passes(phase));
        }
        counts
    }

    pub(super) fn add(&mut self, phase: Phase, by: i64) {
        let count = &mut self.0[phase as usize];
        *count = count.saturating_add_signed(by);
    }
}

/// A session as the feed tells of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MirroredSession {
    /// The store's number of it.
    pub id: SessionId,
    /// Its site; empty where never told.
    pub site: Arc<str>,
    /// What marks it as not real.
    pub source: Option<Arc<str>>,
    /// As its last move left it.
    pub phase: SessionPhase,
    /// By their places in the site file (`StageId`).
    pub stages: Vec<MirroredStage>,
}

/// A stage of a session as the feed tells of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MirroredStage {
    /// Its name; empty where never told.
    pub name: Arc<str>,
    /// As its last move left it.
    pub phase: StagePhase,
    /// Its resident tasks by phase; kept by a mirror, in no file.
    #[serde(skip)]
    pub counts: PhaseCounts,
}

/// A host as the feed tells of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MirroredHost {
    /// The store's number of it.
    pub id: HostId,
    /// As shown; empty where never told.
    pub name: Arc<str>,
    /// Where its breaker is.
    pub breaker: BreakerPhase,
    /// Its resident tasks by phase; kept by a mirror, in no file.
    #[serde(skip)]
    pub counts: PhaseCounts,
}

/// All sessions and hosts, in the order of their first mention.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(
    from = "(Vec<MirroredSession>, Vec<MirroredHost>)",
    into = "(Vec<MirroredSession>, Vec<MirroredHost>)"
)]
pub struct Tables {
    sessions: Vec<MirroredSession>,
    hosts: Vec<MirroredHost>,
    host_at: FxHashMap<HostId, u32>,
}

impl From<Tables> for (Vec<MirroredSession>, Vec<MirroredHost>) {
    fn from(tables: Tables) -> Self {
        (tables.sessions, tables.hosts)
    }
}

impl From<(Vec<MirroredSession>, Vec<MirroredHost>)> for Tables {
    fn from((sessions, hosts): (Vec<MirroredSession>, Vec<MirroredHost>)) -> Self {
        let mut tables = Self::default();
        for row in sessions {
            if let Some(i) = tables.session_index(row.id) {
                tables.sessions[usize::from(i)] = row;
            }
        }
        for row in hosts {
            let i = tables.host_index(row.id);
            tables.hosts[i as usize] = row;
        }
        tables
    }
}

impl Tables {
    /// Sessions in the order of their first mention.
    #[must_use]
    pub fn sessions(&self) -> &[MirroredSession] {
        &self.sessions
    }

    /// Hosts in the order of their first mention.
    #[must_use]
    pub fn hosts(&self) -> &[MirroredHost] {
        &self.hosts
    }

    /// The session of this id.
    #[must_use]
    pub fn session(&self, id: SessionId) -> Option<&MirroredSession> {
        self.sessions.iter().find(|row| row.id == id)
    }

    /// The stage of this session.
    #[must_use]
    pub fn stage(&self, session: SessionId, stage: StageId) -> Option<&MirroredStage> {
        self.session(session)?.stages.get(usize::from(stage.0))
    }

    /// The host's place in `hosts`.
    #[must_use]
    pub fn host_number(&self, id: HostId) -> Option<u32> {
        self.host_at.get(&id).copied()
    }

    /// The host of this id.
    #[must_use]
    pub fn host(&self, id: HostId) -> Option<&MirroredHost> {
        self.hosts.get(*self.host_at.get(&id)? as usize)
    }

    /// The same rows with all counts zero, for a key frame.
    #[must_use]
    pub fn without_counts(mut self) -> Self {
        for stage in self.sessions.iter_mut().flat_map(|row| &mut row.stages) {
            stage.counts = PhaseCounts::default();
        }
        for host in &mut self.hosts {
            host.counts = PhaseCounts::default();
        }
        self
    }

    /// Applies a change of no task; false where it names what cannot be.
    pub(crate) fn apply(&mut self, change: &Change) -> bool {
        match change {
            Change::SessionAdmitted {
                session,
                site,
                source,
                stages,
            } => self
                .admit(*session, site, source.as_ref(), stages)
                .is_some(),
            Change::HostAdmitted { host, name } => {
                let i = self.host_index(*host) as usize;
                self.hosts[i].name = Arc::clone(name);
                true
            }
            Change::SessionMoved { session, to, .. } => {
                let Some(i) = self.session_index(*session) else {
                    return false;
                };
                self.sessions[usize::from(i)].phase = *to;
                true
            }
            Change::StageMoved {
                session, stage, to, ..
            } => {
                let row = self
                    .session_index(*session)
                    .and_then(|i| self.stage_mut(i, *stage));
                row.map(|row| row.phase = *to).is_some()
            }
            Change::BreakerMoved { host, to } => {
                let i = self.host_index(*host) as usize;
                self.hosts[i].breaker = *to;
                true
            }
            Change::BatchMoved { .. }
            | Change::Notice { .. }
            | Change::Admitted(_)
            | Change::Moved(_)
            | Change::Left { .. } => true,
        }
    }

    fn admit(
        &mut self,
        session: SessionId,
        site: &Arc<str>,
        source: Option<&Arc<str>>,
        stages: &[Arc<str>],
    ) -> Option<()> {
        let i = self.session_index(session)?;
        for (stage, name) in (0_u16..).zip(stages) {
            self.stage_mut(i, StageId(stage))?.name = Arc::clone(name);
        }
        let row = &mut self.sessions[usize::from(i)];
        row.site = Arc::clone(site);
        row.source = source.cloned();
        Some(())
    }

    /// The session's index; a session never told of gets an empty name.
    pub(super) fn session_index(&mut self, id: SessionId) -> Option<u16> {
        if let Some(i) = self.sessions.iter().position(|row| row.id == id) {
            return u16::try_from(i).ok();
        }
        if self.sessions.len() >= SESSIONS_MAX {
            return None;
        }
        self.sessions.push(MirroredSession {
            id,
            site: Arc::from(""),
            source: None,
            phase: SessionPhase::default(),
            stages: Vec::new(),
        });
        u16::try_from(self.sessions.len() - 1).ok()
    }

    pub(super) fn stage_mut(&mut self, session: u16, stage: StageId) -> Option<&mut MirroredStage> {
        if stage.0 >= STAGES_MAX {
            return None;
        }
        let stages = &mut self.sessions[usize::from(session)].stages;
        let i = usize::from(stage.0);
        while stages.len() <= i {
            stages.push(MirroredStage {
                name: Arc::from(""),
                phase: StagePhase::default(),
                counts: PhaseCounts::default(),
            });
        }
        stages.get_mut(i)
    }

    pub(super) fn host_index(&mut self, id: HostId) -> u32 {
        let next = u32::try_from(self.hosts.len()).expect("host ids are u32, each once");
        let i = *self.host_at.entry(id).or_insert(next);
        if i == next {
            self.hosts.push(MirroredHost {
                id,
                name: Arc::from(""),
                breaker: BreakerPhase::default(),
                counts: PhaseCounts::default(),
            });
        }
        i
    }

    pub(super) fn count(&mut self, session: u16, stage: StageId, phase: Phase, by: i64) {
        if let Some(row) = self.stage_mut(session, stage) {
            row.counts.add(phase, by);
        }
    }

    pub(super) fn count_host(&mut self, host: u32, phase: Phase, by: i64) {
        if let Some(row) = self.hosts.get_mut(host as usize) {
            row.counts.add(phase, by);
        }
    }
}
