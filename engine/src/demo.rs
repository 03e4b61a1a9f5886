//! The embedded catalogue: a real HTTP server on loopback with the markup and the known misbehaviour
//! of the Matter catalogue, and the truth about every product it holds.
//!
//! Everything but the clock of its latency and rate limit is a pure function of [`DemoConfig`].

pub mod catalogue;
mod chance;
pub mod config;
mod markup;
mod misbehaviour;
mod names;
pub mod server;
mod site_text;
pub mod story;
pub mod verify;

pub use catalogue::{Catalogue, Product};
pub use config::DemoConfig;
pub use server::{DemoServer, start};
pub use site_text::site_toml;
pub use verify::{Verification, verify};

#[cfg(test)]
mod tests;
