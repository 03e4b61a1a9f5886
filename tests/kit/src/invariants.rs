//! What always holds; checked after every tick of every scenario.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use crawlfield_engine::{
    engine::Engine,
    feed::{
        frame::{BreakerPhase, Change},
        snapshot::Snapshot,
    },
    model::{
        ids::{OrderId, PageKey, SessionId},
        ledger::open,
        phase::Phase,
    },
    ports::{commands::Command, orders::Purpose},
    settings::Settings,
    site::compiled::Site,
};

use crate::{far::FarEnd, scenario::Scenario, transcript::Transcript};

/// What the webs and their site files allow, read independently of the engine.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    max_rate: BTreeMap<String, f64>,
    max_in_flight: BTreeMap<String, usize>,
    denied: Vec<(String, String)>,
    crawl_delay: BTreeMap<String, Duration>,
    attempts: u32,
}

impl Rules {
    pub(crate) fn meet(&mut self, scenario: &Scenario, site: &Site, settings: &Settings) {
        let manners = &site.politeness;
        let rate = manners.max_rate.unwrap_or(settings.host.max_rate);
        let in_flight = match (manners.max_in_flight, manners.max_rate) {
            (Some(limit), _) => limit,
            (None, Some(_)) => settings.http_permits,
            (None, None) => settings.host.max_in_flight,
        };
        for host in &site.scope.hosts {
            let lowest = self.max_rate.entry(host.clone()).or_insert(rate);
            *lowest = lowest.min(rate);
            let lowest = self
                .max_in_flight
                .entry(host.clone())
                .or_insert(in_flight as usize);
            *lowest = (*lowest).min(in_flight as usize);
        }
        let attempts = site
            .stages
            .iter()
            .map(|stage| {
                let policy = stage.retry.unwrap_or(settings.retry.policy);
                policy.attempts * stage.stage_attempts.unwrap_or(settings.stage_attempts)
            })
            .max();
        self.attempts = self.attempts.max(attempts.unwrap_or(1));
        if manners.robots == Some(false) {
            return;
        }
        for (host, replies) in &scenario.robots {
            for line in replies.last().map_or("", |reply| reply.text()).lines() {
                if let Some(path) = line.strip_prefix("Disallow: /") {
                    let prefix = format!("http://{host}/{path}");
                    self.denied.push((host.clone(), prefix));
                }
                if let Some(delay) = line.strip_prefix("Crawl-delay: ") {
                    let delay = delay.parse().expect("scripts give whole seconds");
                    self.crawl_delay
                        .insert(host.clone(), Duration::from_secs(delay));
                }
            }
        }
    }
}

/// What always holds.
#[derive(Debug, Default)]
pub struct Invariants {
    pub(crate) rules: Rules,
    seq: u64,
    ended: BTreeMap<(SessionId, PageKey), Phase>,
    charged: BTreeMap<(SessionId, PageKey), u32>,
    requeues: bool,
    loosened: bool,
    breakers: BTreeMap<String, BreakerPhase>,
    asked: usize,
    heard: usize,
    parked: BTreeMap<String, Duration>,
    sent: BTreeMap<String, Vec<Duration>>,
    broken: Option<String>,
}

impl Invariants {
    /// A command that loosens what holds otherwise.
    pub(crate) fn heed(&mut self, command: &Command) {
        match command {
            Command::RequeueDead { .. } => {
                self.requeues = true;
                self.ended.clear();
            }
            Command::Set { .. } | Command::SetProfile(_) => self.loosened = true,
            _ => {}
        }
    }

    /// What the store had not kept yet happens again; but *done* is told after it is kept.
    pub(crate) fn restart(&mut self) {
        self.ended.retain(|_, phase| *phase == Phase::Done);
        self.breakers.clear();
        self.parked.clear();
        self.sent.clear();
    }

    pub(crate) fn change(&mut self, at: Duration, change: &Change, transcript: &mut Transcript) {
        self.seq += 1;
        if let Change::Moved(moved) = change {
            let birth = transcript.resident(moved.slot);
            let name = (birth.session, birth.key);
            if moved.from.is_final() && moved.to != Phase::Cancelled {
                self.break_with(format!("{} left a final state by itself", birth.url));
            }
            if moved.to.is_final()
                && let Some(before) = self.ended.insert(name, moved.to)
                && before != Phase::Dead
            {
                self.break_with(format!("{} ended twice", birth.url));
            }
            if moved.from == Phase::Queued && moved.to == Phase::Fetching {
                *self.charged.entry(name).or_default() += 1;
            }
            if u32::from(moved.attempts) > self.rules.attempts && !self.loosened {
                self.break_with(format!("{} has too many attempts", birth.url));
            }
        }
        transcript.take(at, change);
        if let Change::BreakerMoved { host, to } = change {
            let name = transcript.host(*host).to_owned();
            self.breakers.insert(name, *to);
        }
    }

