//! The window: Bevy's app around the show and its panels, and what people wish of clock and window.

#![expect(
    clippy::needless_pass_by_value,
    reason = "systems take their resources by value"
)]

mod pacing;

use std::time::Instant;

use bevy::{
    input::ButtonInput,
    log::LogPlugin,
    prelude::*,
    render::view::screenshot::{Screenshot, save_to_disk},
    window::{PresentMode, PrimaryWindow, WindowResolution},
    winit::WinitSettings,
};
use bevy_egui::input::egui_wants_any_keyboard_input;

use crate::{
    compose::{TargetSize, compose_scene},
    crawl::Present,
    numbers::{float, to_u64},
    pace::{Liveliness, Quality},
    panels::{self, Painting, Panels, Playback, Wish},
    picture::clear_color,
    render::FieldPlugin,
    show::Show,
    source::Source,
};
use pacing::Pace;

/// How far Page Up and Page Down go in a recording.
const SCRUB_US: u64 = 10_000_000;

/// Opens the window and returns when it is closed. `present` is the engine where the source is one.
pub fn open(show: Show, present: Option<Present>, quality: Quality, size: (u32, u32)) {
    app(show, present, quality, size).run();
}

/// The app of the window, not yet run.
pub fn app(
    show: Show,
    present: Option<Present>,
    quality: Quality,
    (width, height): (u32, u32),
) -> App {
    let (began, store) = present.map_or((None, None), |present| {
        (Some(present.began), Some(present.store))
    });
    let mut app = App::new();
    let window = Window {
        title: title(&show, &playback(&show)),
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
    .add_plugins((FieldPlugin, panels::plugin))
    .insert_resource(TargetSize([float(width), float(height)]))
    .insert_resource(ClearColor(clear_color(&show)))
    .insert_resource(WinitSettings::desktop_app())
    .insert_resource(Clock {
        began,
        last: Instant::now(),
    })
    .insert_resource(Pace::new(quality))
    .insert_resource(Panels::beside(store))
    .insert_resource(playback(&show))
    .insert_resource(show)
    .add_systems(Startup, open_camera)
    .add_systems(
        Update,
        (
            follow_window,
            press_keys.run_if(not(egui_wants_any_keyboard_input)),
            grant_wishes,
            tell_time,
        )
            .chain(),
    )
    .add_systems(
        PostUpdate,
        (
            pacing::set_pace.after(Painting).before(compose_scene),
            compose_scene.run_if(pacing::wants_frame),
        ),
    );
    app
}

/// Where time comes from.
#[derive(Resource)]
struct Clock {
    began: Option<Instant>,
    last: Instant,
}

fn open_camera(mut commands: Commands) {
    commands.spawn((Camera2d, Msaa::Off));
}

/// How the source stands at first.
#[must_use]
pub fn playback(show: &Show) -> Playback {
    match &show.source {
        Source::Replay(replay) => Playback {
            is_replay: true,
            range_us: replay.span_us(),
            damage: replay.damage(),
            ..Playback::default()
        },
        _ => Playback::default(),
    }
}

/// The show's clock: the engine's where it is the present, else the recording's.
fn tell_time(
    mut clock: ResMut<Clock>,
    mut show: ResMut<Show>,
    mut playback: ResMut<Playback>,
    pace: Res<Pace>,
) {
    let elapsed = clock.last.elapsed();
    clock.last = Instant::now();
    if let Some(began) = clock.began {
        let now_us = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        let shown_us = show.now_us;
        if pace.liveliness() == Liveliness::Still {
            // Nothing moves: the shown time stands until something does.
            show.advance(shown_us);
        }
        if pace.liveliness() > Liveliness::Still || show.news.moved_us > shown_us {
            show.advance(now_us);
        }
        return;
    }
    if !playback.is_playing {
        return;
    }
    let step = to_u64(elapsed.as_secs_f64() * playback.speed * 1e6);
    let end_us = playback.range_us.1;
    let now_us = (show.now_us + step).min(end_us.max(show.now_us));
    show.advance(now_us);
    playback.is_playing = now_us < end_us;
    if let Source::Replay(replay) = &show.source {
        playback.damage = replay.damage();
    }
}

fn follow_window(
    mut windows: Query<&mut Window, With<PrimaryWindow>>,
    mut target: ResMut<TargetSize>,
    mut ground: ResMut<ClearColor>,
    show: Res<Show>,
    playback: Res<Playback>,
) {
    let Ok(mut window) = windows.single_mut() else {
        return;
    };
    let size = [window.physical_width(), window.physical_height()].map(float);
    target.0 = size;
    let colour = clear_color(&show);
    if ground.0 != colour {
        ground.0 = colour;
    }
    let title = title(&show, &playback);
    if window.title != title {
        window.title = title;
    }
}

/// What is shown, and whether it is real.
fn title(show: &Show, playback: &Playback) -> String {
    let sessions = show.mirror.tables().sessions();
    let mut parts: Vec<String> = Vec::new();
    for source in sessions
        .iter()
        .filter_map(|session| session.source.as_ref())
    {
        let mark = crawlfield_engine::progress::safe(source).to_uppercase();
        if !parts.contains(&mark) {
            parts.push(mark);
        }
    }
    if playback.is_replay {
        parts.push("REPLAY".to_owned());
    }
    if let Some(session) = sessions.first() {
        let site = crawlfield_engine::progress::safe(&session.site);
        parts.push(format!("{site}, {}", session.phase.name()));
    }
    parts.push("Crawlfield".to_owned());
    parts.join(" · ")
}

/// Keys of the window itself; all others are the panels'.
fn press_keys(keys: Res<ButtonInput<KeyCode>>, show: Res<Show>, mut playback: ResMut<Playback>) {
    if keys.just_pressed(KeyCode::KeyQ) {
        playback.wishes.push(Wish::Quit);
    }
    if !playback.is_replay {
        return;
    }
    let now = show.now_us;
    for (key, at_us) in [
        (KeyCode::Home, playback.range_us.0),
        (KeyCode::End, playback.range_us.1),
        (KeyCode::PageUp, now.saturating_sub(SCRUB_US)),
        (KeyCode::PageDown, now + SCRUB_US),
    ] {
        if keys.just_pressed(key) {
            playback.wishes.push(Wish::Seek(at_us));
        }
    }
}

/// Does what was wished of the clock and the window.
fn grant_wishes(
    mut show: ResMut<Show>,
    mut playback: ResMut<Playback>,
    mut exit: MessageWriter<AppExit>,
    mut commands: Commands,
) {
    for wish in core::mem::take(&mut playback.wishes) {
        match wish {
            Wish::Play(is_playing) => {
                // Play at the end begins anew.
                if is_playing && show.now_us >= playback.range_us.1 && playback.is_replay {
                    seek(&mut show, &mut playback, 0);
                }
                playback.is_playing = is_playing;
            }
            Wish::Speed(speed) => playback.speed = speed.clamp(0.1, 1000.0),
            Wish::Step => {
                playback.is_playing = false;
                show.step();
            }
            Wish::Seek(at_us) => seek(&mut show, &mut playback, at_us),
            Wish::Picture => {
                let path = format!("crawlfield-{}.png", show.now_us / 1000);
                commands
                    .spawn(Screenshot::primary_window())
                    .observe(save_to_disk(path));
            }
            Wish::Quit => {
                exit.write(AppExit::Success);
            }
        }
    }
}

fn seek(show: &mut Show, playback: &mut Playback, at_us: u64) {
    if let Err(error) = show.seek(at_us) {
        playback.damage = Some(error);
    }
}
