//! Does the store slow down as it learns pages? CPU a page at 100 pages a commit and 10 links a
//! page: into an empty store, and into one that knows many pages, turn by turn.

use std::{path::Path, sync::Arc, time::Duration};

use serde_json::{Map, json};

use super::{
    Options, cpu, median, remove_database,
    table::{Bound, Row, Table},
};
use crate::{
    extract::output::{Link, Record, Value},
    live::store::wall_ms,
    model::ids::{BatchId, OrderId, PageKey, SessionId, StageId},
    ports::{
        orders::StoreOrder,
        stored::{
            AttemptRow, EndAttempt, Mode, Note, OpenSession, PageEnd, StoreReceipt, StoreVerb,
            StoredTask, Tries,
        },
    },
    site::{
        compiled::{Field, FieldType, Politeness, RecordRule, Site, Source, Stage},
        scope::{HostKey, Scope},
    },
    store::Store,
};

const COMMIT: usize = 100;
const LINKS: usize = 10;
const COMMITS: usize = 60;

#[expect(
    clippy::unnecessary_wraps,
    reason = "every table is measured by the same signature"
)]
pub(super) fn measure(options: &Options, folder: &Path) -> Result<Table, String> {
    let (empty, full) = (folder.join("empty.db"), folder.join("known.db"));
    let rounds = options.rounds().min(3);
    let mut knowing = Bench::new(&full);
    knowing.fill(options.known);
    let mut costs = [Vec::new(), Vec::new()];
    for _ in 0..rounds {
        remove_database(&empty);
        costs[0].push(Bench::new(&empty).cost());
        costs[1].push(knowing.cost());
    }
    drop(knowing);
    remove_database(&empty);
    remove_database(&full);
    let [empty, full] = costs.map(median);
    Ok(Table {
        name: "known",
        title: format!("the store alone, {COMMIT} pages a commit, {LINKS} new links a page"),
        rows: vec![
            Row::figure("pages per CPU-second, no page known", 1e6 / empty),
            Row::figure(
                format!("pages per CPU-second, {} known, beside none", options.known),
                1e6 / full,
            )
            .beside(1e6 / empty)
            .bound(Bound::AtLeast(0.5)),
        ],
    })
}

struct Bench {
    store: Store,
    session: SessionId,
    number: usize,
}

impl Bench {
    /// CPU of a page in µs, fsyncs included.
    fn cost(&mut self) -> f64 {
        let number = self.number;
        let start = (0..COMMIT).map(|n| link(&format!("start/{number}/{n}")));
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

    fn new(path: &Path) -> Self {
        let store = Store::open(path, Box::new(wall_ms)).expect("a new store");
        let mut this = Self {
            store,
            session: SessionId(0),
            number: 0,
        };
        this.open();
        this
    }

    fn ask(&mut self, verb: StoreVerb) -> StoreReceipt {
        let result = self.store.apply(vec![order(verb)]).remove(0).1;
        result.expect("the verb is good")
    }

    fn open(&mut self) {
        let verb = StoreVerb::OpenSession(OpenSession {
            site: Arc::new(site()),
            mode: Mode::New,
            origin: json!({}),
            source: None,
            seed: 1,
            resume: None,
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
            StoreReceipt::Discovered(found) => found.new,
            other => unreachable!("links of the bench were answered with {other:?}"),
        }
    }

    /// Half of the known pages are of an earlier session, half of this one.
    fn fill(&mut self, known: usize) {
        for half in 0..2 {
            for from in (0..known / 2).step_by(10_000) {
                let some = from..(from + 10_000).min(known / 2);
                self.discover(some.map(|n| link(&format!("{half}/{n}"))).collect());
            }
            if half == 0 {
                self.ask(StoreVerb::Note(Note::SessionState {
                    session: self.session,
                    state: "completed".to_owned(),
                    result: None,
                }));
                self.open();
            }
        }
    }

    /// A page with one record and ten links, all new.
    fn end(&mut self, task: &StoredTask) -> StoreOrder {
        self.number += 1;
        let links = (0..LINKS).map(|n| link(&format!("found/{}/{n}", self.number)));
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

fn link(name: &str) -> Link {
    let url = format!("http://shop.test/catalogue/{name}/index.html");
    Link {
        stage: StageId(0),
        key: PageKey::new("shop", "page", &url),
        url,
        host: HostKey {
            scheme: "http".to_owned(),
            name: "shop.test".to_owned(),
            port: 80,
        },
        carried: Map::from_iter([
            ("page".to_owned(), 1.into()),
            ("position".to_owned(), 2.into()),
        ]),
    }
}

fn site() -> Site {
    let field = |name: &str, kind| Field {
        name: name.to_owned(),
        source: Source::Meta(String::new()),
        regex: None,
        map: None,
        transforms: Vec::new(),
        kind,
        list: false,
        required: false,
        default: None,
        formats: Vec::new(),
    };
    Site {
        name: "shop".to_owned(),
        source: "".into(),
        start: Vec::new(),
        enter: StageId(0),
        scope: Scope::default(),
        politeness: Politeness::default(),
        stages: vec![Stage {
            name: "page".to_owned(),
            items_per_page: None,
            tolerance: None,
            barrier: false,
            retry: None,
            stage_attempts: None,
            pages: None,
            links: Vec::new(),
            records: vec![RecordRule {
                kind: "product".to_owned(),
                key: Vec::new(),
                each: None,
                fields: vec![
                    field("title", FieldType::Text),
                    field("price", FieldType::Decimal),
                    field("description", FieldType::Text),
                ],
                history: false,
            }],
            sitemaps: None,
            sitemap_of: None,
        }],
    }
}
