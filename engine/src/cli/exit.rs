//! Exit codes (SPEC K1).

use std::process::ExitCode;

/// How a command ended, for scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// All done.
    Done = 0,
    /// A bug or the system failed us.
    Internal = 1,
    /// Flags or site file are wrong.
    Usage = 2,
    /// Finished, and not all is as it should be: dead letters; a field that a tried page lacks;
    /// recordings that differ.
    DeadLetters = 3,
    /// The store failed.
    Store = 4,
    /// Stopped and resumable.
    Stopped = 5,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
