//! The simulated backend: orders are answered from the script, on the virtual clock, in the order
//! of (time, number).

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use crawlfield_engine::{
    message::{
        orders::{FetchOrder, Order, ParseOrder, Purpose, StoreOrder},
        reports::{Answer, FetchFailure, Outcome, Report},
    },
    model::{
        class::ErrorClass,
        head::Head,
        ids::{OrderId, SessionId},
    },
    sim::store::ModelStore,
};
use url::Url;

use crate::{
    reply::{Reply, Wire},
    scenario::{Laws, Scenario},
};

/// An aborted request reports after this.
const ABORT: Duration = Duration::from_millis(20);

/// A request that was sent.
#[derive(Debug, Clone)]
pub struct Asked {
    /// When.
    pub at: Duration,
    /// Whose.
    pub session: SessionId,
    /// Its name.
    pub id: OrderId,
    /// `a.test`, with the port where it is not 80.
    pub host: String,
    /// Absolute.
    pub url: String,
    /// Page, robots.txt or probe.
    pub purpose: Purpose,
}

/// What an exchange said of its host, when it was reported.
#[derive(Debug, Clone)]
pub struct HostAnswer {
    /// When.
    pub at: Duration,
    /// Which host.
    pub host: String,
    /// Which page.
    pub url: String,
    /// Its Retry-After.
    pub retry_after: Option<Duration>,
}

enum Event {
    Report(Report),
    Commit(Vec<StoreOrder>),
}

/// The outside world of a scenario.
pub struct Backend {
    laws: Laws,
    pages: BTreeMap<String, Vec<Reply>>,
    robots: BTreeMap<String, Vec<Reply>>,
    served: BTreeMap<String, usize>,
    bodies: Vec<Reply>,
    events: BTreeMap<(Duration, u64), Event>,
    order: u64,
    due: BTreeMap<OrderId, (Duration, u64)>,
    out: BTreeMap<OrderId, String>,
    urls: BTreeMap<OrderId, String>,
    gathered: Vec<StoreOrder>,
    committing: bool,
    seen: BTreeSet<OrderId>,
    /// The store; it outlives the engine.
    pub store: ModelStore,
    /// Every request, in order.
    pub asked: Vec<Asked>,
    /// Every answer that came in, in order.
    pub answered: Vec<HostAnswer>,
    /// Pages being parsed now, and the most at once.
    pub parsing: (BTreeSet<OrderId>, usize),
    /// Our own network fails so.
    pub network: Option<ErrorClass>,
    /// Commits so far.
    pub commits: u64,
    /// Orders of the last commits, each.
    pub batches: Vec<usize>,
}

fn report(id: OrderId, took: Duration, outcome: Outcome) -> Report {
    Report {
        id,
        took,
        outcome,
        cookies: None,
    }
}

impl Backend {
    /// The outside world of this scenario.
    #[must_use]
    pub fn new(scenario: &Scenario) -> Self {
        Self {
            laws: scenario.laws,
            pages: BTreeMap::new(),
            robots: BTreeMap::new(),
            served: BTreeMap::new(),
            bodies: Vec::new(),
            events: BTreeMap::new(),
            order: 0,
            due: BTreeMap::new(),
            out: BTreeMap::new(),
            urls: BTreeMap::new(),
            gathered: Vec::new(),
            committing: false,
            seen: BTreeSet::new(),
            store: ModelStore::default(),
            asked: Vec::new(),
            answered: Vec::new(),
            parsing: (BTreeSet::new(), 0),
            network: None,
            commits: 0,
            batches: Vec::new(),
        }
    }

    /// One more web joins.
    pub fn join(&mut self, scenario: &Scenario) {
        self.pages.extend(scenario.pages.clone());
        self.robots.extend(scenario.robots.clone());
    }

    /// Requests without a report: order and host.
    #[must_use]
    pub fn out(&self) -> &BTreeMap<OrderId, String> {
        &self.out
    }

    /// The engine has died: nothing that was not committed is known.
    pub fn crash(&mut self) {
        self.events.clear();
        self.due.clear();
        self.out.clear();
        self.gathered.clear();
        self.parsing.0.clear();
        self.committing = false;
        self.store.restart();
    }

