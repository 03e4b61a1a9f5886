//! The legend is the filter is the count: states, stages, classes of failure, hosts, and the search.

use bevy_egui::egui::{self, Align2, Rect, RichText, ScrollArea, Sense, TextEdit, Ui, Vec2};
use crawlfield_engine::{
    model::{
        class::ErrorClass,
        phase::{BreakerPhase, Phase},
    },
    progress::safe,
};

use super::{
    Desk,
    look::{bit, write, write_cut},
    words,
};
use crate::{
    field::texel::{SIGN_PARKED, SIGN_PAUSED, sign_of},
    sieve::clicked,
};

/// Signs in the order of a task's life.
const ORDER: [Phase; 12] = [
    Phase::Queued,
    Phase::Fetching,
    Phase::Fetched,
    Phase::Parsing,
    Phase::Parsed,
    Phase::Saving,
    Phase::Done,
    Phase::Backoff,
    Phase::Failed,
    Phase::Dead,
    Phase::Skipped,
    Phase::Cancelled,
];
/// Bits of all signs on offer.
const SIGNS: u32 = (1 << 15) - 2;

pub(super) fn draw(ui: &mut Ui, desk: &mut Desk<'_>) {
    search(ui, desk);
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        heads(ui, desk);
        states(ui, desk);
        stages(ui, desk);
        classes(ui, desk);
        hosts(ui, desk);
    });
}

fn search(ui: &mut Ui, desk: &mut Desk<'_>) {
    let edit = TextEdit::singleline(&mut desk.panels.search)
        .hint_text("search URLs  /")
        .desired_width(f32::INFINITY);
    let response = ui.add(edit);
    if core::mem::take(&mut desk.panels.is_search_wanted) {
        response.request_focus();
    }
    if response.changed() {
        let text = desk.panels.search.clone();
        desk.show.sieve.search(&text);
        resift(desk);
    }
    if desk.show.sieve.is_open() {
        desk.panels.passing = None;
    } else if let Some(passing) = desk.panels.passing {
        ui.horizontal(|ui| {
            let text = format!(
                "{} of {} match",
                words::count(passing),
                words::count(desk.show.mirror.len())
            );
            ui.label(RichText::new(text).small().color(desk.look.faint()));
            if ui.small_button("clear").clicked() {
                desk.panels.search.clear();
                desk.show.sieve = crate::sieve::Sieve::default();
                desk.show.sift();
            }
        });
    }
}

fn resift(desk: &mut Desk<'_>) {
    desk.panels.passing = Some(desk.show.sift());
}

fn heads(ui: &mut Ui, desk: &Desk<'_>) {
    let (rect, _) = ui.allocate_exact_size(Vec2::new(ui.available_width(), 18.0), Sense::hover());
    let ink = desk.look.faint();
    let painter = ui.painter();
    let y = rect.bottom() - 3.0;
    write(
        painter,
        egui::pos2(rect.left(), y),
        Align2::LEFT_BOTTOM,
        "State",
        11.0,
        ink,
    );
    write(
        painter,
        egui::pos2(rect.right() - 62.0, y),
        Align2::RIGHT_BOTTOM,
        "drawn",
        11.0,
        ink,
    );
    write(
        painter,
        egui::pos2(rect.right(), y),
        Align2::RIGHT_BOTTOM,
        "all",
        11.0,
        ink,
    );
}

/// One line of the legend.
struct Row<'a> {
    sign: Option<u32>,
    name: &'a str,
    drawn: u64,
    all: Option<u64>,
    is_shown: bool,
    hover: &'a str,
}

/// Draws a line; whether it was clicked, and whether with shift.
fn row(ui: &mut Ui, desk: &Desk<'_>, row: &Row<'_>) -> Option<bool> {
    let size = Vec2::new(ui.available_width(), 18.5);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    let painter = ui.painter();
    if response.hovered() || response.has_focus() {
        painter.rect_filled(rect.expand2(Vec2::new(4.0, 0.0)), 3.0, desk.look.raised());
    }
    let alpha = if row.is_shown { 1.0 } else { 0.35 };
    let ink = desk.look.text().gamma_multiply(alpha);
    let faint = desk.look.faint().gamma_multiply(alpha);
    let y = rect.center().y;
    let mut left = rect.left();
    if let Some(sign) = row.sign {
        let glyph = Rect::from_center_size(egui::pos2(left + 8.0, y), Vec2::splat(14.0));
        desk.look.faded_glyph(painter, glyph, sign, alpha);
        left += 22.0;
    }
    let text_ink = if row.drawn == 0 && row.all.unwrap_or(0) == 0 {
        faint
    } else {
        ink
    };
    let drawn_at = rect.right() - if row.all.is_some() { 62.0 } else { 0.0 };
    let drawn = write(
        painter,
        egui::pos2(drawn_at, y),
        Align2::RIGHT_CENTER,
        words::count(row.drawn),
        12.5,
        text_ink,
    );
    // The name gets all the room that the figure leaves.
    let name_end = drawn.left() - 6.0;
    let at = egui::pos2(left, y);
    write_cut(painter, at, row.name, 12.5, text_ink, name_end - left);
    if let Some(all) = row.all {
        write(
            painter,
            egui::pos2(rect.right(), y),
            Align2::RIGHT_CENTER,
            words::count(all),
            12.5,
            faint,
        );
    }
    if !row.is_shown {
        let stroke = egui::Stroke::new(1.0, faint);
        painter.hline(left..=(left + 40.0).min(name_end), y, stroke);
    }
    let response = response.on_hover_text(row.hover);
    response
        .clicked()
        .then(|| ui.input(|input| input.modifiers.shift))
}

