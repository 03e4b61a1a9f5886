//! A block of cells: a host's territory or a lane. A task keeps its cell while it stays.

use std::{cmp::Reverse, collections::BinaryHeap};

use crate::field::ground::Ground;

/// Blocks are laid out for at least so many cells.
const LEAST_SHOWN: u32 = 6;

/// One block.
#[derive(Debug)]
pub struct Block {
    /// First address in the state texture.
    pub base: u32,
    /// Addresses owned.
    pub capacity: u32,
    /// Cells that the layout makes room for; grows in steps so that the picture holds still.
    pub shown: u32,
    /// Tasks in it.
    pub count: u32,
    free: BinaryHeap<Reverse<u32>>,
    used: u32,
}

impl Block {
    /// An empty block.
    pub fn new(ground: &mut Ground) -> Self {
        let (base, capacity) = ground.take(LEAST_SHOWN);
        Self {
            base,
            capacity,
            shown: LEAST_SHOWN,
            count: 0,
            free: BinaryHeap::new(),
            used: 0,
        }
    }

    /// The lowest free cell, if the block's stretch has one left.
    pub fn take(&mut self) -> Option<u32> {
        let cell = match self.free.pop() {
            Some(Reverse(cell)) => cell,
            None if self.used < self.capacity => {
                self.used += 1;
                self.used - 1
            }
            None => return None,
        };
        self.count += 1;
        Some(cell)
    }

    /// A task left this cell.
    pub fn give(&mut self, cell: u32) {
        self.count -= 1;
        if self.count == 0 {
            self.free.clear();
            self.used = 0;
        } else {
            self.free.push(Reverse(cell));
        }
    }

    /// Cells ever used at once: none beyond them holds a task.
    #[must_use]
    pub const fn used(&self) -> u32 {
        self.used
    }

    /// Makes the layout's room follow; says whether it changed.
    pub fn widen(&mut self) -> bool {
        let wanted = if self.used > self.shown {
            self.used + (self.used / 8).max(2)
        } else if self.used.saturating_mul(2) < self.shown {
            (self.used + self.used / 8).max(LEAST_SHOWN)
        } else {
            return false;
        };
        let changed = wanted != self.shown;
        self.shown = wanted;
        changed
    }
}
