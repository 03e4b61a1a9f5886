//! The panels round the field: what people read and press. Drawn with egui at most ten times a
//! second unless touched; they never write a task's state, they ask through commands.

use std::time::{Duration, Instant};

use bevy::{ecs::message::Messages, prelude::*, window::RequestRedraw};
use bevy_egui::{
    EguiContext, EguiContextSettings, EguiFullOutput, EguiInput, EguiPlugin, EguiPostUpdateSet,
    PrimaryEguiContext, egui,
};
use crawlfield_engine::{
    feed::snapshot::Snapshot,
    model::{
        ids::{HostId, PageKey, SessionId, StageId},
        phase::SessionPhase,
    },
};

use crate::{compose::compose_scene, field::view::View, show::Show, story::letters::By};

mod acting;
mod asking;
mod charts;
mod dialog;
mod events;
mod help;
mod hosts;
mod inspector;
mod kept;
mod keys;
mod labels;
mod legend;
mod letters;
mod look;
mod overview;
mod plan;
mod playback;
mod records;
mod screen;
mod stage;
mod strip;
mod task;
mod timeline;
mod top;
mod touch;
pub mod words;

#[cfg(test)]
mod tests;

pub use playback::{Playback, Wish};

use asking::Asking;
use look::Look;

/// Between two paints when nobody touches anything.
const CALM: Duration = Duration::from_millis(100);
/// After a touch, egui may ask for more frames so long (a menu that opens, a button let go).
const ECHO: Duration = Duration::from_millis(400);

/// The system that paints.
#[derive(SystemSet, Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Painting;

/// Adds the panels to an app that has a camera, `Show`, and `compose_scene` in `PostUpdate`.
pub fn plugin(app: &mut App) {
    app.add_plugins(EguiPlugin::default())
        .init_resource::<Panels>()
        .init_resource::<Playback>()
        .init_resource::<kept::Kept>()
        .configure_sets(
            PostUpdate,
            EguiPostUpdateSet::ProcessOutput.run_if(was_painted),
        )
        .add_systems(
            PostUpdate,
            draw_panels
                .in_set(Painting)
                .before(compose_scene)
                .before(EguiPostUpdateSet::EndPass),
        )
        .add_systems(
            PostUpdate,
            (hush, kept::keep_or_give_back).after(EguiPostUpdateSet::ProcessOutput),
        );
}

/// What is laid open below the field.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Tab {
    /// Curves.
    #[default]
    Charts,
    /// Hosts as a table.
    Hosts,
    /// Dead letters.
    Letters,
    /// The log.
    Events,
}

/// How the panels stand.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own that a person flips"
)]
#[derive(Resource, Debug)]
pub struct Panels {
    /// The field only.
    pub is_bare: bool,
    /// Panels at the sides and below.
    pub are_sides_shown: bool,
    /// What is laid open below the field.
    pub tab: Tab,
    /// Text and everything else larger or smaller, times what the screen asks for.
    pub text_scale: f32,
    /// For pictures: egui's time is the shown time, and nothing is animated.
    pub is_still: bool,
    /// The list of keys is open.
    pub is_help_open: bool,
    /// Seconds that the charts show; `None` for the whole run.
    pub chart_seconds: Option<f64>,
    /// The host that the inspector shows when no task is selected.
    pub host: Option<HostId>,
    /// The stage that it shows when no host is chosen either.
    pub stage: Option<(SessionId, StageId)>,
    /// How dead letters are grouped.
    pub letters_by: By,
    /// The store whose records are shown, where it is at hand.
    pub store: Option<std::path::PathBuf>,
    search: String,
    is_search_wanted: bool,
    passing: Option<u64>,
    follow: Option<(u32, PageKey)>,
    touch: touch::Touch,
    asking: Asking,
    records: records::Records,
    shown: Option<task::Facts>,
    dialog: dialog::Dialog,
    look: Option<Look>,
    painted: Painted,
}

impl Default for Panels {
    fn default() -> Self {
        Self {
            is_bare: false,
            are_sides_shown: true,
            tab: Tab::default(),
            text_scale: 1.0,
            is_still: false,
            is_help_open: false,
            chart_seconds: Some(60.0),
            host: None,
            stage: None,
            letters_by: By::default(),
            store: None,
            search: String::new(),
            is_search_wanted: false,
            passing: None,
            follow: None,
            touch: touch::Touch::default(),
            asking: Asking::default(),
            records: records::Records::default(),
            shown: None,
            dialog: dialog::Dialog::default(),
            look: None,
            painted: Painted::default(),
        }
    }
}

impl Panels {
    /// Beside a store whose records can be read.
    #[must_use]
    pub fn beside(store: Option<std::path::PathBuf>) -> Self {
        Self {
            store,
            ..Self::default()
        }
    }

    /// This frame has painted them anew.
    pub(crate) const fn has_painted(&self) -> bool {
        self.painted.now
    }
}

/// What the last paint showed.
#[derive(Debug, Default)]
struct Painted {
    now: bool,
    at: Option<Instant>,
    touched: Option<Instant>,
    shown_us: u64,
    view: Option<View>,
    screen: Option<egui::Rect>,
}

