//! Moves of pages that no attempt caused: requeued, condemned, dropped; and the one function that
//! moves a page's row.

use rusqlite::{Connection, Row, params, types::Value as Sql};

use crate::{
    message::{
        receipts::{MovedCount, StoreError},
        store_verbs::{DeadSelector, StoreVerb},
    },
    model::{
        class::ErrorClass,
        ids::{BatchId, HostId, Seq, SessionId, StageId},
        phase::Phase,
    },
    store::{
        cookies,
        counts::{PageState, Place},
        frontier, in_flight,
        sql::{Statements, int, uint, value},
        transaction::Transaction,
    },
};

/// A page's row in a session.
pub(crate) struct Visit {
    pub(crate) place: Place,
    pub(crate) page: i64,
    pub(crate) seq: Seq,
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
            seq: Seq(uint(row.get(2)?)),
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
    pub(crate) fn state(&self) -> PageState {
        PageState::of(self.phase, self.reason.as_deref())
    }
}

pub(crate) const VISIT_COLUMNS: &str =
    "v.session, v.page, v.seq, v.stage, v.batch, v.host, v.phase, v.reason, v.rules";

/// The row of a page that is known to have one.
pub(crate) fn visit(db: &Connection, session: SessionId, page: i64) -> Result<Visit, StoreError> {
    let sql =
        format!("SELECT {VISIT_COLUMNS} FROM cf_visit v WHERE v.session = ?1 AND v.page = ?2");
    db.one(&sql, params![session.0, page], Visit::read)
}

/// What becomes of a page.
#[derive(Clone, Copy)]
pub(crate) struct PageMove {
    pub(crate) state: PageState,
    /// Failed attempts and throttles are forgotten, and the page gets a new number.
    pub(crate) afresh: bool,
}

impl PageMove {
    const QUEUED_AFRESH: Self = Self {
        state: PageState::Plain(Phase::Queued),
        afresh: true,
    };

    pub(crate) const fn to(state: PageState) -> Self {
        Self {
            state,
            afresh: false,
        }
    }
}

/// Moves a page's row, its place in the frontier, its mark and its counts.
pub(crate) fn move_page(
    tx: &mut Transaction<'_>,
    visit: &Visit,
    fate: PageMove,
) -> Result<(), StoreError> {
    let (session, page) = (visit.place.session, visit.page);
    let phase = fate.state.phase();
    let reason = fate.state.reason().or(visit.reason.as_deref());
    if visit.phase.is_waiting() && !phase.is_waiting() {
        frontier::dequeue(tx, visit)?;
    }
    let (seq, sql) = if fate.afresh {
        let seq = tx.frontier(session)?.next_seq();
        frontier::enqueue(tx, visit.place, seq, page)?;
        let sql = "UPDATE cf_visit SET phase = ?3, reason = ?4, seq = ?5, due_at = 0, failed = 0,
                   throttled = 0, crashes = 0 WHERE session = ?1 AND page = ?2";
        (seq, sql)
    } else {
        let sql = "UPDATE cf_visit SET phase = ?3, reason = ?4, seq = ?5, due_at = 0
                   WHERE session = ?1 AND page = ?2";
        (visit.seq, sql)
    };
    let row = params![session.0, page, phase as u8, reason, int(seq.0)];
    tx.db.run(sql, row)?;
    in_flight::unmark(tx.db, session, page)?;
    tx.tally.shift(visit.place, visit.state(), fate.state);
    Ok(())
}

/// Carries out a verb that moves many pages; how many stood where.
pub(crate) fn carry_out(
    tx: &mut Transaction<'_>,
    verb: StoreVerb,
) -> Result<Vec<MovedCount>, StoreError> {
    match verb {
        StoreVerb::RequeueFailed {
            session,
            batch,
            stage,
        } => {
            let visits = failed(tx, session, batch, stage)?;
            move_pages(tx, &visits, |_| PageMove::QUEUED_AFRESH)
        }
        StoreVerb::CondemnFailed {
            session,
            batch,
            stage,
        } => {
            let visits = failed(tx, session, batch, stage)?;
            move_pages(tx, &visits, |visit| {
                PageMove::to(PageState::of(Phase::Dead, visit.reason.as_deref()))
            })
        }
        StoreVerb::SkipFailed {
            session,
            batch,
            stage,
            keys,
            reason,
        } => {
            let named = DeadSelector {
                keys,
                stage: Some(stage),
                ..DeadSelector::default()
            };
            let mut visits = match named.keys.as_slice() {
                [] => Vec::new(),
                _ => select(tx.db, session, &named, &[Phase::Failed])?,
            };
            visits.retain(|visit| visit.place.batch == batch);
            move_pages(tx, &visits, |_| PageMove::to(PageState::Skipped(reason)))
        }
        StoreVerb::RequeueDead { session, selector } => requeue_dead(tx, session, &selector),
        StoreVerb::Drop { session, selector } => drop_pages(tx, session, &selector),
        other => unreachable!("{other:?} moves no pages by itself"),
    }
}

pub(crate) fn requeue_dead(
    tx: &mut Transaction<'_>,
    session: SessionId,
    selector: &DeadSelector,
) -> Result<Vec<MovedCount>, StoreError> {
    let visits = select(tx.db, session, selector, selector.requeueable())?;
    move_pages(tx, &visits, |_| PageMove::QUEUED_AFRESH)
}

pub(crate) fn drop_pages(
    tx: &mut Transaction<'_>,
    session: SessionId,
    selector: &DeadSelector,
) -> Result<Vec<MovedCount>, StoreError> {
    let visits = select(tx.db, session, selector, selector.droppable())?;
    let moved = move_pages(tx, &visits, |_| {
        PageMove::to(PageState::Plain(Phase::Cancelled))
    })?;
    // Its last dead letter may have been among them.
    cookies::drop_if_over(tx.db, session)?;
    Ok(moved)
}

/// Moves all these pages; how many stood where.
fn move_pages(
    tx: &mut Transaction<'_>,
    visits: &[Visit],
    fate: impl Fn(&Visit) -> PageMove,
) -> Result<Vec<MovedCount>, StoreError> {
    for visit in visits {
        move_page(tx, visit, fate(visit))?;
    }
    Ok(MovedCount::all(visits.iter().map(|visit| {
        let at = visit.place;
        (at.batch, at.stage, at.host, visit.phase, visit.class())
    })))
}

fn failed(
    tx: &Transaction<'_>,
    session: SessionId,
    batch: Option<BatchId>,
    stage: StageId,
) -> Result<Vec<Visit>, StoreError> {
    let sql = format!(
        "SELECT {VISIT_COLUMNS} FROM cf_visit v WHERE v.session = ?1 AND v.stage = ?2
         AND v.phase = 8 AND (?3 IS NULL OR v.batch = ?3) ORDER BY v.seq"
    );
    let batch = batch.map(|batch| batch.0);
    tx.db
        .all(&sql, params![session.0, stage.0, batch], Visit::read)
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
        let sql = "SELECT id FROM cf_page WHERE key = ?1";
        if let Some(page) = db.first(sql, [key.0.as_bytes()], value)? {
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
    db.all(&sql, rusqlite::params_from_iter(values), Visit::read)
}
