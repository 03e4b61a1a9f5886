//! What stands round a block's cells, by how much room there is for each block.

use super::Rect;

/// Measures round the cells, in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trim {
    /// Between blocks.
    pub gap: f32,
    /// A block's header, with its name.
    pub header: f32,
    /// Round a block's cells.
    pub pad: f32,
    /// A block's foot, where heaps stand.
    pub foot: f32,
    /// No block is narrower: its name must be read.
    pub least: f32,
    /// Cells are never drawn larger at fit.
    pub largest: f32,
}

impl Trim {
    /// Name, figures and heaps can be read. `scale` is pixels a point.
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
        let room = area.width() * area.height() / crate::numbers::float(blocks.max(1));
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
