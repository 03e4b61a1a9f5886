//! Chunks of a recording: entries in postcard, compressed, with length and checksums, so that
//! damage is seen.

use std::io::{self, Read, Seek, SeekFrom, Write};

use postcard::fixint;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    feed::{
        frame::{Change, ChangeFrame},
        key_frame::KeyFrame,
        snapshot::Snapshot,
        tables::Tables,
        task_record::TaskRecord,
    },
    model::ids::PageKey,
};

/// The file's first bytes.
pub(super) const MAGIC: [u8; 8] = *b"CRAWLREC";
/// The form of all that follows.
pub(super) const VERSION: u32 = 3;
/// Bytes of magic and version.
pub(super) const FILE_HEAD: u64 = 12;

const CHUNK_MAGIC: [u8; 4] = *b"chnk";
/// Bytes of a head: its fields and four of their checksum.
const HEAD: usize = 49;
/// A chunk that claims to be larger is damage.
const RAW_MAX: u32 = 64 << 20;
/// Of zstd: higher ones gain a twentieth and cost the recorder's thread twice.
const LEVEL: i32 = 3;

/// What a chunk holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Kind {
    Changes,
    /// The first part of a key frame.
    KeyStart,
    /// Another part of a key frame.
    KeyPart,
    /// One snapshot and nothing else.
    Snapshot,
}

/// A chunk's head; its numbers have a fixed size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ChunkHead {
    magic: [u8; 4],
    pub(super) kind: Kind,
    #[serde(with = "fixint::le")]
    pub(super) first_us: u64,
    #[serde(with = "fixint::le")]
    pub(super) last_us: u64,
    /// Number of the first change in it (or after it, for a key frame).
    #[serde(with = "fixint::le")]
    pub(super) seq: u64,
    #[serde(with = "fixint::le")]
    raw_len: u32,
    #[serde(with = "fixint::le")]
    packed_len: u32,
    #[serde(with = "fixint::le")]
    body_sum: u64,
}

/// The first bytes of a recording: what it is and of which version.
pub(super) fn file_head() -> Vec<u8> {
    [&MAGIC[..], &VERSION.to_le_bytes()].concat()
}

impl ChunkHead {
    /// Of a whole chunk; none where it is no chunk.
    pub(super) fn of(chunk: &[u8]) -> Option<Self> {
        Self::parse(chunk.first_chunk()?)
    }

    /// Bytes of the whole chunk.
    pub(super) fn len(&self) -> u64 {
        HEAD as u64 + u64::from(self.packed_len)
    }

    fn parse(bytes: &[u8; HEAD]) -> Option<Self> {
        let (fields, check) = bytes.split_at(HEAD - 4);
        if sum(fields).to_le_bytes()[..4] != *check {
            return None;
        }
        let head: Self = postcard::from_bytes(fields).ok()?;
        (head.magic == CHUNK_MAGIC && head.raw_len <= RAW_MAX).then_some(head)
    }
}

/// Writes one chunk in one piece; its length.
pub(super) fn write(
    out: &mut impl Write,
    kind: Kind,
    (first_us, last_us): (u64, u64),
    seq: u64,
    body: &ChunkBody,
) -> io::Result<u64> {
    let raw_len = u32::try_from(body.len()).ok();
    let raw_len = raw_len
        .filter(|len| *len <= RAW_MAX)
        .ok_or_else(|| io::Error::other("a chunk of the recording grew beyond 64 MiB"))?;
    let packed = zstd::bulk::compress(&body.bytes, LEVEL)?;
    let head = ChunkHead {
        magic: CHUNK_MAGIC,
        kind,
        first_us,
        last_us,
        seq,
        raw_len,
        packed_len: u32::try_from(packed.len()).map_err(io::Error::other)?,
        body_sum: sum(&packed),
    };
    let mut whole = in_bytes(&head, Vec::with_capacity(HEAD + packed.len()));
    let check = sum(&whole).to_le_bytes();
    whole.extend_from_slice(&check[..4]);
    whole.extend_from_slice(&packed);
    out.write_all(&whole)?;
    Ok(whole.len() as u64)
}