/// Queued tasks behind an open breaker, and in a paused session, as the field draws them.
fn held(desk: &Desk<'_>) -> (u64, u64) {
    let show = &desk.show;
    let queued = show.mirror.counts().of(Phase::Queued);
    let is_open = |phase| phase == BreakerPhase::Open;
    let hosts = show.mirror.tables().hosts().iter();
    let parked: u64 = hosts
        .filter(|host| is_open(host.breaker))
        .map(|host| host.counts.of(Phase::Queued))
        .sum();
    let paused = if show.is_held() { queued - parked } else { 0 };
    (parked, paused)
}

fn states(ui: &mut Ui, desk: &mut Desk<'_>) {
    let (parked, paused) = held(desk);
    let total = |phase: Phase| -> u64 {
        let snapshots = desk.show.news.snapshots.iter();
        snapshots
            .filter_map(|snapshot| snapshot.progress.by_state.get(phase.name()))
            .sum()
    };
    let mut lines: Vec<(u32, &str, u64, Option<u64>)> = ORDER
        .into_iter()
        .map(|phase| {
            let mut drawn = desk.show.mirror.counts().of(phase);
            if phase == Phase::Queued {
                drawn = drawn.saturating_sub(parked + paused);
            }
            // The snapshot is up to a second old: what is drawn is known better.
            let mut all = total(phase);
            if phase == Phase::Queued {
                all = all.saturating_sub(parked + paused);
            }
            (
                sign_of(phase),
                words::phase(phase),
                drawn,
                Some(all.max(drawn)),
            )
        })
        .collect();
    lines.insert(1, (SIGN_PARKED, "at breaker", parked, None));
    lines.insert(2, (SIGN_PAUSED, "paused", paused, None));
    for (sign, name, drawn, all) in lines {
        let mask = desk.show.choices.signs;
        let line = Row {
            sign: Some(sign),
            name,
            drawn,
            all: all.or(Some(drawn)),
            is_shown: mask >> sign & 1 == 1,
            hover: "click: hide or show; shift-click: alone",
        };
        if let Some(solo) = row(ui, desk, &line) {
            desk.show.choices.signs = clicked(mask, 1 << sign, SIGNS, solo);
        }
    }
}

fn stages(ui: &mut Ui, desk: &mut Desk<'_>) {
    let sessions = desk.show.mirror.tables().sessions();
    let Some(session) = sessions.last() else {
        return;
    };
    let rows: Vec<(String, u64)> = session
        .stages
        .iter()
        .map(|stage| (safe(&stage.name), stage.counts.total()))
        .collect();
    let all = bit(rows.len().min(31)).wrapping_sub(1);
    let info = desk
        .show
        .news
        .snapshots
        .last()
        .map(|snapshot| snapshot.progress.stages.clone());
    desk.look.section(ui, "Stages");
    for (at, (name, drawn)) in rows.into_iter().enumerate() {
        let mask = desk.show.choices.stages;
        let line = Row {
            sign: None,
            name: &name,
            drawn,
            all: info
                .as_ref()
                .and_then(|stages| Some(stages.get(at)?.discovered.max(drawn))),
            is_shown: mask & bit(at) != 0,
            hover: "click: hide or show; shift-click: alone",
        };
        if let Some(solo) = row(ui, desk, &line) {
            desk.show.choices.stages = clicked(mask, bit(at), all, solo);
        }
    }
}

fn classes(ui: &mut Ui, desk: &mut Desk<'_>) {
    let mut counts: Vec<(ErrorClass, u64)> = ErrorClass::ALL
        .into_iter()
        .map(|class| {
            let snapshots = desk.show.news.snapshots.iter();
            let count = snapshots
                .filter_map(|snapshot| snapshot.errors.get(class.name()))
                .sum();
            (class, count)
        })
        .filter(|(_, count)| *count > 0)
        .collect();
    if counts.is_empty() {
        return;
    }
    counts.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    desk.look.section(ui, "Failed attempts");
    for (class, count) in counts.into_iter().take(8) {
        let solo = desk.show.sieve.class();
        let line = Row {
            sign: None,
            name: &words::class(class),
            drawn: count,
            all: None,
            is_shown: solo.is_none_or(|only| only == class),
            hover: "click: only tasks whose last failure was this",
        };
        if row(ui, desk, &line).is_some() {
            desk.show.sieve.solo_class(class);
            resift(desk);
        }
    }
}

fn hosts(ui: &mut Ui, desk: &mut Desk<'_>) {
    let mut hosts: Vec<(
        crawlfield_engine::model::ids::HostId,
        String,
        u64,
        BreakerPhase,
    )> = desk
        .show
        .mirror
        .tables()
        .hosts()
        .iter()
        .map(|host| (host.id, safe(&host.name), host.counts.total(), host.breaker))
        .collect();
    if hosts.is_empty() {
        return;
    }
    hosts.sort_by(|a, b| b.2.cmp(&a.2).then(a.0.cmp(&b.0)));
    desk.look.section(ui, "Hosts");
    let ids: Vec<_> = desk
        .show
        .mirror
        .tables()
        .hosts()
        .iter()
        .map(|host| host.id)
        .collect();
    for (id, name, drawn, breaker) in hosts.into_iter().take(64) {
        let hover = format!("{name}\nclick: hide or show; shift-click: alone");
        let line = Row {
            sign: (breaker != BreakerPhase::Closed).then_some(SIGN_PARKED),
            name: &name,
            drawn,
            all: None,
            is_shown: desk.show.sieve.shows_host(id),
            hover: &hover,
        };
        if let Some(solo) = row(ui, desk, &line) {
            if solo {
                desk.show.sieve.solo_host(id, ids.iter().copied());
            } else {
                desk.show.sieve.toggle_host(id);
            }
            resift(desk);
        }
    }
}
