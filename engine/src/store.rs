//! SQLite: schema, frontier, records, dead letters, export. One `Store` writes, with a lock on the
//! file; readers open connections of their own.

mod admit;
mod bulk;
mod cookies;
mod discover;
mod end;
mod fault;
mod history;
mod live;
mod lock;
mod opening;
mod read;
mod record;
mod schema;
mod session;
mod table;
mod work;

pub mod dead;
pub mod export;
pub mod sessions;

#[cfg(test)]
pub(crate) mod conformance;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

pub use opening::is_store;
use rusqlite::Connection;

use crate::{
    extract,
    message::{
        orders::StoreOrder,
        receipts::{StoreError, StoreReceipt},
        store_verbs::StoreVerb,
    },
    model::ids::{OrderId, SessionId},
    store::{
        discover::Into,
        live::{Hosts, Live},
        lock::FileLock,
        work::{Tally, Work},
    },
};

/// Milliseconds since 1970 by the wall clock; the live end brings it, so that nothing here asks.
pub type WallClock = Box<dyn Fn() -> i64 + Send>;

/// The one writer of a store file.
pub struct Store {
    db: Connection,
    path: PathBuf,
    clock: WallClock,
    boot: u32,
    lives: BTreeMap<SessionId, Arc<Live>>,
    hosts: Hosts,
    /// Released by the system when the process ends, however it ends.
    _lock: FileLock,
}

impl Store {
    /// Opens the store at `path`, creating or migrating it.
    ///
    /// # Errors
    /// `Busy` where another process has it, `Fatal` where it is not a store, damaged, of a newer
    /// version, not writable, or its folder is missing; `Full` where the disk is.
    pub fn open(path: &Path, clock: WallClock) -> Result<Self, StoreError> {
        let lock = FileLock::take(path)?;
        let (db, boot) = opening::open_writer(path)?;
        Ok(Self {
            db,
            path: path.to_owned(),
            clock,
            boot,
            lives: BTreeMap::new(),
            hosts: Hosts::default(),
            _lock: lock,
        })
    }

    /// Where the file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Carries out all orders in one transaction. A verb that is refused leaves the others alone;
    /// any other error undoes all of them and is reported for each.
    pub fn apply(
        &mut self,
        orders: Vec<StoreOrder>,
    ) -> Vec<(OrderId, Result<StoreReceipt, StoreError>)> {
        let ids: Vec<OrderId> = orders.iter().map(|order| order.id).collect();
        let before: Vec<SessionId> = self.lives.keys().copied().collect();
        match self.attempt(orders) {
            Ok(results) => ids.into_iter().zip(results).collect(),
            Err(error) => {
                self.undo(&before);
                // No verb was refused: the transaction itself could not begin or end.
                let error = match error {
                    StoreError::Refused(text) => StoreError::Fatal(text),
                    error => error,
                };
                ids.into_iter().map(|id| (id, Err(error.clone()))).collect()
            }
        }
    }

    fn attempt(
        &mut self,
        orders: Vec<StoreOrder>,
    ) -> Result<Vec<Result<StoreReceipt, StoreError>>, StoreError> {
        self.db.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let now = (self.clock)();
        let mut work = Work {
            db: &self.db,
            lives: &mut self.lives,
            hosts: &mut self.hosts,
            now,
            stamp: work::iso(now),
            boot: self.boot,
            tally: Tally::default(),
            frontiers: BTreeMap::new(),
        };
        let mut batch = Tally::default();
        let mut results = Vec::with_capacity(orders.len());
        for order in orders {
            let result = alone(&mut work, order.verb);
            match &result {
                Ok(_) => batch.add(std::mem::take(&mut work.tally)),
                Err(StoreError::Refused(_)) => work.tally = Tally::default(),
                Err(error) => return Err(error.clone()),
            }
            results.push(result);
        }
        batch.flush(work.db)?;
        work.flush_frontiers()?;
        self.db.prepare_cached("COMMIT")?.execute([])?;
        Ok(results)
    }

