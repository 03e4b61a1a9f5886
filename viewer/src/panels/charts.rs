//! Curves below the field, all on one time scale, with one cross-hair.

use std::sync::Arc;

use bevy_egui::egui::{
    self, Align, Align2, Color32, FontId, Galley, Layout, Painter, Pos2, Rect, Response, RichText,
    Stroke, Ui, UiBuilder, Vec2, pos2,
};
use egui_plot::{AxisHints, HPlacement, Line, LineStyle, Plot, PlotPoint, Points, VLine};

use super::{
    chart_axes::{draw_times, marks, time_marks},
    chart_curves::{Curve, Focus, machine, speed},
    failure_curves::failures,
    format,
    style::{Style, colour, write},
};
use crate::{
    feed::Feed,
    history::{
        History,
        series::{Series, thinned},
    },
    numbers::{float, to_u64},
};

/// The spans on offer.
const SPANS: [(ChartSpan, &str); 4] = [
    (ChartSpan::Last(10), "10 s"),
    (ChartSpan::Last(60), "1 m"),
    (ChartSpan::Last(600), "10 m"),
    (ChartSpan::All, "all"),
];
/// A younger run is shown whole unless a person chose otherwise, an older one its last minute.
const YOUNG: f64 = 60.0;
/// Buckets of a chart: two points each.
const BUCKETS: usize = 120;
/// A chart is at least so wide, in points.
const LEAST_WIDTH: f32 = 118.0;
/// A lower one has room for a legend of one line, and is wider for it.
const LOW: f32 = 95.0;
const LEAST_WIDTH_LOW: f32 = 180.0;
/// Spans stand side by side in so much room; what commands were answered wants some of it.
const WIDE: f32 = 360.0;
/// Points between two charts.
const GAP: f32 = 14.0;
/// Heights of the title, of a line of the legend, and of the time axis.
const TITLE: f32 = 16.0;
const LEGEND_LINE: f32 = 14.0;
const AXIS: f32 = 13.0;

/// How much of the run the charts show.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ChartSpan {
    /// All of a run younger than a minute, else its last minute.
    #[default]
    Auto,
    /// The last so many seconds.
    Last(u32),
    /// From its first snapshot on.
    All,
}

/// What a person looks at in the charts.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ChartView {
    /// How much of the run they show.
    pub span: ChartSpan,
    /// The time that a click has pinned, in seconds of engine time.
    pub pinned: Option<f64>,
    /// The time under the pointer, as it was painted last.
    hovered: Option<f64>,
}

impl ChartView {
    /// The time whose values all charts show, where there is one: under the pointer, or pinned.
    #[must_use]
    pub fn cursor(&self) -> Option<f64> {
        self.hovered.or(self.pinned)
    }

    /// The charts are not drawn: the pointer is over none of them.
    pub(super) const fn leave(&mut self) {
        self.hovered = None;
    }

    /// The span that is shown of a run of this age in seconds.
    fn shown(self, age: f64) -> ChartSpan {
        match self.span {
            ChartSpan::Auto if age < YOUNG => ChartSpan::All,
            ChartSpan::Auto => ChartSpan::Last(60),
            chosen => chosen,
        }
    }

    /// From when on, of a run from `begin` to `end`.
    fn from(self, begin: f64, end: f64) -> f64 {
        match self.shown(end - begin) {
            ChartSpan::Last(seconds) => end - f64::from(seconds),
            ChartSpan::Auto | ChartSpan::All => begin,
        }
    }
}

/// One chart: its curves over a span of time.
struct Chart {
    title: &'static str,
    unit: Unit,
    curves: Vec<Curve>,
    /// A figure that is told and not drawn: it would want a scale of its own.
    beside: Option<Curve>,
    /// Seconds of engine time at the left and at the right.
    times: (f64, f64),
    /// The time whose values are shown.
    cursor: Option<f64>,
    /// The time that is pinned.
    pinned: Option<f64>,
}

