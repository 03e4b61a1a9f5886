//! The feed: one ordered stream of key frames, change frames and snapshots.

pub mod frame;
pub mod snapshot;
