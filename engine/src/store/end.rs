//! The end of an attempt: records, links, alias, history, state and counts, all or nothing.

use rusqlite::{OptionalExtension, params};

use crate::{
    extract,
    message::{
        receipts::{Ended, StoreError},
        store_verbs::{Alias, AttemptRow, EndAttempt, Evidence, PageEnd},
    },
    model::{
        class::{ErrorClass, SkipReason},
        head::Validators,
        phase::Phase,
        remark::Remarks,
    },
    store::{
        bulk::{self, VISIT_COLUMNS, Visit},
        discover::{self, Into},
        live::Live,
        record,
        work::{Stand, Work, int, millis},
    },
};

/// Ends an attempt.
pub(crate) fn end(work: &mut Work<'_>, order: &EndAttempt) -> Result<Ended, StoreError> {
    let live = work.live(order.session)?;
    let (visit, url) = find(work, order)?;
    check(&visit, order)?;
    let mut ended = Ended::default();
    let class = order.attempt.as_ref().and_then(|attempt| attempt.class);
    let was_parsed = order
        .attempt
        .as_ref()
        .is_some_and(|attempt| !attempt.parse.is_zero());
    if let Some(attempt) = &order.attempt {
        keep_attempt(work, &visit, attempt)?;
    }
    let mut due_at = 0;
    let stand = match &order.end {
        PageEnd::Done {
            alias: Some(alias), ..
        } if take_alias(work, &visit, order, alias)? => {
            ended.duplicate = true;
            Stand::Skipped(SkipReason::Duplicate)
        }
        PageEnd::Done {
            validators,
            content_hash,
            ..
        } => {
            save_found(work, &live, (&visit, &url), order, &mut ended)?;
            let validators = validators.clone().unwrap_or_default();
            complete(work, &live, visit.page, &validators, content_hash.as_ref())?;
            Stand::Plain(Phase::Done)
        }
        PageEnd::Skipped(reason) => Stand::Skipped(*reason),
        PageEnd::Backoff { due_in, .. } => {
            due_at = work.now.saturating_add(millis(*due_in));
            Stand::Plain(Phase::Backoff)
        }
        PageEnd::Queued => Stand::Plain(Phase::Queued),
        PageEnd::Failed { evidence, .. } => {
            save_found(work, &live, (&visit, &url), order, &mut ended)?;
            keep_evidence(work, &visit, evidence)?;
            Stand::Plain(Phase::Failed)
        }
        PageEnd::Dead { class, evidence } => {
            keep_evidence(work, &visit, evidence)?;
            Stand::Dead(*class)
        }
        PageEnd::Cancelled => Stand::Plain(Phase::Cancelled),
    };
    if !ended.duplicate {
        ended.remarks = remark(work, &visit, order, stand)?;
    }
    let reason = reason(stand, &order.end, class);
    write(
        work,
        &live,
        &visit,
        &Outcome {
            stand,
            reason,
            due_at,
            tries: order.tries,
            keep_suspect: !was_parsed,
        },
    )?;
    Ok(ended)
}

/// What the page adds to what is said at the session's end: once, however often it is read.
fn remark(
    work: &mut Work<'_>,
    visit: &Visit,
    order: &EndAttempt,
    stand: Stand,
) -> Result<Remarks, StoreError> {
    if order.remarks.is_empty() {
        return Ok(Remarks::default());
    }
    let id = params![visit.place.session.0, visit.page];
    let is_known: bool = work
        .db
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM cf_remarked WHERE session = ?1 AND page = ?2)",
        )?
        .query_row(id, |row| row.get(0))?;
    if is_known {
        return Ok(Remarks::default());
    }
    if stand.phase() != Phase::Done {
        work.db
            .prepare_cached("INSERT INTO cf_remarked VALUES (?1, ?2)")?
            .execute(id)?;
    }
    work.tally.remark(visit.place.session, &order.remarks);
    Ok(order.remarks.clone())
}

