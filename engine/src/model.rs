//! Nouns: what is. Sessions, stages, tasks, hosts, their states, the ledger, the clock.

pub mod class;
pub mod flight_mark;
pub mod head;
pub mod host_key;
pub mod ids;
pub mod list_end;
pub mod numbers;
pub mod page_url;
pub mod phase;
pub mod profile;
pub mod remark;
pub mod retry_policy;
pub mod session_state;
pub mod stage_state;
pub mod tries;
