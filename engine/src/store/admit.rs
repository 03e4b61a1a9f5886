//! What the engine takes into its window, and what it marks as in flight.

use std::time::Duration;

use rusqlite::{OptionalExtension, Row, params};

use crate::{
    message::{
        receipts::{StoreError, StoreReceipt},
        store_verbs::{Mode, StoredTask},
    },
    model::{
        class::ErrorClass,
        head::Validators,
        ids::{BatchId, HostId, PageKey, Seq, SessionId, StageId},
        page_url::PageUrl,
        phase::Phase,
        tries::Tries,
    },
    store::work::{Work, int, uint},
};

/// Reads waiting pages of a batch on a host, in the order of discovery.
pub(crate) fn admit(
    work: &Work<'_>,
    session: SessionId,
    (batch, host): (BatchId, HostId),
    after: Seq,
    limit: u32,
) -> Result<StoreReceipt, StoreError> {
    let live = work.live(session)?;
    let mut tasks: Vec<StoredTask> = work
        .db
        .prepare_cached(
            "SELECT p.key, w.seq, p.url, v.stage, v.batch, v.host, v.depth, v.phase, v.due_at,
             v.failed, v.dispatched, v.throttled, v.carried, v.suspect, v.reason, p.etag,
             p.last_modified
             FROM cf_waiting w JOIN cf_visit v ON v.session = w.session AND v.page = w.page
             JOIN cf_page p ON p.id = w.page
             WHERE w.session = ?1 AND w.batch = ?2 AND w.host = ?3 AND w.seq > ?4
             ORDER BY w.seq LIMIT ?5",
        )?
        .query_map(
            params![
                session.0,
                batch.0,
                host.0,
                int(after.0),
                i64::from(limit) + 1
            ],
            |row| read(row, work.now),
        )?
        .collect::<Result<_, _>>()?;
    let exhausted = tasks.len() <= limit as usize;
    tasks.truncate(limit as usize);
    for task in &mut tasks {
        // A list that answers 304 would hide the links it still has, and `full` fetches all.
        if live.mode == Mode::Full || !live.is_leaf(task.stage)? {
            task.validators = None;
        }
    }
    let cursor = tasks.last().map_or(after, |task| task.seq);
    Ok(StoreReceipt::Admitted {
        tasks,
        cursor,
        exhausted,
    })
}

fn read(row: &Row<'_>, now: i64) -> rusqlite::Result<StoredTask> {
    let phase = Phase::from_number(row.get(7)?).unwrap_or_default();
    let due_at: i64 = row.get(8)?;
    let cause = row.get_ref(14)?.as_str_or_null()?;
    let etag: Option<String> = row.get(15)?;
    let last_modified: Option<String> = row.get(16)?;
    Ok(StoredTask {
        key: PageKey(uuid::Uuid::from_bytes(row.get(0)?)),
        seq: Seq(uint(row.get(1)?)),
        url: PageUrl::new(row.get_ref(2)?.as_str()?, row.get_ref(12)?.as_str()?),
        stage: StageId(row.get(3)?),
        batch: BatchId(row.get(4)?),
        host: HostId(row.get(5)?),
        depth: row.get(6)?,
        phase,
        due_in: if phase == Phase::Backoff {
            Duration::from_millis(uint(due_at.saturating_sub(now)))
        } else {
            Duration::ZERO
        },
        cause: cause
            .filter(|_| phase == Phase::Backoff)
            .and_then(ErrorClass::from_name),
        tries: Tries {
            failed: row.get(9)?,
            dispatched: row.get(10)?,
            throttled: row.get(11)?,
        },
        suspect: row.get(13)?,
        validators: (etag.is_some() || last_modified.is_some()).then_some(Validators {
            etag,
            last_modified,
        }),
    })
}

/// Notes that attempts are in flight, for the case that the process ends before they do.
pub(crate) fn mark(
    work: &Work<'_>,
    session: SessionId,
    keys: &[PageKey],
    lone: bool,
) -> Result<(), StoreError> {
    work.live(session)?;
    let mut find = work.db.prepare_cached(
        "SELECT v.page, v.phase FROM cf_page p
         JOIN cf_visit v ON v.session = ?2 AND v.page = p.id WHERE p.key = ?1",
    )?;
    let mut note = work.db.prepare_cached(
        "INSERT INTO cf_in_flight VALUES (?1, ?2, ?3)
         ON CONFLICT DO UPDATE SET lone = excluded.lone",
    )?;
    for key in keys {
        let found: Option<(i64, u8)> = find
            .query_row(params![key.0.as_bytes(), session.0], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()?;
        let waits = |phase| Phase::from_number(phase).is_some_and(Phase::is_waiting);
        if let Some((page, _)) = found.filter(|(_, phase)| waits(*phase)) {
            note.execute(params![session.0, page, lone])?;
        }
    }
    Ok(())
}
