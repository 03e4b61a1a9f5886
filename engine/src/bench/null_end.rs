//! An engine with a far end that does nothing and answers at once: what is left is the engine.

mod frames;

use std::{sync::Arc, time::Duration};

pub(super) use frames::Frames;
use uuid::Uuid;

use crate::{
    engine::Engine,
    extract::output::{Extracted, Record, Value},
    model::{
        ids::{BatchId, HostId, OrderId, PageKey, Seq, SessionId, StageId},
        phase::Phase,
        slots::MAX_ORDERS,
    },
    ports::{
        commands::{Command, Envelope, StartSession},
        orders::{FetchOrder, Order, ParseOrder, StoreOrder},
        reports::{Answer, Head, Outcome, Report},
        stored::{
            Discovered, Ended, KnownHost, Mode, SessionOpened, StoreReceipt, StoreVerb, StoredTask,
            Tries,
        },
    },
    settings::Settings,
    site::{compiled::Site, scope::HostKey},
    start::request_profile,
};

const SITE: &str = r#"
[site]
name = "null"
start = ["http://catalogue-0.null.test/"]
hosts = ["*.null.test"]
enter = "page"

[politeness]
max_rate = "1000000/s"
max_in_flight = 10000
robots = false

[stages.page]

[[stages.page.records]]
kind = "product"

[stages.page.records.fields]
title = "h1"
price = "p.price"
description = "p.description"
"#;

/// Hosts over which the pages are dealt.
const HOSTS: u32 = 64;
/// Pages of one answer of the store.
const CHUNK: u32 = 10_000;
/// The only session.
const SESSION: SessionId = SessionId(1);

/// An engine on a virtual clock, its far end, and its feed.
pub(super) struct NullEnd {
    engine: Engine,
    now: Duration,
    /// Numbers given to pages so far.
    born: u64,
    /// Pages that still wait in the store, for each host; of these nothing is kept.
    outside: u64,
    /// Pages yet to be found by a start URL.
    owed: u32,
    /// Found before any batch was open: the engine reads them from the store.
    unread: Vec<StoredTask>,
    /// A finished page brings a new one.
    pub(super) refills: bool,
    /// Fetches are not answered for now.
    pub(super) holds: bool,
    held: Vec<FetchOrder>,
    /// Finished pages.
    pub(super) lives: u64,
    /// Where its frames go.
    pub(super) frames: Frames,
    body: Arc<Vec<u8>>,
}

impl NullEnd {
    /// An engine with so many pages waiting in its window.
    pub(super) fn with_waiting(waiting: u32) -> Result<Self, String> {
        Self::filled(waiting, Frames::default())
    }

    /// The same; all its frames go there.
    pub(super) fn filled(waiting: u32, frames: Frames) -> Result<Self, String> {
        let mut this = Self::new(waiting + waiting / 4 + 50_000);
        this.frames = frames;
        this.owed = waiting;
        this.begin()?;
        while this.owed > 0 {
            let url = format!("http://catalogue-0.null.test/more/{}", this.owed);
            this.command(Command::AddStart {
                session: SESSION,
                url,
            });
            this.tick();
            this.tick();
        }
        if this.engine.resident() < waiting {
            return Err(format!(
                "only {} of {waiting} pages entered the window",
                this.engine.resident()
            ));
        }
        Ok(this)
    }

    /// An engine with a small window and so many pages waiting in the store.
    pub(super) fn with_frontier(waiting: u64) -> Result<Self, String> {
        let mut this = Self::new(100_000);
        this.outside = waiting / u64::from(HOSTS);
        this.begin()?;
        Ok(this)
    }

