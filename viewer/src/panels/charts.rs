//! Curves below the field, all on one time scale, with one cross-hair.

use bevy_egui::egui::{self, Align, Align2, Color32, Layout, Rect, RichText, Ui, UiBuilder, Vec2};
use crawlfield_engine::model::class::ErrorClass;
use egui_plot::{AxisHints, HPlacement, Line, Plot};

use super::{
    Desk,
    look::{colour, write},
    words,
};
use crate::{
    numbers::{to_u64, wide},
    story::series::{Series, thinned},
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

/// One curve.
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

/// The time scales, at the right of the tabs.
pub(super) fn scales(ui: &mut Ui, desk: &mut Desk<'_>) {
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        for (span, name) in SPANS.into_iter().rev() {
            let is_set = desk.panels.chart_seconds == span;
            let text = RichText::new(name).small();
            if ui.selectable_label(is_set, text).clicked() {
                desk.panels.chart_seconds = span;
            }
        }
    });
}

pub(super) fn draw(ui: &mut Ui, desk: &Desk<'_>) {
    let empty = Series::default();
    let id = desk.session().map(|snapshot| snapshot.session.id);
    let series = id
        .and_then(|id| desk.show.news.story.series.get(&id))
        .unwrap_or(&empty);
    let end = series.last().map_or(0.0, |point| point.at);
    let begin = series.first().map_or(0.0, |point| point.at);
    let from = desk.panels.chart_seconds.map_or(begin, |span| end - span);
    let times = (from, end.max(from + 1.0));
    let area = ui.available_rect_before_wrap();
    let gap = 14.0;
    let width = (area.width() - 3.0 * gap) / 4.0;
    let charts = [
        (
            "Pages a second",
            throughput(desk, series, from),
            Unit::Number,
        ),
        (
            "Failures a second",
            errors(desk, series, from),
            Unit::Number,
        ),
        ("Fetch time", latency(desk, series, from), Unit::Millis),
        ("This machine", machine(desk, series, from), Unit::Cores),
    ];
    for (at, (title, curves, unit)) in (0_u8..).zip(charts) {
        let left = area.left() + f32::from(at) * (width + gap);
        let rect = Rect::from_min_size(
            egui::pos2(left, area.top()),
            Vec2::new(width, area.height()),
        );
        let mut cell = ui.new_child(UiBuilder::new().max_rect(rect).id_salt(title));
        chart(&mut cell, desk, title, &curves, unit, times);
    }
}

fn throughput(desk: &Desk<'_>, series: &Series, from: f64) -> Vec<Curve> {
    let states = &desk.look.theme.states;
    vec![
        Curve::new(
            "found",
            states.queued,
            &series.slope(from, |point| point.discovered),
        ),
        Curve::new("done", states.done, &series.slope(from, |point| point.done)),
    ]
}

fn errors(desk: &Desk<'_>, series: &Series, from: f64) -> Vec<Curve> {
    let states = &desk.look.theme.states;
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
            let total = |point: &crate::story::series::Point| {
                let found = point.errors.iter().find(|(name, _)| *name == class);
                wide(found.map_or(0, |(_, count)| *count))
            };
            let name = ErrorClass::ALL
                .into_iter()
                .find(|each| each.name() == class);
            let name = name.map_or_else(|| class.replace('_', " "), words::class);
            Curve::new(name, ink, &series.slope(from, total))
        })
        .filter(|curve| curve.points.iter().any(|point| point[1] > 0.0))
        .collect()
}

fn latency(desk: &Desk<'_>, series: &Series, from: f64) -> Vec<Curve> {
    let states = &desk.look.theme.states;
    vec![
        Curve::new(
            "95 %",
            states.retry,
            &series.curve(from, |point| point.p95_ms),
        ),
        Curve::new(
            "median",
            states.running,
            &series.curve(from, |point| point.p50_ms),
        ),
    ]
}

