//! The status bar above the field: when it will end and how sure that is, progress as a fan, stage by stage.

use bevy_egui::egui::{
    self, Align2, Color32, FontId, Pos2, Rect, RichText, Sense, Shape, Stroke, Ui, Vec2,
};
use crawlfield_engine::{
    feed::snapshot::{Prediction, StageInfo},
    model::{
        ids::{HostId, SessionId, StageId},
        phase::SessionPhase,
    },
    progress::safe,
};

use super::{
    Inspector, ending, format,
    inspector::pin_host,
    stage_times::{StageTime, StageTimes, is_learning},
    style::{Style, colour, write, write_cut},
    toolbar,
};
use crate::{
    feed::Feed,
    field::FieldControl,
    history::{
        History,
        plan::Plan,
        series::{Series, SeriesPoint, thinned},
    },
    numbers::{narrow, wide},
    playback::Playback,
    theme::Theme,
};

/// Points of the past in the fan.
const PAST: usize = 120;
/// The fan and the stages are at least so wide and so far apart, in points.
const LEAST_FAN: f32 = 110.0;
const LEAST_STAGES: f32 = 146.0;
const BETWEEN: f32 = 22.0;
/// Stages that have room.
const STAGES: usize = 3;
/// The line of what limits the run is so high, in points, in a bar at least so high.
const DIAGNOSIS: f32 = 16.0;
const ROOMY: f32 = 54.0;

pub(super) fn draw(
    ui: &mut Ui,
    style: &Style,
    control: &mut FieldControl<'_>,
    history: &History,
    inspector: &mut Inspector,
) {
    let area = ui.available_rect_before_wrap();
    let painter = &ui.painter().clone();
    let (head, detail) = time_left(&control.feed, history);
    let line = diagnosis_line(ui, style, control, inspector, area);
    let area = area.with_max_y(line.map_or(area.bottom(), |line| line.top() - 1.0));
    let words = write_words(painter, style, area, &head, &detail);
    let (fan_area, stages_area) = beside(area, words);
    if let Some(fan_area) = fan_area {
        draw_fan(painter, style, &control.feed, history, fan_area);
    }
    if let Some(stages_area) = stages_area {
        stages(ui, style, control, inspector, stages_area);
    }
}

/// Writes the two lines; their right end. What has no room ends in an ellipsis.
fn write_words(
    painter: &egui::Painter,
    style: &Style,
    area: Rect,
    head: &str,
    detail: &str,
) -> f32 {
    let at = Pos2::new(area.left(), area.top() + 13.0);
    let head = write_cut(painter, at, head, 22.0, style.text(), area.width());
    let at = Pos2::new(area.left(), area.bottom() - 9.0);
    let detail = write_cut(painter, at, detail, 12.0, style.faint(), area.width());
    head.right().max(detail.right())
}

/// Where the fan and the stages have room beside words that end at `left`.
fn beside(area: Rect, left: f32) -> (Option<Rect>, Option<Rect>) {
    // Words that grow a little move nothing.
    let left = area.left() + ((left - area.left() + 24.0) / 60.0).ceil() * 60.0;
    let room = area.right() - left;
    if room < LEAST_FAN {
        return (None, None);
    }
    let width = if room < LEAST_FAN + BETWEEN + LEAST_STAGES {
        room
    } else {
        let most = room - BETWEEN - LEAST_STAGES;
        let wanted = (room * 0.55).min(area.width() * 0.34);
        wanted.min(most).max(LEAST_FAN)
    };
    let fan = Rect::from_min_max(
        Pos2::new(left, area.top() + 2.0),
        Pos2::new(left + width, area.bottom() - 2.0),
    );
    let stages = Rect::from_min_max(Pos2::new(fan.right() + BETWEEN, area.top()), area.max);
    (Some(fan), (stages.width() > 90.0).then_some(stages))
}

