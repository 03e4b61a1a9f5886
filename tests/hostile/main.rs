//! The fetcher, and whole crawls, against servers that misbehave.

#![expect(
    clippy::unwrap_used,
    reason = "what these tests set up themselves must hold"
)]

mod body;
mod connection;
mod engine;
mod fetcher;
mod framing;
mod politeness;
mod secure;
mod unsafe_address;
