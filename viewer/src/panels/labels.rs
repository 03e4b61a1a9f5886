//! Labels on the field: a block's name and speed in its header, counts beside its mounds, chips of
//! finished hosts, moods of blocks too small for words, and what near tasks are and wait for.

use std::{cell::RefCell, sync::Arc};

use bevy_egui::egui::{
    Align2, Color32, FontId, Galley, Painter, Pos2, Rect, Shape, Stroke, StrokeKind, vec2,
};
use crawlfield_engine::{
    feed::snapshot::HostInfo,
    model::{
        ids::PageKey,
        phase::{BreakerPhase, Phase},
    },
    progress::safe,
};

use super::{
    format,
    style::{Style, colour, cut},
};
use crate::{
    feed::Feed,
    field::{
        Arrangement, Field, FieldControl,
        chips::Chip,
        lanes::{DEAD_LANE, FETCH_LANE, Lanes},
        outside::{Outside, half_width},
        texel::{SIGN_PARKED, SIGN_PAUSED, sign_of},
        view::View,
    },
    numbers::index,
    scene::MOUND_MARGIN,
    titles::Titles,
};

mod near;

/// The word at the right of an opened host's header, which folds it again, in points.
pub(super) const FOLD_WIDTH: f32 = 46.0;
/// In a host's own words for its pace where it is slowed.
const SLOWED: [&str; 2] = ["cut", "429"];
/// Blocks whose header is lower than this many points, or narrower, carry no words.
const LEAST: (f32, f32) = (11.0, 40.0);

/// Draws all labels that are in sight; `scale` is pixels a point. The pages whose title is not known
/// yet.
pub(super) fn draw(
    painter: &Painter,
    style: &Style,
    control: &FieldControl<'_>,
    scale: f32,
) -> Vec<PageKey> {
    let labels = Labels {
        painter,
        style,
        feed: &control.feed,
        field: &control.field,
        view: &control.view,
        titles: &control.titles,
        untitled: RefCell::default(),
        scale,
    };
    let mut left = near::TASKS;
    for (block, place) in (0_u32..).zip(&control.field.placed) {
        if place.columns == 0 {
            continue;
        }
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
        labels.result(block, rect, (place.header * zoom, place.foot * zoom));
        if place.cell * zoom >= near::LEAST {
            labels.tasks(block, place, &mut left);
        }
    }
    for chip in &control.field.chips {
        labels.chip(chip);
    }
    labels.brackets(&control.selection);
    labels.untitled.into_inner()
}

/// What labels are drawn with, and of what.
struct Labels<'a> {
    painter: &'a Painter,
    style: &'a Style,
    feed: &'a Feed,
    field: &'a Field,
    view: &'a View,
    titles: &'a Titles,
    /// Pages whose title was wanted and is not known.
    untitled: RefCell<Vec<PageKey>>,
    /// Pixels a point of the screen.
    scale: f32,
}

