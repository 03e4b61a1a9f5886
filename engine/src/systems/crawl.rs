//! What the systems of a tick share: the world's resources under one name, and the small verbs
//! that several of them need.

mod endings;
mod hosts;
mod residence;

pub(super) use hosts::robots_url;

use std::{collections::VecDeque, sync::Arc, time::Duration};

use bevy_ecs::{
    entity::Entity,
    query::{Has, With},
    resource::Resource,
    system::{Commands, Query, Res, ResMut, SystemParam},
};

use crate::{
    feed::frame::{Change, Frame},
    message::{
        commands::Envelope,
        orders::Order,
        reports::Report,
        store_verbs::{Note, StoreVerb},
    },
    model::{
        ids::{BatchId, HostId, OrderId, PageKey, SessionId, StageId},
        phase::StagePhase,
        remark::{Remark, Remarks},
        session_state::{Budget, Ending, SessionState},
        stage_state::StageState,
    },
    settings::Settings,
    world::{
        clock::Clock,
        host::Host,
        host_queue::Lines,
        permits::Permits,
        session::{Batch, Condition, Index, Session},
        slots::{Owner, Setback, Slots},
        state::Moves,
        stats::Stats,
        task::{CameShort, Hop, Identity, Paused, Task},
        timers::{Due, Timers},
        window::Window,
    },
};

/// The settings in force.
#[derive(Resource, Debug)]
pub(super) struct Live(pub(super) Settings);

/// What comes in, before a tick.
#[derive(Resource, Debug, Default)]
pub struct Inbox {
    /// Commands, oldest first.
    pub commands: VecDeque<Envelope>,
    /// Reports, oldest first.
    pub reports: VecDeque<Report>,
}

/// What goes out, after a tick.
#[derive(Resource, Debug, Default)]
pub struct Outbox {
    /// Orders, oldest first.
    pub orders: VecDeque<Order>,
    /// Frames of the feed, oldest first.
    pub frames: VecDeque<Frame>,
}

/// What one system of a tick leaves for a later one.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a question one system leaves for another"
)]
#[derive(Resource, Debug, Default)]
pub(super) struct Desk {
    /// Attempts that ended badly, for `retry`.
    pub(super) setbacks: Vec<Setback>,
    /// Fetched tasks that wait for a parse worker, by order.
    pub(super) to_parse: VecDeque<OrderId>,
    /// Parsed tasks that wait for the store, by order.
    pub(super) to_save: VecDeque<OrderId>,
    /// Letters to the store: whose, what, and the slot where one is held already.
    pub(super) letters: VecDeque<Letter>,
    /// Flights that are to be marked, and whether for a lone parse.
    pub(super) marks: std::collections::BTreeMap<(SessionId, bool), Vec<(PageKey, OrderId)>>,
    /// By the mark's order: the flights it is for.
    pub(super) marking: std::collections::BTreeMap<OrderId, Vec<OrderId>>,
    /// Lines whose queue may be low.
    pub(super) hungry: Vec<crate::world::host_queue::LineId>,
    /// Attempts charged for what may have been our own network.
    pub(super) local: VecDeque<(Duration, Cell, PageKey)>,
    /// Stages with pages that used up their attempts on our own network.
    pub(super) excused: std::collections::BTreeSet<Cell>,
    /// What a person drops, by request: how many waited in memory, and pages of the store.
    pub(super) dropping: std::collections::BTreeMap<u32, (usize, Vec<PageKey>)>,
    /// By request: what is known of a task, until the store tells its attempts.
    pub(super) inspecting: std::collections::BTreeMap<u32, crate::message::commands::Inspected>,
    /// A suspect is being parsed alone.
    pub(super) alone: Option<OrderId>,
    /// Reports that nobody waited for any more.
    pub(super) discarded: u64,
    /// A snapshot is due.
    pub(super) snapshot_due: bool,
    /// A session moved: its last snapshot may be due.
    pub(super) moved: bool,
    /// Retries that are due and wait for their host's budget; some may have moved on since.
    pub(super) thrifty: std::collections::BTreeSet<Entity>,
    /// Paused tasks that wait beside their lines.
    pub(super) parked: Vec<Entity>,
    /// A probe of our own network is due.
    pub(super) probe_due: bool,
    /// A session is to be aborted: what is in flight is called back.
    pub(super) abort: bool,
    /// There is something to do at once: run another tick.
    pub(super) again: bool,
    /// Stages may have ended.
    pub(super) restless: bool,
    /// Sessions whose last snapshot was told.
    pub(super) last_told: std::collections::BTreeSet<SessionId>,
    /// Sessions that were opened in this tick.
    pub(super) opened: Vec<crate::message::receipts::SessionOpened>,
    /// Sequence number of the next change.
    pub(super) seq: u64,
}

