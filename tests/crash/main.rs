//! The command is killed at many moments; what it reported done is there, and nothing twice.

#![expect(
    clippy::unwrap_used,
    reason = "what these tests set up themselves must hold"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use crawlfield_kit::{
    binary::{Program, Running},
    shop,
    sites::{Reply, Web},
};
use rusqlite::{Connection, OpenFlags};
use serde_json::Value as Json;
use tempfile::TempDir;

const PRODUCTS: usize = 150;
const DEMO: [&str; 12] = [
    "run",
    "--demo",
    "--products",
    "150",
    "--seed",
    "5",
    "--latency-ms",
    "3",
    "--error-rate",
    "0.1",
    "--quiet",
    "--store",
];

fn program() -> Program {
    Program::new(env!("CARGO_BIN_EXE_crawlfield"))
}

struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn store(&self) -> String {
        self.0.path().join("crawl.db").to_str().unwrap().to_owned()
    }

    fn start(&self) -> Running {
        let store = self.store();
        program().start(DEMO.iter().copied().chain([store.as_str()]))
    }

    fn resume(&self) -> Running {
        program().start(["resume", "--quiet", "--store", &self.store()])
    }

    /// Rows of this table, while an engine is at work too; 0 before there is one.
    fn count(&self, table: &str) -> u64 {
        count(Path::new(&self.store()), table)
    }

    /// Records by URL, without what depends on when they were seen and on which list card.
    fn records(&self) -> BTreeMap<String, Json> {
        let store = self.store();
        let args = ["export", "--store", &store, "--record", "product"];
        let lines = program().run(args).with_code(0).stdout;
        let mut records = BTreeMap::new();
        for line in lines.lines() {
            let mut row: Json = serde_json::from_str(line).unwrap();
            let fields = row.as_object_mut().unwrap();
            fields.retain(|name, _| {
                !name.ends_with("_seen") && !name.ends_with("_at") && !name.starts_with("list_")
            });
            let url = fields["_url"].as_str().unwrap().to_owned();
            assert!(
                records.insert(url.clone(), row).is_none(),
                "{url} is there twice"
            );
        }
        records
    }

    /// Every page ended as done in exactly one attempt.
    fn assert_once(&self) {
        let db = Connection::open(self.store()).unwrap();
        let twice: i64 = db
            .query_row(
                "SELECT count(*) FROM (SELECT page FROM cf_attempt WHERE class IS NULL
                 GROUP BY session, page HAVING count(*) > 1)",
                [],
                |row| row.get(0),
            )
            .unwrap();
        assert_eq!(twice, 0, "pages were saved twice");
        let check: String = db
            .query_row("PRAGMA integrity_check", [], |row| row.get(0))
            .unwrap();
        assert_eq!(check, "ok");
    }
}

fn count(store: &Path, table: &str) -> u64 {
    Connection::open_with_flags(store, OpenFlags::SQLITE_OPEN_READ_ONLY)
        .and_then(|db| {
            db.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| {
                row.get::<_, i64>(0)
            })
        })
        .map_or(0, i64::unsigned_abs)
}

fn undisturbed() -> BTreeMap<String, Json> {
    let place = Place::new();
    let _ = place.start().ended().with_code(0);
    place.records()
}

/// Kills at so many attempts in the store, in the run or in its resumes, one after the other.
fn check(wanted: &BTreeMap<String, Json>, moments: &[u64]) {
    let place = Place::new();
    let mut running = place.start();
    for moment in moments {
        let reached = running.until(|| place.count("cf_attempt") >= *moment);
        running.kill();
        if !reached {
            eprintln!("the crawl was over before {moment}");
        }
        if place.count("cf_session") == 0 {
            // Killed before the session was in the store: there is nothing to resume yet.
            running = place.start();
            continue;
        }
        running = place.resume();
    }
    let _ = running.ended().with_code(0);
    let found = place.records();
    assert_eq!(found.len(), PRODUCTS, "killed at {moments:?}");
    assert_eq!(&found, wanted, "killed at {moments:?}");
    place.assert_once();
}

