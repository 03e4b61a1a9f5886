//! What ends: an attempt gives back what it held, the store is told, a task retires.

use std::sync::Arc;

use bevy_ecs::entity::Entity;

use crate::{
    feed::frame::Detail,
    message::store_verbs::{AttemptRow, EndAttempt, PageEnd, StoreVerb},
    model::{class::SkipReason, ids::OrderId, remark::Remarks, tries::Tries},
    systems::crawl::Crawl,
    world::{slots::Owner, state::TaskState, task::Identity},
};

impl Crawl<'_, '_> {
    /// Gives back the permits that an order's slot holds, and the host's place.
    pub(in crate::systems) fn release(&mut self, id: OrderId) {
        let Some(busy) = self.slots.get_mut(id) else {
            return;
        };
        let (http, cpu, store) = (busy.http.take(), busy.cpu, busy.store);
        (busy.cpu, busy.store) = (false, 0);
        if let Some(host) = http {
            self.permits.http.give(1);
            let now = self.now();
            self.lines.wake_host(host, now);
        }
        if cpu {
            self.permits.cpu.give(1);
        }
        if store > 0 {
            self.permits.store.give(store);
        }
    }

    /// Gives back the memory charged to a flight's body.
    pub(in crate::systems) fn release_memory(&mut self, id: OrderId) {
        if let Some(flight) = self.slots.flight_mut(id) {
            let memory = std::mem::take(&mut flight.memory);
            self.permits.memory.give(memory);
        }
    }

    /// What the store is told when an attempt ends.
    pub(in crate::systems) fn end_of(
        &self,
        task: &Identity,
        tries: Tries,
        attempt: Option<AttemptRow>,
        end: PageEnd,
    ) -> Arc<EndAttempt> {
        self.end_with(task, tries, attempt, end, Remarks::default())
    }

    /// As [`Self::end_of`], with what the page gives to say at the session's end.
    pub(in crate::systems) fn end_with(
        &self,
        task: &Identity,
        tries: Tries,
        attempt: Option<AttemptRow>,
        end: PageEnd,
        remarks: Remarks,
    ) -> Arc<EndAttempt> {
        Arc::new(EndAttempt {
            session: task.session,
            key: task.key,
            stage: task.stage,
            batch: task.batch,
            host: task.host,
            seq: task.seq,
            depth: task.depth.saturating_add(1),
            tries,
            batch_size: self.batch_size(task.session),
            attempt,
            end,
            remarks,
        })
    }

    /// A task in no flight ends for good: skipped or cancelled.
    pub(in crate::systems) fn end_waiting(
        &mut self,
        entity: Entity,
        state: TaskState,
        end: PageEnd,
    ) {
        let Some((task, tries)) = self.moves.identity(entity).zip(self.moves.tries(entity)) else {
            return;
        };
        let detail = match &end {
            PageEnd::Skipped(reason) => Detail::Reason(*reason),
            _ => Detail::None,
        };
        let end = self.end_of(&task, tries, None, end);
        self.write(Owner::End(task.session), StoreVerb::End(end));
        self.moves.make(entity, state, detail);
        self.retire(entity);
    }

    /// A queued task is not fetched.
    pub(in crate::systems) fn skip(&mut self, entity: Entity, reason: SkipReason) {
        self.end_waiting(entity, TaskState::Skipped(reason), PageEnd::Skipped(reason));
    }

    /// A task has ended for now: it leaves the window after a while.
    pub(in crate::systems) fn retire(&mut self, entity: Entity) {
        let at = self.now() + self.settings.0.retain_for;
        self.window.leaving.push_back((at, entity));
        self.desk.restless = true;
    }
}
