//! The I/O threads: each fetch order is one tokio task that reports exactly once, whatever
//! happens to it.

use std::{
    collections::HashMap,
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicU64},
    task::Poll,
    thread,
    time::{Duration, Instant},
};

use cookies::Jar;
use crossbeam_channel::{Receiver, Sender, never, select};
use tokio::{
    runtime::{Builder, Runtime},
    task::AbortHandle,
};

use super::{deliver, panic_text};
use crate::{
    message::{
        orders::FetchOrder,
        reports::{Outcome, Report},
    },
    model::ids::OrderId,
};

mod clients;
mod connect;
mod cookies;
mod exchange;
mod failure;

/// What the engine sends to the I/O threads.
#[derive(Debug, Clone)]
pub enum IoOrder {
    /// One request, one hop.
    Fetch(FetchOrder),
    /// Abort this fetch; it reports as aborted, unless it has reported already.
    Abort(OrderId),
}

/// The I/O threads. Dropping it aborts what is in flight (each reports) and waits for nobody.
#[derive(Debug)]
pub struct IoThreads {
    runtime: Option<Runtime>,
    starter: Option<thread::JoinHandle<()>>,
    stop: Option<Sender<()>>,
    received: Arc<AtomicU64>,
}

impl IoThreads {
    /// Counts the bytes of heads and bodies received since the start.
    #[must_use]
    pub fn received_counter(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.received)
    }
}

impl Drop for IoThreads {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(starter) = self.starter.take() {
            // A panic there was reported by its own thread; nothing is left to do about it.
            let _ = starter.join();
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
    orders: Receiver<Vec<IoOrder>>,
    reports: Sender<Report>,
    threads: usize,
) -> std::io::Result<IoThreads> {
    let runtime = Builder::new_multi_thread()
        .worker_threads(threads.max(1))
        .thread_name("crawlfield-io")
        .enable_all()
        .build()?;
    let received = Arc::new(AtomicU64::new(0));
    let (stop, stopped) = crossbeam_channel::bounded(0);
    let starter = Starter {
        clients: clients::Clients::new(Arc::clone(&received)),
        runtime: runtime.handle().clone(),
        reports,
        flights: Arc::default(),
    };
    let starter = thread::Builder::new()
        .name("crawlfield-io-start".to_owned())
        .spawn(move || starter.serve(&orders, &stopped))?;
    Ok(IoThreads {
        runtime: Some(runtime),
        starter: Some(starter),
        stop: Some(stop),
        received,
    })
}

type Flights = Arc<Mutex<HashMap<OrderId, AbortHandle>>>;

fn lock(flights: &Flights) -> MutexGuard<'_, HashMap<OrderId, AbortHandle>> {
    flights.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes orders and starts or aborts tasks.
struct Starter {
    clients: clients::Clients,
    runtime: tokio::runtime::Handle,
    reports: Sender<Report>,
    flights: Flights,
}

impl Starter {
    fn serve(mut self, orders: &Receiver<Vec<IoOrder>>, stopped: &Receiver<()>) {
        let quiet = never();
        let mut orders = orders;
        loop {
            select! {
                recv(orders) -> taken => match taken {
                    Ok(taken) => taken.into_iter().for_each(|order| self.take(order)),
                    Err(_) => orders = &quiet,
                },
                recv(stopped) -> _ => break,
            }
        }
        for flight in lock(&self.flights).values() {
            flight.abort();
        }
        // What was never begun is reported all the same.
        for order in orders.try_iter().flatten() {
            if let IoOrder::Fetch(order) = order {
                drop(self.pending(order.id));
            }
        }
    }

    fn take(&mut self, order: IoOrder) {
        match order {
            IoOrder::Fetch(order) => self.start(order),
            IoOrder::Abort(id) => {
                if let Some(flight) = lock(&self.flights).get(&id) {
                    flight.abort();
                }
            }
        }
    }

    fn pending(&self, id: OrderId) -> PendingReport {
        PendingReport {
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
        let mut report = self.pending(id);
        let prepared = self.clients.prepare(&order);
        report.jar = prepared
            .as_ref()
            .ok()
            .map(|prepared| Arc::clone(&prepared.jar));
        // The lock is held over the spawn so that the task cannot end before it is listed.
        let mut flights = lock(&self.flights);
        let task = self.runtime.spawn(async move {
            let mut report = report;
            report.outcome = caught(exchange::run(prepared, &order)).await;
        });
        flights.insert(id, task.abort_handle());
    }
}

/// Runs a fetch; a panic in it becomes its outcome, and the unwind drops nothing that is looked at
/// again.
async fn caught(fetch: impl Future<Output = Outcome>) -> Outcome {
    let mut fetch = pin!(fetch);
    poll_fn(
        |context| match catch_unwind(AssertUnwindSafe(|| fetch.as_mut().poll(context))) {
            Ok(polled) => polled,
            Err(payload) => Poll::Ready(Outcome::Panicked(panic_text(payload.as_ref()))),
        },
    )
    .await
}

/// Reports when dropped: with the outcome that was written on it, else as aborted.
struct PendingReport {
    id: OrderId,
    began: Instant,
    reports: Sender<Report>,
    flights: Flights,
    /// Where its session's cookies are.
    jar: Option<Arc<Jar>>,
    outcome: Outcome,
}

impl Drop for PendingReport {
    fn drop(&mut self) {
        lock(&self.flights).remove(&self.id);
        let outcome = std::mem::replace(&mut self.outcome, Outcome::Aborted);
        let mut report = Report::new(self.id, self.began.elapsed(), outcome);
        let send = |cookies| {
            report.cookies = cookies;
            deliver(&self.reports, report);
        };
        match &self.jar {
            Some(jar) => jar.hand_over(send),
            None => send(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_in_a_fetch_is_its_outcome() {
        let outcome = caught(async {
            tokio::task::yield_now().await;
            panic!("page {}", 7)
        })
        .await;
        assert!(matches!(outcome, Outcome::Panicked(text) if text == "panicked: page 7"));
    }
}
