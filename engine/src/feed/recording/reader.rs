//! Reads a recording as the items a subscriber would have got.

use std::{collections::VecDeque, fs::File, sync::Arc};

use crate::feed::{
    hub::Item,
    recording::{
        Chunk, Damage,
        bytes::{Broken, In},
        chunk::{self, Kind},
        codec::{Context, Entry, get_key},
        rows::Names,
    },
};

/// The items of a recording in order, up to the end or the first damage.
#[derive(Debug)]
pub struct Reader {
    file: File,
    chunks: Arc<[Chunk]>,
    next: usize,
    names: Names,
    ready: VecDeque<Item>,
    next_seq: Option<u64>,
    good_until_us: u64,
    /// Found by the scan, behind the last chunk.
    tail: Option<Damage>,
}

impl Reader {
    pub(super) fn new(file: File, chunks: Arc<[Chunk]>, next: usize, tail: Option<Damage>) -> Self {
        Self {
            file,
            chunks,
            next,
            names: Names::default(),
            ready: VecDeque::new(),
            next_seq: None,
            good_until_us: 0,
            tail,
        }
    }

    fn read_chunk(&mut self, chunk: &Chunk) -> Result<(), Damage> {
        let head = chunk.head;
        let is_key = matches!(head.kind, Kind::Key { .. });
        // It says nothing new to one who has followed so far; after a gap it does.
        if is_key && self.next_seq == Some(head.seq) {
            return Ok(());
        }
        let damage = |what: &str| Damage {
            offset: chunk.at,
            what: what.to_owned(),
            good_until_us: self.good_until_us,
        };
        let raw = chunk::read_body(&mut self.file, chunk.at, &head)
            .map_err(|error| damage(&format!("it cannot be read: {error}")))?
            .ok_or_else(|| damage("its checksum does not match"))?;
        let broken = damage("its content makes no sense");
        self.decode(&raw, head.kind).map_err(|Broken| broken)?;
        self.good_until_us = head.last_us;
        Ok(())
    }

    fn decode(&mut self, raw: &[u8], kind: Kind) -> Result<(), Broken> {
        let mut bytes = In(raw);
        if let Kind::Key { part, parts } = kind {
            let frame = get_key(&mut bytes, &mut self.names)?;
            if part + 1 == parts {
                self.next_seq = Some(frame.seq);
            }
            self.ready.push_back(Item::Key {
                frame: Arc::new(frame),
                lost: 0,
            });
        }
        let mut context = Context::default();
        while !bytes.is_empty() {
            match context.get(&mut bytes, &mut self.names)? {
                Entry::Changes(tick) => {
                    self.next_seq = Some(tick.seq.saturating_add(tick.changes.len() as u64));
                    self.ready.push_back(Item::Changes(Arc::new(tick)));
                }
                Entry::Snapshot(snapshot) => {
                    self.ready.push_back(Item::Snapshot(Arc::from(snapshot)));
                }
            }
        }
        Ok(())
    }
}

impl Iterator for Reader {
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
