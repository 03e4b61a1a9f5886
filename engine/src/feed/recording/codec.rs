//! Change frames, snapshots and key frames as bytes.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    feed::{
        frame::{Birth, Change, ChangeFrame, Detail, Fault, Move},
        key::KeyFrame,
        mirror::{HostRow, SessionRow, Tables},
        recording::{
            bytes::{Broken, In, Out},
            rows::{Names, Rows, get_class, get_expected, get_reason, put_expected},
            secrets::without_userinfo,
        },
        snapshot::Snapshot,
    },
    model::phase::Phase,
};

const PHASES: u8 = Phase::Cancelled as u8 + 1;
/// Smaller ones are moves: from × 12 + to.
const ADMITTED: u8 = PHASES * PHASES;
const LEFT: u8 = ADMITTED + 1;
const OTHER: u8 = ADMITTED + 2;

const ENTRY_CHANGES: u8 = 0;
const ENTRY_SNAPSHOT: u8 = 1;

/// One entry of a chunk of changes.
pub(super) enum Entry {
    Changes(ChangeFrame),
    Snapshot(Box<Snapshot>),
}

/// What entries of a chunk are told against; fresh for each chunk.
#[derive(Debug, Default)]
pub(super) struct Context {
    rows: Rows,
    seq: u64,
    at_us: u64,
}

impl Context {
    pub(super) fn put_changes(&mut self, out: &mut Out, names: &mut Names, tick: &ChangeFrame) {
        out.byte(ENTRY_CHANGES);
        out.step(self.seq, tick.seq);
        out.step(self.at_us, tick.at_us);
        out.number(tick.changes.len() as u64);
        self.at_us = tick.at_us;
        self.seq = tick.seq.wrapping_add(tick.changes.len() as u64);
        for change in &tick.changes {
            self.put_change(out, names, change);
        }
    }

    /// As JSON: its fields may grow, and once a second the size does not matter.
    pub(super) fn put_snapshot(out: &mut Out, snapshot: &Snapshot) {
        if let Ok(json) = serde_json::to_vec(snapshot) {
            out.byte(ENTRY_SNAPSHOT);
            out.bytes(&json);
        }
    }

    pub(super) fn get(&mut self, bytes: &mut In<'_>, names: &mut Names) -> Result<Entry, Broken> {
        match bytes.byte()? {
            ENTRY_CHANGES => self.get_changes(bytes, names).map(Entry::Changes),
            ENTRY_SNAPSHOT => serde_json::from_slice(bytes.bytes()?)
                .map(Entry::Snapshot)
                .map_err(|_| Broken),
            _ => Err(Broken),
        }
    }

    fn get_changes(
        &mut self,
        bytes: &mut In<'_>,
        names: &mut Names,
    ) -> Result<ChangeFrame, Broken> {
        let seq = bytes.step(self.seq)?;
        self.at_us = bytes.step(self.at_us)?;
        let len: usize = bytes.small()?;
        // A change takes at least two bytes: no allocation on a wrong number's word.
        if len > bytes.0.len() {
            return Err(Broken);
        }
        let changes: Result<Vec<Change>, Broken> =
            (0..len).map(|_| self.get_change(bytes, names)).collect();
        self.seq = seq.wrapping_add(len as u64);
        Ok(ChangeFrame {
            seq,
            at_us: self.at_us,
            changes: changes?,
        })
    }

    fn put_change(&mut self, out: &mut Out, names: &mut Names, change: &Change) {
        match change {
            Change::Moved(step) => {
                out.byte(step.from as u8 * PHASES + step.to as u8);
                out.step(self.rows.slot.into(), step.slot.into());
                self.rows.slot = step.slot;
                self.put_detail(out, step);
            }
            Change::Admitted(birth) => {
                out.byte(ADMITTED);
                let task = crate::feed::key::KeyTask::born(self.at_us, birth);
                self.rows.put(out, names, &task);
            }
            Change::Left { slot } => {
                out.byte(LEFT);
                out.step(self.rows.slot.into(), (*slot).into());
                self.rows.slot = *slot;
            }
            other => {
                names.learn(other);
                out.byte(OTHER);
                // These hold only numbers and text, which postcard always writes.
                out.bytes(&postcard::to_stdvec(&safe(other)).unwrap_or_default());
            }
        }
    }

    fn get_change(&mut self, bytes: &mut In<'_>, names: &mut Names) -> Result<Change, Broken> {
        match bytes.byte()? {
            ADMITTED => {
                let task = self.rows.get(bytes, names, self.at_us)?;
                Ok(Change::Admitted(Box::new(Birth {
                    slot: task.slot,
                    key: task.key,
                    url: task.url,
                    session: task.session,
                    stage: task.stage,
                    batch: task.batch,
                    host: task.host,
                    phase: task.phase,
                    attempts: task.attempts,
                })))
            }
            LEFT => {
                self.rows.slot = bytes.small_step(self.rows.slot)?;
                Ok(Change::Left {
                    slot: self.rows.slot,
                })
            }
            OTHER => {
                let change: Change = postcard::from_bytes(bytes.bytes()?).map_err(|_| Broken)?;
                names.learn(&change);
                Ok(change)
            }
            op => {
                let from = Phase::from_number(op / PHASES).ok_or(Broken)?;
                let to = Phase::from_number(op % PHASES).ok_or(Broken)?;
                self.rows.slot = bytes.small_step(self.rows.slot)?;
                let (attempts, detail) = self.get_detail(bytes)?;
                Ok(Change::Moved(Move {
                    slot: self.rows.slot,
                    from,
                    to,
                    attempts,
                    detail,
                }))
            }
        }
    }

