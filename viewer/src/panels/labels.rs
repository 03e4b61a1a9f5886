//! Words on the field: a block's name and speed in its header, counts beside its heaps, and the time
//! left of tasks near by.

use std::sync::Arc;

use bevy_egui::egui::{Align2, Color32, FontId, Galley, Painter, Pos2, Rect, vec2};
use crawlfield_engine::{
    model::phase::{BreakerPhase, Phase},
    progress::safe,
};

use super::{
    Desk,
    look::{colour, cut},
    words,
};
use crate::{
    compose::BESIDE,
    field::{
        board::{Arrangement, lane_of},
        heaps::{Heap, half_width},
        layout::Placed,
        texel::{FLAG_ALOFT, SIGN_PARKED},
    },
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
        header(painter, desk, block, rect, place.header * view.zoom / scale);
        foot(painter, desk, block, rect, place.foot * view.zoom / scale);
        if place.cell * view.zoom / scale >= NEAR {
            tasks(painter, desk, block, place, scale, &mut left);
        }
    }
}

/// Name at the left, speed at the right where there is room.
fn header(painter: &Painter, desk: &Desk<'_>, block: u32, rect: Rect, height: f32) {
    if height < 11.0 || rect.width() < 40.0 {
        return;
    }
    let size = (height * 0.52).clamp(10.0, 15.0);
    let bar = Rect::from_min_size(rect.min, vec2(rect.width(), height));
    // A header that is half outside keeps its words in sight.
    let shown = bar.intersect(painter.clip_rect());
    let painter = painter.with_clip_rect(shown);
    let is_territory = desk.show.board.arrangement() == Arrangement::Territory;
    let breaker = desk
        .show
        .mirror
        .tables()
        .hosts()
        .get(index(block))
        .map(|host| host.breaker);
    let breaker = breaker.filter(|_| is_territory).unwrap_or_default();
    // Inside the wall, where there is one.
    let wall = if breaker == BreakerPhase::Closed {
        0.0
    } else {
        3.0
    };
    let y = bar.center().y + wall;
    let mut x = shown.left() + 9.0 + wall;
    let right = shown.right() - 9.0 - wall;
    if breaker != BreakerPhase::Closed {
        let glyph =
            Rect::from_center_size(Pos2::new(x + size * 0.6, y), vec2(size * 1.2, size * 1.2));
        desk.look.glyph(&painter, glyph, SIGN_PARKED);
        x += size * 1.7;
    }
    let name = safe(desk.show.block_name(block));
    let ink = desk.look.text();
    let name = cut(&painter, &name, size, ink, right - x);
    let name_end = x + name.size().x;
    let plate = desk.look.raised();
    put(
        &painter,
        desk,
        Pos2::new(x, y),
        Align2::LEFT_CENTER,
        name,
        plate,
    );
    let end = if is_territory {
        pace(desk, block, breaker)
    } else {
        let blocks = desk.show.board.blocks();
        let count = blocks.get(index(block)).map_or(0, |block| block.count);
        words::count(u64::from(count))
    };
    let ink = desk.look.faint();
    let galley = painter.layout_no_wrap(end, FontId::proportional(size * 0.94), ink);
    if galley.size().x + 10.0 <= right - name_end {
        put(
            &painter,
            desk,
            Pos2::new(right, y),
            Align2::RIGHT_CENTER,
            galley,
            plate,
        );
    }
}

/// Words on the field. Where tasks fly, they pass behind them.
fn put(
    painter: &Painter,
    desk: &Desk<'_>,
    at: Pos2,
    anchor: Align2,
    words: Arc<Galley>,
    plate: Color32,
) {
    let rect = anchor.anchor_size(at, words.size());
    if desk.show.board.arrangement() == Arrangement::Flow && words.size().x > 0.0 {
        painter.rect_filled(rect.expand2(vec2(4.0, 1.0)), 3.0, plate);
    }
    painter.galley(rect.min, words, desk.look.text());
}

/// How fast a host is, or what holds it.
fn pace(desk: &Desk<'_>, block: u32, breaker: BreakerPhase) -> String {
    let info = desk.show.host_info(block);
    match (breaker, info.and_then(|info| info.parked_for)) {
        (BreakerPhase::Open, Some(left)) => format!("open, {}", words::clock(left)),
        (BreakerPhase::Open, None) => "open".to_owned(),
        (BreakerPhase::HalfOpen, _) => "probing".to_owned(),
        (BreakerPhase::Closed, Some(left)) => format!("parked, {}", words::clock(left)),
        (BreakerPhase::Closed, None) => {
            info.map_or_else(String::new, |info| format!("{}/s", words::rate(info.rate)))
        }
    }
}

/// Beside each heap how many tasks it stands for.
fn foot(painter: &Painter, desk: &Desk<'_>, block: u32, rect: Rect, height: f32) {
    if height < 12.0 || rect.width() < 60.0 {
        return;
    }
    let heap = desk.show.heap(block);
    let size = (height * 0.55).clamp(9.5, 12.0);
    let y = rect.bottom() - height * 0.56;
    let zoom = height / (desk.show.placed[index(block)].foot / desk.show.scale());
    let edge = |count| (BESIDE + 2.0 * half_width(count)) * zoom + 5.0;
    let write =
        |text: String| painter.layout_no_wrap(text, FontId::proportional(size), desk.look.faint());
    let gone = |is_long| ended(&heap, gone_word(desk, block), is_long);
    let waiting = |is_long| match (heap.waiting, is_long) {
        (0, _) => String::new(),
        (n, true) => format!("{} in the store", words::brief(n)),
        (n, false) => words::brief(n),
    };
    let (left, right) = (
        rect.left() + edge(heap.mound()),
        rect.right() - edge(heap.waiting),
    );
    for (is_left_long, is_right_long) in [(true, true), (true, false), (false, false)] {
        let (first, second) = (write(gone(is_left_long)), write(waiting(is_right_long)));
        if first.size().x + second.size().x + 10.0 <= right - left {
            let plate = colour(desk.look.theme.panel);
            put(
                painter,
                desk,
                Pos2::new(left, y),
                Align2::LEFT_CENTER,
                first,
                plate,
            );
            put(
                painter,
                desk,
                Pos2::new(right, y),
                Align2::RIGHT_CENTER,
                second,
                plate,
            );
            return;
        }
    }
}

/// Those that have ended and are gone: well, and badly.
fn ended(heap: &Heap, lost_word: &str, is_long: bool) -> String {
    let well = match (heap.gone, is_long) {
        (0, _) => None,
        (n, true) => Some(format!("{} finished", words::brief(n))),
        (n, false) => Some(words::brief(n)),
    };
    let badly = (heap.lost > 0).then(|| format!("{} {lost_word}", words::brief(heap.lost)));
    let both: Vec<String> = well.into_iter().chain(badly).collect();
    both.join(", ")
}

/// What those that ended badly and are gone are called.
fn gone_word(desk: &Desk<'_>, block: u32) -> &'static str {
    let is_flow = desk.show.board.arrangement() == Arrangement::Flow;
    if is_flow && block == lane_of(Phase::Dead) {
        "more in the store"
    } else {
        "failed"
    }
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
            let board = &desk.show.board;
            // Who is still on the way is not under its label yet.
            let is_home = |slot: &u32| board.flags_of(*slot) & FLAG_ALOFT == 0;
            let Some(slot) = board.slot_in(block, cell).filter(is_home) else {
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
            let galley = painter.layout_no_wrap(text, FontId::proportional(10.5), desk.look.text());
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
