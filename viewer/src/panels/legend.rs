//! The legend is the filter is the count: states, stages, classes of failure, hosts, and the search.

use bevy_egui::egui::{
    self, Align, Align2, Label, Layout, Rect, RichText, ScrollArea, Sense, TextEdit, Ui, UiBuilder,
    Vec2,
};
use crawlfield_engine::{
    model::{
        class::ErrorClass,
        ids::HostId,
        phase::{BreakerPhase, Phase},
    },
    progress::safe,
};

use super::{
    format,
    style::{Style, bit, write, write_cut},
};
use crate::{
    feed::Feed,
    field::{
        FieldControl,
        texel::{SIGN_PARKED, SIGN_PAUSED, sign_of},
    },
    filter::{Filter, clicked},
    pin::Pin,
};

/// Bits of all signs on offer.
const SIGNS: u32 = (1 << 15) - 2;
/// Lines of hosts, and of classes of failure.
const HOSTS: usize = 64;
const CLASSES: usize = 8;
/// What a click on a line does, for most of them.
const HIDES_OR_SOLOS: &str = "click: hide or show; shift-click: alone";

/// Draws search and legend; where `wants_search` is set, the search gets the keyboard.
pub(super) fn draw(
    ui: &mut Ui,
    style: &Style,
    control: &mut FieldControl<'_>,
    wants_search: &mut bool,
) {
    search(ui, style, control, wants_search);
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        // Beside the bar that scrolls.
        ui.set_max_width(ui.available_width() - 8.0);
        heads(ui, style);
        let (feed, filter) = (&*control.feed, &mut *control.filter);
        states(ui, style, feed, filter);
        stages(ui, style, feed, filter);
        let class = classes(ui, style, feed, filter);
        if hosts(ui, style, feed, filter) {
            control.apply_filter();
        }
        if let Some(class) = class {
            let pin = Some(Pin::Class(class));
            let is_pinned = control.pinned.pin() == pin.as_ref();
            control.pin(pin.filter(|_| !is_pinned));
        }
    });
}

fn search(ui: &mut Ui, style: &Style, control: &mut FieldControl<'_>, wants_focus: &mut bool) {
    let mut text = control.filter.text().to_owned();
    let edit = TextEdit::singleline(&mut text)
        .hint_text("search URLs  /")
        .desired_width(f32::INFINITY);
    let response = ui.add(edit);
    if core::mem::take(wants_focus) {
        response.request_focus();
    }
    if response.changed() {
        control.filter.search(&text);
        control.apply_filter();
    }
    // The line is there always: nothing below it may jump while a person types.
    let size = Vec2::new(ui.available_width(), 18.0);
    let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
    let mut line = ui.new_child(UiBuilder::new().max_rect(rect));
    line.horizontal_centered(|ui| shown(ui, style, control));
}

/// How much of the field is shown in full, and the way back to all of it.
fn shown(ui: &mut Ui, style: &Style, control: &mut FieldControl<'_>) {
    let filter = &control.filter;
    let all = format::count(control.feed.mirror.len());
    let text = match filter.matches {
        Some(matches) if !filter.is_open() => format!("{} of {all} match", format::count(matches)),
        _ if filter.shows_all() => format!("{all} tasks, all shown"),
        _ => "some are dimmed".to_owned(),
    };
    if !filter.shows_all() {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let button = ui.small_button("show all");
            if button
                .on_hover_text("nothing dimmed, no search (Esc)")
                .clicked()
            {
                control.filter.show_all();
                control.apply_filter();
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let text = RichText::new(text).small().color(style.faint());
                ui.add(Label::new(text).truncate());
            });
        });
        return;
    }
    ui.label(RichText::new(text).small().color(style.faint()));
}

fn heads(ui: &mut Ui, style: &Style) {
    let size = Vec2::new(ui.available_width(), 18.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    response.on_hover_text(
        "drawn: tasks in the window, each one on the field\nall: with those that wait in the store, \
         and those that have ended and left the window: the heaps on the blocks",
    );
    let y = rect.bottom() - 3.0;
    for (x, anchor, text) in [
        (rect.left(), Align2::LEFT_BOTTOM, "State"),
        (rect.right() - 62.0, Align2::RIGHT_BOTTOM, "drawn"),
        (rect.right(), Align2::RIGHT_BOTTOM, "all"),
    ] {
        let at = egui::pos2(x, y);
        write(ui.painter(), at, anchor, text, 11.0, style.faint());
    }
}

/// One line of the legend.
struct Row<'a> {
    sign: Option<u32>,
    name: &'a str,
    /// Tasks in the window.
    drawn: u64,
    /// Tasks known, where it is told.
    all: Option<u64>,
    /// The filter shows them in full.
    is_shown: bool,
    hover: &'a str,
}