/// What the parts draw from and write to.
struct Desk<'a> {
    show: &'a mut Show,
    panels: &'a mut Panels,
    playback: &'a mut Playback,
    look: Look,
}

impl Desk<'_> {
    /// The session that the panels speak of: the first that is not over, else the last.
    fn session(&self) -> Option<&Snapshot> {
        let snapshots = &self.show.news.snapshots;
        let is_over = |state: &str| SessionPhase::is_over_by_name(state);
        let open = snapshots.iter().find(|one| !is_over(&one.session.state));
        open.or(snapshots.last()).map(|one| &**one)
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "conditions take their resources by value"
)]
fn was_painted(panels: Res<Panels>) -> bool {
    panels.painted.now
}

type PanelContext<'a> = (
    &'a mut EguiContext,
    &'a mut EguiInput,
    &'a mut EguiFullOutput,
    &'a mut EguiContextSettings,
);

/// What egui wants painted again without a touch waits for its turn: who is looked at by nobody
/// would otherwise draw twice as often as its pace.
#[expect(
    clippy::needless_pass_by_value,
    reason = "systems take their resources by value"
)]
fn hush(panels: Res<Panels>, mut redraws: ResMut<Messages<RequestRedraw>>) {
    if !is_echoing(&panels) {
        redraws.clear();
    }
}

/// Paints the panels where that is due, and gives the field its area.
fn draw_panels(
    mut contexts: Query<PanelContext<'_>, With<PrimaryEguiContext>>,
    mut show: ResMut<Show>,
    mut panels: ResMut<Panels>,
    mut playback: ResMut<Playback>,
) {
    let (show, panels, playback) = (&mut *show, &mut *panels, &mut *playback);
    panels.painted.now = false;
    let Ok((mut context, mut input, mut output, mut settings)) = contexts.single_mut() else {
        return;
    };
    settings.run_manually = true;
    touch::follow(show, panels);
    let ctx = context.get_mut().clone();
    if !is_due(&ctx, &input, show, panels) {
        // Modifiers alone are told anew each frame.
        input.events.clear();
        return;
    }
    let mut raw = input.take();
    scale(&ctx, &mut raw, panels);
    if panels.is_still {
        raw.time = Some(Duration::from_micros(show.now_us).as_secs_f64());
    }
    **output = Some(drawn(&ctx, raw, show, panels, playback));
    panels.painted.now = true;
    panels.painted.at = Some(Instant::now());
    panels.painted.shown_us = show.now_us;
    panels.painted.view = Some(show.view);
}

/// One frame of all panels.
fn drawn(
    ctx: &egui::Context,
    raw: egui::RawInput,
    show: &mut Show,
    panels: &mut Panels,
    playback: &mut Playback,
) -> egui::FullOutput {
    let look = Look::dress(ctx, panels.look.take(), show.choices.theme, panels.is_still);
    panels.asking.hear(show);
    let full = ctx.run_ui(raw, |ui| {
        let mut desk = Desk {
            show: &mut *show,
            panels: &mut *panels,
            playback: &mut *playback,
            look: look.clone(),
        };
        screen::draw(ui, &mut desk);
    });
    panels.look = Some(look);
    full
}

/// A person touched something a moment ago.
fn is_echoing(panels: &Panels) -> bool {
    let touched = panels.painted.touched;
    touched.is_some_and(|at| at.elapsed() < ECHO)
}

/// At most ten times a second while something moves, at once when touched, else not at all.
fn is_due(ctx: &egui::Context, input: &EguiInput, show: &Show, panels: &mut Panels) -> bool {
    let now = Instant::now();
    let is_touched = input
        .events
        .iter()
        .any(|event| !matches!(event, egui::Event::ModifiersChanged(_)));
    if is_touched {
        panels.painted.touched = Some(now);
    }
    let echoes = is_echoing(panels) && ctx.has_requested_repaint();
    let painted = &mut panels.painted;
    let is_resized = painted.screen != input.screen_rect;
    painted.screen = input.screen_rect;
    let is_rested = painted.at.is_none_or(|at| now - at >= CALM);
    let is_new = painted.shown_us != show.now_us
        || panels.asking.is_waiting()
        || panels.records.is_waiting();
    panels.is_still
        || is_touched
        || is_resized
        || echoes
        || painted.view != Some(show.view)
        || (is_rested && is_new)
}

/// Where the system names no scale, a high picture is scaled as a screen of 1080 lines would be.
fn scale(ctx: &egui::Context, raw: &mut egui::RawInput, panels: &Panels) {
    let viewport = raw.viewports.entry(raw.viewport_id).or_default();
    let native = viewport.native_pixels_per_point.unwrap_or(1.0);
    let before = ctx.pixels_per_point();
    let Some(rect) = raw.screen_rect else { return };
    let lines = rect.height() * before;
    let by_size = if native > 1.0 {
        1.0
    } else {
        (lines / 1080.0 * 4.0).floor().max(4.0) / 4.0
    };
    let zoom = by_size * panels.text_scale;
    ctx.set_zoom_factor(zoom);
    let after = native * zoom;
    raw.screen_rect = Some(egui::Rect::from_min_max(
        egui::pos2(rect.min.x * before / after, rect.min.y * before / after),
        egui::pos2(rect.max.x * before / after, rect.max.y * before / after),
    ));
}
