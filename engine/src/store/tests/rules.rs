//! A store that an older program made: where its rules read other values, no record has changed.

use rusqlite::Connection;
use serde_json::Value as Json;

use crate::{
    extract::output::Value,
    message::store_verbs::{Mode, StoredTask},
    store::{
        conformance::{DETAIL, LIST, OnDisk, Subject, Talk, done, link, product},
        export::export_jsonl,
    },
};

/// As a store of the first version is.
fn age(crawl: &mut Talk<OnDisk>) {
    crawl.subject.store = None;
    let db = Connection::open(crawl.subject.path()).unwrap();
    db.execute_batch("ALTER TABLE shop_product DROP COLUMN _rules")
        .unwrap();
    db.execute_batch(super::BACK_TO_THE_FIRST).unwrap();
}

fn new_run(crawl: &mut Talk<OnDisk>) {
    crawl.state("completed");
    crawl.open(Mode::Full, None);
}

fn task(crawl: &mut Talk<OnDisk>, page: &str) -> StoredTask {
    crawl.discover(vec![link(DETAIL, page)]).new.remove(0)
}

/// Saves one record: new, changed, unchanged.
fn save(crawl: &mut Talk<OnDisk>, task: &StoredTask, key: &str, title: &str) -> (u32, u32, u32) {
    let values = vec![Value::Text(title.to_owned()), Value::Null];
    let ended = crawl.end(task, done(vec![product(key, values)], vec![]));
    let ended = ended.unwrap();
    (ended.inserted, ended.changed, ended.unchanged)
}

fn read_again(crawl: &mut Talk<OnDisk>, key: &str, title: &str) -> (u32, u32, u32) {
    let page = task(crawl, &format!("{key}-{title}"));
    save(crawl, &page, key, title)
}

/// Title and whether it ever changed, by record; and the number of changes kept.
fn kept(crawl: &Talk<OnDisk>) -> (Vec<(String, bool)>, i64) {
    let mut out = Vec::new();
    export_jsonl(&crawl.subject.path(), "product", Some("shop"), &mut out).unwrap();
    let lines = String::from_utf8(out).unwrap();
    let row = |line: &str| {
        let row: Json = serde_json::from_str(line).unwrap();
        let title = row["title"].as_str().unwrap().to_owned();
        (title, row["_first_seen"] != row["_changed_at"])
    };
    let db = Connection::open(crawl.subject.path()).unwrap();
    let changes = db
        .query_row("SELECT count(*) FROM cf_record_change", [], |row| {
            row.get(0)
        })
        .unwrap();
    (lines.lines().map(row).collect(), changes)
}

fn titles(expected: &[(&str, bool)]) -> Vec<(String, bool)> {
    let each = expected.iter();
    each.map(|(title, changed)| ((*title).to_owned(), *changed))
        .collect()
}

#[test]
fn what_newer_rules_read_is_no_change_of_a_record_once() {
    let mut crawl = Talk::new(OnDisk::new());
    for key in ["a", "b", "c"] {
        assert_eq!(read_again(&mut crawl, key, "OneTwo"), (1, 0, 0));
    }
    crawl.state("completed");
    age(&mut crawl);
    crawl.subject.restart();
    crawl.open(Mode::Full, None);
    // It is written, and is no change; the same page again is one.
    assert_eq!(read_again(&mut crawl, "a", "One Two"), (0, 0, 1));
    let expected = [("One Two", false), ("OneTwo", false), ("OneTwo", false)];
    assert_eq!(kept(&crawl), (titles(&expected), 0));
    // The run is cut short: what it has read is at the new rules, the rest is not.
    crawl.crash();
    assert_eq!(read_again(&mut crawl, "a", "Three"), (0, 1, 0));
    assert_eq!(read_again(&mut crawl, "b", "One Two"), (0, 0, 1));
    let expected = [("Three", true), ("One Two", false), ("OneTwo", false)];
    assert_eq!(kept(&crawl), (titles(&expected), 1));
    // A value that stays the same is at the new rules too.
    new_run(&mut crawl);
    assert_eq!(read_again(&mut crawl, "c", "OneTwo"), (0, 0, 1));
    assert_eq!(read_again(&mut crawl, "c", "Four"), (0, 1, 0));
    assert_eq!(kept(&crawl).1, 2);
}

#[test]
fn what_older_rules_put_beside_a_link_makes_its_record_old() {
    let mut crawl = Talk::new(OnDisk::new());
    let waiting = task(&mut crawl, "waiting");
    let list = crawl.discover(vec![link(LIST, "list")]).new.remove(0);
    read_again(&mut crawl, "x", "X");
    age(&mut crawl);
    crawl.crash();
    // It waits since before: its record is read by the new rules, but what it carries is not.
    assert_eq!(save(&mut crawl, &waiting, "a", "OneTwo"), (1, 0, 0));
    // So with what a page hands on that waits since before.
    let ended = crawl.end(&list, done(vec![], vec![link(DETAIL, "further")]));
    let further = ended.unwrap().discovered.new.remove(0);
    assert_eq!(save(&mut crawl, &further, "b", "OneTwo"), (1, 0, 0));
    // What this run finds by itself is new.
    assert_eq!(read_again(&mut crawl, "c", "OneTwo"), (1, 0, 0));
    new_run(&mut crawl);
    assert_eq!(read_again(&mut crawl, "a", "One Two"), (0, 0, 1));
    assert_eq!(read_again(&mut crawl, "b", "One Two"), (0, 0, 1));
    assert_eq!(read_again(&mut crawl, "c", "One Two"), (0, 1, 0));
    assert_eq!(kept(&crawl).1, 1);
}