    /// When something happens next.
    #[must_use]
    pub fn next(&self) -> Option<Duration> {
        self.events.first_key_value().map(|((at, _), _)| *at)
    }

    fn at(&mut self, at: Duration, event: Event) {
        self.order += 1;
        if let Event::Report(report) = &event {
            self.due.insert(report.id, (at, self.order));
        }
        self.events.insert((at, self.order), event);
    }

    /// What has happened by now.
    pub fn reports(&mut self, now: Duration) -> Vec<Report> {
        let mut reports = Vec::new();
        while let Some(entry) = self.events.first_entry() {
            if entry.key().0 > now {
                break;
            }
            match entry.remove() {
                Event::Report(report) => {
                    self.due.remove(&report.id);
                    self.parsing.0.remove(&report.id);
                    self.note_answer(now, &report);
                    reports.push(report);
                }
                Event::Commit(orders) => self.commit(now, orders, &mut reports),
            }
        }
        reports
    }

    fn note_answer(&mut self, now: Duration, report: &Report) {
        let Some(host) = self.out.remove(&report.id) else {
            return;
        };
        let retry_after = match &report.outcome {
            Outcome::Answered(answer) => answer
                .head
                .header("retry-after")
                .and_then(|text| text.parse().ok())
                .map(Duration::from_secs),
            _ => None,
        };
        let url = self.urls.remove(&report.id).unwrap_or_default();
        self.answered.push(HostAnswer {
            at: now,
            host,
            url,
            retry_after,
        });
    }

    fn commit(&mut self, now: Duration, orders: Vec<StoreOrder>, reports: &mut Vec<Report>) {
        self.commits += 1;
        self.batches.push(orders.len());
        let kept = orders.clone();
        for ((id, result), order) in self.store.apply(now, orders).into_iter().zip(kept) {
            let outcome = match result {
                Ok(receipt) => Outcome::Stored(Box::new(receipt)),
                Err(error) => Outcome::StoreFailed(error, Some(Box::new(order.verb))),
            };
            reports.push(Report {
                id,
                took: self.laws.commit,
                outcome,
                cookies: None,
            });
        }
        self.committing = false;
        self.begin_commit(now);
    }

    fn begin_commit(&mut self, now: Duration) {
        if !self.committing && !self.gathered.is_empty() {
            self.committing = true;
            let orders = std::mem::take(&mut self.gathered);
            self.at(now + self.laws.commit, Event::Commit(orders));
        }
    }

    /// Takes orders that the engine sent at this time.
    ///
    /// # Panics
    /// If the engine uses the name of an order twice.
    pub fn take(&mut self, now: Duration, orders: impl IntoIterator<Item = Order>) {
        for order in orders {
            match order {
                Order::Fetch(order) => {
                    assert!(self.seen.insert(order.id), "{:?} was used twice", order.id);
                    self.fetch(now, &order);
                }
                Order::Parse(order) => {
                    assert!(self.seen.insert(order.id), "{:?} was used twice", order.id);
                    self.parse(now, &order);
                }
                Order::Store(order) => self.gathered.push(order),
                Order::Abort(id) => self.abort(now, id),
            }
        }
        self.begin_commit(now);
    }

    fn abort(&mut self, now: Duration, id: OrderId) {
        if !self.out.contains_key(&id) {
            return;
        }
        if let Some(key) = self.due.remove(&id) {
            self.events.remove(&key);
        }
        let report = Report {
            id,
            took: ABORT,
            outcome: Outcome::Aborted,
            cookies: None,
        };
        self.at(now + ABORT, Event::Report(report));
    }

