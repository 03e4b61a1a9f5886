//! The time line: where we are in the run, what happened when, and in a recording the way there.

use bevy::prelude::MessageWriter;
use bevy_egui::egui::{Align2, Label, Painter, Rect, RichText, Sense, Stroke, Ui, Vec2, pos2};

use super::{
    format,
    style::{Style, colour, severity_colour, write},
};
use crate::{
    feed::Feed,
    history::{History, Severity},
    numbers::{narrow, to_u64, wide},
    playback::{Playback, PlaybackRequest},
};

/// The time now has so much room at the left, in points.
const TIME: f32 = 58.0;
/// Height of the line that tells of damage, in points.
const LINE: f32 = 16.0;

/// What a person asks of the clock.
type Requests<'w> = MessageWriter<'w, PlaybackRequest>;

/// Draws it; where times stand on it.
pub(super) fn draw(
    ui: &mut Ui,
    style: &Style,
    feed: &Feed,
    history: &History,
    playback: &Playback,
    requests: &mut Requests<'_>,
) -> Scale {
    let Some(damage) = &playback.damage else {
        return line(ui, style, feed, history, playback, requests);
    };
    let told = ui.vertical(|ui| {
        let size = Vec2::new(ui.available_width(), ui.available_height() - LINE);
        let line = ui.allocate_ui(size, |ui| {
            line(ui, style, feed, history, playback, requests)
        });
        let text = RichText::new(damage).small();
        let text = text.color(style.written(style.theme.states.fatal));
        ui.add(Label::new(text).truncate());
        line.inner
    });
    told.inner
}

fn line(
    ui: &mut Ui,
    style: &Style,
    feed: &Feed,
    history: &History,
    playback: &Playback,
    requests: &mut Requests<'_>,
) -> Scale {
    let line = ui.horizontal_centered(|ui| {
        if playback.is_replay {
            controls(ui, playback, requests);
        }
        track(ui, style, feed, history, playback, requests)
    });
    line.inner
}

fn controls(ui: &mut Ui, playback: &Playback, requests: &mut Requests<'_>) {
    let mut button = |text: &str, hover: &str, request: PlaybackRequest| {
        if ui.button(text).on_hover_text(hover).clicked() {
            requests.write(request);
        }
    };
    let start = PlaybackRequest::Seek(playback.range_us.0);
    button("⏮", "to the beginning", start);
    let text = if playback.is_playing { "⏸" } else { "▶" };
    let turn = PlaybackRequest::Play(!playback.is_playing);
    button(text, "play or hold (Space)", turn);
    button("⏭", "one step (N)", PlaybackRequest::Step);
    let [slower, faster] = [false, true].map(|is| PlaybackRequest::Speed(playback.next_speed(is)));
    button("−", "slower ([)", slower);
    let speed = format!("×{}", format::speed(playback.speed));
    ui.label(RichText::new(speed).monospace());
    if ui.button("+").on_hover_text("faster (])").clicked() {
        requests.write(faster);
    }
}

/// First and last engine time of the line in seconds: the recording's, or up to the predicted end.
fn bounds(feed: &Feed, playback: &Playback) -> (f64, f64) {
    if playback.is_replay {
        let (from, to) = playback.range_us;
        return (wide(from) / 1e6, wide(to).max(wide(from) + 1e6) / 1e6);
    }
    let now = wide(feed.now_us) / 1e6;
    let ahead = feed
        .session()
        .and_then(|snapshot| snapshot.prediction.as_ref())
        .map_or(0.0, |prediction| prediction.eta95[1]);
    (0.0, (now + ahead).max(1.0))
}

/// Where times stand, in seconds.
pub(super) struct Scale {
    pub(super) rect: Rect,
    from: f64,
    to: f64,
}

impl Scale {
    /// The x of a time.
    fn place(&self, at: f64) -> f32 {
        let share = (at - self.from) / (self.to - self.from);
        self.rect.left() + self.rect.width() * narrow(share.clamp(0.0, 1.0))
    }

    /// The time at an x.
    fn time(&self, x: f32) -> f64 {
        let share = f64::from((x - self.rect.left()) / self.rect.width().max(1.0));
        self.from + (self.to - self.from) * share.clamp(0.0, 1.0)
    }