    /// What a picture can show adds up to all that was discovered: residents, and what stands on
    /// its hosts' blocks.
    pub(crate) fn add_up(&mut self, snapshot: &Snapshot, transcript: &Transcript) {
        let session = SessionId(snapshot.session.id);
        let here = Phase::ALL
            .iter()
            .map(|phase| transcript.count(session, *phase));
        let outside = snapshot
            .hosts
            .iter()
            .map(|host| host.outside + host.finished + host.dead + host.failed);
        let shown = here.sum::<u64>() + outside.sum::<u64>();
        let discovered = snapshot.progress.discovered;
        if shown != discovered {
            self.break_with(format!(
                "{shown} pages can be shown of {discovered} that were discovered"
            ));
        }
    }

    fn break_with(&mut self, what: String) {
        self.broken.get_or_insert(what);
    }

    pub(crate) fn check(
        &mut self,
        now: Duration,
        engine: &Engine,
        far: &FarEnd,
        transcript: &Transcript,
        settings: &Settings,
    ) -> Result<(), String> {
        if let Some(broken) = self.broken.take() {
            return Err(broken);
        }
        self.listen(far);
        self.check_requests(now, far)?;
        self.check_in_flight(engine, far)?;
        check_permits(engine, far)?;
        check_books(engine, transcript)?;
        if self.loosened {
            return Ok(());
        }
        that(engine.resident() <= settings.window, || {
            format!(
                "{} residents in a window of {}",
                engine.resident(),
                settings.window
            )
        })?;
        for (session, book) in engine.ledger().books() {
            let most = settings.http_permits + settings.parse_queue;
            let fetched = book.total[Phase::Fetched as usize];
            that(fetched <= u64::from(most), || {
                format!("{session:?} has {fetched} fetched pages waiting")
            })?;
            let most = settings.save_queue + settings.parse_queue + settings.http_permits;
            let parsed = book.total[Phase::Parsed as usize];
            that(parsed <= u64::from(most), || {
                format!("{session:?} has {parsed} parsed pages waiting")
            })?;
        }
        Ok(())
    }

    /// Hosts are parked from the moment their Retry-After is reported.
    fn listen(&mut self, far: &FarEnd) {
        for heard in &far.heard[self.heard..] {
            if let Some(after) = heard.retry_after {
                let until = self.parked.entry(heard.host.clone()).or_default();
                *until = (*until).max(heard.at + after);
            }
        }
        self.heard = far.heard.len();
    }

    fn check_requests(&mut self, now: Duration, far: &FarEnd) -> Result<(), String> {
        for asked in &far.asked[self.asked..] {
            let (host, url) = (&asked.host, &asked.url);
            if let Some(until) = self.parked.get(host) {
                that(now >= *until, || {
                    format!("{url} was asked before the host's Retry-After ended at {until:?}")
                })?;
            }
            if asked.purpose != Purpose::Probe {
                that(self.breakers.get(host) != Some(&BreakerPhase::Open), || {
                    format!("{url} was asked while the breaker was open")
                })?;
            }
            let denied = self.rules.denied.iter();
            let denied = denied.filter(|(of, _)| of == host);
            for (_, prefix) in denied {
                that(
                    asked.purpose != Purpose::Page || !url.starts_with(prefix.as_str()),
                    || format!("{url} was asked against robots.txt"),
                )?;
            }
            let sent = self.sent.entry(host.clone()).or_default();
            sent.push(now);
            self.rules
                .check_gap(host, sent, asked.purpose, self.loosened)?;
        }
        self.asked = far.asked.len();
        Ok(())
    }

    fn check_in_flight(&self, engine: &Engine, far: &FarEnd) -> Result<(), String> {
        let mut by_host: BTreeMap<&str, usize> = BTreeMap::new();
        for (id, host) in far.out() {
            if engine.slots().get(*id).is_some() {
                *by_host.entry(host).or_default() += 1;
            }
        }
        for (host, n) in by_host {
            let most = self.rules.max_in_flight.get(host).copied();
            that(self.loosened || most.is_none_or(|most| n <= most), || {
                format!("{n} requests in flight at {host}")
            })?;
        }
        Ok(())
    }