impl Row<'_> {
    /// Draws the line; whether it was clicked, and whether with shift.
    fn draw(&self, ui: &mut Ui, style: &Style) -> Option<bool> {
        let size = Vec2::new(ui.available_width(), 18.5);
        let (rect, response) = ui.allocate_exact_size(size, Sense::click());
        let painter = ui.painter();
        if response.hovered() || response.has_focus() {
            painter.rect_filled(rect.expand2(Vec2::new(4.0, 0.0)), 3.0, style.raised());
        }
        let alpha = if self.is_shown { 1.0 } else { 0.35 };
        let faint = style.faint().gamma_multiply(alpha);
        let is_empty = self.drawn == 0 && self.all.unwrap_or(0) == 0;
        let ink = if is_empty {
            faint
        } else {
            style.text().gamma_multiply(alpha)
        };
        let y = rect.center().y;
        let mut left = rect.left();
        if let Some(sign) = self.sign {
            let glyph = Rect::from_center_size(egui::pos2(left + 8.0, y), Vec2::splat(14.0));
            style.faded_glyph(painter, glyph, sign, alpha);
            left += 22.0;
        }
        let figure = |x: f32, count: u64, ink| {
            let (at, anchor) = (egui::pos2(x, y), Align2::RIGHT_CENTER);
            write(painter, at, anchor, format::count(count), 12.5, ink)
        };
        let beside = if self.all.is_some() { 62.0 } else { 0.0 };
        let drawn = figure(rect.right() - beside, self.drawn, ink);
        if let Some(all) = self.all {
            figure(rect.right(), all, faint);
        }
        // The name gets all the room that the figure leaves.
        let name_end = drawn.left() - 6.0;
        let (at, width) = (egui::pos2(left, y), name_end - left);
        write_cut(painter, at, self.name, 12.5, ink, width);
        if !self.is_shown {
            let stroke = egui::Stroke::new(1.0, faint);
            painter.hline(left..=(left + 40.0).min(name_end), y, stroke);
        }
        let response = response.on_hover_text(self.hover);
        response
            .clicked()
            .then(|| ui.input(|input| input.modifiers.shift))
    }
}