/// The same in a band above the bare field, with what marks the picture as not the present or not
/// real.
pub(super) fn draw_bare(
    ui: &mut Ui,
    style: &Style,
    feed: &Feed,
    history: &History,
    playback: &Playback,
) {
    ui.horizontal_centered(|ui| {
        toolbar::draw_marks(ui, style, feed, playback);
        let (head, detail) = time_left(feed, history);
        ui.label(RichText::new(head).size(17.0).color(style.text()));
        ui.label(RichText::new(detail).size(12.0).color(style.faint()));
    });
}

/// Time left in words: at the end there is nothing to predict.
fn time_left(feed: &Feed, history: &History) -> (String, String) {
    let Some(snapshot) = feed.session() else {
        return ("waiting".to_owned(), "nothing has been told yet".to_owned());
    };
    let progress = &snapshot.progress;
    let phase = feed.session_phase();
    let prediction = snapshot.prediction.as_ref();
    if let Some(phase) = phase.filter(|phase| phase.is_over()) {
        let detail = format!(
            "{} of {} pages done, in {}",
            format::count(progress.done),
            format::count(progress.discovered),
            format::clock(snapshot.at),
        );
        return (ending::outcome(phase, progress.dead), detail);
    }
    if phase == Some(SessionPhase::Paused) {
        let series = history.series.get(&snapshot.session.id);
        let foreseen = series.and_then(Series::last_prediction);
        let (_, detail) = format::eta(foreseen, 0.0);
        let head = foreseen.map_or_else(
            || "paused".to_owned(),
            |prediction| {
                let left = format::clock(prediction.eta_median);
                format!("paused; {left} of work left")
            },
        );
        return (head, detail);
    }
    if is_learning(snapshot) {
        let detail = prediction.map_or_else(
            || "how fast the hosts can be asked".to_owned(),
            |prediction| {
                let [low, high] = prediction.eta80.map(format::clock);
                format!("how fast the hosts can be asked; so far {low}–{high}")
            },
        );
        return ("learning".to_owned(), detail);
    }
    let shown = wide(feed.now_us) / 1e6;
    format::eta(prediction, (shown - snapshot.at).clamp(0.0, 5.0))
}

/// What limits the run, in one line below the time left; a click shows the host that it names. The
/// line's place, where there is one.
fn diagnosis_line(
    ui: &mut Ui,
    style: &Style,
    control: &mut FieldControl<'_>,
    inspector: &mut Inspector,
    area: Rect,
) -> Option<Rect> {
    if area.height() < ROOMY {
        return None;
    }
    let feed = &control.feed;
    let is_running = feed.session_phase() == Some(SessionPhase::Running);
    let bottleneck = feed.session()?.bottleneck.as_ref().filter(|_| is_running)?;
    let rect = area.with_min_y(area.bottom() - DIAGNOSIS);
    let text = safe(&bottleneck.evidence);
    let host = bottleneck.host.map(HostId);
    let sense = if host.is_some() {
        Sense::click()
    } else {
        Sense::hover()
    };
    let response = ui.interact(rect, ui.id().with("diagnosis"), sense);
    let is_link = host.is_some() && (response.hovered() || response.has_focus());
    let ink = if is_link { style.text() } else { style.faint() };
    let at = Pos2::new(rect.left(), rect.center().y);
    let written = write_cut(ui.painter(), at, &text, 12.0, ink, rect.width());
    if is_link {
        let line = Stroke::new(1.0, ink);
        ui.painter()
            .hline(written.x_range(), written.bottom(), line);
    }
    let response = response.on_hover_text(text);
    if let Some(host) = host.filter(|_| response.clicked()) {
        pin_host(control, inspector, host);
    }
    Some(rect)
}

/// Where times and counts of pages stand in the fan: the prediction's end at the right, all pages
/// known at the top.
struct Fan {
    area: Rect,
    /// Seconds of engine time at the left and at the right.
    from: f64,
    to: f64,
    /// Pages at the top.
    top: f64,
}

