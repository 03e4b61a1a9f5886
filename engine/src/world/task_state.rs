//! A task's state: the enum, the one table of allowed moves, and the one writer.

use std::time::Duration;

use bevy_ecs::{
    bundle::Bundle,
    component::Component,
    entity::Entity,
    query::{Has, With},
    system::{Commands, Query, Res, ResMut, SystemParam},
};

use crate::{
    feed::frame::{Change, Detail, Move},
    model::{
        class::{ErrorClass, SkipReason},
        ids::{OrderId, PageKey, SessionId},
        page_url::PageUrl,
        phase::{Phase, may_move},
        tries::Tries,
    },
    world::{
        clock::Clock,
        journal::Journal,
        ledger::Ledger,
        residents::Residents,
        task::{Attempts, CameShort, Hop, Identity, Paused, Task},
    },
};

/// Where a task is, with what belongs to it. Bodies, records and links wait in the slot of the
/// order instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskState {
    /// Waiting to be fetched.
    Queued,
    /// This fetch is out.
    Fetching(OrderId),
    /// The answer waits in this order's slot.
    Fetched(OrderId),
    /// This parse is out.
    Parsing(OrderId),
    /// Records and links wait in this order's slot.
    Parsed(OrderId),
    /// The store has it.
    Saving(OrderId),
    Done,
    /// Waiting for its next attempt.
    Backoff {
        /// Engine time in microseconds.
        until_us: u64,
        /// What failed; `None` where a store of an older program does not say.
        cause: Option<ErrorClass>,
    },
    /// Retries used up; waiting for its stage's verdict.
    Failed(ErrorClass),
    Dead(ErrorClass),
    /// Not fetched or not kept.
    Skipped(SkipReason),
    /// Dropped by a person.
    Cancelled,
}

const _: () = assert!(size_of::<TaskState>() <= 16);

impl TaskState {
    /// The state without its data.
    #[must_use]
    pub const fn phase(self) -> Phase {
        match self {
            Self::Queued => Phase::Queued,
            Self::Fetching(_) => Phase::Fetching,
            Self::Fetched(_) => Phase::Fetched,
            Self::Parsing(_) => Phase::Parsing,
            Self::Parsed(_) => Phase::Parsed,
            Self::Saving(_) => Phase::Saving,
            Self::Done => Phase::Done,
            Self::Backoff { .. } => Phase::Backoff,
            Self::Failed(_) => Phase::Failed,
            Self::Dead(_) => Phase::Dead,
            Self::Skipped(_) => Phase::Skipped,
            Self::Cancelled => Phase::Cancelled,
        }
    }

    /// The order that holds its slot, while in flight.
    #[must_use]
    pub const fn order(self) -> Option<OrderId> {
        match self {
            Self::Fetching(id)
            | Self::Fetched(id)
            | Self::Parsing(id)
            | Self::Parsed(id)
            | Self::Saving(id) => Some(id),
            _ => None,
        }
    }
}

/// The component; private, so that nobody but `Tasks` can write it. One with the attempts: each
/// component costs a task eight bytes more.
#[derive(Component, Debug)]
struct State {
    at: TaskState,
    attempts: Attempts,
}

const _: () = assert!(size_of::<State>() <= 24);

/// What a task that enters the window is made of; it is counted already, by its discovery.
#[must_use]
pub fn admitted(task: Task, attempts: Attempts, state: TaskState) -> impl Bundle {
    let state = State {
        at: state,
        attempts,
    };
    (state, task)
}

type Flags = (
    Option<&'static Hop>,
    Option<&'static CameShort>,
    Has<Paused>,
);

/// Why a look-up of a task's entity cannot fail: an order's task stays until that has ended, and
/// whoever waits in a queue or has just ended is resident.
const RESIDENT: &str = "a task that is worked on is resident";

/// Resident tasks. The only writer of states: checks the move, updates the ledger, writes the
/// journal.
#[derive(SystemParam)]
pub struct Tasks<'w, 's> {
    states: Query<'w, 's, (&'static mut State, &'static Task)>,
    flags: Query<'w, 's, Flags, With<Task>>,
    pub ledger: ResMut<'w, Ledger>,
    pub journal: ResMut<'w, Journal>,
    clock: Res<'w, Clock>,
    pub commands: Commands<'w, 's>,
}

