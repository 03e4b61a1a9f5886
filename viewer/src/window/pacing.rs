//! How often the window looks at its source, and whether it draws: as often as something moves. The
//! camera sleeps while nothing changes, and so does the GPU.

#![expect(
    clippy::needless_pass_by_value,
    reason = "systems take their resources by value"
)]

use std::time::{Duration, Instant};

use bevy::{
    ecs::system::SystemParam,
    prelude::*,
    window::WindowEvent,
    winit::{UpdateMode, WinitSettings},
};
use clap::ValueEnum;
use crawlfield_engine::model::phase::Phase;

use crate::{
    feed::Feed,
    field::{Field, view::View},
    panels::{LastPaint, PanelSystems},
    playback::Playback,
    scene::SceneSystems,
    theme::{Appearance, Motion},
};

/// Sets the pace in `PostUpdate`, after the panels and before the scene.
pub fn plugin(app: &mut App) {
    app.init_resource::<Pacing>()
        .insert_resource(WinitSettings::desktop_app())
        .configure_sets(PostUpdate, SceneSystems.run_if(is_drawn))
        .add_systems(
            PostUpdate,
            set_pace.after(PanelSystems).before(SceneSystems),
        );
}

/// Frames until fonts, sizes and pipelines have come to rest.
const SETTLING: u32 = 6;
/// Panels may answer a person's input for so long.
const ECHO: Duration = Duration::from_secs(7);
/// A move shows for so long: the pop and the fading of a done task.
const MOVE_US: u64 = 2_500_000;

/// How much the picture may cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Quality {
    /// 10 frames a second, only what must move
    Economy,
    /// 30 frames a second
    #[default]
    Balanced,
    /// 60 frames a second
    Performance,
}

/// How lively the picture is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Activity {
    /// Nothing moves: the picture on the screen stays true.
    Still,
    /// Only rings of waiting tasks close.
    Waiting,
    /// Tasks move on the screen.
    Moving,
}

impl Activity {
    /// What the picture needs while its clock runs.
    #[must_use]
    pub fn of(feed: &Feed, motion: Motion) -> Self {
        let since_us = feed.now_us.saturating_sub(feed.changed_us);
        if since_us < MOVE_US && feed.changed_us > 0 {
            return Self::Moving;
        }
        let of = |phase| -> u64 {
            let sessions = feed.mirror.tables().sessions().iter();
            sessions
                .flat_map(|session| &session.stages)
                .map(|stage| stage.counts.of(phase))
                .sum()
        };
        let in_flight = [Phase::Fetching, Phase::Parsing, Phase::Saving];
        if motion > Motion::None && in_flight.into_iter().map(of).sum::<u64>() > 0 {
            return Self::Moving;
        }
        if of(Phase::Backoff) > 0 {
            return Self::Waiting;
        }
        Self::Still
    }
}

/// What a still picture shows: where one of these changes, it is drawn again.
#[derive(Clone, Copy, PartialEq)]
struct Shown {
    view: View,
    changed_us: u64,
    now_us: u64,
    is_playing: bool,
}

/// What is drawn, and when.
#[derive(Resource)]
pub struct Pacing {
    quality: Quality,
    activity: Activity,
    /// Frames since anything was new.
    settled: u32,
    /// A person's last input.
    touched: Instant,
    /// What the last frame showed.
    shown: Option<Shown>,
}

impl Default for Pacing {
    fn default() -> Self {
        Self::new(Quality::default())
    }
}

impl Pacing {
    /// Before the first frame.
    #[must_use]
    pub fn new(quality: Quality) -> Self {
        Self {
            quality,
            activity: Activity::Moving,
            settled: 0,
            touched: Instant::now(),
            shown: None,
        }
    }

    /// As the last frame left it.
    #[must_use]
    pub const fn activity(&self) -> Activity {
        self.activity
    }

    fn is_settling(&self) -> bool {
        self.settled < SETTLING
    }

    fn is_touched(&self) -> bool {
        self.touched.elapsed() < ECHO
    }

    /// Whether this frame is drawn.
    fn is_drawn(&self) -> bool {
        self.activity > Activity::Still || self.is_settling() || self.is_touched()
    }

    /// How lively the window must be: more than the picture where a person has just done something.
    fn window_activity(&self) -> Activity {
        if self.is_settling() {
            Activity::Moving
        } else if self.is_touched() {
            self.activity.max(Activity::Waiting)
        } else {
            self.activity
        }
    }
}

