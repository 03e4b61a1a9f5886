//! The last paint of the panels: when the next one is due, and how the last stays on the screen.
//!
//! The renderer takes away what it draws, so a frame that paints nothing anew would be the field
//! alone; and the last frame before the camera sleeps stays on the screen.

#![expect(
    clippy::needless_pass_by_value,
    reason = "systems take their resources by value"
)]

use std::time::{Duration, Instant};

use bevy::{ecs::message::Messages, prelude::*, window::RequestRedraw};
use bevy_egui::{
    EguiInput, EguiPostUpdateSet, EguiRenderOutput, PrimaryEguiContext,
    egui::{self, ClippedPrimitive},
};

use crate::field::view::View;

/// Lets egui work only where something was painted, and gives each other frame the last paint.
pub(super) fn plugin(app: &mut App) {
    app.init_resource::<LastPaint>()
        .init_resource::<LastShapes>()
        .configure_sets(
            PostUpdate,
            EguiPostUpdateSet::ProcessOutput.run_if(was_painted),
        )
        .add_systems(
            PostUpdate,
            (suppress_redraws, keep_or_give_back).after(EguiPostUpdateSet::ProcessOutput),
        );
}

/// Between two paints when nobody touches anything.
const CALM: Duration = Duration::from_millis(100);
/// After a touch, egui may ask for more frames so long (a menu that opens, a button let go).
const ECHO: Duration = Duration::from_millis(400);

/// When and of what the panels were painted last.
#[derive(Resource, Debug, Default)]
pub struct LastPaint {
    /// For pictures: each frame is painted, egui's time is the shown time, and nothing is animated.
    pub is_still: bool,
    /// This frame has painted.
    is_new: bool,
    at: Option<Instant>,
    /// A person's last input.
    touched: Option<Instant>,
    /// The shown time of it, µs.
    shown_us: u64,
    view: Option<View>,
    /// Something is drawn that moves by itself: the next frame is painted too.
    is_animated: bool,
    screen: Option<egui::Rect>,
}

impl LastPaint {
    /// Whether this frame has painted.
    #[must_use]
    pub const fn is_new(&self) -> bool {
        self.is_new
    }

    /// A frame begins, which has painted nothing yet.
    pub(super) fn begin(&mut self) {
        self.is_new = false;
    }

    /// The frame has painted this.
    pub(super) fn end(&mut self, shown_us: u64, view: &View) {
        self.is_new = true;
        self.at = Some(Instant::now());
        self.shown_us = shown_us;
        self.view = Some(*view);
    }

    /// This paint moves on by itself.
    pub(super) const fn animate(&mut self) {
        self.is_animated = true;
    }

    /// Whether the last paint was of another time.
    pub(super) const fn shows_other(&self, now_us: u64) -> bool {
        self.shown_us != now_us
    }

    /// At most ten times a second while something is new, at once when touched, else not at all.
    pub(super) fn is_due(
        &mut self,
        ctx: &egui::Context,
        input: &EguiInput,
        view: &View,
        is_new: bool,
    ) -> bool {
        let now = Instant::now();
        let is_touched = input
            .events
            .iter()
            .any(|event| !matches!(event, egui::Event::ModifiersChanged(_)));
        if is_touched {
            self.touched = Some(now);
        }
        let echoes = self.is_echoing() && ctx.has_requested_repaint();
        let is_resized = self.screen != input.screen_rect;
        self.screen = input.screen_rect;
        let is_rested = self.at.is_none_or(|at| now - at >= CALM);
        let is_animated = core::mem::take(&mut self.is_animated) && is_new;
        self.is_still
            || is_animated
            || is_touched
            || is_resized
            || echoes
            || self.view != Some(*view)
            || (is_rested && is_new)
    }

    /// A person touched something a moment ago.
    fn is_echoing(&self) -> bool {
        self.touched.is_some_and(|at| at.elapsed() < ECHO)
    }
}

fn was_painted(paint: Res<LastPaint>) -> bool {
    paint.is_new
}

/// What egui wants painted again without a touch waits for its turn: a window that nobody touches
/// would otherwise draw twice as often as its pace.
fn suppress_redraws(paint: Res<LastPaint>, mut redraws: ResMut<Messages<RequestRedraw>>) {
    if !paint.is_echoing() {
        redraws.clear();
    }
}

/// The shapes of the last paint, ready to be drawn.
#[derive(Resource, Default)]
struct LastShapes(Vec<ClippedPrimitive>);

/// Keeps a new paint; gives each frame without one the last.
fn keep_or_give_back(
    paint: Res<LastPaint>,
    mut last: ResMut<LastShapes>,
    mut outputs: Query<&mut EguiRenderOutput, With<PrimaryEguiContext>>,
) {
    let Ok(mut output) = outputs.single_mut() else {
        return;
    };
    if paint.is_new {
        last.0.clone_from(&output.paint_jobs);
    } else {
        output.paint_jobs.clone_from(&last.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_new_is_painted_after_a_rest_and_a_touch_at_once() {
        let (ctx, view) = (egui::Context::default(), View::default());
        let mut input = EguiInput::default();
        let mut paint = LastPaint::default();
        assert!(
            paint.is_due(&ctx, &input, &view, false),
            "nothing was painted yet"
        );
        paint.end(5, &view);
        assert!(!paint.is_due(&ctx, &input, &view, false), "nothing is new");
        paint.at = Some(Instant::now() + CALM);
        assert!(!paint.is_due(&ctx, &input, &view, true), "it rests");
        paint.at = Instant::now().checked_sub(CALM);
        assert!(paint.is_due(&ctx, &input, &view, true));
        let key = egui::Event::ModifiersChanged(egui::Modifiers::NONE);
        input.events = vec![key];
        assert!(!paint.is_due(&ctx, &input, &view, false), "nobody pressed");
        input.events = vec![egui::Event::PointerGone];
        assert!(paint.is_due(&ctx, &input, &view, false));
    }
}
