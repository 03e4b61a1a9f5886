//! Attempts: the end of one (records, links, alias, history, evidence, state and counts, all or
//! nothing), and a page's history read back.

use std::time::Duration;

use rusqlite::{Row, params};

use crate::{
    extract,
    message::{
        receipts::{Ended, StoreError},
        store_verbs::{Alias, AttemptRow, EndAttempt, Evidence, PageEnd, SHOWN_ATTEMPTS},
    },
    model::{
        class::{ErrorClass, SkipReason},
        ids::{PageKey, SessionId},
        numbers::micros,
        phase::Phase,
        remark::Remarks,
    },
    store::{
        counts::PageState,
        frontier::{self, Destination},
        in_flight,
        moves::{VISIT_COLUMNS, Visit},
        records,
        sql::{Statements, int, millis, uint, value},
        transaction::{LiveSession, Transaction},
    },
};

/// Ends an attempt; refused where the page has ended already.
pub(crate) fn end(tx: &mut Transaction<'_>, order: &EndAttempt) -> Result<Ended, StoreError> {
    let live = tx.session(order.session)?;
    let (visit, url) = find(tx, order)?;
    if !order.end.may_end(visit.phase()) {
        let phase = visit.phase().name();
        return Err(StoreError::Refused(format!(
            "page {} is {phase} already",
            order.key.0
        )));
    }
    if let Some(attempt) = &order.attempt {
        keep_attempt(tx, &visit, attempt)?;
    }
    let mut ended = Ended::default();
    let mut due_at = 0;
    let state = match &order.end {
        PageEnd::Done {
            alias: Some(alias), ..
        } if take_alias(tx, &visit, order, alias)? => {
            ended.duplicate = true;
            PageState::Skipped(SkipReason::Duplicate)
        }
        PageEnd::Done { .. } => {
            save_found(tx, &live, (&visit, &url), order, &mut ended)?;
            complete(tx, &visit, &order.end)?;
            PageState::Plain(Phase::Done)
        }
        PageEnd::Skipped(reason) => PageState::Skipped(*reason),
        PageEnd::Backoff { due_in, .. } => {
            due_at = tx.now.saturating_add(millis(*due_in));
            PageState::Plain(Phase::Backoff)
        }
        PageEnd::Queued => PageState::Plain(Phase::Queued),
        PageEnd::Failed { evidence, .. } => {
            save_found(tx, &live, (&visit, &url), order, &mut ended)?;
            keep_evidence(tx, &visit, evidence)?;
            PageState::Plain(Phase::Failed)
        }
        PageEnd::Dead { class, evidence } => {
            keep_evidence(tx, &visit, evidence)?;
            PageState::Dead(*class)
        }
        PageEnd::Cancelled => PageState::Plain(Phase::Cancelled),
    };
    if !ended.duplicate {
        ended.remarks = remark(tx, &visit, order, state)?;
    }
    write(tx, &visit, order, state, due_at)?;
    Ok(ended)
}

/// What the page adds to what is said at the session's end: once, however often it is read.
fn remark(
    tx: &mut Transaction<'_>,
    visit: &Visit,
    order: &EndAttempt,
    state: PageState,
) -> Result<Remarks, StoreError> {
    if order.remarks.is_empty() {
        return Ok(Remarks::default());
    }
    let id = [i64::from(visit.place.session.0), visit.page];
    let is_known: bool = tx.db.one(
        "SELECT EXISTS (SELECT 1 FROM cf_remarked WHERE session = ?1 AND page = ?2)",
        id,
        value,
    )?;
    if is_known {
        return Ok(Remarks::default());
    }
    if state.phase() != Phase::Done {
        tx.db.run("INSERT INTO cf_remarked VALUES (?1, ?2)", id)?;
    }
    tx.tally.remark(visit.place.session, &order.remarks);
    Ok(order.remarks.clone())
}

