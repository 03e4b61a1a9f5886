//! Curves below the field, all on one time scale, with one cross-hair.

use bevy_egui::egui::{self, Align, Align2, Color32, Layout, Rect, RichText, Ui, UiBuilder, Vec2};
use crawlfield_engine::model::class::ErrorClass;
use egui_plot::{AxisHints, HPlacement, Line, Plot};

use super::{
    format,
    style::{Style, colour, write},
};
use crate::{
    feed::Feed,
    history::{
        History,
        series::{Series, SeriesPoint, thinned},
    },
    numbers::{to_u64, wide},
    theme::StateColours,
};

/// The spans on offer, in seconds.
const SPANS: [(Option<f64>, &str); 4] = [
    (Some(10.0), "10 s"),
    (Some(60.0), "1 m"),
    (Some(600.0), "10 m"),
    (None, "all"),
];
/// Buckets of a chart: two points each.
const BUCKETS: usize = 120;
/// Classes with a curve of their own.
const CLASSES: usize = 4;

/// One curve with its name and colour.
struct Curve {
    name: String,
    hex: u32,
    points: Vec<[f64; 2]>,
}

impl Curve {
    fn new(name: impl Into<String>, hex: u32, points: &[[f64; 2]]) -> Self {
        Self {
            name: name.into(),
            hex,
            points: thinned(points, BUCKETS),
        }
    }
}

/// One chart: its curves over a span of time.
struct Chart {
    title: &'static str,
    unit: Unit,
    curves: Vec<Curve>,
    /// Seconds of engine time at the left and at the right.
    times: (f64, f64),
    /// A figure that is no curve, where it is known.
    more: Option<String>,
}

/// The spans of time on offer, at the right of the tabs.
pub(super) fn draw_spans(ui: &mut Ui, chosen: &mut Option<f64>) {
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        for (span, name) in SPANS.into_iter().rev() {
            let text = RichText::new(name).small();
            if ui.selectable_label(*chosen == span, text).clicked() {
                *chosen = span;
            }
        }
    });
}

/// Four charts side by side, of the last `seconds` or of the whole run.
pub(super) fn draw(
    ui: &mut Ui,
    style: &Style,
    feed: &Feed,
    history: &History,
    seconds: Option<f64>,
) {
    let empty = Series::default();
    let snapshot = feed.session();
    let series = snapshot.map_or(&empty, |snapshot| &history.series[&snapshot.session.id]);
    let end = series.last().map_or(0.0, |point| point.at);
    let begin = series.first().map_or(0.0, |point| point.at);
    let from = seconds.map_or(begin, |span| end - span);
    let memory = snapshot.and_then(|snapshot| snapshot.resources.rss_bytes);
    let memory = memory.map(|bytes| format!("memory {}", format::bytes(wide(bytes))));
    let states = &style.theme.states;
    let charts = [
        (
            "Pages a second",
            Unit::Number,
            throughput(states, series, from),
        ),
        (
            "Failures a second",
            Unit::Number,
            errors(states, series, from),
        ),
        ("Fetch time", Unit::Millis, latency(states, series, from)),
        ("This machine", Unit::Cores, machine(states, series, from)),
    ];
    let area = ui.available_rect_before_wrap();
    let gap = 14.0;
    let width = (area.width() - 3.0 * gap) / 4.0;
    for (at, (title, unit, curves)) in (0_u8..).zip(charts) {
        let left = area.left() + f32::from(at) * (width + gap);
        let rect = Rect::from_min_size(
            egui::pos2(left, area.top()),
            Vec2::new(width, area.height()),
        );
        let mut cell = ui.new_child(UiBuilder::new().max_rect(rect).id_salt(title));
        let chart = Chart {
            title,
            unit,
            curves,
            times: (from, end.max(from + 1.0)),
            more: memory.clone().filter(|_| unit == Unit::Cores),
        };
        chart.draw(&mut cell, style);
    }
}

