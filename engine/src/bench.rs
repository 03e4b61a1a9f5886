//! `crawlfield bench`: what the engine costs, each figure beside one that it is held against in
//! the same run (SPEC K1). Ratios of CPU time travel between machines; wall time does not.

mod bulk;
mod by_hand;
mod cpu;
mod crawl;
mod idle;
mod known;
mod lives;
mod null_end;
mod pages;
mod recording;
pub mod served;
mod table;
mod waiting;
mod watched;
pub mod weighed;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

pub use table::{Bound, Row, Table};

/// What is measured, and how much of it.
#[derive(Debug, Clone)]
pub struct Options {
    /// Fewer rounds, fewer pages, smaller windows: a look, no verdict.
    pub quick: bool,
    /// Pages that the store knows before it is measured the second time.
    pub known: u64,
    /// Only tables whose name holds this.
    pub only: Option<String>,
}

impl Options {
    /// Products of the crawled catalogue; its last list page is not full, or the engine would look
    /// whether there is one more.
    const fn products(&self) -> u32 {
        if self.quick { 605 } else { 12_005 }
    }

    /// Rounds of a comparison; the median counts.
    const fn rounds(&self) -> usize {
        if self.quick { 1 } else { 5 }
    }

    /// Tasks in the large window.
    const fn million(&self) -> u32 {
        if self.quick { 100_000 } else { 1_000_000 }
    }
}

/// One table's measurement.
type Measure = fn(&Options, &Path) -> Result<Table, String>;

/// Every table, by the name that `--only` looks at; small footprints first, so that what an
/// earlier one left allocated does not hide what a later one takes.
const TABLES: [(&str, Measure); 8] = [
    ("idle", idle::measure),
    ("waiting", waiting::measure),
    ("lives", lives::measure),
    ("pages", pages::measure),
    ("crawl", crawl::measure),
    ("watched", watched::measure),
    ("recording", recording::measure),
    ("known", known::measure),
];

/// Reads `--only`: a part of a table's name.
///
/// # Errors
/// No name holds it; the text lists them.
pub fn part_of_a_name(part: &str) -> Result<String, String> {
    let names = TABLES.map(|(name, _)| name);
    if names.iter().any(|name| name.contains(part)) {
        Ok(part.to_owned())
    } else {
        Err(format!("there are {}", names.join(", ")))
    }
}

/// Runs the tables one after the other and hands each over as soon as it is there.
///
/// # Errors
/// A crawl, a store or the demo's process failed; the text says which and why.
pub fn run(options: &Options, mut each: impl FnMut(&Table)) -> Result<(), String> {
    let wanted = |name: &str| {
        options
            .only
            .as_ref()
            .is_none_or(|only| name.contains(only.as_str()))
    };
    let folder = Folder::new()?;
    for (name, measure) in TABLES {
        if wanted(name) {
            each(&measure(options, &folder.0)?);
        }
    }
    Ok(())
}

/// A scratch folder, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self, String> {
        let path = std::env::temp_dir().join(format!("crawlfield-bench-{}", std::process::id()));
        std::fs::create_dir_all(&path)
            .map_err(|error| format!("cannot make {}: {error}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

/// The middle one; the lower of two.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len().saturating_sub(1) / 2;
    values.get(middle).copied().unwrap_or(f64::NAN)
}

/// A store file with what stands beside it is removed.
fn remove_database(path: &Path) {
    for ending in ["", "-wal", "-shm", ".lock"] {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        std::fs::remove_file(name).ok();
    }
}
