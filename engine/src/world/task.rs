//! A task: one page of one session, resident in the window.

use std::time::Duration;

use bevy_ecs::component::Component;

use crate::model::{
    ids::{BatchId, HostId, PageKey, Seq, SessionId, StageId},
    page_url::PageUrl,
    tries::Tries,
};

/// What a task is; none of it changes while it is resident.
#[derive(Component, Debug, Clone)]
pub struct Task {
    /// All but the URL.
    pub identity: Identity,
    /// Canonical URL, and what the link carried.
    pub url: PageUrl,
}

/// Which page a task is and where it belongs. It is copied where nobody asks for the URL: that is
/// shared with other threads, and to count another owner means to fetch the count from their caches.
#[derive(Debug, Clone, Copy)]
pub struct Identity {
    pub key: PageKey,
    /// Its number in the frontier.
    pub seq: Seq,
    pub session: SessionId,
    /// The host of its own URL, whatever its redirects lead to.
    pub host: HostId,
    pub batch: BatchId,
    /// Links away from a start URL.
    pub depth: u32,
    /// Its place in the window, its own until it leaves.
    pub slot: u32,
    pub stage: StageId,
    /// In flight when the process died.
    pub suspect: bool,
}

// A million may wait: 400 bytes each are promised, all in all.
const _: () = assert!(size_of::<Task>() <= 56);

/// What was charged so far.
#[derive(Debug, Clone, Copy, Default)]
pub struct Attempts(pub Tries);

/// On a task that a person paused.
#[derive(Component, Debug, Clone, Copy)]
pub struct Paused;

/// On a task that waits for the next hop of a redirect.
#[derive(Component, Debug, Clone)]
pub struct Hop {
    /// Where the redirect leads.
    pub url: PageUrl,
    pub count: u16,
    /// The host of `url`, whose permits and robots.txt apply.
    pub host: HostId,
    /// Addresses seen on the way, to tell a loop.
    pub visited: Vec<PageUrl>,
    /// Time and bytes that the hops took.
    pub spent: Duration,
}

/// On a list page that came short.
#[derive(Component, Debug, Clone, Copy)]
pub struct CameShort {
    /// How many distinct items it had.
    pub items: u32,
    /// How often in a row.
    pub times: u32,
    /// It is empty, and the page count promises it: its stage will judge it soon (B5).
    pub promised: bool,
}
