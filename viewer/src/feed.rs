//! What is known of the crawl at the shown time: the mirror of its tasks, the latest aggregates of
//! each session, and how the source is.

use std::sync::Arc;

use bevy::prelude::{App, Resource};
use crawlfield_engine::{
    feed::{
        hub::Item,
        mirror::{Mirror, MirroredSession, Tables},
        snapshot::{HostInfo, Snapshot},
    },
    model::{
        ids::{HostId, SessionId},
        phase::{BreakerPhase, Phase, SessionPhase},
    },
    progress::safe,
};

use crate::{
    field::texel::{SIGN_PARKED, SIGN_PAUSED, sign_of},
    history::History,
    numbers::index,
};

/// Nothing is known yet.
pub fn plugin(app: &mut App) {
    app.init_resource::<Feed>();
}

/// How the source is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum FeedStatus {
    /// Nothing has come from the source yet.
    #[default]
    Waiting,
    /// Frames of the feed arrive.
    Live,
    /// The feed has ended.
    Ended,
}

/// What has arrived up to the shown time.
#[derive(Resource)]
pub struct Feed {
    /// The shown time in microseconds of engine time.
    pub now_us: u64,
    /// The tasks of the window, and tables of sessions, stages and hosts.
    pub mirror: Mirror,
    /// The latest aggregates, one a session.
    pub snapshots: Vec<Arc<Snapshot>>,
    /// Snapshots that came so far.
    pub snapshot_count: u64,
    /// Changes that the source dropped because this viewer was slow, as it tells.
    pub lost: u64,
    /// The mirror was replaced: the field must be arranged anew.
    pub is_replaced: bool,
    /// How the source is now.
    pub status: FeedStatus,
    /// Engine time of the last change, in microseconds.
    pub changed_us: u64,
    /// What marks the data as not real, where the source says so before its first session does.
    pub mark: Option<String>,
}

impl Default for Feed {
    fn default() -> Self {
        Self {
            now_us: 0,
            mirror: Mirror::tracking(),
            snapshots: Vec::new(),
            snapshot_count: 0,
            lost: 0,
            is_replaced: false,
            status: FeedStatus::default(),
            changed_us: 0,
            mark: None,
        }
    }
}

impl Feed {
    /// Applies an item to the mirror.
    pub(crate) fn apply(&mut self, item: &Item) {
        match item {
            Item::Key { frame, .. } => self.mirror.apply_key(frame),
            Item::Changes(tick) => self.mirror.apply(tick),
            Item::Snapshot(_) | Item::Closed => {}
        }
    }

    /// Takes note of an item that the mirror has.
    pub(crate) fn take(&mut self, item: Item, history: &mut History) {
        match item {
            Item::Key { frame, lost } => {
                self.is_replaced |= frame.part == 0;
                self.lost = lost;
                self.status = FeedStatus::Live;
            }
            Item::Changes(tick) => {
                self.changed_us = self.changed_us.max(tick.at_us);
                self.status = FeedStatus::Live;
            }
            Item::Snapshot(snapshot) => {
                self.lost = snapshot.lost;
                self.update(snapshot, history);
            }
            Item::Closed => self.status = FeedStatus::Ended,
        }
    }

    /// A session's latest aggregates replace its older ones.
    pub(crate) fn update(&mut self, snapshot: Arc<Snapshot>, history: &mut History) {
        history.record_snapshot(&snapshot);
        self.snapshot_count += 1;
        let old = self
            .snapshots
            .iter_mut()
            .find(|old| old.session.id == snapshot.session.id);
        match old {
            Some(old) => *old = snapshot,
            None => self.snapshots.push(snapshot),
        }
    }

    /// The session that the panels speak of: the first that is not over, else the last.
    #[must_use]
    pub fn session(&self) -> Option<&Snapshot> {
        let is_over = |state: &str| SessionPhase::is_over_by_name(state);
        let open = self
            .snapshots
            .iter()
            .find(|one| !is_over(&one.session.state));
        open.or(self.snapshots.last()).map(|one| &**one)
    }

    /// The id of the session that the panels speak of.
    #[must_use]
    pub fn session_id(&self) -> Option<SessionId> {
        self.session()
            .map(|snapshot| SessionId(snapshot.session.id))
    }

    /// That session's phase; the feed's own move is fresher than the last snapshot.
    #[must_use]
    pub fn session_phase(&self) -> Option<SessionPhase> {
        let row = self.mirror.tables().session(self.session_id()?);
        row.map(|row| row.phase)
    }

    /// Sessions that still take commands.
    #[must_use]
    pub fn open_sessions(&self) -> Vec<SessionId> {
        let rows = self.mirror.tables().sessions().iter();
        rows.filter(|row| !row.phase.is_over())
            .map(|row| row.id)
            .collect()
    }

    /// Whether every session is paused.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        let sessions = self.mirror.tables().sessions();
        let is_paused = |session: &MirroredSession| session.phase == SessionPhase::Paused;
        !sessions.is_empty() && sessions.iter().all(is_paused)
    }

    /// Whether there were sessions, and all have ended.
    #[must_use]
    pub fn is_over(&self) -> bool {
        is_over(self.mirror.tables())
    }

    /// The sign of a task in this phase at this host, as the field draws it: what is queued may be
    /// held.
    #[must_use]
    pub fn sign(&self, phase: Phase, host: HostId) -> u32 {
        let breaker = self.mirror.tables().host(host).map(|host| host.breaker);
        match phase {
            Phase::Queued if breaker == Some(BreakerPhase::Open) => SIGN_PARKED,
            Phase::Queued if self.is_paused() => SIGN_PAUSED,
            phase => sign_of(phase),
        }
    }

    /// What marks the data as not real, of any session, in capitals (SPEC M4).
    #[must_use]
    pub fn data_source(&self) -> Option<String> {
        let mut snapshots = self.snapshots.iter();
        let told = snapshots.find_map(|snapshot| snapshot.session.source.clone());
        let mut rows = self.mirror.tables().sessions().iter();
        told.or_else(|| rows.find_map(|row| row.source.as_deref().map(str::to_owned)))
            .or_else(|| self.mark.clone())
            .map(|source| safe(&source).to_uppercase())
    }

    /// A host's figures in the snapshots, by its number in the mirror's tables; `None` before a
    /// snapshot tells of it.
    #[must_use]
    pub fn host_info(&self, number: u32) -> Option<&HostInfo> {
        let id = self.mirror.tables().hosts().get(index(number))?.id;
        self.snapshots
            .iter()
            .flat_map(|snapshot| &snapshot.hosts)
            .find(|info| info.id == id.0)
    }

    /// Queued tasks behind an open breaker, and in a paused session, as the field draws them.
    #[must_use]
    pub fn held(&self) -> (u64, u64) {
        let queued = self.mirror.counts().of(Phase::Queued);
        let hosts = self.mirror.tables().hosts().iter();
        let parked: u64 = hosts
            .filter(|host| host.breaker == BreakerPhase::Open)
            .map(|host| host.counts.of(Phase::Queued))
            .sum();
        let paused = if self.is_paused() { queued - parked } else { 0 };
        (parked, paused)
    }
}

/// Whether there were sessions, and all have ended.
#[must_use]
pub fn is_over(tables: &Tables) -> bool {
    let mut sessions = tables.sessions().iter().peekable();
    sessions.peek().is_some() && sessions.all(|session| session.phase.is_over())
}