    fn new(window: u32) -> Self {
        let settings = Settings {
            window,
            http_permits: 1_024,
            cpu_permits: 1_024,
            parse_queue: 4_096,
            save_queue: 4_096,
            store_bytes: 1 << 40,
            parse_memory: 1 << 40,
            retain_for: Duration::from_millis(100),
            ..Settings::default()
        };
        Self {
            engine: Engine::new(settings),
            now: Duration::ZERO,
            born: 0,
            outside: 0,
            owed: 0,
            unread: Vec::new(),
            refills: false,
            holds: true,
            held: Vec::new(),
            lives: 0,
            frames: Frames::default(),
            body: Arc::new(b"<html><h1>A page</h1></html>".repeat(8)),
        }
    }

    fn begin(&mut self) -> Result<(), String> {
        let site = Site::load(SITE, "null.toml").map_err(|errors| errors.to_string())?;
        let site = Arc::new(site);
        let profile = request_profile(&site, &Settings::default(), std::iter::empty().collect());
        self.command(Command::Start(Box::new(StartSession {
            site,
            profile,
            mode: Mode::New,
            origin: serde_json::Value::Null,
            source: Some("bench".to_owned()),
            seed: 1,
            resume: None,
        })));
        for _ in 0..8 {
            self.tick();
        }
        Ok(())
    }

    pub(super) fn command(&mut self, command: Command) {
        self.engine.command(Envelope {
            command,
            reply: None,
        });
    }

    /// One step of a millisecond, and whatever it asks for.
    pub(super) fn tick(&mut self) {
        self.step();
        if !self.holds {
            for order in std::mem::take(&mut self.held) {
                let report = self.fetched(&order);
                self.engine.report(report);
            }
        }
        for order in self.engine.take_orders() {
            let report = match order {
                Order::Fetch(order) if !self.holds => self.fetched(&order),
                Order::Fetch(order) => {
                    self.held.push(order);
                    continue;
                }
                Order::Abort(_) => continue,
                Order::Parse(order) => parsed(&order),
                Order::Store(order) => self.stored(order),
            };
            self.engine.report(report);
        }
        self.frames.take(self.engine.take_frames());
    }

    /// The step alone.
    pub(super) fn step(&mut self) {
        self.now += Duration::from_millis(1);
        self.engine.step(self.now);
    }

    /// Its clock is at least here from now on.
    pub(super) fn wait_until(&mut self, now: Duration) {
        self.now = self.now.max(now);
    }

    /// Tasks in the window.
    pub(super) fn resident(&self) -> u32 {
        self.engine.resident()
    }

    fn fetched(&self, order: &FetchOrder) -> Report {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let answer = Answer {
            head: Head {
                status: 200,
                headers: vec![header("content-type", "text/html; charset=utf-8")],
            },
            body: Arc::clone(&self.body),
            wire_bytes: 20_000,
            first_byte: Duration::from_millis(1),
        };
        report(order.id, Outcome::Answered(Box::new(answer)))
    }

    #[expect(clippy::needless_pass_by_value, reason = "it ends here")]
    fn stored(&mut self, order: StoreOrder) -> Report {
        let receipt = match order.verb {
            StoreVerb::OpenSession(_) => StoreReceipt::Opened(Box::new(self.opened())),
            StoreVerb::Discover { .. } => StoreReceipt::Discovered(self.discovered()),
            StoreVerb::Mark { .. } => StoreReceipt::Marked,
            StoreVerb::End(_) => {
                self.lives += 1;
                let refill = self.refills.then(|| self.page());
                StoreReceipt::Ended(Ended {
                    inserted: 1,
                    discovered: Discovered {
                        new: refill.into_iter().collect(),
                        ..Discovered::default()
                    },
                    ..Ended::default()
                })
            }
            StoreVerb::Admit {
                host, after, limit, ..
            } => self.admitted(host, after, limit),
            _ => StoreReceipt::Noted,
        };
        report(order.id, Outcome::Stored(Box::new(receipt)))
    }

