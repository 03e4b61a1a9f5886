//! Does the store slow down as it learns pages? CPU a page at 100 pages a commit and 10 links a
//! page: into an empty store, and into one that knows many pages, turn by turn.

use std::{
    ops::Range,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use crawlfield_engine::{
    extract::output::{Link, Record, Value},
    live::store::wall_ms,
    message::{
        orders::StoreOrder,
        receipts::StoreReceipt,
        store_verbs::{
            AttemptRow, EndAttempt, Mode, Note, OpenSession, PageEnd, StoreVerb, StoredTask,
        },
    },
    model::{
        ids::{BatchId, HostId, OrderId, PageKey, SessionId, StageId},
        phase::Phase,
        remark::Remarks,
        tries::Tries,
    },
    store::Store,
};
use rusqlite::{Connection, params};
use serde_json::{Map, json};

use crate::{
    Options, Result,
    crawl::remove_store,
    null_backend::{HOSTS, host_key, page_url, site},
    table::{Part, Row},
    timing::{cpu_of_this_thread, median},
    waiting::{LAST, lives, weigh},
};

const COMMIT: usize = 100;
const LINKS: usize = 10;

pub(crate) fn measure(options: &Options) -> Result<Part> {
    let [none, some, full] = ["none.db", "tenth.db", "known.db"].map(|name| options.file(name));
    let known = options.known;
    let commits = options.pick(60, 60, 3);
    let began = Instant::now();
    Session::new(&full)?.fill(&full, known)?;
    let filled = began.elapsed();
    let mut costs = [Vec::new(), Vec::new()];
    for _ in 0..options.rounds().min(3) {
        remove_store(&none);
        costs[0].push(Session::new(&none)?.cost(commits));
        costs[1].push(Session::again(&full)?.cost(commits));
    }
    Session::new(&some)?.fill(&some, known / 10)?;
    // Less than what waits in the smaller one.
    let lives = lives(options).min(known / 25);
    let weighed = |path: &Path| weigh("store", &path.display().to_string(), lives);
    let (tenth, all) = (weighed(&some)?, weighed(&full)?);
    for path in [&none, &some, &full] {
        remove_store(path);
    }
    let [empty, full] = costs.map(median);
    Ok(Part {
        title: format!(
            "the store alone, {COMMIT} pages a commit, {LINKS} new links a page; a store with \
             {known} pages was filled in {} s",
            filled.as_secs()
        ),
        rows: vec![
            Row::figure("pages per CPU-second, no page known", 1e6 / empty),
            Row::figure(
                format!("pages per CPU-second, {known} known, beside none"),
                1e6 / full,
            )
            .beside(1e6 / empty)
            .at_least(0.5),
            Row::figure(
                format!("MB of engine and store, {known} known, beside a tenth"),
                all / 1e6,
            )
            .beside(tenth / 1e6)
            .at_most(1.1),
        ],
    })
}

/// A store with a session open.
struct Session {
    store: Store,
    id: SessionId,
    hosts: Vec<HostId>,
    /// Numbers given to pages so far.
    ended: usize,
}

impl Session {
    fn new(path: &Path) -> Result<Self> {
        let mut this = Self::over(path)?;
        this.open(None);
        Ok(this)
    }

    /// The session of a filled store, taken up again.
    fn again(path: &Path) -> Result<Self> {
        let mut this = Self::over(path)?;
        this.open(Some(LAST));
        // Numbers of pages that no round before has used.
        this.ended = wall_ms() as usize * 1_000;
        Ok(this)
    }

    fn over(path: &Path) -> Result<Self> {
        let store = Store::open(path, Box::new(wall_ms)).map_err(|error| error.to_string())?;
        Ok(Self {
            store,
            id: SessionId(0),
            hosts: Vec::new(),
            ended: 0,
        })
    }

    fn ask(&mut self, verb: StoreVerb) -> StoreReceipt {
        let result = self.store.apply(vec![order(verb)]).remove(0).1;
        result.expect("the verb is good")
    }

    fn open(&mut self, resume: Option<SessionId>) {
        let verb = StoreVerb::OpenSession(OpenSession {
            site: Arc::new(site()),
            mode: Mode::New,
            origin: json!({}),
            source: None,
            seed: 1,
            resume,
        });
        if let StoreReceipt::Opened(opened) = self.ask(verb) {
            self.id = opened.session;
        }
    }

    fn discover(&mut self, links: Vec<Link>) -> Vec<StoredTask> {
        let verb = StoreVerb::Discover {
            session: self.id,
            batch: BatchId(0),
            depth: 0,
            links,
            batch_size: 0,
        };
        match self.ask(verb) {
            StoreReceipt::Discovered(found) => {
                if self.hosts.is_empty() {
                    self.hosts.extend(found.hosts.iter().map(|(host, _)| *host));
                }
                found.new
            }
            other => unreachable!("links of the bench were answered with {other:?}"),
        }
    }

    /// CPU of a page in µs, fsyncs included.
    fn cost(&mut self, commits: usize) -> f64 {
        let number = self.ended;
        let start = (0..COMMIT).map(|n| link(0, &format!("start/{number}/{n}")));
        let mut todo = self.discover(start.collect());
        let mut spent = Duration::ZERO;
        for _ in 0..commits {
            let batch: Vec<StoredTask> = todo.drain(..COMMIT).collect();
            let orders = batch.iter().map(|task| self.end(task)).collect();
            let began = cpu_of_this_thread();
            let results = self.store.apply(orders);
            spent += cpu_of_this_thread().saturating_sub(began);
            for (_, result) in results {
                match result {
                    Ok(StoreReceipt::Ended(ended)) => todo.extend(ended.discovered.new),
                    other => unreachable!("a page of the bench ended as {other:?}"),
                }
            }
        }
        spent.as_secs_f64() * 1e6 / (COMMIT * commits) as f64
    }

    /// Half of the known pages are of an earlier session, half wait in the last one.
    fn fill(mut self, path: &Path, known: u64) -> Result<()> {
        let half = known / 2;
        let mut all = Vec::new();
        for (numbers, phase) in [(0..half, Phase::Done), (half..known, Phase::Queued)] {
            // The session meets its hosts.
            let links = (0..HOSTS).map(|host| link(host, &format!("hello/{}", self.id.0)));
            self.discover(links.collect());
            all.push(Pages {
                session: self.id,
                hosts: self.hosts.clone(),
                numbers,
                phase,
            });
            if phase == Phase::Done {
                self.ask(StoreVerb::Note(Note::SessionState {
                    session: self.id,
                    state: "completed".to_owned(),
                    result: None,
                }));
                self.open(None);
            }
        }
        // Its lock goes.
        drop(self);
        fill(path, &all)?;
        Ok(())
    }

    /// A page with one record and ten links, all new.
    fn end(&mut self, task: &StoredTask) -> StoreOrder {
        self.ended += 1;
        let links = (0..LINKS).map(|n| link(0, &format!("found/{}/{n}", self.ended)));
        let record = Record {
            rule: 0,
            identity: task.url.to_string(),
            values: vec![
                Value::Text("A title of usual length, as shops have them".to_owned()),
                Value::Decimal("12.50".to_owned()),
                Value::Text("A description. ".repeat(20)),
            ],
        };
        order(StoreVerb::End(Arc::new(EndAttempt {
            session: self.id,
            key: task.key,
            stage: task.stage,
            batch: task.batch,
            host: task.host,
            seq: task.seq,
            depth: 1,
            tries: Tries::default(),
            batch_size: 0,
            attempt: Some(AttemptRow {
                dispatch: 1,
                bytes: 20_000,
                ..AttemptRow::default()
            }),
            end: PageEnd::Done {
                records: vec![record],
                links: links.collect(),
                alias: None,
                validators: None,
                content_hash: Some([7; 16]),
            },
            remarks: Remarks::default(),
        })))
    }
}

fn order(verb: StoreVerb) -> StoreOrder {
    let id = OrderId {
        boot: 1,
        slot: 0,
        generation: 0,
    };
    StoreOrder { id, verb }
}

fn link(host: u32, name: &str) -> Link {
    let host = host_key(host);
    let url = format!("http://{}/products/{name}/index.html", host.name);
    Link {
        stage: StageId(0),
        key: PageKey::new("null", "page", &url),
        url,
        host,
        carried: Map::from_iter([
            ("page".to_owned(), 1.into()),
            ("position".to_owned(), 2.into()),
        ])
        .into(),
    }
}

/// Pages that a store shall know.
struct Pages {
    session: SessionId,
    /// Dealt out in turn; the session must know them.
    hosts: Vec<HostId>,
    /// Their numbers, unique in the store.
    numbers: Range<u64>,
    phase: Phase,
}

/// Adds millions of pages within minutes to a store, which must be closed: rows in the order of
/// their tables, the random keys' index made once at the end. Only benches may go behind the
/// store's back.
fn fill(path: &Path, all: &[Pages]) -> rusqlite::Result<()> {
    let db = Connection::open(path)?;
    db.execute_batch(
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE;
         PRAGMA cache_size = -524288; PRAGMA temp_store = MEMORY;
         BEGIN; DROP INDEX cf_page_key",
    )?;
    for pages in all {
        pages.add(&db)?;
    }
    db.execute_batch("CREATE UNIQUE INDEX cf_page_key ON cf_page (key); COMMIT")
}

impl Pages {
    fn add(&self, db: &Connection) -> rusqlite::Result<()> {
        let number = |sql: &str| db.query_row(sql, [], |row| row.get::<_, i64>(0));
        let session = self.session.0;
        let first = number("SELECT coalesce(max(id), 0) + 1 FROM cf_page")?;
        let seq = number(&format!(
            "SELECT next_seq FROM cf_session WHERE id = {session}"
        ))?;
        let n = (self.numbers.end - self.numbers.start) as i64;
        let hosts = self.hosts.len() as i64;
        let host = |at: i64| self.hosts[(at % hosts) as usize].0;
        let done = (self.phase == Phase::Done).then_some(session);
        let mut page =
            db.prepare("INSERT INTO cf_page (id, key, url, done_in) VALUES (?, ?, ?, ?)")?;
        for (at, number) in (0..n).zip(self.numbers.clone()) {
            let url = page_url((at % hosts) as u32, number);
            page.execute(params![first + at, key(number), &*url, done])?;
        }
        let mut visit = db.prepare(
            "INSERT INTO cf_visit (session, page, seq, stage, batch, host, depth, phase, carried)
             VALUES (?, ?, ?, 0, 0, ?, 1, ?, '{\"page\":1,\"position\":2}')",
        )?;
        for at in 0..n {
            let phase = self.phase as u8;
            visit.execute(params![session, first + at, seq + at, host(at), phase])?;
        }
        if self.phase == Phase::Queued {
            let mut waiting = db.prepare("INSERT INTO cf_waiting VALUES (?, 0, ?, ?, ?)")?;
            for turn in 0..hosts.min(n) {
                for at in (turn..n).step_by(self.hosts.len()) {
                    waiting.execute(params![session, host(at), seq + at, first + at])?;
                }
            }
        }
        self.count(db, n)
    }

    /// The books say the same as the rows.
    fn count(&self, db: &Connection, n: i64) -> rusqlite::Result<()> {
        let session = self.session.0;
        db.execute(
            "UPDATE cf_session SET next_seq = next_seq + ?2 WHERE id = ?1",
            params![session, n],
        )?;
        db.execute(
            "INSERT INTO cf_count VALUES (?1, 0, 0, ?2, ?3)
             ON CONFLICT DO UPDATE SET n = n + excluded.n",
            params![session, self.phase as u8, n],
        )?;
        db.execute(
            "INSERT OR REPLACE INTO cf_host_count
             SELECT ?1, host, sum(phase = 0), sum(phase <> 0) FROM cf_visit
             WHERE session = ?1 GROUP BY host",
            [session],
        )?;
        Ok(())
    }
}

/// Random, as hashes are, and the same in every run.
fn key(number: u64) -> [u8; 16] {
    let name = number.to_be_bytes();
    uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_URL, &name).into_bytes()
}
