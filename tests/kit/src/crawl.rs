//! A crawl that runs on the virtual clock: the verbs of a scenario.

mod reading;

use std::{sync::Arc, time::Duration};

use crawlfield_engine::{
    engine::Engine,
    feed::{frame::Frame, snapshot::Snapshot},
    message::{
        commands::{Ack, Command, Envelope, StartSession},
        orders::{Order, RequestProfile},
        receipts::StoreError,
        store_verbs::Mode,
    },
    model::ids::SessionId,
    settings::Settings,
    site::compiled::Site,
};
use crossbeam_channel::{Receiver, bounded};
use serde_json::json;

use crate::{backend::Backend, invariants::Invariants, scenario::Scenario, transcript::Transcript};

/// Two ticks are at least so far apart, unless the engine wants another at once.
const TICK: Duration = Duration::from_millis(1);
/// A crawl in which nothing moves for so long is stuck.
const STUCK: Duration = Duration::from_hours(48);

/// So many ticks at one moment are an engine that spins.
const RESTLESS: u32 = 10_000;

/// A session as it was begun, so that it can be taken up again.
#[derive(Debug, Clone)]
struct Job {
    site: Arc<Site>,
    mode: Mode,
    seed: u64,
    session: Option<SessionId>,
    start: Vec<String>,
}

/// A crawl that runs on the virtual clock.
pub struct Crawl {
    /// The engine.
    pub engine: Engine,
    /// The outside world.
    pub backend: Backend,
    /// What happened.
    pub transcript: Transcript,
    /// The last snapshot of each session.
    pub snapshots: Vec<Snapshot>,
    now: Duration,
    /// When the engine's clock was zero.
    epoch: Duration,
    settings: Settings,
    jobs: Vec<Job>,
    invariants: Invariants,
    moved: Duration,
    ticks: u64,
    still: u32,
}

impl Crawl {
    pub(crate) fn new(scenario: &Scenario) -> Self {
        Self {
            engine: Engine::new(scenario.settings.clone()),
            backend: Backend::new(scenario),
            transcript: Transcript::default(),
            snapshots: Vec::new(),
            now: Duration::ZERO,
            epoch: Duration::ZERO,
            settings: scenario.settings.clone(),
            jobs: Vec::new(),
            invariants: Invariants::default(),
            moved: Duration::ZERO,
            ticks: 0,
            still: 0,
        }
    }

    /// One more session begins, over its own web.
    pub fn begin(&mut self, scenario: &Scenario) -> Receiver<Ack> {
        let site = scenario.load();
        self.backend.join(scenario);
        self.invariants.meet(scenario, &site, &self.settings);
        self.jobs.push(Job {
            start: site.start.iter().map(ToString::to_string).collect(),
            site: Arc::new(site),
            mode: scenario.mode,
            seed: scenario.seed,
            session: None,
        });
        self.send_start(self.jobs.len() - 1, None)
    }

    fn send_start(&mut self, job: usize, resume: Option<SessionId>) -> Receiver<Ack> {
        let job = &self.jobs[job];
        let (reply, ack) = bounded(1);
        let profile = std::sync::Arc::new(RequestProfile::of(
            &job.site,
            &self.settings,
            std::collections::BTreeMap::new(),
        ));
        self.engine.command(Envelope {
            command: Command::Start(Box::new(StartSession {
                site: Arc::clone(&job.site),
                profile,
                mode: job.mode,
                origin: json!({ "kind": "scenario" }),
                source: Some("simulated".to_owned()),
                seed: job.seed,
                resume,
            })),
            reply: Some(reply),
        });
        ack
    }

