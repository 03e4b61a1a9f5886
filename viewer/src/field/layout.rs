//! Where blocks stand: pure arithmetic from a rectangle and cell counts to rectangles and grids.

use crate::numbers::{float, floor_u32};

/// A rectangle: left, top, right, bottom.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Rect {
    /// Left.
    pub left: f32,
    /// Top.
    pub top: f32,
    /// Right.
    pub right: f32,
    /// Bottom.
    pub bottom: f32,
}

impl Rect {
    /// From its corner and size.
    #[must_use]
    pub const fn new(left: f32, top: f32, width: f32, height: f32) -> Self {
        Self {
            left,
            top,
            right: left + width,
            bottom: top + height,
        }
    }

    /// Width.
    #[must_use]
    pub const fn width(self) -> f32 {
        self.right - self.left
    }

    /// Height.
    #[must_use]
    pub const fn height(self) -> f32 {
        self.bottom - self.top
    }

    /// Whether the point is inside.
    #[must_use]
    pub fn contains(self, x: f32, y: f32) -> bool {
        x >= self.left && x < self.right && y >= self.top && y < self.bottom
    }

    /// Shrunk by `by` on all sides.
    #[must_use]
    pub const fn inset(self, by: f32) -> Self {
        Self {
            left: self.left + by,
            top: self.top + by,
            right: self.right - by,
            bottom: self.bottom - by,
        }
    }
}

/// A block's place: its rectangle, and the grid of cells inside.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Placed {
    /// The whole block.
    pub rect: Rect,
    /// Left edge of the first cell.
    pub x: f32,
    /// Top edge of the first cell.
    pub y: f32,
    /// Edge of a cell.
    pub cell: f32,
    /// Cells in a row.
    pub columns: u32,
}

impl Placed {
    /// The rectangle of a cell.
    #[must_use]
    pub fn cell_rect(&self, cell: u32) -> Rect {
        let (column, row) = (cell % self.columns, cell / self.columns);
        Rect::new(
            self.x + float(column) * self.cell,
            self.y + float(row) * self.cell,
            self.cell,
            self.cell,
        )
    }

    /// The cell under a point: the inverse of `cell_rect`.
    #[must_use]
    pub fn cell_at(&self, x: f32, y: f32) -> Option<u32> {
        let (dx, dy) = ((x - self.x) / self.cell, (y - self.y) / self.cell);
        if dx < 0.0 || dy < 0.0 || dx >= float(self.columns) {
            return None;
        }
        Some(floor_u32(dy) * self.columns + floor_u32(dx))
    }
}

/// Space between blocks.
pub const GAP: f32 = 8.0;
/// Height of a block's header.
pub const HEADER: f32 = 24.0;
/// Space round a block's cells.
pub const PAD: f32 = 7.0;
/// Height of the bar at a block's foot.
pub const FOOT: f32 = 6.0;
/// Cells are never drawn larger than this at fit.
const LARGEST: f32 = 76.0;

