//! A recording as a source: a playhead that moves on, and can be put anywhere.

use std::{path::Path, time::Duration};

use crawlfield_engine::feed::{
    hub::Item,
    mirror::Mirror,
    recording::{Playhead, Recording},
};

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
    /// `hear` hears of each item before the mirror does.
    pub fn advance(
        &mut self,
        to_us: u64,
        mirror: &mut Mirror,
        hear: impl FnMut(&Item, &Mirror),
    ) -> Vec<Item> {
        // The viewer's mirror is the playhead's: it is lent for as long as this takes.
        core::mem::swap(mirror, self.playhead.mirror());
        let items = self.playhead.play(Duration::from_micros(to_us), hear);
        core::mem::swap(mirror, self.playhead.mirror());
        items
    }

    /// Plays the next item, whenever it is; says when it was.
    pub fn step(
        &mut self,
        mirror: &mut Mirror,
        hear: impl FnMut(&Item, &Mirror),
    ) -> (Option<Item>, u64) {
        core::mem::swap(mirror, self.playhead.mirror());
        let item = self.playhead.step_telling(hear);
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

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
