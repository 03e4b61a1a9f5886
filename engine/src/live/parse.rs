//! The CPU threads: they read pages, one at a time each, and survive what panics.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, Sender, TrySendError, select};

use super::fetch::text_of_panic;
use crate::{
    extract::{
        bounds::Bounds,
        extract_until,
        output::{ExtractError, Extracted, PageInput},
    },
    message::{
        orders::ParseOrder,
        reports::{Outcome, Report},
    },
    model::ids::OrderId,
};

#[cfg(test)]
mod tests;

/// Deep pages need more than the usual 2 MiB for selectors like `:has()`.
const STACK: usize = 8 << 20;

/// Reads one page.
pub type Reader = Arc<dyn Fn(&ParseOrder) -> Result<Extracted, ExtractError> + Send + Sync>;

/// The CPU threads. Dropping it stops them after their present page and waits for nobody.
#[derive(Debug)]
pub struct Handle {
    crew: Arc<Crew>,
    stop: Option<Sender<()>>,
}

impl Handle {
    /// How many workers there shall be, at least one; surplus ones end after their page.
    ///
    /// # Errors
    /// The system gives no more threads; those that were started stay.
    pub fn set_workers(&self, workers: usize) -> std::io::Result<()> {
        let workers = workers.max(1);
        let missing = {
            let mut count = self.crew.lock();
            count.wanted = workers;
            workers.saturating_sub(count.present)
        };
        for _ in 0..missing {
            hire(&self.crew)?;
        }
        Ok(())
    }

    /// How many workers there are.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.crew.lock().present
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        drop(self.stop.take());
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Count {
    wanted: usize,
    present: usize,
}

/// What all workers share.
struct Crew {
    orders: Receiver<ParseOrder>,
    reports: Sender<Report>,
    stopped: Receiver<()>,
    read: Reader,
    count: Mutex<Count>,
}

impl std::fmt::Debug for Crew {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Crew")
            .field("count", &self.count)
            .finish_non_exhaustive()
    }
}

impl Crew {
    fn lock(&self) -> std::sync::MutexGuard<'_, Count> {
        self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// True once for each worker that is too many.
    fn is_surplus(&self) -> bool {
        let mut count = self.lock();
        let surplus = count.present > count.wanted;
        if surplus {
            count.present -= 1;
        }
        surplus
    }
}

/// One page may be read for so long; the engine gives its order up only later.
const PARSE_TIME: Duration = Duration::from_secs(20);

/// Starts `workers` CPU threads that read pages as their stages say.
///
/// # Errors
/// As [`spawn_with`].
pub fn spawn(
    orders: Receiver<ParseOrder>,
    reports: Sender<Report>,
    workers: usize,
    bounds: Bounds,
) -> std::io::Result<Handle> {
    let read = move |order: &ParseOrder| {
        let carried = order.url.carried().parse()?;
        let began = Instant::now();
        let page = PageInput {
            url: &order.url,
            final_url: &order.final_url,
            content_type: order.content_type.as_deref(),
            body: &order.body,
            carried: &carried,
            depth: order.depth,
        };
        let expired = || began.elapsed() > PARSE_TIME;
        extract_until(&order.site, order.stage, &page, &bounds, &expired)
    };
    spawn_with(orders, reports, workers, Arc::new(read))
}

/// Starts `workers` CPU threads that read pages with `read`.
///
/// `reports` must have room for every order in flight: a report is never waited for.
///
/// # Errors
/// The system gives no more threads.
pub fn spawn_with(
    orders: Receiver<ParseOrder>,
    reports: Sender<Report>,
    workers: usize,
    read: Reader,
) -> std::io::Result<Handle> {
    let (stop, stopped) = crossbeam_channel::bounded(0);
    let handle = Handle {
        crew: Arc::new(Crew {
            orders,
            reports,
            stopped,
            read,
            count: Mutex::default(),
        }),
        stop: Some(stop),
    };
    handle.set_workers(workers)?;
    Ok(handle)
}

fn hire(crew: &Arc<Crew>) -> std::io::Result<()> {
    let shared = Arc::clone(crew);
    crew.lock().present += 1;
    let started = thread::Builder::new()
        .name("crawlfield-cpu".to_owned())
        .stack_size(STACK)
        .spawn(move || work(&shared));
    if started.is_err() {
        crew.lock().present -= 1;
    }
    started.map(drop)
}

fn work(crew: &Arc<Crew>) {
    while !crew.is_surplus() {
        select! {
            recv(crew.orders) -> order => match order {
                Ok(order) => {
                    if !read(crew, &order) {
                        replace(crew);
                        return;
                    }
                }
                Err(_) => break,
            },
            recv(crew.stopped) -> _ => {
                // What was never begun is reported all the same.
                for order in crew.orders.try_iter() {
                    report(crew, order.id, Duration::ZERO, Outcome::Aborted);
                }
                break;
            }
        }
    }
}

/// Reads one page and reports; false if it panicked.
fn read(crew: &Crew, order: &ParseOrder) -> bool {
    let began = Instant::now();
    let result = catch_unwind(AssertUnwindSafe(|| (crew.read)(order)));
    let survived = result.is_ok();
    let outcome = match result {
        Ok(Ok(extracted)) => Outcome::Parsed(Box::new(extracted)),
        Ok(Err(error)) => Outcome::ParseFailed(error),
        Err(payload) => Outcome::Panicked(text_of_panic(payload.as_ref())),
    };
    report(crew, order.id, began.elapsed(), outcome);
    survived
}

fn report(crew: &Crew, id: OrderId, took: Duration, outcome: Outcome) {
    let report = Report {
        id,
        took,
        outcome,
        cookies: None,
    };
    if let Err(TrySendError::Full(report)) = crew.reports.try_send(report) {
        tracing::error!(
            order = ?report.id,
            "the channel of reports is full and a page's report is lost; it must have room for \
             every order in flight"
        );
    }
}

/// A panicked worker's thread-local state is not trusted again: another thread takes its place.
fn replace(crew: &Arc<Crew>) {
    crew.lock().present -= 1;
    if let Err(error) = hire(crew) {
        tracing::error!(%error, "a parse worker that panicked could not be replaced");
    }
}
