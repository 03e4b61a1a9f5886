//! Labels of tasks that are near: what each is, and what it waits for in a few words.

use bevy_egui::egui::{Align2, Pos2, Rect, Stroke, StrokeKind, vec2};
use crawlfield_engine::{
    feed::{snapshot::HostInfo, task_record::TaskRecord},
    model::{
        page_url::PageUrl,
        phase::{BreakerPhase, Phase},
    },
    progress::safe,
};

use super::Labels;
use crate::{
    feed::Feed,
    field::{layout::Placed, texel::FLAG_FLYING},
    numbers::{floor_u32, index, wide},
    panels::{
        format,
        style::{colour, cut},
    },
    selection::Selection,
};

/// Labels of tasks at once, at most.
pub(super) const TASKS: u32 = 300;
/// Cells of fewer points carry no words.
pub(super) const LEAST: f32 = 56.0;
/// Cells of so many points also say what the task is, and why it waits.
const FULL: f32 = 76.0;
/// Marked tasks in cells of fewer points get a bracket, where no more are marked than `BRACKETS`.
const SMALL: f32 = 14.0;
const BRACKETS: usize = 24;

impl Labels<'_> {
    /// Words in each cell of a block that is in sight; `left` are the labels that may still be drawn.
    pub(super) fn tasks(&self, block: u32, place: &Placed, left: &mut u32) {
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
                if let Some(slot) = cells.slot_in(block, cell).filter(is_home)
                    && self.task(slot, place, cell)
                {
                    *left -= 1;
                    if *left == 0 {
                        return;
                    }
                }
            }
        }
    }

    /// The words of one task; whether there are any.
    fn task(&self, slot: u32, place: &Placed, cell: u32) -> bool {
        let Some(task) = self.feed.mirror.task(slot) else {
            return false;
        };
        let rect = self.view.rect_to_screen(place.cell_rect(cell));
        let rect = Rect::from_min_max(
            Pos2::new(rect.left / self.scale, rect.top / self.scale),
            Pos2::new(rect.right / self.scale, rect.bottom / self.scale),
        );
        let is_full = rect.width() >= FULL;
        let below = time_left(self.feed, &task).or_else(|| {
            let words = self.state_words(&task);
            words.filter(|_| is_full)
        });
        let (top, bottom) = (rect.center_top(), rect.center_bottom());
        if is_full {
            let card = rect.shrink(2.0);
            let stroke = Stroke::new(1.0, self.style.line());
            self.painter
                .rect_stroke(card, 5.0, stroke, StrokeKind::Inside);
            let title = safe(self.title(&task));
            let at = top + vec2(0.0, 4.0);
            self.line(&title, at, Align2::CENTER_TOP, rect.width(), 10.5);
            let what = self.stage_words(&task);
            let at = top + vec2(0.0, 17.0);
            self.line(&what, at, Align2::CENTER_TOP, rect.width(), 9.5);
        }
        if let Some(words) = &below {
            let is_calm = is_full && task.phase == Phase::Queued;
            let (lift, size) = if is_full { (5.0, 10.0) } else { (1.0, 10.5) };
            let size = if is_calm { 9.9 } else { size };
            let at = bottom - vec2(0.0, lift);
            self.line(words, at, Align2::CENTER_BOTTOM, rect.width(), size);
        }
        is_full || below.is_some()
    }

    /// What its link called it, else the end of its URL.
    fn title<'t>(&'t self, task: &TaskRecord<&'t PageUrl>) -> &'t str {
        if !self.titles.knows(task.key) {
            self.untitled.borrow_mut().push(task.key);
        }
        self.titles
            .get(task.key)
            .unwrap_or_else(|| title_of(task.url))
    }

    fn line(&self, text: &str, at: Pos2, anchor: Align2, width: f32, size: f32) {
        let ink = if size < 10.0 {
            self.style.faint()
        } else {
            self.style.text()
        };
        let galley = cut(self.painter, text, size, ink, width - 12.0);
        let rect = anchor.anchor_size(at, galley.size());
        let fill = colour(self.style.theme.panel).gamma_multiply(0.8);
        self.painter
            .rect_filled(rect.expand2(vec2(3.0, 0.0)), 3.0, fill);
        self.painter.galley(rect.min, galley, ink);
    }

    /// Its stage, and which attempt this is once one has failed.
    fn stage_words(&self, task: &TaskRecord<&PageUrl>) -> String {
        let tables = self.feed.mirror.tables();
        let stage = tables.stage(task.session, task.stage);
        let name = stage.map_or_else(String::new, |stage| safe(&stage.name));
        match task.attempts {
            0 => name,
            1 => format!("{name} · failed once"),
            n => format!("{name} · failed {n} times"),
        }
    }

    /// What a task that is not expected to end does, waits for, or has come to.
    fn state_words(&self, task: &TaskRecord<&PageUrl>) -> Option<String> {
        let hosts = self.feed.mirror.tables();
        match task.phase {
            Phase::Queued => {
                let number = hosts.host_number(task.host)?;
                let breaker = hosts.hosts()[index(number)].breaker == BreakerPhase::Open;
                let info = self.feed.host_info(number);
                Some(queued_words(self.feed.is_paused(), breaker, info))
            }
            Phase::Dead | Phase::Failed => Some(
                task.class
                    .map_or_else(|| format::phase(task.phase).to_owned(), format::class),
            ),
            other => Some(format::phase(other).to_owned()),
        }
    }

    /// A frame round marked tasks too small for one of their own.
    pub(super) fn brackets(&self, selection: &Selection) {
        if selection.slots.len() > BRACKETS {
            return;
        }
        let hovered = selection.hovered.into_iter();
        let marked = selection.slots.iter().map(|slot| (slot, 1.6));
        for (slot, width) in marked.chain(hovered.map(|slot| (slot, 1.0))) {
            let Some((block, cell)) = self.field.cells.place_of(slot) else {
                continue;
            };
            let place = self.field.placed.get(index(block));
            let Some(place) = place.filter(|place| place.columns > 0) else {
                continue;
            };
            let rect = self.view.rect_to_screen(place.cell_rect(cell));
            let size = rect.width() / self.scale;
            if size >= SMALL {
                continue;
            }
            let middle = Pos2::new(
                f32::midpoint(rect.left, rect.right) / self.scale,
                f32::midpoint(rect.top, rect.bottom) / self.scale,
            );
            let edge = (size + 5.0).max(9.0);
            let frame = Rect::from_center_size(middle, vec2(edge, edge));
            let stroke = Stroke::new(width, colour(self.style.theme.mark));
            self.painter
                .rect_stroke(frame, 2.0, stroke, StrokeKind::Outside);
        }
    }
}

