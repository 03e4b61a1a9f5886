//! The state texture read back: what tests hold against the cells.

use bevy::{
    prelude::World,
    render::{
        render_resource::{
            BufferDescriptor, BufferUsages, CommandEncoderDescriptor, Extent3d, MapMode, PollType,
            TexelCopyBufferInfo, TexelCopyBufferLayout,
        },
        renderer::{RenderDevice, RenderQueue},
    },
};

use super::gpu::FieldGpu;
use crate::{
    field::{cells::ROW, texel::Texel},
    numbers::index,
};

/// All texels by address, of the renderer's world; empty before anything was drawn.
#[must_use]
pub fn read_states(world: &World) -> Vec<Texel> {
    let field = world.resource::<FieldGpu>();
    let Some(states) = &field.states else {
        return Vec::new();
    };
    let device = world.resource::<RenderDevice>();
    let queue = world.resource::<RenderQueue>();
    let row_bytes = ROW * 16;
    let buffer = device.create_buffer(&BufferDescriptor {
        label: Some("states read back"),
        size: u64::from(row_bytes) * u64::from(states.rows),
        usage: BufferUsages::COPY_DST | BufferUsages::MAP_READ,
        mapped_at_creation: false,
    });
    let mut encoder = device.create_command_encoder(&CommandEncoderDescriptor::default());
    encoder.copy_texture_to_buffer(
        states.texture.as_image_copy(),
        TexelCopyBufferInfo {
            buffer: &buffer,
            layout: TexelCopyBufferLayout {
                offset: 0,
                bytes_per_row: Some(row_bytes),
                rows_per_image: None,
            },
        },
        Extent3d {
            width: ROW,
            height: states.rows,
            depth_or_array_layers: 1,
        },
    );
    queue.submit([encoder.finish()]);
    let slice = buffer.slice(..);
    slice.map_async(MapMode::Read, |_| {});
    device.poll(PollType::wait_indefinitely()).ok();
    let mut texels = vec![Texel::default(); index(ROW * states.rows)];
    bytemuck::cast_slice_mut(&mut texels).copy_from_slice(&slice.get_mapped_range());
    texels
}
