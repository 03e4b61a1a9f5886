//! Words on the field: a block's name and figures in its header, and the time left of tasks near by.

use bevy_egui::egui::{Align2, Painter, Pos2, Rect, vec2};
use crawlfield_engine::{feed::frame::BreakerPhase, model::phase::Phase, progress::safe};

use super::{
    Desk,
    look::{colour, write_cut},
    words,
};
use crate::{
    field::{board::Arrangement, layout::HEADER, layout::Placed, texel::SIGN_PARKED},
    numbers::{floor_u32, index, wide},
};

/// Task labels at once.
const TASKS: u32 = 300;
/// Cells of fewer points carry no words.
const NEAR: f32 = 56.0;

pub(super) fn draw(painter: &Painter, desk: &Desk<'_>, scale: f32) {
    let view = desk.show.view;
    let mut left = TASKS;
    for (block, place) in (0_u32..).zip(&desk.show.placed) {
        let on_screen = view.rect_to_screen(place.rect);
        let rect = Rect::from_min_max(
            Pos2::new(on_screen.left / scale, on_screen.top / scale),
            Pos2::new(on_screen.right / scale, on_screen.bottom / scale),
        );
        if !rect.intersects(painter.clip_rect()) {
            continue;
        }
        header(painter, desk, block, rect, HEADER * view.zoom / scale);
        if place.cell * view.zoom / scale >= NEAR {
            tasks(painter, desk, block, place, scale, &mut left);
        }
    }
}

/// Name at the left, what stands outside the picture in the middle, speed at the right.
fn header(painter: &Painter, desk: &Desk<'_>, block: u32, rect: Rect, height: f32) {
    if height < 11.0 || rect.width() < 40.0 {
        return;
    }
    let size = (height * 0.52).clamp(10.0, 15.0);
    let bar = Rect::from_min_size(rect.min, vec2(rect.width(), height));
    // A header that is half outside keeps its words in sight.
    let shown = bar.intersect(painter.clip_rect());
    let painter = painter.with_clip_rect(shown);
    let y = bar.center().y;
    let mut x = shown.left() + 9.0;
    let right = shown.right() - 9.0;
    let is_territory = desk.show.board.arrangement() == Arrangement::Territory;
    let breaker = desk
        .show
        .mirror
        .tables()
        .hosts()
        .get(index(block))
        .map(|host| host.breaker);
    let breaker = breaker.filter(|_| is_territory).unwrap_or_default();
    if breaker != BreakerPhase::Closed {
        let glyph =
            Rect::from_center_size(Pos2::new(x + size * 0.6, y), vec2(size * 1.2, size * 1.2));
        desk.look.glyph(&painter, glyph, SIGN_PARKED);
        x += size * 1.7;
    }
    let name = safe(desk.show.block_name(block));
    let drawn = write_cut(
        &painter,
        Pos2::new(x, y),
        &name,
        size,
        desk.look.text(),
        right - x,
    );
    let (middle, end) = if is_territory {
        host_words(desk, block, breaker)
    } else {
        let count = desk
            .show
            .board
            .blocks()
            .get(index(block))
            .map_or(0, |block| block.count);
        (String::new(), words::count(u64::from(count)))
    };
    let room = right - drawn.right();
    let ink = desk.look.faint();
    let galley =
        painter.layout_no_wrap(end, bevy_egui::egui::FontId::proportional(size * 0.94), ink);
    let end_width = galley.size().x;
    if end_width + 12.0 > room {
        return;
    }
    painter.galley(
        Pos2::new(right - end_width, y - galley.size().y / 2.0),
        galley,
        ink,
    );
    let galley = painter.layout_no_wrap(
        middle,
        bevy_egui::egui::FontId::proportional(size * 0.88),
        ink,
    );
    if galley.size().x + end_width + 40.0 < room {
        let at = Pos2::new(drawn.right() + 12.0, y - galley.size().y / 2.0);
        painter.galley(at, galley, ink);
    }
}

fn host_words(desk: &Desk<'_>, block: u32, breaker: BreakerPhase) -> (String, String) {
    let Some(info) = desk.show.host_info(block) else {
        return (String::new(), String::new());
    };
    let mut parts = Vec::new();
    if info.finished > 0 {
        parts.push(format!("{} finished", words::brief(info.finished)));
    }
    if info.outside > 0 {
        parts.push(format!("{} in the store", words::brief(info.outside)));
    }
    let end = match (breaker, info.parked_for) {
        (BreakerPhase::Open, Some(left)) => format!("open, {}", words::clock(left)),
        (BreakerPhase::Open, None) => "open".to_owned(),
        (BreakerPhase::HalfOpen, _) => "probing".to_owned(),
        (BreakerPhase::Closed, Some(left)) => format!("parked, {}", words::clock(left)),
        (BreakerPhase::Closed, None) => format!("{}/s", words::rate(info.rate)),
    };
    (parts.join(" · "), end)
}

/// Time left below each task that is in flight or waits for its next attempt.
fn tasks(
    painter: &Painter,
    desk: &Desk<'_>,
    block: u32,
    place: &Placed,
    scale: f32,
    left: &mut u32,
) {
    let view = desk.show.view;
    let area = view.area;
    let (x0, y0) = view.to_field(area.left, area.top);
    let (x1, y1) = view.to_field(area.right, area.bottom);
    let column = |x: f32| floor_u32(((x - place.x) / place.cell).max(0.0)).min(place.columns);
    let row = |y: f32| floor_u32(((y - place.y) / place.cell).max(0.0));
    for row in row(y0)..=row(y1) {
        for column in column(x0)..=column(x1).min(place.columns - 1) {
            let cell = row * place.columns + column;
            if cell >= desk.show.board.blocks()[index(block)].used() {
                return;
            }
            let Some(slot) = desk.show.board.slot_in(block, cell) else {
                continue;
            };
            let Some(text) = remaining(desk, slot) else {
                continue;
            };
            if *left == 0 {
                return;
            }
            *left -= 1;
            let rect = view.rect_to_screen(place.cell_rect(cell));
            let at = Pos2::new(
                f32::midpoint(rect.left, rect.right) / scale,
                rect.bottom / scale - 1.0,
            );
            let galley = painter.layout_no_wrap(
                text,
                bevy_egui::egui::FontId::proportional(10.5),
                desk.look.text(),
            );
            let ground = Align2::CENTER_BOTTOM.anchor_size(at, galley.size());
            painter.rect_filled(
                ground.expand2(vec2(3.0, 0.0)),
                3.0,
                colour(desk.look.theme.panel).gamma_multiply(0.8),
            );
            painter.galley(ground.min, galley, desk.look.text());
        }
    }
}

fn remaining(desk: &Desk<'_>, slot: u32) -> Option<String> {
    let task = desk.show.mirror.task(slot)?;
    let now = desk.show.now_us;
    if let Some(due) = task.due_us.filter(|_| task.phase == Phase::Backoff) {
        return Some(format!(
            "again in {}",
            words::clock(wide(due.saturating_sub(now)) / 1e6)
        ));
    }
    let (median, ..) = task.expected_ms?;
    let end = task.changed_us + u64::from(median) * 1_000;
    Some(if end > now {
        format!("{} left", words::span(wide(end - now) / 1e3))
    } else {
        format!("{} over", words::span(wide(now - end) / 1e3))
    })
}
