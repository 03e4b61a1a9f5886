//! Reads a recording: as the items a subscriber would have got, and as the picture at a moment.

use std::{
    collections::{BTreeMap, VecDeque},
    fs::File,
    sync::Arc,
    time::Duration,
};

use crate::{
    feed::{
        hub::Item,
        mirror::Mirror,
        recording::{
            Chunk, Damage,
            chunk::{self, ChunkBody, Entry, Kind},
        },
        snapshot::Snapshot,
        tables::Tables,
    },
    model::numbers::micros,
};

/// The items of a recording in order, up to the end or the first damage.
#[derive(Debug)]
pub struct RecordingReader {
    file: File,
    chunks: Arc<[Chunk]>,
    next: usize,
    /// What has been read so far of sessions: tasks' keys follow from it.
    tables: Tables,
    ready: VecDeque<Item>,
    next_seq: Option<u64>,
    good_until_us: u64,
    /// Found by the scan, behind the last chunk.
    tail: Option<Damage>,
}

impl RecordingReader {
    pub(super) fn new(file: File, chunks: Arc<[Chunk]>, next: usize, tail: Option<Damage>) -> Self {
        Self {
            file,
            chunks,
            next,
            tables: Tables::default(),
            ready: VecDeque::new(),
            next_seq: None,
            good_until_us: 0,
            tail,
        }
    }

    fn read_chunk(&mut self, chunk: &Chunk) -> Result<(), Damage> {
        let head = chunk.head;
        let is_key = matches!(head.kind, Kind::KeyStart | Kind::KeyPart);
        // It says nothing new to one who has followed so far; after a gap it does.
        if is_key && self.next_seq == Some(head.seq) {
            return Ok(());
        }
        let damage = |what: &str| Damage {
            offset: chunk.at,
            what: what.to_owned(),
            good_until_us: self.good_until_us,
        };
        let body = chunk::read_body(&mut self.file, chunk.at, &head)
            .map_err(|error| damage(&format!("it cannot be read: {error}")))?
            .ok_or_else(|| damage("its checksum does not match"))?;
        let broken = damage("its content makes no sense");
        self.decode(&body).ok_or(broken)?;
        self.good_until_us = head.last_us;
        Ok(())
    }

    /// `None` where an entry makes no sense; those before it are ready.
    fn decode(&mut self, body: &ChunkBody) -> Option<()> {
        for entry in body.entries() {
            let entry = entry.ok()?;
            match &entry {
                Entry::Changes(tick) => tick.changes.iter().for_each(|change| {
                    self.tables.apply(change);
                }),
                Entry::Key(frame) if frame.part == 0 => self.tables = frame.tables.clone(),
                Entry::Key(_) | Entry::Snapshot(_) => {}
            }
            let item = match entry.with_keys(&self.tables)? {
                Entry::Changes(tick) => {
                    self.next_seq = Some(tick.seq.saturating_add(tick.changes.len() as u64));
                    Item::Changes(Arc::new(tick))
                }
                Entry::Key(frame) => {
                    if frame.is_last() {
                        self.next_seq = Some(frame.seq);
                    }
                    Item::Key {
                        frame: Arc::new(frame),
                        lost: 0,
                    }
                }
                Entry::Snapshot(json) => Item::Snapshot(serde_json::from_str(&json).ok()?),
            };
            self.ready.push_back(item);
        }
        Some(())
    }
}

impl Iterator for RecordingReader {
    type Item = Result<Item, Damage>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(item) = self.ready.pop_front() {
                return Some(Ok(item));
            }
            let Some(chunk) = self.chunks.get(self.next).copied() else {
                return self.tail.take().map(Err);
            };
            self.next += 1;
            if let Err(damage) = self.read_chunk(&chunk) {
                self.next = self.chunks.len();
                // What was decoded before the damage is good and comes first.
                self.tail = Some(damage);
            }
        }
    }
}

/// The picture at one moment of a recording. Playing is `advance`, stepping `step`; to go back,
/// seek anew.
#[derive(Debug)]
pub struct Playhead {
    mirror: Mirror,
    snapshots: BTreeMap<u32, Arc<Snapshot>>,
    reader: RecordingReader,
    ahead: Option<Item>,
    has_key: bool,
    at_us: u64,
    damage: Option<Damage>,
    is_at_end: bool,
}

impl Playhead {
    pub(super) fn new(reader: RecordingReader) -> Self {
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

    /// Engine time at which it stands.
    #[must_use]
    pub fn at(&self) -> Duration {
        Duration::from_micros(self.at_us)
    }

    /// The damage that ended the way, or that was passed over.
    #[must_use]
    pub fn damage(&self) -> Option<&Damage> {
        self.damage.as_ref()
    }

    /// Whether nothing follows that can be read.
    #[must_use]
    pub fn is_at_end(&self) -> bool {
        self.is_at_end && self.ahead.is_none()
    }

    /// Plays up to and including engine time `to`; what happened on the way, already applied.
    /// `watch` gets each item before the mirror does.
    pub fn advance(&mut self, to: Duration, mut watch: impl FnMut(&Item, &Mirror)) -> Vec<Item> {
        let to_us = micros(to);
        let mut items = Vec::new();
        while let Some(item) = self.next_until(to_us, &mut watch) {
            items.push(item);
        }
        self.at_us = self.at_us.max(to_us);
        items
    }

    /// Plays the next item, whenever it is; `watch` gets it before the mirror does.
    pub fn step(&mut self, mut watch: impl FnMut(&Item, &Mirror)) -> Option<Item> {
        self.next_until(u64::MAX, &mut watch)
    }

    /// The same as `advance`, without a list of what happened.
    pub(super) fn jump(&mut self, to_us: u64) {
        while self.next_until(to_us, &mut |_, _| {}).is_some() {}
        self.at_us = self.at_us.max(to_us);
    }

    pub(super) fn has_key(&self) -> bool {
        self.has_key
    }

    pub(super) fn marked(mut self, damage: Option<Damage>) -> Self {
        self.damage = self.damage.or(damage);
        self
    }

    fn next_until(&mut self, to_us: u64, watch: &mut impl FnMut(&Item, &Mirror)) -> Option<Item> {
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
        watch(&item, &self.mirror);
        self.apply(&item);
        Some(item)
    }

    fn apply(&mut self, item: &Item) {
        self.at_us = self.at_us.max(time_us(item).unwrap_or(0));
        match item {
            Item::Key { frame, .. } => {
                self.mirror.apply_key(frame);
                self.has_key = frame.is_last();
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

fn time_us(item: &Item) -> Option<u64> {
    match item {
        Item::Key { frame, .. } => Some(frame.at_us),
        Item::Changes(tick) => Some(tick.at_us),
        Item::Snapshot(snapshot) => Some(snapshot.at_us()),
        Item::Closed => None,
    }
}