/// Territory: all blocks in one map, their areas by their cells, one size of cell for all.
#[must_use]
pub fn territory(area: Rect, shown: &[u32]) -> Vec<Placed> {
    if shown.is_empty() {
        return Vec::new();
    }
    let mut low = 0.02_f32;
    let mut high = LARGEST;
    for _ in 0..24 {
        let middle = f32::midpoint(low, high);
        if fits(area, shown, middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    let cell = tidy(low);
    strips(area, shown, cell)
        .into_iter()
        .zip(shown)
        .map(|(rect, &cells)| grid(rect, cells, cell))
        .collect()
}

/// Lanes side by side, by the weights given, each with its own size of cell.
#[must_use]
pub fn lanes(area: Rect, shown: &[u32], weights: &[f32]) -> Vec<Placed> {
    let total: f32 = weights.iter().sum();
    let room = area.width() - GAP * float(crate::numbers::number(weights.len()) - 1);
    let mut left = area.left;
    shown
        .iter()
        .zip(weights)
        .map(|(&cells, weight)| {
            let width = room * weight / total;
            let rect = Rect::new(left.round(), area.top, width.round(), area.height());
            left += width + GAP;
            filled(rect, cells)
        })
        .collect()
}

/// One block that uses its rectangle as well as it can.
#[must_use]
pub fn filled(rect: Rect, cells: u32) -> Placed {
    let (width, height) = inner(rect);
    let mut low = 0.02_f32;
    let mut high = LARGEST;
    for _ in 0..24 {
        let middle = f32::midpoint(low, high);
        if holds(width, height, middle, cells) {
            low = middle;
        } else {
            high = middle;
        }
    }
    grid(rect, cells, tidy(low))
}

/// Whole pixels where gaps between cells show, finer steps where they are smaller than that step
/// would waste, and none where cells are drawn as plain colour.
fn tidy(cell: f32) -> f32 {
    let steps = match cell {
        16.0.. => 1.0,
        8.0.. => 2.0,
        3.0.. => 4.0,
        _ => return cell,
    };
    (cell * steps).floor() / steps
}

fn inner(rect: Rect) -> (f32, f32) {
    (
        (rect.width() - 2.0 * PAD).max(0.0),
        (rect.height() - HEADER - 2.0 * PAD - FOOT).max(0.0),
    )
}

fn holds(width: f32, height: f32, cell: f32, cells: u32) -> bool {
    let cell = tidy(cell);
    let columns = floor_u32(width / cell);
    let rows = floor_u32(height / cell);
    u64::from(columns) * u64::from(rows) >= u64::from(cells)
}

fn fits(area: Rect, shown: &[u32], cell: f32) -> bool {
    strips(area, shown, tidy(cell))
        .into_iter()
        .zip(shown)
        .all(|(rect, &cells)| {
            let (width, height) = inner(rect);
            holds(width, height, cell, cells)
        })
}

fn grid(rect: Rect, cells: u32, cell: f32) -> Placed {
    let (width, _) = inner(rect);
    let most = floor_u32(width / cell).max(1);
    let columns = if cells < most { cells.max(1) } else { most };
    Placed {
        rect,
        x: rect.left + PAD,
        y: rect.top + HEADER + PAD,
        cell,
        columns,
    }
}

/// A strip map: rows of blocks in their own order (so that nothing jumps when one grows), each
/// row's height by its share of the area.
fn strips(area: Rect, shown: &[u32], cell: f32) -> Vec<Rect> {
    let frame = 2.0 * PAD + HEADER + FOOT + GAP;
    let weight = |cells: u32| {
        let edge = float(cells).sqrt() * cell;
        (edge + 2.0 * PAD + GAP) * (edge + frame)
    };
    let weights: Vec<f32> = shown.iter().map(|&cells| weight(cells)).collect();
    let total: f32 = weights.iter().sum();
    let mut best = (f32::MAX, 1);
    for rows in 1..=weights.len().min(64) {
        let worst = rows_of(&weights, total, rows)
            .iter()
            .map(|row| worst_aspect(area, &weights[row.clone()], total))
            .fold(0.0, f32::max);
        if worst < best.0 {
            best = (worst, rows);
        }
    }
    let mut rects = Vec::with_capacity(shown.len());
    let mut top = area.top;
    for row in rows_of(&weights, total, best.1) {
        let sum: f32 = weights[row.clone()].iter().sum();
        let height = (area.height() + GAP) * sum / total;
        let mut left = area.left;
        for &weight in &weights[row] {
            let width = (area.width() + GAP) * weight / sum;
            let rect = Rect {
                left: left.round(),
                top: top.round(),
                right: (left + width - GAP).round(),
                bottom: (top + height - GAP).round(),
            };
            rects.push(rect);
            left += width;
        }
        top += height;
    }
    rects
}

fn rows_of(weights: &[f32], total: f32, rows: usize) -> Vec<core::ops::Range<usize>> {
    let mut out = Vec::with_capacity(rows);
    let mut start = 0;
    let mut sum = 0.0;
    for (at, weight) in weights.iter().enumerate() {
        sum += weight;
        let due = total * float(crate::numbers::number(out.len()) + 1)
            / float(crate::numbers::number(rows));
        if sum + weight / 2.0 >= due && out.len() + 1 < rows {
            out.push(start..at + 1);
            start = at + 1;
        }
    }
    if start < weights.len() {
        out.push(start..weights.len());
    }
    out
}

fn worst_aspect(area: Rect, row: &[f32], total: f32) -> f32 {
    let sum: f32 = row.iter().sum();
    let height = area.height() * sum / total;
    row.iter()
        .map(|weight| {
            let width = area.width() * weight / sum;
            (width / height).max(height * 1.4 / width)
        })
        .fold(0.0, f32::max)
}
