//! `--events`: both channels of the feed as JSON Lines, in a file or on stdout.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    path::Path,
    thread::{self, JoinHandle},
    time::Duration,
};

use super::{Failure, print_stderr};
use crate::{
    feed::{
        event::Events,
        hub::{Item, Subscription},
    },
    progress::safe,
};

/// Lines are gathered until no more are there, but not beyond so many bytes.
const BATCH_BYTES: usize = 64 << 10;
/// Longest wait for the feed in one piece.
const QUIET: Duration = Duration::from_secs(1);

/// The thread that writes events until the feed ends.
pub(super) struct EventLog(JoinHandle<()>);

impl EventLog {
    /// Writes to stdout where `target` is `-`, else to a new file, or to what is there and is no
    /// plain file (a pipe, a device).
    pub(super) fn start(target: &Path, subscription: Subscription) -> Result<Self, Failure> {
        let name = safe(&target.display().to_string());
        let failed = |error: io::Error| {
            Failure::usage(match error.kind() {
                io::ErrorKind::AlreadyExists => format!(
                    "events {name}: the file exists and would be overwritten; name another or remove it"
                ),
                _ => format!("events {name}: {error}; check the path and the permissions"),
            })
        };
        let out: Box<dyn Write + Send> = if is_stdout(target) {
            Box::new(io::stdout())
        } else {
            let is_plain = fs::metadata(target).map_or(true, |there| there.is_file());
            let mut options = OpenOptions::new();
            options.write(true).create_new(is_plain);
            Box::new(options.open(target).map_err(failed)?)
        };
        let mut log = Log {
            out,
            name: if is_stdout(target) {
                "stdout".to_owned()
            } else {
                name.clone()
            },
            unwritten: None,
        };
        thread::Builder::new()
            .name("events".to_owned())
            .spawn(move || log.write_all(&subscription))
            .map(Self)
            .map_err(failed)
    }

    /// Waits for the end of the feed.
    pub(super) fn join(self) {
        if self.0.join().is_err() {
            print_stderr("the events ended early: their thread died");
        }
    }
}

/// Whether events are to be written where results would be.
pub(super) fn is_stdout(target: &Path) -> bool {
    target == Path::new("-")
}

struct Log {
    out: Box<dyn Write + Send>,
    name: String,
    /// Lines not written since writing failed.
    unwritten: Option<usize>,
}

impl Log {
    fn write_all(&mut self, subscription: &Subscription) {
        let mut events = Events::default();
        let mut lines = String::new();
        loop {
            let item = subscription.try_recv().or_else(|| {
                self.write(&lines);
                lines.clear();
                subscription.recv_timeout(QUIET)
            });
            match item {
                Some(Item::Closed) => break,
                Some(item) => lines.push_str(&events.lines(&item)),
                None => {}
            }
            if lines.len() >= BATCH_BYTES {
                self.write(&lines);
                lines.clear();
            }
        }
        self.write(&lines);
        if let Some(unwritten) = self.unwritten {
            print_stderr(&format!(
                "{unwritten} lines of events were not written to {}",
                self.name
            ));
        }
    }

    /// Once writing has failed, lines are only counted: half a line would spoil what follows.
    fn write(&mut self, lines: &str) {
        let mut rest = lines.as_bytes();
        while self.unwritten.is_none() && !rest.is_empty() {
            match self.out.write(rest) {
                Ok(0) => self.fail(&io::ErrorKind::WriteZero.into()),
                Ok(written) => rest = &rest[written..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => self.fail(&error),
            }
        }
        if self.unwritten.is_none()
            && let Err(error) = self.out.flush()
        {
            self.fail(&error);
        }
        if let Some(unwritten) = &mut self.unwritten {
            *unwritten += memchr::memchr_iter(b'\n', rest).count();
        }
    }

    fn fail(&mut self, error: &io::Error) {
        self.unwritten = Some(0);
        print_stderr(&format!(
            "the events cannot be written to {}: {error}; the crawl goes on without them",
            self.name
        ));
    }
}
