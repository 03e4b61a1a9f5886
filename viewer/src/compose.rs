//! From what the viewer knows to what the next frame draws.

#![expect(
    clippy::needless_pass_by_value,
    reason = "systems take their resources by value"
)]

use bevy::prelude::{Res, ResMut};

use crate::{
    field::{board::Arrangement, layout::HEADER},
    numbers::{index, millis, narrow, number, wide},
    render::{BlockQuad, FrameUniform, Scene},
    show::Show,
};

/// Writes the scene: visible blocks, changed texels, the frame's uniform.
pub fn compose_scene(mut show: ResMut<Show>, mut scene: ResMut<Scene>, target: Res<TargetSize>) {
    let show = &mut *show;
    let scene = &mut *scene;
    compose(show, scene, target.0);
}

/// Pixels of the picture.
#[derive(Debug, Clone, Copy, Default, bevy::prelude::Resource)]
pub struct TargetSize(pub [f32; 2]);

/// The same without Bevy, for tests and benches.
pub fn compose(show: &mut Show, scene: &mut Scene, size: [f32; 2]) {
    let theme = show.choices.theme.theme();
    let view = show.view;
    scene.uniform = FrameUniform {
        size,
        zoom: view.zoom,
        hurry: show.hurry(),
        pan: [view.pan.0, view.pan.1],
        corner: [view.area.left, view.area.top],
        now_ms: millis(show.now_us),
        motion: show.choices.motion as u32,
        signs: show.choices.signs,
        stages: show.choices.stages,
        colours: theme.sign_colours(),
        surfaces: theme.surfaces(),
    };
    let cells = number(show.board.texels().len());
    show.refill |= scene.outgrown_by(cells);
    scene.cells = cells;
    let points = show.board.take_points();
    if core::mem::take(&mut show.refill) {
        scene.refill = Some(show.board.texels().to_vec());
        scene.points.clear();
    } else {
        scene.points.extend_from_slice(&points);
    }
    scene.blocks.clear();
    for (block, place) in (0_u32..).zip(&show.placed) {
        let on_screen = view.rect_to_screen(place.rect);
        let area = view.area;
        if on_screen.right < area.left
            || on_screen.left > area.right
            || on_screen.bottom < area.top
            || on_screen.top > area.bottom
        {
            continue;
        }
        let cells = &show.board.blocks()[index(block)];
        scene.blocks.push(BlockQuad {
            rect: [
                place.rect.left,
                place.rect.top,
                place.rect.right,
                place.rect.bottom,
            ],
            grid: [place.x, place.y, place.cell, HEADER],
            cells: [
                cells.base,
                cells.used().min(cells.capacity),
                place.columns,
                show.block_flags(block),
            ],
            shares: shares(show, block),
        });
    }
    scene.flights.clear();
    scene.flights.extend_from_slice(&show.board.flights.aloft);
}

/// The bar at a block's foot: finished and gone, dead, in the window, waiting outside.
fn shares(show: &Show, block: u32) -> [f32; 4] {
    if show.board.arrangement() == Arrangement::Flow {
        return [0.0; 4];
    }
    let Some(info) = show.host_info(block) else {
        return [0.0; 4];
    };
    let inside = u64::from(show.board.blocks()[index(block)].count);
    let total = info.finished + inside + info.outside;
    if total == 0 {
        return [0.0; 4];
    }
    let part = |count: u64| narrow(wide(count) / wide(total));
    [part(info.finished), 0.0, part(inside), part(info.outside)]
}
