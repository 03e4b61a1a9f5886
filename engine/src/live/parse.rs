//! The CPU threads: they read pages, one at a time each, and survive what panics.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, Sender, select};

use super::{deliver, panic_text};
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
};

#[cfg(test)]
mod tests;

/// Deep pages need more than the usual 2 MiB for selectors like `:has()`.
const STACK: usize = 8 << 20;

/// How a worker reads one page.
pub type Reader = Arc<dyn Fn(&ParseOrder) -> Result<Extracted, ExtractError> + Send + Sync>;

/// The CPU threads. Dropping it stops them after their present page and waits for nobody.
#[derive(Debug)]
pub struct Parsers {
    shared: Arc<Workers>,
    stop: Option<Sender<()>>,
}

impl Parsers {
    /// How many workers there shall be, at least one; surplus ones end after their page.
    ///
    /// # Errors
    /// The system gives no more threads; those that were started stay.
    pub fn set_workers(&self, workers: usize) -> std::io::Result<()> {
        let workers = workers.max(1);
        let missing = {
            let mut count = self.shared.lock();
            count.wanted = workers;
            workers.saturating_sub(count.present)
        };
        for _ in 0..missing {
            start_worker(&self.shared)?;
        }
        Ok(())
    }

    /// How many workers there are.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.shared.lock().present
    }
}

impl Drop for Parsers {
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
struct Workers {
    orders: Receiver<ParseOrder>,
    reports: Sender<Report>,
    stopped: Receiver<()>,
    read: Reader,
    count: Mutex<Count>,
}

impl std::fmt::Debug for Workers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Workers")
            .field("count", &self.count)
            .finish_non_exhaustive()
    }
}

impl Workers {
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

/// Reads pages as their stages say.
#[must_use]
pub fn reader(bounds: Bounds) -> Reader {
    Arc::new(move |order| {
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
    })
}

/// Starts `workers` CPU threads that read pages with `read`.
///
/// `reports` must have room for every order in flight: a report is never waited for.
///
/// # Errors
/// The system gives no more threads.
pub fn spawn(
    orders: Receiver<ParseOrder>,
    reports: Sender<Report>,
    workers: usize,
    read: Reader,
) -> std::io::Result<Parsers> {
    let (stop, stopped) = crossbeam_channel::bounded(0);
    let parsers = Parsers {
        shared: Arc::new(Workers {
            orders,
            reports,
            stopped,
            read,
            count: Mutex::default(),
        }),
        stop: Some(stop),
    };
    parsers.set_workers(workers)?;
    Ok(parsers)
}

fn start_worker(shared: &Arc<Workers>) -> std::io::Result<()> {
    let own = Arc::clone(shared);
    shared.lock().present += 1;
    let started = thread::Builder::new()
        .name("crawlfield-cpu".to_owned())
        .stack_size(STACK)
        .spawn(move || work(&own));
    if started.is_err() {
        shared.lock().present -= 1;
    }
    started.map(drop)
}

fn work(shared: &Arc<Workers>) {
    while !shared.is_surplus() {
        select! {
            recv(shared.orders) -> order => match order {
                Ok(order) => {
                    if !read(shared, &order) {
                        replace(shared);
                        return;
                    }
                }
                Err(_) => break,
            },
            recv(shared.stopped) -> _ => {
                // What was never begun is reported all the same.
                for order in shared.orders.try_iter() {
                    let report = Report::new(order.id, Duration::ZERO, Outcome::Aborted);
                    deliver(&shared.reports, report);
                }
                break;
            }
        }
    }
}

/// Reads one page and reports; false if it panicked.
fn read(shared: &Workers, order: &ParseOrder) -> bool {
    let began = Instant::now();
    let result = catch_unwind(AssertUnwindSafe(|| (shared.read)(order)));
    let survived = result.is_ok();
    let outcome = match result {
        Ok(Ok(extracted)) => Outcome::Parsed(Box::new(extracted)),
        Ok(Err(error)) => Outcome::ParseFailed(error),
        Err(payload) => Outcome::Panicked(panic_text(payload.as_ref())),
    };
    let report = Report::new(order.id, began.elapsed(), outcome);
    deliver(&shared.reports, report);
    survived
}

/// A panicked worker's thread-local state is not trusted again: another thread takes its place.
fn replace(shared: &Arc<Workers>) {
    shared.lock().present -= 1;
    if let Err(error) = start_worker(shared) {
        tracing::error!(%error, "a parse worker that panicked could not be replaced");
    }
}
