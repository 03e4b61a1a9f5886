//! Order slots: who waits for which order, and what waits for its owner meanwhile.
//!
//! Not `slotmap`: its keys name a slot and a version, an order's id the start of the engine too, and
//! `renew` gives what is in a slot another id without moving it, which a slot map cannot.

use std::time::Duration;

use bevy_ecs::{entity::Entity, resource::Resource};

use crate::{
    extract::output::Extracted,
    message::{
        reports::Answer,
        store_verbs::{AttemptRow, StoreVerb},
    },
    model::{
        class::ErrorClass,
        head::Validators,
        ids::{BatchId, HostId, OrderId, SessionId, StageId},
        in_flight::FlightMark,
        page_url::PageUrl,
    },
    world::{host_queue::HostQueueId, permits::Permits, task::Hop},
};

/// The fixed ceiling of orders in flight; the channels across the border are sized by it.
pub const MAX_ORDERS: usize = 16_384;

/// Whose order it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// A task's fetch, parse or save.
    Task(Entity),
    /// The marks of a tick's flights.
    Marks,
    Robots(HostId),
    /// Whether the network is there.
    Probe(HostId),
    /// A session being opened: the number of the request.
    Open(u32),
    /// Start URLs of a session.
    Discover(SessionId),
    /// Waiting pages for a host queue.
    Admit(HostQueueId, BatchId),
    /// An attempt that ended without being saved.
    End(SessionId),
    /// The failed pages of a stage run again.
    Requeue(SessionId, BatchId, StageId),
    /// The failed pages of a stage become dead letters.
    Condemn(SessionId, BatchId, StageId),
    /// Some failed pages of a stage are skipped after all.
    SkipFailed(SessionId, BatchId, StageId),
    /// A person's requeue of dead letters: the number of the request.
    RequeueDead(SessionId, u32),
    /// A person's drop: the number of the request.
    Drop(SessionId, u32),
    /// A person's question after a task: the number of the request.
    Inspect(u32),
    /// A session's last note.
    Close(SessionId),
    Note(Option<SessionId>),
}

/// What a task's flight has gathered so far.
#[derive(Debug, Default)]
pub struct Flight {
    /// When the attempt began.
    pub began: Duration,
    /// Where the answer comes from: the page's URL, or the hop's.
    pub target: Option<PageUrl>,
    pub hop: Option<Hop>,
    /// Whether the store knows of it.
    pub mark: FlightMark,
    /// The answer, until it is parsed.
    pub answer: Option<Answer>,
    /// What the answer named its version, once it is parsed.
    pub validators: Option<Validators>,
    /// Records and links, until they are saved.
    pub extracted: Option<Box<Extracted>>,
    /// Fetch duration, hops included.
    pub fetch: Duration,
    pub parse: Duration,
    pub bytes: u64,
    pub status: Option<u16>,
    pub memory: u64,
}

impl Flight {
    /// A flight of which nothing has come in yet.
    #[must_use]
    pub fn begun(began: Duration) -> Self {
        Self {
            began,
            ..Self::default()
        }
    }

    /// The history row of the attempt, which ends now: with its class and message where it failed.
    #[must_use]
    pub fn attempt(
        &self,
        now: Duration,
        dispatch: u16,
        failure: Option<(ErrorClass, String)>,
    ) -> AttemptRow {
        let (class, message) = failure.unzip();
        AttemptRow {
            dispatch,
            began_ago: now.saturating_sub(self.began),
            ended_ago: Duration::ZERO,
            fetch: self.fetch,
            parse: self.parse,
            bytes: self.bytes,
            status: self.status,
            class,
            message,
        }
    }
}

#[derive(Debug)]
struct Slot {
    /// Of its present order: the store may tell a new start while orders are out.
    boot: u32,
    generation: u32,
    busy: Option<Busy>,
    /// The first due time that is out for this slot.
    alarm: Option<Duration>,
}

#[derive(Debug)]
pub struct Busy {
    pub owner: Owner,
    /// When its present order was sent.
    pub sent: Duration,
    /// Until when its report is waited for.
    deadline: Option<Duration>,
    /// The host whose in-flight count and the http permit it holds.
    pub http: Option<HostId>,
    /// Whether it holds a cpu permit.
    pub cpu: bool,
    /// Store permits held, in bytes.
    pub store: u64,
    /// What is sent again once the store is out of its trouble.
    pub verb: Option<Box<StoreVerb>>,
    pub flight: Option<Box<Flight>>,
}

/// All slots; indices below `MAX_ORDERS`.
#[derive(Resource, Debug, Default)]
pub struct Slots {
    boot: u32,
    entries: Vec<Slot>,
    free: Vec<u32>,
    used: usize,
}

impl Slots {
    /// Orders from now on carry this start's number.
    pub fn set_boot(&mut self, boot: u32) {
        self.boot = self.boot.max(boot);
    }

    #[must_use]
    pub fn used(&self) -> usize {
        self.used
    }

    #[must_use]
    pub fn room(&self) -> usize {
        MAX_ORDERS - self.used
    }

