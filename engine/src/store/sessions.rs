//! Sessions: begun, taken up again, noted; and listed and discarded without an engine, for people
//! and for `resume`.

use std::{path::Path, sync::Arc};

use rusqlite::{Row, params};
use serde_json::Value as Json;

use crate::{
    message::{
        receipts::{SessionOpened, StoreError},
        store_verbs::{Mode, Note, OpenSession},
    },
    model::{ids::SessionId, phase::Phase},
    store::{
        Store, WallClock, cookies, counts, in_flight,
        opening::{self, FileLock},
        records,
        sql::{Statements, iso, pair, uint, value},
        transaction::{LiveSession, Transaction},
    },
};

/// Whether nothing can be resumed after this state.
pub(crate) fn has_ended(state: &str) -> bool {
    matches!(state, "completed" | "failed" | "discarded")
}

/// Whether nobody can take up a session again that stands there: its dead letters may be requeued.
pub(crate) fn is_over_for_good(state: &str, has_dead_letters: bool) -> bool {
    state == "discarded" || (has_ended(state) && !has_dead_letters)
}

/// Begins a session or takes one up again.
pub(crate) fn open(
    tx: &mut Transaction<'_>,
    order: OpenSession,
) -> Result<SessionOpened, StoreError> {
    let id = match order.resume {
        Some(id) => resume(tx, id, &order)?,
        None => begin(tx, &order)?,
    };
    let (mode, seed, source, started, records, bytes): (String, i64, _, _, i64, i64) = tx.db.one(
        "SELECT mode, seed, source, next_seq > 1, records, bytes FROM cf_session WHERE id = ?1",
        [id.0],
        |row| row.try_into(),
    )?;
    let mode = Mode::from_name(&mode).unwrap_or_default();
    let tables = records::prepare(tx.db, &order.site)?;
    let live = LiveSession {
        id,
        site: order.site,
        mode,
        source,
        tables,
    };
    if order.resume.is_some() {
        in_flight::suspect_marked(tx, id)?;
    }
    // The receipt reads the count rows, so what was counted so far must be in them.
    std::mem::take(&mut tx.tally).flush(tx.db)?;
    let opened = SessionOpened {
        session: id,
        boot: tx.boot,
        mode,
        seed: seed.cast_unsigned(),
        started,
        counts: counts::pages(tx.db, id)?,
        hosts: counts::hosts(tx.db, id)?,
        stage_attempts: counts::stage_attempts(tx.db, id)?,
        skipped: counts::skipped(tx.db, id)?,
        dead: counts::dead(tx.db, id)?,
        records: uint(records),
        bytes: uint(bytes),
        cookies: cookies::of(tx.db, id)?,
        remarks: counts::remarks(tx.db, id)?,
    };
    tx.sessions.insert(id, Arc::new(live));
    Ok(opened)
}

fn begin(tx: &mut Transaction<'_>, order: &OpenSession) -> Result<SessionId, StoreError> {
    let open: Option<(u32, String)> = tx.db.first(
        "SELECT id, state FROM cf_session WHERE site = ?1
         AND state NOT IN ('completed', 'failed', 'discarded') ORDER BY id DESC",
        [&order.site.name],
        pair,
    )?;
    if let Some((id, state)) = open {
        return Err(StoreError::Refused(format!(
            "session {id} of site {} is {state} and not finished; take it up again with \
             `resume`, or give it up with `sessions --discard {id}`",
            order.site.name
        )));
    }
    let id = SessionId(tx.db.query_row(
        "INSERT INTO cf_session (site, mode, state, site_text, origin, source, seed, began_at)
         VALUES (?1, ?2, 'running', ?3, ?4, ?5, ?6, ?7) RETURNING id",
        params![
            order.site.name,
            order.mode.name(),
            order.site.source,
            order.origin.to_string(),
            order.source,
            order.seed.cast_signed(),
            tx.now,
        ],
        value,
    )?);
    for (number, stage) in (0_u16..).zip(&order.site.stages) {
        tx.db.execute(
            "INSERT INTO cf_stage VALUES (?1, ?2, ?3)",
            params![id.0, number, stage.name],
        )?;
    }
    Ok(id)
}

