//! A recording as a source: a playhead that moves on, and can be put anywhere.

use std::{collections::BTreeMap, path::Path, time::Duration};

use crawlfield_engine::feed::{
    hub::Item,
    mirror::Mirror,
    recording::{Playhead, Recording},
};

use crate::history::series::{POINTS_MAX, Series};

/// An opened recording and the place in it.
#[derive(Debug)]
pub struct Replay {
    recording: Recording,
    playhead: Playhead,
    /// The curves of the whole run by session: what a seek shows of the time before.
    curves: BTreeMap<u32, Series>,
    /// What marks its data as not real.
    mark: Option<String>,
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
        let mut curves: BTreeMap<u32, Series> = BTreeMap::new();
        let snapshots = recording.snapshots(POINTS_MAX / 2);
        let mut mark = None;
        for snapshot in snapshots.map_err(|error| error.to_string())? {
            mark = mark.or_else(|| snapshot.session.source.clone());
            curves
                .entry(snapshot.session.id)
                .or_default()
                .push(&snapshot);
        }
        Ok(Self {
            recording,
            playhead,
            curves,
            mark,
        })
    }

    /// What marks its data as not real, of any session: known before its first item is shown.
    #[must_use]
    pub fn mark(&self) -> Option<&str> {
        self.mark.as_deref()
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

    /// The curves up to `at_us`, whichever way one came there.
    #[must_use]
    pub fn curves_until(&self, at_us: u64) -> BTreeMap<u32, Series> {
        let at = Duration::from_micros(at_us).as_secs_f64();
        let until = |(id, series): (&u32, &Series)| (*id, series.until(at));
        self.curves.iter().map(until).collect()
    }

    /// Plays on to `to_us`; the changes go into `mirror`, which must be the one of the last call.
    /// `tell` is told of each item before the mirror is.
    pub fn advance(
        &mut self,
        to_us: u64,
        mirror: &mut Mirror,
        tell: impl FnMut(&Item, &Mirror),
    ) -> Vec<Item> {
        // The viewer's mirror is the playhead's: it is lent for as long as this takes.
        core::mem::swap(mirror, self.playhead.mirror());
        let items = self.playhead.advance(Duration::from_micros(to_us), tell);
        core::mem::swap(mirror, self.playhead.mirror());
        items
    }

    /// Plays the next item, whenever it is; says when it was.
    pub fn step(
        &mut self,
        mirror: &mut Mirror,
        tell: impl FnMut(&Item, &Mirror),
    ) -> (Option<Item>, u64) {
        core::mem::swap(mirror, self.playhead.mirror());
        let item = self.playhead.step(tell);
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
