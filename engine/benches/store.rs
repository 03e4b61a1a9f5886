//! Does the store slow down as it learns pages? Pages a second at 100 pages a commit and 10 links
//! a page: into an empty store, and into one that knows `CRAWLFIELD_KNOWN` pages (default 200 000).
#![expect(
    clippy::print_stdout,
    reason = "a benchmark's result is what it prints"
)]

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use crawlfield_engine::{
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
use serde_json::{Map, json};

const COMMIT: usize = 100;
const LINKS: usize = 10;
const COMMITS: usize = 60;
const ROUNDS: usize = 3;

fn main() {
    let known = std::env::var("CRAWLFIELD_KNOWN")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(200_000);
    let mut rates = [Vec::new(), Vec::new()];
    for round in 0..ROUNDS {
        for (slot, known) in [0, known].into_iter().enumerate() {
            let rate = measure(known);
            println!("round {round}: {known:>9} known pages: {rate:>7.0} pages/s");
            rates[slot].push(rate);
        }
    }
    let best = |rates: &[f64]| rates.iter().copied().fold(0.0, f64::max);
    let ratio = best(&rates[1]) / best(&rates[0]);
    println!("full / empty = {ratio:.2} (best of {ROUNDS}, {known} known pages)");
}

fn measure(known: usize) -> f64 {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let mut bench = Bench::new(&folder.path().join("crawl.db"));
    bench.fill(known);
    let mut todo = bench.discover((0..COMMIT).map(|n| link(&format!("start/{n}"))).collect());
    let mut spent = Duration::ZERO;
    for _ in 0..COMMITS {
        let batch: Vec<StoredTask> = todo.drain(..COMMIT).collect();
        let orders = batch.iter().map(|task| bench.end(task)).collect();
        let began = Instant::now();
        let results = bench.store.apply(orders);
        spent += began.elapsed();
        for (_, result) in results {
            match result {
                Ok(StoreReceipt::Ended(ended)) => todo.extend(ended.discovered.new),
                other => panic!("{other:?}"),
            }
        }
    }
    let pages = u32::try_from(COMMIT * COMMITS).expect("a small number");
    f64::from(pages) / spent.as_secs_f64()
}

struct Bench {
    store: Store,
    session: SessionId,
    number: usize,
}

impl Bench {
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
            other => panic!("{other:?}"),
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
