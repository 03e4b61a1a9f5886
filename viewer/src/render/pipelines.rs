//! The pipelines: scattering points, drawing blocks at each level of detail, drawing flights.

use bevy::{
    mesh::VertexBufferLayout,
    prelude::*,
    render::render_resource::{
        BindGroupLayoutDescriptor, BindGroupLayoutEntry, BindingType, BlendState,
        BufferBindingType, ColorTargetState, ColorWrites, FragmentState, PrimitiveState,
        PrimitiveTopology, RenderPipelineDescriptor, SamplerBindingType, ShaderStages,
        TextureFormat, TextureSampleType, TextureViewDimension, VertexFormat, VertexState,
        VertexStepMode,
    },
    shader::Shader,
};

/// Handles of the shaders in Bevy's assets.
#[derive(Resource)]
pub(super) struct Shaders {
    pub(super) field: Handle<Shader>,
    pub(super) scatter: Handle<Shader>,
}

pub(super) fn uniform_entry(binding: u32, visibility: ShaderStages) -> BindGroupLayoutEntry {
    BindGroupLayoutEntry {
        binding,
        visibility,
        ty: BindingType::Buffer {
            ty: BufferBindingType::Uniform,
            has_dynamic_offset: false,
            min_binding_size: None,
        },
        count: None,
    }
}

pub(super) fn field_layout() -> BindGroupLayoutDescriptor {
    let texture = |binding, sample_type, view_dimension| BindGroupLayoutEntry {
        binding,
        visibility: ShaderStages::FRAGMENT,
        ty: BindingType::Texture {
            sample_type,
            view_dimension,
            multisampled: false,
        },
        count: None,
    };
    BindGroupLayoutDescriptor::new(
        "field",
        &[
            uniform_entry(0, ShaderStages::VERTEX_FRAGMENT),
            texture(1, TextureSampleType::Uint, TextureViewDimension::D2),
            texture(
                2,
                TextureSampleType::Float { filterable: true },
                TextureViewDimension::D2Array,
            ),
            BindGroupLayoutEntry {
                binding: 3,
                visibility: ShaderStages::FRAGMENT,
                ty: BindingType::Sampler(SamplerBindingType::Filtering),
                count: None,
            },
        ],
    )
}

pub(super) fn scatter_pipeline(
    shaders: &Shaders,
    layout: BindGroupLayoutDescriptor,
) -> RenderPipelineDescriptor {
    RenderPipelineDescriptor {
        label: Some("scatter texels".into()),
        layout: vec![layout],
        vertex: VertexState {
            shader: shaders.scatter.clone(),
            entry_point: Some("place".into()),
            buffers: vec![VertexBufferLayout::from_vertex_formats(
                VertexStepMode::Vertex,
                [VertexFormat::Uint32x4, VertexFormat::Uint32],
            )],
            ..default()
        },
        primitive: PrimitiveState {
            topology: PrimitiveTopology::PointList,
            ..default()
        },
        fragment: Some(FragmentState {
            shader: shaders.scatter.clone(),
            entry_point: Some("write".into()),
            targets: vec![Some(ColorTargetState {
                format: TextureFormat::Rgba32Uint,
                blend: None,
                write_mask: ColorWrites::ALL,
            })],
            ..default()
        }),
        ..default()
    }
}

pub(super) fn quad_pipeline(
    shaders: &Shaders,
    layout: &BindGroupLayoutDescriptor,
    [place, draw]: [&'static str; 2],
    instances: VertexBufferLayout,
) -> RenderPipelineDescriptor {
    RenderPipelineDescriptor {
        label: Some(draw.into()),
        layout: vec![layout.clone()],
        vertex: VertexState {
            shader: shaders.field.clone(),
            entry_point: Some(place.into()),
            buffers: vec![instances],
            ..default()
        },
        primitive: PrimitiveState {
            topology: PrimitiveTopology::TriangleStrip,
            ..default()
        },
        fragment: Some(FragmentState {
            shader: shaders.field.clone(),
            entry_point: Some(draw.into()),
            targets: vec![Some(ColorTargetState {
                format: TextureFormat::Rgba8UnormSrgb,
                blend: Some(BlendState::PREMULTIPLIED_ALPHA_BLENDING),
                write_mask: ColorWrites::ALL,
            })],
            ..default()
        }),
        ..default()
    }
}
