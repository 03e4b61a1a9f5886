//! Recordings: the feed in one compact file, readable up to the first damage.
//!
//! Magic and version, then chunks, each compressed and with checksums of its own: changes of at
//! most a second, snapshots, and key frames every 30 s or 4 MB, but never more bytes of them than
//! of the rest. There is no index to lose: opening scans the heads.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use crate::{feed::snapshot::Snapshot, model::numbers::micros};

mod chunk;
pub mod compare;
mod reader;
mod recent;
#[cfg(test)]
mod tests;
mod writer;

pub use reader::{Playhead, RecordingReader};
pub use recent::{Recent, SavedMinutes};
pub use writer::{Recorder, Writer};

/// Why a recording cannot be opened, read or made.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// The system refused to open, read or write it.
    #[error("recording {path}: {source}; check the path, the permissions and the free space")]
    Io {
        /// The file as it was named.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Something is there already.
    #[error("recording {0}: the file exists and would be overwritten; name another or remove it")]
    Exists(PathBuf),
    /// Another kind of file.
    #[error("{0} is not a Crawlfield recording; make one with `crawlfield run … --recording FILE`")]
    NotRecording(PathBuf),
    /// Made by another release.
    #[error(
        "recording {path} has version {found}, this program reads version {}; use the release that made it",
        chunk::VERSION
    )]
    Version {
        /// The file as it was named.
        path: PathBuf,
        /// The version in its head.
        found: u32,
    },
}

impl RecordingError {
    /// What the system said of this file.
    fn io(path: &Path) -> impl Fn(io::Error) -> Self {
        |source| Self::Io {
            path: path.to_owned(),
            source,
        }
    }
}

/// Where a recording stops making sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the recording is damaged at byte {offset} ({what}); it can be read up to {:.3} s", Duration::from_micros(*.good_until_us).as_secs_f64())]
pub struct Damage {
    /// Byte of the damaged chunk.
    pub offset: u64,
    /// What is wrong there.
    pub what: String,
    /// Engine time up to which all is well, µs.
    pub good_until_us: u64,
}

/// An opened recording: the heads of its chunks, as far as they are whole.
#[derive(Debug, Clone)]
pub struct Recording {
    path: PathBuf,
    chunks: Arc<[Chunk]>,
    damage: Option<Damage>,
}

#[derive(Debug, Clone, Copy)]
struct Chunk {
    at: u64,
    head: chunk::ChunkHead,
}

impl Recording {
    /// Opens a recording by a scan of its chunks' heads, up to the first damage.
    ///
    /// # Errors
    /// Where the file cannot be read or is no recording of this version.
    pub fn open(path: &Path) -> Result<Self, RecordingError> {
        let io = RecordingError::io(path);
        let mut file = File::open(path).map_err(&io)?;
        let file_len = file.metadata().map_err(&io)?.len();
        let mut head = Vec::new();
        (&file)
            .take(chunk::FILE_HEAD)
            .read_to_end(&mut head)
            .map_err(&io)?;
        let Some(version) = head.strip_prefix(&chunk::MAGIC) else {
            return Err(RecordingError::NotRecording(path.to_owned()));
        };
        let Ok(version) = version.try_into().map(u32::from_le_bytes) else {
            return Err(RecordingError::NotRecording(path.to_owned()));
        };
        if version != chunk::VERSION {
            return Err(RecordingError::Version {
                path: path.to_owned(),
                found: version,
            });
        }
        let (mut chunks, mut at, mut damage) = (Vec::<Chunk>::new(), chunk::FILE_HEAD, None);
        while at < file_len {
            match chunk::read_head(&mut file, at, file_len) {
                Ok(head) => {
                    chunks.push(Chunk { at, head });
                    at += head.len();
                }
                Err(Some(source)) => return Err(io(source)),
                Err(None) => {
                    damage = Some(Damage {
                        offset: at,
                        what: "a chunk is cut short or its head is wrong".to_owned(),
                        good_until_us: chunks.last().map_or(0, |chunk| chunk.head.last_us),
                    });
                    break;
                }
            }
        }
        Ok(Self {
            path: path.to_owned(),
            chunks: chunks.into(),
            damage,
        })
    }

