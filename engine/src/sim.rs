//! The simulated backend: a store in memory on a virtual clock. Never names `bevy_ecs`.

pub mod store;
