//! What tasks cost that only wait: a tick in which nothing changes, and memory.

use std::{path::Path, time::Instant};

use super::{
    Options, median,
    null_end::NullEnd,
    table::{Bound, Row, Table},
    weighed::{Thing, weigh},
};
use crate::message::commands::{Command, Target};

/// Ticks whose time is taken.
const TICKS: usize = 5_000;

pub(super) fn measure(options: &Options, _folder: &Path) -> Result<Table, String> {
    let million = options.million();
    let grown = weigh(&Thing::Window(million))?;
    let mut end = NullEnd::with_waiting(million)?;
    let busy = tick(&mut end);
    end.command(Command::Pause(Target::Engine));
    end.tick();
    let paused = tick(&mut end);
    let resident = end.resident();
    drop(end);
    let mut rows = vec![
        Row::figure("µs a tick, permits all out (median)", busy).bound(Bound::AtMost(20.0)),
        Row::figure("µs a tick, paused (median)", paused).bound(Bound::AtMost(20.0)),
        Row::figure(
            "bytes a waiting task, with URL and the feed's mirror",
            grown / f64::from(resident),
        )
        .bound(Bound::AtMost(400.0)),
    ];
    let one = weigh(&Thing::Frontier(1_000_000))?;
    let ten = weigh(&Thing::Frontier(10_000_000))?;
    rows.push(
        Row::figure(
            "MB with 10,000,000 in the frontier, beside 1,000,000",
            ten / 1e6,
        )
        .beside(one / 1e6)
        .bound(Bound::AtMost(1.1)),
    );
    Ok(Table {
        name: "waiting",
        title: format!("{million} tasks waiting in the window"),
        rows,
    })
}

/// The median of a step in which nothing changes, in µs.
fn tick(end: &mut NullEnd) -> f64 {
    for _ in 0..50 {
        end.tick();
    }
    let mut times = Vec::with_capacity(TICKS);
    for _ in 0..TICKS {
        let began = Instant::now();
        end.step();
        times.push(began.elapsed().as_secs_f64() * 1e6);
        end.tick();
    }
    median(times)
}
