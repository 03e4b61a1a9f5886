//! Opening a store: pragmas, versions, the check after an unclean end, and readers.

use std::{io::Read as _, path::Path, time::Duration};

use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
use rusqlite::{Connection, ErrorCode, OpenFlags, config::DbConfig};

use crate::{
    message::receipts::StoreError,
    store::{
        fault::at,
        lock::FileLock,
        schema::{APPLICATION_ID, MIGRATIONS},
    },
};

/// A larger file is not checked whole after a crash: a start has to stay a matter of seconds.
const CHECKED_PAGES: i64 = 250_000;

/// Statements kept compiled; record tables have four each.
const STATEMENTS: usize = 256;

/// A connection that writes, and which start of an engine this is.
pub(crate) fn open_writer(path: &Path) -> Result<(Connection, u32), StoreError> {
    writer(path).map_err(|error| at(error, path))
}

fn writer(path: &Path) -> Result<(Connection, u32), StoreError> {
    bear_file_limits();
    let db = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    db.busy_timeout(Duration::from_secs(5))?;
    check_identity(&db)?;
    db.execute_batch(
        "PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA cache_size = -131072;
         PRAGMA mmap_size = 0;
         PRAGMA temp_store = MEMORY;
         PRAGMA wal_autocheckpoint = 8000;
         PRAGMA journal_size_limit = 67108864;
         PRAGMA cell_size_check = ON;
         PRAGMA trusted_schema = OFF;",
    )?;
    db.set_prepared_statement_cache_capacity(STATEMENTS);
    // Else SQLite looks at bound values while it plans, because of our partial indexes, and compiles
    // a cached statement again whenever one differs: more than a third of the store's CPU.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    if db.is_readonly("main")? {
        return Err(StoreError::Fatal(
            "the store may not be written; change the file's permissions or choose another --store"
                .to_owned(),
        ));
    }
    migrate(&db)?;
    check_after_crash(&db)?;
    let boot = db.query_row(
        "INSERT INTO cf_meta VALUES ('boot', 1)
         ON CONFLICT DO UPDATE SET value = value + 1 RETURNING value",
        [],
        |row| row.get(0),
    )?;
    db.execute(
        "INSERT INTO cf_meta VALUES ('clean', 0) ON CONFLICT DO UPDATE SET value = 0",
        [],
    )?;
    Ok((db, boot))
}

/// A file at its size limit (`ulimit -f`) fails a write; without a handler the signal that comes
/// with it ends the process.
fn bear_file_limits() {
    #[cfg(unix)]
    {
        static ASKED: std::sync::Once = std::sync::Once::new();
        ASKED.call_once(|| {
            // What it sets is of no use: the failed write tells. Without it all else still works.
            signal_hook::flag::register(signal_hook::consts::SIGXFSZ, std::sync::Arc::default())
                .ok();
        });
    }
}

/// Whether this file is a store, whatever its name; nothing is changed, and one that cannot be read
/// is none.
#[must_use]
pub fn is_store(path: &Path) -> bool {
    let is_database = || {
        let mut magic = [0; 16];
        let mut file = std::fs::File::open(path).ok()?;
        file.read_exact(&mut magic).ok()?;
        (&magic == b"SQLite format 3\0").then_some(())
    };
    // A pipe would never end to be read.
    if !path.is_file() || is_database().is_none() {
        return false;
    }
    let read = || -> rusqlite::Result<bool> {
        let db = read_only(path)?;
        db.query_row(
            "SELECT (SELECT application_id FROM pragma_application_id) = ?1
                 OR EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'cf_session')",
            [APPLICATION_ID],
            |row| row.get(0),
        )
    };
    read().unwrap_or(false)
}

/// A connection that only reads; it sees one state of the store for as long as it reads.
pub(crate) fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    if path.is_dir() {
        return Err(StoreError::Fatal(format!(
            "a store is a file, but this is a folder; name a file in it: {}",
            path.display()
        )));
    }
    if !path.is_file() {
        return Err(StoreError::Fatal(format!(
            "there is no store here; a crawl makes one, or name another with --store: {}",
            path.display()
        )));
    }
    reader(path).map_err(|error| at(error, path))
}

