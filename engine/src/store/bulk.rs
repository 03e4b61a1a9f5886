//! Moves of pages that no attempt caused: requeued, condemned, dropped; and the one function that
//! moves a page's row.

use rusqlite::{Connection, OptionalExtension, Row, params, types::Value as Sql};

use crate::{
    message::{
        receipts::{MovedCount, StoreError},
        store_verbs::DeadSelector,
    },
    model::{
        class::{ErrorClass, SkipReason},
        ids::{BatchId, HostId, PageKey, SessionId, StageId},
        phase::Phase,
    },
    store::{
        cookies, discover,
        work::{Place, Stand, Work},
    },
};

/// A page's row in a session.
pub(crate) struct Visit {
    pub(crate) place: Place,
    pub(crate) page: i64,
    pub(crate) seq: i64,
    pub(crate) reason: Option<String>,
    /// The oldest rules by which what it carries was read.
    pub(crate) rules: u32,
    phase: Phase,
}

impl Visit {
    pub(crate) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            place: Place {
                session: SessionId(row.get(0)?),
                stage: StageId(row.get(3)?),
                batch: BatchId(row.get(4)?),
                host: HostId(row.get(5)?),
            },
            page: row.get(1)?,
            seq: row.get(2)?,
            phase: Phase::from_number(row.get(6)?).unwrap_or_default(),
            reason: row.get(7)?,
            rules: row.get(8)?,
        })
    }

    /// How it failed, where it has.
    fn class(&self) -> Option<ErrorClass> {
        let has = matches!(self.phase, Phase::Failed | Phase::Dead);
        self.reason
            .as_deref()
            .filter(|_| has)
            .and_then(ErrorClass::from_name)
    }

    pub(crate) const fn phase(&self) -> Phase {
        self.phase
    }

    /// How it is counted now.
    pub(crate) fn stand(&self) -> Stand {
        Stand::of(self.phase, self.reason.as_deref())
    }
}

pub(crate) const VISIT_COLUMNS: &str =
    "v.session, v.page, v.seq, v.stage, v.batch, v.host, v.phase, v.reason, v.rules";

/// The row of a page that is known to have one.
pub(crate) fn visit(db: &Connection, session: SessionId, page: i64) -> Result<Visit, StoreError> {
    let sql =
        format!("SELECT {VISIT_COLUMNS} FROM cf_visit v WHERE v.session = ?1 AND v.page = ?2");
    Ok(db
        .prepare_cached(&sql)?
        .query_row(params![session.0, page], Visit::read)?)
}

/// What becomes of a page.
#[derive(Clone, Copy)]
pub(crate) struct Fate {
    pub(crate) stand: Stand,
    /// Failed attempts and throttles are forgotten, and the page gets a new number.
    pub(crate) afresh: bool,
}

impl Fate {
    pub(crate) const fn plain(stand: Stand) -> Self {
        Self {
            stand,
            afresh: false,
        }
    }
}

/// Moves a page's row, its place in the frontier, its mark and its counts.
pub(crate) fn turn(work: &mut Work<'_>, visit: &Visit, fate: Fate) -> Result<(), StoreError> {
    let (session, page) = (visit.place.session, visit.page);
    let phase = fate.stand.phase();
    let reason = match fate.stand {
        Stand::Dead(class) => Some(class.name()),
        Stand::Skipped(reason) => Some(reason.name()),
        Stand::Plain(_) => visit.reason.as_deref(),
    };
    if visit.phase.is_waiting() && !phase.is_waiting() {
        unwait(work, visit)?;
    }
    let seq = if fate.afresh {
        let seq = work.next_seq(session)?;
        discover::wait(work, visit.place, seq, page)?;
        seq
    } else {
        visit.seq
    };
    let sql = if fate.afresh {
        "UPDATE cf_visit SET phase = ?3, reason = ?4, seq = ?5, due_at = 0, failed = 0,
         throttled = 0, crashes = 0 WHERE session = ?1 AND page = ?2"
    } else {
        "UPDATE cf_visit SET phase = ?3, reason = ?4, seq = ?5, due_at = 0
         WHERE session = ?1 AND page = ?2"
    };
    work.db
        .prepare_cached(sql)?
        .execute(params![session.0, page, phase as u8, reason, seq])?;
    unmark(work.db, session, page)?;
    work.tally.shift(visit.place, visit.stand(), fate.stand);
    Ok(())
}

