//! Simulated hands: virtual store, virtual clock. Never names `bevy_ecs`.

pub mod store;
