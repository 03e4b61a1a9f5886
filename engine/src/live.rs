//! Real hands: threads, tokio, reqwest, rusqlite. Never names `bevy_ecs`.

pub mod decode;
pub mod fetch;
pub mod guard;
pub mod meter;
pub mod parse;
pub mod store;
