//! Labels on the field: a block's name and speed in its header, counts beside its mounds, and the
//! time left of tasks near by.

use std::sync::Arc;

use bevy_egui::egui::{Align2, Color32, FontId, Galley, Painter, Pos2, Rect, vec2};
use crawlfield_engine::{
    model::phase::{BreakerPhase, Phase},
    progress::safe,
};

use super::{
    format,
    style::{Style, colour, cut},
};
use crate::{
    feed::Feed,
    field::{
        Arrangement, Field, FieldControl, lane_of,
        layout::Placed,
        outside::{Outside, half_width},
        texel::{FLAG_FLYING, SIGN_PARKED},
        view::View,
    },
    numbers::{floor_u32, index, wide},
    scene::MOUND_MARGIN,
};

/// Labels of tasks at once, at most.
const TASKS: u32 = 300;
/// Cells of fewer points carry no words.
const NEAR: f32 = 56.0;

/// Draws all labels that are in sight; `scale` is pixels a point.
pub(super) fn draw(painter: &Painter, style: &Style, control: &FieldControl<'_>, scale: f32) {
    let labels = Labels {
        painter,
        style,
        feed: &control.feed,
        field: &control.field,
        view: &control.view,
        scale,
    };
    let mut left = TASKS;
    for (block, place) in (0_u32..).zip(&control.field.placed) {
        let on_screen = labels.view.rect_to_screen(place.rect);
        let rect = Rect::from_min_max(
            Pos2::new(on_screen.left / scale, on_screen.top / scale),
            Pos2::new(on_screen.right / scale, on_screen.bottom / scale),
        );
        if !rect.intersects(painter.clip_rect()) {
            continue;
        }
        let zoom = labels.view.zoom / scale;
        labels.header(block, rect, place.header * zoom);
        labels.foot(block, rect, place.foot * zoom);
        if place.cell * zoom >= NEAR {
            labels.tasks(block, place, &mut left);
        }
    }
}

/// What labels are drawn with, and of what.
struct Labels<'a> {
    painter: &'a Painter,
    style: &'a Style,
    feed: &'a Feed,
    field: &'a Field,
    view: &'a View,
    /// Pixels a point of the screen.
    scale: f32,
}

impl Labels<'_> {
    fn is_flow(&self) -> bool {
        self.field.cells.arrangement() == Arrangement::Flow
    }

    /// Name at the left, speed at the right where there is room.
    fn header(&self, block: u32, rect: Rect, height: f32) {
        if height < 11.0 || rect.width() < 40.0 {
            return;
        }
        let size = (height * 0.52).clamp(10.0, 15.0);
        let bar = Rect::from_min_size(rect.min, vec2(rect.width(), height));
        // A header that is half outside keeps its words in sight.
        let shown = bar.intersect(self.painter.clip_rect());
        let painter = self.painter.with_clip_rect(shown);
        let breaker = self.field.breaker(block, &self.feed.mirror);
        let breaker = breaker.unwrap_or_default();
        let is_closed = breaker == BreakerPhase::Closed;
        // Inside the wall, where there is one.
        let wall = if is_closed { 0.0 } else { 3.0 };
        let y = bar.center().y + wall;
        let mut x = shown.left() + 9.0 + wall;
        let right = shown.right() - 9.0 - wall;
        if !is_closed {
            let center = Pos2::new(x + size * 0.6, y);
            let glyph = Rect::from_center_size(center, vec2(size * 1.2, size * 1.2));
            self.style.glyph(&painter, glyph, SIGN_PARKED);
            x += size * 1.7;
        }
        let name = safe(self.field.block_name(block, &self.feed.mirror));
        let name = cut(&painter, &name, size, self.style.text(), right - x);
        let name_end = x + name.size().x;
        let fill = self.style.raised();
        let at = Pos2::new(x, y);
        self.write(&painter, at, Align2::LEFT_CENTER, name, fill);
        let end = if self.is_flow() {
            let count = self.field.cells.blocks()[index(block)].count;
            format::count(u64::from(count))
        } else {
            speed(self.feed, block, breaker)
        };
        let font = FontId::proportional(size * 0.94);
        let galley = painter.layout_no_wrap(end, font, self.style.faint());
        if galley.size().x + 10.0 <= right - name_end {
            let at = Pos2::new(right, y);
            self.write(&painter, at, Align2::RIGHT_CENTER, galley, fill);
        }
    }

    /// Words on the field. Where tasks fly, they pass behind them.
    fn write(
        &self,
        painter: &Painter,
        at: Pos2,
        anchor: Align2,
        words: Arc<Galley>,
        fill: Color32,
    ) {
        let rect = anchor.anchor_size(at, words.size());
        if self.is_flow() && words.size().x > 0.0 {
            painter.rect_filled(rect.expand2(vec2(4.0, 1.0)), 3.0, fill);
        }
        painter.galley(rect.min, words, self.style.text());
    }

    /// Beside each mound how many tasks it stands for: in long words, in short ones, or not at all.
    fn foot(&self, block: u32, rect: Rect, height: f32) {
        if height < 12.0 || rect.width() < 60.0 {
            return;
        }
        let outside = self.field.outside(block, &self.feed.mirror);
        let font = FontId::proportional((height * 0.55).clamp(9.5, 12.0));
        let y = rect.bottom() - height * 0.56;
        let zoom = height / (self.field.placed[index(block)].foot / self.scale);
        let edge = |count| (MOUND_MARGIN + 2.0 * half_width(count)) * zoom + 5.0;
        let left = rect.left() + edge(outside.mound());
        let right = rect.right() - edge(outside.waiting);
        let failed = if self.is_flow() && block == lane_of(Phase::Dead) {
            "more in the store"
        } else {
            "failed"
        };
        let laid = |text: String| {
            self.painter
                .layout_no_wrap(text, font.clone(), self.style.faint())
        };
        for (is_left_long, is_right_long) in [(true, true), (true, false), (false, false)] {
            let first = laid(ended(&outside, failed, is_left_long));
            let second = laid(waiting(&outside, is_right_long));
            if first.size().x + second.size().x + 10.0 <= right - left {
                let fill = colour(self.style.theme.panel);
                let at = Pos2::new(left, y);
                self.write(self.painter, at, Align2::LEFT_CENTER, first, fill);
                let at = Pos2::new(right, y);
                self.write(self.painter, at, Align2::RIGHT_CENTER, second, fill);
                return;
            }
        }
    }

    /// Time left below each task that is in flight or waits for its next attempt; `left` are the
    /// labels that may still be drawn.
    fn tasks(&self, block: u32, place: &Placed, left: &mut u32) {
        let area = self.view.area;
        let (x0, y0) = self.view.to_field(area.left, area.top);
        let (x1, y1) = self.view.to_field(area.right, area.bottom);
        let column = |x: f32| floor_u32(((x - place.x) / place.cell).max(0.0)).min(place.columns);
        let row = |y: f32| floor_u32(((y - place.y) / place.cell).max(0.0));
        let cells = &self.field.cells;
        let used = cells.blocks()[index(block)].used();
        // Who is still on the way is not under its label yet.
        let is_home = |slot: &u32| cells.flags_of(*slot) & FLAG_FLYING == 0;
        for row in row(y0)..=row(y1) {
            for column in column(x0)..=column(x1).min(place.columns - 1) {
                let cell = row * place.columns + column;
                if cell >= used {
                    return;
                }
                let slot = cells.slot_in(block, cell).filter(is_home);
                let Some(text) = slot.and_then(|slot| time_left(self.feed, slot)) else {
                    continue;
                };
                if *left == 0 {
                    return;
                }
                *left -= 1;
                self.task(text, place, cell);
            }
        }
    }

    fn task(&self, text: String, place: &Placed, cell: u32) {
        let rect = self.view.rect_to_screen(place.cell_rect(cell));
        let at = Pos2::new(
            f32::midpoint(rect.left, rect.right) / self.scale,
            rect.bottom / self.scale - 1.0,
        );
        let (painter, ink) = (self.painter, self.style.text());
        let galley = painter.layout_no_wrap(text, FontId::proportional(10.5), ink);
        let rect = Align2::CENTER_BOTTOM.anchor_size(at, galley.size());
        let fill = colour(self.style.theme.panel).gamma_multiply(0.8);
        painter.rect_filled(rect.expand2(vec2(3.0, 0.0)), 3.0, fill);
        painter.galley(rect.min, galley, ink);
    }
}

