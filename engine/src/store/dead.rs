//! Dead letters without an engine: listed, shown, requeued, dropped.

use std::path::Path;

use rusqlite::{Connection, params};
use serde_json::Value as Json;

use crate::{
    message::{receipts::StoreError, store_verbs::DeadSelector},
    model::{
        class::ErrorClass,
        ids::{PageKey, SessionId, StageId},
        phase::Phase,
    },
    store::{
        Store, WallClock, moves, opening, sessions,
        sql::{Statements, iso, pair, uint},
        transaction::Transaction,
    },
};

/// A dead letter as it is listed.
#[derive(Debug, Clone, PartialEq)]
pub struct DeadRow {
    pub session: SessionId,
    pub site: String,
    pub key: PageKey,
    pub url: String,
    pub stage: StageId,
    pub stage_name: String,
    /// Its host: name, or `name:port`.
    pub host: String,
    /// How it failed in the end.
    pub class: ErrorClass,
    /// Attempts that were charged.
    pub failed: u16,
    /// The last error, in words.
    pub message: String,
    /// When it became one, ISO 8601; `None` where nothing was kept.
    pub at: Option<String>,
}

/// A dead letter with all that is kept of it.
#[derive(Debug, Clone, PartialEq)]
pub struct DeadLetter {
    pub row: DeadRow,
    /// Each attempt, oldest first: `began`, `ended`, `fetch_ms`, `parse_ms`, `bytes`, `status`,
    /// `class`, `message`, and `waited_ms` since the one before it.
    pub attempts: Vec<Json>,
    /// The last response head: `status` and `headers`.
    pub head: Option<Json>,
    /// The last body's first bytes.
    pub body: Option<Vec<u8>>,
}

/// The dead letters that the selector means, of one session or of all, in the order of discovery.
///
/// # Errors
/// `Fatal` where there is no store at `path`, or none that can be read.
pub fn list(
    path: &Path,
    session: Option<SessionId>,
    selector: &DeadSelector,
) -> Result<Vec<DeadRow>, StoreError> {
    let db = opening::open_reader(path)?;
    Ok(find(&db, session, selector)?
        .into_iter()
        .map(|(row, _)| row)
        .collect())
}

/// The dead letters of one page, by session.
///
/// # Errors
/// `Refused` where the page is no dead letter; else as [`list`].
pub fn show(path: &Path, key: PageKey) -> Result<Vec<DeadLetter>, StoreError> {
    let db = opening::open_reader(path)?;
    let selector = DeadSelector {
        keys: vec![key],
        ..DeadSelector::default()
    };
    let letters: Vec<DeadLetter> = find(&db, None, &selector)?
        .into_iter()
        .map(|(row, page)| dead_letter(&db, row, page))
        .collect::<Result<_, _>>()?;
    if letters.is_empty() {
        return Err(StoreError::Refused(format!(
            "page {} is no dead letter; `crawlfield dead list` shows them",
            key.0
        )));
    }
    Ok(letters)
}

/// Puts dead letters back into the frontier; their sessions can then be resumed. How many moved.
///
/// # Errors
/// `Busy` while an engine has the store; else as [`list`].
pub fn requeue(
    path: &Path,
    session: Option<SessionId>,
    selector: &DeadSelector,
    clock: WallClock,
) -> Result<u64, StoreError> {
    offline(path, session, clock, |tx, session| {
        let moved = moves::requeue_dead(tx, session, selector)?;
        if !moved.is_empty() {
            tx.db.execute(
                "UPDATE cf_session SET state = 'stopped' WHERE id = ?1",
                [session.0],
            )?;
        }
        Ok(moved.iter().map(|count| count.count).sum())
    })
}

/// Drops dead letters for good (or waiting pages, where keys name them). How many moved.
///
/// # Errors
/// As [`requeue`].
pub fn drop_pages(
    path: &Path,
    session: Option<SessionId>,
    selector: &DeadSelector,
    clock: WallClock,
) -> Result<u64, StoreError> {
    offline(path, session, clock, |tx, session| {
        let moved = moves::drop_pages(tx, session, selector)?;
        Ok(moved.iter().map(|count| count.count).sum())
    })
}

