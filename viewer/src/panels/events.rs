//! The log: moves of sessions, stages, batches and breakers, and notices; the newest first.

use bevy_egui::egui::{Align2, RichText, ScrollArea, Sense, Ui, Vec2, pos2};

use super::{
    format,
    style::{Style, colour, severity_colour, write, write_cut},
};
use crate::{
    history::{History, LINES},
    numbers::wide,
};

/// Height of a line in points.
const LINE: f32 = 17.0;

pub(super) fn draw(ui: &mut Ui, style: &Style, history: &History) {
    let log = &history.log;
    if log.is_empty() {
        ui.label(RichText::new("nothing has happened yet").color(style.faint()));
        return;
    }
    ui.spacing_mut().item_spacing.y = 0.0;
    // The oldest went when the log was full.
    let is_full = log.len() == LINES;
    ScrollArea::vertical().auto_shrink(false).show_rows(
        ui,
        LINE,
        log.len() + usize::from(is_full),
        |ui, range| {
            for at in range {
                let size = Vec2::new(ui.available_width(), LINE);
                let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
                let (left, y) = (rect.left(), rect.center().y);
                let painter = ui.painter_at(rect);
                let Some(line) = log.len().checked_sub(at + 1).map(|at| &log[at]) else {
                    let text = format!("only the last {LINES} lines are kept");
                    let at = pos2(left + 78.0, y);
                    write_cut(
                        &painter,
                        at,
                        &text,
                        12.0,
                        style.faint(),
                        rect.right() - at.x,
                    );
                    continue;
                };
                let (at, time) = (pos2(left + 52.0, y), format::clock(wide(line.at_us) / 1e6));
                let ink = style.faint();
                write(&painter, at, Align2::RIGHT_CENTER, time, 12.0, ink);
                let mark = colour(severity_colour(style.theme, line.severity));
                painter.circle_filled(pos2(left + 66.0, y), 3.0, mark);
                let at = pos2(left + 78.0, y);
                let room = rect.right() - at.x - 8.0;
                let text = write_cut(&painter, at, &line.text, 12.0, style.text(), room);
                if text.width() > room - 12.0 {
                    response.on_hover_text(&line.text);
                }
            }
        },
    );
}