impl Fan {
    fn of(area: Rect, first: &SeriesPoint, last: &SeriesPoint) -> Self {
        let prediction = last.prediction.as_ref();
        Self {
            area,
            from: first.at,
            to: last.at + prediction.map_or(0.0, |prediction| prediction.eta95[1]),
            top: last.discovered.max(1.0),
        }
    }

    fn place(&self, at: f64, pages: f64) -> Pos2 {
        let x = (at - self.from) / (self.to - self.from).max(1.0);
        let y = pages / self.top;
        Pos2::new(
            self.area.left() + self.area.width() * narrow(x.clamp(0.0, 1.0)),
            self.area.bottom() - self.area.height() * narrow(y.clamp(0.0, 1.0)),
        )
    }
}

/// Ended pages against time, and where they will go: 80 % dark, 95 % light.
fn draw_fan(painter: &egui::Painter, style: &Style, feed: &Feed, history: &History, area: Rect) {
    let Some(snapshot) = feed.session() else {
        return;
    };
    let series = &history.series[&snapshot.session.id];
    let (Some(first), Some(last)) = (series.first(), series.last()) else {
        return;
    };
    let theme = style.theme;
    let fan = Fan::of(area, first, last);
    painter.rect_filled(area, 3.0, colour(theme.background));
    if let Some(prediction) = &last.prediction {
        draw_prediction(painter, theme, &fan, last, prediction);
    }
    if let Some(plan) = Plan::of(series) {
        // What was foreseen first stays in sight: how far the run is off it.
        let until = plan.end.min(fan.to);
        let line = [(plan.at, plan.ended), (until, plan.ended_at(until))];
        let line = line.map(|(at, ended)| fan.place(at, ended));
        let ink = colour(theme.faint).gamma_multiply(0.8);
        painter.extend(Shape::dotted_line(&line, ink, 4.0, 0.8));
    }
    draw_past(painter, theme, &fan, series);
    let progress = &snapshot.progress;
    let dead = match progress.dead {
        0 => String::new(),
        n => format!(", {} dead", format::count(n)),
    };
    let share = wide(progress.done) / fan.top * 100.0;
    let (done, known) = (
        format::count(progress.done),
        format::count(progress.discovered),
    );
    let text = format!("{done} of {known} done ({share:.0} %){dead}");
    let galley = painter.layout_no_wrap(text, FontId::proportional(11.0), style.faint());
    let corner = area.right_bottom() - egui::vec2(6.0, 3.0);
    let rect = Align2::RIGHT_BOTTOM.anchor_size(corner, galley.size());
    let calm = colour(theme.background).gamma_multiply(0.85);
    painter.rect_filled(rect.expand2(egui::vec2(3.0, 0.0)), 2.0, calm);
    painter.galley(rect.min, galley, style.faint());
}

fn draw_prediction(
    painter: &egui::Painter,
    theme: &Theme,
    fan: &Fan,
    last: &SeriesPoint,
    prediction: &Prediction,
) {
    let ink = colour(theme.states.done);
    let here = fan.place(last.at, last.ended);
    for (interval, share) in [(prediction.eta95, 0.16), (prediction.eta80, 0.30)] {
        let [soonest, latest] = interval.map(|eta| fan.place(last.at + eta, fan.top));
        let fill = ink.gamma_multiply(share);
        let points = vec![here, soonest, latest];
        painter.add(Shape::convex_polygon(points, fill, Stroke::NONE));
    }
    let median = [here, fan.place(last.at + prediction.eta_median, fan.top)];
    let stroke = Stroke::new(1.0, ink.gamma_multiply(0.8));
    painter.extend(Shape::dashed_line(&median, stroke, 4.0, 3.0));
}

/// Pages known and pages ended up to now.
fn draw_past(painter: &egui::Painter, theme: &Theme, fan: &Fan, series: &Series) {
    let draw = |value: fn(&SeriesPoint) -> f64, ink: Color32, width: f32| {
        let curve = series.curve(fan.from, |point| Some(value(point)));
        let line: Vec<Pos2> = thinned(&curve, PAST)
            .iter()
            .map(|[at, n]| fan.place(*at, *n))
            .collect();
        painter.add(Shape::line(line, Stroke::new(width, ink)));
    };
    draw(|point| point.discovered, colour(theme.states.queued), 1.0);
    draw(|point| point.ended, colour(theme.states.done), 1.5);
}

