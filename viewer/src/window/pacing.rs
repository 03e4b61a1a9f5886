//! How often the window looks at its source, and whether it draws: the camera sleeps while nothing
//! changes, and so does the GPU.

#![expect(
    clippy::needless_pass_by_value,
    reason = "systems take their resources by value"
)]

use std::time::{Duration, Instant};

use bevy::{
    prelude::*,
    window::WindowEvent,
    winit::{UpdateMode, WinitSettings},
};

use crate::{
    field::view::View,
    pace::{self, Liveliness, Quality},
    panels::{Panels, Playback},
    show::Show,
};

/// Frames until fonts, sizes and pipelines have come to rest.
const SETTLING: u32 = 6;
/// Panels may answer a touch for so long.
const ECHO: Duration = Duration::from_secs(7);

/// What is drawn, and when.
#[derive(Resource)]
pub(super) struct Pace {
    quality: Quality,
    liveliness: Liveliness,
    settled: u32,
    touched: Instant,
    seen: Option<Seen>,
}

/// What a still picture shows: where one of these changes, it is drawn again.
#[derive(Clone, Copy, PartialEq)]
struct Seen {
    view: View,
    moved_us: u64,
    now_us: u64,
    is_playing: bool,
}

impl Pace {
    pub(super) fn new(quality: Quality) -> Self {
        Self {
            quality,
            liveliness: Liveliness::Moving,
            settled: 0,
            touched: Instant::now(),
            seen: None,
        }
    }

    /// As the last frame left it.
    pub(super) const fn liveliness(&self) -> Liveliness {
        self.liveliness
    }
}

/// Whether this frame is drawn.
pub(super) fn wants_frame(pace: Res<Pace>) -> bool {
    pace.liveliness > Liveliness::Still || pace.settled < SETTLING || pace.touched.elapsed() < ECHO
}

/// Sets the wait until the next look, and wakes the camera where this frame is drawn.
pub(super) fn set_pace(
    show: Res<Show>,
    panels: Res<Panels>,
    playback: Res<Playback>,
    mut pace: ResMut<Pace>,
    mut settings: ResMut<WinitSettings>,
    mut cameras: Query<&mut Camera>,
    mut events: MessageReader<WindowEvent>,
) {
    let now = Seen {
        view: show.view,
        moved_us: show.news.moved_us,
        now_us: show.now_us,
        is_playing: playback.is_playing,
    };
    let is_new = pace.seen.replace(now) != Some(now) || show.refill || panels.has_painted();
    pace.settled = if is_new { 0 } else { pace.settled + 1 };
    let touches = events.read().filter(|event| is_touch(event)).count();
    if touches > 0 {
        pace.touched = Instant::now();
    }
    let holds = playback.is_replay && !playback.is_playing;
    pace.liveliness = if holds {
        Liveliness::Still
    } else {
        pace::liveliness(&show)
    };
    let is_drawn = pace.liveliness > Liveliness::Still
        || pace.settled < SETTLING
        || pace.touched.elapsed() < ECHO;
    for mut camera in &mut cameras {
        if camera.is_active != is_drawn {
            camera.is_active = is_drawn;
        }
    }
    let lively = if pace.settled < SETTLING {
        Liveliness::Moving
    } else if pace.touched.elapsed() < ECHO {
        pace.liveliness.max(Liveliness::Waiting)
    } else {
        pace.liveliness
    };
    let (focused, unfocused) = pace::waits(pace.quality, lively);
    settings.focused_mode = looks(focused, lively < Liveliness::Moving);
    settings.unfocused_mode = looks(unfocused, false);
}

/// A look at each `wait`; between them at events of the window only where looks are rare. Drawing
/// itself is such an event: each look would bring a second one.
const fn looks(wait: Duration, are_rare: bool) -> UpdateMode {
    UpdateMode::Reactive {
        wait,
        react_to_device_events: false,
        react_to_user_events: true,
        react_to_window_events: are_rare,
    }
}

/// A redraw that was asked for is none, or drawing would cause itself.
const fn is_touch(event: &WindowEvent) -> bool {
    !matches!(event, WindowEvent::RequestRedraw(_))
}
