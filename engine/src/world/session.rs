//! Sessions, their batches and the stages of those.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use bevy_ecs::{component::Component, entity::Entity, resource::Resource};
use crossbeam_channel::Sender;
use rustc_hash::FxHashMap;

use crate::{
    message::{
        commands::{Ack, StartSession},
        orders::RequestProfile,
        receipts::SessionOpened,
        store_verbs::Mode,
    },
    model::{
        class::ErrorClass,
        host_key::HostKey,
        ids::{BatchId, HostId, SessionId, StageId},
        list_end::ListEnd,
        phase::{SessionPhase, StagePhase},
        session_state::SessionState,
        stage_state::StageState,
    },
    politeness::{capacity::Gauge, offline::Offline, tempo::Tempo},
    site::compiled::Site,
    world::residents::Residents,
};

/// One run over one site.
#[derive(Component, Debug)]
pub struct Session {
    /// The store's number of it.
    pub id: SessionId,
    /// What it reads.
    pub site: Arc<Site>,
    /// Its requests' manners.
    pub profile: Arc<RequestProfile>,
    /// What it fetches.
    pub mode: Mode,
    /// What marks it as not real.
    pub source: Option<Arc<str>>,
    /// The seed of its chance.
    pub seed: u64,
    state: SessionState,
    /// Which stages lead to which.
    pub graph: Graph,
    /// When it began, in engine time.
    pub began: Duration,
    /// Largest page count seen by stage, with how many pages said so.
    pub page_counts: BTreeMap<StageId, (u32, u32)>,
    /// Numbered lists whose pages should be full, by stage.
    pub lists: BTreeMap<StageId, ListEnd>,
    /// Pages that this run ended.
    pub ended: u64,
    /// Records inserted, changed and seen unchanged in this run.
    pub inserted: u64,
    /// Records changed in this run.
    pub changed: u64,
    /// Records seen unchanged in this run.
    pub unchanged: u64,
    /// Pages that this run asked for first.
    pub pages: u64,
    /// Bytes that earlier runs of it received.
    pub bytes_before: u64,
    /// Requests sent in this run.
    pub requests: u64,
    /// Results of batches' stages so far, for the result document.
    pub results: Vec<serde_json::Value>,
    /// New pages that the finished pages of a stage brought, by stage and target.
    pub children: BTreeMap<(StageId, StageId), u64>,
    /// Its result document, once it has one.
    pub result: Option<serde_json::Value>,
    /// Where each stage is, over all batches.
    pub stages: Vec<StagePhase>,
    /// Batches that were opened.
    pub opened: BTreeSet<BatchId>,
    /// Of these the ones that have not ended.
    pub running: BTreeSet<BatchId>,
    /// Where each stage is, over the batches that have ended.
    pub past: Vec<StagePhase>,
    /// Verdicts of *recoverable* that an earlier run gave, by batch and stage.
    pub stage_attempts: Vec<(BatchId, StageId, u32)>,
    /// Start URLs are on their way to the store.
    pub discovering: bool,
    /// Size of its batches and rest between them.
    pub tempo: Tempo,
}

impl Session {
    /// A session that the store has opened.
    #[must_use]
    pub fn new(opened: &SessionOpened, start: &StartSession, now: Duration) -> Self {
        let mut profile = (*start.profile).clone();
        profile.session = opened.session;
        profile.kept_cookies = opened.cookies.as_slice().into();
        Self {
            id: opened.session,
            graph: Graph::of(&start.site),
            site: Arc::clone(&start.site),
            profile: Arc::new(profile),
            mode: opened.mode,
            source: start.source.as_deref().map(Arc::from),
            seed: opened.seed,
            state: SessionState::Planning,
            began: now,
            page_counts: BTreeMap::new(),
            lists: BTreeMap::new(),
            ended: 0,
            inserted: 0,
            changed: 0,
            unchanged: 0,
            pages: 0,
            bytes_before: opened.bytes,
            requests: 0,
            results: Vec::new(),
            children: BTreeMap::new(),
            result: None,
            stages: vec![StagePhase::Waiting; start.site.stages.len()],
            stage_attempts: {
                let mut attempts = opened.stage_attempts.clone();
                attempts.sort_unstable();
                attempts
            },
            opened: BTreeSet::new(),
            running: BTreeSet::new(),
            past: vec![StagePhase::Waiting; start.site.stages.len()],
            discovering: false,
            tempo: Tempo::default(),
        }
    }

