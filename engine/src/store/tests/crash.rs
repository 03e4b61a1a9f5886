//! A process that dies in the middle of a commit: what was reported is there, and nothing twice.

use std::{io::Write, path::Path, process::Command, sync::Arc};

use rusqlite::Connection;

use crate::{
    extract::output::Value,
    message::{
        orders::StoreOrder,
        receipts::StoreReceipt,
        store_verbs::{Mode, OpenSession, StoreVerb, StoredTask},
    },
    model::{
        ids::{OrderId, SessionId},
        phase::Phase,
    },
    store::{
        Store,
        conformance::{DETAIL, attempt, done, fields, link, product, site},
    },
};

const FOLDER: &str = "CRAWLFIELD_CRASH_FOLDER";

/// Not a test of its own: the process that the test below starts, and that ends itself.
#[test]
fn body_of_the_dying_process() {
    let Ok(folder) = std::env::var(FOLDER) else {
        return;
    };
    let folder = Path::new(&folder);
    let mut store = Store::open(&folder.join("crawl.db"), Box::new(|| 0)).unwrap();
    let mut reported = std::fs::File::create(folder.join("reported")).unwrap();
    let mut todo = begin(&mut store);
    for round in 0.. {
        if round == 12 {
            let abort = || std::process::abort();
            store.db.commit_hook(Some(abort)).unwrap();
        }
        let batch: Vec<StoredTask> = todo.drain(..5).collect();
        for receipt in end_all(&mut store, &batch) {
            todo.extend(receipt);
        }
        for task in &batch {
            writeln!(reported, "{}", task.url).unwrap();
        }
        reported.sync_all().unwrap();
    }
}

fn order(slot: usize, verb: StoreVerb) -> StoreOrder {
    let id = OrderId {
        boot: 1,
        slot: u32::try_from(slot).unwrap(),
        generation: 0,
    };
    StoreOrder { id, verb }
}

fn open(resume: Option<SessionId>) -> StoreOrder {
    let verb = StoreVerb::OpenSession(OpenSession {
        site: Arc::new(site("shop", fields())),
        mode: Mode::New,
        origin: serde_json::Value::Null,
        source: None,
        seed: 1,
        resume,
    });
    order(0, verb)
}

fn begin(store: &mut Store) -> Vec<StoredTask> {
    store.apply(vec![open(None)]).remove(0).1.unwrap();
    let verb = StoreVerb::Discover {
        session: SessionId(1),
        batch: crate::model::ids::BatchId(0),
        depth: 0,
        links: (0..5).map(|n| link(DETAIL, &n.to_string())).collect(),
        batch_size: 0,
    };
    match store.apply(vec![order(0, verb)]).remove(0).1 {
        Ok(StoreReceipt::Discovered(found)) => found.new,
        other => panic!("{other:?}"),
    }
}

/// Each page has a record of its own and two links that no other page has.
fn end_all(store: &mut Store, batch: &[StoredTask]) -> Vec<Vec<StoredTask>> {
    let orders = batch.iter().enumerate().map(|(slot, task)| {
        let name = task.url.rsplit('/').next().unwrap();
        let links = ["a", "b"].map(|end| link(DETAIL, &format!("{name}{end}")));
        let record = product(&task.url, vec![Value::Null, Value::Integer(1)]);
        let end = done(vec![record], links.to_vec());
        let end = attempt(SessionId(1), task, end);
        order(slot, StoreVerb::End(Arc::new(end)))
    });
    let results = store.apply(orders.collect());
    results
        .into_iter()
        .map(|(_, result)| match result {
            Ok(StoreReceipt::Ended(ended)) => ended.discovered.new,
            other => panic!("{other:?}"),
        })
        .collect()
}

#[test]
fn a_kill_in_a_commit_loses_nothing_that_was_reported_and_saves_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "store::tests::crash::body_of_the_dying_process"])
        .env(FOLDER, folder.path())
        .output()
        .unwrap();
    assert!(!status.status.success(), "it was to die");
    let path = folder.path().join("crawl.db");
    let reported = std::fs::read_to_string(folder.path().join("reported")).unwrap();
    assert_eq!(reported.lines().count(), 60);
    let mut store = Store::open(&path, Box::new(|| 0)).unwrap();
    let opened = match store.apply(vec![open(Some(SessionId(1)))]).remove(0).1 {
        Ok(StoreReceipt::Opened(opened)) => opened,
        other => panic!("{other:?}"),
    };
    assert_eq!((opened.boot, opened.records, opened.bytes), (2, 60, 6_000));
    let count = |phase| {
        let found = opened.counts.iter().find(|(_, _, at, _)| *at == phase);
        found.map_or(0, |(_, _, _, n)| *n)
    };
    assert_eq!((count(Phase::Done), count(Phase::Queued)), (60, 65));
    let db = Connection::open(&path).unwrap();
    for url in reported.lines() {
        let saved: i64 = db
            .query_row(
                "SELECT count(*) FROM shop_product WHERE _url = ?1",
                [url],
                |row| row.get(0),
            )
            .unwrap();
        assert_eq!(saved, 1, "{url}");
    }
    let found: String = db
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(found, "ok");
}