    /// Where the scan met damage. Damage inside a chunk is met by who reads it.
    #[must_use]
    pub fn damage(&self) -> Option<&Damage> {
        self.damage.as_ref()
    }

    /// Engine time of the first item.
    #[must_use]
    pub fn start(&self) -> Duration {
        Duration::from_micros(self.chunks.first().map_or(0, |chunk| chunk.head.first_us))
    }

    /// Engine time of the last item.
    #[must_use]
    pub fn end(&self) -> Duration {
        Duration::from_micros(self.chunks.last().map_or(0, |chunk| chunk.head.last_us))
    }

    /// From the first item to the last.
    #[must_use]
    pub fn duration(&self) -> Duration {
        self.end().saturating_sub(self.start())
    }

    /// All items from the start; key frames that only repeat what is known are left out.
    ///
    /// # Errors
    /// Where the file cannot be opened again.
    pub fn frames(&self) -> Result<RecordingReader, RecordingError> {
        self.reader_from(0)
    }

    /// Snapshots from the start to the end, at most about `most` of them, evenly chosen. Damaged
    /// ones are left out.
    ///
    /// # Errors
    /// Where the file cannot be opened again.
    pub fn snapshots(&self, most: usize) -> Result<Vec<Snapshot>, RecordingError> {
        let mut file = self.file()?;
        let snapshots: Vec<&Chunk> = self
            .chunks
            .iter()
            .filter(|chunk| chunk.head.kind == chunk::Kind::Snapshot)
            .collect();
        let stride = snapshots.len().div_ceil(most.max(1)).max(1);
        let chosen = snapshots.into_iter().step_by(stride);
        Ok(chosen
            .filter_map(|chunk| {
                let body = chunk::read_body(&mut file, chunk.at, &chunk.head).ok()??;
                match body.entries().next()?.ok()? {
                    chunk::Entry::Snapshot(json) => serde_json::from_str(&json).ok(),
                    _ => None,
                }
            })
            .collect())
    }

    /// The picture at engine time `at`, ready to be played on. Where chunks on the way are
    /// damaged it is the last good picture before them, and the playhead says so.
    ///
    /// # Errors
    /// Where the file cannot be opened again.
    pub fn seek(&self, at: Duration) -> Result<Playhead, RecordingError> {
        let at_us = micros(at);
        let mut damage = None;
        for first in self.keys_until(at_us) {
            let mut playhead = Playhead::new(self.reader_from(first)?);
            playhead.jump(at_us);
            // A key frame that cannot be read whole is no start: the one before it is.
            if playhead.has_key() {
                return Ok(playhead.marked(damage));
            }
            damage = playhead.damage().cloned().or(damage);
        }
        Ok(Playhead::new(self.reader_from(0)?).marked(damage))
    }

    /// Chunks that begin a key frame at or before `at_us`, latest first; then the first of all.
    fn keys_until(&self, at_us: u64) -> impl Iterator<Item = usize> + '_ {
        let is_start = move |i: &usize| {
            let head = &self.chunks[*i].head;
            head.kind == chunk::Kind::KeyStart && (head.first_us <= at_us || *i == 0)
        };
        (0..self.chunks.len()).rev().filter(is_start)
    }

    fn reader_from(&self, first: usize) -> Result<RecordingReader, RecordingError> {
        Ok(RecordingReader::new(
            self.file()?,
            Arc::clone(&self.chunks),
            first,
            self.damage.clone(),
        ))
    }

    fn file(&self) -> Result<File, RecordingError> {
        File::open(&self.path).map_err(RecordingError::io(&self.path))
    }
}
