//! Nouns: what is. Sessions, stages, tasks, hosts, their states, the ledger, the clock.

pub mod class;
pub mod ids;
pub mod phase;
