//! The live run loop: waits with a deadline on commands and reports, steps, sends orders and
//! frames on. No fixed rate, no busy wait.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, Sender, TrySendError, never, select};

use super::RunOutcome;
use crate::{
    engine::Engine,
    feed::{feeder::Feeder, frame::Frame},
    live::{
        fetch::IoOrder,
        meter::{Meter, Usage},
        panic_text, parse,
    },
    message::{
        commands::Envelope,
        orders::{Order, ParseOrder, StoreOrder},
        receipts::StoreError,
        reports::{Outcome, Report},
    },
    politeness::capacity::INTERVAL,
};

/// Ticks are at least so far apart, unless a command comes to an engine at rest.
const TICK: Duration = Duration::from_millis(1);
/// While reports come, ticks are so far apart: each carries several pages, and nobody is woken up
/// for every single report.
const GATHER: Duration = Duration::from_millis(2);
/// Reports taken between two ticks, at most.
const BURST: usize = 4_096;

/// Where the engine's orders go.
pub(super) struct Channels {
    pub(super) fetch: Sender<Vec<IoOrder>>,
    pub(super) parse: Sender<ParseOrder>,
    pub(super) store: Sender<Vec<StoreOrder>>,
}

/// The engine and what its thread holds.
pub(super) struct RunLoop {
    engine: Engine,
    began: Instant,
    last: Duration,
    channels: Channels,
    feeder: Feeder,
    meter: Meter,
    /// The last reading, and when it was taken.
    usage: (Duration, Usage),
    parsers: parse::Parsers,
    finishing: Arc<AtomicBool>,
    /// Reports came with the last tick.
    busy: bool,
    ticks: u64,
    /// What ended the engine before its time.
    mistake: Option<String>,
}

impl RunLoop {
    /// One that begins now.
    pub(super) fn new(
        engine: Engine,
        channels: Channels,
        feeder: Feeder,
        meter: Meter,
        parsers: parse::Parsers,
        finishing: Arc<AtomicBool>,
    ) -> Self {
        Self {
            engine,
            began: Instant::now(),
            last: Duration::ZERO,
            channels,
            feeder,
            meter,
            usage: (Duration::ZERO, Usage::default()),
            parsers,
            finishing,
            busy: false,
            ticks: 0,
            mistake: None,
        }
    }

    /// Steps until it is over. A mistake of ours ends it too, and is told like everything else: what
    /// is committed stays, and the next start goes on from there.
    pub(super) fn run(&mut self, commands: Receiver<Envelope>, reports: &Receiver<Report>) {
        let steps = AssertUnwindSafe(|| self.step_to_end(commands, reports));
        let Err(panic) = catch_unwind(steps) else {
            return;
        };
        let text = format!(
            "our mistake: the engine {} (tick {}, seeds {:?}). The store is whole: `crawlfield \
             resume` goes on. Please report it with these lines",
            panic_text(&*panic),
            self.ticks,
            self.engine.seeds()
        );
        self.engine.tell_mistake(&text);
        self.send_frames();
        self.mistake = Some(text);
    }

    fn step_to_end(&mut self, mut commands: Receiver<Envelope>, reports: &Receiver<Report>) {
        loop {
            self.last = self.began.elapsed();
            if self.last.saturating_sub(self.usage.0) >= INTERVAL {
                self.measure();
            }
            self.ticks += 1;
            self.engine.step(self.last);
            self.send_orders();
            self.send_frames();
            if self.is_over() {
                return;
            }
            let mut reported = false;
            if !self.engine.wants_step() {
                reported = self.wait(&mut commands, reports);
            }
            self.busy = self.take(&commands, reports) || reported;
        }
    }

    /// Waits for a command, a report, or the next due time; whether a report came.
    fn wait(&mut self, commands: &mut Receiver<Envelope>, reports: &Receiver<Report>) -> bool {
        let is_flushed = self.feeder.flush();
        if self.busy {
            // Slept, not waited for: to wake up for each report would cost more than to take it. What
            // comes until then stays in the channels.
            thread::sleep(self.left(self.last + GATHER));
            return false;
        }
        let due = match self.engine.next_due() {
            _ if !is_flushed => self.last + TICK,
            Some(due) => due.max(self.last + TICK),
            None => self.last + Duration::from_mins(1),
        };
        select! {
            recv(commands) -> envelope => match envelope {
                Ok(envelope) => self.engine.command(envelope),
                Err(_) => *commands = never(),
            },
            recv(reports) -> report => match report {
                Ok(report) => {
                    self.engine.report(report);
                    return true;
                }
                Err(_) => thread::sleep(TICK),
            },
            default(self.left(due)) => {}
        }
        false
    }

