//! An engine on a virtual clock whose backend does nothing and answers at once: what is left is the
//! engine.

use std::{sync::Arc, time::Duration};

use crawlfield_engine::{
    engine::Engine,
    extract::output::{Extracted, Record, Value},
    feed::{feeder::Feeder, frame::Frame, mirror::Mirror},
    message::{
        commands::{Command, Envelope, StartSession},
        orders::{FetchOrder, Order, ParseOrder, RequestProfile, StoreOrder},
        receipts::{Discovered, Ended, KnownHost, OverCounts, SessionOpened, StoreReceipt},
        reports::{Answer, Outcome, Report},
        store_verbs::{Mode, StoreVerb, StoredTask},
    },
    model::{
        head::Head,
        host_key::HostKey,
        ids::{BatchId, HostId, OrderId, PageKey, Seq, SessionId, StageId},
        page_url::PageUrl,
        phase::Phase,
        remark::Remarks,
        tries::Tries,
    },
    settings::Settings,
    site::compiled::Site,
    store::Store,
};
use uuid::Uuid;

use crate::Result;

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
pub(crate) const HOSTS: u32 = 64;
/// Pages of one answer of the store.
const CHUNK: u32 = 10_000;
/// The only session, where no real store says otherwise.
const SESSION: SessionId = SessionId(1);

/// The site whose pages are crawled.
pub(crate) fn site() -> Site {
    Site::load(SITE, "null.toml").expect("the bench's own site is good")
}

/// A host of that site.
pub(crate) fn host_key(number: u32) -> HostKey {
    HostKey {
        scheme: "http".to_owned(),
        name: format!("catalogue-{number}.null.test"),
        port: 80,
    }
}

/// Where the engine's frames go.
pub(crate) enum Frames {
    /// Into bytes, as a recording or a socket takes them.
    Encoded(Vec<u8>),
    /// To a mirror, as subscribers keep one.
    Mirrored(Box<Mirror>),
    /// To a hub.
    Sent(Feeder),
}

impl Frames {
    fn take(&mut self, frames: impl IntoIterator<Item = Frame>) {
        for frame in frames {
            match self {
                Self::Encoded(encoded) => {
                    encoded.clear();
                    let bytes = std::mem::take(encoded);
                    *encoded = postcard::to_extend(&frame, bytes).expect("all of it has bytes");
                }
                Self::Mirrored(mirror) => {
                    if let Frame::Changes(changes) = &frame {
                        mirror.apply(changes);
                    }
                }
                Self::Sent(feeder) => feeder.send(frame),
            }
        }
        if let Self::Sent(feeder) = self {
            feeder.flush();
        }
    }
}

/// The engine, its backend, and its feed.
pub(crate) struct NullBackend {
    engine: Engine,
    /// A real store, else one that knows every answer and keeps nothing.
    store: Option<Store>,
    now: Duration,
    /// Numbers given to pages so far.
    found: u64,
    /// Pages that still wait in the store, for each host; of these nothing is kept.
    outside: u64,
    /// Pages yet to be found by a start URL.
    owed: u32,
    /// Found before any batch was open: the engine reads them from the store.
    unread: Vec<StoredTask>,
    /// A finished page brings a new one.
    pub(crate) refills: bool,
    /// Fetches are not answered for now.
    pub(crate) holds: bool,
    held: Vec<FetchOrder>,
    /// Finished pages.
    pub(crate) lives: u64,
    frames: Frames,
    /// Changes that went to `frames`.
    pub(crate) changes: u64,
    body: Arc<Vec<u8>>,
}

impl NullBackend {
    /// An engine with so many pages waiting in its window.
    pub(crate) fn with_waiting(waiting: u32, frames: Frames) -> Result<Self> {
        let mut this = Self::new(waiting + waiting / 4 + 50_000, frames);
        this.owed = waiting;
        this.begin(None);
        while this.owed > 0 {
            let url = format!("http://catalogue-0.null.test/more/{}", this.owed);
            this.command(Command::AddStart {
                session: SESSION,
                url,
            });
            this.tick();
            this.tick();
        }
        let resident = this.engine.resident();
        if resident < waiting {
            return Err(format!("only {resident} of {waiting} pages entered the window").into());
        }
        Ok(this)
    }

    /// An engine with a small window and so many pages waiting in the store.
    pub(crate) fn with_frontier(waiting: u64) -> Self {
        let mut this = Self::new(100_000, Frames::Mirrored(Box::default()));
        this.outside = waiting / u64::from(HOSTS);
        this.begin(None);
        this
    }

    /// An engine with a small window that takes up a session of a store.
    pub(crate) fn over(store: Store, session: SessionId) -> Self {
        let mut this = Self::new(100_000, Frames::Mirrored(Box::default()));
        this.store = Some(store);
        this.begin(Some(session));
        this
    }