#[test]
fn killed_at_any_moment_and_resumed_the_records_are_those_of_an_undisturbed_run() {
    let wanted = undisturbed();
    assert_eq!(wanted.len(), PRODUCTS);
    // Attempts run from 0 to about 180; steps of a linear congruence spread over them.
    let mut dice = 12_345_u64;
    let mut roll = |most: u64| {
        dice = dice
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (dice >> 33) % most
    };
    for _ in 0..12 {
        check(&wanted, &[roll(160)]);
    }
    for _ in 0..3 {
        let moments: BTreeSet<u64> = [roll(60), 60 + roll(50), 110 + roll(50)].into();
        check(&wanted, &moments.into_iter().collect::<Vec<_>>());
    }
    check(&wanted, &[0, 0, 1, 1, 2]);
}

/// Lists set a cookie anew each time, and details want the newest: a page that is done has had its
/// cookies kept.
#[test]
fn what_a_page_set_is_kept_no_later_than_the_page() {
    for moment in [1, 2, 3, 5] {
        let place = Place::new();
        let web = Web::start(|request| {
            let page = shop::page(20, request).unwrap_or_else(|| Reply::status(404));
            let knows = |name: &str| {
                let cookies = request.header("cookie").unwrap_or_default();
                cookies.split("; ").any(|pair| pair == format!("{name}=1"))
            };
            match request.path().split_once("/list/") {
                Some((_, list)) => page.with("Set-Cookie", &format!("list-{list}=1; Path=/")),
                None if request.path().starts_with("/item/") => {
                    let item: u32 = request.path()["/item/".len()..].parse().unwrap();
                    let list = item / shop::PER_PAGE + 1;
                    if knows(&format!("list-{list}")) {
                        page
                    } else {
                        Reply::status(403)
                    }
                }
                None => page,
            }
        });
        let site = place.0.path().join("site.toml");
        std::fs::write(&site, shop::site("max_in_flight = 2")).unwrap();
        let (store, connect) = (place.store(), web.connect_to(shop::HOST));
        let site = site.to_str().unwrap();
        let args = [
            "run",
            site,
            "--quiet",
            "--store",
            &store,
            "--connect-to",
            &connect,
        ];
        let mut running = program().start(args);
        running.until(|| place.count("cf_attempt") >= moment);
        running.kill();
        let _ = place.resume().ended().with_code(0);
        let args = ["export", "--store", &store, "--record", "item"];
        let items = program().run(args).with_code(0).stdout;
        assert_eq!(items.lines().count(), 20, "killed at {moment}");
        assert_eq!(place.count("cf_cookie"), 0);
    }
}

#[test]
fn a_page_during_whose_lone_parse_the_process_died_three_times_becomes_a_dead_letter() {
    let place = Place::new();
    let mut running = place.start();
    // A detail page; with a list page its products would be missed, too.
    let details = "cf_waiting w JOIN cf_visit v ON v.session = w.session AND v.page = w.page
                   WHERE v.phase = 0 AND v.stage = 1";
    assert!(running.until(|| place.count("cf_attempt") >= 30 && place.count(details) > 0));
    running.kill();
    {
        // What three deaths during this page's lone parse leave behind.
        let db = Connection::open(place.store()).unwrap();
        let (session, page): (i64, i64) = db
            .query_row(
                &format!("SELECT w.session, w.page FROM {details} ORDER BY w.seq DESC LIMIT 1"),
                [],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .unwrap();
        db.execute("DELETE FROM cf_in_flight", []).unwrap();
        let mark = "INSERT INTO cf_in_flight VALUES (?1, ?2, 1)";
        db.execute(mark, [session, page]).unwrap();
        let twice = "UPDATE cf_visit SET suspect = 1, crashes = 2 WHERE session = ?1 AND page = ?2";
        db.execute(twice, [session, page]).unwrap();
    }
    let ended = place.resume().ended().with_code(3);
    let store = place.store();
    let listed = program()
        .run(["dead", "list", "--store", &store, "--json"])
        .with_code(0);
    let letters: Vec<&str> = listed.stdout.lines().collect();
    assert_eq!(letters.len(), 1, "{}\n{}", listed.stdout, ended.stderr);
    assert_eq!(place.records().len(), PRODUCTS - 1);
}
