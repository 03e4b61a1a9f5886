//! The fetcher against servers that misbehave.

#![expect(
    clippy::unwrap_used,
    reason = "what these tests set up themselves must hold"
)]

mod body;
mod connection;
mod far;
mod framing;
mod manners;
mod secure;
mod unsafe_address;