    /// An ended batch counts for where each stage is.
    pub fn account(&mut self, stages: &[StageRun]) {
        for (past, run) in self.past.iter_mut().zip(stages) {
            *past = (*past).max_by_weight(run.state.phase());
        }
    }

    /// Verdicts of *recoverable* that an earlier run gave a batch, by stage.
    pub fn attempts_before(&self, batch: BatchId) -> impl Iterator<Item = (StageId, u32)> + '_ {
        let all = &self.stage_attempts;
        let from = all.partition_point(|(of, _, _)| *of < batch);
        let own = all[from..]
            .iter()
            .take_while(move |(of, _, _)| *of == batch);
        own.map(|(_, stage, attempts)| (*stage, *attempts))
    }

    /// Where it is.
    #[must_use]
    pub const fn state(&self) -> &SessionState {
        &self.state
    }

    /// Where it is, as events and snapshots say.
    #[must_use]
    pub const fn phase(&self) -> SessionPhase {
        self.state.phase()
    }

    /// Moves it; the phases to tell of, where those differ.
    ///
    /// # Panics
    /// If the move is not in the table: a broken invariant of ours.
    pub fn enter(&mut self, to: SessionState) -> Option<(SessionPhase, SessionPhase)> {
        let (from, into) = (self.state.phase(), to.phase());
        assert!(
            from == into || from.may_move(into),
            "no move {from:?} -> {into:?} for session {:?}",
            self.id
        );
        self.state = to;
        (from != into).then_some((from, into))
    }

    /// Whether new requests may be sent.
    #[must_use]
    pub fn is_dispatching(&self) -> bool {
        self.state == SessionState::Running
    }

    /// Whether its work goes on: it is neither over nor about to be.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.state.is_open()
    }

    /// Whether its pages may enter the window.
    #[must_use]
    pub const fn takes_in(&self) -> bool {
        !matches!(self.state, SessionState::Closing(_) | SessionState::Over(_))
    }

    /// Whether it is over.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        matches!(self.state, SessionState::Over(_))
    }
}

/// A share of a session: up to `batch_size` pages of the entry stage and all they lead to.
#[derive(Component, Debug)]
pub struct Batch {
    /// Whose.
    pub session: SessionId,
    /// Which.
    pub id: BatchId,
    /// Where it is.
    pub phase: StagePhase,
    /// One for each stage of the site.
    pub stages: Vec<StageRun>,
}

/// A stage within a batch.
#[derive(Debug, Clone, Default)]
pub struct StageRun {
    /// Where it is.
    pub state: StageState,
    /// Verdicts of *recoverable* so far.
    pub attempts: u32,
    /// Pages past the end of their list, which were skipped.
    pub past_end: u64,
}

impl Batch {
    /// Moves it.
    ///
    /// # Panics
    /// If the move is not in the table: a broken invariant of ours.
    pub fn enter(&mut self, to: StagePhase) {
        let from = self.phase;
        assert!(
            from == to || from.may_move(to),
            "no move {from:?} -> {to:?} for batch {:?}",
            self.id
        );
        self.phase = to;
    }
}

impl StageRun {
    /// Moves it.
    ///
    /// # Panics
    /// If the move is not in the table: a broken invariant of ours.
    pub fn enter(&mut self, to: StageState) {
        let from = self.state;
        assert!(
            from == to || from.may_move(to),
            "no move {from:?} -> {to:?} for a stage of a batch"
        );
        self.state = to;
    }
}

/// Which stages lead to which.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    /// Links away from the entry stage.
    pub depth: Vec<u16>,
    /// For each stage, all stages that lead to it, directly or not, itself only on a cycle.
    pub upstream: Vec<Vec<StageId>>,
    /// For each stage, the others of its cycle.
    pub cycle: Vec<Vec<StageId>>,
}

