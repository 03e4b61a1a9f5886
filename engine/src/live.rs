//! Real hands: threads, tokio, reqwest, rusqlite. Never names `bevy_ecs`.

pub mod store;
