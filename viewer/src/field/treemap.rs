//! The treemap of hosts, called territory: rows of blocks in their own order, so that nothing jumps
//! when one grows; one size of cell for all, and each row just as high as its blocks' cells need.

use core::ops::Range;

use crate::{
    field::layout::{Placed, Rect, Trim, grid, largest},
    numbers::{float, floor_u32, index, number},
};

/// Up to so many blocks the best division into rows is searched for; a crowd is divided evenly.
const SEARCHED: usize = 64;

/// All blocks in one map.
#[must_use]
pub fn territory(area: Rect, shown: &[u32], scale: f32) -> Vec<Placed> {
    if shown.is_empty() {
        return Vec::new();
    }
    let trim = Trim::of(area, number(shown.len()), scale);
    let map = Treemap { area, shown, trim };
    let cell = largest(trim.largest, |cell| map.rows(cell).is_some());
    match map.rows(cell) {
        Some(rows) => map.place(&rows, cell),
        // Not even cells of nothing fit: the area is no picture.
        None => Vec::new(),
    }
}

/// A row of blocks, and how many rows of cells it is high.
#[derive(Debug, Clone)]
struct BlockRow {
    blocks: Range<usize>,
    high: u32,
}

/// Blocks of a row that stand on one another: mostly one.
struct Column {
    blocks: Range<usize>,
    width: f32,
    height: f32,
}

struct Treemap<'a> {
    area: Rect,
    shown: &'a [u32],
    trim: Trim,
}

