//! One host in the inspector: how fast it is and why, how that went lately, its breaker's switches.

use bevy_egui::egui::{Label, RichText, Sense, Ui, Vec2};
use crawlfield_engine::{
    feed::snapshot::HostInfo,
    message::{commands::Command, store_verbs::DeadSelector},
    model::{ids::HostId, phase::BreakerPhase},
    progress::safe,
};

use super::{
    Inspector, PendingCommands, actions, format, host_table,
    inspector::pin_button,
    sparkline::{self, trend_begin},
    style::Style,
};
use crate::{
    field::{Arrangement, FieldControl, texel::SIGN_PARKED},
    history::{History, host_trend::HostPoint},
    numbers::{index, wide},
    pin::Pin,
};

/// One host in the inspector.
pub(super) fn draw_card(
    ui: &mut Ui,
    style: &Style,
    control: &mut FieldControl<'_>,
    inspector: &mut Inspector,
    commands: &mut PendingCommands,
    (id, history): (HostId, &History),
) {
    let tables = control.feed.mirror.tables();
    // Another mirror may have taken the place of the one in which it was chosen.
    let Some(number) = tables.host_number(id) else {
        inspector.host = None;
        return;
    };
    let row = &tables.hosts()[index(number)];
    let (name, drawn) = (row.name.to_string(), row.counts.total());
    ui.label(RichText::new(safe(&name)).heading());
    let (word, sign) = match row.breaker {
        BreakerPhase::Closed => ("breaker closed: requests pass", None),
        BreakerPhase::Open => ("breaker open: none passes", Some(SIGN_PARKED)),
        BreakerPhase::HalfOpen => ("breaker half open: probes pass", Some(SIGN_PARKED)),
    };
    ui.horizontal(|ui| {
        if let Some(sign) = sign {
            style.sign(ui, sign);
        }
        ui.label(word);
    });
    // Buttons stand above all that grows and shrinks.
    switches(ui, style, commands, &name);
    let selector = DeadSelector {
        host: Some(name.clone()),
        ..DeadSelector::default()
    };
    let group = (safe(&name), selector);
    let group = (group.0.as_str(), &group.1);
    actions::for_group(ui, style, control, commands, group, |task| task.host == id);
    style.section(ui, "Look");
    ui.horizontal_wrapped(|ui| {
        pin_button(ui, control, inspector, Pin::Host(name.clone()));
        if ui.button("Fit").clicked() {
            fit(control, number);
        }
        if ui.button("Close").clicked() {
            inspector.host = None;
        }
    });
    style.section(ui, "Figures");
    style.pair(ui, "drawn here", format::count(drawn));
    if let Some(info) = control.feed.host_info(number) {
        let since = control.feed.session().map_or(0.0, |snapshot| snapshot.at);
        let age = (wide(control.feed.now_us) / 1e6 - since).clamp(0.0, 5.0);
        figures(ui, style, info, age);
        trends(ui, style, control, history, info);
    }
}

fn figures(ui: &mut Ui, style: &Style, info: &HostInfo, age: f64) {
    let why = host_table::why(info, age);
    if !why.is_empty() {
        ui.add(Label::new(RichText::new(why).color(style.faint())).wrap());
    }
    let or_unknown = |text: Option<String>| text.unwrap_or_else(|| "not known yet".to_owned());
    let in_flight = format!("{} of {}", info.in_flight, info.limit);
    let left = match info.eta {
        None if host_table::is_over(info) => Some("nothing waits".to_owned()),
        eta => eta.map(|eta| format::clock(eta - age)),
    };
    for (name, value, hover) in [
        (
            "time left",
            or_unknown(left),
            "for its pages known, at its present rate",
        ),
        (
            "requests a second",
            format::rate(info.rate),
            "over the last ten seconds",
        ),
        (
            "median answer",
            or_unknown(info.p50_ms.map(format::span)),
            "of its pages of the last minute",
        ),
        (
            "95 % of answers in",
            or_unknown(info.p95_ms.map(format::span)),
            "of its pages of the last minute",
        ),
        (
            "requests that failed",
            or_unknown(info.errors.map(format::share)),
            "of the last minute",
        ),
        ("in flight", in_flight, "of how many that may be"),
        (
            "between two requests",
            format::span(info.pace * 1e3),
            "at least",
        ),
        (
            "waiting",
            format::count(info.waiting),
            "those in the store included",
        ),
        (
            "of them in the store",
            format::count(info.outside),
            "not in the window",
        ),
        (
            "finished and gone",
            format::count(info.finished),
            "they have left the window",
        ),
    ] {
        style.pair(ui, name, value).on_hover_text(hover);
    }
    if info.dead > 0 {
        style.pair(ui, "dead and gone", format::count(info.dead));
    }
    if info.failed > 0 {
        style.pair(ui, "failed and gone", format::count(info.failed));
    }
}

/// Its last minutes: the rate, and how long answers took.
fn trends(
    ui: &mut Ui,
    style: &Style,
    control: &FieldControl<'_>,
    history: &History,
    info: &HostInfo,
) {
    let Some(snapshot) = control.feed.session() else {
        return;
    };
    let Some(series) = history.series.get(&snapshot.session.id) else {
        return;
    };
    let begin = series.first().map_or(snapshot.at, |point| point.at);
    let from = trend_begin(begin, snapshot.at);
    let states = &style.theme.states;
    style.section(ui, "The last minutes");
    let rate = |point: &HostPoint| Some(point.rate);
    let answers = |point: &HostPoint| point.p50_ms;
    let curves = [
        (
            "requests a second",
            series.hosts.curve(info.id, from, rate),
            states.running,
        ),
        (
            "median answer",
            series.hosts.curve(info.id, from, answers),
            states.retry,
        ),
    ];
    for (name, curve, hex) in curves {
        let most = curve.iter().map(|point| point[1]).fold(0.0, f64::max);
        let most = match name {
            "median answer" => format::span(most),
            _ => format::rate(most),
        };
        style.pair(ui, name, format!("at most {most}"));
        let size = Vec2::new(ui.available_width(), 26.0);
        let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
        sparkline::draw(ui.painter(), style, rect, &curve, (from, snapshot.at), hex);
    }
}

fn switches(ui: &mut Ui, style: &Style, commands: &mut PendingCommands, host: &str) {
    style.section(ui, "Breaker");
    ui.add_enabled_ui(commands.can_send(), |ui| {
        ui.horizontal_wrapped(|ui| {
            let choices = [
                ("Open", Some(true), "hold all requests to this host"),
                ("Close", Some(false), "let requests pass whatever happens"),
                ("By rule", None, "as the failure rate says"),
            ];
            for (text, open, hover) in choices {
                if ui.button(text).on_hover_text(hover).clicked() {
                    let what = format!("breaker of {}: {}", safe(host), text.to_lowercase());
                    let command = Command::Breaker {
                        host: host.to_owned(),
                        open,
                    };
                    commands.send(what, command);
                }
            }
        });
    });
}

/// Brings a host's block to fill the field.
fn fit(control: &mut FieldControl<'_>, number: u32) {
    if control.field.cells.arrangement() != Arrangement::Territory {
        control.arrange(Arrangement::Territory);
    }
    // A host without a task has no block yet, and one that is folded stands among the chips.
    let place = control.field.placed.get(index(number));
    if let Some(place) = place.filter(|place| place.columns > 0) {
        let (rect, area) = (place.rect, control.view.area);
        let by_height = area.height() / rect.height().max(1.0);
        let by_width = area.width() / rect.width().max(1.0);
        let width = rect.width() * by_height.min(by_width) * 0.94;
        control.view.look_at(rect, width);
    }
}