/// The stages that have most left, in their order; a click shows one in the inspector.
fn stages(
    ui: &mut Ui,
    style: &Style,
    control: &mut FieldControl<'_>,
    inspector: &mut Inspector,
    area: Rect,
) {
    let Some(snapshot) = control.feed.session() else {
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
    let times = StageTimes::of_session(control.feed.session_phase(), snapshot);
    let mut chosen = None;
    for (row, at) in (0_u8..).zip(shown) {
        let top = area.top() + 1.0 + f32::from(row) * 15.5;
        let rect = Rect::from_min_size(Pos2::new(area.left(), top), Vec2::new(area.width(), 15.0));
        let number = u16::try_from(at).expect("a session has few stages");
        let stage = &all[at];
        let response = ui
            .interact(rect, ui.id().with(("stage", number)), Sense::click())
            .on_hover_text(details(stage, times.of(at), more));
        if response.hovered() || response.has_focus() {
            let raised = rect.expand2(Vec2::new(4.0, 0.0));
            ui.painter().rect_filled(raised, 3.0, style.raised());
        }
        bar(ui.painter(), style, (stage, times.of(at)), rect);
        if response.clicked() {
            chosen = Some((session, StageId(number)));
        }
    }
    if let Some(chosen) = chosen {
        control.select(Vec::new());
        inspector.show_stage(chosen);
    }
}

fn details(stage: &StageInfo, time: Option<StageTime>, more: usize) -> String {
    let interval = time.and_then(|time| time.eta80);
    let interval = interval.map_or_else(String::new, |[low, high]| {
        let [low, high] = [low, high].map(format::clock);
        format!("\n80 %: {low}–{high}")
    });
    let more = match more {
        0 => String::new(),
        more => format!("\n{more} more stages in the legend"),
    };
    let left = time.map_or_else(
        || "time left unknown".to_owned(),
        |time| format!("{} left", format::clock(time.eta)),
    );
    format!(
        "{}: {left}{interval}\nclick: its card{more}",
        safe(&stage.name)
    )
}

/// A bar: done, dead, in flight, and what is left of what is known.
fn bar(
    painter: &egui::Painter,
    style: &Style,
    (stage, time): (&StageInfo, Option<StageTime>),
    rect: Rect,
) {
    let states = &style.theme.states;
    let (at, anchor) = (rect.right_top(), Align2::RIGHT_TOP);
    let right = write(
        painter,
        at,
        anchor,
        figures(stage, time),
        11.0,
        style.faint(),
    );
    let at = rect.left_top() + egui::vec2(0.0, 6.5);
    let width = right.left() - rect.left() - 6.0;
    write_cut(painter, at, &safe(&stage.name), 11.0, style.text(), width);
    let line = Rect::from_min_size(
        rect.left_top() + egui::vec2(0.0, 13.0),
        Vec2::new(rect.width(), 2.0),
    );
    painter.rect_filled(line, 1.0, style.raised());
    let mut x = line.left();
    let parts = [
        (stage.done + stage.skipped, states.done),
        (stage.dead, states.dead),
        (stage.in_flight, states.running),
    ];
    for (count, hex) in parts {
        let width = line.width() * narrow(wide(count) / wide(stage.discovered.max(1)));
        let part = Rect::from_min_size(Pos2::new(x, line.top()), Vec2::new(width, 2.0));
        painter.rect_filled(part, 0.0, colour(hex));
        x += width;
    }
}

fn figures(stage: &StageInfo, time: Option<StageTime>) -> String {
    let mut text = format!(
        "{} / {}",
        format::brief(stage.done),
        format::brief(stage.discovered)
    );
    if let Some(time) = time {
        text.push_str(" · ");
        text.push_str(&format::clock(time.eta));
    }
    text
}
