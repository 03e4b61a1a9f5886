//! `crawlfield-bench`: what engine and viewer cost on this machine, each figure beside one that it
//! is held against in the same run. Ratios of CPU time travel between machines; wall time does not.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program that prints figures of counts and times"
)]

mod by_hand;
mod crawl;
mod demo_site;
mod known;
mod lives;
mod null_backend;
mod pages;
mod recording;
mod scraped;
mod table;
mod timing;
mod viewer;
mod waiting;
mod watched;

use std::{
    error::Error,
    path::PathBuf,
    process::{Command, ExitCode},
};

use clap::Parser;
use crawlfield_viewer::probe::Requirement;
use serde_json::json;
use tempfile::TempDir;

use crate::table::{Part, head};

/// As in the programs.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Why something was not measured.
pub(crate) type Failure = Box<dyn Error + Send + Sync>;
pub(crate) type Result<T> = std::result::Result<T, Failure>;

type Measure = fn(&Options) -> Result<Part>;

/// Every part of the table: its group, its name, and what fills it. The engine's small footprints
/// come first, so that what an earlier one left allocated does not hide what a later one takes.
const PARTS: [(&str, &str, Measure); 15] = [
    ("engine", "idle", waiting::measure_idle),
    ("engine", "waiting", waiting::measure),
    ("engine", "lives", lives::measure),
    ("engine", "watched", watched::measure),
    ("engine", "recording", recording::measure),
    ("engine", "crawl", crawl::measure),
    ("extract", "pages", pages::measure),
    ("extract", "parser", pages::measure_crawl),
    ("store", "known", known::measure),
    ("viewer", "colours", |_| Ok(viewer::field::colours())),
    ("viewer", "memory", |options| {
        Ok(viewer::field::memory(options))
    }),
    ("viewer", "picking", |options| {
        Ok(viewer::field::picking(options))
    }),
    ("viewer", "cpu", viewer::frames::measure_cpu),
    ("viewer", "frames", viewer::frames::measure),
    ("viewer", "rest", viewer::rest::measure),
];

/// Measures engine and viewer and prints one table.
#[derive(Parser, Debug)]
#[command(
    name = "crawlfield-bench",
    max_term_width = 100,
    after_help = "\
Examples:
  crawlfield-bench                     the whole table; takes half an hour
  crawlfield-bench --quick engine      a look at the engine, in a minute
  crawlfield-bench extract             our parser in a whole crawl, beside html5ever with scraper
  crawlfield-bench known --known 1000000"
)]
struct Flags {
    /// Parts of the table, or groups of them: all, engine, extract, store, viewer
    #[arg(value_name = "NAME", default_value = "all", value_parser = name_of_a_part)]
    names: Vec<String>,
    /// Fewer rounds and smaller windows: a look, no verdict
    #[arg(long)]
    quick: bool,
    /// Everything once and as small as can be: only whether it runs
    #[arg(long, conflicts_with = "quick")]
    smoke: bool,
    /// One JSON document a part
    #[arg(long)]
    json: bool,
    /// Pages that the store knows before it is measured the second time [default: 10000000]
    #[arg(long, value_name = "N")]
    known: Option<u64>,
    /// What this program does in a process of its own, for another bench
    #[arg(long, hide = true, num_args = 1..)]
    child: Option<Vec<String>>,
    /// Whether an adapter draws here
    #[arg(long, hide = true)]
    probe: Option<Requirement>,
}

fn name_of_a_part(text: &str) -> std::result::Result<String, String> {
    if text == "all" || PARTS.iter().any(|part| text == part.0 || text == part.1) {
        return Ok(text.to_owned());
    }
    let names: Vec<&str> = PARTS.iter().map(|part| part.1).collect();
    Err(format!("there are {}", names.join(", ")))
}

#[derive(Debug, Clone, Copy)]
enum Size {
    Whole,
    Quick,
    Smoke,
}

/// How much is measured, and where files may lie meanwhile.
pub(crate) struct Options {
    size: Size,
    /// Pages that a store shall know.
    known: u64,
    folder: TempDir,
}

impl Options {
    /// The amount for a verdict, for a look, or for a smoke test.
    pub(crate) fn pick<T>(&self, whole: T, quick: T, smoke: T) -> T {
        match self.size {
            Size::Whole => whole,
            Size::Quick => quick,
            Size::Smoke => smoke,
        }
    }

    /// Rounds of a comparison; the median counts.
    pub(crate) fn rounds(&self) -> usize {
        self.pick(5, 1, 1)
    }

    /// A file in the scratch folder.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// This program again, to do that in a process of its own.
pub(crate) fn child(words: &[&str]) -> Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("--child").args(words);
    Ok(command)
}

fn as_child(words: &[String]) -> Result<()> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["serve", products] => demo_site::serve(products.parse()?),
        ["weigh", what, of, lives] => waiting::weigh_here(what, of, lives.parse()?),
        ["window"] => viewer::rest::window(),
        _ => Err(format!("no bench starts a child with {words:?}").into()),
    }
}

fn main() -> ExitCode {
    let flags = Flags::parse();
    if let Some(need) = flags.probe {
        return need.answer_here().into();
    }
    let done = match &flags.child {
        Some(words) => as_child(words).map(|()| true),
        None => print(&flags),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("crawlfield-bench: {why}");
            ExitCode::FAILURE
        }
    }
}

/// Measures and prints part by part; whether all that was asked for was measured.
fn print(flags: &Flags) -> Result<bool> {
    let size = match (flags.quick, flags.smoke) {
        (true, _) => Size::Quick,
        (_, true) => Size::Smoke,
        _ => Size::Whole,
    };
    let mut options = Options {
        size,
        known: 0,
        folder: tempfile::tempdir()?,
    };
    options.known = flags
        .known
        .unwrap_or_else(|| options.pick(10_000_000, 200_000, 1_000));
    let is_wanted = |of: &str| flags.names.iter().any(|name| name == "all" || name == of);
    if !flags.json {
        let build = if cfg!(debug_assertions) {
            "dev"
        } else {
            "release"
        };
        let cores = std::thread::available_parallelism()?;
        println!("{build} build, {cores} cores\n{}", head());
    }
    let mut is_whole = true;
    for (group, name, measure) in PARTS {
        if !is_wanted(group) && !is_wanted(name) {
            continue;
        }
        match (measure(&options), flags.json) {
            (Ok(part), true) => println!("{}", part.json(name)),
            (Ok(part), false) => println!("{}", part.lines(name)),
            (Err(why), is_json) => {
                is_whole = false;
                if is_json {
                    println!(
                        "{}",
                        json!({ "table": name, "notMeasured": why.to_string() })
                    );
                } else {
                    println!("{name}: not measured: {why}\n");
                }
            }
        }
    }
    Ok(is_whole)
}
