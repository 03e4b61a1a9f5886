//! Stores that cannot be used: each gets a clear error and code 4, and nothing is lost.

use std::{
    fs::{self, OpenOptions},
    io::{Seek, SeekFrom, Write},
    os::unix::fs::PermissionsExt,
};

use crawlfield_kit::{
    shop,
    sites::{Reply, Web},
};

use crate::workplace::{Workplace, program, result};

fn shop_of(items: u32) -> Web {
    Web::start(move |request| shop::page(items, request).unwrap_or_else(|| Reply::status(404)))
}

#[test]
fn a_store_of_a_newer_version_is_left_alone() {
    let place = Workplace::new();
    let web = shop_of(3);
    let _ = place.crawl(&web, &[]).with_code(0);
    place
        .database()
        .execute_batch("PRAGMA user_version = 900")
        .unwrap();
    for args in [
        vec!["sessions", "--store", "STORE"],
        vec!["run", "--demo", "--store", "STORE"],
    ] {
        let _ = place
            .run(&args)
            .with_code(4)
            .saying(&["version 900", "newer crawlfield"]);
    }
}

/// A kill before the first transaction leaves a database without a version.
#[test]
fn a_store_whose_making_was_cut_off_is_made_anew() {
    for cut_off in ["", "PRAGMA journal_mode = WAL"] {
        let place = Workplace::new();
        let web = shop_of(3);
        fs::write(place.store(), "").unwrap();
        place.database().execute_batch(cut_off).unwrap();
        let args = ["resume", "--store", "STORE"];
        let _ = place.run(&args).with_code(0).saying(&["nothing to resume"]);
        let _ = place.crawl(&web, &[]).with_code(0);
        assert_eq!(place.export("item").len(), 3);
    }
}

#[test]
fn files_that_are_no_stores_are_left_alone() {
    let place = Workplace::new();
    let text = place.write("crawl.db", &"this is a diary\n".repeat(100));
    let _ = place
        .run(&["run", "--demo", "--store", "STORE"])
        .with_code(4)
        .saying(&["not a store"]);
    assert!(
        fs::read_to_string(&text)
            .unwrap()
            .starts_with("this is a diary")
    );
    fs::remove_file(&text).unwrap();
    place
        .database()
        .execute_batch("CREATE TABLE notes (a)")
        .unwrap();
    let _ = place
        .run(&["run", "--demo", "--store", "STORE"])
        .with_code(4)
        .saying(&["another program"]);
    let folder = place.path("");
    let _ = place
        .run(&["run", "--demo", "--store", &folder])
        .with_code(4)
        .saying(&["folder"]);
    let lost = place.path("no/such/x.db");
    let _ = place
        .run(&["run", "--demo", "--store", &lost])
        .with_code(4)
        .saying(&["folder", "not there"]);
}

#[test]
fn a_damaged_store_is_told_and_never_panics() {
    let place = Workplace::new();
    let web = shop_of(40);
    let _ = place.crawl(&web, &[]).with_code(0);
    place
        .database()
        .execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")
        .unwrap();
    let mut file = OpenOptions::new().write(true).open(place.store()).unwrap();
    let length = file.metadata().unwrap().len();
    for page in 1..length / 4096 {
        file.seek(SeekFrom::Start(page * 4096)).unwrap();
        file.write_all(&[0x5a; 2048]).unwrap();
    }
    drop(file);
    let export = ["export", "--store", "STORE", "--record", "item"];
    for args in [&["sessions", "--store", "STORE"][..], &export] {
        let _ = place.run(args).with_code(4).saying(&["damaged"]);
    }
    let _ = place
        .crawl(&web, &["--mode", "full"])
        .with_code(4)
        .saying(&["damaged"]);
}

#[test]
fn a_store_that_may_not_be_written_is_told() {
    let place = Workplace::new();
    let web = shop_of(3);
    let _ = place.crawl(&web, &[]).with_code(0);
    for name in ["crawl.db", "crawl.db.lock"] {
        fs::set_permissions(place.path(name), fs::Permissions::from_mode(0o444)).unwrap();
    }
    // Who may write everything (root) cannot be refused by permissions.
    if OpenOptions::new().append(true).open(place.store()).is_ok() {
        eprintln!("not run: this user may write files that are read-only");
        return;
    }
    let _ = place
        .run(&["run", "--demo", "--store", "STORE"])
        .with_code(4)
        .saying(&["crawl.db"]);
    assert_eq!(place.export("item").len(), 3);
}

/// `RLIMIT_FSIZE` stands for the full disk: writes beyond it fail, for this process only.
#[test]
fn on_a_full_disk_the_crawl_ends_with_a_clear_error_and_resumes_later() {
    let place = Workplace::new();
    let web = shop_of(400);
    let site = place.write("site.toml", &shop::site(""));
    let (store, connect) = (place.store(), web.connect_to(shop::HOST));
    let args = [
        "run",
        &site,
        "--store",
        &store,
        "--json",
        "--connect-to",
        &connect,
        "--set",
        "store_patience=2s",
    ];
    // In KiB.
    let script = "ulimit -f 512; exec \"$0\" \"$@\"";
    let ended = program().run_in_shell(script, args).with_code(4);
    let ended = ended.saying(&["the store is in trouble", "the store failed", "disk"]);
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    let before = place.export("item").len();
    let ended = place
        .run(&["resume", "--store", "STORE", "--json"])
        .with_code(0);
    assert_eq!(result(&ended)["outcome"], "completed");
    assert_eq!(place.export("item").len(), 400);
    assert!(before < 400, "the disk was full before the end");
}
