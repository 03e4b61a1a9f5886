//! Tasks as rows of bytes: what repeats from row to row is left out, a key that follows from
//! site, stage and URL too.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::{
    feed::{
        frame::Change,
        key::KeyTask,
        mirror::Tables,
        recording::{
            bytes::{Broken, In, Out},
            secrets::without_userinfo,
        },
    },
    model::{
        class::{ErrorClass, SkipReason},
        ids::{BatchId, HostId, PageKey, SessionId, StageId},
        phase::Phase,
    },
};

const OWN_KEY: u8 = 1;
const NEW_SESSION: u8 = 1 << 1;
const NEW_STAGE: u8 = 1 << 2;
const NEW_BATCH: u8 = 1 << 3;
const NEW_HOST: u8 = 1 << 4;
const ATTEMPTS: u8 = 1 << 5;
const NOT_QUEUED: u8 = 1 << 6;

const DUE: u8 = 1;
const EXPECTED: u8 = 1 << 1;
const CLASS: u8 = 1 << 2;
const REASON: u8 = 1 << 3;

/// Site and stage names by session: with the URL they give a page's key.
#[derive(Debug, Clone, Default)]
pub(super) struct Names(FxHashMap<SessionId, (Arc<str>, Vec<Arc<str>>)>);

impl Names {
    pub(super) fn learn(&mut self, change: &Change) {
        if let Change::SessionBorn {
            session,
            site,
            stages,
            ..
        } = change
        {
            self.0.insert(*session, (Arc::clone(site), stages.clone()));
        }
    }

    pub(super) fn learn_all(&mut self, tables: &Tables) {
        for row in tables.sessions() {
            let stages = row.stages.iter().map(|stage| Arc::clone(&stage.name));
            self.0
                .insert(row.id, (Arc::clone(&row.site), stages.collect()));
        }
    }

    fn key(&self, task: &KeyTask, url: &str) -> Option<PageKey> {
        let (site, stages) = self.0.get(&task.session)?;
        let stage = stages.get(usize::from(task.stage.0))?;
        Some(PageKey::new(site, stage, url))
    }
}

/// What the next row is told against.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub(super) slot: u32,
    session: u32,
    stage: u16,
    batch: u32,
    host: u32,
    url: Vec<u8>,
    changed_us: u64,
}

impl Rows {
    /// A task as at its birth.
    pub(super) fn put(&mut self, out: &mut Out, names: &Names, task: &KeyTask) {
        let url = without_userinfo(&task.url);
        let has_own_key = names.key(task, &url) != Some(task.key);
        let flag = |is_set: bool, flag: u8| if is_set { flag } else { 0 };
        let flags = flag(has_own_key, OWN_KEY)
            | flag(task.session.0 != self.session, NEW_SESSION)
            | flag(task.stage.0 != self.stage, NEW_STAGE)
            | flag(task.batch.0 != self.batch, NEW_BATCH)
            | flag(task.host.0 != self.host, NEW_HOST)
            | flag(task.attempts != 0, ATTEMPTS)
            | flag(task.phase != Phase::Queued, NOT_QUEUED);
        out.byte(flags);
        out.step(self.slot.into(), task.slot.into());
        if flags & NEW_SESSION != 0 {
            out.number(task.session.0.into());
        }
        if flags & NEW_STAGE != 0 {
            out.number(task.stage.0.into());
        }
        if flags & NEW_BATCH != 0 {
            out.step(self.batch.into(), task.batch.0.into());
        }
        if flags & NEW_HOST != 0 {
            out.step(self.host.into(), task.host.0.into());
        }
        if flags & ATTEMPTS != 0 {
            out.number(task.attempts.into());
        }
        if flags & NOT_QUEUED != 0 {
            out.byte(task.phase as u8);
        }
        let same = self
            .url
            .iter()
            .zip(url.as_bytes())
            .take_while(|(a, b)| a == b);
        let same = same.count();
        out.number(same as u64);
        out.bytes(&url.as_bytes()[same..]);
        if has_own_key {
            out.0.extend_from_slice(task.key.0.as_bytes());
        }
        self.slot = task.slot;
        self.session = task.session.0;
        self.stage = task.stage.0;
        self.batch = task.batch.0;
        self.host = task.host.0;
        self.url.truncate(same);
        self.url.extend_from_slice(&url.as_bytes()[same..]);
    }

