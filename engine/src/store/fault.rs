//! What SQLite's errors mean for a crawl.

use rusqlite::{Error, ErrorCode};

use crate::message::receipts::StoreError;

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        let Error::SqliteFailure(failure, _) = &error else {
            return Self::Refused(format!("the store could not do it: {error}"));
        };
        match failure.code {
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Self::Busy(format!(
                "the store is locked by another program; close what has it open ({error})"
            )),
            ErrorCode::DiskFull => Self::Full(format!(
                "no room for the store; free some space, the crawl then goes on ({error})"
            )),
            ErrorCode::OutOfMemory => Self::Busy(format!(
                "there is no memory for what the store does; end other programs ({error})"
            )),
            ErrorCode::SystemIoFailure | ErrorCode::OperationInterrupted => Self::Busy(format!(
                "the store's file could not be read or written; check the disk ({error})"
            )),
            ErrorCode::DatabaseCorrupt => Self::Fatal(format!(
                "the store is damaged; restore a backup, or move the file away and crawl again \
                 ({error})"
            )),
            ErrorCode::NotADatabase => Self::Fatal(format!(
                "this file is not a store; choose another --store ({error})"
            )),
            ErrorCode::ReadOnly | ErrorCode::PermissionDenied => Self::Fatal(format!(
                "the store may not be written; change the file's permissions or choose another \
                 --store ({error})"
            )),
            ErrorCode::CannotOpen => Self::Fatal(format!(
                "the store cannot be opened; check that the path is there and may be written \
                 ({error})"
            )),
            _ => Self::Refused(format!("the store could not do it: {error}")),
        }
    }
}

/// Adds the file's name to what a person reads.
pub(crate) fn at(error: StoreError, path: &std::path::Path) -> StoreError {
    let path = path.display();
    match error {
        StoreError::Busy(text) => StoreError::Busy(format!("{text}: {path}")),
        StoreError::Full(text) => StoreError::Full(format!("{text}: {path}")),
        StoreError::Fatal(text) | StoreError::Refused(text) => {
            StoreError::Fatal(format!("{text}: {path}"))
        }
    }
}
