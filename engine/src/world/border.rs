//! What crosses the engine's border in a tick: commands and reports in, orders and frames out.

use std::collections::VecDeque;

use bevy_ecs::resource::Resource;

use crate::{
    feed::frame::Frame,
    message::{commands::Envelope, orders::Order, reports::Report},
};

/// What comes in: filled before a tick, oldest first.
#[derive(Resource, Debug, Default)]
pub struct Inbox {
    /// All of them are carried out in the next tick.
    pub commands: VecDeque<Envelope>,
    /// Taken in the order of their arrival, a bounded number a tick.
    pub reports: VecDeque<Report>,
}

/// What goes out: taken after a tick, oldest first.
#[derive(Resource, Debug, Default)]
pub struct Outbox {
    pub orders: VecDeque<Order>,
    pub frames: VecDeque<Frame>,
}

/// Something in this tick leaves more to do at once: the run loop steps again without waiting.
#[derive(Resource, Debug, Default)]
pub struct TickAgain(pub bool);
