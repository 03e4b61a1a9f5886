//! Components and resources: what a tick finds and leaves.

pub mod clock;
pub mod host;
pub mod host_queue;
pub mod journal;
pub mod ledger;
pub mod permits;
pub mod residents;
pub mod session;
pub mod slots;
pub mod state;
pub mod stats;
pub mod task;
pub mod timers;
pub mod window;