/// Records and links.
fn save_found(
    work: &mut Work<'_>,
    live: &Live,
    (visit, url): (&Visit, &str),
    order: &EndAttempt,
    ended: &mut Ended,
) -> Result<(), StoreError> {
    let (records, links) = order.end.found();
    let into = Into {
        session: live.id,
        batch: visit.place.batch,
        depth: order.depth,
        batch_size: order.batch_size,
        rules: visit.rules.min(extract::RULES),
    };
    record::save_all(work, live, visit, url, records, ended)?;
    ended.discovered = discover::discover(work, into, links)?;
    Ok(())
}

/// What is known of the page from now on.
fn complete(
    work: &Work<'_>,
    live: &Live,
    page: i64,
    validators: &Validators,
    content_hash: Option<&[u8; 16]>,
) -> Result<(), StoreError> {
    work.db
        .prepare_cached(
            "UPDATE cf_page SET done_in = ?2, etag = ?3, last_modified = ?4, hash = ?5
             WHERE id = ?1",
        )?
        .execute(params![
            page,
            live.id.0,
            validators.etag,
            validators.last_modified,
            content_hash
        ])?;
    Ok(())
}

/// What the row keeps beside the phase: the skip's reason, or what failed.
fn reason(stand: Stand, end: &PageEnd, class: Option<ErrorClass>) -> Option<&'static str> {
    match (stand, end) {
        (Stand::Skipped(reason), _) => Some(reason.name()),
        (Stand::Dead(class), _) => Some(class.name()),
        (_, PageEnd::Backoff { class, .. }) => Some(class.name()),
        // A failed page needs a class: it may become a dead letter.
        (Stand::Plain(Phase::Failed), _) => Some(class.unwrap_or(ErrorClass::Unknown).name()),
        (Stand::Plain(_), _) => None,
    }
}

fn find(work: &Work<'_>, order: &EndAttempt) -> Result<(Visit, String), StoreError> {
    let read =
        |row: &rusqlite::Row<'_>| Ok((Visit::read(row)?, row.get::<_, [u8; 16]>(9)?, row.get(10)?));
    let by_number = format!(
        "SELECT {VISIT_COLUMNS}, p.key, p.url FROM cf_waiting w
         JOIN cf_visit v ON v.session = w.session AND v.page = w.page
         JOIN cf_page p ON p.id = w.page WHERE w.session = ?1 AND w.batch = ?2 AND w.host = ?3 AND w.seq = ?4"
    );
    let key = order.key.0.as_bytes();
    let found: Option<(Visit, [u8; 16], String)> = work
        .db
        .prepare_cached(&by_number)?
        .query_row(
            params![
                order.session.0,
                order.batch.0,
                order.host.0,
                int(order.seq.0)
            ],
            read,
        )
        .optional()?;
    if let Some((visit, have, url)) = found
        && &have == key
    {
        return Ok((visit, url));
    }
    let by_key = format!(
        "SELECT {VISIT_COLUMNS}, p.key, p.url FROM cf_page p
         JOIN cf_visit v ON v.session = ?1 AND v.page = p.id WHERE p.key = ?2"
    );
    let found = work
        .db
        .prepare_cached(&by_key)?
        .query_row(params![order.session.0, key], read)
        .optional()?;
    found.map(|(visit, _, url)| (visit, url)).ok_or_else(|| {
        StoreError::Refused(format!(
            "session {} has no page {}",
            order.session.0, order.key.0
        ))
    })
}

/// A final page never moves by an attempt; a failed one only to its verdict.
fn check(visit: &Visit, order: &EndAttempt) -> Result<(), StoreError> {
    let is_verdict = matches!(
        order.end,
        PageEnd::Dead { .. } | PageEnd::Cancelled | PageEnd::Skipped(_)
    );
    if visit.phase().is_waiting() || (visit.phase() == Phase::Failed && is_verdict) {
        return Ok(());
    }
    Err(StoreError::Refused(format!(
        "page {} is {} already",
        order.key.0,
        visit.phase().name()
    )))
}

