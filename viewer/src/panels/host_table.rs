//! All hosts, one line each, the last to end first: how long it takes still, how fast it is and why,
//! how long its answers take, how many fail, and how that went lately.

use bevy_egui::egui::{Align2, Color32, Id, Painter, Rect, ScrollArea, Sense, Ui, Vec2, pos2};
use crawlfield_engine::{
    feed::{mirror::Tables, snapshot::HostInfo},
    model::{ids::HostId, phase::Phase},
    progress::safe,
};

use super::{
    Inspector, format,
    inspector::pin_host,
    sparkline::{self, trend_begin},
    style::{Style, colour, write, write_cut},
};
use crate::{
    feed::Feed,
    field::{FieldControl, texel::SIGN_PARKED},
    history::{History, host_trend::HostPoint, series::Series},
    numbers::{index, wide},
};

/// Height of a line in points.
const ROW: f32 = 20.0;
/// Points between two columns.
const GAP: f32 = 10.0;

/// A snapshot tells of so many hosts, at most.
const TOLD: usize = 64;

/// What a column tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Left,
    Rate,
    Median,
    Slow,
    Failing,
    Trend,
    Waiting,
    InFlight,
    Finished,
}

/// Columns between the name and the words, as they stand: width, name, what they tell.
const COLUMNS: [(Column, f32, &str, &str); 9] = [
    (
        Column::Left,
        52.0,
        "left",
        "time for the pages known of this host, at its present rate",
    ),
    (
        Column::Rate,
        40.0,
        "/s",
        "requests a second over the last ten seconds",
    ),
    (
        Column::Median,
        48.0,
        "median",
        "half of its pages of the last minute took less",
    ),
    (
        Column::Slow,
        48.0,
        "95 %",
        "95 % of its pages of the last minute took less",
    ),
    (
        Column::Failing,
        44.0,
        "failed",
        "share of its requests of the last minute that failed",
    ),
    (
        Column::Trend,
        76.0,
        "rate lately",
        "requests a second over the last minutes, five at most",
    ),
    (
        Column::Waiting,
        50.0,
        "waiting",
        "pages that wait, those in the store included",
    ),
    (
        Column::InFlight,
        52.0,
        "in flight",
        "requests in flight, of how many that may be",
    ),
    (
        Column::Finished,
        58.0,
        "finished",
        "pages that have ended and left the window",
    ),
];
/// Which columns go first where there is little room, and how much the words why a host is as fast
/// as it is want before that, in points.
const UNNEEDED: [(Column, f32); 6] = [
    (Column::Finished, 230.0),
    (Column::InFlight, 230.0),
    (Column::Waiting, 230.0),
    (Column::Trend, 180.0),
    (Column::Slow, 130.0),
    (Column::Median, 130.0),
];

/// Where columns stand: points from the left end of a line.
#[derive(Debug, Clone, PartialEq)]
struct Columns {
    /// The name's right end, from the left of the line.
    name: f32,
    /// With their left and right ends.
    shown: Vec<(Column, f32, f32)>,
    /// Where the words begin.
    why: f32,
}

impl Columns {
    /// As many as have room beside the name and the words.
    fn of(width: f32) -> Self {
        let name = (width * 0.26).clamp(104.0, 200.0);
        let mut wanted: Vec<Column> = COLUMNS.iter().map(|(column, ..)| *column).collect();
        let width_of = |columns: &[Column]| -> f32 {
            let shown = COLUMNS
                .iter()
                .filter(|(column, ..)| columns.contains(column));
            shown.map(|(_, width, ..)| width + GAP).sum()
        };
        for (column, why) in UNNEEDED {
            if name + width_of(&wanted) + GAP + why <= width {
                break;
            }
            wanted.retain(|each| *each != column);
        }
        let mut left = name;
        let mut shown = Vec::new();
        for (column, width, ..) in COLUMNS {
            if wanted.contains(&column) {
                shown.push((column, left + GAP, left + GAP + width));
                left += GAP + width;
            }
        }
        Self {
            name,
            shown,
            why: left + GAP + 2.0,
        }
    }
}

/// A host of a session, and where its past is kept.
struct Line<'a> {
    info: &'a HostInfo,
    /// Seconds since the snapshot that told it.
    age: f64,
    series: Option<&'a Series>,
    /// Seconds of engine time of that snapshot.
    at: f64,
}