/// The head at `at` of a file of `file_len` bytes; `Err(None)` is damage there.
pub(super) fn read_head(
    file: &mut (impl Read + Seek),
    at: u64,
    file_len: u64,
) -> Result<ChunkHead, Option<io::Error>> {
    if at + HEAD as u64 > file_len {
        return Err(None);
    }
    let mut bytes = [0; HEAD];
    file.seek(SeekFrom::Start(at)).map_err(Some)?;
    file.read_exact(&mut bytes).map_err(Some)?;
    let head = ChunkHead::parse(&bytes).ok_or(None)?;
    if at + head.len() > file_len {
        return Err(None);
    }
    Ok(head)
}

/// The unpacked body of the chunk at `at`; `None` is damage in it.
pub(super) fn read_body(
    file: &mut (impl Read + Seek),
    at: u64,
    head: &ChunkHead,
) -> io::Result<Option<ChunkBody>> {
    let mut packed = vec![0; head.packed_len as usize];
    file.seek(SeekFrom::Start(at + HEAD as u64))?;
    file.read_exact(&mut packed)?;
    if sum(&packed) != head.body_sum {
        return Ok(None);
    }
    let raw = zstd::bulk::decompress(&packed, head.raw_len as usize).ok();
    let raw = raw.filter(|raw| raw.len() == head.raw_len as usize);
    Ok(raw.map(|bytes| ChunkBody {
        bytes,
        last: Distances::default(),
    }))
}

/// The first eight bytes of BLAKE3.
fn sum(bytes: &[u8]) -> u64 {
    let hash = blake3::hash(bytes);
    let first = hash.as_bytes().first_chunk();
    u64::from_le_bytes(*first.expect("a hash has 32 bytes"))
}

fn in_bytes(value: &impl Serialize, buffer: Vec<u8>) -> Vec<u8> {
    postcard::to_extend(value, buffer).expect("numbers, text and lists in memory have bytes")
}

/// What a chunk's body consists of.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Entry {
    Changes(ChangeFrame),
    Key(KeyFrame),
    /// As JSON: its fields may grow, and once a second the size does not matter.
    Snapshot(String),
}

impl Entry {
    pub(super) fn of_snapshot(snapshot: &Snapshot) -> Self {
        Self::Snapshot(serde_json::to_string(snapshot).expect("all its keys are text"))
    }

    /// Leaves out the keys that follow from what `tables` know.
    pub(super) fn without_keys(mut self, tables: &Tables) -> Self {
        for task in self.tasks_mut() {
            if key_of(task, tables) == Some(task.key) {
                task.key = LEFT_OUT;
            }
        }
        self
    }

    /// Puts those keys back, once `tables` know what this entry tells; `None` where one is unknown.
    pub(super) fn with_keys(mut self, tables: &Tables) -> Option<Self> {
        for task in self.tasks_mut() {
            if task.key == LEFT_OUT {
                task.key = key_of(task, tables)?;
            }
        }
        Some(self)
    }

    fn tasks_mut(&mut self) -> Box<dyn Iterator<Item = &mut TaskRecord> + '_> {
        match self {
            Self::Changes(tick) => Box::new(tick.changes.iter_mut().filter_map(admitted)),
            Self::Key(frame) => Box::new(frame.tasks.iter_mut()),
            Self::Snapshot(_) => Box::new(std::iter::empty()),
        }
    }
}

/// In place of a key that follows from site, stage and URL: 16 bytes that nothing compresses.
const LEFT_OUT: PageKey = PageKey(Uuid::nil());

fn admitted(change: &mut Change) -> Option<&mut TaskRecord> {
    match change {
        Change::Admitted(task) => Some(task),
        _ => None,
    }
}

fn key_of(task: &TaskRecord, tables: &Tables) -> Option<PageKey> {
    let session = tables.session(task.session)?;
    let stage = session.stages.get(usize::from(task.stage.0))?;
    Some(PageKey::new(&session.site, &stage.name, &task.url))
}

