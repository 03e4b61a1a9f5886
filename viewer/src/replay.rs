//! A recording as a source: a playhead that moves on, and can be put anywhere.

use std::{path::Path, time::Duration};

use crawlfield_engine::feed::{
    hub::Item,
    mirror::Mirror,
    recording::{Playhead, Recording},
};

/// Slowest and fastest play.
const SPEEDS: (f64, f64) = (0.1, 1000.0);

/// An opened recording and the place in it.
#[derive(Debug)]
pub struct Replay {
    recording: Recording,
    playhead: Playhead,
}

impl Replay {
    /// Opens a recording at its beginning.
    ///
    /// # Errors
    /// The file cannot be read, or is no recording of this version.
    pub fn open(path: &Path) -> Result<Self, String> {
        let recording = Recording::open(path).map_err(|error| error.to_string())?;
        let playhead = recording
            .seek(recording.start())
            .map_err(|error| error.to_string())?;
        Ok(Self {
            recording,
            playhead,
        })
    }

    /// Engine time of the first and the last item, in microseconds.
    #[must_use]
    pub fn span_us(&self) -> (u64, u64) {
        (micros(self.recording.start()), micros(self.recording.end()))
    }

    /// Where it stops making sense, if anywhere that is known by now.
    #[must_use]
    pub fn damage(&self) -> Option<String> {
        let damage = self.playhead.damage().or_else(|| self.recording.damage());
        damage.map(ToString::to_string)
    }

    /// Whether nothing follows.
    #[must_use]
    pub fn is_at_end(&self) -> bool {
        self.playhead.is_at_end()
    }

    /// Plays on to `to_us`; the changes go into `mirror`, which must be the one of the last call.
    pub fn advance(&mut self, to_us: u64, mirror: &mut Mirror) -> Vec<Item> {
        // The viewer's mirror is the playhead's: it is lent for as long as this takes.
        core::mem::swap(mirror, self.playhead.mirror());
        let items = self.playhead.advance(Duration::from_micros(to_us));
        core::mem::swap(mirror, self.playhead.mirror());
        items
    }

    /// Plays the next item, whenever it is; says when it was.
    pub fn step(&mut self, mirror: &mut Mirror) -> (Option<Item>, u64) {
        core::mem::swap(mirror, self.playhead.mirror());
        let item = self.playhead.step();
        core::mem::swap(mirror, self.playhead.mirror());
        (item, micros(self.playhead.at()))
    }

    /// Goes to `at_us`; `mirror` is replaced by the picture there. The snapshots there come back.
    ///
    /// # Errors
    /// The file cannot be opened again.
    pub fn seek(&mut self, at_us: u64, mirror: &mut Mirror) -> Result<Vec<Item>, String> {
        self.playhead = self
            .recording
            .seek(Duration::from_micros(at_us))
            .map_err(|error| error.to_string())?;
        core::mem::swap(mirror, self.playhead.mirror());
        let snapshots = self.playhead.snapshots().values();
        Ok(snapshots.cloned().map(Item::Snapshot).collect())
    }
}

/// How a recording is played.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Playback {
    /// Whether time goes on.
    pub is_playing: bool,
    /// Seconds of the recording a second.
    pub speed: f64,
    /// Engine time of its beginning, in microseconds.
    pub start_us: u64,
    /// Engine time of its end, in microseconds.
    pub end_us: u64,
}

impl Playback {
    /// Plays at life's speed.
    #[must_use]
    pub const fn new((start_us, end_us): (u64, u64)) -> Self {
        Self {
            is_playing: true,
            speed: 1.0,
            start_us,
            end_us,
        }
    }

    /// Faster or slower, within 0.1 and 1000.
    pub fn scale(&mut self, factor: f64) {
        self.speed = (self.speed * factor).clamp(SPEEDS.0, SPEEDS.1);
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
