//! Pan and zoom: from the field's own pixels (as laid out at fit) to the screen and back.

use crate::field::layout::{Placed, Rect};

/// Closest zoom: one cell may fill much of the screen.
const ZOOM_MAX: f32 = 400.0;
const ZOOM_MIN: f32 = 0.2;

/// What part of the field is on the screen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct View {
    /// The field's rectangle on the screen, in pixels.
    pub area: Rect,
    /// The field's point in the area's upper left corner.
    pub pan: (f32, f32),
    /// Screen pixels a field pixel.
    pub zoom: f32,
}

impl View {
    /// All of the field.
    #[must_use]
    pub const fn fit(area: Rect) -> Self {
        Self {
            area,
            pan: (0.0, 0.0),
            zoom: 1.0,
        }
    }

    /// From the screen to the field.
    #[must_use]
    pub fn to_field(&self, x: f32, y: f32) -> (f32, f32) {
        (
            (x - self.area.left) / self.zoom + self.pan.0,
            (y - self.area.top) / self.zoom + self.pan.1,
        )
    }

    /// From the field to the screen.
    #[must_use]
    pub fn to_screen(&self, x: f32, y: f32) -> (f32, f32) {
        (
            (x - self.pan.0) * self.zoom + self.area.left,
            (y - self.pan.1) * self.zoom + self.area.top,
        )
    }

    /// A rectangle of the field on the screen.
    #[must_use]
    pub fn rect_to_screen(&self, rect: Rect) -> Rect {
        let (left, top) = self.to_screen(rect.left, rect.top);
        let (right, bottom) = self.to_screen(rect.right, rect.bottom);
        Rect {
            left,
            top,
            right,
            bottom,
        }
    }

    /// Zooms by a factor about a point of the screen, which stays where it is.
    pub fn zoom_at(&mut self, factor: f32, x: f32, y: f32) {
        let (fx, fy) = self.to_field(x, y);
        self.zoom = (self.zoom * factor).clamp(ZOOM_MIN, ZOOM_MAX);
        self.pan = (
            fx - (x - self.area.left) / self.zoom,
            fy - (y - self.area.top) / self.zoom,
        );
    }

    /// Moves the picture by screen pixels.
    pub fn drag(&mut self, dx: f32, dy: f32) {
        self.pan.0 -= dx / self.zoom;
        self.pan.1 -= dy / self.zoom;
    }

    /// Brings a rectangle of the field into the middle so that it is `pixels` wide.
    pub fn look_at(&mut self, rect: Rect, pixels: f32) {
        self.zoom = (pixels / rect.width().max(0.01)).clamp(ZOOM_MIN, ZOOM_MAX);
        self.pan = (
            f32::midpoint(rect.left, rect.right) - self.area.width() / 2.0 / self.zoom,
            f32::midpoint(rect.top, rect.bottom) - self.area.height() / 2.0 / self.zoom,
        );
    }

    /// The block and cell under a point of the screen.
    #[must_use]
    pub fn pick(&self, placed: &[Placed], x: f32, y: f32) -> Option<(u32, Option<u32>)> {
        if !self.area.contains(x, y) {
            return None;
        }
        let (fx, fy) = self.to_field(x, y);
        (0_u32..)
            .zip(placed)
            .find(|(_, place)| place.rect.contains(fx, fy))
            .map(|(block, place)| (block, place.cell_at(fx, fy)))
    }
}
