//! The time line: where we are in the run, what happened when, and in a recording the way there.

use bevy_egui::egui::{Align2, Pos2, Rect, RichText, Sense, Stroke, Ui, Vec2, pos2};

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

fn track(ui: &mut Ui, desk: &mut Desk<'_>) {
    let (from, to) = bounds(desk);
    let size = Vec2::new(ui.available_width(), ui.available_height());
    let sense = if desk.playback.is_replay {
        Sense::click_and_drag()
    } else {
        Sense::hover()
    };
    let (room, response) = ui.allocate_exact_size(size, sense);
    let rect = Rect::from_min_max(
        room.min + Vec2::new(58.0, 0.0),
        room.max
            - Vec2::new(
                10.0 + 54.0 * f32::from(u8::from(desk.playback.is_replay)),
                0.0,
            ),
    );
    let y = rect.center().y;
    let place =
        |at: f64| rect.left() + rect.width() * narrow(((at - from) / (to - from)).clamp(0.0, 1.0));
    let now = wide(desk.show.now_us) / 1e6;
    let painter = ui.painter();
    let theme = desk.look.theme;
    let bar = |left: f32, right: f32, height: f32| {
        Rect::from_min_max(pos2(left, y - height / 2.0), pos2(right, y + height / 2.0))
    };
    painter.rect_filled(bar(rect.left(), rect.right(), 4.0), 2.0, desk.look.raised());
    painter.rect_filled(
        bar(rect.left(), place(now), 4.0),
        2.0,
        colour(theme.states.running),
    );
    future(painter, desk, now, &place, &bar);
    for line in &desk.show.news.story.lines {
        let hex = match line.weight {
            Weight::Plain => continue,
            Weight::Good => theme.states.done,
            Weight::Warning => theme.states.retry,
            Weight::Bad => theme.states.fatal,
        };
        let x = place(wide(line.at_us) / 1e6);
        painter.vline(x, y - 7.0..=y + 7.0, Stroke::new(1.5, colour(hex)));
    }
    painter.circle(
        pos2(place(now), y),
        5.0,
        desk.look.text(),
        Stroke::new(1.5, colour(theme.panel)),
    );
    let ink = desk.look.text();
    write(
        painter,
        pos2(room.left() + 2.0, y),
        Align2::LEFT_CENTER,
        words::clock(now),
        12.5,
        ink,
    );
    let end = if desk.playback.is_replay {
        words::clock(to)
    } else {
        String::new()
    };
    write(
        painter,
        pos2(room.right(), y),
        Align2::RIGHT_CENTER,
        end,
        12.5,
        desk.look.faint(),
    );
    if let Some(damage) = &desk.playback.damage {
        let at = pos2(rect.right() - 6.0, y - 6.0);
        write(
            painter,
            at,
            Align2::RIGHT_BOTTOM,
            damage,
            11.0,
            desk.look.written(theme.states.fatal),
        );
    }
    if let Some(pointer) = response
        .interact_pointer_pos()
        .filter(|_| response.dragged() || response.clicked())
    {
        let share = f64::from((pointer.x - rect.left()) / rect.width().max(1.0)).clamp(0.0, 1.0);
        desk.playback
            .wishes
            .push(Wish::Seek(to_u64((from + (to - from) * share) * 1e6)));
    }
}

/// The predicted end as an interval, the median as a tick.
fn future(
    painter: &bevy_egui::egui::Painter,
    desk: &Desk<'_>,
    now: f64,
    place: &dyn Fn(f64) -> f32,
    bar: &dyn Fn(f32, f32, f32) -> Rect,
) {
    let Some(snapshot) = desk.session() else {
        return;
    };
    let Some(prediction) = &snapshot.prediction else {
        return;
    };
    let begin = snapshot.at.min(now);
    let ink = colour(desk.look.theme.states.done);
    let [low, high] = prediction.eta80.map(|eta| place(begin + eta));
    painter.rect_filled(bar(low, high, 8.0), 3.0, ink.gamma_multiply(0.35));
    let middle = place(begin + prediction.eta_median);
    painter.line_segment(
        [
            Pos2::new(middle, bar(0.0, 0.0, 10.0).top()),
            Pos2::new(middle, bar(0.0, 0.0, 10.0).bottom()),
        ],
        Stroke::new(2.0, ink),
    );
}
