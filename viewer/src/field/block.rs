//! A block of cells, a host's territory or a lane: which cell is taken next. A task keeps its cell
//! while it stays in the block.

use std::{cmp::Reverse, collections::BinaryHeap};

/// Cells on one range of the state texture.
#[derive(Debug)]
pub struct Block {
    /// First address of its range in the state texture.
    pub base: u32,
    /// Addresses in its range, free ones included.
    pub capacity: u32,
    /// Tasks that have a cell in it.
    pub count: u32,
    /// Tasks seen to leave the window after they had ended: well, and badly.
    pub left: [u32; 2],
    /// Free cells below `used`, and some beyond it, which are not believed.
    free: BinaryHeap<Reverse<u32>>,
    /// One past the last cell that holds a task.
    used: u32,
    /// One past the last cell that has ever held a task.
    reached: u32,
}

impl Block {
    /// No task yet, on a range: its first address and length.
    #[must_use]
    pub const fn new((base, capacity): (u32, u32)) -> Self {
        Self {
            base,
            capacity,
            count: 0,
            left: [0; 2],
            free: BinaryHeap::new(),
            used: 0,
            reached: 0,
        }
    }

    /// The lowest free cell, if the block's range has one left.
    pub fn take(&mut self) -> Option<u32> {
        let lowest = self.free.pop().map(|Reverse(cell)| cell);
        let cell = match lowest.filter(|cell| *cell < self.used) {
            Some(cell) => cell,
            None if self.used < self.capacity => {
                // All free cells known are beyond the last task: they are taken in order again.
                self.free.clear();
                self.used += 1;
                self.reached = self.reached.max(self.used);
                self.used - 1
            }
            None => return None,
        };
        self.count += 1;
        Some(cell)
    }

    /// A task left this cell; `is_free` tells of the cells below it.
    pub fn free(&mut self, cell: u32, is_free: impl Fn(u32) -> bool) {
        self.count -= 1;
        if cell + 1 < self.used {
            self.free.push(Reverse(cell));
            return;
        }
        self.used -= 1;
        while self.used > 0 && is_free(self.used - 1) {
            self.used -= 1;
        }
        if self.used == 0 {
            self.free.clear();
        }
    }

    /// One past the last cell that holds a task.
    #[must_use]
    pub const fn used(&self) -> u32 {
        self.used
    }

    /// One past the last cell that holds a task or the trace of one.
    #[must_use]
    pub const fn reached(&self) -> u32 {
        self.reached
    }
}
