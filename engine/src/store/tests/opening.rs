//! Opening: every way a file can be wrong has an error that says what to do.

use std::{fs, path::Path, time::Duration};

use rusqlite::Connection;

use crate::{
    message::{
        receipts::StoreError,
        store_verbs::{Mode, PageEnd},
    },
    model::{class::ErrorClass, phase::Phase},
    store::{
        Store,
        conformance::{DETAIL, OnDisk, Subject, Talk, done, link},
    },
};

fn open(path: &Path) -> Result<Store, StoreError> {
    Store::open(path, Box::new(|| 0))
}

fn fatal(path: &Path) -> String {
    match open(path).map(|_| ()) {
        Err(StoreError::Fatal(text)) => text,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_second_engine_is_told_who_has_the_store() {
    let disk = OnDisk::new();
    let Err(StoreError::Busy(text)) = open(&disk.path()).map(|_| ()) else {
        panic!("the lock did not hold");
    };
    let process = format!("in use by process {}", std::process::id());
    assert!(text.contains(&process), "{text}");
}

#[test]
fn a_closed_store_opens_again_with_the_next_boot() {
    let mut disk = OnDisk::new();
    assert_eq!(disk.store.as_ref().unwrap().boot, 1);
    disk.restart();
    assert_eq!(disk.store.as_ref().unwrap().boot, 2);
}

#[test]
fn a_missing_folder_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let text = fatal(&folder.path().join("no").join("crawl.db"));
    assert!(
        text.contains("the folder of the store is not there"),
        "{text}"
    );
    let text = fatal(folder.path());
    assert!(text.contains("this is a folder"), "{text}");
}

#[test]
fn another_file_is_not_taken_for_a_store() {
    let folder = tempfile::tempdir().unwrap();
    let text_file = folder.path().join("notes.txt");
    fs::write(
        &text_file,
        "not a database, but longer than nothing".repeat(99),
    )
    .unwrap();
    let text = fatal(&text_file);
    assert!(text.contains("is not a store"), "{text}");
    let other = folder.path().join("other.db");
    let db = Connection::open(&other).unwrap();
    db.execute_batch("CREATE TABLE theirs (x)").unwrap();
    let text = fatal(&other);
    assert!(text.contains("another program"), "{text}");
    let tables: i64 = db
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .unwrap();
    assert_eq!(tables, 1, "nothing was written into it");
}

#[test]
fn a_store_from_the_future_is_left_alone() {
    let mut disk = OnDisk::new();
    disk.store = None;
    let db = Connection::open(disk.path()).unwrap();
    db.execute_batch("PRAGMA user_version = 99").unwrap();
    let text = fatal(&disk.path());
    assert!(text.contains("of version 99"), "{text}");
    let text = crate::store::sessions::sessions(&disk.path()).unwrap_err();
    assert!(text.to_string().contains("of version 99"), "{text}");
}

#[test]
fn a_store_of_the_first_version_grows_and_loses_nothing() {
    let mut crawl = Talk::new(OnDisk::new());
    crawl.discover(vec![link(DETAIL, "1")]);
    crawl.subject.store = None;
    let db = Connection::open(crawl.subject.path()).unwrap();
    db.execute_batch(super::BACK_TO_THE_FIRST).unwrap();
    drop(db);
    let opened = crawl.crash();
    assert_eq!(opened.hosts[0].waiting, 1);
    assert_eq!(opened.cookies, []);
}

/// Up to the second version the row of a page in backoff did not say what had failed.
#[test]
fn a_store_of_the_second_version_goes_on_and_invents_no_cause() {
    let mut crawl = Talk::new(OnDisk::new());
    let task = crawl.discover(vec![link(DETAIL, "1")]).new.remove(0);
    let (due_in, class) = (Duration::from_mins(1), ErrorClass::Reset);
    crawl
        .end(&task, PageEnd::Backoff { due_in, class })
        .unwrap();
    crawl.subject.store = None;
    let db = Connection::open(crawl.subject.path()).unwrap();
    db.execute_batch("UPDATE cf_visit SET reason = NULL; PRAGMA user_version = 2")
        .unwrap();
    drop(db);
    crawl.crash();
    let waits = crawl.admit(0, 0, 9).0.remove(0);
    assert_eq!((waits.phase, waits.cause), (Phase::Backoff, None));
    assert!(waits.due_in > Duration::from_secs(50), "{waits:?}");
}

#[test]
fn damage_is_found_after_an_unclean_end() {
    let mut crawl = Talk::new(OnDisk::new());
    let links = (0..2_000).map(|n| link(DETAIL, &n.to_string()));
    crawl.discover(links.collect());
    let mut disk = crawl.subject;
    disk.store = None;
    let db = Connection::open(disk.path()).unwrap();
    db.execute_batch("UPDATE cf_meta SET value = 0 WHERE name = 'clean'")
        .unwrap();
    drop(db);
    let mut bytes = fs::read(disk.path()).unwrap();
    let (from, to) = (bytes.len() / 4, bytes.len() / 2);
    bytes[from..to].fill(0xAA);
    fs::write(disk.path(), bytes).unwrap();
    let text = fatal(&disk.path());
    assert!(text.contains("damaged"), "{text}");
}

#[test]
fn a_store_in_a_folder_that_may_not_be_written_can_be_read() {
    use std::os::unix::fs::PermissionsExt;

    let mut disk = OnDisk::new();
    disk.store = None;
    let db = Connection::open(disk.path()).unwrap();
    db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    drop(db);
    let folder = disk.folder.path().join("locked 100%?");
    fs::create_dir(&folder).unwrap();
    let copy = folder.join("crawl.db");
    fs::copy(disk.path(), &copy).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o555)).unwrap();
    assert_eq!(crate::store::sessions::sessions(&copy).unwrap(), []);
    assert!(crate::store::is_store(&copy));
    let left = fs::read_dir(&folder).unwrap().count();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    if left > 1 {
        println!("not run: permissions do not bind this user");
    }
}