fn throughput(states: &StateColours, series: &Series, from: f64) -> Vec<Curve> {
    let found = series.slope(from, |point| point.discovered);
    let done = series.slope(from, |point| point.done);
    vec![
        Curve::new("found", states.queued, &found),
        Curve::new("done", states.done, &done),
    ]
}

fn errors(states: &StateColours, series: &Series, from: f64) -> Vec<Curve> {
    let inks = [states.fatal, states.retry, states.dead, states.parked];
    let Some(last) = series.last() else {
        return Vec::new();
    };
    let mut classes = last.errors.clone();
    classes.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    classes
        .into_iter()
        .take(CLASSES)
        .zip(inks)
        .map(|((class, _), ink)| {
            let total = |point: &SeriesPoint| {
                let found = point.errors.iter().find(|(name, _)| *name == class);
                wide(found.map_or(0, |(_, count)| *count))
            };
            let name = ErrorClass::ALL
                .into_iter()
                .find(|each| each.name() == class);
            let name = name.map_or_else(|| class.replace('_', " "), format::class);
            Curve::new(name, ink, &series.slope(from, total))
        })
        .filter(|curve| curve.points.iter().any(|point| point[1] > 0.0))
        .collect()
}

fn latency(states: &StateColours, series: &Series, from: f64) -> Vec<Curve> {
    let slow = series.curve(from, |point| point.p95_ms);
    let median = series.curve(from, |point| point.p50_ms);
    vec![
        Curve::new("95 %", states.retry, &slow),
        Curve::new("median", states.running, &median),
    ]
}

fn machine(states: &StateColours, series: &Series, from: f64) -> Vec<Curve> {
    let cores = series.curve(from, |point| point.cpu);
    vec![Curve::new("cores", states.running, &cores)]
}

/// How values are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    Number,
    Millis,
    Cores,
}

impl Unit {
    /// A chart reaches at least so high: a quiet one is flat, not noisy.
    const fn least(self) -> f64 {
        match self {
            Self::Millis => 100.0,
            Self::Number | Self::Cores => 1.0,
        }
    }

    fn write(self, value: f64) -> String {
        match self {
            Self::Millis => format::span(value),
            Self::Cores => format!("{value:.1}"),
            Self::Number if value >= 1_000.0 => format::brief(to_u64(value)),
            Self::Number => format::rate(value),
        }
    }
}

impl Chart {
    fn draw(&self, ui: &mut Ui, style: &Style) {
        let room = ui.available_rect_before_wrap();
        let painter = ui.painter().clone();
        let (at, anchor) = (room.left_top(), Align2::LEFT_TOP);
        write(&painter, at, anchor, self.title, 11.5, style.text());
        self.draw_legend(&painter, style, room);
        let area = Rect::from_min_max(room.min + egui::vec2(0.0, 31.0), room.max);
        if self.curves.iter().all(|curve| curve.points.is_empty()) {
            painter.rect_filled(area, 3.0, colour(style.theme.background));
            let text = if self.unit == Unit::Cores {
                "not measured"
            } else {
                "none in this time"
            };
            let (at, anchor) = (area.center(), Align2::CENTER_CENTER);
            write(&painter, at, anchor, text, 11.0, style.faint());
            return;
        }
        let mut plot_ui = ui.new_child(UiBuilder::new().max_rect(area));
        self.plot(&mut plot_ui, style);
    }

