//! `--store` left out: the site file's own store, or the only one in the folder.

use std::{fs, path::Path};

use crawlfield_kit::{
    binary::{Ended, Running},
    shop,
    sites::{Reply, Web},
};
use rusqlite::Connection;

use crate::workplace::{documents, program};

/// The command run in this folder.
#[track_caller]
fn run_in(folder: &Path, args: &[&str]) -> Ended {
    let mut command = program().command(args);
    command.current_dir(folder);
    Running::of(command).ended()
}

/// A folder with the shop's site file, crawled without a word about a store.
#[track_caller]
fn crawled() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("site.toml"), shop::site("")).unwrap();
    let web = Web::start(|request| {
        let page = (request.path() != "/item/1").then(|| shop::page(3, request));
        page.flatten().unwrap_or_else(|| Reply::status(404))
    });
    let connect = web.connect_to(shop::HOST);
    let args = ["run", "site.toml", "--json", "--connect-to", &connect];
    let _ = run_in(folder.path(), &args)
        .with_code(3)
        .saying(&["the store is shop.db"]);
    assert!(folder.path().join("shop.db").is_file());
    folder
}

#[test]
fn every_command_takes_the_site_file_instead_of_its_store() {
    let folder = crawled();
    let run = |args: &[&str]| run_in(folder.path(), args);
    let rows = run(&["export", "site.toml", "--record", "item"]).with_code(0);
    assert_eq!(documents(&rows.stdout).len(), 2);
    let sessions = run(&["sessions", "site.toml", "--json"]).with_code(0);
    assert_eq!(documents(&sessions.stdout)[0]["site"], "shop");
    let letters = run(&["dead", "list", "site.toml", "--json"]).with_code(0);
    let letter = documents(&letters.stdout).remove(0);
    let page = letter["page"].as_str().unwrap();
    for args in [
        &["dead", "show", "site.toml", page][..],
        &["dead", "show", page],
        &["dead", "requeue", "site.toml", page],
        &["dead", "drop", page],
        &["resume", "site.toml", "--quiet"],
    ] {
        let ended = run(args);
        assert!(
            matches!(ended.code, Some(0 | 3)),
            "{args:?}: {}",
            ended.stderr
        );
    }
    let _ = run(&["dead", "show", "site.toml"])
        .with_code(2)
        .saying(&["one page id"]);
    let _ = run(&["sessions", "site.toml", "--store", "shop.db"]).with_code(2);
}

#[test]
fn the_only_store_of_the_folder_is_meant_whatever_its_name() {
    let folder = crawled();
    let renamed = folder.path().join("renamed");
    fs::rename(folder.path().join("shop.db"), &renamed).unwrap();
    // Neither another program's database nor a text of that name is a store.
    let theirs = Connection::open(folder.path().join("theirs.db")).unwrap();
    theirs.execute_batch("CREATE TABLE notes (a)").unwrap();
    fs::write(folder.path().join("diary.db"), "no database").unwrap();
    let _ = run_in(folder.path(), &["sessions"])
        .with_code(0)
        .saying(&["the store is renamed"]);
    let _ = run_in(folder.path(), &["sessions", "site.toml"])
        .with_code(2)
        .saying(&["no shop.db in this folder", "--store FILE"]);
    fs::copy(&renamed, folder.path().join("copy.db")).unwrap();
    let ended = run_in(folder.path(), &["export", "--record", "item"]).with_code(2);
    let _ = ended.saying(&["several", "--store copy.db", "--store renamed"]);
    let empty = tempfile::tempdir().unwrap();
    let _ = run_in(empty.path(), &["resume"])
        .with_code(2)
        .saying(&["no store in this folder"]);
}

#[test]
fn several_site_files_want_a_store() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("one.toml"), shop::site("")).unwrap();
    let other = shop::site("").replace("\"shop\"", "\"other\"");
    fs::write(folder.path().join("two.toml"), other).unwrap();
    let _ = run_in(folder.path(), &["run", "one.toml", "two.toml"])
        .with_code(2)
        .saying(&["--store FILE"]);
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        2,
        "nothing is made"
    );
}
