//! The line above the field: what is shown, whether it is real, how far it is and when it ends; and
//! the blocks' names.

use bevy::prelude::{Res, Result};
use bevy_egui::{
    EguiContexts,
    egui::{Align2, Color32, CornerRadius, FontId, Painter, Pos2, Rect, StrokeKind, pos2, vec2},
};
use crawlfield_engine::feed::{frame::SessionPhase, snapshot::Prediction};

use crate::{
    compose::TargetSize,
    field::layout::HEADER,
    numbers::{to_u64, wide},
    show::Show,
    source::Link,
    theme::Theme,
};

/// Height of the line, in points.
pub const HEIGHT: f32 = 40.0;
/// Blocks narrower than this, in points, show no name.
const NAMED: f32 = 48.0;

/// Draws it.
///
/// # Errors
/// There is no context yet.
pub fn draw_banner(mut contexts: EguiContexts, show: Res<Show>, target: Res<TargetSize>) -> Result {
    let context = contexts.ctx_mut()?;
    let scale = context.pixels_per_point();
    let painter = context.layer_painter(bevy_egui::egui::LayerId::background());
    let theme = show.choices.theme.theme();
    let width = target.0[0] / scale;
    names(&painter, &show, theme, scale);
    let bar = Rect::from_min_size(Pos2::ZERO, vec2(width, HEIGHT));
    painter.rect_filled(bar, CornerRadius::ZERO, colour(theme.raised));
    let mut left = 12.0;
    for mark in marks(&show) {
        left = chip(&painter, pos2(left, HEIGHT / 2.0), &mark, theme) + 8.0;
    }
    let font = FontId::proportional(15.0);
    let (text, faint) = (colour(theme.text), colour(theme.faint));
    let at = pos2(left + 4.0, HEIGHT / 2.0);
    painter.text(at, Align2::LEFT_CENTER, title(&show), font.clone(), text);
    let at = pos2(width / 2.0, HEIGHT / 2.0);
    painter.text(at, Align2::CENTER_CENTER, eta(&show), font.clone(), text);
    let at = pos2(width - 12.0, HEIGHT / 2.0);
    painter.text(at, Align2::RIGHT_CENTER, counts(&show), font, faint);
    Ok(())
}

/// What makes the picture less than the real present: demo, replay, the feed's end, losses.
#[must_use]
pub fn marks(show: &Show) -> Vec<String> {
    let mut marks = Vec::new();
    for session in show.mirror.tables().sessions() {
        if let Some(source) = &session.source {
            let mark = source.to_uppercase();
            if !marks.contains(&mark) {
                marks.push(mark);
            }
        }
    }
    if let Some(playback) = show.playback {
        let state = if playback.is_playing { "" } else { " paused" };
        let speed = playback.speed;
        marks.push(format!("REPLAY ×{speed}{state}"));
    } else if show.news.link == Link::Ended {
        marks.push("DISCONNECTED".to_owned());
    }
    if show.news.lost > 0 {
        marks.push(format!("{} changes lost", show.news.lost));
    }
    marks
}

/// The window's title.
#[must_use]
pub fn window_title(show: &Show) -> String {
    let mut parts = marks(show);
    parts.push(title(show));
    parts.push("Crawlfield".to_owned());
    parts.retain(|part| !part.is_empty());
    parts.join(" · ")
}

fn title(show: &Show) -> String {
    let sessions = show.mirror.tables().sessions();
    let names: Vec<String> = sessions
        .iter()
        .map(|session| {
            let state = match session.phase {
                SessionPhase::Running => "",
                SessionPhase::Analysing | SessionPhase::Planning => " (starting)",
                SessionPhase::Paused => " (paused)",
                SessionPhase::Draining => " (draining)",
                SessionPhase::Stopped => " (stopped)",
                SessionPhase::Completed => " (completed)",
                SessionPhase::Failed => " (failed)",
            };
            format!("{}{state}", session.site)
        })
        .collect();
    names.join(", ")
}

fn eta(show: &Show) -> String {
    let now = wide(show.now_us) / 1e6;
    let clock = format!("{} elapsed", clock(now));
    if crate::crawl::is_over(show.mirror.tables()) {
        return clock;
    }
    let latest = show
        .news
        .snapshots
        .iter()
        .filter_map(|snapshot| Some((snapshot.at, snapshot.prediction.as_ref()?)))
        .max_by(|(at, a), (other, b)| (at + a.eta_median).total_cmp(&(other + b.eta_median)));
    match latest {
        Some((at, prediction)) => format!("{clock}, {}", left(prediction, now - at)),
        None => format!("{clock}, time left unknown"),
    }
}

/// "1:20 left (80 %: 1:05 to 1:50)", `age` seconds after it was predicted.
fn left(prediction: &Prediction, age: f64) -> String {
    let [low, high] = prediction.eta80;
    format!(
        "{} left (80 %: {} to {})",
        clock(prediction.eta_median - age),
        clock(low - age),
        clock(high - age)
    )
}

fn counts(show: &Show) -> String {
    let (mut done, mut known, mut dead) = (0, 0, 0);
    for snapshot in &show.news.snapshots {
        done += snapshot.progress.done;
        known += snapshot.progress.discovered;
        dead += snapshot.progress.dead;
    }
    if known == 0 {
        return String::new();
    }
    let dead = if dead > 0 {
        format!(", {dead} dead")
    } else {
        String::new()
    };
    format!("{done} of {known} pages{dead}")
}

/// Minutes and seconds, or hours.
fn clock(seconds: f64) -> String {
    let seconds = to_u64(seconds.max(0.0));
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}")
    }
}

fn names(painter: &Painter, show: &Show, theme: &Theme, scale: f32) {
    for (block, place) in (0_u32..).zip(&show.placed) {
        let on_screen = show.view.rect_to_screen(place.rect);
        let head = HEADER * show.view.zoom / scale;
        let rect = Rect::from_min_max(
            pos2(on_screen.left, on_screen.top) / scale,
            pos2(on_screen.right, on_screen.bottom) / scale,
        );
        if rect.width() < NAMED || head < 14.0 {
            continue;
        }
        let inside = painter.with_clip_rect(rect.shrink2(vec2(8.0, 0.0)));
        let at = rect.left_top() + vec2(10.0, head / 2.0);
        let font = FontId::proportional((head * 0.54).min(15.0));
        let name = show.block_name(block).to_owned();
        inside.text(at, Align2::LEFT_CENTER, name, font, colour(theme.text));
    }
}

fn chip(painter: &Painter, at: Pos2, text: &str, theme: &Theme) -> f32 {
    let font = FontId::proportional(13.0);
    let galley = painter.layout_no_wrap(text.to_owned(), font, colour(theme.ground));
    let size = galley.size() + vec2(16.0, 6.0);
    let rect = Rect::from_min_size(at - vec2(0.0, size.y / 2.0), size);
    painter.rect(
        rect,
        CornerRadius::same(4),
        colour(theme.text),
        (0.0, Color32::TRANSPARENT),
        StrokeKind::Inside,
    );
    painter.galley(rect.min + vec2(8.0, 3.0), galley, colour(theme.ground));
    rect.right()
}

/// `0xRRGGBB` as egui wants it.
#[must_use]
pub fn colour(hex: u32) -> Color32 {
    let [_, r, g, b] = hex.to_be_bytes();
    Color32::from_rgb(r, g, b)
}
