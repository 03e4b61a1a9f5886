//! The territory: rows of blocks in their own order, so that nothing jumps when one grows; one size
//! of cell for all, and each row just as high as its blocks' cells need.

use core::ops::Range;

use super::{Placed, Rect, Trim, grid, largest};
use crate::numbers::{float, floor_u32, index, number};

/// Up to so many blocks the best division into rows is searched for; a crowd is divided evenly.
const SEARCHED: usize = 64;

/// All blocks in one map.
#[must_use]
pub fn territory(area: Rect, shown: &[u32], scale: f32) -> Vec<Placed> {
    if shown.is_empty() {
        return Vec::new();
    }
    let trim = Trim::of(area, number(shown.len()), scale);
    let plan = Plan { area, shown, trim };
    let cell = largest(trim.largest, |cell| plan.rows(cell).is_some());
    match plan.rows(cell) {
        Some(rows) => plan.place(&rows, cell),
        // Not even cells of nothing fit: the area is no picture.
        None => Vec::new(),
    }
}

/// A row of blocks, and how many rows of cells it is high.
#[derive(Debug, Clone)]
struct Row {
    blocks: Range<usize>,
    high: u32,
}

struct Plan<'a> {
    area: Rect,
    shown: &'a [u32],
    trim: Trim,
}

impl Plan<'_> {
    /// Rows that hold everything at this size of cell.
    fn rows(&self, cell: f32) -> Option<Vec<Row>> {
        if self.shown.len() <= SEARCHED {
            self.searched(cell)
        } else {
            self.even(cell)
        }
    }

    /// The division with the least height: the best end of the first `n` blocks, for each `n`.
    fn searched(&self, cell: f32) -> Option<Vec<Row>> {
        let n = self.shown.len();
        let mut best: Vec<Option<(f32, Row)>> = vec![None; n + 1];
        for end in 1..=n {
            for start in (0..end).rev() {
                if !self.may_share(end - start) {
                    break;
                }
                let before = match start {
                    0 => 0.0,
                    _ => match &best[start] {
                        Some((height, _)) => *height,
                        None => continue,
                    },
                };
                let Some(high) = self.height_of(start..end, cell) else {
                    continue;
                };
                let height = before + self.pixels(high, cell);
                if best[end].as_ref().is_none_or(|(least, _)| height < *least) {
                    let blocks = start..end;
                    best[end] = Some((height, Row { blocks, high }));
                }
            }
        }
        let (height, _) = best[n].as_ref()?;
        if *height > self.area.height() + self.trim.gap {
            return None;
        }
        let mut rows = Vec::new();
        let mut end = n;
        while let Some((_, row)) = best.get(end).and_then(Option::as_ref) {
            end = row.blocks.start;
            rows.push(row.clone());
        }
        rows.reverse();
        Some(rows)
    }

    /// Rows of about the same number of cells.
    fn even(&self, cell: f32) -> Option<Vec<Row>> {
        let total: f32 = self.shown.iter().map(|&cells| self.weight(cells, cell)).sum();
        let likely = floor_u32((total / self.area.width().powi(2)).sqrt() * 16.0).max(1);
        let shape = (float(number(self.shown.len())) * self.area.height() / self.area.width()).sqrt();
        let first = floor_u32(shape * 0.5).max(1);
        let last = (floor_u32(shape * 2.0) + likely).min(number(self.shown.len()));
        let step = index((last.saturating_sub(first) / 24).max(1));
        (first..=last)
            .step_by(step)
            .find_map(|count| self.divided(count, total, cell))
    }

    fn divided(&self, count: u32, total: f32, cell: f32) -> Option<Vec<Row>> {
        let mut rows = Vec::new();
        let (mut start, mut sum, mut height) = (0, 0.0, 0.0);
        for (at, &cells) in self.shown.iter().enumerate() {
            sum += self.weight(cells, cell);
            let due = total * float(number(rows.len()) + 1) / float(count);
            if sum >= due * 0.999 || at + 1 == self.shown.len() {
                let blocks = start..at + 1;
                let high = self.height_of(blocks.clone(), cell)?;
                height += self.pixels(high, cell);
                rows.push(Row { blocks, high });
                start = at + 1;
            }
        }
        (height <= self.area.height() + self.trim.gap).then_some(rows)
    }

    /// About the area that a block takes.
    fn weight(&self, cells: u32, cell: f32) -> f32 {
        let edge = float(cells).sqrt() * cell;
        (edge + self.trim.gap).max(self.trim.least) * (edge + self.trim.above_and_below())
    }

    fn may_share(&self, blocks: usize) -> bool {
        let least = self.trim.least + self.trim.gap;
        blocks == 1 || float(number(blocks)) * least <= self.area.width() + self.trim.gap
    }

    /// The fewest rows of cells with which these blocks stand side by side.
    fn height_of(&self, blocks: Range<usize>, cell: f32) -> Option<u32> {
        let shown = &self.shown[blocks];
        let frames = float(number(shown.len())) * (2.0 * self.trim.pad + self.trim.gap);
        let columns = floor_u32((self.area.width() + self.trim.gap - frames) / cell);
        let cells: u64 = shown.iter().map(|&cells| u64::from(cells)).sum();
        let most = floor_u32(self.area.height() / cell);
        let first = cells.div_ceil(u64::from(columns.max(1)));
        let mut high = u32::try_from(first).ok()?.max(1);
        while high <= most {
            if self.width_of(shown, high, cell) <= self.area.width() + self.trim.gap {
                return Some(high);
            }
            // Towards the height that the widest needs, in steps that grow with it.
            high += (high / 32).max(1);
        }
        None
    }

    fn width_of(&self, shown: &[u32], high: u32, cell: f32) -> f32 {
        shown
            .iter()
            .map(|&cells| self.width(cells, high, cell) + self.trim.gap)
            .sum()
    }

    fn width(&self, cells: u32, high: u32, cell: f32) -> f32 {
        let columns = float(cells.div_ceil(high).max(1));
        (columns * cell + 2.0 * self.trim.pad).max(self.trim.least)
    }

    /// Height of a row with its gap.
    fn pixels(&self, high: u32, cell: f32) -> f32 {
        float(high) * cell + self.trim.above_and_below() + self.trim.gap
    }

    /// What is left over is shared out by size.
    fn place(&self, rows: &[Row], cell: f32) -> Vec<Placed> {
        let gap = self.trim.gap;
        let sum: f32 = rows.iter().map(|row| self.pixels(row.high, cell)).sum();
        let stretch = (self.area.height() + gap) / sum;
        let mut placed = Vec::with_capacity(self.shown.len());
        let mut top = self.area.top;
        for row in rows {
            let shown = &self.shown[row.blocks.clone()];
            let below = top + self.pixels(row.high, cell) * stretch;
            let widths = self.width_of(shown, row.high, cell);
            let widen = (self.area.width() + gap) / widths;
            let mut left = self.area.left;
            for &cells in shown {
                let right = left + (self.width(cells, row.high, cell) + gap) * widen;
                let rect = Rect {
                    left: left.round(),
                    top: top.round(),
                    right: (right - gap).round(),
                    bottom: (below - gap).round(),
                };
                placed.push(grid(rect, &self.trim, cells, cell));
                left = right;
            }
            top = below;
        }
        placed
    }
}