fn resume(
    tx: &mut Transaction<'_>,
    id: SessionId,
    order: &OpenSession,
) -> Result<SessionId, StoreError> {
    let sql = "SELECT site, state FROM cf_session WHERE id = ?1";
    let found: Option<(String, String)> = tx.db.first(sql, [id.0], pair)?;
    let (name, state) = found.ok_or_else(|| no_such_session(id))?;
    if has_ended(&state) {
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
    tx.db.run(
        "UPDATE cf_session SET state = 'running', ended_at = NULL, origin = ?2 WHERE id = ?1",
        params![id.0, order.origin.to_string()],
    )?;
    Ok(id)
}

/// A session that nobody has begun.
pub(crate) fn no_such_session(id: SessionId) -> StoreError {
    StoreError::Refused(format!(
        "there is no session {} in this store; `crawlfield sessions` lists them",
        id.0
    ))
}

/// Keeps what ends no page.
pub(crate) fn note(tx: &mut Transaction<'_>, note: Note) -> Result<(), StoreError> {
    match note {
        Note::SessionState {
            session,
            state,
            result,
        } => note_state(tx, session, &state, result)?,
        Note::StageResult {
            session,
            batch,
            stage,
            result,
        } => {
            let (batch, stage) = (batch.map(|batch| batch.0), stage.map(|stage| stage.0));
            tx.db.run(
                "INSERT INTO cf_result VALUES (?1, ?2, ?3, ?4, ?5)",
                params![session.0, batch, stage, tx.now, result.to_string()],
            )?;
        }
        Note::Setting {
            session,
            name,
            old,
            new,
        } => {
            let (session, old, new) = (session.map(|id| id.0), old.to_string(), new.to_string());
            tx.db.run(
                "INSERT INTO cf_setting VALUES (?1, ?2, ?3, ?4, ?5)",
                params![session, tx.now, name, old, new],
            )?;
        }
        Note::Remarks { session, remarks } => tx.tally.remark(session, &remarks),
        Note::Learned { host, state } => {
            tx.db.run(
                "UPDATE cf_host SET learned = ?2 WHERE id = ?1",
                params![host.0, state.to_string()],
            )?;
        }
    }
    Ok(())
}

fn note_state(
    tx: &Transaction<'_>,
    session: SessionId,
    state: &str,
    result: Option<Json>,
) -> Result<(), StoreError> {
    let ended = (state == "stopped" || has_ended(state)).then_some(tx.now);
    let result = result.map(|json| json.to_string());
    let changed = tx.db.run(
        "UPDATE cf_session SET state = ?2, ended_at = ?3, result = coalesce(?4, result)
         WHERE id = ?1",
        params![session.0, state, ended, result],
    )?;
    if changed == 0 {
        return Err(no_such_session(session));
    }
    if has_ended(state) {
        cookies::drop_if_over(tx.db, session)?;
    }
    Ok(())
}

/// A session as it is listed.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionRow {
    pub id: SessionId,
    pub site: String,
    /// As text: `new` or `full`.
    pub mode: String,
    /// `running`, `stopped`, `completed`, …; `running` without an engine means that it was killed.
    pub state: String,
    /// What marks its data as not real.
    pub source: Option<String>,
    /// ISO 8601.
    pub began: String,
    /// ISO 8601; `None` while it has not ended.
    pub ended: Option<String>,
    /// Pages by phase, without zeros.
    pub counts: Vec<(Phase, u64)>,
    /// Names of its stages, by `StageId`.
    pub stages: Vec<String>,
    /// Records saved by it.
    pub records: u64,
    /// Bytes received by it.
    pub bytes: u64,
    /// Whether `resume` can take it up.
    pub is_resumable: bool,
    /// The result document, where it has one.
    pub result: Option<Json>,
    /// Where it came from: kind, flags.
    pub origin: Json,
    /// The text of its site file.
    pub site_text: String,
}

