//! The log: moves of sessions, stages, batches and breakers, and notices; the newest first.

use bevy_egui::egui::{Align2, ScrollArea, Sense, Ui, Vec2, pos2};

use super::{
    format,
    style::{Style, colour, severity_colour, write},
};
use crate::{history::History, numbers::wide};

/// Height of a line in points.
const LINE: f32 = 17.0;

pub(super) fn draw(ui: &mut Ui, style: &Style, history: &History) {
    let log = &history.log;
    ui.spacing_mut().item_spacing.y = 0.0;
    ScrollArea::vertical()
        .auto_shrink(false)
        .show_rows(ui, LINE, log.len(), |ui, range| {
            for at in range {
                let line = &log[log.len() - 1 - at];
                let (rect, _) =
                    ui.allocate_exact_size(Vec2::new(ui.available_width(), LINE), Sense::hover());
                let (left, y) = (rect.left(), rect.center().y);
                let painter = ui.painter_at(rect);
                let (at, time) = (pos2(left + 52.0, y), format::clock(wide(line.at_us) / 1e6));
                write(
                    &painter,
                    at,
                    Align2::RIGHT_CENTER,
                    time,
                    12.0,
                    style.faint(),
                );
                let mark = colour(severity_colour(style.theme, line.severity));
                painter.circle_filled(pos2(left + 66.0, y), 3.0, mark);
                let (at, text) = (pos2(left + 78.0, y), &line.text);
                write(&painter, at, Align2::LEFT_CENTER, text, 12.0, style.text());
            }
        });
}
