//! The engine as one value that is stepped: reports and commands in, orders and frames out.
//!
//! It never blocks, never asks the wall clock, never touches a socket or a file: the live run
//! loop, the simulation and the tests drive it in the same way.

use std::{collections::VecDeque, fmt, time::Duration};

use bevy_ecs::{schedule::Schedule, world::World};
use serde_json::Value as Json;

use crate::{
    feed::frame::Frame,
    message::{commands::Envelope, orders::Order, reports::Report},
    model::{class::WaitReason, ids::SessionId, phase::SessionPhase},
    settings::Settings,
    systems::{install, tell_mistake, wants_more},
    world::{
        border::{Inbox, Outbox},
        clock::Clock,
        condition::{CapacityGauge, DispatchLimit, Shutdown, StoreHealth},
        host::Host,
        host_queue::HostQueues,
        ledger::Ledger,
        permits::Permits,
        replies::PendingReplies,
        residents::Residents,
        session::{Session, SessionIndex},
        slots::Slots,
        timers::Timers,
        window::Window,
    },
};

/// A world with the engine's systems in it.
pub struct Engine {
    world: World,
    tick: Schedule,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Engine");
        shown.field("world", &self.world).finish_non_exhaustive()
    }
}

impl Engine {
    /// An engine with no session, at time zero.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let mut world = World::new();
        let tick = install(&mut world, settings);
        Self { world, tick }
    }

    /// Hands a command in; it is carried out in the next step.
    pub fn command(&mut self, envelope: Envelope) {
        self.inbox().commands.push_back(envelope);
    }

    /// Hands a report in; it is taken in the next step.
    pub fn report(&mut self, report: Report) {
        self.inbox().reports.push_back(report);
    }

    fn inbox(&mut self) -> bevy_ecs::change_detection::Mut<'_, Inbox> {
        self.world.resource_mut::<Inbox>()
    }

    /// Tells how much memory the process uses and what it could grow to, in bytes.
    pub fn measured(&mut self, used: u64, limit: u64) {
        let mut gauge = self.world.resource_mut::<CapacityGauge>();
        gauge.0.set_memory(used, limit);
    }

    /// Moves the clock and runs one tick.
    pub fn step(&mut self, now: Duration) {
        self.world.resource_mut::<Clock>().advance_to(now);
        self.tick.run(&mut self.world);
        self.world.resource_mut::<Residents>().settle();
    }

    /// A step broke off by a mistake of ours: this is told in the feed of every session. No step
    /// may follow.
    pub fn tell_mistake(&mut self, text: &str) {
        tell_mistake(&mut self.world, text);
    }

    /// The next step finds no permits, as by a mistake of ours.
    #[cfg(test)]
    pub(crate) fn break_next_step(&mut self) {
        self.world.remove_resource::<Permits>();
    }

    /// Whether another step would do something at once, without a report or a due time.
    #[must_use]
    pub fn wants_step(&mut self) -> bool {
        wants_more(&mut self.world)
    }

    /// Takes the orders of the steps so far.
    pub fn take_orders(&mut self) -> VecDeque<Order> {
        emptied(&mut self.world.resource_mut::<Outbox>().orders)
    }

    /// Takes the frames of the steps so far.
    pub fn take_frames(&mut self) -> VecDeque<Frame> {
        emptied(&mut self.world.resource_mut::<Outbox>().frames)
    }

    /// When something is due without a report: a timer, or a host queue's next allowed time.
    #[must_use]
    pub fn next_due(&self) -> Option<Duration> {
        let timer = self.world.resource::<Timers>().next();
        let queues = self.world.resource::<HostQueues>();
        let is_limited = self.limited().is_some();
        let sends = |session: &&Session| !is_limited && session.is_dispatching();
        let sending = self.all_sessions().filter(sends);
        let queue = sending.filter_map(|session| queues.next(session.id)).min();
        match (timer, queue) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    /// Whether sessions were begun and all of them are over, with nothing left to keep.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        let replies = self.world.resource::<PendingReplies>();
        let is_lost = self.store_lost().is_some();
        !replies.is_unused()
            && (is_lost || (replies.opening.is_empty() && self.slots().used() == 0))
            && self.all_sessions().all(Session::is_over)
    }

    /// In the order of their numbers.
    fn all_sessions(&self) -> impl Iterator<Item = &Session> {
        let index = self.world.resource::<SessionIndex>();
        let entities = index.entities.values();
        entities.filter_map(|entity| self.world.get::<Session>(*entity))
    }

    #[must_use]
    pub fn now(&self) -> Duration {
        self.world.resource::<Clock>().now()
    }

    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        self.world.resource::<Ledger>()
    }

    #[must_use]
    pub fn permits(&self) -> &Permits {
        self.world.resource::<Permits>()
    }

    #[must_use]
    pub fn slots(&self) -> &Slots {
        self.world.resource::<Slots>()
    }

    /// The hosts met so far.
    #[must_use]
    pub fn hosts(&self) -> Vec<&Host> {
        let query = self.world.try_query::<&Host>();
        query.map_or_else(Vec::new, |mut query| query.iter(&self.world).collect())
    }

    /// Tasks resident in the window.
    #[must_use]
    pub fn resident(&self) -> u32 {
        self.world.resource::<Window>().resident()
    }

    /// Why the store was given up, if it was.
    #[must_use]
    pub fn store_lost(&self) -> Option<&str> {
        self.world.resource::<StoreHealth>().lost.as_deref()
    }

    /// Why nothing, or nothing more, was sent in the last step, whichever the host.
    #[must_use]
    pub fn limited(&self) -> Option<WaitReason> {
        self.world.resource::<DispatchLimit>().limited
    }

    /// Whether its thread shall end.
    #[must_use]
    pub fn is_shut_down(&self) -> bool {
        self.world.resource::<Shutdown>().0
    }

    /// The seeds of the sessions' chance.
    #[must_use]
    pub fn seeds(&self) -> Vec<u64> {
        self.all_sessions().map(|session| session.seed).collect()
    }

    /// Where each session is, and its result document once it has one.
    #[must_use]
    pub fn sessions(&self) -> Vec<(SessionId, SessionPhase, Option<Json>)> {
        let all = self.all_sessions();
        all.map(|session| (session.id, session.phase(), session.result.clone()))
            .collect()
    }
}

/// What was in it; the next tick is about as busy.
fn emptied<T>(out: &mut VecDeque<T>) -> VecDeque<T> {
    let next = VecDeque::with_capacity(out.len());
    std::mem::replace(out, next)
}
