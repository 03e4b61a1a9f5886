//! The last minutes of a feed, kept in memory as the chunks of a recording, so that what has just
//! happened can still be saved.

use std::{
    collections::VecDeque,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    thread,
    time::Duration,
};

use crate::feed::{
    hub::{Item, Subscription},
    recording::{
        RecordingError,
        chunk::{self, ChunkHead, Kind},
        writer::Writer,
    },
};

/// So much engine time is kept at least, where it fits.
const KEPT_US: u64 = 300_000_000;
/// Bytes of chunks that are kept, at most.
const KEPT_BYTES: usize = 64 << 20;
/// The recorder looks so often whether anybody still wants it.
const LOOK: Duration = Duration::from_secs(1);

/// Chunks from a key frame on: a `Writer` writes each in one piece.
#[derive(Debug, Default)]
struct Chunks {
    kept: VecDeque<(ChunkHead, Box<[u8]>)>,
    bytes: usize,
}

impl Chunks {
    /// Forgets what is older than wanted, up to a later key frame; where bytes press, the only key
    /// frame too: the next one is a beginning again.
    fn forget(&mut self, kept_us: u64, kept_bytes: usize) {
        let newest = self.kept.back().map_or(0, |(head, _)| head.last_us);
        while let Some(next) = self.second_key() {
            let is_old = newest.saturating_sub(self.kept[next].0.first_us) >= kept_us;
            if !is_old && self.bytes <= kept_bytes {
                return;
            }
            self.drop_first(next);
        }
        if self.bytes > kept_bytes {
            self.drop_first(self.kept.len());
        }
    }

    fn second_key(&self) -> Option<usize> {
        let kinds = self.kept.iter().map(|(head, _)| head.kind).enumerate();
        let mut keys = kinds.skip(1).filter(|(_, kind)| *kind == Kind::KeyStart);
        keys.next().map(|(at, _)| at)
    }

    fn drop_first(&mut self, count: usize) {
        for (_, chunk) in self.kept.drain(..count) {
            self.bytes -= chunk.len();
        }
    }
}

impl Write for Chunks {
    fn write(&mut self, chunk: &[u8]) -> io::Result<usize> {
        // The file's own head is written anew where it is saved.
        if let Some(head) = ChunkHead::of(chunk)
            && (!self.kept.is_empty() || head.kind == Kind::KeyStart)
        {
            self.bytes += chunk.len();
            self.kept.push_back((head, chunk.into()));
            self.forget(KEPT_US, KEPT_BYTES);
        }
        Ok(chunk.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What was saved, and how much of the run it shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedMinutes {
    pub path: PathBuf,
    /// From its first item to its last.
    pub span: Duration,
}

/// The last five minutes of a feed or a little more, at most 64 MiB of them.
#[derive(Debug, Clone)]
pub struct Recent(Arc<Mutex<Writer<Chunks>>>);

impl Recent {
    /// Keeps what this subscription brings, until the feed ends and after.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(subscription: Subscription) -> io::Result<Self> {
        let writer = Arc::new(Mutex::new(Writer::new(Chunks::default())?));
        let kept = Arc::downgrade(&writer);
        let record = move || record(&kept, &subscription);
        thread::Builder::new()
            .name("last-minutes".to_owned())
            .spawn(record)?;
        Ok(Self(writer))
    }

    /// Saves what is kept as a recording into a new file.
    ///
    /// # Errors
    /// The file exists, or cannot be written.
    pub fn save(&self, path: &Path) -> Result<SavedMinutes, RecordingError> {
        let mut writer = locked(&self.0);
        let failed = RecordingError::io(path);
        writer.flush().map_err(&failed)?;
        let kept = &writer.out().kept;
        let mut file = super::writer::create(path)?;
        file.write_all(&chunk::file_head()).map_err(&failed)?;
        for (_, chunk) in kept {
            file.write_all(chunk).map_err(&failed)?;
        }
        let times = kept.front().zip(kept.back());
        let span = times.map_or(0, |(first, last)| last.0.last_us - first.0.first_us);
        Ok(SavedMinutes {
            path: path.to_owned(),
            span: Duration::from_micros(span),
        })
    }
}

fn locked(writer: &Mutex<Writer<Chunks>>) -> MutexGuard<'_, Writer<Chunks>> {
    writer.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends with the feed, or when nobody can save any more.
fn record(kept: &Weak<Mutex<Writer<Chunks>>>, subscription: &Subscription) -> io::Result<()> {
    loop {
        let item = subscription.recv_timeout(LOOK);
        let Some(writer) = kept.upgrade() else {
            return Ok(());
        };
        let mut writer = locked(&writer);
        match item {
            None => {}
            Some(Item::Closed) => return writer.flush(),
            Some(item) => writer.item(&item)?,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunks(seconds: impl Iterator<Item = (Kind, u64)>) -> Chunks {
        let mut chunks = Chunks::default();
        for (kind, second) in seconds {
            let us = second * 1_000_000;
            let body = chunk::ChunkBody::default();
            chunk::write(&mut chunks, kind, (us, us), 0, &body).unwrap();
        }
        chunks
    }

    fn first_second(chunks: &Chunks) -> Option<u64> {
        let first = chunks.kept.front();
        first.map(|(head, _)| {
            assert_eq!(
                head.kind,
                Kind::KeyStart,
                "what is kept begins with a picture"
            );
            head.first_us / 1_000_000
        })
    }

    fn running(until: u64) -> impl Iterator<Item = (Kind, u64)> {
        (0..=until).map(|second| match second % 30 {
            0 => (Kind::KeyStart, second),
            _ => (Kind::Changes, second),
        })
    }

    #[test]
    fn five_minutes_are_kept_from_a_key_frame_on() {
        assert_eq!(first_second(&chunks(running(299))), Some(0));
        assert_eq!(first_second(&chunks(running(330))), Some(30));
        assert_eq!(first_second(&chunks(running(1_000))), Some(690));
    }

    #[test]
    fn bytes_are_bounded_before_minutes_are() {
        let mut kept = chunks(running(100));
        let most = kept.bytes / 2;
        kept.forget(KEPT_US, most);
        assert_eq!(first_second(&kept), Some(60));
        assert!(kept.bytes <= most);
        kept.forget(KEPT_US, 10);
        assert_eq!((kept.kept.len(), kept.bytes), (0, 0));
        // Changes without a picture before them would say nothing.
        let body = chunk::ChunkBody::default();
        chunk::write(&mut kept, Kind::Changes, (0, 0), 0, &body).unwrap();
        assert!(kept.kept.is_empty());
    }
}
