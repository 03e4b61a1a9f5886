//! The screen: which panel stands where, and the area that is left for the field.

use bevy_egui::egui::{self, Align2, Frame, Margin, Panel, Rect, Sense, Stroke, StrokeKind, Ui};

use super::{
    PanelState, PendingCommands, Tab, charts, dead_letters, dialogs, events, hosts, inspector,
    keys, labels, legend, pointer, status_bar,
    style::{Style, colour, severity_colour, write},
    timeline, toolbar,
};
use crate::{
    feed::FeedStatus,
    field::{FieldControl, layout},
    history::{History, Severity},
    playback::Playback,
};

/// Widths and heights in points.
const LEFT: f32 = 212.0;
const RIGHT: f32 = 256.0;
const BELOW: f32 = 164.0;
const TIMELINE: f32 = 30.0;
const TOOLBAR: f32 = 34.0;
const STATUS_BAR: f32 = 58.0;

/// What one paint reads and changes; each panel gets its share of it.
pub(super) struct Screen<'a, 'c, 's> {
    pub(super) style: Style,
    pub(super) control: &'a mut FieldControl<'c>,
    pub(super) state: &'a mut PanelState<'s>,
    pub(super) history: &'a mut History,
    pub(super) playback: &'a Playback,
}

impl Screen<'_, '_, '_> {
    /// One frame of all panels.
    pub(super) fn paint(&mut self, ctx: &egui::Context, raw: egui::RawInput) -> egui::FullOutput {
        let tables = self.control.feed.mirror.tables();
        let dead_letters = &mut self.history.dead_letters;
        self.state.commands.receive(tables, dead_letters);
        ctx.run_ui(raw, |ui| self.draw(ui))
    }

    fn draw(&mut self, ui: &mut Ui) {
        keys::handle(ui.ctx(), self.control, self.state, self.playback);
        if self.state.panels.is_bare {
            let frame = self.frame(10, 4);
            Panel::top("bare")
                .exact_size(TOOLBAR)
                .frame(frame)
                .show(ui, |ui| {
                    status_bar::draw_bare(ui, &self.style, &self.control.feed, self.playback);
                });
        } else {
            self.panels(ui);
        }
        let area = ui.available_rect_before_wrap();
        self.field(ui, area);
        notifications(ui, &self.style, &self.state.commands, area);
        let (panels, commands) = (&mut *self.state.panels, &mut *self.state.commands);
        let session = self.control.feed.session_id();
        dialogs::draw_form(ui.ctx(), &mut panels.dialogs, session, commands);
        keys::draw_help(ui.ctx(), &self.style, &mut panels.dialogs.is_help_open);
    }

    fn frame(&self, x: i8, y: i8) -> Frame {
        let fill = colour(self.style.theme.panel);
        Frame::NONE.fill(fill).inner_margin(Margin::symmetric(x, y))
    }

    fn panels(&mut self, ui: &mut Ui) {
        let are_sides_shown = self.state.panels.are_sides_shown;
        let plain = self.frame(0, 0);
        let frame = |x: i8, y: i8| plain.inner_margin(Margin::symmetric(x, y));
        let Self {
            style,
            control,
            state,
            history,
            playback,
        } = self;
        Panel::top("top")
            .exact_size(TOOLBAR)
            .frame(frame(10, 5))
            .show(ui, |ui| toolbar::draw(ui, style, control, state, playback));
        if are_sides_shown {
            let wants_search = &mut state.panels.wants_search;
            Panel::left("left")
                .exact_size(LEFT)
                .resizable(false)
                .frame(frame(10, 6))
                .show(ui, |ui| legend::draw(ui, style, control, wants_search));
            let (inspector, commands) = (&mut *state.inspector, &mut *state.commands);
            Panel::right("right")
                .exact_size(RIGHT)
                .resizable(false)
                .frame(frame(12, 6))
                .show(ui, |ui| {
                    inspector::draw(ui, style, control, inspector, commands, history);
                });
        }
        Panel::bottom("time")
            .exact_size(TIMELINE)
            .frame(frame(10, 4))
            .show(ui, |ui| {
                let requests = &mut state.playback_requests;
                timeline::draw(ui, style, &control.feed, history, playback, requests);
            });
        if are_sides_shown {
            Panel::bottom("below")
                .exact_size(BELOW)
                .resizable(false)
                .frame(frame(10, 5))
                .show(ui, |ui| below(ui, style, control, state, history));
        }
        let inspector = &mut *state.inspector;
        Panel::top("eta")
            .exact_size(STATUS_BAR)
            .frame(frame(12, 6))
            .show(ui, |ui| {
                status_bar::draw(ui, style, control, history, inspector);
            });
    }

    /// The field's area takes pointer and labels; the field itself is drawn below egui.
    fn field(&mut self, ui: &mut Ui, area: Rect) {
        let (style, control) = (&self.style, &mut *self.control);
        let scale = ui.ctx().pixels_per_point();
        let pixels = layout::Rect {
            left: (area.left() * scale).round(),
            top: (area.top() * scale).round(),
            right: (area.right() * scale).round(),
            bottom: (area.bottom() * scale).round(),
        };
        control.set_area(pixels, scale);
        let response = ui.allocate_rect(area, Sense::click_and_drag());
        let (panels, inspector) = (&mut *self.state.panels, &mut *self.state.inspector);
        pointer::handle(ui, &response, control, panels, inspector);
        let painter = ui.painter_at(area);
        labels::draw(&painter, style, control, scale);
        pointer::draw_lasso(&painter, style, &panels.lasso);
        if control.feed.mirror.is_empty() && !control.field.shows_blocks() {
            let text = match control.feed.status {
                FeedStatus::Waiting => "waiting for the first task",
                FeedStatus::Live => "no task is in the window now",
                FeedStatus::Ended => "the run has ended",
            };
            let (at, anchor) = (area.center(), Align2::CENTER_CENTER);
            write(&painter, at, anchor, text, 14.0, style.faint());
        }
    }
}

