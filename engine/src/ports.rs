//! Letters across the wall: orders out, reports and commands in. Plain data with ids.

pub mod commands;
pub mod cookies;
pub mod head;
pub mod orders;
pub mod reports;
pub mod stored;