/// Saves what was found: records and links.
fn save_found(
    tx: &mut Transaction<'_>,
    live: &LiveSession,
    (visit, url): (&Visit, &str),
    order: &EndAttempt,
    ended: &mut Ended,
) -> Result<(), StoreError> {
    let (records, links) = order.end.found();
    let into = Destination {
        session: live.id,
        batch: visit.place.batch,
        depth: order.depth,
        batch_size: order.batch_size,
        rules: visit.rules.min(extract::RULES),
    };
    records::save_all(tx, live, (visit, url), records, ended)?;
    ended.discovered = frontier::discover(tx, into, links)?;
    Ok(())
}

/// What is known of the page from now on.
fn complete(tx: &Transaction<'_>, visit: &Visit, end: &PageEnd) -> Result<(), StoreError> {
    let PageEnd::Done {
        validators,
        content_hash,
        ..
    } = end
    else {
        return Ok(());
    };
    let validators = validators.as_ref();
    tx.db.run(
        "UPDATE cf_page SET done_in = ?2, etag = ?3, last_modified = ?4, hash = ?5 WHERE id = ?1",
        params![
            visit.page,
            visit.place.session.0,
            validators.and_then(|of_page| of_page.etag.as_ref()),
            validators.and_then(|of_page| of_page.last_modified.as_ref()),
            content_hash
        ],
    )?;
    Ok(())
}

/// The page's row and URL.
fn find(tx: &Transaction<'_>, order: &EndAttempt) -> Result<(Visit, String), StoreError> {
    let key = order.key.0.as_bytes();
    let read = |row: &Row<'_>| Ok((Visit::read(row)?, row.get::<_, [u8; 16]>(9)?, row.get(10)?));
    let by_number = format!(
        "SELECT {VISIT_COLUMNS}, p.key, p.url FROM cf_waiting w
         JOIN cf_visit v ON v.session = w.session AND v.page = w.page JOIN cf_page p ON p.id = w.page
         WHERE w.session = ?1 AND w.batch = ?2 AND w.host = ?3 AND w.seq = ?4"
    );
    let (batch, host, seq) = (order.batch.0, order.host.0, int(order.seq.0));
    let params = params![order.session.0, batch, host, seq];
    let found: Option<(Visit, [u8; 16], String)> = tx.db.first(&by_number, params, read)?;
    if let Some((visit, _, url)) = found.filter(|(_, of_page, _)| of_page == key) {
        return Ok((visit, url));
    }
    // A page that has ended, or got a new number meanwhile.
    let by_key = format!(
        "SELECT {VISIT_COLUMNS}, p.key, p.url FROM cf_page p
         JOIN cf_visit v ON v.session = ?2 AND v.page = p.id WHERE p.key = ?1"
    );
    let found = tx.db.first(&by_key, params![key, order.session.0], read)?;
    found.map(|(visit, _, url)| (visit, url)).ok_or_else(|| {
        StoreError::Refused(format!(
            "session {} has no page {}",
            order.session.0, order.key.0
        ))
    })
}

/// Notes the redirect's target as this page's second name; true if another page has it.
fn take_alias(
    tx: &Transaction<'_>,
    visit: &Visit,
    order: &EndAttempt,
    alias: &Alias,
) -> Result<bool, StoreError> {
    if alias.key == order.key {
        return Ok(false);
    }
    let (key, session) = (alias.key.0.as_bytes(), order.session.0);
    let is_known: bool = tx.db.one(
        "SELECT EXISTS (SELECT 1 FROM cf_page p
                        JOIN cf_visit v ON v.session = ?2 AND v.page = p.id WHERE p.key = ?1)
             OR EXISTS (SELECT 1 FROM cf_alias WHERE key = ?1 AND session = ?2 AND page <> ?3)",
        params![key, session, visit.page],
        value,
    )?;
    if !is_known {
        tx.db.run(
            "INSERT OR REPLACE INTO cf_alias VALUES (?1, ?2, ?3, ?4)",
            params![key, session, visit.page, alias.url],
        )?;
    }
    Ok(is_known)
}