/// A run condition: whether this is on the desk. A system that finds nothing to do costs a
/// microsecond with all that it may touch; to ask first costs a tenth of that.
pub(super) fn desk(asks: impl Fn(&Desk) -> bool) -> impl Fn(Res<Desk>) -> bool {
    move |desk: Res<Desk>| asks(&desk)
}

/// A stage of a batch of a session.
pub(super) type Cell = (SessionId, BatchId, StageId);

/// One letter to the store.
#[derive(Debug)]
pub(super) struct Letter {
    pub(super) owner: Owner,
    pub(super) verb: StoreVerb,
    pub(super) id: Option<OrderId>,
}

type Borne = (
    Option<&'static Hop>,
    Option<&'static CameShort>,
    Has<Paused>,
);

/// Everything that a system of the tick may touch. The systems run one after the other, so that
/// one name for all of it keeps nobody waiting; task states still change through `moves` alone.
#[derive(SystemParam)]
pub(super) struct Crawl<'w, 's> {
    pub(super) commands: Commands<'w, 's>,
    pub(super) moves: Moves<'w, 's>,
    pub(super) hosts: Query<'w, 's, &'static mut Host>,
    pub(super) sessions: Query<'w, 's, &'static mut Session>,
    pub(super) batches: Query<'w, 's, &'static mut Batch>,
    /// What some tasks bear beside their state.
    borne: Query<'w, 's, Borne, With<Task>>,
    pub(super) now: Res<'w, Clock>,
    pub(super) settings: ResMut<'w, Live>,
    pub(super) lines: ResMut<'w, Lines>,
    pub(super) slots: ResMut<'w, Slots>,
    pub(super) stats: ResMut<'w, Stats>,
    pub(super) timers: ResMut<'w, Timers>,
    pub(super) permits: ResMut<'w, Permits>,
    pub(super) window: ResMut<'w, Window>,
    pub(super) index: ResMut<'w, Index>,
    pub(super) condition: ResMut<'w, Condition>,
    pub(super) inbox: ResMut<'w, Inbox>,
    pub(super) outbox: ResMut<'w, Outbox>,
    pub(super) desk: ResMut<'w, Desk>,
}

impl Crawl<'_, '_> {
    pub(super) fn now(&self) -> Duration {
        self.now.now()
    }

    pub(super) fn session(&self, id: SessionId) -> Option<&Session> {
        self.sessions.get(*self.index.sessions.get(&id)?).ok()
    }