    fn fetch(&mut self, now: Duration, order: &FetchOrder) {
        let url = Url::parse(&order.url).expect("the engine fetches URLs");
        let name = url.host_str().expect("http URLs have hosts");
        let host = match url.port() {
            Some(port) => format!("{name}:{port}"),
            None => name.to_owned(),
        };
        let session = order.profile.session;
        self.asked.push(Asked {
            at: now,
            session,
            id: order.id,
            host: host.clone(),
            url: url.to_string(),
            purpose: order.purpose,
        });
        self.out.insert(order.id, host.clone());
        self.urls.insert(order.id, url.to_string());
        let reply = match self.network {
            Some(class) => Reply::fail(class).after(Duration::from_millis(50)),
            None => self.answer(&host, url.as_str()),
        };
        let latency = reply.latency.unwrap_or(self.laws.latency);
        let is_late = latency > order.first_byte || matches!(reply.wire, Wire::Hang);
        let took = if is_late { order.first_byte } else { latency };
        let fails = |class: ErrorClass| {
            Outcome::FetchFailed(Box::new(FetchFailure {
                class,
                message: format!("the script says {}", class.name()),
                head: None,
                wire_bytes: 0,
            }))
        };
        let outcome = match &reply.wire {
            Wire::Silence => return,
            Wire::Hang | Wire::Status(..) if is_late => fails(ErrorClass::TimeoutFirstByte),
            Wire::Hang => unreachable!("a hang is always late"),
            Wire::Panic => Outcome::Panicked("the script says so".to_owned()),
            Wire::Fail(class) => fails(*class),
            Wire::Status(status, headers) => {
                let answer = self.body(&reply, order.purpose, took);
                let head = Head {
                    status: *status,
                    headers: headers.iter().map(|(name, value)| (name, value)).collect(),
                };
                Outcome::Answered(Box::new(Answer { head, ..answer }))
            }
        };
        let id = order.id;
        self.at(now + took, Event::Report(report(id, took, outcome)));
    }

    /// The body's first bytes name the reply, so that a parse finds it.
    fn body(&mut self, reply: &Reply, purpose: Purpose, first_byte: Duration) -> Answer {
        let mut body = match purpose {
            Purpose::Page => format!("{}\n", self.bodies.len()).into_bytes(),
            Purpose::Robots | Purpose::Probe => reply.text().as_bytes().to_vec(),
        };
        if purpose == Purpose::Page {
            self.bodies.push(reply.clone());
            body.resize(body.len().max(reply.page.body), b' ');
        }
        Answer {
            wire_bytes: body.len() as u64,
            body: Arc::new(body),
            first_byte,
            ..Answer::default()
        }
    }

    fn answer(&mut self, host: &str, url: &str) -> Reply {
        let script = match self.pages.get(url) {
            None if url.ends_with("/robots.txt") => self.robots.get(host),
            known => known,
        };
        let Some(script) = script.filter(|script| !script.is_empty()) else {
            return Reply::status(404);
        };
        let served = self.served.entry(url.to_owned()).or_default();
        let reply = script[(*served).min(script.len() - 1)].clone();
        *served += 1;
        reply
    }

    fn parse(&mut self, now: Duration, order: &ParseOrder) {
        let number = order.body.split(|byte| *byte == b'\n').next();
        let number = number.and_then(|text| std::str::from_utf8(text).ok()?.parse::<usize>().ok());
        // A body that is not one of ours stands for a page that is not there.
        let nothing = Reply::status(404);
        let reply = number.map_or(&nothing, |number| &self.bodies[number]);
        self.parsing.0.insert(order.id);
        self.parsing.1 = self.parsing.1.max(self.parsing.0.len());
        if reply.page.hangs {
            return;
        }
        let took = reply.parse.unwrap_or(self.laws.parse);
        let outcome = match reply.extract(order) {
            Ok(extracted) => Outcome::Parsed(Box::new(extracted)),
            Err(error) => Outcome::ParseFailed(error),
        };
        let id = order.id;
        self.at(now + took, Event::Report(report(id, took, outcome)));
    }

    /// The pages that the script's last answers lead to from these start URLs.
    #[must_use]
    pub fn reachable(&self, start: &[String]) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut open: Vec<String> = start.to_vec();
        while let Some(url) = open.pop() {
            if !found.insert(url.clone()) {
                continue;
            }
            let last = self.pages.get(&url).and_then(|replies| replies.last());
            open.extend(last.into_iter().flat_map(Reply::targets).map(str::to_owned));
        }
        found
    }
}