    /// How long it is until then.
    fn left(&self, due: Duration) -> Duration {
        due.saturating_sub(self.began.elapsed())
    }

    /// Commands drain first, then a bounded number of reports; whether there were any.
    fn take(&mut self, commands: &Receiver<Envelope>, reports: &Receiver<Report>) -> bool {
        while let Ok(envelope) = commands.try_recv() {
            self.engine.command(envelope);
        }
        let mut taken = false;
        for report in reports.try_iter().take(BURST) {
            self.engine.report(report);
            taken = true;
        }
        taken
    }

    fn send_orders(&mut self) {
        // One bundle a tick wakes a thread once; orders sent one by one may wake it for each.
        let orders = self.engine.take_orders();
        let (mut fetch, mut store) = (Vec::new(), Vec::with_capacity(orders.len()));
        for order in orders {
            match order {
                Order::Fetch(order) => fetch.push(IoOrder::Fetch(order)),
                Order::Abort(id) => fetch.push(IoOrder::Abort(id)),
                Order::Parse(order) => sent(&self.channels.parse.try_send(order)),
                Order::Store(order) => store.push(order),
            }
        }
        if !fetch.is_empty() {
            sent(&self.channels.fetch.try_send(fetch));
        }
        if !store.is_empty() {
            match self.channels.store.try_send(store) {
                Err(TrySendError::Disconnected(orders)) => self.store_is_gone(orders),
                other => sent(&other),
            }
        }
        let workers = self.engine.permits().cpu.limit;
        let workers = usize::try_from(workers).expect("there are a few cores at most");
        if workers != self.parsers.workers() {
            // With fewer workers than permits, pages only wait a little longer for one.
            self.parsers.set_workers(workers).ok();
        }
    }

    fn store_is_gone(&mut self, orders: Vec<StoreOrder>) {
        for order in orders {
            let error = StoreError::Fatal("the store's thread has ended".to_owned());
            let outcome = Outcome::StoreFailed(error, None);
            self.engine
                .report(Report::new(order.id, Duration::ZERO, outcome));
        }
    }

    /// Reads what the process uses, for the engine's capacities and for snapshots.
    fn measure(&mut self) {
        let usage = self.meter.read();
        self.usage = (self.last, usage);
        if let (Some(used), Some(free)) = (usage.rss_bytes, usage.free_bytes) {
            self.engine.measured(used, used.saturating_add(free));
        }
    }

    fn send_frames(&mut self) {
        for mut frame in self.engine.take_frames() {
            if let Frame::Snapshot(snapshot) = &mut frame {
                if self.last.saturating_sub(self.usage.0) >= INTERVAL / 2 {
                    self.measure();
                }
                let usage = self.usage.1;
                snapshot.resources.rss_bytes = usage.rss_bytes;
                snapshot.resources.cpu = usage.cpu_cores;
                snapshot.resources.net_bytes_per_second = usage.received_per_second;
                snapshot.resources.disk_bytes = usage.disk_bytes;
            }
            self.feeder.send(frame);
        }
    }

    fn is_over(&self) -> bool {
        if self.engine.is_shut_down() {
            return true;
        }
        self.finishing.load(Ordering::Relaxed) && self.engine.is_idle()
    }

    /// How the engine's run ended.
    pub(super) fn ended(&self) -> RunOutcome {
        RunOutcome {
            sessions: self.engine.sessions(),
            store_lost: self.engine.store_lost().map(str::to_owned),
            mistake: self.mistake.clone(),
            engine_cpu: crate::live::meter::cpu_of_threads("engine"),
        }
    }
}

/// # Panics
/// If a channel is full: it has room for every order slot, so that would be a bug of ours.
fn sent<T>(result: &Result<(), TrySendError<T>>) {
    assert!(
        !matches!(result, Err(TrySendError::Full(_))),
        "the channels hold every order slot"
    );
}

#[cfg(test)]
mod tests;
