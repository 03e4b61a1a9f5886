//! Above the field: when it will end and how sure that is, progress as a fan, stage by stage.

use bevy_egui::egui::{
    self, Align2, Color32, FontId, Pos2, Rect, RichText, Sense, Shape, Stroke, Ui, Vec2,
};
use crawlfield_engine::{
    feed::snapshot::StageInfo,
    model::{
        ids::{SessionId, StageId},
        phase::SessionPhase,
    },
    progress::safe,
};

use super::{
    Desk,
    look::{colour, write, write_cut},
    plan::Plan,
    top, words,
};
use crate::{
    numbers::{narrow, wide},
    story::series::{Point, thinned},
};

/// Points of the past in the fan.
const PAST: usize = 120;
/// Stages that have room.
const STAGES: usize = 3;

pub(super) fn draw(ui: &mut Ui, desk: &mut Desk<'_>) {
    let area = ui.available_rect_before_wrap();
    let painter = &ui.painter().clone();
    let third = (area.width() / 3.0).max(190.0);
    let (head, detail) = told(desk);
    write(
        painter,
        area.left_top(),
        Align2::LEFT_TOP,
        head,
        22.0,
        desk.look.text(),
    );
    write(
        painter,
        area.left_bottom() - egui::vec2(0.0, 2.0),
        Align2::LEFT_BOTTOM,
        detail,
        12.0,
        desk.look.faint(),
    );
    let left = area.left() + (third * 1.12).max(260.0);
    let fan_area = Rect::from_min_max(
        Pos2::new(left, area.top() + 2.0),
        Pos2::new((left + third * 0.95).min(area.right()), area.bottom() - 2.0),
    );
    fan(painter, desk, fan_area);
    let stages_area = Rect::from_min_max(
        Pos2::new(fan_area.right() + 22.0, area.top()),
        Pos2::new(area.right(), area.bottom()),
    );
    if stages_area.width() > 90.0 {
        stages(ui, desk, stages_area);
    }
}

/// The same in a band above the bare field, with what marks the picture as not the present or not
/// real.
pub(super) fn draw_bare(ui: &mut Ui, desk: &Desk<'_>) {
    ui.horizontal_centered(|ui| {
        top::marks(ui, desk);
        let (head, detail) = told(desk);
        ui.label(RichText::new(head).size(17.0).color(desk.look.text()));
        ui.label(RichText::new(detail).size(12.0).color(desk.look.faint()));
    });
}

/// Time left in words: at the end there is nothing to predict.
fn told(desk: &Desk<'_>) -> (String, String) {
    let Some(snapshot) = desk.session() else {
        return ("waiting".to_owned(), "nothing has been told yet".to_owned());
    };
    let progress = &snapshot.progress;
    let phase = top::phase(desk);
    let state = phase.map_or("", SessionPhase::name);
    if phase.is_some_and(SessionPhase::is_over) {
        let detail = format!(
            "{} of {} pages done, {} dead letters, in {}",
            words::count(progress.done),
            words::count(progress.discovered),
            words::count(progress.dead),
            words::clock(snapshot.at),
        );
        return (state.to_owned(), detail);
    }
    if state == "paused" {
        let (head, detail) = words::eta(snapshot.prediction.as_ref(), 0.0);
        return (format!("paused, {head}"), detail);
    }
    let shown = wide(desk.show.now_us) / 1e6;
    words::eta(
        snapshot.prediction.as_ref(),
        (shown - snapshot.at).clamp(0.0, 5.0),
    )
}

/// Ended pages against time, and where they will go: 80 % dark, 95 % light.
fn fan(painter: &egui::Painter, desk: &Desk<'_>, area: Rect) {
    let Some(snapshot) = desk.session() else {
        return;
    };
    let Some(series) = desk.show.news.story.series.get(&snapshot.session.id) else {
        return;
    };
    let (Some(first), Some(last)) = (series.first(), series.last()) else {
        return;
    };
    let theme = desk.look.theme;
    let ahead = last
        .prediction
        .as_ref()
        .map_or(0.0, |prediction| prediction.eta95[1]);
    let end = last.at + ahead;
    let top = last.discovered.max(1.0);
    let place = |at: f64, value: f64| {
        let x = (at - first.at) / (end - first.at).max(1.0);
        let y = value / top;
        Pos2::new(
            area.left() + area.width() * narrow(x.clamp(0.0, 1.0)),
            area.bottom() - area.height() * narrow(y.clamp(0.0, 1.0)),
        )
    };
    painter.rect_filled(area, 3.0, colour(theme.ground));
    if let Some(prediction) = &last.prediction {
        for (interval, share) in [(prediction.eta95, 0.16), (prediction.eta80, 0.30)] {
            let points = vec![
                place(last.at, last.ended),
                place(last.at + interval[0], top),
                place(last.at + interval[1], top),
            ];
            let fill = colour(theme.states.done).gamma_multiply(share);
            painter.add(Shape::convex_polygon(points, fill, Stroke::NONE));
        }
        let median = [
            place(last.at, last.ended),
            place(last.at + prediction.eta_median, top),
        ];
        let stroke = Stroke::new(1.0, colour(theme.states.done).gamma_multiply(0.8));
        painter.extend(Shape::dashed_line(&median, stroke, 4.0, 3.0));
    }
    if let Some(plan) = Plan::of(series) {
        // What was foreseen first stays in sight: how far the run is off it.
        let until = plan.end.min(end);
        let line = [(plan.at, plan.ended), (until, plan.ended_at(until))];
        let line = line.map(|(at, ended)| place(at, ended));
        let stroke = Stroke::new(1.0, colour(theme.faint).gamma_multiply(0.8));
        painter.extend(Shape::dotted_line(&line, stroke.color, 4.0, 0.8));
    }
    let draw = |value: fn(&Point) -> f64, ink: Color32, width: f32| {
        let curve = series.curve(first.at, |point| Some(value(point)));
        let line: Vec<Pos2> = thinned(&curve, PAST)
            .iter()
            .map(|[at, n]| place(*at, *n))
            .collect();
        painter.add(Shape::line(line, Stroke::new(width, ink)));
    };
    draw(|point| point.discovered, colour(theme.states.queued), 1.0);
    draw(|point| point.ended, colour(theme.states.done), 1.5);
    let share = last.ended / top * 100.0;
    let text = format!(
        "{share:.0} % of {}",
        words::brief(snapshot.progress.discovered)
    );
    let galley = painter.layout_no_wrap(text, FontId::proportional(11.0), desk.look.faint());
    let corner = area.right_bottom() - egui::vec2(6.0, 3.0);
    let rect = Align2::RIGHT_BOTTOM.anchor_size(corner, galley.size());
    let calm = colour(theme.ground).gamma_multiply(0.85);
    painter.rect_filled(rect.expand2(egui::vec2(3.0, 0.0)), 2.0, calm);
    painter.galley(rect.min, galley, desk.look.faint());
}

