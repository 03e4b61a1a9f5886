//! The feed: one ordered stream of key frames, change frames and snapshots.

pub mod event;
pub mod feeder;
pub mod frame;
pub mod hub;
pub mod key;
pub mod mirror;
pub mod recording;
pub mod snapshot;
pub mod tables;
