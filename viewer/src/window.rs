//! The window: Bevy's app around the show, its clock, its pace, and the keys that every mode has.

#![expect(
    clippy::needless_pass_by_value,
    reason = "systems take their resources by value"
)]

use std::time::Instant;

use bevy::{
    input::{ButtonInput, mouse::AccumulatedMouseMotion, mouse::AccumulatedMouseScroll},
    log::LogPlugin,
    prelude::*,
    window::{PresentMode, PrimaryWindow, WindowResolution},
    winit::{UpdateMode, WinitSettings},
};
use bevy_egui::{EguiPlugin, EguiPrimaryContextPass};

use crate::{
    banner::{self, draw_banner},
    cli::Quality,
    compose::{TargetSize, compose_scene},
    field::layout::Rect as Area,
    numbers::{float, narrow, to_u64},
    pace::{self, Liveliness},
    picture::clear_color,
    render::FieldPlugin,
    show::Show,
};

/// Opens the window and returns when it is closed. `began` is zero of the engine's time where the
/// source is the present.
pub fn open(show: Show, began: Option<Instant>, quality: Quality, (width, height): (u32, u32)) {
    let mut app = App::new();
    let window = Window {
        title: banner::window_title(&show),
        name: Some("crawlfield-viewer".to_owned()),
        resolution: WindowResolution::new(width, height),
        present_mode: PresentMode::AutoVsync,
        ..default()
    };
    app.add_plugins(
        DefaultPlugins
            .set(WindowPlugin {
                primary_window: Some(window),
                ..default()
            })
            .disable::<LogPlugin>(),
    )
    .add_plugins((FieldPlugin, EguiPlugin::default()))
    .insert_resource(TargetSize([float(width), float(height)]))
    .insert_resource(ClearColor(clear_color(&show)))
    .insert_resource(WinitSettings::desktop_app())
    .insert_resource(Clock {
        began,
        last: Instant::now(),
    })
    .insert_resource(Pace {
        quality,
        wants_frame: true,
        settled: 0,
    })
    .insert_resource(show)
    .add_systems(Startup, open_camera)
    .add_systems(
        Update,
        (follow_window, press_keys, look_round, tell_time).chain(),
    )
    .add_systems(EguiPrimaryContextPass, draw_banner)
    .add_systems(
        PostUpdate,
        (
            set_pace,
            compose_scene.run_if(|pace: Res<Pace>| pace.wants_frame),
        )
            .chain(),
    );
    app.run();
}

/// Where time comes from.
#[derive(Resource)]
struct Clock {
    began: Option<Instant>,
    last: Instant,
}

/// What is drawn, and when.
#[derive(Resource)]
pub struct Pace {
    quality: Quality,
    /// The next frame is drawn: set it where the picture must change.
    pub wants_frame: bool,
    settled: u32,
}

fn open_camera(mut commands: Commands) {
    commands.spawn((Camera2d, Msaa::Off));
}

/// The show's clock: the engine's where it is the present, else the recording's.
fn tell_time(mut clock: ResMut<Clock>, mut show: ResMut<Show>) {
    let elapsed = clock.last.elapsed();
    clock.last = Instant::now();
    let now_us = match (clock.began, show.playback) {
        (Some(began), _) => u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX),
        (None, Some(playback)) if playback.is_playing => {
            let step = to_u64(elapsed.as_secs_f64() * playback.speed * 1e6);
            (show.now_us + step).min(playback.end_us.max(show.now_us))
        }
        (None, _) => show.now_us,
    };
    if let Some(playback) = &mut show.playback
        && now_us >= playback.end_us
    {
        playback.is_playing = false;
    }
    show.advance(now_us);
}

fn follow_window(
    mut windows: Query<&mut Window, With<PrimaryWindow>>,
    mut target: ResMut<TargetSize>,
    mut show: ResMut<Show>,
    mut pace: ResMut<Pace>,
) {
    let Ok(mut window) = windows.single_mut() else {
        return;
    };
    let (width, height) = (
        float(window.physical_width()),
        float(window.physical_height()),
    );
    pace.wants_frame |= target.0 != [width, height];
    target.0 = [width, height];
    let top = banner::HEIGHT * window.scale_factor();
    show.set_area(Area::new(0.0, top, width, (height - top).max(1.0)));
    let title = banner::window_title(&show);
    if window.title != title {
        window.title = title;
    }
}

