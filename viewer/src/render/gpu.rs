//! What the field owns on the GPU, and how a scene gets there.

#![expect(
    clippy::needless_pass_by_value,
    reason = "systems take their resources by value"
)]

use std::sync::atomic::{AtomicBool, Ordering};

use bevy::{
    mesh::VertexBufferLayout,
    prelude::*,
    render::{
        render_resource::{
            BindGroup, BindGroupEntry, BindGroupLayoutDescriptor, BindingResource, Buffer,
            BufferDescriptor, BufferUsages, CachedRenderPipelineId, Extent3d, FilterMode,
            MipmapFilterMode, PipelineCache, Sampler, SamplerDescriptor, ShaderStages,
            TexelCopyBufferLayout, Texture, TextureDataOrder, TextureDescriptor, TextureDimension,
            TextureFormat, TextureUsages, TextureView, TextureViewDescriptor, TextureViewDimension,
            VertexFormat, VertexStepMode,
        },
        renderer::{RenderDevice, RenderQueue},
    },
};
use bytemuck::{Pod, Zeroable};

use super::{
    BlockQuad, DetailLevel, FrameUniform, Scene,
    pipelines::{Shaders, field_layout, quad_pipeline, scatter_pipeline, uniform_entry},
    sprites,
};
use crate::{
    field::{
        cells::ROW,
        flights::Flight,
        texel::{Texel, TexelUpdate},
    },
    numbers::{index, number},
};

/// Columns of the state texture.
const COLUMNS: u32 = ROW;
const TEXEL_BYTES: u32 = 16;

/// Rows of the state texture for so many cells.
pub(super) fn state_rows(cells: u32) -> u32 {
    cells.div_ceil(COLUMNS).max(16)
}

/// Bytes of the state texture for so many cells.
pub(super) fn state_bytes(cells: u32) -> usize {
    index(state_rows(cells) * COLUMNS * TEXEL_BYTES)
}

/// What has come from the main world and is not on the GPU yet: filled at extraction, emptied by the
/// upload.
#[derive(Default, Resource)]
pub(super) struct PendingScene {
    uniform: FrameUniform,
    blocks: Vec<BlockQuad>,
    updates: Vec<TexelUpdate>,
    /// So many of these updates are in the buffer.
    uploaded: usize,
    flights: Vec<Flight>,
    refill: Option<Vec<Texel>>,
    capacity: u32,
}

impl PendingScene {
    /// Takes what a scene holds.
    pub(super) fn take(&mut self, scene: &mut Scene) {
        self.uniform = scene.uniform;
        self.capacity = scene.capacity;
        self.blocks.clear();
        self.blocks.append(&mut scene.blocks);
        self.flights.clear();
        self.flights.append(&mut scene.flights);
        if let Some(texels) = scene.refill.take() {
            self.refill = Some(texels);
            self.updates.clear();
            self.uploaded = 0;
        }
        self.updates.append(&mut scene.updates);
    }
}

/// The texture that holds a texel for each cell.
pub(super) struct StateTexture {
    pub(super) view: TextureView,
    pub(super) bind_group: BindGroup,
    pub(super) texture: Texture,
    pub(super) rows: u32,
}

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct TargetGrid {
    columns: u32,
    rows: u32,
    spare: [u32; 2],
}

/// The field on the GPU.
#[derive(Resource)]
pub(super) struct FieldGpu {
    pub(super) scatter: CachedRenderPipelineId,
    pub(super) blocks_pipelines: [CachedRenderPipelineId; DetailLevel::ALL.len()],
    /// Blocks by level, in the order of the pipelines: the solid ones, then those that fade in over
    /// what they were.
    pub(super) levels: [[u32; DetailLevel::ALL.len()]; 2],
    pub(super) flights_pipeline: CachedRenderPipelineId,
    pub(super) updates: InstanceBuffer,
    pub(super) blocks: InstanceBuffer,
    pub(super) flights: InstanceBuffer,
    pub(super) scatter_group: BindGroup,
    pub(super) states: Option<StateTexture>,
    /// The updates of the last upload were scattered into the state texture.
    pub(super) were_updates_drawn: AtomicBool,
    layout: BindGroupLayoutDescriptor,
    uniform: Buffer,
    grid: Buffer,
    sprites: TextureView,
    sampler: Sampler,
}

