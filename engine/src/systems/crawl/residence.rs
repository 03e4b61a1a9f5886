//! Residence: pages found enter the window or wait in the store; ended tasks leave.

use bevy_ecs::entity::Entity;

use crate::{
    feed::{frame::Change, task_record::TaskRecord},
    message::{receipts::Discovered, store_verbs::StoredTask},
    model::{
        class::{SkipReason, WaitReason},
        ids::{PageKey, Seq, SessionId, StageId},
        numbers::micros,
        phase::Phase,
    },
    systems::crawl::Crawl,
    world::{
        session::Session,
        state::{TaskState, birth},
        task::{Attempts, Identity, Task},
        timers::Due,
    },
};

/// Residents of one line, however many lines share the window.
const LEAST: u32 = 16;

impl Crawl<'_, '_> {
    /// The task of this identity, if it is in the window.
    pub(in crate::systems) fn resident(&self, session: SessionId, key: PageKey) -> Option<Entity> {
        let moves = &self.moves;
        self.index.tasks.find(session, key, |entity| {
            moves
                .identity(entity)
                .is_some_and(|task| (task.session, task.key) == (session, key))
        })
    }

    /// Whether another task fits into the window.
    pub(in crate::systems) fn has_room(&self) -> bool {
        self.window.resident() < self.settings.0.window
    }

    /// Residents that one host may have: no host fills the window.
    pub(in crate::systems) fn fair_share(&self) -> u32 {
        (self.settings.0.window / self.lines.len().max(1)).max(LEAST)
    }

    /// What adding links did: the books, hosts, and new pages.
    pub(in crate::systems) fn take_discovered(
        &mut self,
        session: SessionId,
        from: Option<StageId>,
        found: Discovered,
    ) {
        if let Some(from) = from
            && let Some(mut session) = self.session_mut(session)
        {
            for task in &found.new {
                *session.children.entry((from, task.stage)).or_default() += 1;
            }
        }
        for (host, key) in &found.hosts {
            self.meet_host(*host, key, session, None);
        }
        for (batch, stage, host, count) in found.complete {
            let line = self.lines.id(session, host);
            self.lines.get_mut(line).gone.finished += count;
            let ledger = self.moves.ledger();
            ledger.discover(session, (batch, stage), Phase::Skipped, count);
            *ledger
                .book_mut(session)
                .skipped
                .entry(SkipReason::NotModified)
                .or_default() += count;
        }
        self.desk.restless = true;
        let mut last = None;
        for task in found.new {
            let cell = (task.batch, task.stage);
            if last.replace(cell) != Some(cell) {
                self.reopen(session, task.batch, task.stage);
            }
            self.moves
                .ledger()
                .discover(session, cell, Phase::Queued, 1);
            self.take_new(session, task);
        }
    }

    /// A new page enters memory only when its host has nothing unread in the store.
    fn take_new(&mut self, session: SessionId, task: StoredTask) {
        let begun = self
            .session(session)
            .is_some_and(|session| session.opened.contains(&task.batch) && session.takes_in());
        let (room, fair) = (begun && self.has_room(), self.fair_share());
        let id = self.lines.id(session, task.host);
        let line = self.lines.get_mut(id);
        let resident = line.resident;
        let cursor = line.cursor(task.batch);
        let room = room && resident < fair;
        if room && cursor.exhausted && !cursor.asked && task.seq > cursor.after {
            cursor.after = task.seq;
            self.admit(session, task);
            return;
        }
        if task.seq <= cursor.after {
            // A read that was answered before this receipt has brought it in already.
            return;
        }
        cursor.exhausted = false;
        cursor.passed = cursor.passed.max(task.seq);
        line.outside += 1;
        if line.held == Some(WaitReason::BatchNotBegun) {
            // What a barrier holds makes room for what it waits for.
            let now = self.now();
            self.lines.arm(id, now);
        }
        self.desk.hungry.push(id);
    }

