//! A small curve without axes, as high as a line of text.

use bevy_egui::egui::{Color32, Mesh, Painter, Pos2, Rect, Shape, Stroke, pos2};

use super::style::{Style, colour};
use crate::{
    history::series::thinned,
    numbers::{narrow, number},
};

/// Seconds of the past that are shown, at least and at most.
const TREND_SECONDS: (f64, f64) = (60.0, 300.0);
/// Buckets of a curve: two points each.
const BUCKETS: usize = 60;

/// From when on a trend up to `at` is shown of a run that began at `begin`, in seconds.
pub(super) fn trend_begin(begin: f64, at: f64) -> f64 {
    at - (at - begin).clamp(TREND_SECONDS.0, TREND_SECONDS.1)
}

/// Draws a curve from 0 up to its highest value, over the seconds `from` to `to`.
pub(super) fn draw(
    painter: &Painter,
    style: &Style,
    rect: Rect,
    curve: &[[f64; 2]],
    (from, to): (f64, f64),
    hex: u32,
) {
    painter.hline(
        rect.x_range(),
        rect.bottom(),
        Stroke::new(1.0, style.line()),
    );
    let highest = curve.iter().map(|point| point[1]).fold(0.0, f64::max);
    if curve.len() < 2 || highest <= 0.0 {
        return;
    }
    let place = |[at, value]: [f64; 2]| -> Pos2 {
        let x = narrow(((at - from) / (to - from).max(1.0)).clamp(0.0, 1.0));
        let y = narrow((value / highest).clamp(0.0, 1.0));
        pos2(
            rect.left() + rect.width() * x,
            rect.bottom() - (rect.height() - 1.0) * y,
        )
    };
    let line: Vec<Pos2> = thinned(curve, BUCKETS).into_iter().map(place).collect();
    let ink = colour(hex);
    fill(painter, &line, rect.bottom(), ink.gamma_multiply(0.22));
    painter.add(Shape::line(line, Stroke::new(1.2, ink)));
}

/// The area below a line, without seams.
fn fill(painter: &Painter, line: &[Pos2], bottom: f32, ink: Color32) {
    let mut mesh = Mesh::default();
    for at in line {
        mesh.colored_vertex(*at, ink);
        mesh.colored_vertex(pos2(at.x, bottom), ink);
    }
    for step in 1..number(line.len()) {
        let right = 2 * step;
        mesh.add_triangle(right - 2, right - 1, right);
        mesh.add_triangle(right - 1, right, right + 1);
    }
    painter.add(Shape::mesh(mesh));
}