impl Graph {
    /// The graph of a site's links.
    #[must_use]
    pub fn of(site: &Site) -> Self {
        let n = site.stages.len();
        let mut leads = vec![vec![false; n]; n];
        for (from, stage) in site.stages.iter().enumerate() {
            for link in &stage.links {
                leads[from][usize::from(link.to.0)] = true;
            }
            if let Some(to) = stage.sitemap_of {
                leads[from][usize::from(to.0)] = true;
                leads[from][from] = true;
            }
        }
        let mut depth = vec![u16::MAX; n];
        let mut queue: VecDeque<usize> = (0..n)
            .filter(|at| *at == usize::from(site.enter.0) || site.stages[*at].sitemap_of.is_some())
            .collect();
        for at in &queue {
            depth[*at] = 0;
        }
        while let Some(from) = queue.pop_front() {
            for to in 0..n {
                if leads[from][to] && depth[to] == u16::MAX {
                    depth[to] = depth[from].saturating_add(1);
                    queue.push_back(to);
                }
            }
        }
        let mut reach = leads;
        for via in 0..n {
            for from in 0..n {
                for to in 0..n {
                    if reach[from][via] && reach[via][to] {
                        reach[from][to] = true;
                    }
                }
            }
        }
        let ids = |test: &dyn Fn(usize) -> bool| {
            (0..n)
                .filter(|index| test(*index))
                .filter_map(|index| u16::try_from(index).ok().map(StageId))
                .collect::<Vec<_>>()
        };
        Self {
            depth,
            upstream: (0..n).map(|to| ids(&|from| reach[from][to])).collect(),
            cycle: (0..n)
                .map(|to| ids(&|from| from != to && reach[from][to] && reach[to][from]))
                .collect(),
        }
    }

    /// A stage's depth, as part of a task's rank.
    #[must_use]
    pub fn rank(&self, stage: StageId) -> u16 {
        self.depth[usize::from(stage.0)]
    }
}

/// Where sessions, batches and hosts stand as entities; the only maps from ids to entities.
#[derive(Resource, Debug, Default)]
pub struct Index {
    /// Sessions of this engine, over ones included.
    pub sessions: BTreeMap<SessionId, Entity>,
    /// Batches that are open or ended in this run.
    pub batches: BTreeMap<(SessionId, BatchId), Entity>,
    /// Hosts by the store's number.
    pub hosts: FxHashMap<HostId, Entity>,
    /// Hosts by scheme, name and port.
    pub host_keys: FxHashMap<HostKey, HostId>,
    /// Resident tasks by identity.
    pub tasks: Residents,
    /// Sessions being opened, by request.
    pub opening: BTreeMap<u32, Opening>,
    /// People waiting for the store, by request.
    pub asking: BTreeMap<u32, Sender<Ack>>,
    /// The next request's number.
    pub requests: u32,
    /// Which session sends first in the next tick.
    pub turn: u32,
}

/// A session being opened.
#[derive(Debug)]
pub struct Opening {
    /// What was asked.
    pub start: Box<StartSession>,
    /// Who waits for the answer.
    pub reply: Option<Sender<Ack>>,
}

/// The engine as a whole: paused, stopping, in trouble.
#[derive(Resource, Debug, Default)]
pub struct Condition {
    /// A person paused it.
    pub paused: bool,
    /// Ticks to run although paused.
    pub steps: u32,
    /// Its thread shall end.
    pub shutdown: bool,
    /// The store's trouble, while it lasts.
    pub store_trouble: Option<String>,
    /// Since when nothing could be written.
    pub trouble_since: Option<std::time::Duration>,
    /// The store is lost.
    pub store_lost: Option<String>,
    /// Whether our own network is down.
    pub offline: Offline,
    /// What limited dispatch in this tick, if anything did.
    pub limited: Option<crate::model::class::WaitReason>,
    /// What was measured of the steps and of memory, which capacities follow.
    pub gauge: Gauge,
    /// Memory runs out: less is worked on at once.
    pub is_pressed: bool,
    /// The last class and message of a failure, for results.
    pub last_failure: Option<(ErrorClass, String)>,
}