/// Notes the redirect's target as this page's second name; true if another page has it.
fn take_alias(
    work: &Work<'_>,
    visit: &Visit,
    order: &EndAttempt,
    alias: &Alias,
) -> Result<bool, StoreError> {
    if alias.key == order.key {
        return Ok(false);
    }
    let key = alias.key.0.as_bytes();
    let is_page: bool = work
        .db
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM cf_page p
             JOIN cf_visit v ON v.session = ?2 AND v.page = p.id WHERE p.key = ?1)",
        )?
        .query_row(params![key, order.session.0], |row| row.get(0))?;
    let is_alias: bool = work
        .db
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM cf_alias WHERE key = ?1 AND session = ?2 AND page <> ?3)",
        )?
        .query_row(params![key, order.session.0, visit.page], |row| row.get(0))?;
    if is_page || is_alias {
        return Ok(true);
    }
    work.db
        .prepare_cached("INSERT OR REPLACE INTO cf_alias VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![key, order.session.0, visit.page, alias.url])?;
    Ok(false)
}

fn keep_attempt(
    work: &mut Work<'_>,
    visit: &Visit,
    attempt: &AttemptRow,
) -> Result<(), StoreError> {
    let micros = |time: std::time::Duration| i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
    work.db
        .prepare_cached(
            "INSERT OR REPLACE INTO cf_attempt
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )?
        .execute(params![
            visit.place.session.0,
            visit.page,
            attempt.dispatch,
            work.now,
            work.now.saturating_sub(millis(attempt.began_ago)),
            micros(attempt.fetch),
            micros(attempt.parse),
            int(attempt.bytes),
            attempt.status,
            attempt.class.map(ErrorClass::name),
            attempt.message,
        ])?;
    work.tally
        .receive(visit.place.session, 0, int(attempt.bytes));
    Ok(())
}

fn keep_evidence(work: &Work<'_>, visit: &Visit, evidence: &Evidence) -> Result<(), StoreError> {
    let head = evidence.head.as_ref().map(|head| {
        let headers: Vec<_> = head.headers.iter().collect();
        serde_json::json!({ "status": head.status, "headers": headers }).to_string()
    });
    let body = evidence
        .body
        .as_ref()
        .map(|body| &body[..body.len().min(Evidence::MOST)]);
    work.db
        .prepare_cached("INSERT OR REPLACE INTO cf_evidence VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
        .execute(params![
            visit.place.session.0,
            visit.page,
            work.now,
            evidence.message,
            head,
            body
        ])?;
    Ok(())
}

struct Outcome {
    stand: Stand,
    reason: Option<&'static str>,
    due_at: i64,
    tries: crate::model::tries::Tries,
    /// A retry before any parse proves nothing about a suspect.
    keep_suspect: bool,
}

fn write(
    work: &mut Work<'_>,
    live: &Live,
    visit: &Visit,
    outcome: &Outcome,
) -> Result<(), StoreError> {
    let phase = outcome.stand.phase();
    work.db
        .prepare_cached(
            "UPDATE cf_visit SET phase = ?3, due_at = ?4, failed = ?5, dispatched = ?6,
             throttled = ?7, reason = ?8, suspect = suspect AND ?9
             WHERE session = ?1 AND page = ?2",
        )?
        .execute(params![
            live.id.0,
            visit.page,
            phase as u8,
            outcome.due_at,
            outcome.tries.failed,
            outcome.tries.dispatched,
            outcome.tries.throttled,
            outcome.reason,
            phase == Phase::Backoff && outcome.keep_suspect,
        ])?;
    if visit.phase().is_waiting() && !phase.is_waiting() {
        bulk::unwait(work, visit)?;
    }
    bulk::unmark(work.db, live.id, visit.page)?;
    if phase == Phase::Done {
        work.db
            .prepare_cached("DELETE FROM cf_evidence WHERE session = ?1 AND page = ?2")?
            .execute(params![live.id.0, visit.page])?;
    }
    work.tally.shift(visit.place, visit.stand(), outcome.stand);
    Ok(())
}