/// All hosts that the snapshots tell of; a click shows one in the inspector.
pub(super) fn draw(
    ui: &mut Ui,
    style: &Style,
    control: &mut FieldControl<'_>,
    inspector: &mut Inspector,
    history: &History,
) {
    let columns = Columns::of(ui.available_width() - 12.0);
    heads(ui, style, &columns);
    let feed = &control.feed;
    let mut lines = lines(feed, history);
    let area = ui.available_rect_before_wrap();
    let is_touched = ui.rect_contains_pointer(area);
    put_in_order(ui, &mut lines, is_touched);
    let mut chosen = None;
    let untold = untold(feed, &lines);
    let count = lines.len() + usize::from(untold.is_some());
    ui.spacing_mut().item_spacing.y = 0.0;
    ScrollArea::vertical()
        .auto_shrink(false)
        .show_rows(ui, ROW, count, |ui, range| {
            for at in range {
                let size = Vec2::new(ui.available_width() - 4.0, ROW);
                let (rect, response) = ui.allocate_exact_size(size, Sense::click());
                let Some(line) = lines.get(at) else {
                    let at = rect.left_center() + Vec2::new(10.0, 0.0);
                    let text = untold.as_deref().unwrap_or_default();
                    write_cut(
                        ui.painter(),
                        at,
                        text,
                        11.5,
                        style.faint(),
                        rect.width() - 20.0,
                    );
                    continue;
                };
                let id = HostId(line.info.id);
                let is_pinned = inspector.host == Some(id) && control.selection.slots.is_empty();
                if is_pinned {
                    let fill = ui.visuals().selection.bg_fill;
                    ui.painter().rect_filled(rect, 3.0, fill);
                } else if response.hovered() {
                    ui.painter().rect_filled(rect, 3.0, style.raised());
                }
                let is_last = at == 0 && line.info.eta.is_some();
                row(ui.painter(), style, feed, &columns, rect, (line, is_last));
                if response
                    .on_hover_ui(|ui| hover(ui, line, is_last))
                    .clicked()
                {
                    chosen = Some(id);
                }
            }
        });
    if let Some(host) = chosen {
        pin_host(control, inspector, host);
    }
}

fn heads(ui: &mut Ui, style: &Style, columns: &Columns) {
    let size = Vec2::new(ui.available_width(), 14.0);
    let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
    let (y, ink) = (rect.center().y, style.faint());
    let painter = ui.painter().clone();
    let at = pos2(rect.left() + 10.0, y);
    write(
        &painter,
        at,
        Align2::LEFT_CENTER,
        "host, slowest first",
        11.0,
        ink,
    );
    for (column, from, to) in &columns.shown {
        let told = COLUMNS.iter().find(|(each, ..)| each == column);
        let (_, _, name, tells) = told.expect("it is one of them");
        let at = pos2(rect.left() + to, y);
        write(&painter, at, Align2::RIGHT_CENTER, name, 11.0, ink);
        let cell = Rect::from_x_y_ranges(rect.left() + from..=rect.left() + to, rect.y_range());
        let id = Id::new(("host column", name));
        ui.interact(cell, id, Sense::hover()).on_hover_text(*tells);
    }
    let at = pos2(rect.left() + columns.why, y);
    write(&painter, at, Align2::LEFT_CENTER, "why so fast", 11.0, ink);
}

fn lines<'a>(feed: &'a Feed, history: &'a History) -> Vec<Line<'a>> {
    let now = wide(feed.now_us) / 1e6;
    let mut lines: Vec<Line<'a>> = Vec::new();
    for snapshot in &feed.snapshots {
        lines.extend(snapshot.hosts.iter().map(|info| Line {
            info,
            age: (now - snapshot.at).clamp(0.0, 5.0),
            series: history.series.get(&snapshot.session.id),
            at: snapshot.at,
        }));
    }
    lines
}

