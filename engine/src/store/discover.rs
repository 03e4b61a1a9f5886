//! Links into the frontier: what is known, what is complete from before, what is new.

use std::time::Duration;

use rusqlite::{OptionalExtension, params};

use crate::{
    extract::output::Link,
    message::{
        receipts::{Discovered, StoreError},
        store_verbs::{Mode, StoredTask},
    },
    model::{
        class::SkipReason,
        host_key::HostKey,
        ids::{BatchId, HostId, Seq, SessionId, StageId},
        page_url::PageUrl,
        phase::Phase,
        tries::Tries,
    },
    store::{
        live::Live,
        work::{Place, Stand, Work, uint},
    },
};

/// Where links go.
#[derive(Clone, Copy)]
pub(crate) struct Into {
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
    work: &mut Work<'_>,
    into: Into,
    links: &[Link],
) -> Result<Discovered, StoreError> {
    let live = work.live(into.session)?;
    let mut found = Discovered::default();
    for link in links {
        enter(work, &live, into, link, &mut found)?;
    }
    Ok(found)
}

/// What is known of a link's page.
struct Known {
    page: Option<i64>,
    visited: bool,
    complete: bool,
}

fn look_up(work: &Work<'_>, session: SessionId, link: &Link) -> Result<Known, StoreError> {
    let key = link.key.0.as_bytes();
    let page = work
        .db
        .prepare_cached(
            "SELECT p.id, p.done_in IS NOT NULL, v.page IS NOT NULL FROM cf_page p
             LEFT JOIN cf_visit v ON v.session = ?2 AND v.page = p.id WHERE p.key = ?1",
        )?
        .query_row(params![key, session.0], |row| {
            Ok(Known {
                page: row.get(0)?,
                complete: row.get(1)?,
                visited: row.get(2)?,
            })
        })
        .optional()?;
    let mut known = page.unwrap_or(Known {
        page: None,
        visited: false,
        complete: false,
    });
    if known.visited {
        return Ok(known);
    }
    let alias: Option<(u32, bool)> = work
        .db
        .prepare_cached(
            "SELECT a.session, p.done_in IS NOT NULL FROM cf_alias a
             JOIN cf_page p ON p.id = a.page WHERE a.key = ?1",
        )?
        .query_row([key], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    if let Some((by, complete)) = alias {
        known.visited = by == session.0;
        known.complete |= complete;
    }
    Ok(known)
}

fn enter(
    work: &mut Work<'_>,
    live: &Live,
    into: Into,
    link: &Link,
    found: &mut Discovered,
) -> Result<(), StoreError> {
    let stage = link.stage;
    let known = look_up(work, live.id, link)?;
    if known.visited {
        found.known += 1;
        return Ok(());
    }
    let is_leaf = live.is_leaf(stage)?;
    let is_complete = known.complete && live.mode == Mode::New && is_leaf;
    let host = host_of(work, live.id, &link.host, found)?;
    let page = match known.page {
        Some(page) => page,
        None => work
            .db
            .prepare_cached("INSERT INTO cf_page (key, url) VALUES (?1, ?2)")?
            .insert(params![link.key.0.as_bytes(), link.url])?,
    };
    let batch = if stage == live.site.enter {
        work.entry_batch(live.id, into.batch, into.batch_size)?
    } else {
        into.batch
    };
    let seq = work.next_seq(live.id)?;
    let stand = if is_complete {
        Stand::Skipped(SkipReason::NotModified)
    } else {
        Stand::Plain(Phase::Queued)
    };
    let carried = serde_json::to_string(&link.carried).expect("maps of JSON have text keys");
    work.db
        .prepare_cached(
            "INSERT INTO cf_visit (session, page, seq, stage, batch, host, depth, phase, reason,
             carried, rules) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )?
        .execute(params![
            live.id.0,
            page,
            seq,
            stage.0,
            batch.0,
            host.0,
            into.depth,
            stand.phase() as u8,
            is_complete.then_some(SkipReason::NotModified.name()),
            carried,
            into.rules,
        ])?;
    let place = Place {
        session: live.id,
        batch,
        stage,
        host,
    };
    work.tally.enter(place, stand);
    if is_complete {
        count_complete(found, place);
        return Ok(());
    }
    wait(work, place, seq, page)?;
    found.new.push(StoredTask {
        key: link.key,
        seq: Seq(uint(seq)),
        url: PageUrl::new(&link.url, &carried),
        stage,
        batch,
        host,
        depth: into.depth,
        phase: Phase::Queued,
        due_in: Duration::ZERO,
        cause: None,
        tries: Tries::default(),
        suspect: false,
        validators: None,
    });
    Ok(())
}

fn count_complete(found: &mut Discovered, at: Place) {
    let is_there = |(batch, stage, host, _): &&mut (BatchId, StageId, HostId, u64)| {
        (*batch, *stage, *host) == (at.batch, at.stage, at.host)
    };
    match found.complete.iter_mut().find(is_there) {
        Some((.., n)) => *n += 1,
        None => found.complete.push((at.batch, at.stage, at.host, 1)),
    }
}

/// Puts a page into the frontier.
pub(crate) fn wait(work: &Work<'_>, at: Place, seq: i64, page: i64) -> Result<(), StoreError> {
    work.db
        .prepare_cached("INSERT INTO cf_waiting VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![at.session.0, at.batch.0, at.host.0, seq, page])?;
    Ok(())
}

fn host_of(
    work: &mut Work<'_>,
    session: SessionId,
    key: &HostKey,
    found: &mut Discovered,
) -> Result<HostId, StoreError> {
    let id = match work.hosts.ids.get(key) {
        Some(id) => *id,
        None => host_row(work, key)?,
    };
    if !work.hosts.seen.insert((session, id)) {
        return Ok(id);
    }
    let is_new = work
        .db
        .prepare_cached("INSERT INTO cf_host_count VALUES (?1, ?2, 0, 0) ON CONFLICT DO NOTHING")?
        .execute(params![session.0, id.0])?
        > 0;
    if is_new {
        found.hosts.push((id, key.clone()));
    }
    Ok(id)
}

fn host_row(work: &mut Work<'_>, key: &HostKey) -> Result<HostId, StoreError> {
    let known = work
        .db
        .prepare_cached("SELECT id FROM cf_host WHERE scheme = ?1 AND name = ?2 AND port = ?3")?
        .query_row(params![key.scheme, key.name, key.port], |row| row.get(0))
        .optional()?;
    let id = match known {
        Some(id) => HostId(id),
        None => HostId(
            work.db
                .prepare_cached(
                    "INSERT INTO cf_host (scheme, name, port) VALUES (?1, ?2, ?3) RETURNING id",
                )?
                .query_row(params![key.scheme, key.name, key.port], |row| row.get(0))?,
        ),
    };
    work.hosts.ids.insert(key.clone(), id);
    Ok(id)
}
