//! Does the store slow down as it learns pages? CPU a page at 100 pages a commit and 10 links a
//! page: into an empty store, and into one that knows many pages, turn by turn.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::{Map, json};

use super::{
    Options,
    bulk::{self, Pages},
    cpu, median,
    null_end::{HOSTS, SITE},
    remove_database,
    table::{Bound, Row, Table},
    weighed::{LAST, Thing, weigh},
};
use crate::{
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
        host_key::HostKey,
        ids::{BatchId, HostId, OrderId, PageKey, SessionId, StageId},
        phase::Phase,
        remark::Remarks,
        tries::Tries,
    },
    site::compiled::Site,
    store::Store,
};

const COMMIT: usize = 100;
const LINKS: usize = 10;
const COMMITS: usize = 60;

pub(super) fn measure(options: &Options, folder: &Path) -> Result<Table, String> {
    let (none, some, full) = (
        folder.join("none.db"),
        folder.join("tenth.db"),
        folder.join("known.db"),
    );
    let known = options.known;
    let began = Instant::now();
    Bench::new(&full)?.fill(&full, known)?;
    let filled = began.elapsed();
    let mut costs = [Vec::new(), Vec::new()];
    for _ in 0..options.rounds().min(3) {
        remove_database(&none);
        costs[0].push(Bench::new(&none)?.cost());
        costs[1].push(Bench::again(&full)?.cost());
    }
    Bench::new(&some)?.fill(&some, known / 10)?;
    let tenth = weigh(&Thing::Store(&some))?;
    let all = weigh(&Thing::Store(&full))?;
    for path in [&none, &some, &full] {
        remove_database(path);
    }
    let [empty, full] = costs.map(median);
    Ok(Table {
        name: "known",
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
            .bound(Bound::AtLeast(0.5)),
            Row::figure(
                format!("MB of engine and store, {known} known, beside a tenth"),
                all / 1e6,
            )
            .beside(tenth / 1e6)
            .bound(Bound::AtMost(1.1)),
        ],
    })
}

struct Bench {
    store: Store,
    session: SessionId,
    hosts: Vec<HostId>,
    number: usize,
}

impl Bench {
    /// CPU of a page in µs, fsyncs included.
    fn cost(&mut self) -> f64 {
        let number = self.number;
        let start = (0..COMMIT).map(|n| link(0, &format!("start/{number}/{n}")));
        let mut todo = self.discover(start.collect());
        let mut spent = Duration::ZERO;
        for _ in 0..COMMITS {
            let batch: Vec<StoredTask> = todo.drain(..COMMIT).collect();
            let orders = batch.iter().map(|task| self.end(task)).collect();
            let began = cpu::of_this_thread();
            let results = self.store.apply(orders);
            spent += cpu::of_this_thread().saturating_sub(began);
            for (_, result) in results {
                match result {
                    Ok(StoreReceipt::Ended(ended)) => todo.extend(ended.discovered.new),
                    other => unreachable!("a page of the bench ended as {other:?}"),
                }
            }
        }
        let pages = u32::try_from(COMMIT * COMMITS).expect("a small number");
        spent.as_secs_f64() * 1e6 / f64::from(pages)
    }

    fn new(path: &Path) -> Result<Self, String> {
        let mut this = Self::over(path)?;
        this.open(None);
        Ok(this)
    }

    /// The session of a filled store, taken up again.
    fn again(path: &Path) -> Result<Self, String> {
        let mut this = Self::over(path)?;
        this.open(Some(LAST));
        // Numbers of pages that no round before has used.
        this.number = usize::try_from(wall_ms().unsigned_abs() * 1_000).unwrap_or(0);
        Ok(this)
    }

    fn over(path: &Path) -> Result<Self, String> {
        let store = Store::open(path, Box::new(wall_ms)).map_err(|error| error.to_string())?;
        Ok(Self {
            store,
            session: SessionId(0),
            hosts: Vec::new(),
            number: 0,
        })
    }

    fn ask(&mut self, verb: StoreVerb) -> StoreReceipt {
        let result = self.store.apply(vec![order(verb)]).remove(0).1;
        result.expect("the verb is good")
    }

    fn open(&mut self, resume: Option<SessionId>) {
        let site = Site::load(SITE, "null.toml").expect("the bench's own site is good");
        let verb = StoreVerb::OpenSession(OpenSession {
            site: Arc::new(site),
            mode: Mode::New,
            origin: json!({}),
            source: None,
            seed: 1,
            resume,
        });
        if let StoreReceipt::Opened(opened) = self.ask(verb) {
            self.session = opened.session;
        }
    }

    fn discover(&mut self, links: Vec<Link>) -> Vec<StoredTask> {
        let verb = StoreVerb::Discover {
            session: self.session,
            batch: BatchId(0),
            depth: 0,
            links,
            batch_size: 0,
        };
        match self.ask(verb) {
            StoreReceipt::Discovered(found) => {
                let hosts = found.hosts.iter().map(|(host, _)| *host);
                if self.hosts.is_empty() {
                    self.hosts.extend(hosts);
                }
                found.new
            }
            other => unreachable!("links of the bench were answered with {other:?}"),
        }
    }

    /// Half of the known pages are of an earlier session, half wait in the last one.
    fn fill(mut self, path: &Path, known: u64) -> Result<(), String> {
        let half = known / 2;
        let mut all = Vec::new();
        for (numbers, phase) in [(0..half, Phase::Done), (half..known, Phase::Queued)] {
            // The session meets its hosts.
            let links = (0..HOSTS).map(|host| link(host, &format!("hello/{}", self.session.0)));
            self.discover(links.collect());
            all.push(Pages {
                session: self.session,
                hosts: self.hosts.clone(),
                numbers,
                phase,
            });
            if phase == Phase::Done {
                self.ask(StoreVerb::Note(Note::SessionState {
                    session: self.session,
                    state: "completed".to_owned(),
                    result: None,
                }));
                self.open(None);
            }
        }
        drop(self);
        bulk::fill(path, &all)
    }

    /// A page with one record and ten links, all new.
    fn end(&mut self, task: &StoredTask) -> StoreOrder {
        self.number += 1;
        let links = (0..LINKS).map(|n| link(0, &format!("found/{}/{n}", self.number)));
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
            session: self.session,
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
    let host = format!("catalogue-{host}.null.test");
    let url = format!("http://{host}/products/{name}/index.html");
    Link {
        stage: StageId(0),
        key: PageKey::new("null", "page", &url),
        url,
        host: HostKey {
            scheme: "http".to_owned(),
            name: host,
            port: 80,
        },
        carried: Map::from_iter([
            ("page".to_owned(), 1.into()),
            ("position".to_owned(), 2.into()),
        ])
        .into(),
    }
}