fn keep_attempt(
    tx: &mut Transaction<'_>,
    visit: &Visit,
    attempt: &AttemptRow,
) -> Result<(), StoreError> {
    tx.db.run(
        "INSERT OR REPLACE INTO cf_attempt VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        params![
            visit.place.session.0,
            visit.page,
            attempt.dispatch,
            tx.now,
            tx.now.saturating_sub(millis(attempt.began_ago)),
            int(micros(attempt.fetch)),
            int(micros(attempt.parse)),
            int(attempt.bytes),
            attempt.status,
            attempt.class.map(ErrorClass::name),
            attempt.message,
        ],
    )?;
    tx.tally.receive(visit.place.session, 0, int(attempt.bytes));
    Ok(())
}

fn keep_evidence(
    tx: &Transaction<'_>,
    visit: &Visit,
    evidence: &Evidence,
) -> Result<(), StoreError> {
    let head = evidence.head.as_ref().map(|head| {
        let headers: Vec<_> = head.headers.iter().collect();
        serde_json::json!({ "status": head.status, "headers": headers }).to_string()
    });
    let body = evidence.body.as_ref();
    tx.db.run(
        "INSERT OR REPLACE INTO cf_evidence VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            visit.place.session.0,
            visit.page,
            tx.now,
            evidence.message,
            head,
            body.map(|body| &body[..body.len().min(Evidence::MOST)])
        ],
    )?;
    Ok(())
}

/// The page's row, its place in the frontier, its mark and its counts.
fn write(
    tx: &mut Transaction<'_>,
    visit: &Visit,
    order: &EndAttempt,
    state: PageState,
    due_at: i64,
) -> Result<(), StoreError> {
    let (session, phase) = (visit.place.session, state.phase());
    // A retry before any parse proves nothing about a suspect.
    let keeps_suspect = phase == Phase::Backoff && !order.was_parsed();
    tx.db.run(
        "UPDATE cf_visit SET phase = ?3, due_at = ?4, failed = ?5, dispatched = ?6,
         throttled = ?7, reason = ?8, suspect = suspect AND ?9 WHERE session = ?1 AND page = ?2",
        params![
            session.0,
            visit.page,
            phase as u8,
            due_at,
            order.tries.failed,
            order.tries.dispatched,
            order.tries.throttled,
            state.reason().or(order.class().map(ErrorClass::name)),
            keeps_suspect,
        ],
    )?;
    if visit.phase().is_waiting() && !phase.is_waiting() {
        frontier::dequeue(tx, visit)?;
    }
    in_flight::unmark(tx.db, session, visit.page)?;
    if phase == Phase::Done {
        tx.db.run(
            "DELETE FROM cf_evidence WHERE session = ?1 AND page = ?2",
            params![session.0, visit.page],
        )?;
    }
    tx.tally.shift(visit.place, visit.state(), state);
    Ok(())
}

/// The latest attempts at a page, oldest first; none for a page without any.
pub(crate) fn attempts_of(
    tx: &Transaction<'_>,
    session: SessionId,
    key: PageKey,
) -> Result<Vec<AttemptRow>, StoreError> {
    let ago = |at: i64| Duration::from_millis(uint(tx.now.saturating_sub(at)));
    let mut rows = tx.db.all(
        "SELECT dispatch, began_at, ended_at, fetch_us, parse_us, bytes, status, class, message
         FROM cf_attempt WHERE session = ?1 AND page = (SELECT id FROM cf_page WHERE key = ?2)
         ORDER BY ended_at DESC, dispatch DESC LIMIT ?3",
        params![session.0, key.0.as_bytes(), SHOWN_ATTEMPTS],
        |row| {
            let class: Option<String> = row.get(7)?;
            Ok(AttemptRow {
                dispatch: row.get(0)?,
                began_ago: ago(row.get(1)?),
                ended_ago: ago(row.get(2)?),
                fetch: Duration::from_micros(uint(row.get(3)?)),
                parse: Duration::from_micros(uint(row.get(4)?)),
                bytes: uint(row.get(5)?),
                status: row.get(6)?,
                class: class.as_deref().and_then(ErrorClass::from_name),
                message: row.get(8)?,
            })
        },
    )?;
    rows.reverse();
    Ok(rows)
}
