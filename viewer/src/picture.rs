//! Pictures without a window: the same app, drawn into an image and read back.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use bevy::{
    app::PluginsState,
    camera::RenderTarget,
    log::LogPlugin,
    prelude::*,
    render::{
        RenderPlugin,
        pipelined_rendering::PipelinedRenderingPlugin,
        render_resource::{TextureFormat, TextureUsages},
        view::screenshot::{Screenshot, ScreenshotCaptured},
    },
    time::TimeUpdateStrategy,
    window::ExitCondition,
    winit::WinitPlugin,
};
use image::RgbaImage;

use crate::{
    compose::{TargetSize, compose_scene},
    field::layout::Rect,
    numbers::float,
    render::FieldPlugin,
    show::Show,
};

/// Updates that a picture may take to come back, at most.
const UPDATES_MAX: u32 = 2_000;
/// Frames until fonts and sizes of text have come to rest.
const SETTLING: u32 = 4;
/// The time from one frame to the next, as text and panels see it.
const FRAME: Duration = Duration::from_millis(100);

/// An app that draws into an image.
pub struct Studio {
    app: App,
    target: Handle<Image>,
}

impl Studio {
    /// Opens the renderer; panics inside Bevy where there is no adapter, so probe first.
    #[must_use]
    pub fn open(show: Show, width: u32, height: u32) -> Self {
        Self::open_with(show, width, height, |_| {})
    }

    /// The same with more in the app, as the panels.
    #[must_use]
    pub fn open_with(show: Show, width: u32, height: u32, furnish: impl FnOnce(&mut App)) -> Self {
        let mut app = App::new();
        app.add_plugins(
            DefaultPlugins
                .set(WindowPlugin {
                    primary_window: None,
                    exit_condition: ExitCondition::DontExit,
                    ..default()
                })
                .set(RenderPlugin {
                    synchronous_pipeline_compilation: true,
                    ..default()
                })
                .disable::<WinitPlugin>()
                .disable::<LogPlugin>()
                .disable::<PipelinedRenderingPlugin>(),
        )
        .add_plugins(FieldPlugin)
        // The picture's time is ours: the same step each frame, whatever the machine does.
        .insert_resource(TimeUpdateStrategy::ManualDuration(FRAME))
        .insert_resource(TargetSize([float(width), float(height)]))
        .insert_resource(ClearColor(clear_color(&show)))
        .insert_resource(show)
        .add_systems(PostUpdate, compose_scene);
        furnish(&mut app);
        let mut image =
            Image::new_target_texture(width, height, TextureFormat::Rgba8UnormSrgb, None);
        image.texture_descriptor.usage |= TextureUsages::COPY_SRC;
        let target = app.world_mut().resource_mut::<Assets<Image>>().add(image);
        app.world_mut().spawn((
            Camera2d,
            Msaa::Off,
            RenderTarget::Image(target.clone().into()),
        ));
        while app.plugins_state() != PluginsState::Cleaned {
            if app.plugins_state() == PluginsState::Ready {
                app.finish();
                app.cleanup();
            }
        }
        let mut studio = Self { app, target };
        studio
            .show()
            .set_area(Rect::new(0.0, 0.0, float(width), float(height)));
        studio
    }

    /// What is shown.
    pub fn show(&mut self) -> Mut<'_, Show> {
        self.app.world_mut().resource_mut::<Show>()
    }

    /// Draws until fonts and sizes of text have come to rest.
    pub fn settle(&mut self) {
        for _ in 0..SETTLING {
            self.draw();
        }
    }

    /// All that the app knows.
    pub fn world(&mut self) -> &mut World {
        self.app.world_mut()
    }

    /// Draws one frame.
    pub fn draw(&mut self) {
        self.app.update();
    }

    /// Draws and reads back.
    ///
    /// # Errors
    /// Where no picture comes back.
    pub fn shoot(&mut self) -> Result<RgbaImage, String> {
        let slot = Arc::new(Mutex::new(None));
        let writer = Arc::clone(&slot);
        self.app
            .world_mut()
            .spawn(Screenshot::image(self.target.clone()))
            .observe(move |shot: On<ScreenshotCaptured>| {
                if let Ok(mut slot) = writer.lock() {
                    *slot = shot.image.clone().try_into_dynamic().ok();
                }
            });
        for _ in 0..UPDATES_MAX {
            self.app.update();
            if let Ok(mut slot) = slot.lock()
                && let Some(picture) = slot.take()
            {
                return Ok(picture.into_rgba8());
            }
        }
        Err(
            "no picture came back from the renderer; try another driver (WGPU_ADAPTER_NAME)"
                .to_owned(),
        )
    }
}

/// Behind everything.
#[must_use]
pub fn clear_color(show: &Show) -> Color {
    let hex = show.choices.theme.theme().ground;
    let [_, r, g, b] = hex.to_be_bytes();
    Color::srgb_u8(r, g, b)
}
