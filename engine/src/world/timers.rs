//! One queue for all due times.

use std::{cmp::Reverse, collections::BinaryHeap, time::Duration};

use bevy_ecs::{entity::Entity, resource::Resource};

use crate::{
    model::ids::{BatchId, HostId, OrderId, SessionId, StageId},
    world::slots::Slots,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// A task's backoff ends.
    Backoff(Entity),
    /// The order in this slot should have been answered by now.
    Deadline(u32),
    /// A host may be asked again: pace, parking, breaker, robots.
    Host(HostId),
    /// A stage of a batch runs its failed pages again.
    StageAgain(SessionId, BatchId, StageId),
    /// A store order that met trouble is sent again.
    Resend(OrderId),
    /// The next batch of a session may open.
    Batch,
    /// A probe for our own network.
    Probe,
    Snapshot,
}

/// Due times, rounded up to a millisecond; ties in the order of setting.
#[derive(Resource, Debug, Default)]
pub struct Timers {
    heap: BinaryHeap<Reverse<Entry>>,
    set: u64,
}

#[derive(Debug, PartialEq, Eq)]
struct Entry {
    at: Duration,
    order: u64,
    due: Due,
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Timers {
    /// Waits for an order's report until `at`.
    pub fn expect_by(&mut self, slots: &mut Slots, id: OrderId, at: Duration) {
        if slots.expect_by(id, at) {
            self.set(at, Due::Deadline(id.slot));
        }
    }

    /// Calls `due` at `at`, or up to a millisecond later.
    pub fn set(&mut self, at: Duration, due: Due) {
        let at = Duration::from_millis(
            u64::try_from(at.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX),
        );
        self.set += 1;
        self.heap.push(Reverse(Entry {
            at,
            order: self.set,
            due,
        }));
    }

    /// The next thing that is due by now.
    pub fn pop_due(&mut self, now: Duration) -> Option<Due> {
        if self.heap.peek()?.0.at > now {
            return None;
        }
        self.heap.pop().map(|Reverse(entry)| entry.due)
    }

    /// When something is due next.
    #[must_use]
    pub fn next(&self) -> Option<Duration> {
        self.heap.peek().map(|Reverse(entry)| entry.at)
    }
}
