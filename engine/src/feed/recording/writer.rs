//! Writes the feed as a recording, chunk by chunk; in a thread of its own for a subscription.

use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    thread::{self, JoinHandle},
    time::Duration,
};

use crate::feed::{
    frame::ChangeFrame,
    hub::{Item, Subscription},
    key_frame::KeyFrame,
    mirror::Mirror,
    recording::{
        RecordingError,
        chunk::{self, ChunkBody, Entry, Kind},
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
/// With no news for so long, a recorder writes what is gathered.
const QUIET: Duration = Duration::from_secs(1);

/// Writes whole chunks only, so that a crash leaves a readable file. Give it a bare `File`.
#[derive(Debug)]
pub struct Writer<W: Write> {
    out: W,
    /// What is in the file so far: without what may not enter it.
    mirror: Mirror,
    body: ChunkBody,
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
        out.write_all(&chunk::file_head())?;
        Ok(Self {
            out,
            mirror: Mirror::default(),
            body: ChunkBody::default(),
            first_us: 0,
            seq: 0,
            key_us: None,
            bytes_since_key: 0,
            last_key: (TASK_BYTES, 1),
            latest: BTreeMap::new(),
        })
    }

    /// Where it is written to.
    pub(super) const fn out(&self) -> &W {
        &self.out
    }

    /// Adds what a subscription brings; its end is nothing to add.
    ///
    /// # Errors
    /// What `out` says.
    pub fn item(&mut self, item: &Item) -> io::Result<()> {
        match item {
            Item::Key { frame, .. } => self.key_part(frame),
            Item::Changes(tick) => self.changes(tick),
            Item::Snapshot(snapshot) => self.snapshot(snapshot),
            Item::Closed => Ok(()),
        }
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
        let tick = tick.without_secrets();
        self.mirror.apply(&tick);
        let entry = Entry::Changes(tick).without_keys(self.mirror.tables());
        self.body.push(entry);
        if self.body.len() >= CHUNK_BYTES {
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
        let at_us = self.mirror.at_us().max(snapshot.at_us());
        self.mirror.wait_until(at_us);
        let mut body = ChunkBody::default();
        body.push(Entry::of_snapshot(snapshot));
        let seq = self.mirror.next_seq();
        self.bytes_since_key +=
            chunk::write(&mut self.out, Kind::Snapshot, (at_us, at_us), seq, &body)?;
        self.latest.insert(snapshot.session.id, snapshot.clone());
        self.out.flush()
    }

    /// Adds a part of a key frame from the hub: the beginning, or what mends a loss.
    ///
    /// # Errors
    /// What `out` says.
    pub fn key_part(&mut self, frame: &KeyFrame) -> io::Result<()> {
        self.flush()?;
        self.mirror.apply_key(&frame.without_secrets());
        if frame.is_last() {
            self.key_frame()?;
        }
        Ok(())
    }

    /// Writes what is gathered, as a chunk.
    ///
    /// # Errors
    /// What `out` says.
    pub fn flush(&mut self) -> io::Result<()> {
        if self.body.len() == 0 {
            return Ok(());
        }
        let times = (self.first_us, self.mirror.at_us());
        self.bytes_since_key +=
            chunk::write(&mut self.out, Kind::Changes, times, self.seq, &self.body)?;
        self.body.clear();
        self.out.flush()
    }

    fn open_chunk(&mut self, at_us: u64, seq: u64) -> io::Result<()> {
        if at_us.saturating_sub(self.first_us) >= CHUNK_US {
            self.flush()?;
        }
        if self.body.len() == 0 {
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
            let (seq, is_last) = (frame.seq, frame.is_last());
            let kind = match frame.part {
                0 => Kind::KeyStart,
                _ => Kind::KeyPart,
            };
            let mut body = ChunkBody::default();
            body.push(Entry::Key(frame).without_keys(self.mirror.tables()));
            if is_last {
                for snapshot in self.latest.values() {
                    body.push(Entry::of_snapshot(snapshot));
                }
            }
            bytes += chunk::write(&mut self.out, kind, (at_us, at_us), seq, &body)?;
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

/// A new file for a recording.
pub(super) fn create(path: &Path) -> Result<File, RecordingError> {
    let mut options = OpenOptions::new();
    let file = options.write(true).create_new(true).open(path);
    file.map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => RecordingError::Exists(path.to_owned()),
        _ => RecordingError::io(path)(source),
    })
}

/// A recording in the making.
#[derive(Debug)]
pub struct Recorder {
    path: PathBuf,
    thread: JoinHandle<io::Result<()>>,
}

impl Recorder {
    /// Records into a new file until the feed ends. A failure of the disk ends the recording, not
    /// the crawl; `join` tells it.
    ///
    /// # Errors
    /// Where the file exists or cannot be made.
    pub fn start(path: &Path, subscription: Subscription) -> Result<Self, RecordingError> {
        let file = create(path)?;
        let failed = RecordingError::io(path);
        let writer = Writer::new(file).map_err(&failed)?;
        let thread = thread::Builder::new()
            .name("recorder".to_owned())
            .spawn(move || record(writer, &subscription))
            .map_err(failed)?;
        Ok(Self {
            path: path.to_owned(),
            thread,
        })
    }

    /// Waits for the end of the feed; the file is complete then.
    ///
    /// # Errors
    /// What the disk said.
    pub fn join(self) -> Result<(), RecordingError> {
        let ended = self.thread.join();
        ended
            .unwrap_or_else(|_| Err(io::Error::other("the recorder's thread died")))
            .map_err(RecordingError::io(&self.path))
    }
}

fn record(mut writer: Writer<File>, subscription: &Subscription) -> io::Result<()> {
    loop {
        match subscription.recv_timeout(QUIET) {
            None => writer.flush()?,
            Some(Item::Closed) => return writer.flush(),
            Some(item) => writer.item(&item)?,
        }
    }
}