fn below(
    ui: &mut Ui,
    style: &Style,
    control: &mut FieldControl<'_>,
    state: &mut PanelState<'_>,
    history: &History,
) {
    let panels = &mut *state.panels;
    ui.horizontal(|ui| {
        let tabs = [
            (Tab::Charts, "Charts"),
            (Tab::Hosts, "Hosts"),
            (Tab::DeadLetters, "Dead letters"),
            (Tab::Events, "Events"),
        ];
        for (tab, name) in tabs {
            if ui.selectable_label(panels.tab == tab, name).clicked() {
                panels.tab = tab;
            }
        }
        if panels.tab == Tab::Charts {
            charts::draw_spans(ui, &mut panels.chart_seconds);
        }
    });
    ui.add_space(2.0);
    match panels.tab {
        Tab::Charts => charts::draw(ui, style, &control.feed, history, panels.chart_seconds),
        Tab::Hosts => hosts::draw_table(ui, style, control, &mut state.inspector),
        Tab::DeadLetters => {
            let (grouping, commands) = (&mut panels.grouping, &mut state.commands);
            dead_letters::draw(ui, style, &control.feed, history, grouping, commands);
        }
        Tab::Events => events::draw(ui, style, history),
    }
}

/// What commands were answered, in the field's lower left corner.
fn notifications(ui: &Ui, style: &Style, commands: &PendingCommands, area: Rect) {
    let painter = ui.painter_at(area);
    let mut bottom = area.bottom() - 10.0;
    for notification in commands.notifications().iter().rev() {
        let ink = match notification.severity {
            Severity::Plain => style.theme.text,
            other => severity_colour(style.theme, other),
        };
        let at = egui::pos2(area.left() + 22.0, bottom - 5.0);
        let galley = painter.layout(
            notification.text.clone(),
            egui::FontId::proportional(12.5),
            style.text(),
            (area.width() - 60.0).max(80.0),
        );
        let rect = Align2::LEFT_BOTTOM
            .anchor_size(at, galley.size())
            .expand2(egui::vec2(8.0, 4.0));
        painter.rect(
            rect,
            4.0,
            style.raised(),
            Stroke::new(1.0, style.line()),
            StrokeKind::Inside,
        );
        let mark = Rect::from_min_size(rect.min, egui::vec2(3.0, rect.height()));
        painter.rect_filled(mark, 1.0, colour(ink));
        painter.galley(rect.min + egui::vec2(8.0, 4.0), galley, style.text());
        bottom = rect.top() - 6.0;
    }
}
