//! Components, resources and system parameters: what the systems of a tick find and leave.

pub mod batch;
pub mod border;
pub mod clock;
pub mod condition;
pub mod frontier;
pub mod host;
pub mod host_answers;
pub mod host_queue;
pub mod journal;
pub mod ledger;
pub mod permits;
pub mod queue;
pub mod replies;
pub mod residents;
pub mod session;
pub mod settings;
pub mod slots;
pub mod stats;
pub mod store_requests;
pub mod task;
pub mod task_state;
pub mod timers;
pub mod window;
