//! The screen: which panel stands where, and the area that is left for the field.

use bevy_egui::egui::{self, Align2, Frame, Margin, Panel, Rect, Sense, Stroke, StrokeKind, Ui};

use super::{
    PanelState, PendingCommands, Side, Tab,
    chart_curves::Focus,
    charts,
    commands::Notification,
    dead_letters, dialogs, events, host_table, inspector, keys, labels, legend, pointer,
    status_bar,
    style::{Style, colour, severity_colour, write},
    timeline, toolbar,
};
use crate::{
    feed::FeedStatus,
    field::{FieldControl, layout},
    history::{History, Severity},
    numbers::to_u64,
    playback::{Playback, PlaybackRequest},
};

/// Widths and heights in points.
const LEFT: f32 = 212.0;
const RIGHT: f32 = 256.0;
const TIMELINE: f32 = 30.0;
/// A line of the time line for what is damaged.
const DAMAGE: f32 = 16.0;
const TOOLBAR: f32 = 34.0;
const STATUS_BAR: f32 = 74.0;
/// The same on screens lower than this.
const LOW_STATUS_BAR: f32 = 58.0;
const LOW: f32 = 560.0;
/// The panel below: at least, at most, and its tabs alone.
const BELOW: (f32, f32) = (168.0, 236.0);
const TABS: f32 = 30.0;
/// It shows nothing of use in less than this.
const BELOW_LEAST: f32 = 112.0;
/// With less room the tabs are one menu.
const TABS_WIDTH: f32 = 330.0;
/// Notifications are at most so wide on the field.
const NOTE: f32 = 380.0;

/// The panels at the sides that have room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sides {
    Both,
    /// One, that shows either.
    One,
    /// One, and only while something is chosen or searched.
    OnChoice,
}

impl Sides {
    /// The field keeps more than half of the width.
    fn of(width: f32) -> Self {
        if width - LEFT - RIGHT >= width / 2.0 {
            Self::Both
        } else if width >= 600.0 {
            Self::One
        } else {
            Self::OnChoice
        }
    }
}

/// The height of the panel below, on a screen of this height: the field keeps half of it. `None`
/// where only the tabs have room.
fn below_height(height: f32) -> Option<f32> {
    let wanted = (height * 0.24).clamp(BELOW.0, BELOW.1);
    let room = height / 2.0 - TOOLBAR - status_height(height) - TIMELINE;
    (room >= BELOW_LEAST).then(|| wanted.min(room))
}

