//! Sessions: begun, taken up again with the suspects of a crash, and what is noted of them.

use std::sync::Arc;

use rusqlite::{OptionalExtension, params};

use crate::{
    message::{
        receipts::{SessionOpened, StoreError},
        store_verbs::{LONE_CRASHES, Mode, Note, OpenSession},
    },
    model::{ids::SessionId, phase::Phase},
    store::{
        bulk::{self, Fate},
        cookies,
        live::Live,
        read, table,
        work::{Stand, Work, uint},
    },
};

/// States after which nothing can be resumed.
pub(crate) const ENDED: [&str; 3] = ["completed", "failed", "discarded"];

/// As text in the store.
pub(crate) const fn mode_name(mode: Mode) -> &'static str {
    match mode {
        Mode::New => "new",
        Mode::Full => "full",
    }
}

/// Begins a session or takes one up again.
pub(crate) fn open(work: &mut Work<'_>, order: OpenSession) -> Result<SessionOpened, StoreError> {
    let id = match order.resume {
        Some(id) => take_up(work, id, &order)?,
        None => begin(work, &order)?,
    };
    let row = work.db.query_row(
        "SELECT mode, seed, source, next_seq > 1, records, bytes FROM cf_session WHERE id = ?1",
        [id.0],
        |row| {
            Ok((
                row.get::<_, String>(0)?,
                row.get::<_, i64>(1)?,
                row.get::<_, Option<String>>(2)?,
                row.get::<_, bool>(3)?,
                row.get::<_, i64>(4)?,
                row.get::<_, i64>(5)?,
            ))
        },
    )?;
    let (mode, seed, source, started, records, bytes) = row;
    let mode = if mode == "full" {
        Mode::Full
    } else {
        Mode::New
    };
    let tables = table::prepare(work.db, &order.site)?;
    let live = Live {
        id,
        site: order.site,
        mode,
        source,
        tables,
    };
    if order.resume.is_some() {
        suspect_marked(work, &live)?;
    }
    // The receipt reads the count rows, so what was counted so far must be in them.
    std::mem::take(&mut work.tally).flush(work.db)?;
    let opened = SessionOpened {
        session: id,
        boot: work.boot,
        mode,
        seed: seed.cast_unsigned(),
        started,
        counts: read::counts(work.db, id)?,
        hosts: read::hosts(work.db, id)?,
        stage_attempts: read::stage_attempts(work.db, id)?,
        skipped: read::skipped(work.db, id)?,
        dead: read::dead(work.db, id)?,
        records: uint(records),
        bytes: uint(bytes),
        cookies: cookies::of(work.db, id)?,
        remarks: read::remarks(work.db, id)?,
    };
    work.lives.insert(id, Arc::new(live));
    Ok(opened)
}