/// The spans of time on offer, at the right of the tabs; one menu where there is little room.
/// Where they begin.
pub(super) fn draw_spans(ui: &mut Ui, feed: &Feed, history: &History, view: &mut ChartView) -> f32 {
    let shown = series_of(feed, history).map_or(ChartSpan::All, |series| view.shown(age(series)));
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        let choose = |ui: &mut Ui, view: &mut ChartView, (span, name): (ChartSpan, &str)| {
            let text = RichText::new(name).small();
            if ui.selectable_label(shown == span, text).clicked() {
                view.span = span;
            }
        };
        if ui.available_width() >= WIDE {
            for each in SPANS.into_iter().rev() {
                choose(ui, view, each);
            }
            return ui.min_rect().left();
        }
        let now = SPANS.iter().find(|(span, _)| *span == shown);
        let name = now.map_or("span", |(_, name)| name);
        ui.menu_button(RichText::new(format!("{name} ⏷")).small(), |ui| {
            for each in SPANS {
                choose(ui, view, each);
            }
        });
        ui.min_rect().left()
    })
    .inner
}

fn series_of<'a>(feed: &Feed, history: &'a History) -> Option<&'a Series> {
    history.series.get(&feed.session()?.session.id)
}

fn age(series: &Series) -> f64 {
    let last = series.last().map_or(0.0, |point| point.at);
    last - series.first().map_or(last, |point| point.at)
}

/// The charts side by side, as many as have room.
pub(super) fn draw(
    ui: &mut Ui,
    style: &Style,
    (feed, focus): (&Feed, Focus),
    history: &History,
    view: &mut ChartView,
) {
    let empty = Series::default();
    let series = series_of(feed, history).unwrap_or(&empty);
    let end = series.last().map_or(0.0, |point| point.at);
    let begin = series.first().map_or(0.0, |point| point.at);
    let from = view.from(begin, end);
    let area = ui.available_rect_before_wrap();
    let is_low = area.height() < LOW;
    let least = if is_low { LEAST_WIDTH_LOW } else { LEAST_WIDTH };
    let count = ((area.width() + GAP) / (least + GAP))
        .floor()
        .clamp(1.0, 4.0);
    let width = (area.width() - (count - 1.0) * GAP) / count;
    let lines = match area.height() {
        _ if is_low => 1,
        high if high > 150.0 => 3,
        _ => 2,
    };
    let room = Room {
        painter: ui.painter(),
        width,
        lines,
    };
    let states = &style.theme.states;
    let only = match focus {
        Focus::Class(class) => Some(class.name()),
        Focus::Run | Focus::Host(_) => None,
    };
    let (pages, times) = speed(states, series, from, focus);
    let fails = failures(states, series, (from, only), |names| room.holds(names));
    let machine = machine(states, series, from);
    let charts = [
        (pages.0, Unit::Number, pages.1),
        ("Failures a second", Unit::Number, fails),
        (times.0, Unit::Millis, times.1),
        ("This machine", Unit::Machine, machine),
    ];
    let charts = charts.map(|(title, unit, curves)| Chart {
        title,
        unit,
        curves,
        beside: (unit == Unit::Machine).then(|| {
            let memory = series.curve(from, |point| point.rss);
            Curve::new("memory", states.queued, memory)
        }),
        times: (from, end.max(from + 1.0)),
        cursor: view.cursor(),
        pinned: view.pinned,
    });
    let legends = charts
        .iter()
        .map(|chart| chart.legend(ui.painter(), style, width));
    let legends: Vec<Vec<Entry>> = legends.collect();
    // All plots are as high as the one with the longest legend leaves them.
    let used = legends.iter().flatten().map(|entry| entry.line + 1).max();
    let head = TITLE + LEGEND_LINE * float(used.unwrap_or(1)) + 2.0;
    let mut left = area.left();
    let mut touched = None;
    for (chart, legend) in charts.iter().zip(&legends) {
        if left + width > area.right() + 1.0 {
            break;
        }
        let rect = Rect::from_min_size(pos2(left, area.top()), Vec2::new(width, area.height()));
        let mut cell = ui.new_child(UiBuilder::new().max_rect(rect).id_salt(chart.title));
        touched = touched.or(chart.draw(&mut cell, style, legend, head));
        left += width + GAP;
    }
    take_touch(ui, view, touched);
}

