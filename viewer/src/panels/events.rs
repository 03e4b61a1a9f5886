//! The log: moves of sessions, stages, batches and breakers, and notices; the newest first.

use bevy_egui::egui::{Align2, ScrollArea, Sense, Ui, Vec2, pos2};

use super::{
    Desk,
    look::{colour, write},
    words,
};
use crate::{numbers::wide, story::Weight};

/// Height of a line.
const LINE: f32 = 17.0;

pub(super) fn draw(ui: &mut Ui, desk: &Desk<'_>) {
    let lines = &desk.show.news.story.lines;
    let theme = desk.look.theme;
    ui.spacing_mut().item_spacing.y = 0.0;
    ScrollArea::vertical()
        .auto_shrink(false)
        .show_rows(ui, LINE, lines.len(), |ui, range| {
            for at in range {
                let line = &lines[lines.len() - 1 - at];
                let (rect, _) =
                    ui.allocate_exact_size(Vec2::new(ui.available_width(), LINE), Sense::hover());
                let y = rect.center().y;
                let hex = match line.weight {
                    Weight::Plain => theme.states.queued,
                    Weight::Good => theme.states.done,
                    Weight::Warning => theme.states.retry,
                    Weight::Bad => theme.states.fatal,
                };
                let painter = ui.painter_at(rect);
                let time = words::clock(wide(line.at_us) / 1e6);
                write(
                    &painter,
                    pos2(rect.left() + 52.0, y),
                    Align2::RIGHT_CENTER,
                    time,
                    12.0,
                    desk.look.faint(),
                );
                painter.circle_filled(pos2(rect.left() + 66.0, y), 3.0, colour(hex));
                write(
                    &painter,
                    pos2(rect.left() + 78.0, y),
                    Align2::LEFT_CENTER,
                    &line.text,
                    12.0,
                    desk.look.text(),
                );
            }
        });
}
