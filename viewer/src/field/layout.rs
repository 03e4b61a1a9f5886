//! Where blocks stand: pure arithmetic from a rectangle and cell counts to rectangles and grids. The
//! lanes of the flow are here, the map of hosts is in `treemap`.

use crate::{
    field::lanes::Lanes,
    numbers::{float, floor_u32, number},
};

#[cfg(test)]
mod tests;

/// A rectangle, in pixels.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Rect {
    /// x of the left edge.
    pub left: f32,
    /// y of the top edge.
    pub top: f32,
    /// x of the right edge.
    pub right: f32,
    /// y of the bottom edge.
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

    /// Its width in pixels.
    #[must_use]
    pub const fn width(self) -> f32 {
        self.right - self.left
    }

    /// Its height in pixels.
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
    /// The whole block with header and foot.
    pub rect: Rect,
    /// Left edge of the first cell.
    pub x: f32,
    /// Top edge of the first cell.
    pub y: f32,
    /// Edge of a cell.
    pub cell: f32,
    /// Cells in a row; none where the block is not drawn.
    pub columns: u32,
    /// Height of the header.
    pub header: f32,
    /// Height of the foot, where mounds stand.
    pub foot: f32,
}

impl Placed {
    /// The rectangle of a cell.
    #[must_use]
    pub fn cell_rect(&self, cell: u32) -> Rect {
        let columns = self.columns.max(1);
        let (column, row) = (cell % columns, cell / columns);
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
        if self.columns == 0 || dx < 0.0 || dy < 0.0 || dx >= float(self.columns) {
            return None;
        }
        Some(floor_u32(dy) * self.columns + floor_u32(dx))
    }
}

impl Placed {
    /// Cells that lie inside it.
    #[must_use]
    pub fn holds(&self) -> u32 {
        let height = self.rect.bottom - self.foot - self.y;
        let rows = floor_u32((height + 1.0).max(0.0) / self.cell.max(0.01));
        self.columns * rows
    }
}

/// Measures round the cells, in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trim {
    /// Room left between two blocks.
    pub gap: f32,
    /// A block's header, with its name.
    pub header: f32,
    /// Round a block's cells.
    pub pad: f32,
    /// A block's foot, where mounds stand.
    pub foot: f32,
    /// No block is narrower: its name must be read.
    pub least: f32,
    /// Cells are never drawn larger at fit.
    pub largest: f32,
}

impl Trim {
    /// Name, figures and mounds can be read. `scale` is pixels a point.
    #[must_use]
    pub fn full(scale: f32) -> Self {
        Self {
            gap: (8.0 * scale).round(),
            header: (24.0 * scale).round(),
            pad: (7.0 * scale).round(),
            foot: (19.0 * scale).round(),
            least: (168.0 * scale).round(),
            largest: (88.0 * scale).round(),
        }
    }

    /// Names only, cut where they must be.
    #[must_use]
    pub fn small(scale: f32) -> Self {
        Self {
            gap: (6.0 * scale).round(),
            header: (17.0 * scale).round(),
            pad: (4.0 * scale).round(),
            foot: (4.0 * scale).round(),
            least: (92.0 * scale).round(),
            ..Self::full(scale)
        }
    }

    /// A crowd of blocks: nothing but cells.
    #[must_use]
    pub fn bare(scale: f32) -> Self {
        Self {
            gap: 2.0,
            header: 0.0,
            pad: 1.0,
            foot: 0.0,
            least: 3.0,
            ..Self::full(scale)
        }
    }

    /// The one that so many blocks leave room for.
    #[must_use]
    pub fn of(area: Rect, blocks: u32, scale: f32) -> Self {
        let room = area.width() * area.height() / float(blocks.max(1));
        let needs = |trim: &Self| {
            let frame = trim.header + trim.foot + 2.0 * trim.pad + trim.gap;
            (trim.least + trim.gap) * (frame + trim.header * 1.5)
        };
        [Self::full(scale), Self::small(scale)]
            .into_iter()
            .find(|trim| room >= needs(trim))
            .unwrap_or_else(|| Self::bare(scale))
    }

    /// Room for cells inside a block.
    #[must_use]
    pub fn inner(&self, rect: Rect) -> (f32, f32) {
        (
            (rect.width() - 2.0 * self.pad).max(0.0),
            (rect.height() - self.above_and_below()).max(0.0),
        )
    }