    pub(super) fn session_mut(
        &mut self,
        id: SessionId,
    ) -> Option<bevy_ecs::change_detection::Mut<'_, Session>> {
        self.sessions.get_mut(*self.index.sessions.get(&id)?).ok()
    }

    pub(super) fn host(&self, id: HostId) -> Option<&Host> {
        self.hosts.get(*self.index.hosts.get(&id)?).ok()
    }

    pub(super) fn host_mut(
        &mut self,
        id: HostId,
    ) -> Option<bevy_ecs::change_detection::Mut<'_, Host>> {
        self.hosts.get_mut(*self.index.hosts.get(&id)?).ok()
    }

    /// Where a task goes next that was redirected.
    pub(super) fn hop(&self, entity: Entity) -> Option<&Hop> {
        self.borne.get(entity).ok()?.0
    }

    /// How short a page came last time.
    pub(super) fn came_short(&self, entity: Entity) -> Option<&CameShort> {
        self.borne.get(entity).ok()?.1
    }

    /// Whether a person paused the task.
    pub(super) fn is_paused(&self, entity: Entity) -> bool {
        self.borne.get(entity).is_ok_and(|(.., paused)| paused)
    }

    /// A letter that waits for nothing but its receipt.
    pub(super) fn write(&mut self, owner: Owner, verb: StoreVerb) {
        self.desk.letters.push_back(Letter {
            owner,
            verb,
            id: None,
        });
    }

    /// The store is to know that this flight is out: a tick's marks go in one letter.
    pub(super) fn mark(&mut self, id: OrderId, task: &Identity, lone: bool) {
        let marks = self.desk.marks.entry((task.session, lone)).or_default();
        marks.push((task.key, id));
    }

    /// A session moves.
    pub(super) fn move_session(&mut self, id: SessionId, to: SessionState) {
        let mut session = self.session_mut(id).expect("only known sessions move");
        let Some((from, to)) = session.enter(to) else {
            return;
        };
        self.desk.moved = true;
        self.moves.journal().write(Change::SessionMoved {
            session: id,
            from,
            to,
        });
    }

    /// What an earlier life of this session in this engine left is forgotten.
    pub(super) fn begin_anew(&mut self, id: SessionId) {
        self.moves.ledger().begin_anew(id);
        self.lines.begin_anew(id);
        if let Some(entity) = self.index.sessions.remove(&id) {
            self.commands.entity(entity).despawn();
        }
        let batches = self.index.batches.keys().filter(|(of, _)| *of == id);
        for key in batches.copied().collect::<Vec<_>>() {
            if let Some(entity) = self.index.batches.remove(&key) {
                self.commands.entity(entity).despawn();
            }
        }
    }

    /// Pages came into a stage of a batch that had ended: it is judged again, and so is what its
    /// links lead to.
    pub(super) fn reopen(&mut self, session: SessionId, id: BatchId, stage: StageId) {
        let Some(entity) = self.index.batches.get(&(session, id)).copied() else {
            return;
        };
        let downstream: Vec<bool> = match self.session(session) {
            Some(session) => (session.graph.upstream.iter())
                .map(|upstream| upstream.contains(&stage))
                .collect(),
            None => return,
        };
        let Ok(mut batch) = self.batches.get_mut(entity) else {
            return;
        };
        let mut reopened = false;
        for (at, run) in batch.stages.iter_mut().enumerate() {
            if run.state.has_ended() && (at == usize::from(stage.0) || downstream[at]) {
                run.enter(StageState::Running);
                reopened = true;
            }
        }
        let from = batch.phase;
        if reopened && from != StagePhase::Running {
            batch.enter(StagePhase::Running);
            self.recount_past(session, id);
            self.moves.journal().write(Change::BatchMoved {
                session,
                batch: id,
                from,
                to: StagePhase::Running,
            });
        }
        self.desk.restless = true;
    }

    /// An ended batch runs again: where each stage is, over those that have ended still. This is
    /// rare, so it may look at all of them.
    fn recount_past(&mut self, id: SessionId, again: BatchId) {
        let Some(entity) = self.index.sessions.get(&id) else {
            return;
        };
        let Ok(mut session) = self.sessions.get_mut(*entity) else {
            return;
        };
        session.running.insert(again);
        session.past.fill(StagePhase::Waiting);
        let all = (id, BatchId(0))..=(id, BatchId(u32::MAX));
        for ((_, batch), entity) in self.index.batches.range(all) {
            if let Ok(ended) = self.batches.get(*entity)
                && !session.running.contains(batch)
            {
                session.account(&ended.stages);
            }
        }
    }

    /// A line for people to read.
    pub(super) fn notice(&mut self, session: SessionId, text: &str) {
        self.moves.journal().write(Change::Notice {
            session,
            text: Arc::from(text),
        });
    }

    /// A budget is used up: the session drains and is stopped.
    pub(super) fn use_up(&mut self, id: SessionId, budget: Budget) {
        if !self.session(id).is_some_and(Session::is_open) {
            return;
        }
        let text = format!("{} is used up: the session stops", budget.setting());
        self.notice(id, &text);
        let then = Ending::Stopped(Some(budget));
        let at_once = false;
        self.move_session(id, SessionState::Draining { at_once, then });
        self.desk.restless = true;
    }

    /// Something that no page brings is said at the session's end.
    pub(super) fn remark(&mut self, session: SessionId, kind: Remark, count: u64, example: &str) {
        let mut remarks = Remarks::default();
        remarks.add_many(kind, count, || example.to_owned());
        self.moves
            .ledger()
            .book_mut(session)
            .remarks
            .merge(&remarks);
        let note = Note::Remarks { session, remarks };
        self.write(Owner::Note(Some(session)), StoreVerb::Note(note));
    }

    /// Permits and queues follow what was measured, within the settings.
    pub(super) fn fit_capacities(&mut self) {
        let ceilings = self.settings.0.ceilings();
        let fits = self.condition.gauge.capacities(&ceilings);
        self.permits.fit(&fits, ceilings.cpu);
        if fits.is_pressed != self.condition.is_pressed {
            self.condition.is_pressed = fits.is_pressed;
            self.tell_all(if fits.is_pressed {
                "memory runs out: less is worked on at once"
            } else {
                "there is memory enough again"
            });
        }
    }

    /// Waits for an order's report until `at`.
    pub(super) fn expect_by(&mut self, id: OrderId, at: Duration) {
        if self.slots.expect_by(id, at) {
            self.timers.set(at, Due::Deadline(id.slot));
        }
    }

    /// Entry pages of this session's newest batch, at most.
    pub(super) fn batch_size(&self, session: SessionId) -> u32 {
        let bounds = self.settings.0.batches();
        self.session(session)
            .map_or(bounds.size, |session| session.tempo.size(&bounds))
    }
}
