//! Cookies of sessions: kept while a session can be taken up again, and not longer. One that has
//! ended with dead letters can be, once they are requeued.

use rusqlite::{Connection, params};

use crate::{
    message::{
        receipts::StoreError,
        store_verbs::{KeptCookie, SetCookies},
    },
    model::ids::SessionId,
    store::{
        sessions,
        sql::{Statements, pair},
        transaction::Transaction,
    },
};

/// Keeps what changed. What comes after the session's end is of no use to anybody.
pub(crate) fn keep(tx: &Transaction<'_>, set: &SetCookies) -> Result<(), StoreError> {
    let session = set.session.0;
    if is_over_for_good(tx.db, set.session)? {
        return Ok(());
    }
    overwriting(tx.db, || {
        for cookie in &set.cookies {
            match &cookie.text {
                Some(text) => tx.db.run(
                    "INSERT INTO cf_cookie VALUES (?1, ?2, ?3)
                         ON CONFLICT DO UPDATE SET cookie = excluded.cookie",
                    params![session, cookie.place, text],
                )?,
                None => tx.db.run(
                    "DELETE FROM cf_cookie WHERE session = ?1 AND place = ?2",
                    params![session, cookie.place],
                )?,
            };
        }
        Ok(())
    })
}

/// The cookies of a session, by their places.
pub(crate) fn of(db: &Connection, session: SessionId) -> Result<Vec<KeptCookie>, StoreError> {
    db.all(
        "SELECT place, cookie FROM cf_cookie WHERE session = ?1 ORDER BY place",
        [session.0],
        |row| {
            Ok(KeptCookie {
                place: row.get(0)?,
                text: row.get(1)?,
            })
        },
    )
}

/// Whether nobody can take the session up again.
fn is_over_for_good(db: &Connection, session: SessionId) -> Result<bool, StoreError> {
    let found: Option<(String, bool)> = db.first(
        "SELECT state, EXISTS (SELECT 1 FROM cf_visit WHERE session = ?1 AND phase = 9)
         FROM cf_session WHERE id = ?1",
        [session.0],
        pair,
    )?;
    Ok(found.is_none_or(|(state, has_dead)| sessions::is_over_for_good(&state, has_dead)))
}

/// Nobody is to find the cookies of a session in the file that is over for good.
pub(crate) fn drop_if_over(db: &Connection, session: SessionId) -> Result<(), StoreError> {
    if !is_over_for_good(db, session)? {
        return Ok(());
    }
    overwriting(db, || {
        db.execute("DELETE FROM cf_cookie WHERE session = ?1", [session.0])?;
        Ok(())
    })
}

/// What is deleted or replaced meanwhile is overwritten with zeros. The pragma works when it is
/// compiled, so that it cannot be a cached statement.
fn overwriting(
    db: &Connection,
    change: impl FnOnce() -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    db.execute_batch("PRAGMA secure_delete = ON")?;
    let changed = change();
    db.execute_batch("PRAGMA secure_delete = OFF")?;
    changed
}
