//! A set of slots, a bit each: a lasso may hold a million, and a click one.

use crate::numbers::index;

#[cfg(test)]
mod tests;

const BITS: u32 = u64::BITS;

/// Slots in order, each once.
#[derive(Debug, Clone, Default)]
pub struct SlotSet {
    words: Vec<u64>,
    count: usize,
}

impl SlotSet {
    /// Adds a slot; says whether it is new.
    pub fn insert(&mut self, slot: u32) -> bool {
        let (word, bit) = place(slot);
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        let is_new = self.words[word] & bit == 0;
        self.words[word] |= bit;
        self.count += usize::from(is_new);
        is_new
    }

    /// Takes a slot out; says whether it was there.
    pub fn remove(&mut self, slot: u32) -> bool {
        let was_here = self.contains(slot);
        if was_here {
            let (word, bit) = place(slot);
            self.words[word] &= !bit;
            self.count -= 1;
        }
        was_here
    }

    /// Whether it is in the set.
    #[must_use]
    pub fn contains(&self, slot: u32) -> bool {
        let (word, bit) = place(slot);
        self.words.get(word).is_some_and(|bits| bits & bit != 0)
    }

    /// How many slots are in it.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.count
    }

    /// Whether it holds no slot.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The lowest slot in it.
    #[must_use]
    pub fn first(&self) -> Option<u32> {
        self.iter().next()
    }

    /// All, in the order in which the mirror's columns lie.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        (0_u32..)
            .step_by(index(BITS))
            .zip(&self.words)
            .flat_map(|(first, word)| Ones(*word).map(move |bit| first + bit))
    }
}

fn place(slot: u32) -> (usize, u64) {
    (index(slot / BITS), 1 << (slot % BITS))
}

impl FromIterator<u32> for SlotSet {
    fn from_iter<T: IntoIterator<Item = u32>>(slots: T) -> Self {
        let mut set = Self::default();
        for slot in slots {
            set.insert(slot);
        }
        set
    }
}

impl From<Vec<u32>> for SlotSet {
    fn from(slots: Vec<u32>) -> Self {
        slots.into_iter().collect()
    }
}

/// The places of a word's ones, from the lowest.
struct Ones(u64);

impl Iterator for Ones {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        if self.0 == 0 {
            return None;
        }
        let lowest = self.0.trailing_zeros();
        self.0 &= self.0 - 1;
        Some(lowest)
    }
}
