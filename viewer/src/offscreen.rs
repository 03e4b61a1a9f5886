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
        RenderApp, RenderPlugin,
        pipelined_rendering::PipelinedRenderingPlugin,
        render_resource::{PollType, TextureFormat, TextureUsages},
        renderer::{RenderAdapterInfo, RenderDevice},
        view::screenshot::{Screenshot, ScreenshotCaptured},
    },
    time::TimeUpdateStrategy,
    window::ExitCondition,
    winit::WinitPlugin,
};
use image::RgbaImage;
use wgpu::DeviceType;

use crate::{
    field::{layout::Rect, texel::Texel},
    headless::{self, Viewer},
    numbers::float,
    render::{self, Scene, read_states},
    source::Source,
    theme::Appearance,
};

/// Updates that a picture may take to come back, at most.
const UPDATES_MAX: u32 = 2_000;
/// Frames until fonts and sizes of text have come to rest.
const SETTLING: u32 = 4;
/// The time from one frame to the next, as text and panels see it.
const FRAME: Duration = Duration::from_millis(100);

/// An app of the viewer that draws into an image.
pub struct Offscreen {
    app: App,
    target: Handle<Image>,
}

impl Offscreen {
    /// Opens the renderer; panics inside Bevy where there is no adapter, so probe first.
    #[must_use]
    pub fn open(source: Source, appearance: Appearance, size: (u32, u32)) -> Self {
        Self::open_with(source, appearance, size, |_| {})
    }

    /// The same with more in the app, as the panels.
    #[must_use]
    pub fn open_with(
        source: Source,
        appearance: Appearance,
        (width, height): (u32, u32),
        add_more: impl FnOnce(&mut App),
    ) -> Self {
        let mut offscreen = Self::built(width, height, |app| {
            app.insert_resource(source)
                .insert_resource(appearance)
                .insert_resource(Scene {
                    size: [float(width), float(height)],
                    ..Scene::default()
                })
                .add_plugins((headless::plugin, render::plugin));
            add_more(app);
        });
        let mut viewer = offscreen.viewer();
        viewer.begin();
        viewer.set_area(Rect::new(0.0, 0.0, float(width), float(height)), 1.0);
        offscreen
    }

    /// An app that draws nothing: what all others are measured against.
    #[must_use]
    pub fn empty(width: u32, height: u32) -> Self {
        Self::built(width, height, |_| {})
    }

    fn built(width: u32, height: u32, add: impl FnOnce(&mut App)) -> Self {
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
        // The picture's time is ours: the same step each frame, whatever the machine does.
        .insert_resource(TimeUpdateStrategy::ManualDuration(FRAME));
        add(&mut app);
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
        Self { app, target }
    }

    /// The state texture as the adapter holds it.
    #[must_use]
    pub fn states(&self) -> Vec<Texel> {
        read_states(self.app.sub_app(RenderApp).world())
    }

    /// Waits until the adapter has drawn what was asked for.
    pub fn wait(&mut self) {
        let device = self.app.world().resource::<RenderDevice>();
        device.poll(PollType::wait_indefinitely()).ok();
    }

    /// The adapter's name, and whether it draws in software.
    #[must_use]
    pub fn adapter(&self) -> String {
        let info = self.app.world().resource::<RenderAdapterInfo>();
        let kind = if info.device_type == DeviceType::Cpu {
            "software"
        } else {
            "hardware"
        };
        format!("{} ({kind}, {})", info.name, info.driver_info)
    }

    /// The viewer that is drawn.
    pub fn viewer(&mut self) -> Viewer<'_> {
        Viewer(self.app.world_mut())
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

    /// Draws one frame into the image.
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