/// Makes everything that does not depend on how many tasks there are.
pub(super) fn open_field(
    mut commands: Commands,
    shaders: Res<Shaders>,
    device: Res<RenderDevice>,
    queue: Res<RenderQueue>,
    cache: Res<PipelineCache>,
) {
    let layout = field_layout();
    let scatter_layout =
        BindGroupLayoutDescriptor::new("scatter", &[uniform_entry(0, ShaderStages::VERTEX)]);
    let uniform = |label, size: usize| {
        device.create_buffer(&BufferDescriptor {
            label: Some(label),
            size: size as u64,
            usage: BufferUsages::UNIFORM | BufferUsages::COPY_DST,
            mapped_at_creation: false,
        })
    };
    let grid = uniform("state grid", size_of::<TargetGrid>());
    let scatter_group = device.create_bind_group(
        "scatter",
        &cache.get_bind_group_layout(&scatter_layout),
        &[BindGroupEntry {
            binding: 0,
            resource: grid.as_entire_binding(),
        }],
    );
    commands.insert_resource(FieldGpu {
        scatter: cache.queue_render_pipeline(scatter_pipeline(&shaders, scatter_layout)),
        blocks_pipelines: DetailLevel::ALL.map(|level| {
            let entries = ["place_block", level.shader()];
            let instances = instances(BLOCK_FORMATS);
            cache.queue_render_pipeline(quad_pipeline(&shaders, &layout, entries, instances))
        }),
        levels: [[0; DetailLevel::ALL.len()]; 2],
        flights_pipeline: {
            let entries = ["place_flight", "draw_flight"];
            let instances = instances(FLIGHT_FORMATS);
            cache.queue_render_pipeline(quad_pipeline(&shaders, &layout, entries, instances))
        },
        updates: InstanceBuffer::new(&device, BufferUsages::VERTEX),
        blocks: InstanceBuffer::new(&device, BufferUsages::VERTEX),
        flights: InstanceBuffer::new(&device, BufferUsages::VERTEX),
        scatter_group,
        states: None,
        were_updates_drawn: AtomicBool::new(false),
        layout,
        uniform: uniform("field frame", size_of::<FrameUniform>()),
        grid,
        sprites: sprite_view(&device, &queue),
        sampler: device.create_sampler(&SamplerDescriptor {
            mag_filter: FilterMode::Linear,
            min_filter: FilterMode::Linear,
            mipmap_filter: MipmapFilterMode::Linear,
            ..default()
        }),
    });
}

/// A `BlockQuad` as the pipeline reads it.
const BLOCK_FORMATS: [VertexFormat; 5] = [
    VertexFormat::Float32x4,
    VertexFormat::Float32x4,
    VertexFormat::Uint32x4,
    VertexFormat::Float32x4,
    VertexFormat::Float32x4,
];

/// A `Flight` as the pipeline reads it.
const FLIGHT_FORMATS: [VertexFormat; 4] = [
    VertexFormat::Float32x4,
    VertexFormat::Float32x4,
    VertexFormat::Uint32x4,
    VertexFormat::Uint32x2,
];

fn instances<const N: usize>(formats: [VertexFormat; N]) -> VertexBufferLayout {
    VertexBufferLayout::from_vertex_formats(VertexStepMode::Instance, formats)
}

fn sprite_view(device: &RenderDevice, queue: &RenderQueue) -> TextureView {
    device
        .create_texture_with_data(
            queue,
            &TextureDescriptor {
                label: Some("sprites"),
                size: Extent3d {
                    width: sprites::TILE,
                    height: sprites::TILE,
                    depth_or_array_layers: sprites::LAYERS,
                },
                mip_level_count: sprites::LEVELS,
                sample_count: 1,
                dimension: TextureDimension::D2,
                format: TextureFormat::Rgba8Unorm,
                usage: TextureUsages::TEXTURE_BINDING | TextureUsages::COPY_DST,
                view_formats: &[],
            },
            TextureDataOrder::LayerMajor,
            &sprites::layers(),
        )
        .create_view(&TextureViewDescriptor {
            dimension: Some(TextureViewDimension::D2Array),
            ..default()
        })
}

