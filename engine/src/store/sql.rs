//! How we talk to `SQLite`: cached statements, numbers and times as it keeps them, and what its errors
//! mean for a crawl.

use std::time::Duration;

use rusqlite::{
    CachedStatement, Connection, Error, ErrorCode, OptionalExtension, Params, Row, types::FromSql,
};

use crate::message::receipts::StoreError;

/// A connection's statements: each is compiled once and kept.
pub(crate) trait Statements {
    fn prepared(&self, sql: &str) -> rusqlite::Result<CachedStatement<'_>>;

    /// Carries out a statement; how many rows it changed.
    fn run<P: Params>(&self, sql: &str, params: P) -> Result<usize, StoreError> {
        Ok(self.prepared(sql)?.execute(params)?)
    }

    /// The first row that a statement yields; it is an error if there is none.
    fn one<T, P: Params>(
        &self,
        sql: &str,
        params: P,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        Ok(self.prepared(sql)?.query_row(params, read)?)
    }

    /// The first row that a statement yields, if any.
    fn first<T, P: Params>(
        &self,
        sql: &str,
        params: P,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, StoreError> {
        Ok(self.prepared(sql)?.query_row(params, read).optional()?)
    }

    /// All rows that a statement yields.
    fn all<T, P: Params>(
        &self,
        sql: &str,
        params: P,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        let mut statement = self.prepared(sql)?;
        let rows = statement.query_map(params, read)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

impl Statements for Connection {
    fn prepared(&self, sql: &str) -> rusqlite::Result<CachedStatement<'_>> {
        self.prepare_cached(sql)
    }
}

/// A row of one column.
pub(crate) fn value<T: FromSql>(row: &Row<'_>) -> rusqlite::Result<T> {
    row.get(0)
}

/// A row of two columns.
pub(crate) fn pair<A: FromSql, B: FromSql>(row: &Row<'_>) -> rusqlite::Result<(A, B)> {
    Ok((row.get(0)?, row.get(1)?))
}

/// A wall time in milliseconds as ISO 8601 in UTC.
pub(crate) fn iso(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms)
        .unwrap_or(jiff::Timestamp::UNIX_EPOCH)
        .strftime("%Y-%m-%dT%H:%M:%S%.3fZ")
        .to_string()
}

/// A duration in whole milliseconds; 292 million years fit.
pub(crate) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).expect("a crawl waits for less than 292 million years")
}

/// A count as `SQLite` keeps it.
pub(crate) fn int(n: u64) -> i64 {
    i64::try_from(n).expect("pages, bytes and microseconds are far below 2^63")
}

/// A count or a span as it comes from `SQLite`: none is below zero, but in a file that somebody has
/// changed, or after the wall clock was set back.
pub(crate) fn uint(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

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
