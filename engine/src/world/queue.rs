//! What one system of a tick leaves for a later one of the same tick.

use std::collections::VecDeque;

use bevy_ecs::{resource::Resource, system::Res};

use crate::model::ids::OrderId;

/// Items in the order in which they were left. The item's type says who leaves it, and which one
/// system takes it; at a tick's end it is empty.
#[derive(Resource, Debug)]
pub struct Queue<T: Send + Sync + 'static>(VecDeque<T>);

impl<T: Send + Sync> Default for Queue<T> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<T: Send + Sync> Queue<T> {
    pub fn push(&mut self, item: T) {
        self.0.push_back(item);
    }

    pub fn pop(&mut self) -> Option<T> {
        self.0.pop_front()
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A run condition: whether something was left. A system that finds nothing to do costs a
/// microsecond with all that it may touch; to ask first costs a tenth of that.
#[must_use]
#[expect(
    clippy::needless_pass_by_value,
    reason = "a run condition takes its parameters by value"
)]
pub fn any<T: Send + Sync>(queue: Res<Queue<T>>) -> bool {
    !queue.is_empty()
}

/// Fetched pages that wait for a parse worker, by their order: `take_answers` adds, `start_parsing`
/// takes as many as the permits allow.
#[derive(Resource, Debug, Default)]
pub struct ParseQueue {
    pub waiting: VecDeque<OrderId>,
    /// A suspect of a crash that is being parsed alone: nothing else is, until it has ended.
    pub alone: Option<OrderId>,
}

impl ParseQueue {
    /// The parse of this order has ended, however.
    pub fn ended(&mut self, id: OrderId) {
        if self.alone == Some(id) {
            self.alone = None;
        }
    }
}

/// Parsed pages that wait for the store, by their order: `take_pages` adds, `start_saving` takes as
/// many as the permits allow.
#[derive(Resource, Debug, Default)]
pub struct SaveQueue(pub VecDeque<OrderId>);