/// The pointer at a time moves the cross-hair; a click pins it there, or lets it go.
fn take_touch(ui: &Ui, view: &mut ChartView, touched: Option<(f64, bool)>) {
    let before = *view;
    view.hovered = touched.map(|(at, _)| at);
    if let Some((at, true)) = touched {
        view.pinned = view.pinned.xor(Some(at));
    }
    if *view != before {
        ui.ctx().request_repaint();
    }
}

/// What a legend has room for.
struct Room<'a> {
    painter: &'a Painter,
    width: f32,
    lines: u32,
}

impl Room<'_> {
    /// Whether curves of these names can all be named, with values of two digits.
    fn holds(&self, names: &[String]) -> bool {
        let texts = names.iter().map(|name| format!("{name} 00"));
        let galleys = texts.map(|text| laid(self.painter, text, Color32::WHITE));
        let placed = flow(galleys.map(|galley| galley.size().x), self.width);
        placed.iter().all(|(line, _)| *line < self.lines)
    }
}

fn laid(painter: &Painter, text: String, ink: Color32) -> Arc<Galley> {
    painter.layout_no_wrap(text, FontId::proportional(11.0), ink)
}

/// Line and left end of each entry of a legend, whose texts are so wide.
fn flow(widths: impl Iterator<Item = f32>, room: f32) -> Vec<(u32, f32)> {
    let (mut line, mut left) = (0, 0.0);
    widths
        .map(|width| {
            let whole = 12.0 + width;
            if left > 0.0 && left + whole > room {
                line += 1;
                left = 0.0;
            }
            let place = (line, left);
            left += whole + 9.0;
            place
        })
        .collect()
}

/// One entry of a legend.
struct Entry {
    line: u32,
    left: f32,
    /// The colour of its curve, where that is drawn.
    hex: Option<u32>,
    text: Arc<Galley>,
}

/// How values are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    Number,
    Millis,
    /// Of the processor, in cores.
    Machine,
}

impl Unit {
    /// A chart reaches at least so high: a quiet one is flat, not noisy.
    const fn least(self) -> f64 {
        match self {
            Self::Millis => 100.0,
            Self::Number | Self::Machine => 1.0,
        }
    }

    fn write(self, value: f64) -> String {
        match self {
            Self::Millis => format::span(value),
            Self::Machine => format!("{value:.1}"),
            Self::Number if value >= 1_000.0 => format::brief(to_u64(value)),
            Self::Number => format::rate(value),
        }
    }
}

impl Chart {
    /// Draws it; the time under the pointer, and whether it was clicked.
    fn draw(&self, ui: &mut Ui, style: &Style, legend: &[Entry], head: f32) -> Option<(f64, bool)> {
        let room = ui.available_rect_before_wrap();
        let painter = ui.painter().clone();
        let title = write(
            &painter,
            room.left_top(),
            Align2::LEFT_TOP,
            self.title,
            11.5,
            style.text(),
        );
        self.draw_cursor_time(&painter, style, room, title.right());
        for entry in legend {
            let y = room.top() + TITLE + LEGEND_LINE * float(entry.line);
            let left = room.left() + entry.left;
            if let Some(hex) = entry.hex {
                let mark = Rect::from_min_size(pos2(left, y + 5.5), Vec2::new(8.0, 2.5));
                painter.rect_filled(mark, 1.0, colour(hex));
            }
            let at = pos2(left + 12.0, y);
            painter.galley(at, Arc::clone(&entry.text), style.faint());
        }
        let area = Rect::from_min_max(
            room.min + egui::vec2(0.0, head),
            room.max - egui::vec2(0.0, AXIS),
        );
        if self.curves.iter().all(|curve| curve.points.is_empty()) {
            painter.rect_filled(area, 3.0, colour(style.theme.background));
            let text = match self.unit {
                Unit::Machine => "not measured",
                Unit::Number | Unit::Millis => "none in this time",
            };
            let (at, anchor) = (area.center(), Align2::CENTER_CENTER);
            write(&painter, at, anchor, text, 11.0, style.faint());
            return None;
        }
        let mut plot_ui = ui.new_child(UiBuilder::new().max_rect(area));
        self.plot(&mut plot_ui, style, &painter)
    }

