//! The `crawlfield` command as scripts and people use it.

#![expect(
    clippy::unwrap_used,
    reason = "what these tests set up themselves must hold"
)]

mod catalogues;
mod catalogues_rows;