    /// Occupies a slot for a new order; `None` when all are in use.
    ///
    /// # Panics
    /// Never: `MAX_ORDERS` fits an index.
    pub fn open(&mut self, owner: Owner, now: Duration) -> Option<OrderId> {
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None if self.entries.len() < MAX_ORDERS => {
                self.entries.push(Slot {
                    boot: self.boot,
                    generation: 0,
                    busy: None,
                    alarm: None,
                });
                u32::try_from(self.entries.len() - 1).expect("MAX_ORDERS fits")
            }
            None => return None,
        };
        self.used += 1;
        let entry = &mut self.entries[slot as usize];
        entry.generation += 1;
        entry.boot = self.boot;
        entry.busy = Some(Busy {
            owner,
            sent: now,
            deadline: None,
            http: None,
            cpu: false,
            store: 0,
            verb: None,
            flight: None,
        });
        Some(OrderId {
            boot: self.boot,
            slot,
            generation: entry.generation,
        })
    }

    /// The next order of the same owner in the same slot; the old id is never heard again.
    ///
    /// # Panics
    /// If `id` is not the slot's present order.
    pub fn renew(&mut self, id: OrderId, now: Duration) -> OrderId {
        assert!(self.get(id).is_some(), "{id:?} is not in flight");
        let entry = &mut self.entries[id.slot as usize];
        entry.generation += 1;
        if let Some(busy) = &mut entry.busy {
            (busy.sent, busy.deadline) = (now, None);
        }
        OrderId {
            generation: entry.generation,
            ..id
        }
    }

    /// What occupies the slot, if `id` is its present order.
    #[must_use]
    pub fn get(&self, id: OrderId) -> Option<&Busy> {
        let slot = self.entries.get(id.slot as usize)?;
        (slot.generation == id.generation && slot.boot == id.boot)
            .then_some(slot.busy.as_ref())
            .flatten()
    }

    /// What occupies the slot, if `id` is its present order.
    pub fn get_mut(&mut self, id: OrderId) -> Option<&mut Busy> {
        let slot = self.entries.get_mut(id.slot as usize)?;
        (slot.generation == id.generation && slot.boot == id.boot)
            .then_some(slot.busy.as_mut())
            .flatten()
    }

    /// The flight of a task's order.
    ///
    /// # Panics
    /// If `id` is not a slot's present order, or no task's: a broken invariant of ours.
    pub fn flight_mut(&mut self, id: OrderId) -> &mut Flight {
        let busy = self.get_mut(id).expect("the order is in flight");
        busy.flight
            .as_deref_mut()
            .expect("a task's order has its flight")
    }

    /// Gives back the permits that the order holds; the host whose place is free again.
    ///
    /// # Panics
    /// If `id` is not a slot's present order: a broken invariant of ours.
    pub fn release(&mut self, id: OrderId, permits: &mut Permits) -> Option<HostId> {
        let busy = self.get_mut(id).expect("the order is in flight");
        let http = busy.http.take();
        if http.is_some() {
            permits.http.give(1);
        }
        if std::mem::take(&mut busy.cpu) {
            permits.cpu.give(1);
        }
        permits.store.give(std::mem::take(&mut busy.store));
        if let Some(flight) = busy.flight.as_deref_mut() {
            permits.memory.give(std::mem::take(&mut flight.memory));
        }
        http
    }

    /// Waits for the order's report until `at`; whether a due time has to be set for that. One that
    /// is out already, for an earlier order of the slot, comes first and asks `overdue` what is next:
    /// orders are many and hardly any is late, so that a slot needs a due time now and then only.
    pub fn expect_by(&mut self, id: OrderId, at: Duration) -> bool {
        let Some(busy) = self.get_mut(id) else {
            return false;
        };
        busy.deadline = Some(at);
        let alarm = &mut self.entries[id.slot as usize].alarm;
        let is_first = alarm.is_none_or(|first| at < first);
        if is_first {
            *alarm = Some(at);
        }
        is_first
    }

    /// A due time of this slot has come.
    pub fn overdue(&mut self, slot: u32, now: Duration) -> Overdue {
        let Some(entry) = self.entries.get_mut(slot as usize) else {
            return Overdue::Nothing;
        };
        entry.alarm = entry.alarm.filter(|first| *first > now);
        let Some(busy) = &mut entry.busy else {
            return Overdue::Nothing;
        };
        match busy.deadline {
            Some(at) if at <= now => {
                busy.deadline = None;
                Overdue::Order(OrderId {
                    boot: entry.boot,
                    slot,
                    generation: entry.generation,
                })
            }
            Some(at) if entry.alarm.is_none() => {
                entry.alarm = Some(at);
                Overdue::At(at)
            }
            _ => Overdue::Nothing,
        }
    }

    /// Frees the slot, if `id` is its present order.
    pub fn close(&mut self, id: OrderId) -> Option<Busy> {
        self.get(id)?;
        let busy = self.entries[id.slot as usize].busy.take();
        self.free.push(id.slot);
        self.used -= 1;
        busy
    }

    /// Every order in flight, by slot.
    pub fn iter(&self) -> impl Iterator<Item = (OrderId, &Busy)> {
        self.entries.iter().enumerate().filter_map(|(slot, entry)| {
            let id = OrderId {
                boot: entry.boot,
                slot: u32::try_from(slot).ok()?,
                generation: entry.generation,
            };
            Some((id, entry.busy.as_ref()?))
        })
    }
}

/// What a slot's due time comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overdue {
    /// This order has not been answered in time.
    Order(OrderId),
    /// The present order's time is up then; the due time is to be set again.
    At(Duration),
    /// No order is waited for, or another due time comes first.
    Nothing,
}

#[cfg(test)]
mod tests;