    /// The time whose values are shown, at the right of the title.
    fn draw_cursor_time(&self, painter: &Painter, style: &Style, room: Rect, left: f32) {
        let Some(at) = self.cursor else { return };
        let is_pinned = self
            .pinned
            .is_some_and(|pinned| pinned.total_cmp(&at).is_eq());
        let word = if is_pinned { "pinned " } else { "at " };
        let text = laid(
            painter,
            format!("{word}{}", format::clock(at)),
            style.text(),
        );
        let text = if left + 8.0 + text.size().x > room.right() {
            laid(painter, format::clock(at), style.text())
        } else {
            text
        };
        let place = pos2(room.right() - text.size().x, room.top());
        if place.x > left + 2.0 {
            painter.galley(place, text, style.text());
        }
    }

    /// Every curve by its name, with its value at the cursor or its last one.
    fn legend(&self, painter: &Painter, style: &Style, width: f32) -> Vec<Entry> {
        let told = |curve: &Curve, written: fn(Unit, f64) -> String| {
            let value = curve.value(self.cursor);
            let value = value.map_or_else(|| "–".to_owned(), |value| written(self.unit, value));
            laid(painter, format!("{} {value}", curve.name), style.faint())
        };
        let is_known = |curve: &&Curve| !curve.points.is_empty();
        let mut named: Vec<(Option<u32>, Arc<Galley>)> = self
            .curves
            .iter()
            .filter(is_known)
            .map(|curve| (Some(curve.hex), told(curve, Unit::write)))
            .collect();
        let beside = self.beside.iter().filter(is_known);
        named.extend(beside.map(|curve| (None, told(curve, |_, bytes| format::bytes(bytes)))));
        let places = flow(named.iter().map(|(_, text)| text.size().x), width);
        let entries = named.into_iter().zip(places);
        entries
            .map(|((hex, text), (line, left))| Entry {
                line,
                left,
                hex,
                text,
            })
            .collect()
    }

    /// The value at the upper edge.
    fn top(&self) -> f64 {
        let values = self.curves.iter().flat_map(|curve| &curve.points);
        let highest = values.map(|point| point[1]).fold(0.0, f64::max);
        highest.max(self.unit.least()) * 1.12
    }

