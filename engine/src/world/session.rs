//! Sessions: one run over one site.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use bevy_ecs::{
    change_detection::Mut,
    component::Component,
    entity::Entity,
    resource::Resource,
    system::{Query, ResMut, SystemParam},
};

use crate::{
    feed::frame::Change,
    message::{
        commands::StartSession,
        orders::RequestProfile,
        receipts::SessionOpened,
        store_verbs::{EndAttempt, Mode, PageEnd},
    },
    model::{
        ids::{BatchId, SessionId, StageId},
        list_end::ListEnd,
        phase::{SessionPhase, StagePhase},
        remark::Remarks,
        retry_policy::RetryPolicy,
        session_state::SessionState,
        tries::Tries,
    },
    politeness::batch_pacing::BatchPacing,
    settings::Settings,
    site::compiled::Site,
    world::{
        batch::{Batch, StageRun},
        host_queue::Rank,
        journal::Journal,
        task::Identity,
    },
};

/// One run over one site.
#[derive(Component, Debug)]
pub struct Session {
    /// The store's number of it.
    pub id: SessionId,
    pub site: Arc<Site>,
    /// The engine's settings in force, where the site has none of its own.
    pub settings: Arc<Settings>,
    /// How its requests ask.
    pub profile: Arc<RequestProfile>,
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
    pub tempo: BatchPacing,
    /// The snapshot after its end was taken.
    pub last_snapshot_taken: bool,
}

impl Session {
    /// A session that the store has opened.
    #[must_use]
    pub fn new(
        opened: &SessionOpened,
        start: &StartSession,
        settings: Arc<Settings>,
        now: Duration,
    ) -> Self {
        let mut profile = (*start.profile).clone();
        profile.session = opened.session;
        profile.kept_cookies = opened.cookies.as_slice().into();
        Self {
            id: opened.session,
            graph: Graph::of(&start.site),
            site: Arc::clone(&start.site),
            settings,
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
            tempo: BatchPacing::default(),
            last_snapshot_taken: false,
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

    /// A task's place in its host queue.
    #[must_use]
    pub fn rank(&self, task: &Identity) -> Rank {
        let depth = self.graph.depth[usize::from(task.stage.0)];
        (task.batch, depth, task.seq)
    }

    /// The retry policy of a stage, and whether it is the stage's own.
    #[must_use]
    pub fn retry_policy(&self, stage: StageId) -> (RetryPolicy, bool) {
        let own = self.site.stage(stage).retry;
        (own.unwrap_or(self.settings.retry.policy), own.is_some())
    }

    /// Entry pages of its newest batch, at most.
    #[must_use]
    pub fn batch_size(&self) -> u32 {
        self.tempo.size(&self.settings.batches())
    }

    /// Whether its robots.txt files are obeyed.
    #[must_use]
    pub fn obeys_robots(&self) -> bool {
        self.site.politeness.robots.unwrap_or(true)
    }

    /// What the store is told when an attempt at a page of it ends: with no attempt's row and no
    /// remarks.
    #[must_use]
    pub fn end_of(&self, task: &Identity, tries: Tries, end: PageEnd) -> EndAttempt {
        EndAttempt {
            session: task.session,
            key: task.key,
            stage: task.stage,
            batch: task.batch,
            host: task.host,
            seq: task.seq,
            depth: task.depth.saturating_add(1),
            tries,
            batch_size: self.batch_size(),
            attempt: None,
            end,
            remarks: Remarks::default(),
        }
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
}

/// Where sessions and batches stand as entities.
#[derive(Resource, Debug, Default)]
pub struct SessionIndex {
    /// Sessions of this engine, over ones included.
    pub entities: BTreeMap<SessionId, Entity>,
    /// Batches that are open or ended in this run.
    pub batches: BTreeMap<(SessionId, BatchId), Entity>,
    /// Counts up with every dispatch: which session sends first.
    pub turn: u32,
}

impl SessionIndex {
    pub fn ids(&self) -> impl Iterator<Item = SessionId> + '_ {
        self.entities.keys().copied()
    }

    /// Forgets a session and its batches; their entities.
    pub fn remove(&mut self, id: SessionId) -> Vec<Entity> {
        let all = (id, BatchId(0))..=(id, BatchId(u32::MAX));
        let mut gone: Vec<Entity> = self.entities.remove(&id).into_iter().collect();
        gone.extend(self.batches.range(all.clone()).map(|(_, entity)| *entity));
        self.batches.retain(|key, _| !all.contains(key));
        gone
    }
}

/// Why a look-up of a session cannot fail: whatever has one came from the store after that had
/// opened the session.
const OPENED: &str = "a session is opened before anything of it is";

/// Sessions and batches by their number.
#[derive(SystemParam)]
pub struct Sessions<'w, 's> {
    pub all: Query<'w, 's, &'static mut Session>,
    pub batches: Query<'w, 's, &'static mut Batch>,
    pub index: ResMut<'w, SessionIndex>,
}

impl Sessions<'_, '_> {
    /// `None` for a number that a person made up.
    #[must_use]
    pub fn find(&self, id: SessionId) -> Option<&Session> {
        self.all.get(*self.index.entities.get(&id)?).ok()
    }

    /// The session of a task, an order or a batch.
    ///
    /// # Panics
    /// If there is none: a broken invariant of ours.
    #[must_use]
    pub fn get(&self, id: SessionId) -> &Session {
        self.find(id).expect(OPENED)
    }

    /// As [`Self::get`].
    ///
    /// # Panics
    /// As [`Self::get`].
    pub fn get_mut(&mut self, id: SessionId) -> Mut<'_, Session> {
        let entity = *self.index.entities.get(&id).expect(OPENED);
        self.all.get_mut(entity).expect(OPENED)
    }

    /// `None` in the system that opened it.
    #[must_use]
    pub fn batch(&self, session: SessionId, id: BatchId) -> Option<&Batch> {
        let entity = self.index.batches.get(&(session, id))?;
        self.batches.get(*entity).ok()
    }

    pub fn batch_mut(&mut self, session: SessionId, id: BatchId) -> Option<Mut<'_, Batch>> {
        let entity = self.index.batches.get(&(session, id))?;
        self.batches.get_mut(*entity).ok()
    }

    /// A session moves.
    ///
    /// # Panics
    /// If the move is not in the table, or there is no such session: broken invariants of ours.
    pub fn enter(&mut self, id: SessionId, to: SessionState, journal: &mut Journal) {
        if let Some((from, to)) = self.get_mut(id).enter(to) {
            journal.write(Change::SessionMoved {
                session: id,
                from,
                to,
            });
        }
    }
}
