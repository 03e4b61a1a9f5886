//! Records a subscription in a thread of its own.

use std::{
    fs::{File, OpenOptions},
    io,
    path::{Path, PathBuf},
    thread::{self, JoinHandle},
    time::Duration,
};

use crate::feed::{
    hub::{Item, Subscription},
    recording::{RecordingError, Writer},
};

/// With no news for so long, what is gathered is written.
const QUIET: Duration = Duration::from_secs(1);

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
        let failed = |source: io::Error| match source.kind() {
            io::ErrorKind::AlreadyExists => RecordingError::Exists(path.to_owned()),
            _ => RecordingError::Io {
                path: path.to_owned(),
                source,
            },
        };
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(path)
            .map_err(failed)?;
        let writer = Writer::new(file).map_err(failed)?;
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
            .map_err(|source| RecordingError::Io {
                path: self.path,
                source,
            })
    }
}

fn record(mut writer: Writer<File>, subscription: &Subscription) -> io::Result<()> {
    loop {
        match subscription.recv_timeout(QUIET) {
            None => writer.flush()?,
            Some(Item::Key { frame, .. }) => writer.key_part(&frame)?,
            Some(Item::Changes(tick)) => writer.changes(&tick)?,
            Some(Item::Snapshot(snapshot)) => writer.snapshot(&snapshot)?,
            Some(Item::Closed) => return writer.flush(),
        }
    }
}
