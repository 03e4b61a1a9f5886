//! The fetcher, and whole crawls, against servers that misbehave.

#![expect(
    clippy::unwrap_used,
    reason = "what these tests set up themselves must hold"
)]

mod body;
mod connection;
mod engine;
mod far;
mod framing;
mod manners;
mod secure;
mod unsafe_address;