    /// At the end nothing is out, nothing is open, nothing is lost.
    #[expect(clippy::unused_self, reason = "an invariant, called like the others")]
    pub(crate) fn check_end(&self, engine: &Engine, far: &FarEnd) -> Result<(), String> {
        that(engine.slots().used() == 0, || {
            format!("{} slots are in use at the end", engine.slots().used())
        })?;
        let permits = engine.permits();
        let used = [permits.http, permits.cpu, permits.memory, permits.store];
        that(used.iter().all(|permit| permit.used == 0), || {
            format!("permits are in use at the end: {permits:?}")
        })?;
        for (id, phase, _) in engine.sessions() {
            let Some(book) = engine.ledger().book(id) else {
                continue;
            };
            let kept = far.store.phases(id);
            let mut counts = book.total;
            let stopped = phase != crawlfield_engine::feed::frame::SessionPhase::Completed;
            that(
                stopped || open(&book.total) + book.total[Phase::Failed as usize] == 0,
                || format!("{id:?} ended with a remainder: {counts:?}"),
            )?;
            for phase in kept {
                // A page whose backoff is over is queued; the store need not know.
                let had_backoff = phase == Phase::Backoff && counts[phase as usize] == 0;
                let phase = if had_backoff { Phase::Queued } else { phase };
                let count = &mut counts[phase as usize];
                let Some(less) = count.checked_sub(1) else {
                    return Err(format!("{id:?}: the store has more {phase:?} pages"));
                };
                *count = less;
            }
            that(counts.iter().sum::<u64>() == 0, || {
                format!("{id:?}: the store does not know {counts:?}")
            })?;
        }
        Ok(())
    }
}

impl Rules {
    /// A host is never asked sooner than its gap after the last request. Below 50 ms the engine
    /// makes up for coarse ticks by 10 ms, so there the gap is held over twenty requests.
    fn check_gap(
        &self,
        host: &str,
        sent: &[Duration],
        purpose: Purpose,
        loosened: bool,
    ) -> Result<(), String> {
        let Some(rate) = self.max_rate.get(host).filter(|_| !loosened) else {
            return Ok(());
        };
        let mut gap = Duration::from_secs_f64(1.0 / rate);
        if purpose == Purpose::Page {
            gap = gap.max(self.crawl_delay.get(host).copied().unwrap_or_default());
        }
        let (back, slack) = if gap < Duration::from_millis(50) {
            (20, Duration::from_millis(12))
        } else {
            (1, Duration::from_micros(10))
        };
        let Some(from) = sent.len().checked_sub(back + 1) else {
            return Ok(());
        };
        let span = sent[sent.len() - 1].saturating_sub(sent[from]);
        let least = gap * u32::try_from(back).unwrap_or(1);
        that(span + slack >= least, || {
            format!("{back} requests to {host} within {span:?}, though its gap is {gap:?}")
        })
    }
}

fn that(holds: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what()) }
}

/// Permits belong to orders: what is in use is what the orders hold.
fn check_permits(engine: &Engine, far: &FarEnd) -> Result<(), String> {
    let permits = engine.permits();
    let (mut http, mut cpu, mut store, mut memory) = (0, 0, 0, 0);
    let mut fetching: BTreeSet<OrderId> = BTreeSet::new();
    for (id, busy) in engine.slots().iter() {
        if busy.http.is_some() {
            http += 1;
            fetching.insert(id);
        }
        cpu += u64::from(busy.cpu);
        store += busy.store;
        memory += busy.flight.as_ref().map_or(0, |flight| flight.memory);
    }
    that(permits.http.used == http, || {
        format!(
            "{} http permits are used by {http} orders",
            permits.http.used
        )
    })?;
    that(permits.cpu.used == cpu, || {
        format!("{} cpu permits are used by {cpu} orders", permits.cpu.used)
    })?;
    that(permits.store.used == store, || {
        format!(
            "{} store permits are used by {store} bytes",
            permits.store.used
        )
    })?;
    that(permits.memory.used == memory, || {
        format!("{} of memory are used by {memory}", permits.memory.used)
    })?;
    let out = far.out();
    that(fetching.iter().all(|id| out.contains_key(id)), || {
        format!("orders hold http permits, but no request of theirs is out: {fetching:?}")
    })
}

/// Conservation, and the feed says what the books say.
fn check_books(engine: &Engine, transcript: &Transcript) -> Result<(), String> {
    for (session, book) in engine.ledger().books() {
        that(book.is_balanced(), || {
            format!("the books of {session:?} are not balanced: {book:?}")
        })?;
    }
    for (session, book) in engine.ledger().books() {
        for phase in Phase::ALL {
            let told = transcript.count(session, phase);
            let booked = book.total[phase as usize];
            let holds = if phase.is_in_flight() {
                told == booked
            } else {
                told <= booked
            };
            that(holds, || {
                format!("{session:?}: the feed shows {told} {phase:?}, the books {booked}")
            })?;
        }
    }
    Ok(())
}
