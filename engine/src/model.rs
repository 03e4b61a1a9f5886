//! Nouns: what is. Sessions, stages, tasks, hosts, their states, the ledger, the clock.

pub mod class;
pub mod clock;
pub mod host;
pub mod ids;
pub mod journal;
pub mod ledger;
pub mod line;
pub mod list_end;
pub mod page_url;
pub mod permits;
pub mod phase;
pub mod remark;
pub mod residents;
pub mod session;
pub mod slots;
pub mod state;
pub mod stats;
pub mod task;
pub mod timers;
pub mod window;
