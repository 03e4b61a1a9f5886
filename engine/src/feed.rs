//! The feed: one ordered stream of key frames, change frames and snapshots.

pub mod event;
pub mod feeder;
pub mod frame;
pub mod hub;
pub mod key_frame;
pub mod mirror;
pub mod recording;
mod secrets;
pub mod snapshot;
pub mod tables;
pub mod task_record;
