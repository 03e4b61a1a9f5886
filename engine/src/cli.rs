//! The `crawlfield` command, one file per subcommand.

mod check;
mod compare;
mod completions;
pub mod crawl;
mod dead;
mod events;
mod export;
mod resume;
pub mod run;
mod sessions;
pub mod settings_flags;
mod store_flag;
mod try_page;

use std::{
    fs::{self, File},
    io::{self, Read as _, Write},
    path::Path,
    process::ExitCode,
    sync::atomic::{AtomicBool, Ordering},
};

use clap::{CommandFactory, Parser, Subcommand};

use crate::{
    message::receipts::StoreError,
    progress::Charset,
    site::{compiled::Site, problems::printable},
};

/// Crawls catalogue-like sites into SQLite, and lets you watch it.
#[derive(Parser, Debug)]
#[command(name = "crawlfield", version, max_term_width = 100, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Subcommands,
}

/// Larger files are not read as site or settings files.
const MAX_FILE: u64 = 4 << 20;

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
    Try(try_page::TryArgs),
    /// Check a site file and show the settings in force
    Check(check::CheckArgs),
    /// Write records as JSON Lines or CSV
    Export(export::ExportArgs),
    /// List the sessions of a store, or discard one
    Sessions(sessions::SessionsArgs),
    /// List, show, requeue or drop dead letters
    Dead(dead::DeadArgs),
    /// Name the first difference between two recordings
    Compare(compare::CompareArgs),
    /// Print shell completions
    Completions(completions::CompletionsArgs),
}

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    program(|cli: Cli| match cli.command {
        Subcommands::Run(args) => run::run(&args),
        Subcommands::Resume(args) => resume::run(&args),
        Subcommands::Try(args) => try_page::run(&args),
        Subcommands::Check(args) => check::run(&args),
        Subcommands::Export(args) => export::run(&args),
        Subcommands::Sessions(args) => sessions::run(&args),
        Subcommands::Dead(args) => dead::run(args),
        Subcommands::Compare(args) => compare::run(&args),
        Subcommands::Completions(args) => Ok(completions::run(&args, &mut Cli::command())),
    })
}

/// Reads this process's flags, runs a program with them, and says how it ended.
pub fn program<Flags: Parser>(run: impl FnOnce(Flags) -> Result<Exit, Failure>) -> ExitCode {
    log_to_stderr();
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
        Ok(_) if OUTPUT_LOST.load(Ordering::Relaxed) => Exit::Internal.into(),
        Ok(exit) => exit.into(),
        Err(failure) => {
            print_stderr(&failure.message);
            failure.exit.into()
        }
    }
}

/// How a command ended, for scripts (SPEC K1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// All was done, and all is well.
    Done = 0,
    /// A bug or the system failed us.
    Internal = 1,
    /// Flags or site file are wrong.
    Usage = 2,
    /// Finished, and not all is as it should be: dead letters; a field that a tried page lacks;
    /// recordings that differ.
    DeadLetters = 3,
    /// The store cannot be used, or failed.
    Store = 4,
    /// Stopped; `resume` goes on later.
    Stopped = 5,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
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

impl From<StoreError> for Failure {
    /// As [`Failure::store`], but a refusal means that something impossible was asked for.
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Refused(message) => Self::usage(message),
            error => Self::store(error),
        }
    }
}

/// Reads a site or settings file as text.
///
/// # Errors
/// What is wrong with the file and what to do, in one line.
pub fn read_file(path: &Path) -> Result<String, Failure> {
    let name = printable(&path.display().to_string());
    let wrong = |what: String| Failure::usage(format!("{name}{what}"));
    let facts = fs::metadata(path)
        .map_err(|error| wrong(format!(": cannot be opened ({error}); check the path")))?;
    if facts.is_dir() {
        return Err(wrong(": is a folder; name the file in it".to_owned()));
    }
    if facts.len() > MAX_FILE {
        let bytes = facts.len();
        return Err(wrong(format!(": {bytes} bytes are no site file")));
    }
    let mut bytes = Vec::new();
    // A pipe or a device tells no length.
    let read = File::open(path)
        .and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes))
        .map_err(|error| wrong(format!(": cannot be read ({error})")))?;
    if read as u64 > MAX_FILE {
        return Err(wrong(format!(
            ": more than {MAX_FILE} bytes are no site file"
        )));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let before = String::from_utf8_lossy(&error.as_bytes()[..at]);
        let line = before.matches('\n').count() + 1;
        wrong(format!(
            ":{line}: is not UTF-8 at byte {at}; save it as UTF-8"
        ))
    })
}

/// Reads and checks a site file.
fn load_site(path: &Path) -> Result<Site, Failure> {
    let text = read_file(path)?;
    let file = path.display().to_string();
    Site::load(&text, &file).map_err(|errors| Failure::usage(errors.to_string()))
}

/// Prints on stderr what a thread of the backend has nobody to return to.
fn log_to_stderr() {
    let log = tracing_subscriber::fmt()
        .with_env_filter("crawlfield_engine=error")
        .with_writer(io::stderr)
        .with_ansi(false)
        // It would panic where stderr is closed.
        .log_internal_errors(false)
        .without_time();
    // Only a program that has a log already refuses it.
    log.try_init().ok();
}

/// One message for a person, on stderr.
pub fn print_stderr(message: &str) {
    let charset = Charset::of_this_process();
    writeln!(io::stderr(), "{}", charset.encode(message.trim_end())).ok();
}

/// `2 not_found, 1 robots`.
fn counted<'a>(counts: impl IntoIterator<Item = (&'a str, u64)>) -> String {
    let each = counts.into_iter().map(|(name, n)| format!("{n} {name}"));
    each.collect::<Vec<_>>().join(", ")
}

/// What was meant for stdout did not get there.
static OUTPUT_LOST: AtomicBool = AtomicBool::new(false);

/// Text for stdout; a closed pipe is no error of ours.
fn print_stdout(text: &str) {
    let mut stdout = io::stdout();
    let said = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush());
    if let Err(error) = said
        && error.kind() != io::ErrorKind::BrokenPipe
        && !OUTPUT_LOST.swap(true, Ordering::Relaxed)
    {
        print_stderr(&format!("the output cannot be written: stdout: {error}"));
    }
}

#[cfg(test)]
mod tests;