    fn opened(&self) -> SessionOpened {
        let waiting = self.outside * u64::from(HOSTS);
        let known = |(id, key)| KnownHost {
            id,
            key,
            waiting: self.outside,
            learned: None,
        };
        let started = waiting > 0;
        SessionOpened {
            session: SESSION,
            boot: 1,
            mode: Mode::New,
            seed: 1,
            started,
            counts: if started {
                vec![(BatchId(0), StageId(0), Phase::Queued, waiting)]
            } else {
                Vec::new()
            },
            hosts: if started {
                hosts().into_iter().map(known).collect()
            } else {
                Vec::new()
            },
            stage_attempts: Vec::new(),
            skipped: Vec::new(),
            dead: Vec::new(),
            records: 0,
            bytes: 0,
        }
    }

    /// First one page, which opens the batch; then as many as are owed, in chunks.
    fn discovered(&mut self) -> Discovered {
        let is_first = self.born == 0;
        let n = if is_first { 1 } else { self.owed.min(CHUNK) };
        self.owed = self.owed.saturating_sub(n);
        let new: Vec<StoredTask> = (0..n).map(|_| self.page()).collect();
        if is_first {
            self.unread.clone_from(&new);
        }
        Discovered {
            new,
            hosts: if is_first { hosts() } else { Vec::new() },
            ..Discovered::default()
        }
    }

    fn admitted(&mut self, host: HostId, after: Seq, limit: u32) -> StoreReceipt {
        if self.outside == 0 {
            let tasks: Vec<_> = self
                .unread
                .extract_if(.., |task| task.host == host)
                .collect();
            let cursor = tasks.last().map_or(after, |task| task.seq);
            return StoreReceipt::Admitted {
                tasks,
                cursor,
                exhausted: true,
            };
        }
        let left = self.outside.saturating_sub(after.0);
        let n = left.min(u64::from(limit));
        let tasks: Vec<_> = (1..=n)
            .map(|step| StoredTask {
                seq: Seq(after.0 + step),
                host,
                ..self.page()
            })
            .collect();
        StoreReceipt::Admitted {
            tasks,
            cursor: Seq(after.0 + n),
            exhausted: n == left,
        }
    }

    /// A new page at the host whose turn it is.
    fn page(&mut self) -> StoredTask {
        self.born += 1;
        let n = self.born;
        let host = u32::try_from(n % u64::from(HOSTS)).unwrap_or(0);
        StoredTask {
            // Spread over the whole space, as hashes are.
            key: PageKey(Uuid::from_u128(
                u128::from(n).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835),
            )),
            seq: Seq(n),
            url: format!("http://catalogue-{host}.null.test/products/of-some-kind/item-{n}/")
                .into(),
            stage: StageId(0),
            batch: BatchId(0),
            host: HostId(host + 1),
            depth: 1,
            phase: Phase::Queued,
            due_in: Duration::ZERO,
            tries: Tries::default(),
            carried: format!("{{\"page\":{},\"position\":{}}}", n / 20, n % 20).into(),
            suspect: false,
            validators: None,
        }
    }
}

fn hosts() -> Vec<(HostId, HostKey)> {
    (0..HOSTS)
        .map(|host| {
            let key = HostKey {
                scheme: "http".to_owned(),
                name: format!("catalogue-{host}.null.test"),
                port: 80,
            };
            (HostId(host + 1), key)
        })
        .collect()
}

fn parsed(order: &ParseOrder) -> Report {
    let extracted = Extracted {
        records: vec![Record {
            rule: 0,
            identity: String::from(&*order.url),
            values: vec![
                Value::Text("A title of usual length".to_owned()),
                Value::Decimal("12.50".to_owned()),
                Value::Null,
            ],
        }],
        ..Extracted::default()
    };
    report(order.id, Outcome::Parsed(Box::new(extracted)))
}

fn report(id: OrderId, outcome: Outcome) -> Report {
    debug_assert!((id.slot as usize) < MAX_ORDERS);
    Report {
        id,
        took: Duration::from_millis(1),
        outcome,
    }
}