    fn put_detail(&self, out: &mut Out, step: &Move) {
        let kind = match &step.detail {
            Detail::None => 0,
            Detail::Began { expect_ms: None } => 1,
            Detail::Began { expect_ms: Some(_) } => 2,
            Detail::Took { .. } => 3,
            Detail::Error(_) => 4,
            Detail::Reason(_) => 5,
        };
        out.byte(kind << 1 | u8::from(step.attempts != 0));
        if step.attempts != 0 {
            out.number(step.attempts.into());
        }
        match &step.detail {
            Detail::None | Detail::Began { expect_ms: None } => {}
            Detail::Began {
                expect_ms: Some(expected),
            } => put_expected(out, *expected),
            Detail::Took { ms, bytes } => {
                out.number((*ms).into());
                out.number(*bytes);
            }
            Detail::Error(fault) => {
                out.byte(fault.class as u8);
                out.bytes(without_userinfo(&fault.message).as_bytes());
                out.byte(u8::from(fault.retry_at_us.is_some()));
                if let Some(at) = fault.retry_at_us {
                    out.step(self.at_us, at);
                }
            }
            Detail::Reason(reason) => out.byte(*reason as u8),
        }
    }

    fn get_detail(&self, bytes: &mut In<'_>) -> Result<(u16, Detail), Broken> {
        let head = bytes.byte()?;
        let attempts = if head & 1 == 1 { bytes.small()? } else { 0 };
        let detail = match head >> 1 {
            0 => Detail::None,
            1 => Detail::Began { expect_ms: None },
            2 => Detail::Began {
                expect_ms: Some(get_expected(bytes)?),
            },
            3 => Detail::Took {
                ms: bytes.small()?,
                bytes: bytes.number()?,
            },
            4 => Detail::Error(Box::new(Fault {
                class: get_class(bytes)?,
                message: Arc::from(bytes.text()?),
                retry_at_us: if bytes.byte()? == 0 {
                    None
                } else {
                    Some(bytes.step(self.at_us)?)
                },
            })),
            5 => Detail::Reason(get_reason(bytes)?),
            _ => return Err(Broken),
        };
        Ok((attempts, detail))
    }
}

/// The snapshot of a chunk that holds one alone.
pub(super) fn snapshot(raw: &[u8]) -> Result<Snapshot, Broken> {
    let mut names = Names::default();
    match Context::default().get(&mut In(raw), &mut names)? {
        Entry::Snapshot(snapshot) => Ok(*snapshot),
        Entry::Changes(_) => Err(Broken),
    }
}

/// The rare changes, free of secrets.
fn safe(change: &Change) -> Change {
    match change {
        Change::Notice { session, text } => Change::Notice {
            session: *session,
            text: Arc::from(without_userinfo(text)),
        },
        Change::HostBorn { host, name } => Change::HostBorn {
            host: *host,
            name: Arc::from(without_userinfo(name)),
        },
        other => other.clone(),
    }
}

/// Sessions and hosts of a key frame.
#[derive(Serialize, Deserialize)]
struct KeyTables {
    sessions: Vec<SessionRow>,
    hosts: Vec<HostRow>,
}

/// One part of a key frame.
pub(super) fn put_key(out: &mut Out, names: &mut Names, frame: &KeyFrame) {
    out.number(frame.seq);
    out.number(frame.at_us);
    out.number(frame.part.into());
    out.number(frame.parts.into());
    names.learn_all(&frame.tables);
    let tables = KeyTables {
        sessions: frame.tables.sessions().to_vec(),
        hosts: frame.tables.hosts().to_vec(),
    };
    out.bytes(&postcard::to_stdvec(&tables).unwrap_or_default());
    out.number(frame.tasks.len() as u64);
    let mut rows = Rows::default();
    for task in &frame.tasks {
        rows.put_whole(out, names, task);
    }
}

/// One part of a key frame.
pub(super) fn get_key(bytes: &mut In<'_>, names: &mut Names) -> Result<KeyFrame, Broken> {
    let (seq, at_us) = (bytes.number()?, bytes.number()?);
    let (part, parts) = (bytes.small()?, bytes.small()?);
    let tables: KeyTables = postcard::from_bytes(bytes.bytes()?).map_err(|_| Broken)?;
    let tables = Tables::of(tables.sessions, tables.hosts);
    names.learn_all(&tables);
    let len: usize = bytes.small()?;
    if len > bytes.0.len() {
        return Err(Broken);
    }
    let mut rows = Rows::default();
    let tasks: Result<_, Broken> = (0..len).map(|_| rows.get_whole(bytes, names)).collect();
    Ok(KeyFrame {
        seq,
        at_us,
        part,
        parts,
        tables,
        tasks: tasks?,
    })
}
