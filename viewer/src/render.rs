//! The field's own pass: scatters changed texels into the state texture, then draws one quad per
//! block and one per flight. It hangs in the 2-D schedule and knows nothing of tasks.

mod gpu;
mod pass;
mod pipelines;
mod readback;
mod sprites;

pub use readback::read_states;

use bevy::{
    core_pipeline::{Core2d, Core2dSystems, core_2d::main_transparent_pass_2d},
    prelude::*,
    render::{ExtractSchedule, MainWorld, Render, RenderApp, RenderStartup, RenderSystems},
};
use bytemuck::{Pod, Zeroable};

use crate::field::{
    flights::Flight,
    texel::{Texel, TexelUpdate},
};

/// Draws the scene with Bevy's renderer, where the app has one.
pub fn plugin(app: &mut App) {
    let mut shaders = app.world_mut().resource_mut::<Assets<Shader>>();
    let handles = pipelines::Shaders {
        field: shaders.add(Shader::from_wgsl(
            concat!(
                include_str!("../../assets/shaders/field.wgsl"),
                include_str!("../../assets/shaders/task.wgsl")
            ),
            "field.wgsl",
        )),
        scatter: shaders.add(Shader::from_wgsl(
            include_str!("../../assets/shaders/scatter.wgsl"),
            "scatter.wgsl",
        )),
    };
    // An app without a renderer draws nothing.
    let Some(render_app) = app.get_sub_app_mut(RenderApp) else {
        return;
    };
    render_app
        .insert_resource(handles)
        .init_resource::<gpu::PendingScene>()
        .add_systems(RenderStartup, gpu::open_field)
        .add_systems(ExtractSchedule, take_scene)
        .add_systems(
            Render,
            gpu::upload_scene.in_set(RenderSystems::PrepareResources),
        )
        .add_systems(
            Core2d,
            pass::draw_field
                .after(main_transparent_pass_2d)
                .in_set(Core2dSystems::MainPass),
        );
}

/// A block as the shader reads it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct BlockQuad {
    /// The block: left, top, right, bottom.
    pub rect: [f32; 4],
    /// First cell's corner, edge of a cell, height of the header.
    pub grid: [f32; 4],
    /// First address, cells, columns, flags.
    pub cells: [u32; 4],
    /// The foot's line: shares finished and in the window, negative for no line; half the widths of
    /// the mounds of what has ended and of what waits outside the window.
    pub outside: [f32; 4],
    /// Height of the foot, how far mounds stand from the sides, the share of the line that has failed
    /// (negative where the mound at the left is of those), and how much is seen of the whole block.
    pub foot: [f32; 4],
}

impl BlockQuad {
    /// It covers what was drawn before it only in part.
    #[must_use]
    pub fn is_fading(&self) -> bool {
        self.foot[3] < 1.0
    }

    /// The level of detail of its cells at this zoom.
    #[must_use]
    pub fn level(&self, zoom: f32) -> DetailLevel {
        let pixels = self.grid[2] * zoom;
        DetailLevel::ALL
            .into_iter()
            .find(|level| pixels >= level.least_pixels())
            .unwrap_or(DetailLevel::Dense)
    }
}

/// How a task is drawn, by the pixels of its cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DetailLevel {
    /// A creature with its ring.
    Near,
    /// A glyph with a ring.
    Ringed,
    /// A glyph without a ring.
    Signs,
    /// A square with a gap round it.
    Squares,
    /// The colour of a whole cell.
    Plain,
    /// Several tasks share a pixel.
    Dense,
}

impl DetailLevel {
    /// All, from near to far.
    pub const ALL: [Self; 6] = [
        Self::Near,
        Self::Ringed,
        Self::Signs,
        Self::Squares,
        Self::Plain,
        Self::Dense,
    ];

    const fn least_pixels(self) -> f32 {
        match self {
            Self::Near => 30.0,
            Self::Ringed => 14.0,
            Self::Signs => 8.0,
            Self::Squares => 3.0,
            Self::Plain => 1.0,
            Self::Dense => 0.0,
        }
    }

    /// The name of its fragment shader.
    const fn shader(self) -> &'static str {
        match self {
            Self::Near => "draw_near",
            Self::Ringed => "draw_ringed",
            Self::Signs => "draw_signs",
            Self::Squares => "draw_squares",
            Self::Plain => "draw_plain",
            Self::Dense => "draw_dense",
        }
    }
}

/// What all pixels of a frame share; `assets/shaders/field.wgsl` names the fields.
#[derive(Debug, Clone, Copy, Default, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct FrameUniform {
    /// Width and height of the target in pixels.
    pub size: [f32; 2],
    /// Screen pixels a field pixel.
    pub zoom: f32,
    /// Animations run so many times faster.
    pub speed: f32,
    /// The field's point in the corner.
    pub pan: [f32; 2],
    /// The field's corner on the screen.
    pub corner: [f32; 2],
    /// The source's clock in milliseconds.
    pub now_ms: u32,
    /// 2 full, 1 reduced, 0 none.
    pub motion: u32,
    /// A bit for each sign that is shown in full.
    pub signs: u32,
    /// A bit for each stage that is shown in full.
    pub stages: u32,
    /// Pixels a point of the screen.
    pub scale: f32,
    /// Nothing: what follows begins at a multiple of 16 bytes.
    pub spare: [f32; 7],
    /// Linear colours by sign.
    pub colours: [[f32; 4]; 16],
    /// Panel, header, line, ink, light, mark.
    pub surfaces: [[f32; 4]; 8],
}

/// What the next frame shows: written by the viewer, emptied by the renderer.
#[derive(Debug, Default, Resource)]
pub struct Scene {
    /// Width and height of the target in pixels: set by whoever owns the target.
    pub size: [f32; 2],
    /// Shared by all pixels.
    pub uniform: FrameUniform,
    /// Blocks that are in sight.
    pub blocks: Vec<BlockQuad>,
    /// Texels that have changed since the last frame.
    pub updates: Vec<TexelUpdate>,
    /// All texels: replaces what was.
    pub refill: Option<Vec<Texel>>,
    /// Cells that the state texture must hold.
    pub capacity: u32,
    /// Tasks that fly in this frame.
    pub flights: Vec<Flight>,
}

impl Scene {
    /// Bytes of the state texture that holds these cells.
    #[must_use]
    pub fn gpu_bytes(&self) -> usize {
        gpu::state_bytes(self.capacity)
    }

    /// Whether so many cells need another texture, which begins empty.
    #[must_use]
    pub fn outgrown_by(&self, cells: u32) -> bool {
        gpu::state_rows(cells) > gpu::state_rows(self.capacity)
    }
}

/// Moves the scene to the render world; changes pile up there until the pipelines are ready.
fn take_scene(mut main: ResMut<MainWorld>, mut pending: ResMut<gpu::PendingScene>) {
    // Without the plugin that makes scenes there is nothing to draw.
    let Some(mut scene) = main.get_resource_mut::<Scene>() else {
        return;
    };
    pending.take(scene.bypass_change_detection());
}