/// Takes a page out of the frontier.
pub(crate) fn unwait(work: &Work<'_>, visit: &Visit) -> Result<(), StoreError> {
    let at = visit.place;
    work.db
        .prepare_cached(
            "DELETE FROM cf_waiting WHERE session = ?1 AND batch = ?2 AND host = ?3 AND seq = ?4",
        )?
        .execute(params![at.session.0, at.batch.0, at.host.0, visit.seq])?;
    Ok(())
}

/// The attempt is no longer in flight.
pub(crate) fn unmark(db: &Connection, session: SessionId, page: i64) -> Result<(), StoreError> {
    db.prepare_cached("DELETE FROM cf_in_flight WHERE session = ?1 AND page = ?2")?
        .execute(params![session.0, page])?;
    Ok(())
}

/// The process has died too often while parsing this page alone.
pub(crate) fn crash(work: &mut Work<'_>, visit: &Visit) -> Result<(), StoreError> {
    turn(work, visit, Fate::plain(Stand::Dead(ErrorClass::Crash)))?;
    work.db.execute(
        "INSERT OR REPLACE INTO cf_evidence VALUES (?1, ?2, ?3, ?4, NULL, NULL)",
        params![visit.place.session.0, visit.page, work.now, CRASH_MESSAGE],
    )?;
    Ok(())
}

pub(crate) const CRASH_MESSAGE: &str =
    "the process ended three times while it parsed this page alone";

pub(crate) fn requeue_failed(
    work: &mut Work<'_>,
    session: SessionId,
    batch: Option<BatchId>,
    stage: StageId,
) -> Result<Vec<MovedCount>, StoreError> {
    let fate = |_: &Visit| Fate {
        stand: Stand::Plain(Phase::Queued),
        afresh: true,
    };
    let visits = failed(work, session, batch, stage)?;
    turn_all(work, &visits, fate)
}

pub(crate) fn condemn_failed(
    work: &mut Work<'_>,
    session: SessionId,
    batch: Option<BatchId>,
    stage: StageId,
) -> Result<Vec<MovedCount>, StoreError> {
    let fate = |visit: &Visit| Fate::plain(Stand::of(Phase::Dead, visit.reason.as_deref()));
    let visits = failed(work, session, batch, stage)?;
    turn_all(work, &visits, fate)
}

pub(crate) fn skip_failed(
    work: &mut Work<'_>,
    session: SessionId,
    (batch, stage): (BatchId, StageId),
    keys: Vec<PageKey>,
    reason: SkipReason,
) -> Result<Vec<MovedCount>, StoreError> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let named = DeadSelector {
        keys,
        stage: Some(stage),
        ..DeadSelector::default()
    };
    let mut visits = select(work.db, session, &named, &[Phase::Failed])?;
    visits.retain(|visit| visit.place.batch == batch);
    turn_all(work, &visits, |_| Fate::plain(Stand::Skipped(reason)))
}

pub(crate) fn requeue_dead(
    work: &mut Work<'_>,
    session: SessionId,
    selector: &DeadSelector,
) -> Result<Vec<MovedCount>, StoreError> {
    let visits = select(work.db, session, selector, &[Phase::Dead])?;
    turn_all(work, &visits, |_| Fate {
        stand: Stand::Plain(Phase::Queued),
        afresh: true,
    })
}

/// Dead letters, or whatever still waits where pages are named.
pub(crate) fn drop_pages(
    work: &mut Work<'_>,
    session: SessionId,
    selector: &DeadSelector,
) -> Result<Vec<MovedCount>, StoreError> {
    let phases: &[Phase] = if selector.keys.is_empty() {
        &[Phase::Dead]
    } else {
        &[Phase::Dead, Phase::Queued, Phase::Backoff, Phase::Failed]
    };
    let visits = select(work.db, session, selector, phases)?;
    let moved = turn_all(work, &visits, |_| {
        Fate::plain(Stand::Plain(Phase::Cancelled))
    })?;
    // Its last dead letter may have been among them.
    cookies::settle(work.db, session)?;
    Ok(moved)
}

