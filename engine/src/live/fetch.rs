//! The I/O threads: each fetch order is one tokio task that reports exactly once, whatever
//! happens to it.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, Sender, TrySendError, never, select};
use tokio::{
    runtime::{Builder, Runtime},
    task::AbortHandle,
};

use crate::{
    message::{
        orders::FetchOrder,
        reports::{Outcome, Report},
    },
    model::ids::OrderId,
};

mod clients;
mod dialled;
mod exchange;
mod failure;
mod jar;
use jar::Jar;
mod pace;
mod panics;
pub(super) use panics::text_of as text_of_panic;
mod resolve;

/// What the engine sends to the I/O threads.
#[derive(Debug, Clone)]
pub enum FetchLetter {
    /// Fetch this.
    Fetch(FetchOrder),
    /// Abort this fetch; it reports as aborted, unless it has reported already.
    Abort(OrderId),
}

/// The I/O threads. Dropping it aborts what is in flight (each reports) and waits for nobody.
#[derive(Debug)]
pub struct Handle {
    runtime: Option<Runtime>,
    desk: Option<thread::JoinHandle<()>>,
    stop: Option<Sender<()>>,
    received: Arc<AtomicU64>,
}

impl Handle {
    /// Bytes of heads and bodies received since the start.
    #[must_use]
    pub fn received_bytes(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    /// The counter behind [`Handle::received_bytes`], for the meter.
    #[must_use]
    pub fn received_counter(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.received)
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(desk) = self.desk.take() {
            // A panic of the desk was reported by its own thread; nothing is left to do about it.
            let _ = desk.join();
        }
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(Duration::from_millis(200));
        }
    }
}

/// Starts `threads` I/O threads that answer `orders` with `reports` until the handle is dropped
/// or the orders' channel is closed.
///
/// `reports` must have room for every order in flight: a report is never waited for.
///
/// # Errors
/// The system gives no more threads.
pub fn spawn(
    orders: Receiver<Vec<FetchLetter>>,
    reports: Sender<Report>,
    threads: usize,
) -> std::io::Result<Handle> {
    let runtime = Builder::new_multi_thread()
        .worker_threads(threads.max(1))
        .thread_name("crawlfield-io")
        .enable_all()
        .build()?;
    let received = Arc::new(AtomicU64::new(0));
    let (stop, stopped) = crossbeam_channel::bounded(0);
    let desk = Desk {
        clients: clients::Clients::new(Arc::clone(&received)),
        runtime: runtime.handle().clone(),
        reports,
        flights: Arc::default(),
    };
    let desk = thread::Builder::new()
        .name("crawlfield-io-desk".to_owned())
        .spawn(move || desk.serve(&orders, &stopped))?;
    Ok(Handle {
        runtime: Some(runtime),
        desk: Some(desk),
        stop: Some(stop),
        received,
    })
}

type Flights = Arc<Mutex<HashMap<OrderId, AbortHandle>>>;

fn lock(flights: &Flights) -> MutexGuard<'_, HashMap<OrderId, AbortHandle>> {
    flights.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes letters and starts or aborts tasks.
struct Desk {
    clients: clients::Clients,
    runtime: tokio::runtime::Handle,
    reports: Sender<Report>,
    flights: Flights,
}

impl Desk {
    fn serve(mut self, orders: &Receiver<Vec<FetchLetter>>, stopped: &Receiver<()>) {
        let quiet = never();
        let mut orders = orders;
        loop {
            select! {
                recv(orders) -> letters => match letters {
                    Ok(letters) => letters.into_iter().for_each(|letter| self.open(letter)),
                    Err(_) => orders = &quiet,
                },
                recv(stopped) -> _ => break,
            }
        }
        for flight in lock(&self.flights).values() {
            flight.abort();
        }
        // What was never begun is reported all the same.
        for letter in orders.try_iter().flatten() {
            if let FetchLetter::Fetch(order) = letter {
                drop(self.slip(order.id));
            }
        }
    }

    fn open(&mut self, letter: FetchLetter) {
        match letter {
            FetchLetter::Fetch(order) => self.start(order),
            FetchLetter::Abort(id) => {
                if let Some(flight) = lock(&self.flights).get(&id) {
                    flight.abort();
                }
            }
        }
    }

    fn slip(&self, id: OrderId) -> Slip {
        Slip {
            id,
            began: Instant::now(),
            reports: self.reports.clone(),
            flights: Arc::clone(&self.flights),
            jar: None,
            outcome: Outcome::Aborted,
        }
    }

    fn start(&mut self, order: FetchOrder) {
        let id = order.id;
        let mut slip = self.slip(id);
        let prepared = self.clients.prepare(&order);
        slip.jar = prepared
            .as_ref()
            .ok()
            .map(|prepared| Arc::clone(&prepared.jar));
        // The lock is held over the spawn so that the task cannot end before it is listed.
        let mut flights = lock(&self.flights);
        let task = self.runtime.spawn(async move {
            let mut slip = slip;
            slip.outcome = panics::caught(exchange::run(prepared, &order)).await;
        });
        flights.insert(id, task.abort_handle());
    }
}

/// Reports when dropped: with the outcome that was written on it, else as aborted.
struct Slip {
    id: OrderId,
    began: Instant,
    reports: Sender<Report>,
    flights: Flights,
    /// Where its session's cookies are.
    jar: Option<Arc<Jar>>,
    outcome: Outcome,
}

impl Drop for Slip {
    fn drop(&mut self) {
        lock(&self.flights).remove(&self.id);
        let (id, took) = (self.id, self.began.elapsed());
        let outcome = std::mem::replace(&mut self.outcome, Outcome::Aborted);
        let send = |cookies| {
            self.reports.try_send(Report {
                id,
                took,
                outcome,
                cookies,
            })
        };
        let told = match &self.jar {
            Some(jar) => jar.tell(send),
            None => send(None),
        };
        if let Err(TrySendError::Full(report)) = told {
            tracing::error!(
                order = ?report.id,
                "the channel of reports is full and a fetch's report is lost; it must have room \
                 for every order in flight"
            );
        }
    }
}