    fn new(window: u32, frames: Frames) -> Self {
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
            found: 0,
            outside: 0,
            owed: 0,
            unread: Vec::new(),
            refills: false,
            holds: true,
            held: Vec::new(),
            lives: 0,
            frames,
            changes: 0,
            body: Arc::new(b"<html><h1>A page</h1></html>".repeat(8)),
        }
    }

    fn begin(&mut self, resume: Option<SessionId>) {
        let site = Arc::new(site());
        let profile = std::sync::Arc::new(RequestProfile::of(
            &site,
            &Settings::default(),
            std::iter::empty().collect(),
        ));
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
    }

    pub(crate) fn command(&mut self, command: Command) {
        self.engine.command(Envelope {
            command,
            reply: None,
        });
    }

    /// One step of a millisecond, with what the backend says of the one before.
    pub(crate) fn tick(&mut self) {
        let reports = self.answer();
        self.turn(reports);
    }

    /// The backend's part of a tick: what it has to say of each order.
    pub(crate) fn answer(&mut self) -> Vec<Report> {
        let mut reports = Vec::new();
        if !self.holds {
            let held = std::mem::take(&mut self.held);
            reports.extend(held.iter().map(|order| self.fetched(order)));
        }
        let mut to_store = Vec::new();
        for order in self.engine.take_orders() {
            match order {
                Order::Fetch(order) if !self.holds => reports.push(self.fetched(&order)),
                Order::Fetch(order) => self.held.push(order),
                Order::Abort(_) => {}
                Order::Parse(order) => reports.push(parsed(&order)),
                Order::Store(order) if self.store.is_some() => to_store.push(order),
                Order::Store(order) => reports.push(self.stored(order)),
            }
        }
        self.commit(to_store, &mut reports);
        reports
    }

    /// The engine's part of a tick, frames included.
    pub(crate) fn turn(&mut self, reports: Vec<Report>) {
        for report in reports {
            self.engine.report(report);
        }
        self.step();
        let frames = self.engine.take_frames().into_iter().inspect(|frame| {
            if let Frame::Changes(tick) = frame {
                self.changes += tick.changes.len() as u64;
            }
        });
        self.frames.take(frames);
    }

    /// The step alone.
    pub(crate) fn step(&mut self) {
        self.now += Duration::from_millis(1);
        self.engine.step(self.now);
    }

    /// Its clock is at least here from now on.
    pub(crate) fn wait_until(&mut self, now: Duration) {
        self.now = self.now.max(now);
    }

    /// Tasks in the window.
    pub(crate) fn resident(&self) -> u32 {
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

    /// One commit of a real store.
    fn commit(&mut self, orders: Vec<StoreOrder>, reports: &mut Vec<Report>) {
        let Some(store) = self.store.as_mut().filter(|_| !orders.is_empty()) else {
            return;
        };
        for (id, result) in store.apply(orders) {
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

    /// What the store that is not there says.
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
        let started = waiting > 0;
        let known = |(id, key)| KnownHost {
            id,
            key,
            waiting: self.outside,
            gone: OverCounts::default(),
            learned: None,
        };
        let (mut counts, mut known_hosts) = (Vec::new(), Vec::new());
        if started {
            counts.push((BatchId(0), StageId(0), Phase::Queued, waiting));
            known_hosts.extend(hosts().map(known));
        }
        SessionOpened {
            session: SESSION,
            boot: 1,
            mode: Mode::New,
            seed: 1,
            started,
            counts,
            hosts: known_hosts,
            stage_attempts: Vec::new(),
            skipped: Vec::new(),
            dead: Vec::new(),
            records: 0,
            bytes: 0,
            cookies: Vec::new(),
            remarks: Remarks::default(),
        }
    }

    /// First one page, which opens the batch; then as many as are owed, in chunks.
    fn discovered(&mut self) -> Discovered {
        let is_first = self.found == 0;
        let n = if is_first { 1 } else { self.owed.min(CHUNK) };
        self.owed = self.owed.saturating_sub(n);
        let new: Vec<StoredTask> = (0..n).map(|_| self.page()).collect();
        let mut met = Vec::new();
        if is_first {
            self.unread.clone_from(&new);
            met.extend(hosts());
        }
        Discovered {
            new,
            hosts: met,
            ..Discovered::default()
        }
    }

    fn admitted(&mut self, host: HostId, after: Seq, limit: u32) -> StoreReceipt {
        if self.outside == 0 {
            let of_host = |task: &mut StoredTask| task.host == host;
            let tasks: Vec<_> = self.unread.extract_if(.., of_host).collect();
            let cursor = tasks.last().map_or(after, |task| task.seq);
            return StoreReceipt::Admitted {
                tasks,
                cursor,
                exhausted: true,
            };
        }
        let left = self.outside.saturating_sub(after.0);
        let n = left.min(u64::from(limit));
        let tasks = (1..=n).map(|step| StoredTask {
            seq: Seq(after.0 + step),
            host,
            ..self.page()
        });
        StoreReceipt::Admitted {
            tasks: tasks.collect(),
            cursor: Seq(after.0 + n),
            exhausted: n == left,
        }
    }

    /// A new page at the host whose turn it is.
    fn page(&mut self) -> StoredTask {
        self.found += 1;
        let n = self.found;
        let host = u32::try_from(n % u64::from(HOSTS)).expect("a host's number");
        StoredTask {
            key: PageKey(Uuid::from_u128(
                // Spread over the whole space, as hashes are.
                u128::from(n).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835),
            )),
            seq: Seq(n),
            url: page_url(host, n),
            stage: StageId(0),
            batch: BatchId(0),
            host: HostId(host + 1),
            depth: 1,
            phase: Phase::Queued,
            due_in: Duration::ZERO,
            cause: None,
            tries: Tries::default(),
            suspect: false,
            validators: None,
        }
    }
}

/// A page's address of usual length, with what its link carries.
pub(crate) fn page_url(host: u32, n: u64) -> PageUrl {
    PageUrl::new(
        &format!("http://catalogue-{host}.null.test/products/of-some-kind/item-{n}/"),
        &format!("{{\"page\":{},\"position\":{}}}", n / 20, n % 20),
    )
}

fn hosts() -> impl Iterator<Item = (HostId, HostKey)> {
    (0..HOSTS).map(|host| (HostId(host + 1), host_key(host)))
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
    Report {
        id,
        took: Duration::from_millis(1),
        outcome,
        cookies: None,
    }
}
