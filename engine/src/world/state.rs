//! A task's state: the enum, the one table of allowed moves, and the one writer.

use bevy_ecs::{
    bundle::Bundle,
    component::Component,
    entity::Entity,
    system::{Query, Res, ResMut, SystemParam},
};

use crate::{
    feed::frame::{Change, Detail, Move},
    model::{
        class::{ErrorClass, SkipReason},
        ids::{OrderId, SessionId},
        page_url::PageUrl,
        phase::{Phase, may_move},
        tries::Tries,
    },
    world::{
        clock::Clock,
        journal::Journal,
        ledger::{Book, Ledger},
        task::{Attempts, Identity, Task},
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
    /// Saved.
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
    /// A dead letter.
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

/// The component; private, so that nobody but `Moves` can write it. One with the attempts: each
/// component costs a task eight bytes more.
#[derive(Component, Debug)]
struct State {
    at: TaskState,
    attempts: Attempts,
}

const _: () = assert!(size_of::<State>() <= 24);

/// What a task that enters the window is made of; it is counted already, by its discovery.
#[must_use]
pub fn birth(task: Task, attempts: Attempts, state: TaskState) -> impl Bundle {
    let state = State {
        at: state,
        attempts,
    };
    (state, task)
}

/// The only writer of states: checks the arrow, updates the ledger, writes the journal.
#[derive(SystemParam)]
pub struct Moves<'w, 's> {
    tasks: Query<'w, 's, (&'static mut State, &'static Task)>,
    ledger: ResMut<'w, Ledger>,
    journal: ResMut<'w, Journal>,
    clock: Res<'w, Clock>,
}

impl Moves<'_, '_> {
    /// Moves a task.
    ///
    /// # Panics
    /// If the arrow is not in the table, or there is no such task: broken invariants of ours.
    pub fn make(&mut self, entity: Entity, to: TaskState, detail: Detail) {
        let (mut state, task) = self
            .tasks
            .get_mut(entity)
            .expect("only resident tasks are moved");
        let (from, into) = (state.at.phase(), to.phase());
        assert!(
            may_move(from, into),
            "no arrow {from:?} -> {into:?} for task {:?} at {:?}",
            task.identity.key,
            self.clock.now()
        );
        state.at = to;
        let task = &task.identity;
        let cell = (task.batch, task.stage);
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
    pub fn charge(&mut self, entity: Entity, change: impl FnOnce(&mut Tries)) -> Tries {
        let Ok((mut state, _)) = self.tasks.get_mut(entity) else {
            return Tries::default();
        };
        change(&mut state.attempts.0);
        state.attempts.0
    }

    /// The state of a task, if it is resident.
    #[must_use]
    pub fn of(&self, entity: Entity) -> Option<TaskState> {
        self.tasks.get(entity).ok().map(|(state, _)| state.at)
    }

    /// Which page a resident task is.
    #[must_use]
    pub fn identity(&self, entity: Entity) -> Option<Identity> {
        self.tasks.get(entity).ok().map(|(_, task)| task.identity)
    }

    /// A resident task's URL.
    #[must_use]
    pub fn url(&self, entity: Entity) -> Option<&PageUrl> {
        self.tasks.get(entity).ok().map(|(_, task)| &task.url)
    }

    /// A resident task's counters.
    #[must_use]
    pub fn tries(&self, entity: Entity) -> Option<Tries> {
        let (state, _) = self.tasks.get(entity).ok()?;
        Some(state.attempts.0)
    }

    /// The books, for what is no task's move.
    pub fn ledger(&mut self) -> &mut Ledger {
        &mut self.ledger
    }

    /// The books of a session.
    #[must_use]
    pub fn book(&self, session: SessionId) -> Option<&Book> {
        self.ledger.book(session)
    }

    /// The journal, for what is no task's move.
    pub fn journal(&mut self) -> &mut Journal {
        &mut self.journal
    }
}

/// States, read only.
#[derive(SystemParam)]
pub struct States<'w, 's> {
    tasks: Query<'w, 's, &'static State>,
}

impl States<'_, '_> {
    /// The state of a task, if it is resident.
    #[must_use]
    pub fn of(&self, entity: Entity) -> Option<TaskState> {
        self.tasks.get(entity).ok().map(|state| state.at)
    }
}