/// What a task is called: the end of its URL. A title that its link carried would stand here.
fn title_of(url: &str) -> &str {
    let path = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = path.split_once('/').map_or(path, |(_, path)| path);
    let path = path.trim_end_matches('/');
    let from = |nth| {
        path.rmatch_indices('/')
            .nth(nth)
            .map_or(0, |(at, _)| at + 1)
    };
    // A number alone says little.
    let last = &path[from(0)..];
    let says_little = last.chars().count() < 3 || last.chars().all(|sign| sign.is_ascii_digit());
    &path[from(usize::from(says_little))..]
}

/// What a queued task waits for, as far as the feed tells.
fn queued_words(is_paused: bool, is_breaker_open: bool, info: Option<&HostInfo>) -> String {
    let parked = info.and_then(|info| info.parked_for);
    match (info, parked) {
        (_, Some(left)) if is_breaker_open => format!("breaker, {}", format::clock(left)),
        _ if is_breaker_open => "breaker open".to_owned(),
        _ if is_paused => "paused".to_owned(),
        (_, Some(left)) => format!("host asks {}", format::clock(left)),
        (Some(info), None) if info.in_flight >= info.limit => "place at host".to_owned(),
        (Some(info), None) if info.pace > 0.0 => "host's pace".to_owned(),
        _ => "its turn".to_owned(),
    }
}

/// Until the next attempt, or the expected end of the step; `None` where nothing is expected.
fn time_left(feed: &Feed, task: &TaskRecord<&PageUrl>) -> Option<String> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queued_task_says_what_it_waits_for_in_three_words() {
        let host = HostInfo {
            limit: 2,
            in_flight: 2,
            pace: 0.5,
            ..HostInfo::default()
        };
        let free = HostInfo {
            in_flight: 1,
            ..host.clone()
        };
        let parked = HostInfo {
            parked_for: Some(12.0),
            ..host.clone()
        };
        for (wanted, is_paused, is_open, info) in [
            ("breaker, 0:12", true, true, Some(&parked)),
            ("breaker open", false, true, None),
            ("paused", true, false, Some(&host)),
            ("host asks 0:12", false, false, Some(&parked)),
            ("place at host", false, false, Some(&host)),
            ("host's pace", false, false, Some(&free)),
            ("its turn", false, false, None),
        ] {
            assert_eq!(queued_words(is_paused, is_open, info), wanted);
            assert!(wanted.split_whitespace().count() <= 3);
        }
    }

    #[test]
    fn a_task_is_called_by_the_end_of_its_url() {
        assert_eq!(title_of("https://a.test/shop/item/77/"), "item/77");
        assert_eq!(title_of("https://a.test/shop/red-lamp"), "red-lamp");
        assert_eq!(title_of("https://a.test/77"), "77");
        assert_eq!(title_of("https://a.test/"), "");
    }
}