    /// Names and last values in a second line, in the colours of their curves: as many as have
    /// room, the rest as a number.
    fn draw_legend(&self, painter: &egui::Painter, style: &Style, room: Rect) {
        let mut left = room.left();
        let y = room.top() + 16.0;
        let ink = style.faint();
        let laid =
            |text: String| painter.layout_no_wrap(text, egui::FontId::proportional(11.0), ink);
        let named: Vec<(u32, String)> = self
            .curves
            .iter()
            .filter_map(|curve| Some((curve.hex, &curve.name, curve.points.last()?[1])))
            .map(|(hex, name, value)| (hex, format!("{name} {}", self.unit.write(value))))
            .collect();
        for (at, (hex, text)) in named.iter().enumerate() {
            let galley = laid(text.clone());
            let after = named.len() - at - 1;
            let rest = if after == 0 { 0.0 } else { 24.0 };
            if left + 12.0 + galley.size().x + rest > room.right() {
                painter.galley(egui::pos2(left, y), laid(format!("+{}", after + 1)), ink);
                return;
            }
            let mark = Rect::from_min_size(egui::pos2(left, y + 5.5), Vec2::new(8.0, 2.5));
            painter.rect_filled(mark, 1.0, colour(*hex));
            let width = galley.size().x;
            painter.galley(egui::pos2(left + 12.0, y), galley, ink);
            left += 12.0 + width + 9.0;
        }
        if let Some(more) = self.more.clone().map(laid)
            && left + more.size().x <= room.right()
        {
            painter.galley(egui::pos2(left, y), more, ink);
        }
    }

    /// The value at the upper edge.
    fn top(&self) -> f64 {
        let values = self.curves.iter().flat_map(|curve| &curve.points);
        let highest = values.map(|point| point[1]).fold(0.0, f64::max);
        highest.max(self.unit.least()) * 1.12
    }

    fn plot(&self, ui: &mut Ui, style: &Style) {
        let (unit, top) = (self.unit, self.top());
        let axis = AxisHints::new_y()
            .placement(HPlacement::Left)
            .min_thickness(34.0)
            .formatter(move |mark, _| unit.write(mark.value));
        ui.visuals_mut().override_text_color = Some(style.faint());
        let small = egui::FontId::proportional(10.5);
        for name in [egui::TextStyle::Body, egui::TextStyle::Small] {
            ui.style_mut().text_styles.insert(name, small.clone());
        }
        Plot::new(self.title)
            .show_x(true)
            .show_axes([false, true])
            .show_grid([false, true])
            .grid_color(style.line())
            .custom_y_axes(vec![axis])
            .allow_drag(false)
            .allow_zoom(false)
            .allow_scroll(false)
            .allow_boxed_zoom(false)
            .show_background(false)
            .link_cursor("charts", [true, false])
            .set_margin_fraction(Vec2::ZERO)
            .y_grid_spacer(move |_| marks(top))
            .show(ui, |plot| {
                plot.set_plot_bounds_x(self.times.0..=self.times.1);
                plot.set_plot_bounds_y(0.0..=top);
                for curve in &self.curves {
                    let ink: Color32 = colour(curve.hex);
                    let line = Line::new(curve.name.clone(), curve.points.clone());
                    plot.line(line.color(ink).width(1.5));
                }
            });
    }
}

/// Two or three marks at round values.
fn marks(top: f64) -> Vec<egui_plot::GridMark> {
    let step = round_step(top / 3.2);
    (0_u8..5)
        .map(|n| f64::from(n) * step)
        // The uppermost would stand in the legend.
        .filter(|value| *value <= top * 0.93)
        .map(|value| egui_plot::GridMark {
            value,
            step_size: step,
        })
        .collect()
}

/// The next of 1, 2, 5 × 10ⁿ at or above.
fn round_step(rough: f64) -> f64 {
    let size = 10_f64.powf(rough.max(1e-9).log10().floor());
    let lead = rough / size;
    let lead = [1.0, 2.0, 5.0]
        .into_iter()
        .find(|step| lead <= *step)
        .unwrap_or(10.0);
    lead * size
}

#[cfg(test)]
mod tests {
    use super::{marks, round_step};

    #[test]
    fn marks_stand_at_round_values_below_the_legend() {
        let steps = [0.07, 1.0, 1.1, 3.0, 7.0, 4_200.0].map(round_step);
        let shown = steps.map(|step| format!("{step}"));
        assert_eq!(shown, ["0.1", "1", "2", "5", "10", "5000"]);
        let values: Vec<f64> = marks(11.2).iter().map(|mark| mark.value).collect();
        assert_eq!(values, [0.0, 5.0, 10.0]);
    }
}
