//! The frontier: which pages wait in memory, and how they enter the window and leave it.

use std::time::Duration;

use bevy_ecs::{
    entity::Entity,
    system::{ResMut, SystemParam},
};

use crate::{
    feed::{frame::Change, task_record::TaskRecord},
    message::store_verbs::StoredTask,
    model::{class::WaitReason, ids::SessionId, numbers::micros, phase::Phase},
    world::{
        host_queue::{HostQueueId, HostQueues, LowQueues},
        residents::Residents,
        session::Session,
        task::{Attempts, Identity, Task},
        task_state::{TaskState, Tasks, admitted},
        timers::{Due, Timers},
        window::Window,
    },
};

/// Host queues, the window over them, and which queues have run low.
#[derive(SystemParam)]
pub struct Frontier<'w> {
    pub queues: ResMut<'w, HostQueues>,
    pub window: ResMut<'w, Window>,
    pub residents: ResMut<'w, Residents>,
    pub low: ResMut<'w, LowQueues>,
}

impl Frontier<'_> {
    /// A waiting page enters the window; false where it is there already.
    pub fn admit(
        &mut self,
        tasks: &mut Tasks,
        timers: &mut Timers,
        session: &Session,
        stored: StoredTask,
    ) -> bool {
        let known = tasks
            .find(&self.residents, session.id, stored.key)
            .is_some();
        // One that ends has nobody enter any more: it would not be there to leave.
        if known || !session.takes_in() {
            return false;
        }
        let now = tasks.now();
        let slot = self.window.enter();
        let identity = Identity {
            key: stored.key,
            seq: stored.seq,
            session: session.id,
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
        let record = record(&identity, &stored, state);
        tasks.journal.write(Change::Admitted(Box::new(record)));
        let task = Task {
            identity,
            url: stored.url,
        };
        let bundle = admitted(task, Attempts(stored.tries), state);
        let entity = tasks.commands.spawn(bundle).id();
        (self.residents).insert(session.id, identity.key, slot, entity);
        let queue = self.queues.id(session.id, identity.host);
        self.queues.get_mut(queue).resident += 1;
        if waits {
            timers.set(until, Due::Backoff(entity));
        } else {
            let rank = session.rank(&identity);
            self.queues.enqueue(queue, rank, entity, now);
        }
        true
    }

    /// A task leaves the window: no move, and no count changes. One that is not over waits in the
    /// store from now on.
    pub fn leave(&mut self, tasks: &mut Tasks, entity: Entity) {
        let (task, phase) = (tasks.identity(entity), tasks.state(entity).phase());
        self.window.leave(task.slot);
        self.residents.remove(task.session, task.key, task.slot);
        tasks.journal.write(Change::Left { slot: task.slot });
        let id = self.queues.id(task.session, task.host);
        let queue = self.queues.get_mut(id);
        queue.resident -= 1;
        match queue.gone.of(phase) {
            Some(gone) => *gone += 1,
            None => queue.outside += 1,
        }
        if queue.outside > 0 {
            self.low.0.push(id);
        }
        tasks.commands.entity(entity).despawn();
    }

    /// Ended tasks that are meant leave before their time: the store is about to move them.
    pub fn evict_ended(&mut self, tasks: &mut Tasks, is_meant: impl Fn(&Identity, Phase) -> bool) {
        let leaving = std::mem::take(&mut self.window.leaving);
        for (at, entity) in leaving {
            if is_meant(&tasks.identity(entity), tasks.state(entity).phase()) {
                self.leave(tasks, entity);
            } else {
                self.window.leaving.push_back((at, entity));
            }
        }
    }

    /// Dead letters and failed pages of a session leave, and those in other phases that are about to
    /// be moved.
    pub fn evict_lost(&mut self, tasks: &mut Tasks, session: SessionId, others: &[Phase]) {
        self.evict_ended(tasks, |task, phase| {
            let is_lost = matches!(phase, Phase::Dead | Phase::Failed);
            task.session == session && (is_lost || others.contains(&phase))
        });
    }

    /// Everything of a session leaves the window, in the order of discovery.
    pub fn evict_all(&mut self, tasks: &mut Tasks, session: SessionId) {
        (self.window.leaving).retain(|(_, entity)| tasks.identity(*entity).session != session);
        let mut residents: Vec<_> = self
            .residents
            .iter()
            .map(|entity| (tasks.identity(entity), entity))
            .filter(|(task, _)| task.session == session)
            .map(|(task, entity)| (task.seq, entity))
            .collect();
        residents.sort_unstable_by_key(|(seq, _)| *seq);
        for (_, entity) in residents {
            self.leave(tasks, entity);
        }
    }

    /// A queue learned of a page that it has not in memory.
    pub fn pass_over(&mut self, id: HostQueueId, now: Duration) {
        let queue = self.queues.get_mut(id);
        queue.outside += 1;
        if queue.held == Some(WaitReason::BatchNotBegun) {
            // What a barrier holds makes room for what it waits for.
            self.queues.arm(id, now);
        }
        self.low.0.push(id);
    }
}

/// What is told of a task that enters.
fn record(task: &Identity, stored: &StoredTask, state: TaskState) -> TaskRecord {
    TaskRecord {
        slot: task.slot,
        key: task.key,
        url: stored.url.clone(),
        session: task.session,
        stage: task.stage,
        batch: task.batch,
        host: task.host,
        phase: state.phase(),
        attempts: stored.tries.failed,
        changed_us: 0,
        due_us: None,
        expected_ms: None,
        class: None,
        reason: None,
    }
}
