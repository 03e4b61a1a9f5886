//! What the tests speak: scenario builder, scripted far end, loopback servers, invariants.

pub mod binary;
pub mod hostile;
pub mod shop;
pub mod sites;
