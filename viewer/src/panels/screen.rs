//! The screen: which panel stands where, and the area that is left for the field.

use bevy_egui::egui::{self, Align2, Frame, Margin, Panel, Rect, Sense, Stroke, StrokeKind, Ui};

use super::{
    Desk, Tab, charts, dialog, events, help, hosts, inspector, keys, labels, legend, letters,
    look::{colour, write},
    strip, timeline, top, touch,
};
use crate::{field::layout, story::Weight};

/// Widths and heights in points.
const LEFT: f32 = 212.0;
const RIGHT: f32 = 256.0;
const BELOW: f32 = 164.0;
const TIMELINE: f32 = 30.0;
const TOP: f32 = 34.0;
const STRIP: f32 = 58.0;

pub(super) fn draw(ui: &mut Ui, desk: &mut Desk<'_>) {
    keys::take(ui.ctx(), desk);
    if !desk.panels.is_bare {
        panels(ui, desk);
    }
    let area = ui.available_rect_before_wrap();
    field(ui, desk, area);
    if desk.panels.is_bare {
        strip::draw_bare(ui, desk, area);
    }
    answers(ui, desk, area);
    dialog::draw(ui.ctx(), desk);
    help::draw(ui.ctx(), desk);
}

fn panels(ui: &mut Ui, desk: &mut Desk<'_>) {
    let fill = colour(desk.look.theme.panel);
    let frame = |x: i8, y: i8| Frame::NONE.fill(fill).inner_margin(Margin::symmetric(x, y));
    Panel::top("top")
        .exact_size(TOP)
        .frame(frame(10, 5))
        .show(ui, |ui| top::draw(ui, desk));
    if desk.panels.are_sides_shown {
        Panel::left("left")
            .exact_size(LEFT)
            .resizable(false)
            .frame(frame(10, 6))
            .show(ui, |ui| legend::draw(ui, desk));
        Panel::right("right")
            .exact_size(RIGHT)
            .resizable(false)
            .frame(frame(12, 6))
            .show(ui, |ui| inspector::draw(ui, desk));
    }
    Panel::bottom("time")
        .exact_size(TIMELINE)
        .frame(frame(10, 4))
        .show(ui, |ui| timeline::draw(ui, desk));
    if desk.panels.are_sides_shown {
        Panel::bottom("below")
            .exact_size(BELOW)
            .resizable(false)
            .frame(frame(10, 5))
            .show(ui, |ui| below(ui, desk));
    }
    Panel::top("eta")
        .exact_size(STRIP)
        .frame(frame(12, 6))
        .show(ui, |ui| strip::draw(ui, desk));
}

fn below(ui: &mut Ui, desk: &mut Desk<'_>) {
    ui.horizontal(|ui| {
        let tabs = [
            (Tab::Charts, "Charts"),
            (Tab::Hosts, "Hosts"),
            (Tab::Letters, "Dead letters"),
            (Tab::Events, "Events"),
        ];
        for (tab, name) in tabs {
            if ui.selectable_label(desk.panels.tab == tab, name).clicked() {
                desk.panels.tab = tab;
            }
        }
        if desk.panels.tab == Tab::Charts {
            charts::scales(ui, desk);
        }
    });
    ui.add_space(2.0);
    match desk.panels.tab {
        Tab::Charts => charts::draw(ui, desk),
        Tab::Hosts => hosts::draw(ui, desk),
        Tab::Letters => letters::draw(ui, desk),
        Tab::Events => events::draw(ui, desk),
    }
}

/// The field's area takes mouse and labels; the field itself is drawn below egui.
fn field(ui: &mut Ui, desk: &mut Desk<'_>, area: Rect) {
    let scale = ui.ctx().pixels_per_point();
    desk.show.set_area(layout::Rect {
        left: (area.left() * scale).round(),
        top: (area.top() * scale).round(),
        right: (area.right() * scale).round(),
        bottom: (area.bottom() * scale).round(),
    });
    let response = ui.allocate_rect(area, Sense::click_and_drag());
    touch::take(ui, desk, &response);
    let painter = ui.painter_at(area);
    labels::draw(&painter, desk, scale);
    touch::draw(&painter, desk);
    if desk.show.mirror.is_empty() {
        let words = match desk.show.news.link {
            crate::source::Link::Waiting => "waiting for the first task",
            crate::source::Link::Live => "no task is in the window now",
            crate::source::Link::Ended => "the run has ended",
        };
        write(
            &painter,
            area.center(),
            Align2::CENTER_CENTER,
            words,
            14.0,
            desk.look.faint(),
        );
    }
}

/// What commands were answered, in the field's lower left corner.
fn answers(ui: &Ui, desk: &Desk<'_>, area: Rect) {
    let painter = ui.painter_at(area);
    let theme = desk.look.theme;
    let mut bottom = area.bottom() - 10.0;
    for answer in desk.panels.asking.answers.iter().rev() {
        let ink = match answer.weight {
            Weight::Plain => theme.text,
            Weight::Good => theme.states.done,
            Weight::Warning => theme.states.retry,
            Weight::Bad => theme.states.fatal,
        };
        let at = egui::pos2(area.left() + 22.0, bottom - 5.0);
        let galley = painter.layout(
            answer.text.clone(),
            egui::FontId::proportional(12.5),
            desk.look.text(),
            (area.width() - 60.0).max(80.0),
        );
        let rect = Align2::LEFT_BOTTOM
            .anchor_size(at, galley.size())
            .expand2(egui::vec2(8.0, 4.0));
        painter.rect(
            rect,
            4.0,
            desk.look.raised(),
            Stroke::new(1.0, desk.look.line()),
            StrokeKind::Inside,
        );
        let mark = Rect::from_min_size(rect.min, egui::vec2(3.0, rect.height()));
        painter.rect_filled(mark, 1.0, colour(ink));
        painter.galley(rect.min + egui::vec2(8.0, 4.0), galley, desk.look.text());
        bottom = rect.top() - 6.0;
    }
}
