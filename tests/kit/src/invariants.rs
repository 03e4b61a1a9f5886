//! What always holds; checked after every tick of every scenario.

mod politeness;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use crawlfield_engine::{
    engine::Engine,
    feed::{frame::Change, snapshot::Snapshot},
    message::commands::Command,
    model::{
        ids::{OrderId, PageKey, SessionId},
        phase::{Phase, SessionPhase},
    },
    settings::Settings,
    site::compiled::Site,
    world::ledger::open,
};

use crate::{backend::Backend, scenario::Scenario, transcript::Transcript};
use politeness::Politeness;

/// What always holds.
#[derive(Debug, Default)]
pub struct Invariants {
    politeness: Politeness,
    attempts: u32,
    ended: BTreeMap<(SessionId, PageKey), Phase>,
    loosened: bool,
    broken: Option<String>,
}

impl Invariants {
    /// A site is crawled with these settings.
    pub(crate) fn meet(&mut self, scenario: &Scenario, site: &Site, settings: &Settings) {
        self.politeness.meet(scenario, site, settings);
        let attempts = site
            .stages
            .iter()
            .map(|stage| {
                let policy = stage.retry.unwrap_or(settings.retry.policy);
                policy.attempts * stage.stage_attempts.unwrap_or(settings.stage_attempts)
            })
            .max();
        self.attempts = self.attempts.max(attempts.unwrap_or(1));
    }

    /// A command that loosens what holds otherwise.
    pub(crate) fn heed(&mut self, command: &Command) {
        match command {
            Command::RequeueDead { .. } => self.ended.clear(),
            Command::Set { .. } | Command::SetProfile(_) => self.loosened = true,
            _ => {}
        }
    }

    /// What the store had not kept yet happens again; but *done* is told after it is kept.
    pub(crate) fn restart(&mut self) {
        self.ended.retain(|_, phase| *phase == Phase::Done);
        self.politeness.restart();
    }

    pub(crate) fn change(&mut self, at: Duration, change: &Change, transcript: &mut Transcript) {
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
            if u32::from(moved.attempts) > self.attempts && !self.loosened {
                self.break_with(format!("{} has too many attempts", birth.url));
            }
        }
        transcript.take(at, change);
        if let Change::BreakerMoved { host, to } = change {
            self.politeness.breaker_moved(transcript.host(*host), *to);
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
            .map(|host| host.outside + host.finished + host.cancelled + host.dead + host.failed);
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
        backend: &Backend,
        transcript: &Transcript,
        settings: &Settings,
    ) -> Result<(), String> {
        if let Some(broken) = self.broken.take() {
            return Err(broken);
        }
        self.politeness.check(now, engine, backend, self.loosened)?;
        check_permits(engine, backend)?;
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

    /// At the end nothing is out, nothing is open, nothing is lost.
    #[expect(clippy::unused_self, reason = "an invariant, called like the others")]
    pub(crate) fn check_end(&self, engine: &Engine, backend: &Backend) -> Result<(), String> {
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
            let kept = backend.store.phases(id);
            let mut counts = book.total;
            let stopped = phase != SessionPhase::Completed;
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

fn that(holds: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what()) }
}

/// Permits belong to orders: what is in use is what the orders hold.
fn check_permits(engine: &Engine, backend: &Backend) -> Result<(), String> {
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
    let out = backend.out();
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