/// Brings the pending scene onto the GPU; changed texels wait until their pipeline is ready.
pub(super) fn upload_scene(
    mut pending: ResMut<PendingScene>,
    mut field: ResMut<FieldGpu>,
    device: Res<RenderDevice>,
    queue: Res<RenderQueue>,
    cache: Res<PipelineCache>,
) {
    let field = &mut *field;
    queue.write_buffer(&field.uniform, 0, bytemuck::bytes_of(&pending.uniform));
    let zoom = pending.uniform.zoom;
    let place = |block: &BlockQuad| (usize::from(block.is_fading()), block.level(zoom) as usize);
    pending.blocks.sort_by_key(place);
    field.levels = Default::default();
    for block in &pending.blocks {
        let (fading, level) = place(block);
        field.levels[fading][level] += 1;
    }
    field.blocks.fill(&device, &queue, &pending.blocks);
    field.flights.fill(&device, &queue, &pending.flights);
    let rows = state_rows(pending.capacity);
    if field
        .states
        .as_ref()
        .is_none_or(|states| states.rows < rows)
    {
        field.open_states(&device, &queue, &cache, rows);
    }
    if let Some(texels) = pending.refill.take() {
        field.refill(&queue, texels);
    }
    if field.were_updates_drawn.swap(false, Ordering::Relaxed) {
        // A frame that was not drawn (a hidden window) has scattered nothing: its updates stay.
        let scattered = core::mem::take(&mut pending.uploaded);
        pending.updates.drain(..scattered);
    }
    if cache.get_render_pipeline(field.scatter).is_some() {
        field.updates.fill(&device, &queue, &pending.updates);
        pending.uploaded = pending.updates.len();
    } else {
        field.updates.count = 0;
    }
}

impl FieldGpu {
    fn open_states(
        &mut self,
        device: &RenderDevice,
        queue: &RenderQueue,
        cache: &PipelineCache,
        rows: u32,
    ) {
        let texture = device.create_texture(&TextureDescriptor {
            label: Some("states"),
            size: Extent3d {
                width: COLUMNS,
                height: rows,
                depth_or_array_layers: 1,
            },
            mip_level_count: 1,
            sample_count: 1,
            dimension: TextureDimension::D2,
            format: TextureFormat::Rgba32Uint,
            usage: TextureUsages::TEXTURE_BINDING
                | TextureUsages::COPY_DST
                | TextureUsages::COPY_SRC
                | TextureUsages::RENDER_ATTACHMENT,
            view_formats: &[],
        });
        let view = texture.create_view(&TextureViewDescriptor::default());
        let bind_group = device.create_bind_group(
            "field",
            &cache.get_bind_group_layout(&self.layout),
            &[
                BindGroupEntry {
                    binding: 0,
                    resource: self.uniform.as_entire_binding(),
                },
                BindGroupEntry {
                    binding: 1,
                    resource: BindingResource::TextureView(&view),
                },
                BindGroupEntry {
                    binding: 2,
                    resource: BindingResource::TextureView(&self.sprites),
                },
                BindGroupEntry {
                    binding: 3,
                    resource: BindingResource::Sampler(&self.sampler),
                },
            ],
        );
        let grid = TargetGrid {
            columns: COLUMNS,
            rows,
            spare: [0; 2],
        };
        queue.write_buffer(&self.grid, 0, bytemuck::bytes_of(&grid));
        self.states = Some(StateTexture {
            view,
            bind_group,
            texture,
            rows,
        });
    }

    fn refill(&self, queue: &RenderQueue, mut texels: Vec<Texel>) {
        let states = self
            .states
            .as_ref()
            .expect("it is opened before it is filled");
        let rows = number(texels.len()).div_ceil(COLUMNS);
        if rows == 0 {
            return;
        }
        texels.resize(index(rows * COLUMNS), Texel::default());
        queue.write_texture(
            states.texture.as_image_copy(),
            bytemuck::cast_slice(&texels),
            TexelCopyBufferLayout {
                offset: 0,
                bytes_per_row: Some(COLUMNS * TEXEL_BYTES),
                rows_per_image: Some(rows),
            },
            Extent3d {
                width: COLUMNS,
                height: rows,
                depth_or_array_layers: 1,
            },
        );
    }
}

/// A vertex buffer that grows with what is put into it.
pub(super) struct InstanceBuffer {
    pub(super) buffer: Buffer,
    /// Instances that are in it.
    pub(super) count: u32,
    usage: BufferUsages,
}

impl InstanceBuffer {
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
