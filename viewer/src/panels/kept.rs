//! What was painted last. The renderer takes away what it draws, so a frame that paints nothing
//! anew would be the field alone; and the last frame before the camera sleeps stays on the screen.

#![expect(
    clippy::needless_pass_by_value,
    reason = "systems take their resources by value"
)]

use bevy::prelude::*;
use bevy_egui::{EguiRenderOutput, PrimaryEguiContext, egui::ClippedPrimitive};

use super::Panels;

/// The last paint, ready to be drawn.
#[derive(Resource, Default)]
pub(super) struct Kept(Vec<ClippedPrimitive>);

/// Keeps a new paint; gives each frame without one the last.
pub(super) fn keep_or_give_back(
    panels: Res<Panels>,
    mut kept: ResMut<Kept>,
    mut outputs: Query<&mut EguiRenderOutput, With<PrimaryEguiContext>>,
) {
    let Ok(mut output) = outputs.single_mut() else {
        return;
    };
    if panels.painted.now {
        kept.0.clone_from(&output.paint_jobs);
    } else {
        output.paint_jobs.clone_from(&kept.0);
    }
}
