//! The embedded catalogue server.