fn offline(
    path: &Path,
    session: Option<SessionId>,
    clock: WallClock,
    verb: impl Fn(&mut Transaction<'_>, SessionId) -> Result<u64, StoreError>,
) -> Result<u64, StoreError> {
    // A reader first: a wrong path must not make a new store.
    drop(opening::open_reader(path)?);
    let mut store = Store::open(path, clock)?;
    let moved = store.begin().and_then(|mut tx| {
        let mut moved = 0;
        for session in sessions_of(tx.db, session)? {
            moved += verb(&mut tx, session)?;
        }
        let counts = std::mem::take(&mut tx.tally);
        tx.commit(counts).map(|()| moved)
    });
    if moved.is_err() {
        store.recover();
    }
    moved
}

/// Sessions whose dead letters still count: a discarded one's do not.
fn sessions_of(db: &Connection, session: Option<SessionId>) -> Result<Vec<SessionId>, StoreError> {
    let ids: Vec<SessionId> = db.all(
        "SELECT id FROM cf_session WHERE (?1 IS NULL AND state <> 'discarded') OR id = ?1
             ORDER BY id",
        [session.map(|session| session.0)],
        |row| Ok(SessionId(row.get(0)?)),
    )?;
    match session {
        Some(session) if ids.is_empty() => Err(sessions::no_such_session(session)),
        _ => Ok(ids),
    }
}

fn find(
    db: &Connection,
    session: Option<SessionId>,
    selector: &DeadSelector,
) -> Result<Vec<(DeadRow, i64)>, StoreError> {
    let mut rows = Vec::new();
    for session in sessions_of(db, session)? {
        for visit in moves::select(db, session, selector, &[Phase::Dead])? {
            rows.push((row(db, session, visit.page)?, visit.page));
        }
    }
    Ok(rows)
}

fn row(db: &Connection, session: SessionId, page: i64) -> Result<DeadRow, StoreError> {
    db.one(
        "SELECT s.site, p.key, p.url, v.stage, t.name, h.scheme, h.name, h.port, v.reason,
             v.failed, e.message, e.at
             FROM cf_visit v JOIN cf_session s ON s.id = v.session
             JOIN cf_page p ON p.id = v.page JOIN cf_host h ON h.id = v.host
             JOIN cf_stage t ON t.session = v.session AND t.stage = v.stage
             LEFT JOIN cf_evidence e ON e.session = v.session AND e.page = v.page
             WHERE v.session = ?1 AND v.page = ?2",
        params![session.0, page],
        |row| {
            let host = crate::model::host_key::HostKey {
                scheme: row.get(5)?,
                name: row.get(6)?,
                port: row.get(7)?,
            };
            let class: String = row.get(8)?;
            Ok(DeadRow {
                session,
                site: row.get(0)?,
                key: PageKey(uuid::Uuid::from_bytes(row.get(1)?)),
                url: row.get(2)?,
                stage: StageId(row.get(3)?),
                stage_name: row.get(4)?,
                host: host.to_string(),
                class: ErrorClass::from_name(&class).unwrap_or(ErrorClass::Unknown),
                failed: row.get(9)?,
                message: row.get::<_, Option<String>>(10)?.unwrap_or_default(),
                at: row.get::<_, Option<i64>>(11)?.map(iso),
            })
        },
    )
}

fn dead_letter(db: &Connection, row: DeadRow, page: i64) -> Result<DeadLetter, StoreError> {
    let key = params![row.session.0, page];
    let mut before = None;
    let attempts = db.all(
        "SELECT dispatch, began_at, ended_at, fetch_us, parse_us, bytes, status, class, message
             FROM cf_attempt WHERE session = ?1 AND page = ?2 ORDER BY ended_at, dispatch",
        key,
        |row| {
            let (began, ended): (i64, i64) = (row.get(1)?, row.get(2)?);
            let waited = before.replace(ended).map(|before| uint(began - before));
            Ok(serde_json::json!({
                "dispatch": row.get::<_, u16>(0)?,
                "waited_ms": waited,
                "began": iso(began),
                "ended": iso(ended),
                "fetch_ms": uint(row.get(3)?) / 1000,
                "parse_ms": uint(row.get(4)?) / 1000,
                "bytes": uint(row.get(5)?),
                "status": row.get::<_, Option<u16>>(6)?,
                "class": row.get::<_, Option<String>>(7)?,
                "message": row.get::<_, Option<String>>(8)?,
            }))
        },
    )?;
    let kept: Vec<(Option<String>, Option<Vec<u8>>)> = db.all(
        "SELECT head, body FROM cf_evidence WHERE session = ?1 AND page = ?2",
        key,
        pair,
    )?;
    let (head, body) = kept.into_iter().next().unwrap_or_default();
    Ok(DeadLetter {
        row,
        attempts,
        head: head.and_then(|text| serde_json::from_str(&text).ok()),
        body,
    })
}