    fn y(&self) -> f32 {
        self.rect.center().y
    }

    fn bar(&self, left: f32, right: f32, height: f32) -> Rect {
        let half = height / 2.0;
        Rect::from_min_max(pos2(left, self.y() - half), pos2(right, self.y() + half))
    }
}

fn track(
    ui: &mut Ui,
    style: &Style,
    feed: &Feed,
    history: &History,
    playback: &Playback,
    requests: &mut Requests<'_>,
) -> Scale {
    let (from, to) = bounds(feed, playback);
    // A recording's end has room for its words.
    let (sense, end) = if playback.is_replay {
        (Sense::click_and_drag(), 64.0)
    } else {
        (Sense::hover(), 10.0)
    };
    let (room, response) = ui.allocate_exact_size(ui.available_size(), sense);
    let rect = Rect::from_min_max(
        room.min + Vec2::new(TIME, 0.0),
        room.max - Vec2::new(end, 0.0),
    );
    let scale = Scale { rect, from, to };
    marks(ui.painter(), style, feed, history, &scale);
    let now = wide(feed.now_us) / 1e6;
    labels(ui.painter(), style, playback, room, &scale, now);
    if let Some(pointer) = response
        .interact_pointer_pos()
        .filter(|_| response.dragged() || response.clicked())
    {
        let at_us = to_u64(scale.time(pointer.x) * 1e6);
        requests.write(PlaybackRequest::Seek(at_us));
    }
    scale
}

/// The time that the charts show, in seconds.
pub(super) fn mark_time(painter: &Painter, style: &Style, scale: &Scale, at: f64) {
    let (x, y) = (scale.place(at), scale.y());
    painter.vline(x, y - 9.0..=y + 9.0, Stroke::new(1.0, style.text()));
}

/// The line up to now, what happened on it, and what is foreseen.
fn marks(painter: &Painter, style: &Style, feed: &Feed, history: &History, scale: &Scale) {
    let (theme, y) = (style.theme, scale.y());
    let now = wide(feed.now_us) / 1e6;
    let [left, here] = [scale.rect.left(), scale.place(now)];
    let whole = scale.bar(left, scale.rect.right(), 4.0);
    painter.rect_filled(whole, 2.0, style.raised());
    let past = scale.bar(left, here, 4.0);
    painter.rect_filled(past, 2.0, colour(theme.states.running));
    future(painter, style, feed, scale, now);
    let notable = |severity| severity != Severity::Plain;
    for line in history.log.iter().filter(|line| notable(line.severity)) {
        let x = scale.place(wide(line.at_us) / 1e6);
        let ink = colour(severity_colour(theme, line.severity));
        painter.vline(x, y - 7.0..=y + 7.0, Stroke::new(1.5, ink));
    }
    let rim = Stroke::new(1.5, colour(theme.panel));
    painter.circle(pos2(here, y), 5.0, style.text(), rim);
}

/// The time now, and where a recording ends.
fn labels(
    painter: &Painter,
    style: &Style,
    playback: &Playback,
    room: Rect,
    scale: &Scale,
    now: f64,
) {
    let at = pos2(room.left() + 2.0, scale.y());
    let text = format::clock(now);
    write(painter, at, Align2::LEFT_CENTER, text, 12.5, style.text());
    if playback.is_replay {
        let at = pos2(room.right(), scale.y());
        let text = format::clock(scale.to);
        write(painter, at, Align2::RIGHT_CENTER, text, 12.5, style.faint());
    }
}

/// The predicted end as an interval, the median as a tick.
fn future(painter: &Painter, style: &Style, feed: &Feed, scale: &Scale, now: f64) {
    let Some(snapshot) = feed.session() else {
        return;
    };
    let Some(prediction) = &snapshot.prediction else {
        return;
    };
    let begin = snapshot.at.min(now);
    let ink = colour(style.theme.states.done);
    let [low, high] = prediction.eta80.map(|eta| scale.place(begin + eta));
    painter.rect_filled(scale.bar(low, high, 8.0), 3.0, ink.gamma_multiply(0.35));
    let middle = scale.place(begin + prediction.eta_median);
    let tick = scale.bar(middle, middle, 10.0);
    painter.vline(middle, tick.y_range(), Stroke::new(2.0, ink));
}
