//! From what the viewer knows to what the next frame draws.

#![expect(
    clippy::needless_pass_by_value,
    reason = "systems take their resources by value"
)]

use bevy::prelude::{Res, ResMut};

use crate::{
    field::{board::Arrangement, heaps::half_width, layout::Placed},
    numbers::{index, millis, narrow, wide},
    render::{BlockQuad, FrameUniform, Scene},
    show::Show,
};

/// Writes the scene: visible blocks, changed texels, the frame's uniform.
pub fn compose_scene(mut show: ResMut<Show>, mut scene: ResMut<Scene>, target: Res<TargetSize>) {
    let show = &mut *show;
    let scene = &mut *scene;
    compose(show, scene, target.0);
}

/// Heaps stand so far from a block's sides, in points.
pub const BESIDE: f32 = 9.0;

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
        scale: show.scale(),
        spare: [0.0; 7],
        colours: theme.sign_colours(),
        surfaces: theme.surfaces(),
    };
    let cells = show.board.cells();
    show.refill |= scene.outgrown_by(cells);
    scene.cells = cells;
    match show.board.take_points() {
        Some(points) if !show.refill => scene.points.extend_from_slice(&points),
        _ => {
            scene.refill = Some(show.board.texels(&show.mirror));
            scene.points.clear();
            show.refill = false;
        }
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
            grid: [place.x, place.y, place.cell, place.header],
            cells: [
                cells.base,
                cells.used().min(cells.capacity),
                place.columns,
                show.block_flags(block),
            ],
            heaps: heaps(show, block, place),
            foot: [place.foot, BESIDE * show.scale(), lost(show, block)],
        });
    }
    scene.flights.clear();
    scene.flights.extend_from_slice(&show.board.flights.aloft);
}

fn share(count: u64, total: u64) -> f32 {
    narrow(wide(count) / wide(total.max(1)))
}

/// Of a block's tasks, the share that is lost and gone; negative where the mound is of those.
fn lost(show: &Show, block: u32) -> f32 {
    let heap = show.heap(block);
    let inside = u64::from(show.board.blocks()[index(block)].count);
    let share = share(heap.lost, heap.gone + heap.lost + inside + heap.waiting);
    if heap.gone == 0 { -share } else { share }
}

/// The line at a block's foot, and the heaps standing on it.
fn heaps(show: &Show, block: u32, place: &Placed) -> [f32; 4] {
    let heap = show.heap(block);
    let inside = u64::from(show.board.blocks()[index(block)].count);
    let total = heap.gone + heap.lost + inside + heap.waiting;
    let part = |count| share(count, total);
    let (gone, here) = if show.board.arrangement() == Arrangement::Flow || total == 0 {
        (-1.0, 0.0)
    } else {
        (part(heap.gone), part(inside))
    };
    let half = |count| half_width(count) * show.scale() * f32::from(u8::from(place.foot > 8.0));
    [gone, here, half(heap.mound()), half(heap.waiting)]
}
