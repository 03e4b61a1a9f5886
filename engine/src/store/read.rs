//! What a session's count rows say.

use rusqlite::{Connection, Row};

use crate::{
    message::receipts::{KnownHost, OverCounts, StoreError},
    model::{
        class::{ErrorClass, SkipReason},
        host_key::HostKey,
        ids::{BatchId, HostId, SessionId, StageId},
        phase::Phase,
        remark::{Remark, Remarks},
    },
    store::work::uint,
};

fn rows<T>(
    db: &Connection,
    sql: &str,
    session: SessionId,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, StoreError> {
    Ok(db
        .prepare_cached(sql)?
        .query_map([session.0], read)?
        .collect::<Result<_, _>>()?)
}

/// Pages by batch, stage and phase.
pub(crate) fn counts(
    db: &Connection,
    session: SessionId,
) -> Result<Vec<(BatchId, StageId, Phase, u64)>, StoreError> {
    rows(
        db,
        "SELECT batch, stage, phase, n FROM cf_count WHERE session = ?1 AND n <> 0
         ORDER BY batch, stage, phase",
        session,
        |row| {
            Ok((
                BatchId(row.get(0)?),
                StageId(row.get(1)?),
                Phase::from_number(row.get(2)?).unwrap_or_default(),
                uint(row.get(3)?),
            ))
        },
    )
}

/// Hosts of a session, by their numbers.
pub(crate) fn hosts(db: &Connection, session: SessionId) -> Result<Vec<KnownHost>, StoreError> {
    rows(
        db,
        // Those that failed are few, and have an index each.
        "WITH dead AS (SELECT host, count(*) AS n FROM cf_visit
                       WHERE session = ?1 AND phase = 9 GROUP BY host),
            failed AS (SELECT host, count(*) AS n FROM cf_visit
                       WHERE session = ?1 AND phase = 8 GROUP BY host)
         SELECT h.id, h.scheme, h.name, h.port, c.waiting, h.learned,
                c.finished - ifnull(dead.n, 0), ifnull(dead.n, 0), ifnull(failed.n, 0)
         FROM cf_host_count c JOIN cf_host h ON h.id = c.host
         LEFT JOIN dead ON dead.host = h.id LEFT JOIN failed ON failed.host = h.id
         WHERE c.session = ?1 ORDER BY h.id",
        session,
        |row| {
            Ok(KnownHost {
                id: HostId(row.get(0)?),
                key: HostKey {
                    scheme: row.get(1)?,
                    name: row.get(2)?,
                    port: row.get(3)?,
                },
                waiting: uint(row.get(4)?),
                gone: OverCounts {
                    finished: uint(row.get(6)?),
                    dead: uint(row.get(7)?),
                    failed: uint(row.get(8)?),
                },
                learned: row
                    .get::<_, Option<String>>(5)?
                    .and_then(|text| serde_json::from_str(&text).ok()),
            })
        },
    )
}

/// How many attempts of each batch's stage were judged.
pub(crate) fn stage_attempts(
    db: &Connection,
    session: SessionId,
) -> Result<Vec<(BatchId, StageId, u32)>, StoreError> {
    rows(
        db,
        "SELECT batch, stage, count(*) FROM cf_result
         WHERE session = ?1 AND batch IS NOT NULL AND stage IS NOT NULL
         GROUP BY batch, stage ORDER BY batch, stage",
        session,
        |row| Ok((BatchId(row.get(0)?), StageId(row.get(1)?), row.get(2)?)),
    )
}

/// Skipped pages by reason.
pub(crate) fn skipped(
    db: &Connection,
    session: SessionId,
) -> Result<Vec<(SkipReason, u64)>, StoreError> {
    let named = reasons(db, session, Phase::Skipped)?;
    Ok(named
        .into_iter()
        .map(|(name, n)| {
            (
                SkipReason::from_name(&name).unwrap_or(SkipReason::Unknown),
                n,
            )
        })
        .collect())
}

/// What the session says at its end, so far.
pub(crate) fn remarks(db: &Connection, session: SessionId) -> Result<Remarks, StoreError> {
    let all = rows(
        db,
        "SELECT kind, n, first FROM cf_remark WHERE session = ?1",
        session,
        |row| {
            Ok((
                row.get::<_, String>(0)?,
                uint(row.get(1)?),
                row.get::<_, String>(2)?,
            ))
        },
    )?;
    let known = all.into_iter();
    Ok(known
        .filter_map(|(kind, n, first)| Some((Remark::from_name(&kind)?, n, first)))
        .collect())
}

/// Dead letters by class.
pub(crate) fn dead(
    db: &Connection,
    session: SessionId,
) -> Result<Vec<(ErrorClass, u64)>, StoreError> {
    let named = reasons(db, session, Phase::Dead)?;
    Ok(named
        .into_iter()
        .filter_map(|(name, n)| Some((ErrorClass::from_name(&name)?, n)))
        .collect())
}

fn reasons(
    db: &Connection,
    session: SessionId,
    phase: Phase,
) -> Result<Vec<(String, u64)>, StoreError> {
    let all = rows(
        db,
        "SELECT phase, reason, n FROM cf_reason WHERE session = ?1 AND n <> 0 ORDER BY reason",
        session,
        |row| {
            Ok((
                row.get::<_, u8>(0)?,
                row.get::<_, String>(1)?,
                uint(row.get(2)?),
            ))
        },
    )?;
    Ok(all
        .into_iter()
        .filter(|(of, _, _)| *of == phase as u8)
        .map(|(_, name, n)| (name, n))
        .collect())
}
