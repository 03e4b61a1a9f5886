//! Pan and zoom: from the field's own pixels (as laid out at fit) to the screen and back.

use bevy::prelude::Resource;

use crate::field::layout::Rect;

/// Closest zoom: one cell may fill much of the screen.
const ZOOM_MAX: f32 = 400.0;
const ZOOM_MIN: f32 = 0.2;

/// What part of the field is on the screen.
#[derive(Resource, Debug, Clone, Copy, PartialEq)]
pub struct View {
    /// The field's rectangle on the screen, in pixels.
    pub area: Rect,
    /// The field's point in the area's upper left corner.
    pub pan: (f32, f32),
    /// Screen pixels a field pixel.
    pub zoom: f32,
    /// Pixels a point of the screen.
    pub scale: f32,
    /// All of the field is shown, also where the area changes; ends with the first pan or zoom.
    is_fitted: bool,
}

impl Default for View {
    fn default() -> Self {
        Self::new(Rect::default(), 1.0)
    }
}

impl View {
    /// All of the field in this area; `scale` is pixels a point.
    #[must_use]
    pub const fn new(area: Rect, scale: f32) -> Self {
        Self {
            area,
            pan: (0.0, 0.0),
            zoom: 1.0,
            scale,
            is_fitted: true,
        }
    }

    /// Gives the field its rectangle on the screen; `scale` is pixels a point.
    pub fn set_area(&mut self, area: Rect, scale: f32) {
        self.area = area;
        self.scale = scale;
        if self.is_fitted {
            self.fit();
        }
    }

    /// Whether all of the field is shown.
    #[must_use]
    pub const fn is_fitted(&self) -> bool {
        self.is_fitted
    }

    /// The field's point in the middle of the area.
    #[must_use]
    pub fn middle(&self) -> (f32, f32) {
        let area = self.area;
        self.to_field(
            f32::midpoint(area.left, area.right),
            f32::midpoint(area.top, area.bottom),
        )
    }

    /// The same zoom times `factor`, with this point of the field in the middle of the area.
    #[must_use]
    pub fn held_at(&self, (x, y): (f32, f32), factor: f32) -> Self {
        let zoom = (self.zoom * factor).clamp(ZOOM_MIN, ZOOM_MAX);
        let pan = (
            x - self.area.width() / 2.0 / zoom,
            y - self.area.height() / 2.0 / zoom,
        );
        Self { pan, zoom, ..*self }
    }

    /// All of the field again.
    pub fn fit(&mut self) {
        *self = Self::new(self.area, self.scale);
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
        self.is_fitted = false;
    }

    /// Moves the picture by screen pixels.
    pub fn drag(&mut self, dx: f32, dy: f32) {
        self.pan.0 -= dx / self.zoom;
        self.pan.1 -= dy / self.zoom;
        self.is_fitted = false;
    }

    /// Brings a rectangle of the field into the middle so that it is `pixels` wide.
    pub fn look_at(&mut self, rect: Rect, pixels: f32) {
        self.zoom = (pixels / rect.width().max(0.01)).clamp(ZOOM_MIN, ZOOM_MAX);
        self.pan = (
            f32::midpoint(rect.left, rect.right) - self.area.width() / 2.0 / self.zoom,
            f32::midpoint(rect.top, rect.bottom) - self.area.height() / 2.0 / self.zoom,
        );
        self.is_fitted = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fitted_view_follows_its_area_until_a_person_moves_it() {
        let small = Rect::new(0.0, 0.0, 100.0, 80.0);
        let large = Rect::new(10.0, 0.0, 400.0, 300.0);
        let mut view = View::new(small, 1.0);
        view.set_area(large, 2.0);
        assert_eq!(view, View::new(large, 2.0));
        view.zoom_at(2.0, 50.0, 50.0);
        let zoomed = (view.pan, view.zoom);
        view.set_area(small, 1.0);
        assert_eq!(
            (view.pan, view.zoom, view.area),
            (zoomed.0, zoomed.1, small)
        );
        view.fit();
        assert_eq!(view, View::new(small, 1.0));
    }
}
