//! The vocabulary: ids, URLs, states with their tables of moves, error classes, reasons, retry
//! policies. Plain data; imports nothing of ours.

pub mod class;
pub(crate) mod decimal;
pub mod head;
pub mod host_key;
pub mod ids;
pub mod in_flight;
pub mod list_end;
pub(crate) mod named;
pub mod numbers;
pub mod page_url;
pub mod phase;
pub mod profile;
pub mod remark;
pub mod retry_policy;
pub mod session_state;
pub mod stage_state;
pub mod tries;
