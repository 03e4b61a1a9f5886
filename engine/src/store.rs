//! SQLite: schema, frontier, records, dead letters, export. One `Store` writes, with a lock on the
//! file; readers open connections of their own.

mod cookies;
mod counts;
mod frontier;
mod in_flight;
mod moves;
mod opening;
mod page_end;
mod records;
mod schema;
mod sql;
pub(crate) mod transaction;

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
        counts::Tally,
        frontier::Destination,
        opening::FileLock,
        sql::Statements,
        transaction::{KnownHosts, LiveSession, Transaction},
    },
};

/// Milliseconds since 1970 by the wall clock; the live backend brings it, so that nothing here asks.
pub type WallClock = Box<dyn Fn() -> i64 + Send>;

/// The one writer of a store file.
pub struct Store {
    db: Connection,
    path: PathBuf,
    clock: WallClock,
    boot: u32,
    sessions: BTreeMap<SessionId, Arc<LiveSession>>,
    hosts: KnownHosts,
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
            sessions: BTreeMap::new(),
            hosts: KnownHosts::default(),
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
        let before: Vec<SessionId> = self.sessions.keys().copied().collect();
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
        let mut tx = self.begin()?;
        let mut counts = Tally::default();
        let mut results = Vec::with_capacity(orders.len());
        for order in orders {
            let result = in_savepoint(&mut tx, order.verb);
            match &result {
                Ok(_) => counts.add(std::mem::take(&mut tx.tally)),
                Err(StoreError::Refused(_)) => tx.tally = Tally::default(),
                Err(error) => return Err(error.clone()),
            }
            results.push(result);
        }
        tx.commit(counts)?;
        Ok(results)
    }

    fn begin(&mut self) -> Result<Transaction<'_>, StoreError> {
        self.db.run("BEGIN IMMEDIATE", [])?;
        let now = (self.clock)();
        Ok(Transaction {
            db: &self.db,
            sessions: &mut self.sessions,
            hosts: &mut self.hosts,
            now,
            stamp: sql::iso(now),
            boot: self.boot,
            tally: Tally::default(),
            frontiers: BTreeMap::new(),
        })
    }

    /// After a panic in `apply`: nothing of its batch stays.
    pub fn recover(&mut self) {
        let open: Vec<SessionId> = self.sessions.keys().copied().collect();
        self.undo(&open);
    }

    /// After a failed batch: nothing of it may stay, neither in the file nor in memory.
    fn undo(&mut self, before: &[SessionId]) {
        if !self.db.is_autocommit() {
            // SQLite may have rolled back already; a second refusal changes nothing.
            let _ = self.db.execute_batch("ROLLBACK");
        }
        self.hosts.forget();
        self.sessions.retain(|session, _| before.contains(session));
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        opening::close(&self.db);
    }
}

/// One verb in a savepoint of its own.
fn in_savepoint(tx: &mut Transaction<'_>, verb: StoreVerb) -> Result<StoreReceipt, StoreError> {
    tx.db.run("SAVEPOINT verb", [])?;
    let frontiers = tx.frontiers.clone();
    let result = carry_out(tx, verb);
    if tx.db.is_autocommit() {
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
            tx.db.run("ROLLBACK TO verb", [])?;
            tx.hosts.forget();
            tx.frontiers = frontiers;
        }
        Err(_) => return result,
    }
    tx.db.run("RELEASE verb", [])?;
    result
}

fn carry_out(tx: &mut Transaction<'_>, verb: StoreVerb) -> Result<StoreReceipt, StoreError> {
    Ok(match verb {
        StoreVerb::OpenSession(order) => StoreReceipt::Opened(Box::new(sessions::open(tx, order)?)),
        StoreVerb::Discover {
            session,
            batch,
            depth,
            links,
            batch_size,
        } => {
            let into = Destination {
                session,
                batch,
                depth,
                batch_size,
                rules: extract::RULES,
            };
            StoreReceipt::Discovered(frontier::discover(tx, into, &links)?)
        }
        StoreVerb::Admit {
            session,
            host,
            batch,
            after,
            limit,
        } => frontier::admit(tx, session, (batch, host), after, limit)?,
        StoreVerb::Mark {
            session,
            keys,
            lone,
        } => {
            in_flight::mark(tx, session, &keys, lone)?;
            StoreReceipt::Marked
        }
        StoreVerb::End(order) => StoreReceipt::Ended(page_end::end(tx, &order)?),
        StoreVerb::RequeueFailed { .. }
        | StoreVerb::CondemnFailed { .. }
        | StoreVerb::SkipFailed { .. }
        | StoreVerb::RequeueDead { .. }
        | StoreVerb::Drop { .. } => StoreReceipt::Moved(moves::carry_out(tx, verb)?),
        StoreVerb::Attempts { session, key } => {
            StoreReceipt::Attempts(page_end::attempts_of(tx, session, key)?)
        }
        StoreVerb::Note(note) => {
            sessions::note(tx, note)?;
            StoreReceipt::Noted
        }
        StoreVerb::KeepCookies(set) => {
            cookies::keep(tx, &set)?;
            StoreReceipt::Noted
        }
    })
}
