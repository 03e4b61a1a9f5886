//! Opening: one engine per file (a lock that the system gives back when the process ends), pragmas,
//! versions, the check after an unclean end, and readers.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
use rusqlite::{Connection, ErrorCode, OpenFlags, config::DbConfig};

use crate::{
    message::receipts::StoreError,
    store::{
        schema::{APPLICATION_ID, MIGRATIONS},
        sql::{at, value},
    },
};

/// A larger file is not checked whole after a crash: a start has to stay a matter of seconds.
const CHECKED_PAGES: i64 = 250_000;

/// Statements kept compiled; record tables have four each.
const STATEMENTS: usize = 256;

/// The lock file beside the store, held open.
pub(crate) struct FileLock {
    _file: File,
}

impl FileLock {
    /// Takes the lock of the store at `store`, or says who has it.
    pub(crate) fn take(store: &Path) -> Result<Self, StoreError> {
        check_place(store)?;
        let path = beside(store, ".lock");
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|error| {
                StoreError::Fatal(format!(
                    "cannot write beside the store ({error}): {}; a store needs a folder that \
                     you may write in",
                    path.display()
                ))
            })?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(in_use(store, &mut file)),
            Err(TryLockError::Error(error)) => {
                return Err(StoreError::Fatal(format!(
                    "cannot lock the store ({error}); network file systems often cannot: {}",
                    path.display()
                )));
            }
        }
        // The number is for people only; the lock holds without it, on a full disk too.
        let _ = file
            .set_len(0)
            .and_then(|()| file.write_all(std::process::id().to_string().as_bytes()));
        Ok(Self { _file: file })
    }
}

/// The file whose name ends so.
fn beside(store: &Path, ending: &str) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

fn not_a_folder(store: &Path) -> Result<(), StoreError> {
    if store.is_dir() {
        return Err(StoreError::Fatal(format!(
            "a store is a file, but this is a folder; name a file in it: {}",
            store.display()
        )));
    }
    Ok(())
}

fn check_place(store: &Path) -> Result<(), StoreError> {
    not_a_folder(store)?;
    let folder = match store.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => return Ok(()),
    };
    if folder.is_dir() {
        Ok(())
    } else {
        Err(StoreError::Fatal(format!(
            "the folder of the store is not there; make it or choose another --store: {}",
            folder.display()
        )))
    }
}

fn in_use(store: &Path, file: &mut File) -> StoreError {
    let mut holder = String::new();
    let read = file
        .seek(SeekFrom::Start(0))
        .and_then(|_| file.take(32).read_to_string(&mut holder));
    let who = match (read, holder.trim().parse::<u32>()) {
        (Ok(_), Ok(process)) => format!("process {process}"),
        _ => "another process".to_owned(),
    };
    StoreError::Busy(format!(
        "the store is in use by {who}; stop that engine, or choose another --store: {}",
        store.display()
    ))
}

/// A connection that writes, and which start of an engine this is.
pub(crate) fn open_writer(path: &Path) -> Result<(Connection, u32), StoreError> {
    writer(path).map_err(|error| at(error, path))
}

fn writer(path: &Path) -> Result<(Connection, u32), StoreError> {
    survive_file_limits();
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
        value,
    )?;
    db.execute(
        "INSERT INTO cf_meta VALUES ('clean', 0) ON CONFLICT DO UPDATE SET value = 0",
        [],
    )?;
    Ok((db, boot))
}

/// A file at its size limit (`ulimit -f`) fails a write; without a handler the signal that comes
/// with it ends the process.
fn survive_file_limits() {
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
            value,
        )
    };
    read().unwrap_or(false)
}

/// A connection that only reads; it sees one state of the store for as long as it reads.
pub(crate) fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    not_a_folder(path)?;
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
    if !refused || beside(path, "-wal").exists() {
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
    let version: i64 = db.query_row("PRAGMA user_version", [], value)?;
    Ok(usize::try_from(version).unwrap_or(usize::MAX))
}

fn check_identity(db: &Connection) -> Result<(), StoreError> {
    let tables: i64 = db.query_row("SELECT count(*) FROM sqlite_schema", [], value)?;
    let application: i32 = db.query_row("PRAGMA application_id", [], value)?;
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
        value,
    )?;
    let pages: i64 = db.query_row("PRAGMA page_count", [], value)?;
    if clean == 1 || pages > CHECKED_PAGES {
        return Ok(());
    }
    let found: String = db.query_row("PRAGMA quick_check(1)", [], value)?;
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
