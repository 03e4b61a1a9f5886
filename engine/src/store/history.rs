//! A page's attempts, read back for a person (SPEC C6).

use std::time::Duration;

use rusqlite::params;

use crate::{
    message::{
        receipts::StoreError,
        store_verbs::{AttemptRow, SHOWN_ATTEMPTS},
    },
    model::{
        class::ErrorClass,
        ids::{PageKey, SessionId},
    },
    store::work::{Work, uint},
};

/// The latest attempts at a page, oldest first; none for a page without any.
pub(crate) fn attempts(
    work: &Work<'_>,
    session: SessionId,
    key: PageKey,
) -> Result<Vec<AttemptRow>, StoreError> {
    let ago = |at: i64| Duration::from_millis(uint(work.now.saturating_sub(at)));
    let mut rows: Vec<AttemptRow> = work
        .db
        .prepare_cached(
            "SELECT dispatch, began_at, ended_at, fetch_us, parse_us, bytes, status, class, message
             FROM cf_attempt
             WHERE session = ?1 AND page = (SELECT id FROM cf_page WHERE key = ?2)
             ORDER BY ended_at DESC, dispatch DESC LIMIT ?3",
        )?
        .query_map(
            params![session.0, key.0.as_bytes(), SHOWN_ATTEMPTS],
            |row| {
                Ok(AttemptRow {
                    dispatch: row.get(0)?,
                    began_ago: ago(row.get(1)?),
                    ended_ago: ago(row.get(2)?),
                    fetch: Duration::from_micros(uint(row.get(3)?)),
                    parse: Duration::from_micros(uint(row.get(4)?)),
                    bytes: uint(row.get(5)?),
                    status: row.get(6)?,
                    class: row
                        .get::<_, Option<String>>(7)?
                        .as_deref()
                        .and_then(ErrorClass::from_name),
                    message: row.get(8)?,
                })
            },
        )?
        .collect::<Result<_, _>>()?;
    rows.reverse();
    Ok(rows)
}
