//! Writes the feed as a recording, chunk by chunk.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use crate::feed::{
    frame::ChangeFrame,
    key::KeyFrame,
    mirror::Mirror,
    recording::{
        bytes::Out,
        chunk::{self, Kind},
        codec::{Context, put_key},
        rows::Names,
    },
    snapshot::Snapshot,
};

/// A chunk is closed beyond this many bytes before compression.
const CHUNK_BYTES: usize = 256 << 10;
/// A chunk is closed after this much engine time: what a crash may cost.
const CHUNK_US: u64 = 1_000_000;
/// A key frame is due after this much engine time,
const KEY_US: u64 = 30_000_000;
/// or after this many bytes of changes in the file, but only when as much was written since the
/// last one as it will take: key frames are at most half of a recording, however large the window.
const KEY_BYTES: u64 = 4 << 20;
/// Bytes of a task in a key frame, before one was written.
const TASK_BYTES: u64 = 24;

/// Writes whole chunks only, so that a crash leaves a readable file. Give it a bare `File`.
#[derive(Debug)]
pub struct Writer<W: Write> {
    out: W,
    mirror: Mirror,
    names: Names,
    raw: Out,
    context: Context,
    first_us: u64,
    seq: u64,
    key_us: Option<u64>,
    bytes_since_key: u64,
    /// Bytes and tasks of the last key frame that held any.
    last_key: (u64, u64),
    /// Repeated in each key frame, so that a seek finds the aggregates too.
    latest: BTreeMap<u32, Snapshot>,
}

impl<W: Write> Writer<W> {
    /// A recording that begins now.
    ///
    /// # Errors
    /// What `out` says.
    pub fn new(mut out: W) -> io::Result<Self> {
        let mut head = chunk::MAGIC.to_vec();
        head.extend_from_slice(&chunk::VERSION.to_le_bytes());
        out.write_all(&head)?;
        Ok(Self {
            out,
            mirror: Mirror::default(),
            names: Names::default(),
            raw: Out::default(),
            context: Context::default(),
            first_us: 0,
            seq: 0,
            key_us: None,
            bytes_since_key: 0,
            last_key: (TASK_BYTES, 1),
            latest: BTreeMap::new(),
        })
    }

    /// Adds a tick's changes.
    ///
    /// # Errors
    /// What `out` says.
    pub fn changes(&mut self, tick: &ChangeFrame) -> io::Result<()> {
        if self.is_key_due(tick.at_us) {
            self.key_frame()?;
        }
        self.open_chunk(tick.at_us, tick.seq)?;
        self.context
            .put_changes(&mut self.raw, &mut self.names, tick);
        self.mirror.apply(tick);
        if self.raw.0.len() >= CHUNK_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    fn is_key_due(&self, at_us: u64) -> bool {
        let Some(key_us) = self.key_us else {
            return true;
        };
        let (bytes, tasks) = self.last_key;
        self.bytes_since_key >= self.mirror.len().saturating_mul(bytes) / tasks
            && (at_us.saturating_sub(key_us) >= KEY_US || self.bytes_since_key >= KEY_BYTES)
    }

    /// Adds a snapshot, as a chunk of its own: the curves of a whole run are read without the rest.
    ///
    /// # Errors
    /// What `out` says.
    pub fn snapshot(&mut self, snapshot: &Snapshot) -> io::Result<()> {
        if self.key_us.is_none() {
            self.key_frame()?;
        }
        self.flush()?;
        let at_us = self.mirror.at_us().max(micros(snapshot.at));
        self.mirror.wait_until(at_us);
        let mut raw = Out::default();
        Context::put_snapshot(&mut raw, snapshot);
        let seq = self.mirror.next_seq();
        self.bytes_since_key +=
            chunk::write(&mut self.out, Kind::Snapshot, (at_us, at_us), seq, &raw.0)?;
        self.latest.insert(snapshot.session.id, snapshot.clone());
        self.out.flush()
    }

    /// Adds a part of a key frame from the hub: the beginning, or what mends a loss.
    ///
    /// # Errors
    /// What `out` says.
    pub fn key_part(&mut self, frame: &KeyFrame) -> io::Result<()> {
        self.flush()?;
        self.mirror.apply_key(frame);
        if frame.part + 1 >= frame.parts {
            self.key_frame()?;
        }
        Ok(())
    }

    /// Writes what is gathered, as a chunk.
    ///
    /// # Errors
    /// What `out` says.
    pub fn flush(&mut self) -> io::Result<()> {
        if self.raw.0.is_empty() {
            return Ok(());
        }
        let times = (self.first_us, self.mirror.at_us());
        self.bytes_since_key +=
            chunk::write(&mut self.out, Kind::Changes, times, self.seq, &self.raw.0)?;
        self.raw.0.clear();
        self.out.flush()
    }

    fn open_chunk(&mut self, at_us: u64, seq: u64) -> io::Result<()> {
        if at_us.saturating_sub(self.first_us) >= CHUNK_US {
            self.flush()?;
        }
        if self.raw.0.is_empty() {
            self.context = Context::default();
            self.first_us = at_us;
            self.seq = seq;
        }
        Ok(())
    }

    fn key_frame(&mut self) -> io::Result<()> {
        self.flush()?;
        let at_us = self.mirror.at_us();
        let mut bytes = 0;
        for frame in self.mirror.key_frames() {
            let mut raw = Out::default();
            put_key(&mut raw, &mut self.names, &frame);
            if frame.part + 1 == frame.parts {
                for snapshot in self.latest.values() {
                    Context::put_snapshot(&mut raw, snapshot);
                }
            }
            let number = |n: u32| u16::try_from(n).expect("a window has at most 2,048 parts");
            let kind = Kind::Key {
                part: number(frame.part),
                parts: number(frame.parts),
            };
            bytes += chunk::write(&mut self.out, kind, (at_us, at_us), frame.seq, &raw.0)?;
        }
        let tasks = self.mirror.len();
        if tasks > 0 {
            self.last_key = (bytes, tasks);
        }
        self.key_us = Some(at_us);
        self.bytes_since_key = 0;
        self.out.flush()
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float's cast saturates, and no time is negative"
)]
fn micros(seconds: f64) -> u64 {
    (seconds * 1e6).round() as u64
}