fn begin(work: &mut Work<'_>, order: &OpenSession) -> Result<SessionId, StoreError> {
    let open: Option<(u32, String)> = work
        .db
        .query_row(
            "SELECT id, state FROM cf_session WHERE site = ?1
             AND state NOT IN ('completed', 'failed', 'discarded') ORDER BY id DESC",
            [&order.site.name],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    if let Some((id, state)) = open {
        return Err(StoreError::Refused(format!(
            "session {id} of site {} is {state} and not finished; take it up again with \
             `resume`, or give it up with `sessions --discard {id}`",
            order.site.name
        )));
    }
    let id = SessionId(work.db.query_row(
        "INSERT INTO cf_session (site, mode, state, site_text, origin, source, seed, began_at)
         VALUES (?1, ?2, 'running', ?3, ?4, ?5, ?6, ?7) RETURNING id",
        params![
            order.site.name,
            mode_name(order.mode),
            order.site.source,
            order.origin.to_string(),
            order.source,
            order.seed.cast_signed(),
            work.now,
        ],
        |row| row.get(0),
    )?);
    for (number, stage) in (0_u16..).zip(&order.site.stages) {
        work.db.execute(
            "INSERT INTO cf_stage VALUES (?1, ?2, ?3)",
            params![id.0, number, stage.name],
        )?;
    }
    Ok(id)
}

fn take_up(
    work: &mut Work<'_>,
    id: SessionId,
    order: &OpenSession,
) -> Result<SessionId, StoreError> {
    let found: Option<(String, String)> = work
        .db
        .query_row(
            "SELECT site, state FROM cf_session WHERE id = ?1",
            [id.0],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    let Some((name, state)) = found else {
        return Err(StoreError::Refused(format!(
            "there is no session {} in this store; `crawlfield sessions` lists them",
            id.0
        )));
    };
    if ENDED.contains(&state.as_str()) {
        return Err(StoreError::Refused(format!(
            "session {} is {state}: there is nothing to resume",
            id.0
        )));
    }
    if name != order.site.name {
        return Err(StoreError::Refused(format!(
            "session {} is of site {name}, not of {}",
            id.0, order.site.name
        )));
    }
    work.db.execute(
        "UPDATE cf_session SET state = 'running', ended_at = NULL, origin = ?2 WHERE id = ?1",
        params![id.0, order.origin.to_string()],
    )?;
    Ok(id)
}

/// What was in flight when the process ended: suspects, or dead after too many lone crashes.
fn suspect_marked(work: &mut Work<'_>, live: &Live) -> Result<(), StoreError> {
    let marked: Vec<(i64, bool)> = work
        .db
        .prepare("SELECT page, lone FROM cf_in_flight WHERE session = ?1 ORDER BY page")?
        .query_map([live.id.0], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    work.db
        .execute("DELETE FROM cf_in_flight WHERE session = ?1", [live.id.0])?;
    for (page, lone) in marked {
        let crashes: u32 = work
            .db
            .prepare_cached(
                "UPDATE cf_visit SET suspect = 1, crashes = crashes + ?3
                 WHERE session = ?1 AND page = ?2 RETURNING crashes",
            )?
            .query_row(params![live.id.0, page, lone], |row| row.get(0))?;
        let visit = bulk::visit(work.db, live.id, page)?;
        if crashes >= LONE_CRASHES {
            bulk::crash(work, &visit)?;
        } else if visit.phase() == Phase::Backoff {
            bulk::turn(work, &visit, Fate::plain(Stand::Plain(Phase::Queued)))?;
        }
    }
    Ok(())
}

/// Keeps what ends no page.
pub(crate) fn note(work: &mut Work<'_>, note: Note) -> Result<(), StoreError> {
    match note {
        Note::SessionState {
            session,
            state,
            result,
        } => {
            let has_ended = ENDED.contains(&state.as_str());
            let ended = (state == "stopped" || has_ended).then_some(work.now);
            let changed = work.db.execute(
                "UPDATE cf_session SET state = ?2, ended_at = ?3, result = coalesce(?4, result)
                 WHERE id = ?1",
                params![session.0, state, ended, result.map(|json| json.to_string())],
            )?;
            if changed == 0 {
                return Err(StoreError::Refused(format!(
                    "there is no session {} in this store",
                    session.0
                )));
            }
            if has_ended {
                cookies::settle(work.db, session)?;
            }
        }
        Note::StageResult {
            session,
            batch,
            stage,
            result,
        } => {
            work.db
                .prepare_cached("INSERT INTO cf_result VALUES (?1, ?2, ?3, ?4, ?5)")?
                .execute(params![
                    session.0,
                    batch.map(|batch| batch.0),
                    stage.map(|stage| stage.0),
                    work.now,
                    result.to_string()
                ])?;
        }
        Note::Setting {
            session,
            name,
            old,
            new,
        } => {
            work.db.execute(
                "INSERT INTO cf_setting VALUES (?1, ?2, ?3, ?4, ?5)",
                params![
                    session.map(|session| session.0),
                    work.now,
                    name,
                    old.to_string(),
                    new.to_string()
                ],
            )?;
        }
        Note::Remarks { session, remarks } => work.tally.remark(session, &remarks),
        Note::Learned { host, state } => {
            work.db
                .prepare_cached("UPDATE cf_host SET learned = ?2 WHERE id = ?1")?
                .execute(params![host.0, state.to_string()])?;
        }
    }
    Ok(())
}