    /// Time on the scenario's clock, which goes on over a crash.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.now
    }

    /// Ticks so far.
    #[must_use]
    pub fn ticks(&self) -> u64 {
        self.ticks
    }

    /// One tick, at the next time at which something happens.
    pub fn tick(&mut self) {
        let at = self.next().unwrap_or(self.now + TICK);
        self.tick_at(at);
    }

    /// When something happens next.
    fn next(&mut self) -> Option<Duration> {
        if self.ticks == 0 || self.engine.wants_step() {
            return Some(self.now);
        }
        let due = self.engine.next_due().map(|due| due + self.epoch);
        let next = match (due, self.backend.next()) {
            (Some(a), Some(b)) => a.min(b),
            (a, b) => a.or(b)?,
        };
        Some(next.max(self.now + TICK))
    }

    fn tick_at(&mut self, at: Duration) {
        assert!(at >= self.now, "the clock goes back");
        self.still = if at == self.now { self.still + 1 } else { 0 };
        if self.still > RESTLESS {
            self.fail("the engine wants another tick for ever");
        }
        self.now = at;
        self.ticks += 1;
        for report in self.backend.reports(at) {
            self.engine.report(report);
        }
        self.engine.step(at.saturating_sub(self.epoch));
        let before = self.transcript.facts.len();
        for frame in self.engine.take_frames() {
            match frame {
                Frame::Changes(frame) => {
                    for change in &frame.changes {
                        self.invariants.change(at, change, &mut self.transcript);
                    }
                }
                Frame::Snapshot(snapshot) => {
                    self.invariants.add_up(&snapshot, &self.transcript);
                    self.keep(*snapshot);
                }
            }
        }
        if self.transcript.facts.len() > before {
            self.moved = at;
        }
        let orders: Vec<Order> = self.engine.take_orders().into();
        self.backend.take(at, orders);
        let settings = &self.settings;
        let told =
            self.invariants
                .check(at, &self.engine, &self.backend, &self.transcript, settings);
        if let Err(broken) = told {
            self.fail(&broken);
        }
        self.note_sessions();
    }

    fn keep(&mut self, snapshot: Snapshot) {
        let id = snapshot.session.id;
        self.snapshots.retain(|old| old.session.id != id);
        self.snapshots.push(snapshot);
    }

    fn note_sessions(&mut self) {
        let known: Vec<SessionId> = self.jobs.iter().filter_map(|job| job.session).collect();
        for (id, ..) in self.engine.sessions() {
            if !known.contains(&id)
                && let Some(job) = self.jobs.iter_mut().find(|job| job.session.is_none())
            {
                job.session = Some(id);
            }
        }
    }

    /// Stops the test with the last lines.
    ///
    /// # Panics
    /// Always.
    pub fn fail(&self, why: &str) -> ! {
        let lines = std::env::var("CRAWLFIELD_LINES").ok();
        let lines = lines.and_then(|n| n.parse().ok()).unwrap_or(40);
        let tail = self.transcript.tail(lines);
        let now = self.now;
        panic!(
            "{why}\nat {now:?}, tick {}; the last lines:\n{tail}",
            self.ticks
        );
    }

    /// Ticks until the condition holds.
    ///
    /// # Panics
    /// If nothing moves for two days of virtual time before that.
    pub fn run_until(&mut self, mut holds: impl FnMut(&Self) -> bool) {
        while !holds(self) {
            if self.now.saturating_sub(self.moved) > STUCK {
                let books: Vec<String> = self
                    .engine
                    .ledger()
                    .books()
                    .map(|(id, book)| format!("{id:?}: {:?}", book.total))
                    .collect();
                let orders: Vec<String> = self
                    .engine
                    .slots()
                    .iter()
                    .take(5)
                    .map(|(id, busy)| format!("{id:?}: {busy:?}"))
                    .collect();
                let permits = self.engine.permits();
                let orders = orders.join("\n");
                self.fail(&format!("stuck: {books:?}\n{permits:?}\n{orders}"));
            }
            self.tick();
        }
    }

    /// Ticks until every session has ended and nothing is left to keep; then nothing may be lost.
    pub fn run_until_idle(&mut self) {
        self.moved = self.now;
        while !self.engine.is_idle() {
            if self.now.saturating_sub(self.moved) > STUCK {
                self.run_until(|_| false);
            }
            self.tick();
        }
        if let Err(broken) = self.invariants.check_end(&self.engine, &self.backend) {
            self.fail(&broken);
        }
    }

    /// Runs for so long.
    pub fn advance(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(next) = self.next()
            && next <= until
        {
            self.tick_at(next);
        }
        if self.now < until {
            self.tick_at(until);
        }
    }

    /// Sends a command that nobody waits for.
    pub fn command(&mut self, command: Command) {
        self.invariants.heed(&command);
        self.engine.command(Envelope {
            command,
            reply: None,
        });
        self.tick_at(self.now);
    }

    /// Sends a command and runs until it is answered.
    pub fn ask(&mut self, command: Command) -> Ack {
        self.invariants.heed(&command);
        let (reply, ack) = bounded(1);
        self.engine.command(Envelope {
            command,
            reply: Some(reply),
        });
        self.tick_at(self.now);
        self.answer(&ack)
    }

    /// Runs until the answer is here.
    pub fn answer(&mut self, ack: &Receiver<Ack>) -> Ack {
        let until = self.now + Duration::from_mins(1);
        loop {
            if let Ok(answer) = ack.try_recv() {
                return answer;
            }
            if self.now > until {
                self.fail("nobody answered the command within a minute");
            }
            self.tick();
        }
    }

    /// The first session.
    #[must_use]
    pub fn session(&self) -> SessionId {
        self.jobs[0].session.expect("the session is open")
    }

    /// The process dies, and a new one takes all sessions up again.
    pub fn kill_and_resume(&mut self) {
        self.backend.crash();
        self.engine = Engine::new(self.settings.clone());
        self.epoch = self.now;
        self.transcript.restart();
        self.invariants.restart();
        for job in 0..self.jobs.len() {
            let resume = self.jobs[job].session;
            drop(self.send_start(job, resume));
        }
        self.tick_at(self.now);
    }

    /// A stopped session is taken up again by the same engine.
    pub fn resume(&mut self) -> Ack {
        let ack = self.send_start(0, self.jobs[0].session);
        self.tick_at(self.now);
        self.answer(&ack)
    }

    /// Another session over the same site, after the first has ended.
    pub fn again(&mut self, mode: Mode) -> Ack {
        let mut job = self.jobs[0].clone();
        (job.mode, job.session) = (mode, None);
        self.jobs.push(job);
        let ack = self.send_start(self.jobs.len() - 1, None);
        self.tick_at(self.now);
        self.answer(&ack)
    }

    /// The store is in trouble, or well again.
    pub fn trouble(&mut self, trouble: Option<StoreError>) {
        self.backend.store.set_trouble(trouble);
    }
}