/// Quit, and a recording's play, pause, speed, step and scrub.
fn press_keys(
    keys: Res<ButtonInput<KeyCode>>,
    mut show: ResMut<Show>,
    mut exit: MessageWriter<AppExit>,
) {
    if keys.any_just_pressed([KeyCode::Escape, KeyCode::KeyQ]) {
        exit.write(AppExit::Success);
    }
    if keys.any_just_pressed([KeyCode::Digit0, KeyCode::Numpad0]) {
        show.fit();
    }
    let Some(mut playback) = show.playback else {
        return;
    };
    if keys.just_pressed(KeyCode::Space) {
        playback.is_playing = !playback.is_playing;
    }
    if keys.just_pressed(KeyCode::BracketLeft) {
        playback.scale(0.5);
    }
    if keys.just_pressed(KeyCode::BracketRight) {
        playback.scale(2.0);
    }
    let wants_step = keys.just_pressed(KeyCode::KeyN);
    playback.is_playing &= !wants_step;
    let is_shifted = keys.any_pressed([KeyCode::ShiftLeft, KeyCode::ShiftRight]);
    let now = show.now_us;
    let target = if keys.just_pressed(KeyCode::Home) {
        Some(playback.start_us)
    } else if keys.just_pressed(KeyCode::End) {
        Some(playback.end_us)
    } else if is_shifted && keys.just_pressed(KeyCode::ArrowLeft) {
        Some(now.saturating_sub(SCRUB_US))
    } else if is_shifted && keys.just_pressed(KeyCode::ArrowRight) {
        Some(now + SCRUB_US)
    } else {
        None
    };
    if show.playback != Some(playback) {
        show.playback = Some(playback);
    }
    if wants_step {
        show.step();
    }
    if let Some(at_us) = target
        && let Err(error) = show.seek(at_us)
    {
        bevy::log::error!("{error}");
    }
}

/// How far Shift and an arrow go.
const SCRUB_US: u64 = 10_000_000;

/// Pan with the left button, zoom with the wheel.
fn look_round(
    windows: Query<&Window, With<PrimaryWindow>>,
    buttons: Res<ButtonInput<MouseButton>>,
    motion: Res<AccumulatedMouseMotion>,
    scroll: Res<AccumulatedMouseScroll>,
    mut show: ResMut<Show>,
) {
    let Ok(window) = windows.single() else { return };
    let Some(at) = window.physical_cursor_position() else {
        return;
    };
    if scroll.delta.y != 0.0 {
        let factor = narrow(1.2_f64.powf(f64::from(scroll.delta.y)));
        show.unfit();
        show.view.zoom_at(factor, at.x, at.y);
    }
    if buttons.pressed(MouseButton::Left) && motion.delta != Vec2::ZERO {
        show.unfit();
        show.view.drag(motion.delta.x, motion.delta.y);
    }
}

/// Draws only when something changes; the camera sleeps otherwise, and so does the GPU.
fn set_pace(
    mut show: ResMut<Show>,
    mut pace: ResMut<Pace>,
    mut settings: ResMut<WinitSettings>,
    mut cameras: Query<&mut Camera>,
    mut seen: Local<Option<Seen>>,
) {
    let liveliness = pace::liveliness(&show);
    let now = Seen::of(&show);
    let is_new = seen.replace(now) != Some(now);
    // A few frames more until fonts, sizes and pipelines have come to rest.
    pace.settled = if is_new { 0 } else { pace.settled + 1 };
    pace.wants_frame = liveliness != Liveliness::Still || pace.settled < 4 || show.refill;
    if liveliness == Liveliness::Waiting && pace.settled >= 4 {
        pace.wants_frame = true;
    }
    for mut camera in &mut cameras {
        if camera.is_active != pace.wants_frame {
            camera.is_active = pace.wants_frame;
        }
    }
    let (focused, unfocused) = pace::waits(pace.quality, liveliness);
    let focused = if pace.settled < 4 {
        pace::waits(pace.quality, Liveliness::Moving).0
    } else {
        focused
    };
    settings.focused_mode = UpdateMode::reactive_low_power(focused);
    settings.unfocused_mode = UpdateMode::reactive_low_power(unfocused);
    show.bypass_change_detection();
}

/// What a still picture shows: where one of these changes, it is drawn again.
#[derive(Clone, Copy, PartialEq)]
struct Seen {
    view: crate::field::view::View,
    moved_us: u64,
    playback: Option<crate::replay::Playback>,
    now_us: u64,
}

impl Seen {
    fn of(show: &Show) -> Self {
        Self {
            view: show.view,
            moved_us: show.news.moved_us,
            playback: show.playback,
            // The present's clock runs on; a recording's moves only when somebody moves it.
            now_us: show.playback.map_or(0, |_| show.now_us),
        }
    }
}