fn machine(desk: &Desk<'_>, series: &Series, from: f64) -> Vec<Curve> {
    let states = &desk.look.theme.states;
    vec![Curve::new(
        "cores",
        states.running,
        &series.curve(from, |point| point.cpu),
    )]
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
            Self::Millis => words::span(value),
            Self::Cores => format!("{value:.1}"),
            Self::Number if value >= 1_000.0 => words::brief(to_u64(value)),
            Self::Number => words::rate(value),
        }
    }
}

fn chart(
    ui: &mut Ui,
    desk: &Desk<'_>,
    title: &str,
    curves: &[Curve],
    unit: Unit,
    times: (f64, f64),
) {
    let is_known = curves.iter().any(|curve| !curve.points.is_empty());
    let room = ui.available_rect_before_wrap();
    let painter = ui.painter().clone();
    write(
        &painter,
        room.left_top(),
        Align2::LEFT_TOP,
        title,
        11.5,
        desk.look.text(),
    );
    let memory = (unit == Unit::Cores).then(|| memory(desk)).flatten();
    legend(&painter, desk, room, curves, unit, memory);
    let area = Rect::from_min_max(room.min + egui::vec2(0.0, 31.0), room.max);
    if !is_known {
        painter.rect_filled(area, 3.0, colour(desk.look.theme.ground));
        let text = if unit == Unit::Cores {
            "not measured"
        } else {
            "none in this time"
        };
        write(
            &painter,
            area.center(),
            Align2::CENTER_CENTER,
            text,
            11.0,
            desk.look.faint(),
        );
        return;
    }
    let top = curves
        .iter()
        .flat_map(|curve| &curve.points)
        .map(|point| point[1])
        .fold(0.0, f64::max);
    let mut plot_ui = ui.new_child(UiBuilder::new().max_rect(area));
    plot(
        &mut plot_ui,
        desk,
        title,
        curves,
        unit,
        times,
        top.max(unit.least()) * 1.12,
    );
}

fn memory(desk: &Desk<'_>) -> Option<String> {
    let bytes = desk.session()?.resources.rss_bytes?;
    Some(format!("memory {}", words::bytes(wide(bytes))))
}

/// Names and last values in a second line, in the colours of their curves: as many as have room,
/// the rest as a number.
fn legend(
    painter: &egui::Painter,
    desk: &Desk<'_>,
    room: Rect,
    curves: &[Curve],
    unit: Unit,
    more: Option<String>,
) {
    let mut left = room.left();
    let y = room.top() + 16.0;
    let ink = desk.look.faint();
    let laid = |text: String| painter.layout_no_wrap(text, egui::FontId::proportional(11.0), ink);
    let named: Vec<(u32, String)> = curves
        .iter()
        .filter_map(|curve| Some((curve.hex, &curve.name, curve.points.last()?[1])))
        .map(|(hex, name, value)| (hex, format!("{name} {}", unit.write(value))))
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
    if let Some(more) = more.map(laid)
        && left + more.size().x <= room.right()
    {
        painter.galley(egui::pos2(left, y), more, ink);
    }
}

fn plot(
    ui: &mut Ui,
    desk: &Desk<'_>,
    title: &str,
    curves: &[Curve],
    unit: Unit,
    times: (f64, f64),
    top: f64,
) {
    let axis = AxisHints::new_y()
        .placement(HPlacement::Left)
        .min_thickness(34.0)
        .formatter(move |mark, _| unit.write(mark.value));
    ui.visuals_mut().override_text_color = Some(desk.look.faint());
    let small = egui::FontId::proportional(10.5);
    for style in [egui::TextStyle::Body, egui::TextStyle::Small] {
        ui.style_mut().text_styles.insert(style, small.clone());
    }
    Plot::new(title)
        .show_x(true)
        .show_axes([false, true])
        .show_grid([false, true])
        .grid_color(desk.look.line())
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
            plot.set_plot_bounds_x(times.0..=times.1);
            plot.set_plot_bounds_y(0.0..=top);
            for curve in curves {
                let ink: Color32 = colour(curve.hex);
                plot.line(
                    Line::new(curve.name.clone(), curve.points.clone())
                        .color(ink)
                        .width(1.5),
                );
            }
        });
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