/// The height of the status bar, on a screen of this height: a low one has no line of what limits
/// the run.
fn status_height(height: f32) -> f32 {
    if height < LOW {
        LOW_STATUS_BAR
    } else {
        STATUS_BAR
    }
}

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
        let (inspector, commands) = (&mut *self.state.inspector, &mut *self.state.commands);
        inspector.table.receive(commands);
        if let Some(subject) = self.control.apply_pin() {
            inspector.show_pinned(subject);
        }
        ctx.run_ui(raw, |ui| self.draw(ui))
    }

    fn draw(&mut self, ui: &mut Ui) {
        keys::handle(ui.ctx(), self.control, self.state, self.playback);
        let strips = if self.state.panels.is_bare {
            let frame = self.frame(10, 4);
            Panel::top("bare")
                .exact_size(TOOLBAR)
                .frame(frame)
                .show(ui, |ui| {
                    let feed = &self.control.feed;
                    status_bar::draw_bare(ui, &self.style, feed, self.history, self.playback);
                });
            None
        } else {
            self.panels(ui)
        };
        let area = ui.available_rect_before_wrap();
        self.field(ui, area);
        self.overlays(ui, area);
        notifications(ui, &self.style, &self.state.commands, area, strips);
        let (panels, commands) = (&mut *self.state.panels, &mut *self.state.commands);
        let session = self.control.feed.session_id();
        dialogs::draw_form(ui.ctx(), &mut panels.dialogs, session, commands);
        dialogs::draw_question(ui.ctx(), commands);
        keys::draw_help(ui.ctx(), &self.style, &mut panels.dialogs.is_help_open);
    }

    fn frame(&self, x: i8, y: i8) -> Frame {
        let fill = colour(self.style.theme.panel);
        Frame::NONE.fill(fill).inner_margin(Margin::symmetric(x, y))
    }

    /// The panels; the free room beside the tabs, and that of the time line.
    fn panels(&mut self, ui: &mut Ui) -> Option<[Rect; 2]> {
        let screen = ui.available_size();
        let bar = self.frame(10, 5);
        Panel::top("top")
            .exact_size(TOOLBAR)
            .frame(bar)
            .show(ui, |ui| {
                toolbar::draw(ui, &self.style, self.control, self.state, self.playback);
            });
        let are_sides_shown = self.state.panels.are_sides_shown;
        if are_sides_shown {
            self.sides(ui, Sides::of(screen.x));
        }
        let damage = self.playback.damage.as_ref().map_or(0.0, |_| DAMAGE);
        let frame = self.frame(10, 4);
        let time = Panel::bottom("time")
            .exact_size(TIMELINE + damage)
            .frame(frame)
            .show(ui, |ui| {
                let requests = &mut self.state.playback_requests;
                let feed = &self.control.feed;
                let (history, playback) = (&*self.history, self.playback);
                let scale = timeline::draw(ui, &self.style, feed, history, playback, requests);
                if let Some(at) = self.state.panels.charts.cursor() {
                    timeline::mark_time(ui.painter(), &self.style, &scale, at);
                }
                scale.rect
            })
            .inner;
        let strip = are_sides_shown.then(|| self.below(ui, below_height(screen.y)));
        let frame = self.frame(12, 6);
        Panel::top("eta")
            .exact_size(status_height(screen.y))
            .frame(frame)
            .show(ui, |ui| {
                let inspector = &mut *self.state.inspector;
                status_bar::draw(ui, &self.style, self.control, self.history, inspector);
            });
        strip.map(|strip| [strip, time])
    }

    fn sides(&mut self, ui: &mut Ui, sides: Sides) {
        let has_choice = self.state.inspector.has_choice(&self.control.selection);
        let panels = &mut *self.state.panels;
        if has_choice != panels.small.had_choice {
            panels.small.had_choice = has_choice;
            panels.small.side = if has_choice {
                Side::Inspector
            } else {
                Side::Legend
            };
        }
        if panels.wants_search {
            panels.small.side = Side::Legend;
            panels.small.is_legend_open = true;
        }
        let is_wanted = has_choice || panels.small.is_legend_open;
        let frame = self.frame(10, 6);
        match sides {
            Sides::Both => {
                let left = Panel::left("left").exact_size(LEFT).resizable(false);
                left.frame(frame).show(ui, |ui| self.legend(ui));
                let right = Panel::right("right").exact_size(RIGHT).resizable(false);
                right
                    .frame(self.frame(12, 6))
                    .show(ui, |ui| self.inspector(ui));
            }
            Sides::OnChoice if !is_wanted => {}
            Sides::One | Sides::OnChoice => {
                let one = Panel::left("one side").exact_size(RIGHT).resizable(false);
                one.frame(frame).show(ui, |ui| {
                    ui.horizontal(|ui| {
                        let side = &mut self.state.panels.small.side;
                        ui.selectable_value(side, Side::Legend, "Legend");
                        ui.selectable_value(side, Side::Inspector, "Inspector");
                    });
                    match self.state.panels.small.side {
                        Side::Legend => self.legend(ui),
                        Side::Inspector => self.inspector(ui),
                    }
                });
            }
        }
    }

    fn legend(&mut self, ui: &mut Ui) {
        let wants_search = &mut self.state.panels.wants_search;
        legend::draw(ui, &self.style, self.control, wants_search);
    }

    fn inspector(&mut self, ui: &mut Ui) {
        let (inspector, commands) = (&mut *self.state.inspector, &mut *self.state.commands);
        let (style, control) = (&self.style, &mut *self.control);
        inspector::draw(ui, style, control, inspector, commands, self.history);
    }

    /// Tabs and what is laid open; the free room beside the tabs.
    fn below(&mut self, ui: &mut Ui, height: Option<f32>) -> Rect {
        let is_open = height.is_some() || self.state.panels.small.is_below_open;
        let height = height.unwrap_or(if is_open { BELOW_LEAST } else { TABS });
        let below = Panel::bottom("below").exact_size(height).resizable(false);
        let frame = self.frame(10, 5);
        below
            .frame(frame)
            .show(ui, |ui| {
                let strip = self.tabs(ui, height);
                if is_open {
                    ui.add_space(2.0);
                    self.tab(ui);
                }
                strip
            })
            .inner
    }

    fn tabs(&mut self, ui: &mut Ui, height: f32) -> Rect {
        let panels = &mut *self.state.panels;
        let is_low = height <= BELOW_LEAST;
        let tabs = [
            (Tab::Charts, "Charts"),
            (Tab::Hosts, "Hosts"),
            (Tab::DeadLetters, "Dead letters"),
            (Tab::Records, "Records"),
            (Tab::Events, "Events"),
        ];
        let now = tabs.iter().find(|(tab, _)| *tab == panels.tab);
        let now = format!("{} ⏷", now.map_or("", |(_, name)| name));
        let line = ui.horizontal(|ui| {
            let mut choose = |ui: &mut Ui| {
                for (tab, name) in tabs {
                    let is_set = panels.tab == tab && (!is_low || panels.small.is_below_open);
                    if ui.selectable_label(is_set, name).clicked() {
                        panels.small.is_below_open =
                            panels.tab != tab || !panels.small.is_below_open;
                        panels.tab = tab;
                    }
                }
            };
            if ui.available_width() >= TABS_WIDTH {
                choose(ui);
            } else {
                ui.menu_button(now, choose);
            }
            let mut strip = ui.available_rect_before_wrap();
            if panels.tab == Tab::Charts {
                let (feed, history) = (&self.control.feed, &*self.history);
                strip.max.x = charts::draw_spans(ui, feed, history, &mut panels.charts);
            }
            strip
        });
        line.inner.with_max_y(line.response.rect.bottom())
    }

    fn tab(&mut self, ui: &mut Ui) {
        let (style, control, history) = (&self.style, &mut *self.control, &*self.history);
        let panels = &mut *self.state.panels;
        if panels.tab != Tab::Charts {
            panels.charts.leave();
        }
        match panels.tab {
            Tab::Charts => {
                let feed = &*control.feed;
                let focus = Focus::of(feed, control.pinned.pin());
                let before = panels.charts.pinned;
                charts::draw(ui, style, (feed, focus), history, &mut panels.charts);
                let pinned = panels.charts.pinned.filter(|at| before != Some(*at));
                if let Some(at) = pinned.filter(|_| self.playback.is_replay) {
                    // The field shows the same moment, where its source has another.
                    let seek = PlaybackRequest::Seek(to_u64(at * 1e6));
                    self.state.playback_requests.write(seek);
                }
            }
            Tab::Hosts => {
                let inspector = &mut self.state.inspector;
                host_table::draw(ui, style, control, inspector, history);
            }
            Tab::DeadLetters => {
                let commands = &mut self.state.commands;
                dead_letters::draw(ui, style, control, history, panels, commands);
            }
            Tab::Records => self.state.inspector.draw_table(ui, style, &control.feed),
            Tab::Events => {
                let pin = control.pinned.pin();
                events::draw(ui, style, history, pin);
            }
        }
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
        let untitled = labels::draw(&painter, style, control, scale);
        control.titles.read(&untitled);
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

/// What commands were answered, in one line where it has room: beside the tabs, else on the time
/// line; else at the upper right of the field.
fn notifications(
    ui: &Ui,
    style: &Style,
    commands: &PendingCommands,
    area: Rect,
    strips: Option<[Rect; 2]>,
) {
    let mut strips = strips.map_or_else(Vec::new, |strips| strips.to_vec());
    let mut left_over = Vec::new();
    for note in commands.notifications().iter().rev() {
        let font = egui::FontId::proportional(12.0);
        let text = (ui.painter()).layout_no_wrap(note.text.clone(), font, style.text());
        let width = text.size().x + 22.0;
        let Some(strip) = strips.iter_mut().find(|strip| strip.width() >= width) else {
            left_over.push(note);
            continue;
        };
        let place = Rect::from_min_max(egui::pos2(strip.right() - width, strip.top()), strip.max);
        strip.max.x = place.left() - 8.0;
        ui.painter()
            .rect_filled(place, 0.0, colour(style.theme.panel));
        let size = egui::vec2(3.0, text.size().y);
        let mark = Rect::from_center_size(egui::pos2(place.left() + 8.0, place.center().y), size);
        let ink = note_ink(style, note.severity);
        ui.painter().rect_filled(mark, 1.0, colour(ink));
        let at = egui::pos2(mark.right() + 5.0, mark.top());
        ui.painter().galley(at, text, style.text());
    }
    notes_on_field(ui, style, left_over.into_iter(), area);
}

fn note_ink(style: &Style, severity: Severity) -> u32 {
    match severity {
        Severity::Plain => style.theme.text,
        other => severity_colour(style.theme, other),
    }
}

/// The newest at the top.
fn notes_on_field<'a>(
    ui: &Ui,
    style: &Style,
    notes: impl Iterator<Item = &'a Notification>,
    area: Rect,
) {
    let painter = ui.painter_at(area);
    let width = NOTE.min(area.width() - 40.0).max(80.0);
    let mut top = area.top() + 10.0;
    for note in notes {
        let font = egui::FontId::proportional(12.5);
        let text = painter.layout(note.text.clone(), font, style.text(), width);
        let size = text.size() + egui::vec2(16.0, 8.0);
        let rect = Rect::from_min_size(egui::pos2(area.right() - 12.0 - size.x, top), size);
        let rim = Stroke::new(1.0, style.line());
        painter.rect(rect, 4.0, style.raised(), rim, StrokeKind::Inside);
        let mark = Rect::from_min_size(rect.min, egui::vec2(3.0, rect.height()));
        painter.rect_filled(mark, 1.0, colour(note_ink(style, note.severity)));
        painter.galley(rect.min + egui::vec2(8.0, 4.0), text, style.text());
        top = rect.bottom() + 6.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_field_keeps_half_of_the_width_and_of_the_height() {
        let widths = [533.0, 640.0, 800.0, 935.0, 936.0, 1_280.0];
        let sides = widths.map(Sides::of);
        let wanted = [
            Sides::OnChoice,
            Sides::One,
            Sides::One,
            Sides::One,
            Sides::Both,
            Sides::Both,
        ];
        assert_eq!(sides, wanted);
        for height in [480.0_f32, 600.0, 720.0, 1_080.0, 2_160.0] {
            let below = below_height(height).expect("it has room");
            assert!(
                (BELOW_LEAST..=BELOW.1).contains(&below),
                "{height}: {below}"
            );
            let fixed = TOOLBAR + status_height(height) + TIMELINE;
            assert!(height - fixed - below >= height / 2.0, "{height}");
        }
        assert_eq!(below_height(400.0), None);
    }
}
