//! Scenarios: little webs, stepped on a virtual clock, with every invariant checked at every tick.
#![expect(
    clippy::unchecked_time_subtraction,
    clippy::needless_raw_string_hashes,
    reason = "times of a story are in order, or the test fails; expect-test writes the hashes"
)]

mod back_pressure;
mod batches;
mod breaker;
mod cancel;
mod commands;
mod dedup;
mod determinism;
mod forecast;
mod lifecycle;
mod limits;
mod lists;
mod order;
mod pause;
mod politeness;
mod resume;
mod retry;
mod robots;
mod sessions;
mod stages;
mod store_trouble;
mod swarm;
mod window;

use std::time::Duration;

use crawlfield_kit::{Reply, Scenario};

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// `host/1` to `host/n`.
fn urls(host: &str, n: usize) -> Vec<String> {
    (1..=n).map(|i| format!("{host}/{i}")).collect()
}

/// A list at `a.test/` that leads to details `a.test/1` to `a.test/n`, which hold one record each.
/// The host bears a hundred requests a second.
fn catalogue(n: usize) -> Scenario {
    let details = urls("a.test", n);
    Scenario::new()
        .politeness("max_rate = \"100/s\"")
        .page("a.test/", [Reply::links(&details)])
        .details(&details)
        .start_url("a.test/")
}
