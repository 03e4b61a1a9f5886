//! One batch at work: the connection, the time, and the counts that are written once at its end.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::Arc,
};

use rusqlite::{Connection, params};

use crate::{
    message::receipts::StoreError,
    model::{
        class::{ErrorClass, SkipReason},
        ids::{BatchId, HostId, SessionId, StageId},
        phase::Phase,
        remark::Remarks,
    },
    store::live::{Hosts, Live},
};

/// What every verb works with.
pub(crate) struct Work<'a> {
    pub(crate) db: &'a Connection,
    pub(crate) lives: &'a mut BTreeMap<SessionId, Arc<Live>>,
    pub(crate) hosts: &'a mut Hosts,
    /// Milliseconds since 1970.
    pub(crate) now: i64,
    /// `now` as ISO 8601.
    pub(crate) stamp: String,
    pub(crate) boot: u32,
    /// Of the verb at hand.
    pub(crate) tally: Tally,
    /// Of each session whose frontier this batch of orders extends.
    pub(crate) frontiers: BTreeMap<SessionId, Frontier>,
}

/// Where a session's frontier ends.
#[derive(Clone, Copy)]
pub(crate) struct Frontier {
    next_seq: i64,
    /// The newest batch, and how many pages of the entry stage it holds.
    batch: BatchId,
    pages: u32,
}

impl Work<'_> {
    /// The open session of this id.
    pub(crate) fn live(&self, session: SessionId) -> Result<Arc<Live>, StoreError> {
        self.lives.get(&session).cloned().ok_or_else(|| {
            StoreError::Refused(format!("session {} is not open in this store", session.0))
        })
    }

    fn frontier(&mut self, session: SessionId) -> Result<&mut Frontier, StoreError> {
        match self.frontiers.entry(session) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(place) => {
                let read = self
                    .db
                    .prepare_cached(
                        "SELECT next_seq, batch, batch_pages FROM cf_session WHERE id = ?1",
                    )?
                    .query_row([session.0], |row| {
                        Ok(Frontier {
                            next_seq: row.get(0)?,
                            batch: BatchId(row.get(1)?),
                            pages: row.get(2)?,
                        })
                    })?;
                Ok(place.insert(read))
            }
        }
    }

    /// A number that the session's frontier has not given before.
    pub(crate) fn next_seq(&mut self, session: SessionId) -> Result<i64, StoreError> {
        let frontier = self.frontier(session)?;
        frontier.next_seq += 1;
        Ok(frontier.next_seq - 1)
    }

    /// The batch that takes a new page of the entry stage: the newest one until it holds `size`
    /// pages (0: no bound), then the next; never one before `least`.
    pub(crate) fn entry_batch(
        &mut self,
        session: SessionId,
        least: BatchId,
        size: u32,
    ) -> Result<BatchId, StoreError> {
        let frontier = self.frontier(session)?;
        if frontier.batch < least {
            (frontier.batch, frontier.pages) = (least, 0);
        }
        if size > 0 && frontier.pages >= size {
            (frontier.batch.0, frontier.pages) = (frontier.batch.0 + 1, 0);
        }
        frontier.pages += 1;
        Ok(frontier.batch)
    }

    /// Writes down where the frontiers end.
    pub(crate) fn flush_frontiers(&self) -> Result<(), StoreError> {
        let mut keep = self.db.prepare_cached(
            "UPDATE cf_session SET next_seq = ?2, batch = ?3, batch_pages = ?4 WHERE id = ?1",
        )?;
        for (session, end) in &self.frontiers {
            keep.execute(params![session.0, end.next_seq, end.batch.0, end.pages])?;
        }
        Ok(())
    }
}

/// Changes of the count rows.
#[derive(Default)]
pub(crate) struct Tally {
    pages: BTreeMap<(SessionId, BatchId, StageId, Phase), i64>,
    hosts: BTreeMap<(SessionId, HostId), (i64, i64)>,
    reasons: BTreeMap<(SessionId, Phase, &'static str), i64>,
    sessions: BTreeMap<SessionId, (i64, i64)>,
    remarks: BTreeMap<SessionId, Remarks>,
}

/// Where a page is counted.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) session: SessionId,
    pub(crate) batch: BatchId,
    pub(crate) stage: StageId,
    pub(crate) host: HostId,
}

/// A phase as it is counted, with what belongs to it.
#[derive(Clone, Copy)]
pub(crate) enum Stand {
    Plain(Phase),
    Skipped(SkipReason),
    Dead(ErrorClass),
}

impl Stand {
    pub(crate) const fn phase(self) -> Phase {
        match self {
            Self::Plain(phase) => phase,
            Self::Skipped(_) => Phase::Skipped,
            Self::Dead(_) => Phase::Dead,
        }
    }