    /// A task as at its birth, at `at_us`.
    pub(super) fn get(
        &mut self,
        bytes: &mut In<'_>,
        names: &Names,
        at_us: u64,
    ) -> Result<KeyTask, Broken> {
        let flags = bytes.byte()?;
        self.slot = bytes.small_step(self.slot)?;
        if flags & NEW_SESSION != 0 {
            self.session = bytes.small()?;
        }
        if flags & NEW_STAGE != 0 {
            self.stage = bytes.small()?;
        }
        if flags & NEW_BATCH != 0 {
            self.batch = bytes.small_step(self.batch)?;
        }
        if flags & NEW_HOST != 0 {
            self.host = bytes.small_step(self.host)?;
        }
        let attempts = if flags & ATTEMPTS != 0 {
            bytes.small()?
        } else {
            0
        };
        let phase = if flags & NOT_QUEUED != 0 {
            Phase::from_number(bytes.byte()?).ok_or(Broken)?
        } else {
            Phase::Queued
        };
        let same: usize = bytes.small()?;
        if same > self.url.len() {
            return Err(Broken);
        }
        self.url.truncate(same);
        self.url.extend_from_slice(bytes.bytes()?);
        let url = std::str::from_utf8(&self.url).map_err(|_| Broken)?;
        let mut task = KeyTask {
            slot: self.slot,
            key: PageKey(uuid::Uuid::nil()),
            url: url.into(),
            session: SessionId(self.session),
            stage: StageId(self.stage),
            batch: BatchId(self.batch),
            host: HostId(self.host),
            phase,
            attempts,
            changed_us: at_us,
            due_us: None,
            expected_ms: None,
            class: None,
            reason: None,
        };
        task.key = if flags & OWN_KEY == 0 {
            names.key(&task, url).ok_or(Broken)?
        } else {
            PageKey(uuid::Uuid::from_slice(bytes.take(16)?).map_err(|_| Broken)?)
        };
        Ok(task)
    }

    /// A task in the middle of its life.
    pub(super) fn put_whole(&mut self, out: &mut Out, names: &Names, task: &KeyTask) {
        self.put(out, names, task);
        out.step(self.changed_us, task.changed_us);
        self.changed_us = task.changed_us;
        let flag = |is_set: bool, flag: u8| if is_set { flag } else { 0 };
        out.byte(
            flag(task.due_us.is_some(), DUE)
                | flag(task.expected_ms.is_some(), EXPECTED)
                | flag(task.class.is_some(), CLASS)
                | flag(task.reason.is_some(), REASON),
        );
        if let Some(due) = task.due_us {
            out.step(task.changed_us, due);
        }
        if let Some(expected) = task.expected_ms {
            put_expected(out, expected);
        }
        if let Some(class) = task.class {
            out.byte(class as u8);
        }
        if let Some(reason) = task.reason {
            out.byte(reason as u8);
        }
    }

    /// A task in the middle of its life.
    pub(super) fn get_whole(
        &mut self,
        bytes: &mut In<'_>,
        names: &Names,
    ) -> Result<KeyTask, Broken> {
        let mut task = self.get(bytes, names, 0)?;
        self.changed_us = bytes.step(self.changed_us)?;
        task.changed_us = self.changed_us;
        let flags = bytes.byte()?;
        if flags & DUE != 0 {
            task.due_us = Some(bytes.step(task.changed_us)?);
        }
        if flags & EXPECTED != 0 {
            task.expected_ms = Some(get_expected(bytes)?);
        }
        if flags & CLASS != 0 {
            task.class = Some(get_class(bytes)?);
        }
        if flags & REASON != 0 {
            task.reason = Some(get_reason(bytes)?);
        }
        Ok(task)
    }
}

pub(super) fn put_expected(out: &mut Out, (median, low, high): (u32, u32, u32)) {
    out.number(median.into());
    out.step(median.into(), low.into());
    out.step(median.into(), high.into());
}

pub(super) fn get_expected(bytes: &mut In<'_>) -> Result<(u32, u32, u32), Broken> {
    let median: u32 = bytes.small()?;
    Ok((median, bytes.small_step(median)?, bytes.small_step(median)?))
}

pub(super) fn get_class(bytes: &mut In<'_>) -> Result<ErrorClass, Broken> {
    let number = usize::from(bytes.byte()?);
    ErrorClass::ALL.get(number).copied().ok_or(Broken)
}

pub(super) fn get_reason(bytes: &mut In<'_>) -> Result<SkipReason, Broken> {
    let number = usize::from(bytes.byte()?);
    SkipReason::ALL.get(number).copied().ok_or(Broken)
}
