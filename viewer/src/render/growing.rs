//! A vertex buffer that grows with what is put into it.

use bevy::render::{
    render_resource::{Buffer, BufferDescriptor, BufferUsages},
    renderer::{RenderDevice, RenderQueue},
};
use bytemuck::Pod;

use crate::numbers::number;

/// A buffer that grows.
pub(super) struct Growing {
    pub(super) buffer: Buffer,
    pub(super) count: u32,
    usage: BufferUsages,
}

impl Growing {
    pub(super) fn new(device: &RenderDevice, usage: BufferUsages) -> Self {
        let usage = usage | BufferUsages::COPY_DST;
        let buffer = device.create_buffer(&BufferDescriptor {
            label: Some("field instances"),
            size: 4096,
            usage,
            mapped_at_creation: false,
        });
        Self {
            buffer,
            count: 0,
            usage,
        }
    }

    pub(super) fn fill<T: Pod>(&mut self, device: &RenderDevice, queue: &RenderQueue, items: &[T]) {
        let bytes: &[u8] = bytemuck::cast_slice(items);
        let size = bytes.len() as u64;
        if size > self.buffer.size() {
            self.buffer = device.create_buffer(&BufferDescriptor {
                label: Some("field instances"),
                size: size.next_power_of_two(),
                usage: self.usage,
                mapped_at_creation: false,
            });
        }
        if size > 0 {
            queue.write_buffer(&self.buffer, 0, bytes);
        }
        self.count = number(items.len());
    }
}