/// Brings the store of an older program up to date, or one whose making was cut off; leaves any
/// other file as it is.
pub(crate) fn bring_up_to_date(path: &Path) -> Result<(), StoreError> {
    let is_older = |path: &Path| {
        let db = read_only(path)?;
        db.busy_timeout(Duration::from_secs(5))?;
        check_identity(&db)?;
        Ok(version(&db)? < MIGRATIONS.len())
    };
    if !path.is_file() || !is_older(path).map_err(|error| at(error, path))? {
        return Ok(());
    }
    let _lock = FileLock::take(path)?;
    open_writer(path).map(|(db, _)| close(&db))
}

/// A connection that changes nothing. SQLite wants to write beside a store even to read it; where it
/// may not, and no log lies beside the store, nobody else writes either: it is read as it stands.
fn read_only(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    let tried = db.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()));
    let refused = matches!(
        tried.as_ref().map_err(rusqlite::Error::sqlite_error_code),
        Err(Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen))
    );
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    if !refused || Path::new(&log).exists() {
        return Ok(db);
    }
    let name = percent_encode(path.as_os_str().as_encoded_bytes(), NON_ALPHANUMERIC);
    let uri = format!("file:{name}?immutable=1");
    Connection::open_with_flags(uri, flags | OpenFlags::SQLITE_OPEN_URI)
}

fn reader(path: &Path) -> Result<Connection, StoreError> {
    let db = read_only(path)?;
    db.busy_timeout(Duration::from_secs(5))?;
    db.execute_batch("PRAGMA query_only = ON; PRAGMA trusted_schema = OFF;")?;
    check_identity(&db)?;
    if version(&db)? < MIGRATIONS.len() {
        return Err(StoreError::Fatal(
            "the store is of an older version; any crawl or resume brings it up to date".to_owned(),
        ));
    }
    db.execute_batch("BEGIN")?;
    Ok(db)
}

fn version(db: &Connection) -> Result<usize, StoreError> {
    let version: i64 = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    Ok(usize::try_from(version).unwrap_or(usize::MAX))
}

fn check_identity(db: &Connection) -> Result<(), StoreError> {
    let tables: i64 = db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let application: i32 = db.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    if application != APPLICATION_ID && (tables > 0 || application != 0) {
        return Err(StoreError::Fatal(
            "this database belongs to another program; choose another --store".to_owned(),
        ));
    }
    let version = version(db)?;
    if version > MIGRATIONS.len() {
        return Err(StoreError::Fatal(format!(
            "the store is of version {version}, this program knows versions up to {}; use a newer \
             crawlfield, or choose another --store",
            MIGRATIONS.len()
        )));
    }
    Ok(())
}

/// All missing steps in one transaction: a kill in the middle leaves the old version.
fn migrate(db: &Connection) -> Result<(), StoreError> {
    let from = version(db)?;
    if from == MIGRATIONS.len() {
        return Ok(());
    }
    let steps = MIGRATIONS[from..].concat();
    let to = MIGRATIONS.len();
    let done = db.execute_batch(&format!(
        "BEGIN IMMEDIATE; {steps}
         PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {to}; COMMIT;"
    ));
    if done.is_err() && !db.is_autocommit() {
        db.execute_batch("ROLLBACK")?;
    }
    Ok(done?)
}

fn check_after_crash(db: &Connection) -> Result<(), StoreError> {
    let clean: i64 = db.query_row(
        "SELECT coalesce((SELECT value FROM cf_meta WHERE name = 'clean'), 1)",
        [],
        |row| row.get(0),
    )?;
    let pages: i64 = db.query_row("PRAGMA page_count", [], |row| row.get(0))?;
    if clean == 1 || pages > CHECKED_PAGES {
        return Ok(());
    }
    let found: String = db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if found == "ok" {
        return Ok(());
    }
    Err(StoreError::Fatal(format!(
        "the store is damaged; restore a backup, or move the file away and crawl again ({found})"
    )))
}

/// Leaves word that nothing was cut off; where it cannot, the next start checks the file.
pub(crate) fn close(db: &Connection) {
    let _ = db.execute(
        "INSERT INTO cf_meta VALUES ('clean', 1) ON CONFLICT DO UPDATE SET value = 1",
        [],
    );
}
