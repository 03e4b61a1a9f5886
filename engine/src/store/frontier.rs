//! The frontier: links that the session does not know enter it, and waiting pages are read from it,
//! in the order of discovery.

use std::time::Duration;

use rusqlite::{Row, params};

use crate::{
    extract::output::Link,
    message::{
        receipts::{Discovered, StoreError, StoreReceipt},
        store_verbs::{Mode, StoredTask},
    },
    model::{
        class::{ErrorClass, SkipReason},
        head::Validators,
        host_key::HostKey,
        ids::{BatchId, HostId, PageKey, Seq, SessionId, StageId},
        page_url::PageUrl,
        phase::Phase,
        tries::Tries,
    },
    store::{
        counts::{PageState, Place},
        moves::Visit,
        sql::{Statements, int, pair, uint, value},
        transaction::{LiveSession, Transaction},
    },
};

/// Where the links of a page go.
#[derive(Clone, Copy)]
pub(crate) struct Destination {
    pub(crate) session: SessionId,
    /// For all but pages of the entry stage.
    pub(crate) batch: BatchId,
    pub(crate) depth: u32,
    /// Pages of the entry stage that a batch holds.
    pub(crate) batch_size: u32,
    /// By which the links, and what they carry, were read.
    pub(crate) rules: u32,
}

/// Adds the links that the session does not know.
pub(crate) fn discover(
    tx: &mut Transaction<'_>,
    into: Destination,
    links: &[Link],
) -> Result<Discovered, StoreError> {
    let live = tx.session(into.session)?;
    let mut found = Discovered::default();
    for link in links {
        enter(tx, &live, into, link, &mut found)?;
    }
    Ok(found)
}

/// What is known of a link's page.
#[derive(Default)]
struct Known {
    page: Option<i64>,
    visited: bool,
    complete: bool,
}

fn look_up(tx: &Transaction<'_>, session: SessionId, link: &Link) -> Result<Known, StoreError> {
    let key = link.key.0.as_bytes();
    let page = tx.db.first(
        "SELECT p.id, p.done_in IS NOT NULL, v.page IS NOT NULL FROM cf_page p
         LEFT JOIN cf_visit v ON v.session = ?2 AND v.page = p.id WHERE p.key = ?1",
        params![key, session.0],
        |row| {
            Ok(Known {
                page: row.get(0)?,
                complete: row.get(1)?,
                visited: row.get(2)?,
            })
        },
    )?;
    let mut known = page.unwrap_or_default();
    if known.visited {
        return Ok(known);
    }
    let alias = tx.db.first(
        "SELECT a.session, p.done_in IS NOT NULL FROM cf_alias a
         JOIN cf_page p ON p.id = a.page WHERE a.key = ?1",
        [key],
        pair::<u32, bool>,
    )?;
    if let Some((by, complete)) = alias {
        known.visited = by == session.0;
        known.complete |= complete;
    }
    Ok(known)
}

fn enter(
    tx: &mut Transaction<'_>,
    live: &LiveSession,
    into: Destination,
    link: &Link,
    found: &mut Discovered,
) -> Result<(), StoreError> {
    let stage = link.stage;
    let known = look_up(tx, live.id, link)?;
    if known.visited {
        found.known += 1;
        return Ok(());
    }
    let is_leaf = live.is_leaf(stage)?;
    let is_complete = known.complete && live.mode == Mode::New && is_leaf;
    let host = host_of(tx, live.id, &link.host, found)?;
    let frontier = tx.frontier(live.id)?;
    let batch = if stage == live.site.enter {
        frontier.entry_batch(into.batch, into.batch_size)
    } else {
        into.batch
    };
    let seq = frontier.next_seq();
    let place = Place {
        session: live.id,
        batch,
        stage,
        host,
    };
    let task = queued_task(link, into.depth, place, seq);
    let entered = if is_complete {
        PageState::Skipped(SkipReason::NotModified)
    } else {
        PageState::Plain(Phase::Queued)
    };
    let page = add(tx, live.id, (known.page, into.rules), &task, entered)?;
    tx.tally.enter(place, entered);
    if is_complete {
        found.count_complete(batch, stage, host);
        return Ok(());
    }
    enqueue(tx, place, seq, page)?;
    found.new.push(task);
    Ok(())
}

fn queued_task(link: &Link, depth: u32, at: Place, seq: Seq) -> StoredTask {
    let carried = serde_json::to_string(&link.carried).expect("maps of JSON have text keys");
    StoredTask {
        key: link.key,
        seq,
        url: PageUrl::new(&link.url, &carried),
        stage: at.stage,
        batch: at.batch,
        host: at.host,
        depth,
        phase: Phase::Queued,
        due_in: Duration::ZERO,
        cause: None,
        tries: Tries::default(),
        suspect: false,
        validators: None,
    }
}

