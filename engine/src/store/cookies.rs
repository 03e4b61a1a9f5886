//! Cookies of sessions: kept while a session can be taken up again, and not longer. One that has
//! ended with dead letters can be, once they are requeued.

use rusqlite::{Connection, OptionalExtension, params};

use crate::{
    message::{
        cookies::{KeptCookie, SetCookies},
        receipts::StoreError,
    },
    model::ids::SessionId,
    store::{session::ENDED, work::Work},
};

/// Keeps what changed. What comes after the session's end is of no use to anybody.
pub(crate) fn keep(work: &Work<'_>, set: &SetCookies) -> Result<(), StoreError> {
    let session = set.session.0;
    if is_over_for_good(work.db, set.session)? {
        return Ok(());
    }
    overwriting(work.db, || {
        for cookie in &set.cookies {
            match &cookie.text {
                Some(text) => work
                    .db
                    .prepare_cached(
                        "INSERT INTO cf_cookie VALUES (?1, ?2, ?3)
                         ON CONFLICT DO UPDATE SET cookie = excluded.cookie",
                    )?
                    .execute(params![session, cookie.place, text])?,
                None => work
                    .db
                    .prepare_cached("DELETE FROM cf_cookie WHERE session = ?1 AND place = ?2")?
                    .execute(params![session, cookie.place])?,
            };
        }
        Ok(())
    })
}

/// The cookies of a session, by their places.
pub(crate) fn of(db: &Connection, session: SessionId) -> Result<Vec<KeptCookie>, StoreError> {
    Ok(db
        .prepare("SELECT place, cookie FROM cf_cookie WHERE session = ?1 ORDER BY place")?
        .query_map([session.0], |row| {
            Ok(KeptCookie {
                place: row.get(0)?,
                text: row.get(1)?,
            })
        })?
        .collect::<Result<_, _>>()?)
}

/// Whether nobody can take the session up again.
fn is_over_for_good(db: &Connection, session: SessionId) -> Result<bool, StoreError> {
    let found: Option<(String, bool)> = db
        .prepare_cached(
            "SELECT state, EXISTS (SELECT 1 FROM cf_visit WHERE session = ?1 AND phase = 9)
             FROM cf_session WHERE id = ?1",
        )?
        .query_row([session.0], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(found.is_none_or(|(state, has_dead)| {
        state == "discarded" || (ENDED.contains(&state.as_str()) && !has_dead)
    }))
}

/// Nobody is to find the cookies of a session in the file that is over for good.
pub(crate) fn settle(db: &Connection, session: SessionId) -> Result<(), StoreError> {
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
