//! The `crawlfield` command, one file per subcommand.

mod advice;
mod bench;
pub mod check;
mod checking;
mod compare;
mod completions;
mod dead;
mod events;
mod exit;
mod export;
pub mod layers;
mod place;
mod resume;
pub mod run;
pub mod session;
mod sessions;
mod trying;

use std::{
    io::{self, Write},
    process::ExitCode,
    sync::atomic::{AtomicBool, Ordering},
};

use clap::{CommandFactory, Parser, Subcommand};

pub use exit::Exit;

use crate::progress::Charset;

/// Crawls catalogue-like sites into SQLite, and lets you watch it.
#[derive(Parser, Debug)]
#[command(name = "crawlfield", version, max_term_width = 100, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Subcommands,
}

const EXAMPLES: &str = "\
Examples:
  crawlfield run --demo --verify                 crawl the embedded demo and check every record
  crawlfield run books.toml                      crawl a site into NAME.db, or the --store named
  crawlfield resume books.toml                   go on after a stop, a crash or a power cut
  crawlfield export books.toml --record product --format csv --out books.csv
  crawlfield sessions                            of the only store in this folder

Exit codes: 0 all done, 1 internal error, 2 usage or site file, 3 finished and not complete
(dead letters, pages past the end), 4 store, 5 stopped and resumable.";

#[derive(Subcommand, Debug)]
enum Subcommands {
    /// Crawl a site, or the embedded demo
    Run(run::RunArgs),
    /// Go on with stopped sessions of a store
    Resume(resume::ResumeArgs),
    /// Fetch or open one page and show what each selector matches
    Try(trying::TryArgs),
    /// Check a site file and show the settings in force
    Check(checking::CheckArgs),
    /// Write records as JSON Lines or CSV
    Export(export::ExportArgs),
    /// List the sessions of a store, or discard one
    Sessions(sessions::SessionsArgs),
    /// List, show, requeue or drop dead letters
    Dead(dead::DeadArgs),
    /// Name the first difference between two recordings
    Compare(compare::CompareArgs),
    /// Measure what the engine costs on this machine
    Bench(bench::BenchArgs),
    /// Print shell completions
    Completions(completions::CompletionsArgs),
}

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    program(|cli: Cli| match cli.command {
        Subcommands::Run(args) => run::run(&args),
        Subcommands::Resume(args) => resume::run(&args),
        Subcommands::Try(args) => trying::run(&args),
        Subcommands::Check(args) => checking::run(&args),
        Subcommands::Export(args) => export::run(&args),
        Subcommands::Sessions(args) => sessions::run(&args),
        Subcommands::Dead(args) => dead::run(args),
        Subcommands::Compare(args) => compare::run(&args),
        Subcommands::Bench(args) => bench::run(&args),
        Subcommands::Completions(args) => Ok(completions::run(&args, &mut Cli::command())),
    })
}

/// Reads this process's flags, runs a program with them, and says how it ended.
pub fn program<Flags: Parser>(run: impl FnOnce(Flags) -> Result<Exit, Failure>) -> ExitCode {
    hear_threads();
    let flags = match Flags::try_parse() {
        Ok(flags) => flags,
        Err(error) => {
            // Help and version go to stdout with code 0, mistakes to stderr with code 2.
            error.print().ok();
            return if error.use_stderr() {
                Exit::Usage.into()
            } else {
                Exit::Done.into()
            };
        }
    };
    match run(flags) {
        Ok(_) if UNSAID.load(Ordering::Relaxed) => Exit::Internal.into(),
        Ok(exit) => exit.into(),
        Err(failure) => {
            complain(&failure.message);
            failure.exit.into()
        }
    }
}

/// Why a command ended early, and with which code.
#[derive(Debug)]
pub struct Failure {
    /// The code for scripts.
    pub exit: Exit,
    /// For the person: what, where, what to do.
    pub message: String,
}

impl Failure {
    /// What was asked for cannot be.
    pub fn usage(message: impl Into<String>) -> Self {
        Self {
            exit: Exit::Usage,
            message: message.into(),
        }
    }

    /// The store cannot be used, or refuses.
    pub fn store(error: impl std::fmt::Display) -> Self {
        Self {
            exit: Exit::Store,
            message: error.to_string(),
        }
    }

    /// Ours or the system's.
    pub fn internal(message: impl Into<String>) -> Self {
        Self {
            exit: Exit::Internal,
            message: message.into(),
        }
    }
}

/// Prints on stderr what a thread of the far end has nobody to return to.
fn hear_threads() {
    let heard = tracing_subscriber::fmt()
        .with_env_filter("crawlfield_engine=error")
        .with_writer(io::stderr)
        .with_ansi(false)
        // It would panic where stderr is closed.
        .log_internal_errors(false)
        .without_time();
    // Only a program that listens already refuses it.
    heard.try_init().ok();
}

/// One message for a person, on stderr.
pub fn complain(message: &str) {
    let charset = Charset::of_this_process();
    writeln!(io::stderr(), "{}", charset.encode(message.trim_end())).ok();
}

/// What was meant for stdout did not get there.
static UNSAID: AtomicBool = AtomicBool::new(false);

/// Text for stdout; a closed pipe is no error of ours.
fn say(text: &str) {
    let mut stdout = io::stdout();
    let said = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush());
    if let Err(error) = said
        && error.kind() != io::ErrorKind::BrokenPipe
        && !UNSAID.swap(true, Ordering::Relaxed)
    {
        complain(&format!("the output cannot be written: stdout: {error}"));
    }
}