    const fn reason(self) -> Option<&'static str> {
        match self {
            Self::Plain(_) => None,
            Self::Skipped(reason) => Some(reason.name()),
            Self::Dead(class) => Some(class.name()),
        }
    }

    /// As the store keeps it: phase and reason.
    pub(crate) fn of(phase: Phase, reason: Option<&str>) -> Self {
        match phase {
            Phase::Skipped => Self::Skipped(
                reason
                    .and_then(SkipReason::from_name)
                    .unwrap_or(SkipReason::Unknown),
            ),
            Phase::Dead => Self::Dead(
                reason
                    .and_then(ErrorClass::from_name)
                    .unwrap_or(ErrorClass::Unknown),
            ),
            phase => Self::Plain(phase),
        }
    }
}

impl Tally {
    /// A page is new.
    pub(crate) fn enter(&mut self, at: Place, stand: Stand) {
        self.count(at, stand, 1);
    }

    /// A page moved.
    pub(crate) fn shift(&mut self, at: Place, from: Stand, to: Stand) {
        self.count(at, from, -1);
        self.count(at, to, 1);
    }

    /// Records were saved and bytes received.
    pub(crate) fn receive(&mut self, session: SessionId, records: i64, bytes: i64) {
        let sums = self.sessions.entry(session).or_default();
        sums.0 += records;
        sums.1 += bytes;
    }

    /// Something is to be said at the session's end.
    pub(crate) fn remark(&mut self, session: SessionId, remarks: &Remarks) {
        if !remarks.is_empty() {
            self.remarks.entry(session).or_default().merge(remarks);
        }
    }

    fn count(&mut self, at: Place, stand: Stand, by: i64) {
        let phase = stand.phase();
        *self
            .pages
            .entry((at.session, at.batch, at.stage, phase))
            .or_default() += by;
        let host = self.hosts.entry((at.session, at.host)).or_default();
        if phase.is_waiting() {
            host.0 += by;
        } else if phase.is_final() {
            host.1 += by;
        }
        if let Some(reason) = stand.reason() {
            *self.reasons.entry((at.session, phase, reason)).or_default() += by;
        }
    }

    /// Takes another tally's changes too.
    pub(crate) fn add(&mut self, other: Self) {
        for (key, by) in other.pages {
            *self.pages.entry(key).or_default() += by;
        }
        for (key, (waiting, finished)) in other.hosts {
            let host = self.hosts.entry(key).or_default();
            host.0 += waiting;
            host.1 += finished;
        }
        for (key, by) in other.reasons {
            *self.reasons.entry(key).or_default() += by;
        }
        for (session, (records, bytes)) in other.sessions {
            self.receive(session, records, bytes);
        }
        for (session, remarks) in other.remarks {
            self.remark(session, &remarks);
        }
    }

    /// Writes the changes into the count rows.
    pub(crate) fn flush(self, db: &Connection) -> Result<(), StoreError> {
        let mut pages = db.prepare_cached(
            "INSERT INTO cf_count VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO UPDATE SET n = n + excluded.n",
        )?;
        for ((session, batch, stage, phase), n) in self.pages {
            if n != 0 {
                pages.execute(params![session.0, batch.0, stage.0, phase as u8, n])?;
            }
        }
        let mut hosts = db.prepare_cached(
            "INSERT INTO cf_host_count VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET waiting = waiting + excluded.waiting,
                                       finished = finished + excluded.finished",
        )?;
        for ((session, host), (waiting, finished)) in self.hosts {
            hosts.execute(params![session.0, host.0, waiting, finished])?;
        }
        let mut reasons = db.prepare_cached(
            "INSERT INTO cf_reason VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET n = n + excluded.n",
        )?;
        for ((session, phase, reason), n) in self.reasons {
            reasons.execute(params![session.0, phase as u8, reason, n])?;
        }
        let mut sessions = db.prepare_cached(
            "UPDATE cf_session SET records = records + ?2, bytes = bytes + ?3 WHERE id = ?1",
        )?;
        for (session, (records, bytes)) in self.sessions {
            sessions.execute(params![session.0, records, bytes])?;
        }
        let mut said = db.prepare_cached(
            "INSERT INTO cf_remark VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET n = n + excluded.n",
        )?;
        for (session, remarks) in &self.remarks {
            for (kind, n, first) in remarks.iter() {
                said.execute(params![session.0, kind.name(), int(n), first])?;
            }
        }
        Ok(())
    }
}

/// A wall time in milliseconds as ISO 8601 in UTC.
pub(crate) fn iso(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms)
        .unwrap_or(jiff::Timestamp::UNIX_EPOCH)
        .strftime("%Y-%m-%dT%H:%M:%S%.3fZ")
        .to_string()
}

/// A duration in whole milliseconds.
pub(crate) fn millis(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4)
}

/// A count as SQLite keeps it.
pub(crate) fn int(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// A count as it comes from SQLite.
pub(crate) fn uint(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}
