//! One transaction: its connection and time, the sessions and hosts that the store knows, where
//! their frontiers end, and the counts that are written once at its end.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::Arc,
};

use rusqlite::{Connection, params};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::{
    message::{receipts::StoreError, store_verbs::Mode},
    model::{
        host_key::HostKey,
        ids::{BatchId, HostId, Seq, SessionId, StageId},
    },
    site::compiled::{Site, Stage},
    store::{
        counts::Tally,
        records::RecordTable,
        sql::{Statements, int, uint},
    },
};

/// What every verb works with.
pub(crate) struct Transaction<'a> {
    pub(crate) db: &'a Connection,
    pub(crate) sessions: &'a mut BTreeMap<SessionId, Arc<LiveSession>>,
    pub(crate) hosts: &'a mut KnownHosts,
    /// Milliseconds since 1970.
    pub(crate) now: i64,
    /// `now` as ISO 8601.
    pub(crate) stamp: String,
    /// Which start of an engine on this file it is, from 1.
    pub(crate) boot: u32,
    /// Of the verb at hand.
    pub(crate) tally: Tally,
    /// Of each session whose frontier this batch of orders extends.
    pub(crate) frontiers: BTreeMap<SessionId, FrontierEnd>,
}

impl Transaction<'_> {
    /// The open session of this id.
    pub(crate) fn session(&self, session: SessionId) -> Result<Arc<LiveSession>, StoreError> {
        self.sessions.get(&session).cloned().ok_or_else(|| {
            StoreError::Refused(format!("session {} is not open in this store", session.0))
        })
    }

    /// Where the session's frontier ends; to be extended.
    pub(crate) fn frontier(&mut self, session: SessionId) -> Result<&mut FrontierEnd, StoreError> {
        match self.frontiers.entry(session) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(place) => Ok(place.insert(self.db.one(
                "SELECT next_seq, batch, batch_pages FROM cf_session WHERE id = ?1",
                [session.0],
                |row| {
                    Ok(FrontierEnd {
                        next_seq: Seq(uint(row.get(0)?)),
                        batch: BatchId(row.get(1)?),
                        pages: row.get(2)?,
                    })
                },
            )?)),
        }
    }

    /// Writes down these counts and where the frontiers end, and commits.
    pub(crate) fn commit(self, counts: Tally) -> Result<(), StoreError> {
        counts.flush(self.db)?;
        for (session, end) in &self.frontiers {
            self.db.run(
                "UPDATE cf_session SET next_seq = ?2, batch = ?3, batch_pages = ?4 WHERE id = ?1",
                params![session.0, int(end.next_seq.0), end.batch.0, end.pages],
            )?;
        }
        self.db.run("COMMIT", [])?;
        Ok(())
    }
}

/// Where a session's frontier ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FrontierEnd {
    pub(crate) next_seq: Seq,
    /// The newest batch, and how many pages of the entry stage it holds.
    pub(crate) batch: BatchId,
    pub(crate) pages: u32,
}

impl FrontierEnd {
    /// Before the first page.
    pub(crate) const START: Self = Self {
        next_seq: Seq(1),
        batch: BatchId(0),
        pages: 0,
    };

    /// A number that it has not given before.
    pub(crate) const fn next_seq(&mut self) -> Seq {
        let seq = self.next_seq;
        self.next_seq.0 += 1;
        seq
    }

    /// The batch that takes a new page of the entry stage: the newest one until it holds `size`
    /// pages (0: no bound), then the next; never one before `least`.
    pub(crate) fn entry_batch(&mut self, least: BatchId, size: u32) -> BatchId {
        if self.batch < least {
            (self.batch, self.pages) = (least, 0);
        }
        if size > 0 && self.pages >= size {
            (self.batch.0, self.pages) = (self.batch.0 + 1, 0);
        }
        self.pages += 1;
        self.batch
    }
}

/// A session that this store has opened.
pub(crate) struct LiveSession {
    pub(crate) id: SessionId,
    pub(crate) site: Arc<Site>,
    pub(crate) mode: Mode,
    pub(crate) source: Option<String>,
    /// By stage and rule.
    pub(crate) tables: Vec<Vec<RecordTable>>,
}

impl LiveSession {
    /// Whether pages of this stage lead nowhere: mode *new* need not fetch them twice.
    pub(crate) fn is_leaf(&self, stage: StageId) -> Result<bool, StoreError> {
        let stage = self.site.stages.get(usize::from(stage.0)).ok_or_else(|| {
            StoreError::Refused(format!(
                "site {} has no stage number {}",
                self.site.name, stage.0
            ))
        });
        stage.map(Stage::is_leaf)
    }
}

/// Hosts that were looked up already; the tables are the truth.
#[derive(Default)]
pub(crate) struct KnownHosts {
    pub(crate) ids: FxHashMap<HostKey, HostId>,
    /// Those that have a count row in the session.
    pub(crate) seen: FxHashSet<(SessionId, HostId)>,
}

impl KnownHosts {
    /// After something was undone.
    pub(crate) fn forget(&mut self) {
        self.ids.clear();
        self.seen.clear();
    }
}
