//! Memory is weighed in a process of its own: what an earlier bench left allocated would hide what
//! the next one takes.

use std::{path::Path, process::Command};

use super::{cpu, null_end::NullEnd};
use crate::{live::store::wall_ms, model::ids::SessionId, store::Store};

/// The session that a store to be weighed has open.
pub(super) const LAST: SessionId = SessionId(2);

/// What is weighed.
pub(super) enum Thing<'a> {
    /// An engine with so many tasks waiting in its window, and the feed's mirror.
    Window(u32),
    /// An engine with a small window that has crawled for a while, and so many pages in a store
    /// that is not there.
    Frontier(u64),
    /// An engine with a small window that has crawled for a while over this store.
    Store(&'a Path),
}

/// Bytes that this program takes more, started again with nothing but that in it.
pub(super) fn weigh(thing: &Thing<'_>) -> Result<f64, String> {
    let failed = |what: &dyn std::fmt::Display| format!("the weighing process failed: {what}");
    let words = match thing {
        Thing::Window(tasks) => ["window".to_owned(), tasks.to_string()],
        Thing::Frontier(pages) => ["frontier".to_owned(), pages.to_string()],
        Thing::Store(path) => ["store".to_owned(), path.display().to_string()],
    };
    let program = std::env::current_exe().map_err(|error| failed(&error))?;
    let output = Command::new(program)
        .args(["bench", "--weigh"])
        .args(words)
        // What the allocator keeps for later use, freed but not given back, is nobody's: it
        // differs from run to run by a quarter of the whole.
        .env("MIMALLOC_PURGE_DELAY", "0")
        .output()
        .map_err(|error| failed(&error))?;
    let told = String::from_utf8_lossy(&output.stdout);
    told.trim()
        .parse()
        .map_err(|_| failed(&String::from_utf8_lossy(&output.stderr)))
}

/// The other side of it: weighs one thing here.
///
/// # Errors
/// It is not known, or does not come to be.
pub fn here(words: &[String]) -> Result<u64, String> {
    let [what, of] = words else {
        return Err("--weigh takes what and of how much".to_owned());
    };
    let number = || of.parse::<u64>().map_err(|error| error.to_string());
    let before = cpu::resident();
    let mut end = match what.as_str() {
        "window" => NullEnd::with_waiting(u32::try_from(number()?).unwrap_or(u32::MAX))?,
        "frontier" => crawled(NullEnd::with_frontier(number()?)?)?,
        "store" => crawled(taken_up(Path::new(of))?)?,
        other => return Err(format!("{other:?} cannot be weighed")),
    };
    // What was kept for a busy tick goes in quiet ones.
    for _ in 0..20 {
        end.tick();
    }
    let grown = cpu::resident().saturating_sub(before);
    drop(end);
    Ok(grown)
}

fn taken_up(path: &Path) -> Result<NullEnd, String> {
    let store = Store::open(path, Box::new(wall_ms)).map_err(|error| error.to_string())?;
    NullEnd::over(store, LAST)
}

/// Some time later.
fn crawled(mut end: NullEnd) -> Result<NullEnd, String> {
    end.holds = false;
    let mut ticks = 0;
    while end.lives < 50_000 {
        end.tick();
        ticks += 1;
        if ticks > 200_000 {
            return Err(format!("the crawl stands still after {} pages", end.lives));
        }
    }
    Ok(end)
}