    /// A waiting page enters the window; false where it is there already.
    pub(in crate::systems) fn admit(&mut self, session: SessionId, stored: StoredTask) -> bool {
        let known = self.resident(session, stored.key).is_some();
        // One that ends has nobody enter any more: it would not be there to leave.
        if known || !self.session(session).is_some_and(Session::takes_in) {
            return false;
        }
        let now = self.now();
        let slot = self.window.enter();
        let identity = Identity {
            key: stored.key,
            seq: stored.seq,
            session,
            host: stored.host,
            batch: stored.batch,
            depth: stored.depth,
            slot,
            stage: stored.stage,
            suspect: stored.suspect,
        };
        let waits = stored.phase == Phase::Backoff;
        let until = now + stored.due_in;
        let state = if waits {
            TaskState::Backoff {
                until_us: micros(until),
                cause: stored.cause,
            }
        } else {
            TaskState::Queued
        };
        self.moves
            .journal()
            .write(Change::Admitted(Box::new(TaskRecord {
                slot,
                key: identity.key,
                url: stored.url.clone(),
                session,
                stage: identity.stage,
                batch: identity.batch,
                host: identity.host,
                phase: state.phase(),
                attempts: stored.tries.failed,
                changed_us: 0,
                due_us: None,
                expected_ms: None,
                class: None,
                reason: None,
            })));
        let rank = self.rank(&identity);
        let (host, key) = (identity.host, identity.key);
        let task = Task {
            identity,
            url: stored.url,
        };
        let entity = self
            .commands
            .spawn(birth(task, Attempts(stored.tries), state))
            .id();
        self.index.tasks.insert(session, key, slot, entity);
        let line = self.lines.id(session, host);
        self.lines.get_mut(line).resident += 1;
        if waits {
            self.timers.set(until, Due::Backoff(entity));
        } else {
            self.lines.enqueue(line, rank, entity, now);
        }
        true
    }

    /// A task leaves the window: no move, and no count changes. One that is not over waits in the
    /// store from now on.
    pub(in crate::systems) fn leave(&mut self, entity: Entity) {
        let Some(task) = self.moves.identity(entity) else {
            return;
        };
        let state = self.moves.of(entity);
        self.window.leave(task.slot);
        self.index.tasks.remove(task.session, task.key, task.slot);
        self.moves.journal().write(Change::Left { slot: task.slot });
        let id = self.lines.id(task.session, task.host);
        let line = self.lines.get_mut(id);
        line.resident -= 1;
        match state.and_then(|state| line.gone.of(state.phase())) {
            Some(gone) => *gone += 1,
            None => line.outside += 1,
        }
        if line.outside > 0 {
            self.desk.hungry.push(id);
        }
        self.commands.entity(entity).despawn();
    }

    /// Dead letters and failed pages of a session leave, before the store moves them.
    pub(in crate::systems) fn evict_ended(&mut self, session: SessionId) {
        let leaving = std::mem::take(&mut self.window.leaving);
        for (at, entity) in leaving {
            let is_of = self
                .moves
                .identity(entity)
                .is_some_and(|task| task.session == session);
            let is_meant = self
                .moves
                .of(entity)
                .is_some_and(|state| matches!(state.phase(), Phase::Dead | Phase::Failed));
            if is_of && is_meant {
                self.leave(entity);
            } else {
                self.window.leaving.push_back((at, entity));
            }
        }
    }

    /// Everything of a session leaves the window; what waits in the store is counted anew.
    pub(in crate::systems) fn evict_all(&mut self, session: SessionId) {
        let mut residents: Vec<_> = self
            .index
            .tasks
            .iter()
            .filter_map(|entity| Some((self.moves.identity(entity)?, entity)))
            .filter(|(task, _)| task.session == session)
            .map(|(task, entity)| (task.seq, entity))
            .collect();
        residents.sort_unstable_by_key(|(seq, _): &(Seq, Entity)| *seq);
        for (_, entity) in residents {
            self.leave(entity);
        }
    }
}
