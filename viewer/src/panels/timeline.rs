//! The time line: where we are in the run, what happened when, and in a recording the way there.

use bevy_egui::egui::{Align2, Painter, Rect, RichText, Sense, Stroke, Ui, Vec2, pos2};

use super::{
    Desk, Wish,
    look::{colour, write},
    top, words,
};
use crate::{
    numbers::{narrow, to_u64, wide},
    story::Weight,
};

pub(super) fn draw(ui: &mut Ui, desk: &mut Desk<'_>) {
    ui.horizontal_centered(|ui| {
        if desk.playback.is_replay {
            controls(ui, desk);
        }
        track(ui, desk);
    });
}

fn controls(ui: &mut Ui, desk: &mut Desk<'_>) {
    let playback = &mut *desk.playback;
    if ui.button("⏮").on_hover_text("to the beginning").clicked() {
        playback.wishes.push(Wish::Seek(playback.range_us.0));
    }
    let text = if playback.is_playing { "⏸" } else { "▶" };
    if ui
        .button(text)
        .on_hover_text("play or hold (Space)")
        .clicked()
    {
        playback.wishes.push(Wish::Play(!playback.is_playing));
    }
    if ui.button("⏭").on_hover_text("one step (N)").clicked() {
        playback.wishes.push(Wish::Step);
    }
    if ui.button("−").on_hover_text("slower ([)").clicked() {
        playback
            .wishes
            .push(Wish::Speed(playback.next_speed(false)));
    }
    ui.label(RichText::new(format!("×{}", top::trimmed(playback.speed))).monospace());
    if ui.button("+").on_hover_text("faster (])").clicked() {
        playback.wishes.push(Wish::Speed(playback.next_speed(true)));
    }
}

/// First and last engine time of the line in seconds: the recording's, or up to the predicted end.
fn bounds(desk: &Desk<'_>) -> (f64, f64) {
    if desk.playback.is_replay {
        let (from, to) = desk.playback.range_us;
        return (wide(from) / 1e6, wide(to).max(wide(from) + 1e6) / 1e6);
    }
    let now = wide(desk.show.now_us) / 1e6;
    let ahead = desk
        .session()
        .and_then(|snapshot| snapshot.prediction.as_ref())
        .map_or(0.0, |prediction| prediction.eta95[1]);
    (0.0, (now + ahead).max(1.0))
}

/// Where times stand, in seconds.
struct Scale {
    rect: Rect,
    from: f64,
    to: f64,
}

impl Scale {
    fn place(&self, at: f64) -> f32 {
        let share = (at - self.from) / (self.to - self.from);
        self.rect.left() + self.rect.width() * narrow(share.clamp(0.0, 1.0))
    }

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

fn track(ui: &mut Ui, desk: &mut Desk<'_>) {
    let (from, to) = bounds(desk);
    // A recording's end has room for its words.
    let (sense, end) = if desk.playback.is_replay {
        (Sense::click_and_drag(), 64.0)
    } else {
        (Sense::hover(), 10.0)
    };
    let (room, response) = ui.allocate_exact_size(ui.available_size(), sense);
    let rect = Rect::from_min_max(
        room.min + Vec2::new(58.0, 0.0),
        room.max - Vec2::new(end, 0.0),
    );
    let scale = Scale { rect, from, to };
    let now = wide(desk.show.now_us) / 1e6;
    marks(ui.painter(), desk, &scale, now);
    labels(ui.painter(), desk, room, &scale, now);
    if let Some(pointer) = response
        .interact_pointer_pos()
        .filter(|_| response.dragged() || response.clicked())
    {
        let at = to_u64(scale.time(pointer.x) * 1e6);
        desk.playback.wishes.push(Wish::Seek(at));
    }
}

/// The line up to now, what happened on it, and what is foreseen.
fn marks(painter: &Painter, desk: &Desk<'_>, scale: &Scale, now: f64) {
    let (theme, y) = (desk.look.theme, scale.y());
    let [left, here] = [scale.rect.left(), scale.place(now)];
    let whole = scale.bar(left, scale.rect.right(), 4.0);
    painter.rect_filled(whole, 2.0, desk.look.raised());
    painter.rect_filled(
        scale.bar(left, here, 4.0),
        2.0,
        colour(theme.states.running),
    );
    future(painter, desk, scale, now);
    for line in &desk.show.news.story.lines {
        let hex = match line.weight {
            Weight::Plain => continue,
            Weight::Good => theme.states.done,
            Weight::Warning => theme.states.retry,
            Weight::Bad => theme.states.fatal,
        };
        let x = scale.place(wide(line.at_us) / 1e6);
        painter.vline(x, y - 7.0..=y + 7.0, Stroke::new(1.5, colour(hex)));
    }
    let rim = Stroke::new(1.5, colour(theme.panel));
    painter.circle(pos2(here, y), 5.0, desk.look.text(), rim);
}

/// The time now, where a recording ends, and where it stops making sense.
fn labels(painter: &Painter, desk: &Desk<'_>, room: Rect, scale: &Scale, now: f64) {
    let look = &desk.look;
    let at = pos2(room.left() + 2.0, scale.y());
    let text = words::clock(now);
    write(painter, at, Align2::LEFT_CENTER, text, 12.5, look.text());
    if desk.playback.is_replay {
        let at = pos2(room.right(), scale.y());
        let text = words::clock(scale.to);
        write(painter, at, Align2::RIGHT_CENTER, text, 12.5, look.faint());
    }
    if let Some(damage) = &desk.playback.damage {
        let at = pos2(scale.rect.right() - 6.0, scale.y() - 6.0);
        let ink = look.written(look.theme.states.fatal);
        write(painter, at, Align2::RIGHT_BOTTOM, damage, 11.0, ink);
    }
}

/// The predicted end as an interval, the median as a tick.
fn future(painter: &Painter, desk: &Desk<'_>, scale: &Scale, now: f64) {
    let Some(snapshot) = desk.session() else {
        return;
    };
    let Some(prediction) = &snapshot.prediction else {
        return;
    };
    let begin = snapshot.at.min(now);
    let ink = colour(desk.look.theme.states.done);
    let [low, high] = prediction.eta80.map(|eta| scale.place(begin + eta));
    painter.rect_filled(scale.bar(low, high, 8.0), 3.0, ink.gamma_multiply(0.35));
    let middle = scale.place(begin + prediction.eta_median);
    let tick = scale.bar(middle, middle, 10.0);
    painter.vline(middle, tick.y_range(), Stroke::new(2.0, ink));
}