/// A line of a state: its sign, its name, tasks drawn, tasks known.
type State = (u32, &'static str, u64, u64);

/// Lines of all states in the order of a task's life; what is queued and held has lines of its own.
fn counted(feed: &Feed) -> Vec<State> {
    let (parked, paused) = feed.held();
    let mut lines = Vec::new();
    for phase in Phase::ALL {
        let snapshots = feed.snapshots.iter();
        let by_state = snapshots.map(|snapshot| &snapshot.progress.by_state);
        let told: u64 = by_state.filter_map(|by| by.get(phase.name())).sum();
        let held = match phase {
            Phase::Queued => parked + paused,
            _ => 0,
        };
        let drawn = feed.mirror.counts().of(phase).saturating_sub(held);
        // The snapshot is up to a second old: what is drawn is known better.
        let all = told.saturating_sub(held).max(drawn);
        lines.push((sign_of(phase), format::phase(phase), drawn, all));
        if phase == Phase::Queued {
            lines.push((SIGN_PARKED, "at breaker", parked, parked));
            lines.push((SIGN_PAUSED, "paused", paused, paused));
        }
    }
    lines
}

/// How the two counts of a line belong together.
fn both_counts(drawn: u64, all: u64, elsewhere: &str) -> String {
    match all.saturating_sub(drawn) {
        0 => format!(
            "{} drawn, and no more\n{HIDES_OR_SOLOS}",
            format::count(drawn)
        ),
        rest => format!(
            "{} drawn and {} {elsewhere}: {} in all\n{HIDES_OR_SOLOS}",
            format::count(drawn),
            format::count(rest),
            format::count(all)
        ),
    }
}

fn states(ui: &mut Ui, style: &Style, feed: &Feed, filter: &mut Filter) {
    for (sign, name, drawn, all) in counted(feed) {
        let elsewhere = if sign == sign_of(Phase::Queued) {
            "in the store"
        } else {
            "gone from the window"
        };
        let row = Row {
            sign: Some(sign),
            name,
            drawn,
            all: Some(all),
            is_shown: filter.signs >> sign & 1 == 1,
            hover: &both_counts(drawn, all, elsewhere),
        };
        if let Some(solo) = row.draw(ui, style) {
            filter.signs = clicked(filter.signs, 1 << sign, SIGNS, solo);
        }
    }
}

fn stages(ui: &mut Ui, style: &Style, feed: &Feed, filter: &mut Filter) {
    let Some(session) = feed.mirror.tables().sessions().last() else {
        return;
    };
    let on_offer = bit(session.stages.len().min(31)).wrapping_sub(1);
    let infos = feed.snapshots.last();
    let infos = infos.map_or(&[][..], |snapshot| &snapshot.progress.stages);
    style.section(ui, "Stages");
    for (at, stage) in session.stages.iter().enumerate() {
        let drawn = stage.counts.total();
        let all = infos.get(at).map(|info| info.discovered.max(drawn));
        let name = safe(&stage.name);
        let counts = both_counts(drawn, all.unwrap_or(drawn), "in the store or gone");
        let row = Row {
            sign: None,
            name: &name,
            drawn,
            all,
            is_shown: filter.stages & bit(at) != 0,
            hover: &format!("{name}\n{counts}"),
        };
        if let Some(solo) = row.draw(ui, style) {
            filter.stages = clicked(filter.stages, bit(at), on_offer, solo);
        }
    }
}

/// Failed attempts by class; the one that was clicked.
fn classes(ui: &mut Ui, style: &Style, feed: &Feed, filter: &Filter) -> Option<ErrorClass> {
    let count = |class: ErrorClass| -> u64 {
        let snapshots = feed.snapshots.iter();
        let counts = snapshots.filter_map(|snapshot| snapshot.errors.get(class.name()));
        counts.sum()
    };
    let mut counts: Vec<(ErrorClass, u64)> = ErrorClass::ALL
        .into_iter()
        .map(|class| (class, count(class)))
        .filter(|(_, count)| *count > 0)
        .collect();
    if counts.is_empty() {
        return None;
    }
    counts.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    section(ui, style, "Failed attempts", "so far");
    let mut clicked = None;
    let more = counts.len().saturating_sub(CLASSES);
    for (class, count) in counts.into_iter().take(CLASSES) {
        let row = Row {
            sign: None,
            name: &format::class(class),
            drawn: count,
            all: None,
            is_shown: filter.class().is_none_or(|only| only == class),
            hover: "click: pin it, only tasks whose last failure was this",
        };
        if row.draw(ui, style).is_some() {
            clicked = Some(class);
        }
    }
    tell_more(ui, style, more, "classes", "the charts below name more");
    clicked
}

/// Hosts by tasks drawn; whether the filter was changed.
fn hosts(ui: &mut Ui, style: &Style, feed: &Feed, filter: &mut Filter) -> bool {
    let rows = feed.mirror.tables().hosts();
    if rows.is_empty() {
        return false;
    }
    let mut hosts: Vec<_> = rows
        .iter()
        .map(|row| (row.id, row.counts.total(), row))
        .collect();
    hosts.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    section(ui, style, "Hosts", "drawn");
    let mut is_changed = false;
    let more = hosts.len().saturating_sub(HOSTS);
    for (id, drawn, host) in hosts.into_iter().take(HOSTS) {
        let name = safe(&host.name);
        let row = Row {
            sign: (host.breaker != BreakerPhase::Closed).then_some(SIGN_PARKED),
            name: &name,
            drawn,
            all: None,
            is_shown: filter.shows_host(id),
            hover: &format!("{name}\n{HIDES_OR_SOLOS}"),
        };
        match row.draw(ui, style) {
            None => continue,
            Some(true) => {
                let all: Vec<HostId> = rows.iter().map(|row| row.id).collect();
                filter.solo_host(id, all.into_iter());
            }
            Some(false) => filter.toggle_host(id),
        }
        is_changed = true;
    }
    tell_more(
        ui,
        style,
        more,
        "hosts",
        "those with the fewest tasks drawn",
    );
    is_changed
}

/// A heading, and what the figures below it count.
fn section(ui: &mut Ui, style: &Style, title: &str, counts: &str) {
    ui.add_space(6.0);
    ui.horizontal(|ui| {
        ui.label(RichText::new(title).color(style.faint()).small().strong());
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.label(RichText::new(counts).color(style.faint()).small());
        });
    });
}

/// How many lines more there would be.
fn tell_more(ui: &mut Ui, style: &Style, more: usize, noun: &str, hover: &str) {
    if more > 0 {
        let text = format!("+{} more {noun}", format::count(more as u64));
        let text = RichText::new(text).small().color(style.faint());
        ui.label(text).on_hover_text(hover);
    }
}