    /// After a panic in `apply`: nothing of its batch stays.
    pub fn recover(&mut self) {
        let open: Vec<SessionId> = self.lives.keys().copied().collect();
        self.undo(&open);
    }

    /// After a failed batch: nothing of it may stay, neither in the file nor in memory.
    fn undo(&mut self, before: &[SessionId]) {
        if !self.db.is_autocommit() {
            // SQLite may have rolled back already; a second refusal changes nothing.
            let _ = self.db.execute_batch("ROLLBACK");
        }
        self.hosts.forget();
        self.lives.retain(|session, _| before.contains(session));
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        opening::close(&self.db);
    }
}

/// One verb in a savepoint of its own.
fn alone(work: &mut Work<'_>, verb: StoreVerb) -> Result<StoreReceipt, StoreError> {
    work.db.prepare_cached("SAVEPOINT verb")?.execute([])?;
    let frontiers = work.frontiers.clone();
    let result = dispatch(work, verb);
    if work.db.is_autocommit() {
        // SQLite has undone the whole transaction itself, on a full disk for example.
        return match result {
            Ok(_) | Err(StoreError::Refused(_)) => Err(StoreError::Busy(
                "the store undid a commit; it is tried again".to_owned(),
            )),
            error => error,
        };
    }
    match &result {
        Ok(_) => {}
        Err(StoreError::Refused(_)) => {
            work.db.prepare_cached("ROLLBACK TO verb")?.execute([])?;
            work.hosts.forget();
            work.frontiers = frontiers;
        }
        Err(_) => return result,
    }
    work.db.prepare_cached("RELEASE verb")?.execute([])?;
    result
}

fn dispatch(work: &mut Work<'_>, verb: StoreVerb) -> Result<StoreReceipt, StoreError> {
    Ok(match verb {
        StoreVerb::OpenSession(order) => {
            StoreReceipt::Opened(Box::new(session::open(work, order)?))
        }
        StoreVerb::Discover {
            session,
            batch,
            depth,
            links,
            batch_size,
        } => {
            let into = Into {
                session,
                batch,
                depth,
                batch_size,
                rules: extract::RULES,
            };
            StoreReceipt::Discovered(discover::discover(work, into, &links)?)
        }
        StoreVerb::Admit {
            session,
            host,
            batch,
            after,
            limit,
        } => admit::admit(work, session, (batch, host), after, limit)?,
        StoreVerb::Mark {
            session,
            keys,
            lone,
        } => {
            admit::mark(work, session, &keys, lone)?;
            StoreReceipt::Marked
        }
        StoreVerb::End(order) => StoreReceipt::Ended(end::end(work, &order)?),
        StoreVerb::RequeueFailed {
            session,
            batch,
            stage,
        } => StoreReceipt::Moved(bulk::requeue_failed(work, session, batch, stage)?),
        StoreVerb::CondemnFailed {
            session,
            batch,
            stage,
        } => StoreReceipt::Moved(bulk::condemn_failed(work, session, batch, stage)?),
        StoreVerb::SkipFailed {
            session,
            batch,
            stage,
            keys,
            reason,
        } => StoreReceipt::Moved(bulk::skip_failed(
            work,
            session,
            (batch, stage),
            keys,
            reason,
        )?),
        StoreVerb::RequeueDead { session, selector } => {
            StoreReceipt::Moved(bulk::requeue_dead(work, session, &selector)?)
        }
        StoreVerb::Drop { session, selector } => {
            StoreReceipt::Moved(bulk::drop_pages(work, session, &selector)?)
        }
        StoreVerb::Attempts { session, key } => {
            StoreReceipt::Attempts(history::attempts(work, session, key)?)
        }
        StoreVerb::Note(note) => {
            session::note(work, note)?;
            StoreReceipt::Noted
        }
        StoreVerb::KeepCookies(set) => {
            cookies::keep(work, &set)?;
            StoreReceipt::Noted
        }
    })
}
