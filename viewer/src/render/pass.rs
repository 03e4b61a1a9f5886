//! The two passes of a frame: updates into the state texture, then quads onto the target.

#![expect(
    clippy::needless_pass_by_value,
    reason = "systems take their resources by value"
)]

use std::sync::atomic::Ordering;

use bevy::{
    prelude::*,
    render::{
        render_resource::{
            LoadOp, Operations, PipelineCache, RenderPassColorAttachment, RenderPassDescriptor,
            StoreOp,
        },
        renderer::{RenderContext, ViewQuery},
        view::ViewTarget,
    },
};

use super::gpu::FieldGpu;

/// Draws the field of this camera.
pub(super) fn draw_field(
    view: ViewQuery<&ViewTarget>,
    field: Option<Res<FieldGpu>>,
    cache: Res<PipelineCache>,
    mut context: RenderContext,
) {
    let Some(field) = field else { return };
    let Some(states) = &field.states else { return };
    let target = view.into_inner();
    if field.updates.count > 0
        && let Some(pipeline) = cache.get_render_pipeline(field.scatter)
    {
        let mut pass = context.begin_tracked_render_pass(RenderPassDescriptor {
            label: Some("scatter texels"),
            color_attachments: &[Some(RenderPassColorAttachment {
                view: &states.view,
                depth_slice: None,
                resolve_target: None,
                ops: Operations {
                    load: LoadOp::Load,
                    store: StoreOp::Store,
                },
            })],
            ..default()
        });
        pass.set_render_pipeline(pipeline);
        pass.set_bind_group(0, &field.scatter_group, &[]);
        pass.set_vertex_buffer(0, field.updates.buffer.slice(..));
        pass.draw(0..field.updates.count, 0..1);
        field.were_updates_drawn.store(true, Ordering::Relaxed);
    }
    let mut pass = context.begin_tracked_render_pass(RenderPassDescriptor {
        label: Some("field"),
        color_attachments: &[Some(target.get_color_attachment())],
        ..default()
    });
    pass.set_bind_group(0, &states.bind_group, &[]);
    let mut first = 0;
    let pipelines = field.blocks_pipelines.iter().cycle();
    for (&pipeline, &count) in pipelines.zip(field.levels.as_flattened()) {
        if count > 0
            && let Some(pipeline) = cache.get_render_pipeline(pipeline)
        {
            pass.set_render_pipeline(pipeline);
            pass.set_vertex_buffer(0, field.blocks.buffer.slice(..));
            pass.draw(0..4, first..first + count);
        }
        first += count;
    }
    if field.flights.count > 0
        && let Some(pipeline) = cache.get_render_pipeline(field.flights_pipeline)
    {
        pass.set_render_pipeline(pipeline);
        pass.set_vertex_buffer(0, field.flights.buffer.slice(..));
        pass.draw(0..4, 0..field.flights.count);
    }
}
