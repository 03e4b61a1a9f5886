//! People who wait until the store has answered what their command asked of it.

use std::collections::BTreeMap;

use bevy_ecs::resource::Resource;
use crossbeam_channel::Sender;

use crate::{
    message::{
        commands::{Ack, Inspected, StartSession},
        store_verbs::AttemptRow,
    },
    model::ids::PageKey,
};

/// A session being opened.
#[derive(Debug)]
pub struct Opening {
    pub start: Box<StartSession>,
    pub reply: Option<Sender<Ack>>,
}

/// Acknowledges a command. Nobody may be waiting any more; the command stands all the same.
pub fn acknowledge(reply: Option<Sender<Ack>>, ack: Ack) {
    if let Some(reply) = reply {
        reply.try_send(ack).ok();
    }
}

/// By request: commands enter, the store's receipts take them out again.
#[derive(Resource, Debug, Default)]
pub struct PendingReplies {
    pub opening: BTreeMap<u32, Opening>,
    waiting: BTreeMap<u32, Sender<Ack>>,
    /// What a person drops: how many waited in memory, and pages of the store.
    pub dropping: BTreeMap<u32, (usize, Vec<PageKey>)>,
    /// What is known of a task, until the store tells its attempts.
    pub inspecting: BTreeMap<u32, Inspected>,
    requests: u32,
}

impl PendingReplies {
    /// The number of a new request.
    pub fn new_request(&mut self) -> u32 {
        self.requests += 1;
        self.requests
    }

    /// A new request, and who waits for what comes of it.
    pub fn wait(&mut self, reply: Option<Sender<Ack>>) -> u32 {
        let request = self.new_request();
        if let Some(reply) = reply {
            self.waiting.insert(request, reply);
        }
        request
    }

    pub fn answer(&mut self, request: u32, ack: Ack) {
        acknowledge(self.waiting.remove(&request), ack);
    }

    /// The store has told the attempts of a task that somebody asks after.
    pub fn inspected(&mut self, request: u32, attempts: Vec<AttemptRow>) {
        if let Some(asked) = self.inspecting.remove(&request) {
            self.answer(request, Inspected { attempts, ..asked }.into_ack());
        }
    }

    /// Whether nothing was ever asked.
    #[must_use]
    pub const fn is_unused(&self) -> bool {
        self.requests == 0
    }
}
