//! An engine with a far end that does nothing and answers at once: what is left is the engine.

mod frames;
mod no_store;

use std::{sync::Arc, time::Duration};

pub(super) use frames::Frames;

use crate::{
    engine::Engine,
    extract::output::{Extracted, Record, Value},
    message::{
        commands::{Command, Envelope, StartSession},
        orders::{FetchOrder, Order, ParseOrder, StoreOrder},
        receipts::StoreReceipt,
        reports::{Answer, Outcome, Report},
        store_verbs::{Mode, StoredTask},
    },
    model::{
        head::Head,
        ids::{OrderId, SessionId},
    },
    run::request_profile,
    settings::Settings,
    site::compiled::Site,
    store::Store,
    world::slots::MAX_ORDERS,
};

pub(super) const SITE: &str = r#"
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
pub(super) const HOSTS: u32 = 64;
/// Pages of one answer of the store.
const CHUNK: u32 = 10_000;
/// The only session, where no real store says otherwise.
const SESSION: SessionId = SessionId(1);

/// An engine on a virtual clock, its far end, and its feed.
pub(super) struct NullEnd {
    engine: Engine,
    /// A real store, else one that is not there.
    store: Option<Store>,
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
        this.begin(None)?;
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
        this.begin(None)?;
        Ok(this)
    }

    /// An engine with a small window that takes up a session of a store.
    pub(super) fn over(store: Store, session: SessionId) -> Result<Self, String> {
        let mut this = Self::new(100_000);
        this.store = Some(store);
        this.begin(Some(session))?;
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
            store: None,
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

    fn begin(&mut self, resume: Option<SessionId>) -> Result<(), String> {
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
            resume,
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

    /// One step of a millisecond, with what the far end says of the one before.
    pub(super) fn tick(&mut self) {
        let reports = self.answer();
        self.turn(reports);
    }

    /// The far end's part of a tick: what it has to say of each order.
    pub(super) fn answer(&mut self) -> Vec<Report> {
        let mut reports = Vec::new();
        if !self.holds {
            let held = std::mem::take(&mut self.held);
            reports.extend(held.iter().map(|order| self.fetched(order)));
        }
        let mut letters = Vec::new();
        for order in self.engine.take_orders() {
            match order {
                Order::Fetch(order) if !self.holds => reports.push(self.fetched(&order)),
                Order::Fetch(order) => self.held.push(order),
                Order::Abort(_) => {}
                Order::Parse(order) => reports.push(parsed(&order)),
                Order::Store(order) if self.store.is_some() => letters.push(order),
                Order::Store(order) => reports.push(self.stored(order)),
            }
        }
        self.keep(letters, &mut reports);
        reports
    }

    /// The engine's part of a tick, frames included.
    pub(super) fn turn(&mut self, reports: Vec<Report>) {
        for report in reports {
            self.engine.report(report);
        }
        self.step();
        self.frames.take(self.engine.take_frames());
    }

    /// One commit of a real store.
    fn keep(&mut self, letters: Vec<StoreOrder>, reports: &mut Vec<Report>) {
        let Some(store) = self.store.as_mut().filter(|_| !letters.is_empty()) else {
            return;
        };
        for (id, result) in store.apply(letters) {
            let outcome = match result {
                Ok(receipt) => {
                    self.lives += u64::from(matches!(receipt, StoreReceipt::Ended(_)));
                    Outcome::Stored(Box::new(receipt))
                }
                Err(error) => Outcome::StoreFailed(error, None),
            };
            reports.push(report(id, outcome));
        }
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
        let answer = Answer {
            head: Head {
                status: 200,
                headers: [("content-type", "text/html; charset=utf-8")]
                    .into_iter()
                    .collect(),
            },
            body: Arc::clone(&self.body),
            wire_bytes: 20_000,
            first_byte: Duration::from_millis(1),
            ..Answer::default()
        };
        report(order.id, Outcome::Answered(Box::new(answer)))
    }
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
        cookies: None,
    }
}