/// The stages that have most left, in their order; a click shows one in the inspector.
fn stages(ui: &mut Ui, desk: &mut Desk<'_>, area: Rect) {
    let Some(snapshot) = desk.session() else {
        return;
    };
    let session = SessionId(snapshot.session.id);
    let all = &snapshot.progress.stages;
    let left = |stage: &StageInfo| stage.discovered - stage.done - stage.skipped - stage.dead;
    let mut shown: Vec<usize> = (0..all.len()).collect();
    shown.sort_by_key(|at| core::cmp::Reverse(left(&all[*at])));
    let more = shown.len().saturating_sub(STAGES);
    shown.truncate(STAGES);
    shown.sort_unstable();
    let mut chosen = None;
    for (row, at) in (0_u8..).zip(shown) {
        let top = area.top() + 1.0 + f32::from(row) * 15.5;
        let rect = Rect::from_min_size(Pos2::new(area.left(), top), Vec2::new(area.width(), 15.0));
        let number = u16::try_from(at).unwrap_or(u16::MAX);
        let stage = &all[at];
        let response = ui
            .interact(rect, ui.id().with(("stage", number)), Sense::click())
            .on_hover_text(told_of(stage, more));
        if response.hovered() || response.has_focus() {
            let ground = rect.expand2(Vec2::new(4.0, 0.0));
            ui.painter().rect_filled(ground, 3.0, desk.look.raised());
        }
        bar(ui.painter(), desk, stage, rect);
        if response.clicked() {
            chosen = Some((session, StageId(number)));
        }
    }
    if let Some(chosen) = chosen {
        desk.show.select(Vec::new());
        desk.panels.shown = None;
        desk.panels.host = None;
        desk.panels.stage = Some(chosen);
    }
}

fn told_of(stage: &StageInfo, more: usize) -> String {
    let interval = stage.eta80.map_or_else(String::new, |[low, high]| {
        let [low, high] = [low, high].map(words::clock);
        format!("\n80 %: {low}–{high}")
    });
    let more = match more {
        0 => String::new(),
        more => format!("\n{more} more stages in the legend"),
    };
    let left = stage.eta.map_or_else(
        || "time left unknown".to_owned(),
        |eta| format!("{} left", words::clock(eta)),
    );
    format!(
        "{}: {left}{interval}\nclick: its card{more}",
        safe(&stage.name)
    )
}

/// A bar: done, dead, in flight, and what is left of what is known.
fn bar(painter: &egui::Painter, desk: &Desk<'_>, stage: &StageInfo, rect: Rect) {
    let theme = desk.look.theme;
    let told = write(
        painter,
        rect.right_top(),
        Align2::RIGHT_TOP,
        figures(stage),
        11.0,
        desk.look.faint(),
    );
    write_cut(
        painter,
        rect.left_top() + egui::vec2(0.0, 6.5),
        &safe(&stage.name),
        11.0,
        desk.look.text(),
        told.left() - rect.left() - 6.0,
    );
    let line = Rect::from_min_size(
        rect.left_top() + egui::vec2(0.0, 13.0),
        Vec2::new(rect.width(), 2.0),
    );
    painter.rect_filled(line, 1.0, desk.look.raised());
    let mut x = line.left();
    let parts = [
        (stage.done + stage.skipped, theme.states.done),
        (stage.dead, theme.states.dead),
        (stage.in_flight, theme.states.running),
    ];
    for (count, hex) in parts {
        let width = line.width() * narrow(wide(count) / wide(stage.discovered.max(1)));
        let part = Rect::from_min_size(Pos2::new(x, line.top()), Vec2::new(width, 2.0));
        painter.rect_filled(part, 0.0, colour(hex));
        x += width;
    }
}

fn figures(stage: &StageInfo) -> String {
    let mut text = format!(
        "{} / {}",
        words::brief(stage.done),
        words::brief(stage.discovered)
    );
    if let Some(eta) = stage.eta {
        text.push_str(" · ");
        text.push_str(&words::clock(eta));
    }
    text
}