impl Treemap<'_> {
    /// Rows that hold everything at this size of cell.
    fn rows(&self, cell: f32) -> Option<Vec<BlockRow>> {
        if self.shown.len() <= SEARCHED {
            self.searched(cell)
        } else {
            self.even(cell)
        }
    }

    /// The division with the least height, by dynamic programming: the best end of the first `n` blocks, for each `n`.
    fn searched(&self, cell: f32) -> Option<Vec<BlockRow>> {
        let n = self.shown.len();
        let mut best: Vec<Option<(f32, BlockRow)>> = vec![None; n + 1];
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
                    best[end] = Some((height, BlockRow { blocks, high }));
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
    fn even(&self, cell: f32) -> Option<Vec<BlockRow>> {
        let total: f32 = self
            .shown
            .iter()
            .map(|&cells| self.weight(cells, cell))
            .sum();
        let likely = floor_u32((total / self.area.width().powi(2)).sqrt() * 16.0).max(1);
        let shape =
            (float(number(self.shown.len())) * self.area.height() / self.area.width()).sqrt();
        let first = floor_u32(shape * 0.5).max(1);
        let last = (floor_u32(shape * 2.0) + likely).min(number(self.shown.len()));
        let step = index((last.saturating_sub(first) / 24).max(1));
        (first..=last)
            .step_by(step)
            .find_map(|count| self.divided(count, total, cell))
    }

    fn divided(&self, count: u32, total: f32, cell: f32) -> Option<Vec<BlockRow>> {
        let mut rows = Vec::new();
        let (mut start, mut sum, mut height) = (0, 0.0, 0.0);
        for (at, &cells) in self.shown.iter().enumerate() {
            sum += self.weight(cells, cell);
            let due = total * float(number(rows.len()) + 1) / float(count);
            if sum >= due * 0.999 || at + 1 == self.shown.len() {
                let blocks = start..at + 1;
                let high = self.height_of(blocks.clone(), cell)?;
                height += self.pixels(high, cell);
                rows.push(BlockRow { blocks, high });
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
        blocks == 1 || float(number(blocks)) * least <= 4.0 * (self.area.width() + self.trim.gap)
    }

    /// The fewest rows of cells with which these blocks stand side by side.
    fn height_of(&self, blocks: Range<usize>, cell: f32) -> Option<u32> {
        let shown = &self.shown[blocks.clone()];
        let columns = floor_u32(self.area.width() / cell);
        let cells: u64 = shown.iter().map(|&cells| u64::from(cells)).sum();
        let most = floor_u32(self.area.height() / cell);
        let first = cells.div_ceil(u64::from(columns.max(1)));
        let mut high = u32::try_from(first).ok()?.max(1);
        while high <= most {
            if self.width_of(blocks.clone(), high, cell) <= self.area.width() + self.trim.gap {
                return Some(high);
            }
            // Towards the height that the widest needs, in steps that grow with it.
            high += (high / 32).max(1);
        }
        None
    }

    /// Blocks side by side; those that need little stand on one another.
    fn columns(&self, blocks: Range<usize>, high: u32, cell: f32) -> Vec<Column> {
        let full = self.pixels(high, cell);
        let mut columns: Vec<Column> = Vec::new();
        for block in blocks {
            let cells = self.shown[block];
            let wide = float(cells.div_ceil(high).max(1)) * cell + 2.0 * self.trim.pad;
            if wide > self.trim.least {
                columns.push(Column {
                    blocks: block..block + 1,
                    width: wide,
                    height: full,
                });
                continue;
            }
            let across = floor_u32((self.trim.least - 2.0 * self.trim.pad) / cell).max(1);
            let height = self.pixels(cells.div_ceil(across).max(1), cell);
            match columns.last_mut() {
                Some(below) if below.height + height <= full => {
                    below.blocks.end += 1;
                    below.height += height;
                }
                _ => columns.push(Column {
                    blocks: block..block + 1,
                    width: self.trim.least,
                    height,
                }),
            }
        }
        columns
    }

    fn width_of(&self, blocks: Range<usize>, high: u32, cell: f32) -> f32 {
        let columns = self.columns(blocks, high, cell);
        columns
            .iter()
            .map(|column| column.width + self.trim.gap)
            .sum()
    }

    /// Height of a row with its gap.
    fn pixels(&self, high: u32, cell: f32) -> f32 {
        float(high) * cell + self.trim.above_and_below() + self.trim.gap
    }

    /// What is left over is shared out by size.
    fn place(&self, rows: &[BlockRow], cell: f32) -> Vec<Placed> {
        let gap = self.trim.gap;
        let sum: f32 = rows.iter().map(|row| self.pixels(row.high, cell)).sum();
        let stretch = (self.area.height() + gap) / sum;
        let mut placed = Vec::with_capacity(self.shown.len());
        let mut top = self.area.top;
        for row in rows {
            let below = top + self.pixels(row.high, cell) * stretch;
            let columns = self.columns(row.blocks.clone(), row.high, cell);
            let widths: f32 = columns.iter().map(|column| column.width + gap).sum();
            let widen = (self.area.width() + gap) / widths;
            let mut left = self.area.left;
            for column in columns {
                let right = left + (column.width + gap) * widen;
                let sides = (left.round(), (right - gap).round());
                self.place_column(&column, sides, (top, below), cell, &mut placed);
                left = right;
            }
            top = below;
        }
        placed
    }

    fn place_column(
        &self,
        column: &Column,
        (left, right): (f32, f32),
        (mut top, bottom): (f32, f32),
        cell: f32,
        placed: &mut Vec<Placed>,
    ) {
        let stretch = (bottom - top) / column.height;
        let across = floor_u32((self.trim.least - 2.0 * self.trim.pad) / cell).max(1);
        let last = column.blocks.end;
        for block in column.blocks.clone() {
            let cells = self.shown[block];
            let height = self.pixels(cells.div_ceil(across).max(1), cell) * stretch;
            let below = if block + 1 == last {
                bottom
            } else {
                top + height
            };
            let rect = Rect {
                left,
                top: top.round(),
                right,
                bottom: (below - self.trim.gap).round(),
            };
            placed.push(grid(rect, &self.trim, cells, cell));
            top = below;
        }
    }
}
