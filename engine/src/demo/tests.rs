//! The server as a crawler sees it, on loopback.

mod answers;
mod client;
mod read;
mod walk;