#[test]
fn a_store_that_may_not_be_written_says_so() {
    use std::os::unix::fs::PermissionsExt;

    let mut disk = OnDisk::new();
    disk.store = None;
    fs::set_permissions(disk.path(), fs::Permissions::from_mode(0o444)).unwrap();
    if fs::OpenOptions::new().write(true).open(disk.path()).is_ok() {
        println!("not run: permissions do not bind this user");
        return;
    }
    let text = fatal(&disk.path());
    assert!(text.contains("may not be written"), "{text}");
}

#[test]
fn a_full_disk_undoes_the_batch_and_later_it_goes_on() {
    let mut crawl = Talk::new(OnDisk::new());
    let task = crawl.discover(vec![link(DETAIL, "1")]).new.remove(0);
    let db = &crawl.subject.store.as_ref().unwrap().db;
    let pages: i64 = db
        .query_row("PRAGMA page_count", [], |row| row.get(0))
        .unwrap();
    db.execute_batch(&format!("PRAGMA max_page_count = {pages}"))
        .unwrap();
    let many = |n: u32| {
        (0..n)
            .map(|n| link(DETAIL, &format!("{n:0>500}")))
            .collect()
    };
    let full = crawl.end(&task, done(vec![], many(500)));
    assert!(matches!(full, Err(StoreError::Full(_))), "{full:?}");
    let db = &crawl.subject.store.as_ref().unwrap().db;
    db.execute_batch("PRAGMA max_page_count = 1000000").unwrap();
    let ended = crawl.end(&task, done(vec![], many(500))).unwrap();
    assert_eq!(ended.discovered.new.len(), 500);
    let seqs: Vec<u64> = ended.discovered.new.iter().map(|task| task.seq.0).collect();
    assert!(seqs.is_sorted());
    let opened = crawl.crash();
    let queued = opened
        .counts
        .iter()
        .find(|(_, _, at, _)| *at == Phase::Queued);
    assert_eq!(queued.unwrap().3, 500);
}

#[test]
fn a_store_locked_by_another_program_is_busy_and_loses_nothing() {
    let mut crawl = Talk::new(OnDisk::new());
    let store = crawl.subject.store.as_ref().unwrap();
    store.db.busy_timeout(std::time::Duration::ZERO).unwrap();
    let other = Connection::open(crawl.subject.path()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let busy = crawl.try_open(Mode::New, None);
    assert!(matches!(busy, Err(StoreError::Busy(_))), "{busy:?}");
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(crawl.discover(vec![link(DETAIL, "1")]).new.len(), 1);
}