impl Tasks<'_, '_> {
    /// Engine time of this tick.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.clock.now()
    }

    /// Moves a task.
    ///
    /// # Panics
    /// If the move is not in the table, or there is no such task: broken invariants of ours.
    pub fn enter(&mut self, entity: Entity, to: TaskState, detail: Detail) {
        let (mut state, task) = self.states.get_mut(entity).expect(RESIDENT);
        let (from, into) = (state.at.phase(), to.phase());
        assert!(
            may_move(from, into),
            "no move {from:?} -> {into:?} for task {:?} at {:?}",
            task.identity.key,
            self.clock.now()
        );
        state.at = to;
        let task = &task.identity;
        let cell = (task.batch, task.stage);
        self.ledger.stages_changed |= into.is_final() || into == Phase::Failed;
        let book = self.ledger.shift(task.session, cell, (from, into), 1);
        match to {
            TaskState::Dead(class) => *book.dead.entry(class).or_default() += 1,
            TaskState::Skipped(reason) => *book.skipped.entry(reason).or_default() += 1,
            _ => {}
        }
        if let Detail::Error(fault) = &detail {
            *book.errors.entry(fault.class).or_default() += 1;
        }
        self.journal.write(Change::Moved(Move {
            slot: task.slot,
            from,
            to: into,
            attempts: state.attempts.0.failed,
            detail,
        }));
    }

    /// Changes a task's counters; what they are then.
    ///
    /// # Panics
    /// If there is no such task: a broken invariant of ours.
    pub fn charge(&mut self, entity: Entity, change: impl FnOnce(&mut Tries)) -> Tries {
        let (mut state, _) = self.states.get_mut(entity).expect(RESIDENT);
        change(&mut state.attempts.0);
        state.attempts.0
    }

    /// Which page this is and its state; `None` for a task that has left the window.
    #[must_use]
    pub fn get(&self, entity: Entity) -> Option<(Identity, TaskState)> {
        let (state, task) = self.states.get(entity).ok()?;
        Some((task.identity, state.at))
    }

    /// # Panics
    /// If there is no such task: a broken invariant of ours.
    #[must_use]
    pub fn state(&self, entity: Entity) -> TaskState {
        self.states.get(entity).expect(RESIDENT).0.at
    }

    /// # Panics
    /// If there is no such task: a broken invariant of ours.
    #[must_use]
    pub fn identity(&self, entity: Entity) -> Identity {
        self.states.get(entity).expect(RESIDENT).1.identity
    }

    /// # Panics
    /// If there is no such task: a broken invariant of ours.
    #[must_use]
    pub fn url(&self, entity: Entity) -> &PageUrl {
        &self.states.get(entity).expect(RESIDENT).1.url
    }

    /// # Panics
    /// If there is no such task: a broken invariant of ours.
    #[must_use]
    pub fn tries(&self, entity: Entity) -> Tries {
        self.states.get(entity).expect(RESIDENT).0.attempts.0
    }

    /// The task of this identity, if it is in the window.
    #[must_use]
    pub fn find(&self, all: &Residents, session: SessionId, key: PageKey) -> Option<Entity> {
        all.find(session, key, |entity| {
            let task = self.states.get(entity);
            task.is_ok_and(|(_, task)| (task.identity.session, task.identity.key) == (session, key))
        })
    }

    /// Where a redirected task goes next.
    #[must_use]
    pub fn hop(&self, entity: Entity) -> Option<&Hop> {
        self.flags.get(entity).ok()?.0
    }

    /// How short a page came last time.
    #[must_use]
    pub fn came_short(&self, entity: Entity) -> Option<&CameShort> {
        self.flags.get(entity).ok()?.1
    }

    /// Whether a person paused the task.
    #[must_use]
    pub fn is_paused(&self, entity: Entity) -> bool {
        self.flags.get(entity).is_ok_and(|(.., paused)| paused)
    }
}
