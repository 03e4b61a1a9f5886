//! Count rows: what changes them, gathered and written once a transaction, and what they say of a
//! session.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};

use crate::{
    message::receipts::{KnownHost, OverCounts, StoreError},
    model::{
        class::{ErrorClass, SkipReason},
        host_key::HostKey,
        ids::{BatchId, HostId, SessionId, StageId},
        phase::Phase,
        remark::{Remark, Remarks},
    },
    store::sql::{Statements, int, pair, uint},
};

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
pub(crate) enum PageState {
    Plain(Phase),
    Skipped(SkipReason),
    Dead(ErrorClass),
}

impl PageState {
    pub(crate) const fn phase(self) -> Phase {
        match self {
            Self::Plain(phase) => phase,
            Self::Skipped(_) => Phase::Skipped,
            Self::Dead(_) => Phase::Dead,
        }
    }

    /// The skip's reason, or what failed for good.
    pub(crate) const fn reason(self) -> Option<&'static str> {
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
    pub(crate) fn enter(&mut self, at: Place, state: PageState) {
        self.count(at, state, 1);
    }

    /// A page moved from one state to another.
    pub(crate) fn shift(&mut self, at: Place, from: PageState, to: PageState) {
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

    fn count(&mut self, at: Place, state: PageState, by: i64) {
        let phase = state.phase();
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
        if let Some(reason) = state.reason() {
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
        for ((session, batch, stage, phase), n) in self.pages {
            if n != 0 {
                db.run(
                    "INSERT INTO cf_count VALUES (?1, ?2, ?3, ?4, ?5)
                     ON CONFLICT DO UPDATE SET n = n + excluded.n",
                    params![session.0, batch.0, stage.0, phase as u8, n],
                )?;
            }
        }
        for ((session, host), (waiting, finished)) in self.hosts {
            db.run(
                "INSERT INTO cf_host_count VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT DO UPDATE SET waiting = waiting + excluded.waiting,
                                           finished = finished + excluded.finished",
                params![session.0, host.0, waiting, finished],
            )?;
        }
        for ((session, phase, reason), n) in self.reasons {
            db.run(
                "INSERT INTO cf_reason VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT DO UPDATE SET n = n + excluded.n",
                params![session.0, phase as u8, reason, n],
            )?;
        }
        for (session, (records, bytes)) in self.sessions {
            db.run(
                "UPDATE cf_session SET records = records + ?2, bytes = bytes + ?3 WHERE id = ?1",
                params![session.0, records, bytes],
            )?;
        }
        for (session, remarks) in &self.remarks {
            for (kind, n, first) in remarks.iter() {
                db.run(
                    "INSERT INTO cf_remark VALUES (?1, ?2, ?3, ?4)
                     ON CONFLICT DO UPDATE SET n = n + excluded.n",
                    params![session.0, kind.name(), int(n), first],
                )?;
            }
        }
        Ok(())
    }
}

/// Pages by batch, stage and phase.
pub(crate) fn pages(
    db: &Connection,
    session: SessionId,
) -> Result<Vec<(BatchId, StageId, Phase, u64)>, StoreError> {
    db.all(
        "SELECT batch, stage, phase, n FROM cf_count WHERE session = ?1 AND n <> 0
         ORDER BY batch, stage, phase",
        [session.0],
        |row| {
            Ok((
                BatchId(row.get(0)?),
                StageId(row.get(1)?),
                Phase::from_number(row.get(2)?).unwrap_or_default(),
                uint(row.get(3)?),
            ))
        },
    )
}

/// Hosts of a session, by their numbers.
pub(crate) fn hosts(db: &Connection, session: SessionId) -> Result<Vec<KnownHost>, StoreError> {
    db.all(
        // Those that failed are few, and have an index each.
        "WITH dead AS (SELECT host, count(*) AS n FROM cf_visit
                       WHERE session = ?1 AND phase = 9 GROUP BY host),
            failed AS (SELECT host, count(*) AS n FROM cf_visit
                       WHERE session = ?1 AND phase = 8 GROUP BY host),
            -- Mostly nobody has dropped anything: then no page is looked at.
            cancelled AS (SELECT host, count(*) AS n FROM cf_visit
                          WHERE session = ?1 AND phase = 11 AND EXISTS
                                (SELECT 1 FROM cf_count WHERE session = ?1 AND phase = 11 AND n <> 0)
                          GROUP BY host)
         SELECT h.id, h.scheme, h.name, h.port, c.waiting, h.learned,
                c.finished - ifnull(dead.n, 0) - ifnull(cancelled.n, 0),
                ifnull(dead.n, 0), ifnull(failed.n, 0), ifnull(cancelled.n, 0)
         FROM cf_host_count c JOIN cf_host h ON h.id = c.host
         LEFT JOIN dead ON dead.host = h.id LEFT JOIN failed ON failed.host = h.id
         LEFT JOIN cancelled ON cancelled.host = h.id
         WHERE c.session = ?1 ORDER BY h.id",
        [session.0],
        |row| {
            let learned: Option<String> = row.get(5)?;
            Ok(KnownHost {
                id: HostId(row.get(0)?),
                key: HostKey {
                    scheme: row.get(1)?,
                    name: row.get(2)?,
                    port: row.get(3)?,
                },
                waiting: uint(row.get(4)?),
                gone: OverCounts {
                    finished: uint(row.get(6)?),
                    dead: uint(row.get(7)?),
                    failed: uint(row.get(8)?),
                    cancelled: uint(row.get(9)?),
                },
                learned: learned.and_then(|text| serde_json::from_str(&text).ok()),
            })
        },
    )
}

/// How many attempts of each batch's stage were judged.
pub(crate) fn stage_attempts(
    db: &Connection,
    session: SessionId,
) -> Result<Vec<(BatchId, StageId, u32)>, StoreError> {
    db.all(
        "SELECT batch, stage, count(*) FROM cf_result
         WHERE session = ?1 AND batch IS NOT NULL AND stage IS NOT NULL
         GROUP BY batch, stage ORDER BY batch, stage",
        [session.0],
        |row| Ok((BatchId(row.get(0)?), StageId(row.get(1)?), row.get(2)?)),
    )
}

/// Skipped pages by reason.
pub(crate) fn skipped(
    db: &Connection,
    session: SessionId,
) -> Result<Vec<(SkipReason, u64)>, StoreError> {
    reasons(db, session, Phase::Skipped, |name| {
        Some(SkipReason::from_name(name).unwrap_or(SkipReason::Unknown))
    })
}

/// Dead letters by class.
pub(crate) fn dead(
    db: &Connection,
    session: SessionId,
) -> Result<Vec<(ErrorClass, u64)>, StoreError> {
    reasons(db, session, Phase::Dead, ErrorClass::from_name)
}

fn reasons<T>(
    db: &Connection,
    session: SessionId,
    phase: Phase,
    of_name: impl Fn(&str) -> Option<T>,
) -> Result<Vec<(T, u64)>, StoreError> {
    let named = db.all(
        "SELECT reason, n FROM cf_reason WHERE session = ?1 AND phase = ?2 AND n <> 0
         ORDER BY reason",
        [session.0, phase as u32],
        pair::<String, i64>,
    )?;
    let named = named.into_iter();
    Ok(named
        .filter_map(|(name, n)| Some((of_name(&name)?, uint(n))))
        .collect())
}

/// What the session says at its end, so far.
pub(crate) fn remarks(db: &Connection, session: SessionId) -> Result<Remarks, StoreError> {
    let all = db.all(
        "SELECT kind, n, first FROM cf_remark WHERE session = ?1",
        [session.0],
        |row| {
            let kind: String = row.get(0)?;
            Ok((Remark::from_name(&kind), uint(row.get(1)?), row.get(2)?))
        },
    )?;
    let known = all.into_iter();
    Ok(known
        .filter_map(|(kind, n, first)| Some((kind?, n, first)))
        .collect())
}