/// A new row for a page in the session, and its own where no session knew it; its number.
fn add(
    tx: &Transaction<'_>,
    session: SessionId,
    (known, rules): (Option<i64>, u32),
    task: &StoredTask,
    state: PageState,
) -> Result<i64, StoreError> {
    let page = match known {
        Some(page) => page,
        None => tx.db.one(
            "INSERT INTO cf_page (key, url) VALUES (?1, ?2) RETURNING id",
            params![task.key.0.as_bytes(), &*task.url],
            value,
        )?,
    };
    tx.db.run(
        "INSERT INTO cf_visit (session, page, seq, stage, batch, host, depth, phase, reason,
         carried, rules) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        params![
            session.0,
            page,
            int(task.seq.0),
            task.stage.0,
            task.batch.0,
            task.host.0,
            task.depth,
            state.phase() as u8,
            state.reason(),
            task.url.carried(),
            rules,
        ],
    )?;
    Ok(page)
}

fn host_of(
    tx: &mut Transaction<'_>,
    session: SessionId,
    key: &HostKey,
    found: &mut Discovered,
) -> Result<HostId, StoreError> {
    let id = match tx.hosts.ids.get(key) {
        Some(id) => *id,
        None => host_row(tx, key)?,
    };
    if !tx.hosts.seen.insert((session, id)) {
        return Ok(id);
    }
    let added = tx.db.run(
        "INSERT INTO cf_host_count VALUES (?1, ?2, 0, 0) ON CONFLICT DO NOTHING",
        params![session.0, id.0],
    )?;
    if added > 0 {
        found.hosts.push((id, key.clone()));
    }
    Ok(id)
}

fn host_row(tx: &mut Transaction<'_>, key: &HostKey) -> Result<HostId, StoreError> {
    let known = tx.db.first(
        "SELECT id FROM cf_host WHERE scheme = ?1 AND name = ?2 AND port = ?3",
        params![key.scheme, key.name, key.port],
        value,
    )?;
    let id = HostId(match known {
        Some(id) => id,
        None => tx.db.one(
            "INSERT INTO cf_host (scheme, name, port) VALUES (?1, ?2, ?3) RETURNING id",
            params![key.scheme, key.name, key.port],
            value,
        )?,
    });
    tx.hosts.ids.insert(key.clone(), id);
    Ok(id)
}

/// Puts a page into the frontier.
pub(crate) fn enqueue(
    tx: &Transaction<'_>,
    at: Place,
    seq: Seq,
    page: i64,
) -> Result<(), StoreError> {
    tx.db.run(
        "INSERT INTO cf_waiting VALUES (?1, ?2, ?3, ?4, ?5)",
        params![at.session.0, at.batch.0, at.host.0, int(seq.0), page],
    )?;
    Ok(())
}

/// Takes a page out of the frontier.
pub(crate) fn dequeue(tx: &Transaction<'_>, visit: &Visit) -> Result<(), StoreError> {
    let at = visit.place;
    tx.db.run(
        "DELETE FROM cf_waiting WHERE session = ?1 AND batch = ?2 AND host = ?3 AND seq = ?4",
        params![at.session.0, at.batch.0, at.host.0, int(visit.seq.0)],
    )?;
    Ok(())
}

/// Reads waiting pages of a batch on a host, in the order of discovery.
pub(crate) fn admit(
    tx: &Transaction<'_>,
    session: SessionId,
    (batch, host): (BatchId, HostId),
    after: Seq,
    limit: u32,
) -> Result<StoreReceipt, StoreError> {
    let live = tx.session(session)?;
    let mut tasks = tx.db.all(
        "SELECT p.key, w.seq, p.url, v.stage, v.batch, v.host, v.depth, v.phase, v.due_at,
         v.failed, v.dispatched, v.throttled, v.carried, v.suspect, v.reason, p.etag,
         p.last_modified
         FROM cf_waiting w JOIN cf_visit v ON v.session = w.session AND v.page = w.page
         JOIN cf_page p ON p.id = w.page
         WHERE w.session = ?1 AND w.batch = ?2 AND w.host = ?3 AND w.seq > ?4
         ORDER BY w.seq LIMIT ?5",
        params![
            session.0,
            batch.0,
            host.0,
            int(after.0),
            i64::from(limit) + 1
        ],
        |row| stored_task(row, tx.now),
    )?;
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

fn stored_task(row: &Row<'_>, now: i64) -> rusqlite::Result<StoredTask> {
    let phase = Phase::from_number(row.get(7)?).unwrap_or_default();
    let backoff = (phase == Phase::Backoff).then_some(());
    let due_at: i64 = row.get(8)?;
    let reason = row.get_ref(14)?.as_str_or_null()?;
    let (etag, last_modified): (Option<String>, Option<String>) = (row.get(15)?, row.get(16)?);
    Ok(StoredTask {
        key: PageKey(uuid::Uuid::from_bytes(row.get(0)?)),
        seq: Seq(uint(row.get(1)?)),
        url: PageUrl::new(row.get_ref(2)?.as_str()?, row.get_ref(12)?.as_str()?),
        stage: StageId(row.get(3)?),
        batch: BatchId(row.get(4)?),
        host: HostId(row.get(5)?),
        depth: row.get(6)?,
        phase,
        due_in: backoff.map_or(Duration::ZERO, |()| {
            Duration::from_millis(uint(due_at.saturating_sub(now)))
        }),
        cause: backoff.and_then(|()| ErrorClass::from_name(reason?)),
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
