//! Hosts: a table of all, and one with its breaker's switches.

use bevy_egui::egui::{Label, RichText, ScrollArea, Ui};
use crawlfield_engine::{
    feed::snapshot::HostInfo,
    message::{commands::Command, store_verbs::DeadSelector},
    model::{ids::HostId, phase::BreakerPhase},
    progress::safe,
};

use super::{Desk, acting, words};
use crate::{
    field::{board::Arrangement, texel::SIGN_PARKED},
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

pub(super) fn draw(ui: &mut Ui, desk: &mut Desk<'_>) {
    row(
        ui,
        desk,
        &COLUMNS.map(|(name, _)| name.to_owned()),
        desk.look.faint(),
        None,
    );
    let mut infos: Vec<HostInfo> = desk
        .show
        .news
        .snapshots
        .iter()
        .flat_map(|snapshot| snapshot.hosts.clone())
        .collect();
    infos.sort_by(|a, b| {
        b.in_flight
            .cmp(&a.in_flight)
            .then(b.waiting.cmp(&a.waiting))
            .then(a.id.cmp(&b.id))
    });
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        for info in infos {
            let cells = [
                safe(&info.host),
                safe(&info.breaker).replace('_', " "),
                words::rate(info.rate),
                info.limit.to_string(),
                words::span(info.pace * 1e3),
                info.in_flight.to_string(),
                words::count(info.waiting),
                words::count(info.finished),
            ];
            let ink = desk.look.text();
            let mark = (info.breaker != "closed").then_some(SIGN_PARKED);
            if row(ui, desk, &cells, ink, mark) {
                desk.show.select(Vec::new());
                desk.panels.shown = None;
                desk.panels.host = Some(HostId(info.id));
            }
        }
    });
}

fn row(
    ui: &mut Ui,
    desk: &Desk<'_>,
    cells: &[String; 8],
    ink: bevy_egui::egui::Color32,
    mark: Option<u32>,
) -> bool {
    use bevy_egui::egui::{Align2, Rect, Sense, Vec2, pos2};
    let size = Vec2::new(ui.available_width(), 18.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    let painter = ui.painter();
    if response.hovered() {
        painter.rect_filled(rect, 3.0, desk.look.raised());
    }
    let room = rect.width() - 16.0;
    for ((cell, (_, end)), at) in cells.iter().zip(COLUMNS).zip(0..) {
        let y = rect.center().y;
        if at == 0 {
            let mut left = rect.left() + 4.0;
            if let Some(sign) = mark {
                let glyph = Rect::from_center_size(pos2(left + 7.0, y), Vec2::splat(13.0));
                desk.look.glyph(painter, glyph, sign);
                left += 18.0;
            }
            let clip = Rect::from_min_max(rect.min, pos2(rect.left() + room * 0.31, rect.bottom()));
            super::look::write(
                &painter.with_clip_rect(clip),
                pos2(left, y),
                Align2::LEFT_CENTER,
                cell,
                12.0,
                ink,
            );
        } else {
            let x = rect.left() + room * end;
            super::look::write(painter, pos2(x, y), Align2::RIGHT_CENTER, cell, 12.0, ink);
        }
    }
    response.clicked()
}

/// One host in the inspector.
pub(super) fn card(ui: &mut Ui, desk: &mut Desk<'_>, id: HostId) {
    let tables = desk.show.mirror.tables();
    let Some((name, breaker, drawn)) = tables
        .host(id)
        .map(|row| (row.name.to_string(), row.breaker, row.counts.total()))
    else {
        desk.panels.host = None;
        return;
    };
    ui.label(RichText::new(safe(&name)).heading());
    let (word, sign) = match breaker {
        BreakerPhase::Closed => ("breaker closed: requests pass", None),
        BreakerPhase::Open => ("breaker open: none passes", Some(SIGN_PARKED)),
        BreakerPhase::HalfOpen => ("breaker half open: probes pass", Some(SIGN_PARKED)),
    };
    ui.horizontal(|ui| {
        if let Some(sign) = sign {
            desk.look.sign(ui, sign);
        }
        ui.label(word);
    });
    let infos = desk
        .show
        .news
        .snapshots
        .iter()
        .flat_map(|snapshot| &snapshot.hosts);
    let info = infos.into_iter().find(|info| info.id == id.0).cloned();
    desk.look.pair(ui, "drawn here", words::count(drawn));
    if let Some(info) = &info {
        figures(ui, desk, info);
    }
    switches(ui, desk, &name);
    let host = Some(name.clone());
    let selector = DeadSelector {
        host,
        ..DeadSelector::default()
    };
    acting::crowd(ui, desk, &safe(&name), &selector, |task| task.host == id);
    desk.look.section(ui, "Look");
    ui.horizontal_wrapped(|ui| {
        if ui.button("Only this host").clicked() {
            let all: Vec<HostId> = desk
                .show
                .mirror
                .tables()
                .hosts()
                .iter()
                .map(|row| row.id)
                .collect();
            desk.show.sieve.solo_host(id, all.into_iter());
            desk.panels.passing = Some(desk.show.sift());
        }
        if ui.button("Fit").clicked() {
            fit(desk, id);
        }
        if ui.button("Close").clicked() {
            desk.panels.host = None;
        }
    });
}

fn figures(ui: &mut Ui, desk: &Desk<'_>, info: &HostInfo) {
    if let Some(left) = info.parked_for {
        desk.look.pair(ui, "parked for", words::clock(left));
    }
    desk.look
        .pair(ui, "requests a second", words::rate(info.rate));
    desk.look.pair(
        ui,
        "in flight",
        format!("{} of {}", info.in_flight, info.limit),
    );
    desk.look
        .pair(ui, "between two requests", words::span(info.pace * 1e3));
    desk.look.pair(ui, "waiting", words::count(info.waiting));
    desk.look
        .pair(ui, "of them in the store", words::count(info.outside));
    desk.look
        .pair(ui, "finished and gone", words::count(info.finished));
    if info.dead > 0 {
        desk.look.pair(ui, "dead and gone", words::count(info.dead));
    }
    if info.failed > 0 {
        desk.look
            .pair(ui, "failed and gone", words::count(info.failed));
    }
    if !info.why.is_empty() {
        desk.look.section(ui, "Why this fast");
        ui.add(Label::new(safe(&info.why)).wrap());
    }
}

fn switches(ui: &mut Ui, desk: &mut Desk<'_>, host: &str) {
    desk.look.section(ui, "Breaker");
    let is_open = desk.show.source.commands().is_some();
    ui.add_enabled_ui(is_open, |ui| {
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
                    desk.panels.asking.ask(desk.show, what, command);
                }
            }
        });
    });
}

/// Brings the host's block to fill the field.
fn fit(desk: &mut Desk<'_>, id: HostId) {
    if desk.show.board.arrangement() != Arrangement::Territory {
        desk.show.arrange(Arrangement::Territory);
    }
    let Some(block) = desk.show.mirror.tables().host_number(id) else {
        return;
    };
    if let Some(place) = desk.show.placed.get(index(block)).copied() {
        let view = &mut desk.show.view;
        let by_height = view.area.height() / place.rect.height().max(1.0);
        let by_width = view.area.width() / place.rect.width().max(1.0);
        view.look_at(
            place.rect,
            place.rect.width() * by_height.min(by_width) * 0.94,
        );
        desk.show.unfit();
    }
}
