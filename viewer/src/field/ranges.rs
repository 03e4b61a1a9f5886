//! Ranges of the state texture: allocated to blocks, freed, joined with their free neighbours.

use std::collections::BTreeMap;

/// Ranges begin and end at multiples of so many cells.
pub const GRANULE: u32 = 16;

/// Allocates ranges of cells below a limit: first fit.
#[derive(Debug, Default)]
pub struct RangeAllocator {
    /// Lengths of free ranges below `top` by their base; no two touch.
    free: BTreeMap<u32, u32>,
    top: u32,
    limit: u32,
}

impl RangeAllocator {
    /// All free, up to `limit`.
    #[must_use]
    pub const fn new(limit: u32) -> Self {
        Self {
            free: BTreeMap::new(),
            top: 0,
            limit,
        }
    }

    /// Base and length of a range of at least `cells`; `None` where the limit leaves no room.
    pub fn allocate(&mut self, cells: u32) -> Option<(u32, u32)> {
        let length = cells.max(1).next_multiple_of(GRANULE);
        let found = self.free.iter().find(|(_, free)| **free >= length);
        if let Some((&base, &free)) = found {
            self.free.remove(&base);
            if free > length {
                self.free.insert(base + length, free - length);
            }
            return Some((base, length));
        }
        let base = self.top;
        let top = base.checked_add(length)?;
        if top > self.limit {
            return None;
        }
        self.top = top;
        Some((base, length))
    }

    /// Gives a range back; it joins its free neighbours.
    pub fn free(&mut self, base: u32, length: u32) {
        let (mut base, mut length) = (base, length);
        if let Some((&before, &free)) = self.free.range(..base).next_back()
            && before + free == base
        {
            self.free.remove(&before);
            (base, length) = (before, free + length);
        }
        if let Some(free) = self.free.remove(&(base + length)) {
            length += free;
        }
        if base + length == self.top {
            self.top = base;
        } else {
            self.free.insert(base, length);
        }
    }

    /// No address is handed out from here on.
    #[must_use]
    pub const fn limit(&self) -> u32 {
        self.limit
    }
}

#[cfg(test)]
mod tests {
    use super::RangeAllocator;

    #[test]
    fn a_freed_range_joins_its_neighbours() {
        let mut ranges = RangeAllocator::new(128);
        let taken: Vec<u32> = (0..8)
            .map(|_| ranges.allocate(16).expect("there is room").0)
            .collect();
        assert!(ranges.allocate(1).is_none(), "the limit holds");
        for at in [2, 4, 3] {
            ranges.free(taken[at], 16);
        }
        assert_eq!(ranges.allocate(48), Some((32, 48)));
        ranges.free(taken[7], 16);
        assert_eq!(ranges.allocate(10), Some((112, 16)));
    }
}
