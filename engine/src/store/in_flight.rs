//! In-flight marks: written before a page is parsed, erased by its end. What is marked when a
//! session is taken up again was in flight when the process died: a suspect, to be parsed alone.

use rusqlite::{Connection, params};

use crate::{
    message::{receipts::StoreError, store_verbs::LONE_CRASHES},
    model::{
        class::ErrorClass,
        ids::{PageKey, SessionId},
        phase::Phase,
    },
    store::{
        counts::PageState,
        moves::{PageMove, move_page, visit},
        sql::{Statements, pair, value},
        transaction::Transaction,
    },
};

const CRASH_MESSAGE: &str = "the process ended three times while it parsed this page alone";

/// Notes that attempts are in flight, for the case that the process ends before they do; pages
/// that do not wait are passed over.
pub(crate) fn mark(
    tx: &Transaction<'_>,
    session: SessionId,
    keys: &[PageKey],
    lone: bool,
) -> Result<(), StoreError> {
    tx.session(session)?;
    for key in keys {
        let found: Option<(i64, u8)> = tx.db.first(
            "SELECT v.page, v.phase FROM cf_page p
             JOIN cf_visit v ON v.session = ?2 AND v.page = p.id WHERE p.key = ?1",
            params![key.0.as_bytes(), session.0],
            pair,
        )?;
        let waits = |phase| Phase::from_number(phase).is_some_and(Phase::is_waiting);
        if let Some((page, _)) = found.filter(|(_, phase)| waits(*phase)) {
            tx.db.run(
                "INSERT INTO cf_in_flight VALUES (?1, ?2, ?3)
                 ON CONFLICT DO UPDATE SET lone = excluded.lone",
                params![session.0, page, lone],
            )?;
        }
    }
    Ok(())
}

/// The attempt is no longer in flight.
pub(crate) fn unmark(db: &Connection, session: SessionId, page: i64) -> Result<(), StoreError> {
    db.run(
        "DELETE FROM cf_in_flight WHERE session = ?1 AND page = ?2",
        params![session.0, page],
    )?;
    Ok(())
}

/// No attempt of the session is in flight any more.
pub(crate) fn unmark_all(db: &Connection, session: SessionId) -> Result<(), StoreError> {
    db.run("DELETE FROM cf_in_flight WHERE session = ?1", [session.0])?;
    Ok(())
}

/// The engine has died and the session is taken up again: what is marked becomes suspect, or dead
/// after too many lone crashes.
pub(crate) fn suspect_marked(
    tx: &mut Transaction<'_>,
    session: SessionId,
) -> Result<(), StoreError> {
    let marked: Vec<(i64, bool)> = tx.db.all(
        "SELECT page, lone FROM cf_in_flight WHERE session = ?1 ORDER BY page",
        [session.0],
        pair,
    )?;
    unmark_all(tx.db, session)?;
    for (page, lone) in marked {
        let crashes: u32 = tx.db.one(
            "UPDATE cf_visit SET suspect = 1, crashes = crashes + ?3
             WHERE session = ?1 AND page = ?2 RETURNING crashes",
            params![session.0, page, lone],
            value,
        )?;
        let visit = visit(tx.db, session, page)?;
        if crashes >= LONE_CRASHES {
            move_page(tx, &visit, PageMove::to(PageState::Dead(ErrorClass::Crash)))?;
            tx.db.run(
                "INSERT OR REPLACE INTO cf_evidence VALUES (?1, ?2, ?3, ?4, NULL, NULL)",
                params![session.0, page, tx.now, CRASH_MESSAGE],
            )?;
        } else if visit.phase() == Phase::Backoff {
            move_page(tx, &visit, PageMove::to(PageState::Plain(Phase::Queued)))?;
        }
    }
    Ok(())
}