/// How many hosts have no line, and why; `None` where all have one.
fn untold(feed: &Feed, lines: &[Line<'_>]) -> Option<String> {
    let known = feed.mirror.tables().hosts().len();
    if lines.is_empty() {
        return Some("no host is told of yet".to_owned());
    }
    // Who only leads on to others has none either, and is no loss.
    let mut snapshots = feed.snapshots.iter();
    let is_full = snapshots.any(|snapshot| snapshot.hosts.len() >= TOLD);
    let more = known.checked_sub(lines.len());
    let more = more.filter(|more| *more > 0 && is_full)?;
    Some(format!(
        "+{} more hosts, which end sooner: a snapshot tells of those that end last",
        format::count(more as u64)
    ))
}

/// The slowest first; while the pointer is over them they stand still.
fn put_in_order(ui: &Ui, lines: &mut [Line<'_>], is_touched: bool) {
    lines.sort_by(|a, b| slowest_first(a.info, b.info));
    let id = Id::new("order of hosts");
    let kept: Option<Vec<u32>> = ui.data(|data| data.get_temp(id)).filter(|_| is_touched);
    if let Some(order) = kept {
        lines.sort_by_key(|line| {
            let place = order.iter().position(|id| *id == line.info.id);
            place.unwrap_or(usize::MAX)
        });
    } else {
        let order: Vec<u32> = lines.iter().map(|line| line.info.id).collect();
        ui.data_mut(|data| data.insert_temp(id, order));
    }
}

/// Who ends last first; of who has nothing left, and of who is not known yet, the slowest.
fn slowest_first(a: &HostInfo, b: &HostInfo) -> core::cmp::Ordering {
    let left = |info: &HostInfo| info.eta.or(info.parked_for).unwrap_or(0.0);
    let slow = |info: &HostInfo| info.p50_ms.unwrap_or(0.0);
    is_over(a)
        .cmp(&is_over(b))
        .then(left(b).total_cmp(&left(a)))
        .then(b.waiting.cmp(&a.waiting))
        .then(slow(b).total_cmp(&slow(a)))
        .then(a.id.cmp(&b.id))
}

/// Nothing waits for it, and nothing is asked of it.
pub(super) const fn is_over(info: &HostInfo) -> bool {
    info.waiting == 0 && info.in_flight == 0
}

fn row(
    painter: &Painter,
    style: &Style,
    feed: &Feed,
    columns: &Columns,
    rect: Rect,
    (line, is_last): (&Line<'_>, bool),
) {
    let (info, y) = (line.info, rect.center().y);
    let states = &style.theme.states;
    let ink = if is_over(info) {
        style.faint()
    } else {
        style.text()
    };
    if is_last {
        let mark = Rect::from_min_size(rect.min, Vec2::new(3.0, rect.height()))
            .shrink2(Vec2::new(0.0, 3.0));
        painter.rect_filled(mark, 1.0, colour(states.retry));
    }
    let mut left = rect.left() + 10.0;
    if info.breaker != "closed" {
        let glyph = Rect::from_center_size(pos2(left + 6.0, y), Vec2::splat(13.0));
        style.glyph(painter, glyph, SIGN_PARKED);
        left += 17.0;
    }
    let width = rect.left() + columns.name - left;
    write_cut(painter, pos2(left, y), &safe(&info.host), 12.5, ink, width);
    let tables = feed.mirror.tables();
    for (column, from, to) in &columns.shown {
        let cell = Rect::from_x_y_ranges(rect.left() + from..=rect.left() + to, rect.y_range());
        if *column == Column::Trend {
            trend(painter, style, line, cell.shrink2(Vec2::new(0.0, 3.0)));
            continue;
        }
        let (text, ink) = cell_text(style, tables, line, *column, ink);
        let at = pos2(cell.right(), y);
        write(painter, at, Align2::RIGHT_CENTER, text, 12.0, ink);
    }
    let at = pos2(rect.left() + columns.why, y);
    let width = rect.right() - at.x - 4.0;
    write_cut(
        painter,
        at,
        &why(info, line.age),
        11.5,
        style.faint(),
        width,
    );
}

/// What stands in a column, and in which colour.
fn cell_text(
    style: &Style,
    tables: &Tables,
    line: &Line<'_>,
    column: Column,
    ink: Color32,
) -> (String, Color32) {
    let info = line.info;
    let ms = |ms: Option<f64>| ms.map_or_else(|| "–".to_owned(), format::span);
    match column {
        Column::Left => (time_left(tables, line), ink),
        Column::Rate => (format::rate(info.rate), ink),
        Column::Median => (ms(info.p50_ms), ink),
        Column::Slow => (ms(info.p95_ms), ink),
        Column::Failing => {
            let is_bad = info.errors.is_some_and(|share| share >= 0.1);
            let hex = style.theme.states.fatal;
            let ink = if is_bad { style.written(hex) } else { ink };
            (
                info.errors.map_or_else(|| "–".to_owned(), format::share),
                ink,
            )
        }
        Column::Waiting => (format::count(info.waiting), ink),
        Column::InFlight => (format!("{}/{}", info.in_flight, info.limit), ink),
        Column::Finished => (format::count(info.finished), ink),
        Column::Trend => (String::new(), ink),
    }
}

/// Time left, or why there is none.
fn time_left(tables: &Tables, line: &Line<'_>) -> String {
    let info = line.info;
    if let Some(eta) = info.eta {
        return format::clock(eta - line.age);
    }
    if !is_over(info) {
        return "–".to_owned();
    }
    let number = tables.host_number(HostId(info.id));
    let waits = number.map(|number| tables.hosts()[index(number)].counts.of(Phase::Backoff));
    if waits.unwrap_or(0) > 0 {
        "retries".to_owned()
    } else {
        "ended".to_owned()
    }
}

/// Why a host is as fast as it is; a countdown stands first, so that it is never cut off.
pub(super) fn why(info: &HostInfo, age: f64) -> String {
    let left = info.parked_for.map(|left| format::clock(left - age));
    match (info.breaker.as_str(), left) {
        ("open", Some(left)) => format!("{left} until a probe: breaker open"),
        ("open", None) => "breaker held open by hand".to_owned(),
        ("half_open", _) => "breaker half open: probes pass".to_owned(),
        (_, Some(left)) => format!("{left} of a pause that the host asked for (Retry-After)"),
        (_, None) if is_over(info) => String::new(),
        (_, None) => safe(&info.why),
    }
}

fn trend(painter: &Painter, style: &Style, line: &Line<'_>, rect: Rect) {
    let Some(series) = line.series else { return };
    let begin = series.first().map_or(line.at, |point| point.at);
    let from = trend_begin(begin, line.at);
    let rate = |point: &HostPoint| Some(point.rate);
    let curve = series.hosts.curve(line.info.id, from, rate);
    let hex = style.theme.states.running;
    sparkline::draw(painter, style, rect, &curve, (from, line.at), hex);
}

fn hover(ui: &mut Ui, line: &Line<'_>, is_last: bool) {
    let info = line.info;
    ui.label(safe(&info.host));
    if is_last {
        ui.label("it takes longest of all: it sets the end");
    }
    let why = why(info, line.age);
    if !why.is_empty() {
        ui.label(why);
    }
    ui.label("click: its card; again: the run");
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crawlfield_engine::feed::{frame::Change, snapshot::Snapshot};

    use super::*;

    fn info(id: u32, eta: Option<f64>, waiting: u64) -> HostInfo {
        HostInfo {
            id,
            eta,
            waiting,
            breaker: "closed".to_owned(),
            ..HostInfo::default()
        }
    }

    #[test]
    fn the_host_that_ends_last_stands_first_and_who_has_ended_last() {
        let parked = HostInfo {
            parked_for: Some(30.0),
            ..info(4, None, 10)
        };
        let slow = HostInfo {
            p50_ms: Some(900.0),
            ..info(6, None, 0)
        };
        let mut hosts = [
            info(5, None, 0),
            slow,
            info(1, Some(20.0), 900),
            info(2, Some(90.0), 10),
            info(3, None, 70),
            parked,
        ];
        hosts.sort_by(slowest_first);
        assert_eq!(hosts.map(|host| host.id), [2, 4, 1, 3, 6, 5]);
    }

    #[test]
    fn hosts_that_no_snapshot_tells_of_are_counted() {
        let feed = |known: u32, told: u32| {
            let mut feed = Feed::default();
            for n in 0..known {
                let name = "h.test".into();
                let host = HostId(n);
                feed.mirror
                    .apply_change(0, &Change::HostAdmitted { host, name });
            }
            let hosts = (0..told).map(|id| info(id, None, 1)).collect();
            feed.snapshots.push(Arc::new(Snapshot {
                hosts,
                ..Snapshot::default()
            }));
            feed
        };
        let untold = |feed: &Feed| untold(feed, &lines(feed, &History::default()));
        let told = untold(&feed(70, 64)).expect("six have no line");
        assert!(told.starts_with("+6 more hosts"), "{told}");
        assert_eq!(untold(&feed(64, 64)), None);
        assert_eq!(untold(&feed(3, 2)), None, "one that only leads on");
        assert!(untold(&feed(0, 0)).is_some());
    }

    #[test]
    fn columns_stand_side_by_side_and_leave_room_for_the_words() {
        for width in [330.0_f32, 520.0, 800.0, 1_200.0, 2_000.0] {
            let columns = Columns::of(width);
            let mut end = columns.name;
            for (column, from, to) in &columns.shown {
                assert!(*from >= end && to > from, "{width}: {column:?}");
                end = *to;
            }
            assert!(columns.why > end);
            let words = width - columns.why;
            let least = if width >= 800.0 { 220.0 } else { 120.0 };
            assert!(width < 520.0 || words >= least, "{width}: {words}");
            let names: Vec<Column> = columns.shown.iter().map(|shown| shown.0).collect();
            assert!(names.contains(&Column::Left) && names.contains(&Column::Rate));
            assert_eq!(names.len() == COLUMNS.len(), width >= 1_000.0, "{width}");
        }
    }

    #[test]
    fn a_countdown_stands_before_the_words() {
        let open = HostInfo {
            breaker: "open".to_owned(),
            parked_for: Some(25.0),
            ..info(1, None, 5)
        };
        assert_eq!(why(&open, 1.0), "0:24 until a probe: breaker open");
        let asked = HostInfo {
            parked_for: Some(3.0),
            ..info(1, None, 5)
        };
        assert!(why(&asked, 0.0).starts_with("0:03 "));
        let slow = HostInfo {
            why: "cut: answers took 481 ms instead of 350 ms".to_owned(),
            ..info(1, None, 5)
        };
        assert_eq!(why(&slow, 0.0), slow.why);
    }
}