fn is_drawn(pacing: Res<Pacing>) -> bool {
    pacing.is_drawn()
}

/// What the picture shows in this frame.
#[derive(SystemParam)]
struct Picture<'w> {
    feed: Res<'w, Feed>,
    field: Res<'w, Field>,
    view: Res<'w, View>,
    appearance: Res<'w, Appearance>,
    playback: Res<'w, Playback>,
    paint: Option<Res<'w, LastPaint>>,
}

impl Picture<'_> {
    fn shown(&self) -> Shown {
        Shown {
            view: *self.view,
            changed_us: self.feed.changed_us,
            now_us: self.feed.now_us,
            is_playing: self.playback.is_playing,
        }
    }

    /// Whether the panels have painted anew.
    fn has_painted(&self) -> bool {
        self.paint.as_ref().is_some_and(|paint| paint.is_new())
    }

    fn activity(&self) -> Activity {
        if self.playback.is_replay && !self.playback.is_playing {
            Activity::Still
        } else if self.field.is_moving() {
            Activity::Moving
        } else {
            Activity::of(&self.feed, self.appearance.motion)
        }
    }
}

/// Sets the wait until the next look, and wakes the camera where this frame is drawn.
fn set_pace(
    picture: Picture<'_>,
    mut pacing: ResMut<Pacing>,
    mut settings: ResMut<WinitSettings>,
    mut cameras: Query<&mut Camera>,
    mut events: MessageReader<WindowEvent>,
) {
    let shown = picture.shown();
    let is_new = pacing.shown.replace(shown) != Some(shown)
        || picture.field.needs_refill
        || picture.has_painted();
    pacing.settled = if is_new { 0 } else { pacing.settled + 1 };
    if events.read().filter(|event| is_touch(event)).count() > 0 {
        pacing.touched = Instant::now();
    }
    pacing.activity = picture.activity();
    let is_drawn = pacing.is_drawn();
    for mut camera in &mut cameras {
        if camera.is_active != is_drawn {
            camera.is_active = is_drawn;
        }
    }
    let activity = pacing.window_activity();
    let (focused, unfocused) = waits(pacing.quality, activity);
    settings.focused_mode = looks(focused, activity < Activity::Moving);
    settings.unfocused_mode = looks(unfocused, false);
}

/// Time between two looks at the feed: a window in use, and one out of focus.
const fn waits(quality: Quality, activity: Activity) -> (Duration, Duration) {
    let focused = match (activity, quality) {
        (Activity::Moving, Quality::Performance) => 16,
        (Activity::Moving, Quality::Balanced) => 33,
        (Activity::Moving, Quality::Economy) => 100,
        (Activity::Waiting, _) => 250,
        (Activity::Still, _) => 500,
    };
    let unfocused = match (activity, quality) {
        (Activity::Moving, Quality::Performance) => 200,
        (Activity::Moving, Quality::Balanced) => 250,
        (Activity::Moving, Quality::Economy) | (Activity::Waiting | Activity::Still, _) => 500,
    };
    (
        Duration::from_millis(focused),
        Duration::from_millis(unfocused),
    )
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_out_of_focus_is_drawn_at_most_ten_times_a_second() {
        for quality in [Quality::Economy, Quality::Balanced, Quality::Performance] {
            for activity in [Activity::Still, Activity::Waiting, Activity::Moving] {
                let (focused, unfocused) = waits(quality, activity);
                // A look may bring a second frame: drawing is itself an event of the window.
                assert!(unfocused >= Duration::from_millis(200));
                assert!(focused <= unfocused, "{quality:?} {activity:?}");
            }
        }
    }

    #[test]
    fn a_window_that_shows_nothing_new_and_that_nobody_touches_comes_to_rest() {
        let mut pacing = Pacing::new(Quality::Balanced);
        pacing.activity = Activity::Still;
        assert!(pacing.is_drawn());
        pacing.settled = SETTLING;
        assert_eq!(pacing.window_activity(), Activity::Waiting, "just touched");
        let long_ago = Instant::now().checked_sub(ECHO);
        pacing.touched = long_ago.expect("this machine has run for seconds");
        assert!(!pacing.is_drawn());
        assert_eq!(pacing.window_activity(), Activity::Still);
    }
}
