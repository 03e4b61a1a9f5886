//! The log: moves of sessions, stages, batches and breakers, and notices; the newest first. Where a
//! host or stage is pinned, only lines that name it.

use bevy_egui::egui::{Align2, Rect, Response, RichText, ScrollArea, Sense, Ui, Vec2, pos2};
use crawlfield_engine::progress::safe;

use super::{
    format,
    style::{Style, colour, severity_colour, write, write_cut},
};
use crate::{
    history::{History, LINES, LogLine},
    numbers::wide,
    pin::Pin,
};

/// Height of a line in points.
const LINE: f32 = 17.0;
/// Where a line's text begins, in points.
const TEXT: f32 = 78.0;

pub(super) fn draw(ui: &mut Ui, style: &Style, history: &History, pin: Option<&Pin>) {
    let about = match pin {
        Some(Pin::Host(name) | Pin::Stage(name)) => Some(safe(name)),
        _ => None,
    };
    let is_meant = |line: &&LogLine| about.as_ref().is_none_or(|name| line.text.contains(name));
    let lines: Vec<&LogLine> = history.log.iter().rev().filter(is_meant).collect();
    // The oldest went when the log was full.
    let note = match (&about, history.log.len()) {
        (None, 0) => Some("nothing has happened yet".to_owned()),
        (Some(name), of) => Some(format!("{} of {of} lines name {name}", lines.len())),
        (None, LINES) => Some(format!("only the last {LINES} lines are kept")),
        (None, _) => None,
    };
    ui.spacing_mut().item_spacing.y = 0.0;
    let count = lines.len() + usize::from(note.is_some());
    ScrollArea::vertical()
        .auto_shrink(false)
        .show_rows(ui, LINE, count, |ui, range| {
            for at in range {
                let size = Vec2::new(ui.available_width(), LINE);
                let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
                match (lines.get(at), &note) {
                    (Some(line), _) => draw_line(ui, style, line, rect, response),
                    (None, Some(note)) => {
                        let text = RichText::new(note).color(style.faint());
                        ui.put(rect.with_min_x(rect.left() + TEXT), |ui: &mut Ui| {
                            ui.label(text)
                        });
                    }
                    (None, None) => {}
                }
            }
        });
}

fn draw_line(ui: &Ui, style: &Style, line: &LogLine, rect: Rect, response: Response) {
    let (left, y) = (rect.left(), rect.center().y);
    let painter = ui.painter();
    let (at, time) = (pos2(left + 52.0, y), format::clock(wide(line.at_us) / 1e6));
    let ink = style.faint();
    write(painter, at, Align2::RIGHT_CENTER, time, 12.0, ink);
    let mark = colour(severity_colour(style.theme, line.severity));
    painter.circle_filled(pos2(left + 66.0, y), 3.0, mark);
    let at = pos2(left + TEXT, y);
    let room = rect.right() - at.x - 8.0;
    let text = write_cut(painter, at, &line.text, 12.0, style.text(), room);
    if text.width() > room - 12.0 {
        response.on_hover_text(&line.text);
    }
}