    /// Height of a block that is no cells.
    #[must_use]
    pub const fn above_and_below(&self) -> f32 {
        self.header + self.foot + 2.0 * self.pad
    }
}

/// The lanes of the flow: waiting for another try and dead letters below, all others above. Two have
/// no place while what is in flight shares a lane.
#[must_use]
pub fn flow(area: Rect, shown: &[u32], lanes: Lanes, scale: f32) -> Vec<Placed> {
    const ABOVE: [f32; 5] = [2.4, 1.5, 1.2, 1.0, 1.6];
    const JOINED: [f32; 5] = [2.4, 2.2, 0.0, 0.0, 1.6];
    const BELOW: [f32; 2] = [2.0, 1.4];
    let trim = Trim::full(scale);
    debug_assert_eq!(shown.len(), ABOVE.len() + BELOW.len());
    let top = Rect {
        bottom: (area.top + area.height() * 0.72).round(),
        ..area
    };
    let bottom = Rect {
        top: (top.bottom + trim.gap).round(),
        ..area
    };
    let (above, below) = shown.split_at(ABOVE.len());
    let weights = match lanes {
        Lanes::Split => ABOVE,
        Lanes::Joined => JOINED,
    };
    let mut placed = side_by_side(top, &trim, above, &weights);
    placed.extend(side_by_side(bottom, &trim, below, &BELOW));
    placed
}

/// Lanes side by side, by the weights given, each with its own size of cell; those without weight
/// have no place.
#[must_use]
pub fn side_by_side(area: Rect, trim: &Trim, shown: &[u32], weights: &[f32]) -> Vec<Placed> {
    let total: f32 = weights.iter().sum();
    let count = weights.iter().filter(|weight| **weight > 0.0).count();
    let room = area.width() - trim.gap * float(number(count).saturating_sub(1));
    let mut left = area.left;
    shown
        .iter()
        .zip(weights)
        .map(|(&cells, &weight)| {
            if weight == 0.0 {
                return Placed::default();
            }
            let width = room * weight / total;
            let rect = Rect::new(left.round(), area.top, width.round(), area.height());
            left += width + trim.gap;
            filled(rect, trim, cells)
        })
        .collect()
}

/// One block that uses its rectangle as well as it can.
#[must_use]
pub fn filled(rect: Rect, trim: &Trim, cells: u32) -> Placed {
    let (width, height) = trim.inner(rect);
    let cell = largest(trim.largest, |cell| holds(width, height, cell, cells));
    grid(rect, trim, cells, cell)
}

/// The largest edge of a cell, up to `most`, that fits; smaller ones must fit too.
pub(super) fn largest(most: f32, fits: impl Fn(f32) -> bool) -> f32 {
    let mut low = 0.02_f32;
    let mut high = most;
    for _ in 0..18 {
        let middle = f32::midpoint(low, high);
        if fits(tidy(middle)) {
            low = middle;
        } else {
            high = middle;
        }
    }
    tidy(low)
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

fn holds(width: f32, height: f32, cell: f32, cells: u32) -> bool {
    let columns = floor_u32(width / cell);
    let rows = floor_u32(height / cell);
    u64::from(columns) * u64::from(rows) >= u64::from(cells)
}

/// The grid of a block: rows from side to side; few tasks in much room stand together in its
/// middle.
pub(super) fn grid(rect: Rect, trim: &Trim, cells: u32, cell: f32) -> Placed {
    let (width, height) = trim.inner(rect);
    // Rectangles are whole pixels: the padding lends what rounding took.
    let most = floor_u32((width + 1.0) / cell).max(1);
    let rows = floor_u32((height + 1.0) / cell).max(1);
    let is_roomy = u64::from(cells) * 2 <= u64::from(most) * u64::from(rows);
    let (columns, above) = if is_roomy && cell >= trim.largest * 0.5 {
        let wanted = (float(cells) * width / height.max(1.0)).sqrt().ceil();
        let columns = floor_u32(wanted).clamp(1, most);
        let columns = cells.div_ceil(cells.div_ceil(columns).max(1)).max(1);
        let used = float(cells.div_ceil(columns)) * cell;
        (columns, ((height - used) / 2.0).max(0.0).floor())
    } else {
        (most, 0.0)
    };
    let beside = ((width - float(columns) * cell) / 2.0).max(0.0).floor();
    Placed {
        rect,
        x: rect.left + trim.pad + beside,
        y: rect.top + trim.header + trim.pad + above,
        cell,
        columns,
        header: trim.header,
        foot: trim.foot,
    }
}
