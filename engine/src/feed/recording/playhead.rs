//! A place in a recording: the picture there, and the way on.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use crate::feed::{
    hub::Item,
    mirror::Mirror,
    recording::{Damage, Reader},
    snapshot::Snapshot,
};

/// The picture at one moment of a recording. Playing is `advance`, stepping `step`; to go back,
/// seek anew.
#[derive(Debug)]
pub struct Playhead {
    mirror: Mirror,
    snapshots: BTreeMap<u32, Arc<Snapshot>>,
    reader: Reader,
    ahead: Option<Item>,
    has_key: bool,
    at_us: u64,
    damage: Option<Damage>,
    is_at_end: bool,
}

impl Playhead {
    pub(super) fn new(reader: Reader) -> Self {
        Self {
            mirror: Mirror::tracking(),
            snapshots: BTreeMap::new(),
            reader,
            ahead: None,
            has_key: false,
            at_us: 0,
            damage: None,
            is_at_end: false,
        }
    }

    /// The tasks as they are here.
    pub fn mirror(&mut self) -> &mut Mirror {
        &mut self.mirror
    }

    /// The latest snapshot of each session, by its number.
    #[must_use]
    pub fn snapshots(&self) -> &BTreeMap<u32, Arc<Snapshot>> {
        &self.snapshots
    }

    /// Where it stands.
    #[must_use]
    pub fn at(&self) -> Duration {
        Duration::from_micros(self.at_us)
    }

    /// The damage that ended the way, or that was passed over.
    #[must_use]
    pub fn damage(&self) -> Option<&Damage> {
        self.damage.as_ref()
    }

    /// Whether nothing follows.
    #[must_use]
    pub fn is_at_end(&self) -> bool {
        self.is_at_end && self.ahead.is_none()
    }

    /// Plays up to and including engine time `to`; what happened on the way, already applied.
    pub fn advance(&mut self, to: Duration) -> Vec<Item> {
        self.play(to, |_, _| {})
    }

    /// The same; `hear` hears of each item before it is applied.
    pub fn play(&mut self, to: Duration, mut hear: impl FnMut(&Item, &Mirror)) -> Vec<Item> {
        let to_us = u64::try_from(to.as_micros()).unwrap_or(u64::MAX);
        let mut items = Vec::new();
        while let Some(item) = self.next_telling(to_us, &mut hear) {
            items.push(item);
        }
        self.at_us = self.at_us.max(to_us);
        items
    }

    /// Plays the next item, whenever it is.
    pub fn step(&mut self) -> Option<Item> {
        self.next_until(u64::MAX)
    }

    /// The same; `hear` hears of the item before it is applied.
    pub fn step_telling(&mut self, mut hear: impl FnMut(&Item, &Mirror)) -> Option<Item> {
        self.next_telling(u64::MAX, &mut hear)
    }

    pub(super) fn jump(&mut self, to_us: u64) {
        while self.next_until(to_us).is_some() {}
        self.at_us = self.at_us.max(to_us);
    }

    pub(super) fn has_key(&self) -> bool {
        self.has_key
    }

    pub(super) fn marked(mut self, damage: Option<Damage>) -> Self {
        self.damage = self.damage.or(damage);
        self
    }

    fn next_until(&mut self, to_us: u64) -> Option<Item> {
        self.next_telling(to_us, &mut |_, _| {})
    }

    fn next_telling(&mut self, to_us: u64, hear: &mut impl FnMut(&Item, &Mirror)) -> Option<Item> {
        if self.ahead.is_none() {
            self.ahead = match self.reader.next() {
                Some(Ok(item)) => Some(item),
                Some(Err(damage)) => {
                    self.damage = Some(damage);
                    None
                }
                None => None,
            };
            self.is_at_end = self.ahead.is_none();
        }
        // The first key frame is the beginning, even of one who asks for a time before it.
        let item = self
            .ahead
            .take_if(|item| !self.has_key || time_us(item).is_none_or(|at_us| at_us <= to_us))?;
        hear(&item, &self.mirror);
        self.apply(&item);
        Some(item)
    }

    fn apply(&mut self, item: &Item) {
        self.at_us = self.at_us.max(time_us(item).unwrap_or(0));
        match item {
            Item::Key { frame, .. } => {
                self.mirror.apply_key(frame);
                self.has_key = frame.part + 1 >= frame.parts;
            }
            Item::Changes(tick) => self.mirror.apply(tick),
            Item::Snapshot(snapshot) => {
                self.snapshots
                    .insert(snapshot.session.id, Arc::clone(snapshot));
            }
            Item::Closed => {}
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float's cast saturates, and no time is negative"
)]
fn time_us(item: &Item) -> Option<u64> {
    match item {
        Item::Key { frame, .. } => Some(frame.at_us),
        Item::Changes(tick) => Some(tick.at_us),
        Item::Snapshot(snapshot) => Some((snapshot.at * 1e6).round() as u64),
        Item::Closed => None,
    }
}
