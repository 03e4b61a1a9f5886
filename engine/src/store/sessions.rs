//! The sessions of a store, for people and for `resume`; usable without an engine.

use std::path::Path;

use rusqlite::Row;
use serde_json::Value as Json;

use crate::{
    message::receipts::StoreError,
    model::{ids::SessionId, phase::Phase},
    store::{
        Store, WallClock, cookies,
        lock::FileLock,
        opening, read,
        session::ENDED,
        work::{iso, uint},
    },
};

/// One session.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionRow {
    /// Its number.
    pub id: SessionId,
    /// The site's name.
    pub site: String,
    /// `new` or `full`.
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
    let mut rows: Vec<SessionRow> = db
        .prepare(
            "SELECT id, site, mode, state, source, began_at, ended_at, records, bytes, result,
             origin, site_text FROM cf_session ORDER BY id",
        )?
        .query_map([], session)?
        .collect::<Result<_, _>>()?;
    for row in &mut rows {
        row.counts = by_phase(&read::counts(&db, row.id)?);
        row.stages = db
            .prepare_cached("SELECT name FROM cf_stage WHERE session = ?1 ORDER BY stage")?
            .query_map([row.id.0], |stage| stage.get(0))?
            .collect::<Result<_, _>>()?;
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
        |row| row.get(0),
    )?;
    match state {
        None => {
            return Err(StoreError::Refused(format!(
                "there is no session {} in this store; `crawlfield sessions` lists them",
                session.0
            )));
        }
        Some(state) if ENDED.contains(&state.as_str()) => {
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
    tx.execute("DELETE FROM cf_in_flight WHERE session = ?1", [session.0])?;
    cookies::settle(&tx, session)?;
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
        is_resumable: !ENDED.contains(&state.as_str()),
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
