//! The scene: what the next frame draws, made from what is known and how it is looked at.

#![expect(
    clippy::needless_pass_by_value,
    reason = "systems take their resources by value"
)]

use bevy::prelude::*;

use crate::{
    feed::Feed,
    field::{Arrangement, BLOCK_FINISHED, Field, layout::Placed, outside::half_width, view::View},
    filter::Filter,
    numbers::{index, millis, narrow, wide},
    render::{BlockQuad, FrameUniform, Scene},
    theme::Appearance,
};

/// Makes the scene in `PostUpdate`.
pub fn plugin(app: &mut App) {
    app.init_resource::<Scene>()
        .init_resource::<ClearColor>()
        .add_systems(
            PostUpdate,
            (set_background, compose_scene).in_set(SceneSystems),
        );
}

/// Mounds stand so far from a block's sides, in points.
pub const MOUND_MARGIN: f32 = 9.0;

/// The systems that make the scene: after everything that changes the field in a frame.
#[derive(SystemSet, Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SceneSystems;

fn set_background(appearance: Res<Appearance>, mut background: ResMut<ClearColor>) {
    let [_, r, g, b] = appearance.theme.theme().background.to_be_bytes();
    let colour = Color::srgb_u8(r, g, b);
    if background.0 != colour {
        background.0 = colour;
    }
}

/// Writes the scene: visible blocks, changed texels, the frame's uniform.
pub fn compose_scene(
    feed: Res<Feed>,
    mut field: ResMut<Field>,
    view: Res<View>,
    filter: Res<Filter>,
    appearance: Res<Appearance>,
    mut scene: ResMut<Scene>,
) {
    let (field, scene) = (&mut *field, &mut *scene);
    let theme = appearance.theme.theme();
    scene.uniform = FrameUniform {
        size: scene.size,
        zoom: view.zoom,
        speed: field.animation_speed,
        pan: [view.pan.0, view.pan.1],
        corner: [view.area.left, view.area.top],
        now_ms: millis(feed.now_us),
        motion: appearance.motion as u32,
        signs: filter.signs,
        stages: filter.stages,
        scale: view.scale,
        spare: [0.0; 7],
        colours: theme.sign_colours(),
        surfaces: theme.surfaces(),
    };
    write_texels(field, &feed, scene);
    scene.blocks.clear();
    for (block, place) in (0_u32..).zip(&field.placed) {
        if is_visible(place, &view) {
            let quads = &mut scene.blocks;
            push_quads(block, place, field, &feed, view.scale, quads);
        }
    }
    scene.flights.clear();
    scene.flights.extend_from_slice(&field.cells.flights.flying);
}

/// The texels that have changed, or all.
fn write_texels(field: &mut Field, feed: &Feed, scene: &mut Scene) {
    let capacity = field.cells.capacity();
    field.needs_refill |= scene.outgrown_by(capacity);
    scene.capacity = capacity;
    match field.cells.take_updates() {
        Some(updates) if !field.needs_refill => scene.updates.extend_from_slice(&updates),
        _ => {
            scene.refill = Some(field.cells.texels(&feed.mirror));
            scene.updates.clear();
            field.needs_refill = false;
        }
    }
}

fn is_visible(place: &Placed, view: &View) -> bool {
    let (rect, area) = (view.rect_to_screen(place.rect), view.area);
    rect.right >= area.left
        && rect.left <= area.right
        && rect.bottom >= area.top
        && rect.top <= area.bottom
}

/// A block; while it gets other columns, the grid that it had below the one it will have.
fn push_quads(
    block: u32,
    place: &Placed,
    field: &Field,
    feed: &Feed,
    scale: f32,
    quads: &mut Vec<BlockQuad>,
) {
    let mut new = quad(block, place, field, feed, scale);
    if let Some((columns, way)) = field.old_grid(block, feed.now_us) {
        let mut old = new;
        old.cells[2] = columns;
        quads.push(old);
        new.foot[3] = way;
    }
    if place.columns > 0 {
        quads.push(new);
    }
}

fn quad(block: u32, place: &Placed, field: &Field, feed: &Feed, scale: f32) -> BlockQuad {
    let cells = &field.cells.blocks()[index(block)];
    let outside = field.outside(block, &feed.mirror);
    let inside = u64::from(cells.count);
    let total = outside.over() + inside + outside.waiting;
    let share = |count: u64| narrow(wide(count) / wide(total.max(1)));
    let has_line = field.cells.arrangement() == Arrangement::Territory && total > 0;
    let (finished, here) = if has_line {
        (share(outside.finished), share(inside))
    } else {
        (-1.0, 0.0)
    };
    // The mound at the left is of failed tasks where none has finished.
    let failed = if outside.finished == 0 {
        -share(outside.failed)
    } else {
        share(outside.failed)
    };
    let has_mounds = f32::from(u8::from(place.foot > 8.0));
    let half = |count| half_width(count) * scale * has_mounds;
    let ended = outside.finished + outside.failed;
    let (flag, count) = if field.has_finished(block, &outside) {
        let ended = u32::try_from(ended).unwrap_or(u32::MAX);
        (BLOCK_FINISHED, ended.min(place.holds()))
    } else {
        (0, cells.reached().min(cells.capacity).min(place.holds()))
    };
    BlockQuad {
        rect: [
            place.rect.left,
            place.rect.top,
            place.rect.right,
            place.rect.bottom,
        ],
        grid: [place.x, place.y, place.cell, place.header],
        cells: [
            cells.base,
            count,
            place.columns,
            field.block_flags(block, feed) | flag,
        ],
        outside: [finished, here, half(outside.mound()), half(outside.waiting)],
        foot: [place.foot, MOUND_MARGIN * scale, failed, 1.0],
    }
}