/// All sessions, oldest first.
///
/// # Errors
/// `Fatal` where there is no store at `path`, or none that can be read.
pub fn sessions(path: &Path) -> Result<Vec<SessionRow>, StoreError> {
    let db = opening::open_reader(path)?;
    let mut rows: Vec<SessionRow> = db.all(
        "SELECT id, site, mode, state, source, began_at, ended_at, records, bytes, result,
             origin, site_text FROM cf_session ORDER BY id",
        [],
        session,
    )?;
    for row in &mut rows {
        row.counts = by_phase(&counts::pages(&db, row.id)?);
        row.stages = db.all(
            "SELECT name FROM cf_stage WHERE session = ?1 ORDER BY stage",
            [row.id.0],
            |stage| stage.get(0),
        )?;
    }
    Ok(rows)
}

/// The sessions that `resume` can take up, those of a killed engine included, oldest first. A store
/// of an older version is brought up to date for it.
///
/// # Errors
/// As [`sessions`]; `Busy` where an engine has the store: what has not ended may well be running.
pub fn stopped_sessions(path: &Path) -> Result<Vec<SessionRow>, StoreError> {
    opening::bring_up_to_date(path)?;
    let mut rows = sessions(path)?;
    rows.retain(|row| row.is_resumable);
    if !rows.is_empty() {
        FileLock::take(path)?;
    }
    Ok(rows)
}

/// Gives a session up: it cannot be resumed, its records stay.
///
/// # Errors
/// `Busy` while an engine has the store; `Refused` where there is no such session or it has ended.
pub fn discard(path: &Path, session: SessionId, clock: WallClock) -> Result<(), StoreError> {
    opening::open_reader(path)?;
    let store = Store::open(path, clock)?;
    let now = (store.clock)();
    let tx = store.db.unchecked_transaction()?;
    let state: Option<String> = tx.query_row(
        "SELECT max(state) FROM cf_session WHERE id = ?1",
        [session.0],
        value,
    )?;
    match state {
        None => {
            return Err(no_such_session(session));
        }
        Some(state) if has_ended(&state) => {
            return Err(StoreError::Refused(format!(
                "session {} is {state} already: there is nothing to discard",
                session.0
            )));
        }
        Some(_) => {}
    }
    tx.execute(
        "UPDATE cf_session SET state = 'discarded', ended_at = ?2 WHERE id = ?1",
        (session.0, now),
    )?;
    in_flight::unmark_all(&tx, session)?;
    cookies::drop_if_over(&tx, session)?;
    tx.commit()?;
    Ok(())
}

fn session(row: &Row<'_>) -> rusqlite::Result<SessionRow> {
    let state: String = row.get(3)?;
    let json = |text: String| serde_json::from_str(&text).ok();
    Ok(SessionRow {
        id: SessionId(row.get(0)?),
        site: row.get(1)?,
        mode: row.get(2)?,
        is_resumable: !has_ended(&state),
        state,
        source: row.get(4)?,
        began: iso(row.get(5)?),
        ended: row.get::<_, Option<i64>>(6)?.map(iso),
        counts: Vec::new(),
        stages: Vec::new(),
        records: uint(row.get(7)?),
        bytes: uint(row.get(8)?),
        result: row.get::<_, Option<String>>(9)?.and_then(json),
        origin: json(row.get(10)?).unwrap_or_default(),
        site_text: row.get(11)?,
    })
}

fn by_phase<A, B>(counts: &[(A, B, Phase, u64)]) -> Vec<(Phase, u64)> {
    Phase::ALL
        .into_iter()
        .map(|phase| {
            let of_phase = counts.iter().filter(|(_, _, at, _)| *at == phase);
            (phase, of_phase.map(|(_, _, _, n)| n).sum())
        })
        .filter(|(_, n)| *n > 0)
        .collect()
}