/// Entries, one after the other.
#[derive(Debug, Default)]
pub(super) struct ChunkBody {
    bytes: Vec<u8>,
    last: Distances,
}

impl ChunkBody {
    pub(super) fn push(&mut self, mut entry: Entry) {
        self.last.shorten(&mut entry);
        self.bytes = in_bytes(&entry, std::mem::take(&mut self.bytes));
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.last = Distances::default();
    }

    /// The entries up to the first that makes no sense, which is an error.
    pub(super) fn entries(&self) -> impl Iterator<Item = postcard::Result<Entry>> + '_ {
        let mut last = Distances::default();
        let mut rest = Some(&*self.bytes).filter(|rest| !rest.is_empty());
        std::iter::from_fn(move || {
            let taken = postcard::take_from_bytes(rest?);
            rest = taken.as_ref().ok().map(|(_, rest)| *rest);
            rest = rest.filter(|rest| !rest.is_empty());
            Some(taken.map(|(mut entry, _)| {
                last.restore(&mut entry);
                entry
            }))
        })
    }
}

/// Numbers are written as distances, which are small and repeat themselves: of a tick from the tick
/// before, of a slot from the slot before, of a task's times from its frame's.
#[derive(Debug, Default)]
struct Distances {
    seq: u64,
    at_us: u64,
    slot: u32,
}

impl Distances {
    fn shorten(&mut self, entry: &mut Entry) {
        match entry {
            Entry::Changes(tick) => {
                let (seq, at_us) = (tick.seq, tick.at_us);
                tick.seq = seq.wrapping_sub(self.seq);
                tick.at_us = at_us.wrapping_sub(self.at_us);
                self.seq = seq.wrapping_add(tick.changes.len() as u64);
                self.at_us = at_us;
                tick.changes
                    .iter_mut()
                    .filter_map(slot_of)
                    .for_each(|slot| self.shorten_slot(slot));
            }
            Entry::Key(frame) => {
                for task in &mut frame.tasks {
                    self.shorten_slot(&mut task.slot);
                    task.changed_us = frame.at_us.wrapping_sub(task.changed_us);
                    task.due_us = task.due_us.map(|due| due.wrapping_sub(frame.at_us));
                }
            }
            Entry::Snapshot(_) => {}
        }
    }

    fn restore(&mut self, entry: &mut Entry) {
        match entry {
            Entry::Changes(tick) => {
                tick.seq = tick.seq.wrapping_add(self.seq);
                tick.at_us = tick.at_us.wrapping_add(self.at_us);
                self.seq = tick.seq.wrapping_add(tick.changes.len() as u64);
                self.at_us = tick.at_us;
                tick.changes
                    .iter_mut()
                    .filter_map(slot_of)
                    .for_each(|slot| self.restore_slot(slot));
            }
            Entry::Key(frame) => {
                for task in &mut frame.tasks {
                    self.restore_slot(&mut task.slot);
                    task.changed_us = frame.at_us.wrapping_sub(task.changed_us);
                    task.due_us = task.due_us.map(|due| due.wrapping_add(frame.at_us));
                }
            }
            Entry::Snapshot(_) => {}
        }
    }

    /// Above and below the last slot alike: 0, -1, 1, -2, … are 0, 1, 2, 3, …
    const fn shorten_slot(&mut self, slot: &mut u32) {
        let way = slot.wrapping_sub(self.slot).cast_signed();
        self.slot = *slot;
        *slot = ((way << 1) ^ (way >> 31)).cast_unsigned();
    }

    const fn restore_slot(&mut self, slot: &mut u32) {
        let way = (*slot >> 1) ^ (*slot & 1).wrapping_neg();
        self.slot = self.slot.wrapping_add(way);
        *slot = self.slot;
    }
}

fn slot_of(change: &mut Change) -> Option<&mut u32> {
    match change {
        Change::Admitted(task) => Some(&mut task.slot),
        Change::Moved(step) => Some(&mut step.slot),
        Change::Left { slot } => Some(slot),
        _ => None,
    }
}