    fn plot(&self, ui: &mut Ui, style: &Style, painter: &Painter) -> Option<(f64, bool)> {
        let (unit, top, times) = (self.unit, self.top(), self.times);
        let height = f64::from(ui.available_height());
        let axis = AxisHints::new_y()
            .placement(HPlacement::Left)
            .min_thickness(34.0)
            .formatter(move |mark, _| unit.write(mark.value));
        ui.visuals_mut().override_text_color = Some(style.faint());
        let small = FontId::proportional(10.5);
        for name in [egui::TextStyle::Body, egui::TextStyle::Small] {
            ui.style_mut().text_styles.insert(name, small.clone());
        }
        let ticks = time_marks(times, f64::from(ui.available_width() - 34.0));
        let shown = ticks.clone();
        let told = Plot::new(self.title)
            .show_crosshair(false)
            .show_x(false)
            .show_y(false)
            .label_formatter(|_| None)
            .show_axes([false, true])
            .grid_color(style.line().gamma_multiply(0.7))
            .custom_y_axes(vec![axis])
            .allow_drag(false)
            .allow_zoom(false)
            .allow_scroll(false)
            .allow_boxed_zoom(false)
            .show_background(false)
            .min_size(Vec2::splat(8.0))
            .set_margin_fraction(Vec2::ZERO)
            .x_grid_spacer(move |_| shown.clone())
            .y_grid_spacer(move |_| marks(top, height))
            .show(ui, |plot| {
                plot.set_plot_bounds_x(times.0..=times.1);
                plot.set_plot_bounds_y(0.0..=top);
                self.draw_curves(plot, style);
            });
        let place = |at| told.transform.position_from_point(&PlotPoint::new(at, 0.0));
        draw_times(painter, style, &ticks, told.response.rect, place);
        touch(
            &told.response,
            |at| told.transform.value_from_position(at).x,
            times,
        )
    }

    fn draw_curves(&self, plot: &mut egui_plot::PlotUi<'_>, style: &Style) {
        let is_shown = |at: &f64| (self.times.0..=self.times.1).contains(at);
        let cursor = self.cursor.filter(is_shown);
        if let Some(at) = self.pinned.filter(is_shown) {
            let line = VLine::new("", at).stroke(Stroke::new(1.0, style.faint()));
            plot.vline(line.style(LineStyle::dashed_dense()).allow_hover(false));
        }
        if let Some(at) = cursor {
            let line = VLine::new("", at).stroke(Stroke::new(1.0, style.text()));
            plot.vline(line.allow_hover(false));
        }
        for curve in &self.curves {
            let ink = colour(curve.hex);
            let line = Line::new(curve.name.clone(), thinned(&curve.points, BUCKETS));
            plot.line(line.color(ink).width(1.5).allow_hover(false));
            if let Some((at, value)) = cursor.zip(curve.value(cursor)) {
                let dot = Points::new("", vec![[at, value]]);
                plot.points(dot.color(ink).radius(2.5).allow_hover(false));
            }
        }
    }
}

/// The time under the pointer, and whether it was clicked.
fn touch(
    response: &Response,
    time: impl Fn(Pos2) -> f64,
    (from, to): (f64, f64),
) -> Option<(f64, bool)> {
    let at = time(response.hover_pos()?).clamp(from, to);
    Some((at, response.clicked()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_young_run_is_shown_whole_and_an_older_one_its_last_minute_unless_chosen() {
        let auto = ChartView::default();
        let last = ChartView {
            span: ChartSpan::Last(10),
            ..auto
        };
        let all = ChartView {
            span: ChartSpan::All,
            ..auto
        };
        let begins = |view: ChartView| [view.from(2.0, 42.0), view.from(2.0, 200.0)].map(to_u64);
        assert_eq!(begins(auto), [2, 140]);
        assert_eq!(begins(last), [32, 190]);
        assert_eq!(begins(all), [2, 2]);
    }

    #[test]
    fn a_curve_tells_its_last_value_or_the_one_at_a_time() {
        let curve = Curve::new("done", 0, vec![[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]]);
        let values = [None, Some(0.5), Some(2.0), Some(2.9), Some(9.0)].map(|at| curve.value(at));
        let wanted = [Some(30.0), None, Some(20.0), Some(20.0), Some(30.0)];
        assert_eq!(values, wanted);
    }

    #[test]
    fn entries_of_a_legend_flow_into_lines() {
        let widths = [60.0, 60.0, 100.0, 500.0, 10.0].into_iter();
        let lines: Vec<u32> = flow(widths, 190.0).iter().map(|place| place.0).collect();
        assert_eq!(lines, [0, 0, 1, 2, 3]);
    }
}
