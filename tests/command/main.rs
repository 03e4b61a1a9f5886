//! The `crawlfield` command as scripts and people use it.

#![expect(
    clippy::unwrap_used,
    reason = "what these tests set up themselves must hold"
)]

mod again;
mod authors;
mod catalogues;
mod catalogues_rows;
mod contract;
mod cookies;
mod events;
mod letters;
mod pipes;
mod places;
mod recordings;
mod side_by_side;
mod sitemaps;
mod stopping;
mod stores;
mod workplace;
mod yields;
