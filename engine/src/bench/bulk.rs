//! Fills a store with millions of pages within minutes: rows in the order of their tables, the
//! random keys' index made once at the end. Only benches may go behind the store's back.

use std::{ops::Range, path::Path};

use rusqlite::{Connection, params};

use crate::{
    model::{
        ids::{HostId, SessionId},
        phase::Phase,
    },
    politeness::chance::{GAMMA, mix},
};

/// Pages that a store shall know.
pub(super) struct Pages {
    pub(super) session: SessionId,
    /// Dealt out in turn; the session must know them.
    pub(super) hosts: Vec<HostId>,
    /// Their numbers, unique in the store.
    pub(super) numbers: Range<u64>,
    pub(super) phase: Phase,
}

/// Adds the pages to the store, which must be closed.
pub(super) fn fill(path: &Path, all: &[Pages]) -> Result<(), String> {
    let db = Connection::open(path).map_err(told)?;
    db.execute_batch(
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE;
         PRAGMA cache_size = -524288; PRAGMA temp_store = MEMORY;
         BEGIN; DROP INDEX cf_page_key",
    )
    .map_err(told)?;
    for pages in all {
        add(&db, pages).map_err(told)?;
    }
    db.execute_batch("CREATE UNIQUE INDEX cf_page_key ON cf_page (key); COMMIT")
        .map_err(told)
}

#[expect(clippy::needless_pass_by_value, reason = "it maps errors")]
fn told(error: rusqlite::Error) -> String {
    format!("the benched store could not be filled: {error}")
}

fn add(db: &Connection, pages: &Pages) -> rusqlite::Result<()> {
    let first: i64 = db.query_row("SELECT coalesce(max(id), 0) + 1 FROM cf_page", [], |row| {
        row.get(0)
    })?;
    let session = pages.session.0;
    let seq: i64 = db.query_row(
        "SELECT next_seq FROM cf_session WHERE id = ?1",
        [session],
        |row| row.get(0),
    )?;
    let n = i64::try_from(pages.numbers.end - pages.numbers.start).unwrap_or(i64::MAX);
    let hosts = i64::try_from(pages.hosts.len()).unwrap_or(1);
    let host = |at: i64| pages.hosts[usize::try_from(at % hosts).unwrap_or(0)].0;
    let mut page = db.prepare("INSERT INTO cf_page (id, key, url, done_in) VALUES (?, ?, ?, ?)")?;
    let done = (pages.phase == Phase::Done).then_some(session);
    for (at, number) in (0..n).zip(pages.numbers.clone()) {
        let url = format!(
            "http://catalogue-{}.null.test/products/of-some-kind/item-{number}/",
            at % hosts
        );
        page.execute(params![first + at, key(number), url, done])?;
    }
    let mut visit = db.prepare(
        "INSERT INTO cf_visit (session, page, seq, stage, batch, host, depth, phase, carried)
         VALUES (?, ?, ?, 0, 0, ?, 1, ?, '{\"page\":1,\"position\":2}')",
    )?;
    for at in 0..n {
        visit.execute(params![
            session,
            first + at,
            seq + at,
            host(at),
            pages.phase as u8
        ])?;
    }
    if pages.phase == Phase::Queued {
        let mut waiting = db.prepare("INSERT INTO cf_waiting VALUES (?, 0, ?, ?, ?)")?;
        for turn in 0..hosts.min(n) {
            for at in (turn..n).step_by(pages.hosts.len()) {
                waiting.execute(params![session, host(at), seq + at, first + at])?;
            }
        }
    }
    count(db, pages, n)
}

/// The books say the same as the rows.
fn count(db: &Connection, pages: &Pages, n: i64) -> rusqlite::Result<()> {
    let session = pages.session.0;
    db.execute(
        "UPDATE cf_session SET next_seq = next_seq + ?2 WHERE id = ?1",
        params![session, n],
    )?;
    db.execute(
        "INSERT INTO cf_count VALUES (?1, 0, 0, ?2, ?3)
         ON CONFLICT DO UPDATE SET n = n + excluded.n",
        params![session, pages.phase as u8, n],
    )?;
    db.execute(
        "INSERT OR REPLACE INTO cf_host_count
         SELECT ?1, host, sum(phase = 0), sum(phase <> 0) FROM cf_visit
         WHERE session = ?1 GROUP BY host",
        [session],
    )?;
    Ok(())
}

/// Random, as hashes are, and the same in every run.
fn key(number: u64) -> [u8; 16] {
    let half = |seed: u64| mix(number.wrapping_add(seed).wrapping_mul(GAMMA));
    uuid::Uuid::from_u64_pair(half(1), half(2)).into_bytes()
}
