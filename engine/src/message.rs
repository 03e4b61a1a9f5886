//! What crosses the engine's border: orders out, reports and commands in. Plain data with ids.

pub mod commands;
pub mod orders;
pub mod receipts;
pub mod reports;
pub mod store_verbs;