impl Labels<'_> {
    fn is_flow(&self) -> bool {
        self.field.cells.arrangement() == Arrangement::Flow
    }

    /// Mood and name at the left, speed at the right where there is room; the mood alone where there
    /// is none for words.
    fn header(&self, block: u32, rect: Rect, height: f32) {
        if height < LEAST.0 || rect.width() < LEAST.1 {
            return self.mood_alone(block, rect);
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
        if let Some(mood) = self.mood(block) {
            let center = Pos2::new(x + size * 0.6, y);
            self.draw_mood(&painter, mood, center, size * 1.2);
            x += size * 1.7;
        }
        let font = FontId::proportional(size * 0.94);
        let end = self.header_end(block, breaker);
        let end = painter.layout_no_wrap(end, font, self.style.faint());
        // What holds a host is told whatever becomes of its name.
        let kept = if is_closed { 0.0 } else { end.size().x + 10.0 };
        let name = safe(self.field.block_name(block, &self.feed.mirror));
        let name = cut(&painter, &name, size, self.style.text(), right - x - kept);
        let name_end = x + name.size().x;
        let fill = self.style.raised();
        let at = Pos2::new(x, y);
        self.write(&painter, at, Align2::LEFT_CENTER, name, fill);
        if !is_closed || end.size().x + 10.0 <= right - name_end {
            let at = Pos2::new(right, y);
            self.write(&painter, at, Align2::RIGHT_CENTER, end, fill);
        }
    }

    /// The words at the right of a header: how many, how fast, or what holds it.
    fn header_end(&self, block: u32, breaker: BreakerPhase) -> String {
        if self.is_flow() {
            let count = self.field.cells.blocks()[index(block)].count;
            self.lane_words(block, count)
        } else if self.has_finished(block) {
            let is_opened = self.field.is_opened(block);
            if is_opened { "fold" } else { "finished" }.to_owned()
        } else {
            speed(self.feed, block, breaker)
        }
    }

    /// How many, and in the lane that three steps share which of them takes the time.
    fn lane_words(&self, block: u32, count: u32) -> String {
        let count = format::count(u64::from(count));
        let is_shared = block == FETCH_LANE && self.field.cells.lanes() == Lanes::Joined;
        match self.field.step_times.shares().filter(|_| is_shared) {
            Some([fetch, ..]) => format!("fetch {:.0} % of the time   {count}", fetch * 100.0),
            None => count,
        }
    }

    fn has_finished(&self, block: u32) -> bool {
        let outside = self.field.outside(block, &self.feed.mirror);
        self.field.has_finished(block, &outside)
    }

    /// What a block must tell, if anything: the worst of it.
    fn mood(&self, block: u32) -> Option<Mood> {
        if self.is_flow() {
            return None;
        }
        let breaker = self.field.breaker(block, &self.feed.mirror);
        if breaker.unwrap_or_default() != BreakerPhase::Closed {
            return Some(Mood::Breaker);
        }
        let outside = self.field.outside(block, &self.feed.mirror);
        if self.field.has_finished(block, &outside) {
            let is_good = outside.failed == 0;
            return Some(if is_good { Mood::Finished } else { Mood::Dead });
        }
        let info = self.feed.host_info(block);
        if info.is_some_and(|info| info.parked_for.is_some()) {
            return Some(Mood::Parked);
        }
        let counts = &self.feed.mirror.tables().hosts()[index(block)].counts;
        let retries = counts.of(Phase::Backoff) + counts.of(Phase::Failed);
        if retries >= 3 && retries * 20 >= counts.total() {
            return Some(Mood::Retries);
        }
        let is_slowed = |info: &HostInfo| {
            SLOWED.iter().any(|words| info.why.contains(words)) && info.waiting > 0
        };
        info.is_some_and(is_slowed).then_some(Mood::Slowed)
    }

    fn mood_alone(&self, block: u32, rect: Rect) {
        let edge = rect.width().min(rect.height());
        if edge < 12.0 {
            return;
        }
        if let Some(mood) = self.mood(block) {
            // In the corner, beside the tasks.
            let size = (edge * 0.3).clamp(9.0, 16.0);
            let center = rect.right_top() + vec2(-size * 0.6, size * 0.6);
            let fill = colour(self.style.theme.panel).gamma_multiply(0.85);
            self.painter.circle_filled(center, size * 0.7, fill);
            self.draw_mood(self.painter, mood, center, size);
        }
    }

    fn draw_mood(&self, painter: &Painter, mood: Mood, center: Pos2, size: f32) {
        let rect = Rect::from_center_size(center, vec2(size, size));
        if let Some(sign) = mood.sign() {
            return self.style.glyph(painter, rect, sign);
        }
        // Two chevrons that point back: it goes slower.
        let ink = colour(self.style.theme.states.retry);
        let stroke = Stroke::new((size * 0.14).max(1.2), ink);
        for x in [0.18, 0.58] {
            let at = |dx: f32, dy: f32| rect.min + vec2((x + dx) * size, dy * size);
            let points = vec![at(0.28, 0.15), at(0.0, 0.5), at(0.28, 0.85)];
            painter.add(Shape::line(points, stroke));
        }
    }

    /// What a finished host has brought, in the middle of its block.
    fn result(&self, block: u32, rect: Rect, (header, foot): (f32, f32)) {
        let body = Rect::from_min_max(rect.min + vec2(0.0, header), rect.max - vec2(0.0, foot));
        if self.is_flow() || body.width() < 70.0 || body.height() < 34.0 {
            return;
        }
        let outside = self.field.outside(block, &self.feed.mirror);
        if !self.field.has_finished(block, &outside) {
            return;
        }
        let states = &self.style.theme.states;
        let mut lines = vec![(format::count(outside.finished), 17.0, self.style.text())];
        lines.push(("finished".to_owned(), 11.5, self.style.text()));
        if outside.failed > 0 {
            let words = format!("{} dead", format::count(outside.failed));
            lines.push((words, 12.5, self.style.written(states.dead)));
        }
        let lines = lines.into_iter().map(|(text, size, ink)| {
            self.painter
                .layout_no_wrap(text, FontId::proportional(size), ink)
        });
        let lines: Vec<Arc<Galley>> = lines.collect();
        let width = lines.iter().map(|line| line.size().x).fold(0.0, f32::max);
        let height: f32 = lines.iter().map(|line| line.size().y).sum();
        let ground = Rect::from_center_size(body.center(), vec2(width + 24.0, height + 10.0));
        if ground.height() > body.height() {
            return;
        }
        let fill = colour(self.style.theme.panel).gamma_multiply(0.9);
        self.painter.rect_filled(ground, 6.0, fill);
        let mut y = ground.top() + 5.0;
        for line in lines {
            let at = Pos2::new(ground.center().x - line.size().x / 2.0, y);
            y += line.size().y;
            self.painter.galley(at, line, self.style.text());
        }
    }

    /// A finished host, folded: name, pages, dead letters. One chip may stand for many.
    fn chip(&self, chip: &Chip) {
        let on_screen = self.view.rect_to_screen(chip.rect);
        let rect = Rect::from_min_max(
            Pos2::new(on_screen.left / self.scale, on_screen.top / self.scale),
            Pos2::new(on_screen.right / self.scale, on_screen.bottom / self.scale),
        );
        if rect.height() < 9.0 || !rect.intersects(self.painter.clip_rect()) {
            return;
        }
        let (mut finished, mut failed) = (0, 0);
        for block in &chip.blocks {
            let outside = self.field.outside(*block, &self.feed.mirror);
            finished += outside.finished;
            failed += outside.failed;
        }
        let name = match chip.blocks.as_slice() {
            [block] => safe(self.field.block_name(*block, &self.feed.mirror)),
            many => format!("{} more hosts", many.len()),
        };
        let stroke = Stroke::new(1.0, self.style.line());
        let fill = self.style.raised();
        self.painter
            .rect(rect, rect.height() / 2.0, fill, stroke, StrokeKind::Inside);
        let (size, y) = ((rect.height() * 0.52).clamp(8.0, 15.0), rect.center().y);
        let mood = if failed == 0 {
            Mood::Finished
        } else {
            Mood::Dead
        };
        let mut left = rect.left() + rect.height() * 0.6;
        self.draw_mood(self.painter, mood, Pos2::new(left, y), size * 1.1);
        left += size * 0.95;
        let mut right = rect.right() - rect.height() * 0.45;
        let mut tell = |text: String, ink: Color32| {
            let font = FontId::proportional(size);
            let galley = self.painter.layout_no_wrap(text, font, ink);
            let at = Pos2::new(right - galley.size().x, y - galley.size().y / 2.0);
            right = at.x - 6.0;
            self.painter.galley(at, galley, ink);
        };
        if failed > 0 {
            let ink = self.style.written(self.style.theme.states.dead);
            tell(format!("{} dead", format::brief(failed)), ink);
        }
        tell(format::brief(finished), self.style.faint());
        let name = cut(self.painter, &name, size, self.style.text(), right - left);
        let at = Pos2::new(left, y - name.size().y / 2.0);
        self.painter.galley(at, name, self.style.text());
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
        let failed = if self.is_flow() && block == DEAD_LANE {
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
}

/// What a block tells in one glyph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    /// Its breaker is not closed.
    Breaker,
    /// The host asked for a pause.
    Parked,
    /// Much of it waits for another try.
    Retries,
    /// It is asked less often than it could be: it answered slowly, or refused.
    Slowed,
    /// Its host has finished, and no page is dead.
    Finished,
    /// All is over, and some of it dead.
    Dead,
}

impl Mood {
    /// The sign whose glyph it is; the slowed one is drawn.
    const fn sign(self) -> Option<u32> {
        match self {
            Self::Breaker => Some(SIGN_PARKED),
            Self::Parked => Some(SIGN_PAUSED),
            Self::Retries => Some(sign_of(Phase::Backoff)),
            Self::Finished => Some(sign_of(Phase::Done)),
            Self::Dead => Some(sign_of(Phase::Dead)),
            Self::Slowed => None,
        }
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
        // What it was before is no speed.
        (BreakerPhase::Closed, None) if feed.is_paused() || feed.is_over() => String::new(),
        (BreakerPhase::Closed, None) => {
            info.map_or_else(String::new, |info| format!("{}/s", format::rate(info.rate)))
        }
    }
}

/// Those that have ended and left: well, badly, which `failed` names, and dropped.
fn ended(outside: &Outside, failed: &str, is_long: bool) -> String {
    let well = match (outside.finished, is_long) {
        (0, _) => None,
        (n, true) => Some(format!("{} finished", format::brief(n))),
        (n, false) => Some(format::brief(n)),
    };
    let badly = (outside.failed > 0).then(|| format!("{} {failed}", format::brief(outside.failed)));
    let dropped =
        (outside.dropped > 0).then(|| format!("{} dropped", format::brief(outside.dropped)));
    let all: Vec<String> = [well, badly, dropped].into_iter().flatten().collect();
    all.join(", ")
}

fn waiting(outside: &Outside, is_long: bool) -> String {
    match (outside.waiting, is_long) {
        (0, _) => String::new(),
        (n, true) => format!("{} in the store", format::brief(n)),
        (n, false) => format::brief(n),
    }
}
