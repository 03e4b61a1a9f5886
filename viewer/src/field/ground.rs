//! Who owns which stretch of the state texture: power-of-two stretches, reused by size.

/// Smallest stretch.
const LEAST: u32 = 16;

/// Hands out stretches of cells.
#[derive(Debug, Default)]
pub struct Ground {
    free: [Vec<u32>; 32],
    top: u32,
}

impl Ground {
    /// A stretch of at least `cells`: its first address and its length.
    pub fn take(&mut self, cells: u32) -> (u32, u32) {
        let length = cells.max(LEAST).next_power_of_two();
        let base = self.free[class(length)].pop().unwrap_or_else(|| {
            let base = self.top;
            self.top += length;
            base
        });
        (base, length)
    }

    /// Gives a stretch back.
    pub fn give(&mut self, base: u32, length: u32) {
        self.free[class(length)].push(base);
    }

    /// One past the highest address ever handed out.
    #[must_use]
    pub const fn top(&self) -> u32 {
        self.top
    }
}

const fn class(length: u32) -> usize {
    length.trailing_zeros() as usize
}