/// How fast a host is, or what holds it.
fn speed(feed: &Feed, host: u32, breaker: BreakerPhase) -> String {
    let info = feed.host_info(host);
    match (breaker, info.and_then(|info| info.parked_for)) {
        (BreakerPhase::Open, Some(left)) => format!("open, {}", format::clock(left)),
        (BreakerPhase::Open, None) => "open".to_owned(),
        (BreakerPhase::HalfOpen, _) => "probing".to_owned(),
        (BreakerPhase::Closed, Some(left)) => format!("parked, {}", format::clock(left)),
        (BreakerPhase::Closed, None) => {
            info.map_or_else(String::new, |info| format!("{}/s", format::rate(info.rate)))
        }
    }
}

/// Those that have ended and left: well, and badly, which `failed` names.
fn ended(outside: &Outside, failed: &str, is_long: bool) -> String {
    let well = match (outside.finished, is_long) {
        (0, _) => None,
        (n, true) => Some(format!("{} finished", format::brief(n))),
        (n, false) => Some(format::brief(n)),
    };
    let badly = (outside.failed > 0).then(|| format!("{} {failed}", format::brief(outside.failed)));
    let both: Vec<String> = well.into_iter().chain(badly).collect();
    both.join(", ")
}

fn waiting(outside: &Outside, is_long: bool) -> String {
    match (outside.waiting, is_long) {
        (0, _) => String::new(),
        (n, true) => format!("{} in the store", format::brief(n)),
        (n, false) => format::brief(n),
    }
}

/// Until the next attempt, or the expected end of the step; `None` where nothing is expected.
fn time_left(feed: &Feed, slot: u32) -> Option<String> {
    let task = feed.mirror.task(slot)?;
    let now = feed.now_us;
    if let Some(due) = task.due_us.filter(|_| task.phase == Phase::Backoff) {
        let left = wide(due.saturating_sub(now)) / 1e6;
        return Some(format!("again in {}", format::clock(left)));
    }
    let (median, ..) = task.expected_ms?;
    let end = task.changed_us + u64::from(median) * 1_000;
    Some(if end > now {
        format!("{} left", format::span(wide(end - now) / 1e3))
    } else {
        format!("{} over", format::span(wide(now - end) / 1e3))
    })
}