fn turn_all(
    work: &mut Work<'_>,
    visits: &[Visit],
    fate: impl Fn(&Visit) -> Fate,
) -> Result<Vec<MovedCount>, StoreError> {
    let mut moved: Vec<MovedCount> = Vec::new();
    for visit in visits {
        turn(work, visit, fate(visit))?;
        count(&mut moved, visit);
    }
    moved.sort_by_key(|count| {
        (
            count.batch,
            count.stage,
            count.host,
            count.from as u8,
            count.class,
        )
    });
    Ok(moved)
}

fn count(moved: &mut Vec<MovedCount>, visit: &Visit) {
    let (at, from, class) = (visit.place, visit.phase, visit.class());
    match moved.iter_mut().find(|count| {
        (count.batch, count.stage, count.host) == (at.batch, at.stage, at.host)
            && (count.from, count.class) == (from, class)
    }) {
        Some(known) => known.count += 1,
        None => moved.push(MovedCount {
            batch: at.batch,
            stage: at.stage,
            host: at.host,
            from,
            class,
            count: 1,
        }),
    }
}

fn failed(
    work: &Work<'_>,
    session: SessionId,
    batch: Option<BatchId>,
    stage: StageId,
) -> Result<Vec<Visit>, StoreError> {
    let sql = format!(
        "SELECT {VISIT_COLUMNS} FROM cf_visit v WHERE v.session = ?1 AND v.stage = ?2
         AND v.phase = 8 AND (?3 IS NULL OR v.batch = ?3) ORDER BY v.seq"
    );
    let visits = work
        .db
        .prepare_cached(&sql)?
        .query_map(
            params![session.0, stage.0, batch.map(|batch| batch.0)],
            Visit::read,
        )?
        .collect::<Result<_, _>>()?;
    Ok(visits)
}

/// The pages of a session in one of these phases that the selector means, in their order.
pub(crate) fn select(
    db: &Connection,
    session: SessionId,
    selector: &DeadSelector,
    phases: &[Phase],
) -> Result<Vec<Visit>, StoreError> {
    if selector.keys.is_empty() {
        return select_by(db, session, selector, phases, None);
    }
    let mut visits = Vec::new();
    for key in &selector.keys {
        let page: Option<i64> = db
            .prepare_cached("SELECT id FROM cf_page WHERE key = ?1")?
            .query_row([key.0.as_bytes()], |row| row.get(0))
            .optional()?;
        if let Some(page) = page {
            visits.extend(select_by(db, session, selector, phases, Some(page))?);
        }
    }
    visits.sort_by_key(|visit| visit.seq);
    visits.dedup_by_key(|visit| visit.page);
    Ok(visits)
}

fn select_by(
    db: &Connection,
    session: SessionId,
    selector: &DeadSelector,
    phases: &[Phase],
    page: Option<i64>,
) -> Result<Vec<Visit>, StoreError> {
    use std::fmt::Write as _;

    let numbers: Vec<String> = phases.iter().map(|p| (*p as u8).to_string()).collect();
    let mut sql = format!(
        "SELECT {VISIT_COLUMNS}, h.scheme, h.name, h.port FROM cf_visit v
         JOIN cf_host h ON h.id = v.host WHERE v.session = ?",
    );
    match numbers.as_slice() {
        // Written as the partial index has it, or SQLite would not use it.
        [one] => write!(sql, " AND v.phase = {one}"),
        many => write!(sql, " AND v.phase IN ({})", many.join(", ")),
    }
    .expect("writing to a string cannot fail");
    let mut values = vec![Sql::Integer(session.0.into())];
    let filters = [
        (" AND v.page = ?", page.map(Sql::Integer)),
        (
            " AND v.stage = ?",
            selector.stage.map(|stage| Sql::Integer(stage.0.into())),
        ),
        (
            " AND v.reason = ?",
            selector.class.map(|class| Sql::Text(class.name().into())),
        ),
        (
            " AND (h.name = ? OR h.name || ':' || h.port = ?)",
            selector.host.clone().map(Sql::Text),
        ),
    ];
    for (text, value) in filters {
        if let Some(value) = value {
            sql.push_str(text);
            values.extend(std::iter::repeat_n(value, text.matches('?').count()));
        }
    }
    sql.push_str(" ORDER BY v.seq");
    let visits = db
        .prepare_cached(&sql)?
        .query_map(rusqlite::params_from_iter(values), Visit::read)?
        .collect::<Result<_, _>>()?;
    Ok(visits)
}
