//! Hosts: a table of all, and one with its breaker's switches.

use bevy_egui::egui::{Align2, Color32, Label, Rect, RichText, ScrollArea, Sense, Ui, Vec2, pos2};
use crawlfield_engine::{
    feed::snapshot::HostInfo,
    message::{commands::Command, store_verbs::DeadSelector},
    model::{ids::HostId, phase::BreakerPhase},
    progress::safe,
};

use super::{
    Inspector, PendingCommands, actions, format,
    style::{Style, write},
};
use crate::{
    field::{Arrangement, FieldControl, texel::SIGN_PARKED},
    numbers::index,
};

/// Columns of the table and where they end, as shares of its width.
const COLUMNS: [(&str, f32); 8] = [
    ("host", 0.0),
    ("breaker", 0.42),
    ("rate /s", 0.52),
    ("limit", 0.60),
    ("pace", 0.69),
    ("in flight", 0.79),
    ("waiting", 0.90),
    ("finished", 1.0),
];

/// All hosts that the snapshots tell of; a click shows one in the inspector.
pub(super) fn draw_table(
    ui: &mut Ui,
    style: &Style,
    control: &mut FieldControl<'_>,
    inspector: &mut Inspector,
) {
    let names = COLUMNS.map(|(name, _)| name.to_owned());
    row(ui, style, &names, style.faint(), None);
    let snapshots = control.feed.snapshots.iter();
    let mut infos: Vec<&HostInfo> = snapshots.flat_map(|snapshot| &snapshot.hosts).collect();
    infos.sort_by(|a, b| {
        b.in_flight
            .cmp(&a.in_flight)
            .then(b.waiting.cmp(&a.waiting))
            .then(a.id.cmp(&b.id))
    });
    let mut chosen = None;
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        for info in infos {
            let cells = [
                safe(&info.host),
                safe(&info.breaker).replace('_', " "),
                format::rate(info.rate),
                info.limit.to_string(),
                format::span(info.pace * 1e3),
                info.in_flight.to_string(),
                format::count(info.waiting),
                format::count(info.finished),
            ];
            let sign = (info.breaker != "closed").then_some(SIGN_PARKED);
            if row(ui, style, &cells, style.text(), sign) {
                chosen = Some(HostId(info.id));
            }
        }
    });
    if let Some(host) = chosen {
        control.select(Vec::new());
        inspector.show_host(host);
    }
}

/// A line of the table; whether it was clicked.
fn row(ui: &mut Ui, style: &Style, cells: &[String; 8], ink: Color32, sign: Option<u32>) -> bool {
    let size = Vec2::new(ui.available_width(), 18.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    let painter = ui.painter();
    if response.hovered() {
        painter.rect_filled(rect, 3.0, style.raised());
    }
    let (room, y) = (rect.width() - 16.0, rect.center().y);
    for ((cell, (_, end)), at) in cells.iter().zip(COLUMNS).zip(0..) {
        if at > 0 {
            let at = pos2(rect.left() + room * end, y);
            write(painter, at, Align2::RIGHT_CENTER, cell, 12.0, ink);
            continue;
        }
        let mut left = rect.left() + 4.0;
        if let Some(sign) = sign {
            let glyph = Rect::from_center_size(pos2(left + 7.0, y), Vec2::splat(13.0));
            style.glyph(painter, glyph, sign);
            left += 18.0;
        }
        let clip = Rect::from_min_max(rect.min, pos2(rect.left() + room * 0.31, rect.bottom()));
        let painter = painter.with_clip_rect(clip);
        write(
            &painter,
            pos2(left, y),
            Align2::LEFT_CENTER,
            cell,
            12.0,
            ink,
        );
    }
    response.clicked()
}

/// One host in the inspector.
pub(super) fn draw_card(
    ui: &mut Ui,
    style: &Style,
    control: &mut FieldControl<'_>,
    inspector: &mut Inspector,
    commands: &mut PendingCommands,
    id: HostId,
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
    style.pair(ui, "drawn here", format::count(drawn));
    if let Some(info) = control.feed.host_info(number) {
        figures(ui, style, info);
    }
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
        if ui.button("Only this host").clicked() {
            let hosts = control.feed.mirror.tables().hosts().iter();
            let all: Vec<HostId> = hosts.map(|row| row.id).collect();
            control.filter.solo_host(id, all.into_iter());
            control.apply_filter();
        }
        if ui.button("Fit").clicked() {
            fit(control, number);
        }
        if ui.button("Close").clicked() {
            inspector.host = None;
        }
    });
}

fn figures(ui: &mut Ui, style: &Style, info: &HostInfo) {
    if let Some(left) = info.parked_for {
        style.pair(ui, "parked for", format::clock(left));
    }
    let in_flight = format!("{} of {}", info.in_flight, info.limit);
    for (name, value) in [
        ("requests a second", format::rate(info.rate)),
        ("in flight", in_flight),
        ("between two requests", format::span(info.pace * 1e3)),
        ("waiting", format::count(info.waiting)),
        ("of them in the store", format::count(info.outside)),
        ("finished and gone", format::count(info.finished)),
    ] {
        style.pair(ui, name, value);
    }
    if info.dead > 0 {
        style.pair(ui, "dead and gone", format::count(info.dead));
    }
    if info.failed > 0 {
        style.pair(ui, "failed and gone", format::count(info.failed));
    }
    if !info.why.is_empty() {
        style.section(ui, "Why this fast");
        ui.add(Label::new(safe(&info.why)).wrap());
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
