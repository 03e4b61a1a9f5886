//! The panels round the field: what people read and press. Drawn with egui at most ten times a
//! second unless a person does something; they never write a task's state, they send commands.

use std::time::Duration;

use bevy::{ecs::system::SystemParam, prelude::*};
use bevy_egui::{
    EguiContext, EguiContextSettings, EguiFullOutput, EguiInput, EguiPlugin, EguiPostUpdateSet,
    PrimaryEguiContext, egui,
};

use crawlfield_engine::model::ids::SessionId;

use crate::{
    crawl::LiveCrawl,
    field::FieldControl,
    history::{
        History,
        dead_letters::{GroupKey, Grouping},
    },
    playback::{Playback, PlaybackRequest},
    scene::SceneSystems,
    selection::SelectionSystems,
    source::Source,
};

mod actions;
mod captions;
mod chart_axes;
mod chart_curves;
mod charts;
mod commands;
mod dead_letters;
mod dialogs;
mod ending;
mod events;
mod failure_curves;
pub mod format;
mod host_table;
mod hosts;
mod inspector;
mod keys;
mod labels;
mod last_paint;
mod legend;
mod overlay;
mod overview;
mod pointer;
mod record_table;
mod records;
mod screen;
mod sparkline;
mod stage_times;
mod status_bar;
mod style;
mod task;
mod timeline;
mod toolbar;

#[cfg(test)]
mod tests;

pub use captions::Captions;
pub use charts::{ChartSpan, ChartView};
pub use commands::PendingCommands;
pub use inspector::Inspector;
pub use last_paint::LastPaint;

use dialogs::Dialogs;
use ending::EndCard;
use screen::Screen;
use style::Style;

/// Paints the panels in `PostUpdate`, over the camera that egui has; what a person asks of clock and
/// window leaves as messages. The source must be there.
pub fn plugin(app: &mut App) {
    let source = app.world().resource::<Source>();
    let commands = PendingCommands::to(source.commands().cloned());
    app.add_plugins((EguiPlugin::default(), last_paint::plugin))
        .init_resource::<Panels>()
        .init_resource::<Inspector>()
        .init_resource::<Captions>()
        .init_resource::<LiveCrawl>()
        .insert_resource(commands)
        .add_message::<WindowRequest>()
        .add_systems(
            PostUpdate,
            draw_panels
                .in_set(PanelSystems)
                .after(SelectionSystems)
                .before(SceneSystems)
                .before(EguiPostUpdateSet::EndPass),
        );
}

/// Turns the panels to another source: what was chosen and said is of the old one.
pub fn follow_source(world: &mut World) {
    let commands = world.resource::<Source>().commands().cloned();
    world.insert_resource(PendingCommands::to(commands));
    if let Some(mut panels) = world.get_resource_mut::<Panels>() {
        panels.end_card = EndCard::Open;
        panels.charts = ChartView::default();
    }
}

/// The system that paints, and gives the field its area.
#[derive(SystemSet, Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PanelSystems;

/// What a person asks of the window: written by panels and keys, read by whoever owns the window.
#[derive(Message, Debug, Clone, Copy, PartialEq, Eq)]
pub enum WindowRequest {
    /// Save a picture of the window in the current folder.
    Picture,
    /// Crawl the same once more.
    RunAgain,
    /// Close the window and end.
    Quit,
}

/// What is laid open below the field.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Tab {
    /// Curves of the run over time.
    #[default]
    Charts,
    /// Hosts as a table.
    Hosts,
    /// Dead letters in groups.
    DeadLetters,
    /// Records as a table.
    Records,
    /// The log of the run.
    Events,
}

/// What is shown where not all has room.
#[derive(Debug, Default)]
struct SmallScreen {
    /// Which of the two side panels.
    side: Side,
    /// Something was chosen when the screen was drawn last.
    had_choice: bool,
    /// A person asked for the legend where no side panel has room.
    is_legend_open: bool,
    /// The panel below is laid open though the screen is too low for it.
    is_below_open: bool,
}

/// A panel at the side of the field.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Side {
    #[default]
    Legend,
    Inspector,
}

/// Which panels are shown, and what a person has chosen in them.
#[derive(Resource, Debug)]
pub struct Panels {
    /// The field only, with a status bar.
    pub is_bare: bool,
    /// Panels at the sides and below.
    pub are_sides_shown: bool,
    /// What is laid open below the field.
    pub tab: Tab,
    /// Text and everything else larger or smaller, times what the screen asks for.
    pub text_scale: f32,
    /// What a person looks at in the charts.
    pub charts: ChartView,
    /// How dead letters are grouped.
    pub grouping: Grouping,
    /// The group of dead letters that is laid open.
    open_group: Option<(SessionId, GroupKey)>,
    small: SmallScreen,
    end_card: EndCard,
    /// The search is to get the keyboard when it is drawn next.
    wants_search: bool,
    /// The lasso that is being drawn, in points of the screen.
    lasso: Vec<egui::Pos2>,
    dialogs: Dialogs,
}

impl Default for Panels {
    fn default() -> Self {
        Self {
            is_bare: false,
            are_sides_shown: true,
            tab: Tab::default(),
            text_scale: 1.0,
            charts: ChartView::default(),
            grouping: Grouping::default(),
            open_group: None,
            small: SmallScreen::default(),
            end_card: EndCard::Open,
            wants_search: false,
            lasso: Vec::new(),
            dialogs: Dialogs::default(),
        }
    }
}

/// What the panels keep from paint to paint, and what they ask for.
#[derive(SystemParam)]
struct PanelState<'w> {
    panels: ResMut<'w, Panels>,
    inspector: ResMut<'w, Inspector>,
    commands: ResMut<'w, PendingCommands>,
    paint: ResMut<'w, LastPaint>,
    captions: ResMut<'w, Captions>,
    live: ResMut<'w, LiveCrawl>,
    playback_requests: MessageWriter<'w, PlaybackRequest>,
    window_requests: MessageWriter<'w, WindowRequest>,
}

type PanelContext<'a> = (
    &'a mut EguiContext,
    &'a mut EguiInput,
    &'a mut EguiFullOutput,
    &'a mut EguiContextSettings,
);

/// Paints the panels where that is due.
#[expect(
    clippy::needless_pass_by_value,
    reason = "systems take their resources by value"
)]
fn draw_panels(
    mut contexts: Query<PanelContext<'_>, With<PrimaryEguiContext>>,
    mut control: FieldControl<'_>,
    mut state: PanelState<'_>,
    mut history: ResMut<History>,
    playback: Res<Playback>,
    mut style: Local<Option<Style>>,
) {
    state.paint.begin();
    // Before the camera is there, and after the window is closed, there is none.
    let Ok((mut context, mut input, mut output, mut settings)) = contexts.single_mut() else {
        return;
    };
    settings.run_manually = true;
    let ctx = context.get_mut().clone();
    let is_waiting =
        state.commands.is_waiting() || state.inspector.is_reading() || control.titles.is_reading();
    let is_new = state.paint.shows_other(control.feed.now_us) || is_waiting;
    // Labels move with their blocks.
    let is_moving = control.field.is_moving();
    if !state.paint.is_due(&ctx, &input, &control.view, is_new) && !is_moving {
        // Modifiers alone are told anew each frame.
        input.events.clear();
        return;
    }
    let mut raw = input.take();
    set_scale(&ctx, &mut raw, state.panels.text_scale);
    if state.paint.is_still {
        let shown = Duration::from_micros(control.feed.now_us);
        raw.time = Some(shown.as_secs_f64());
    }
    let mut screen = Screen {
        style: Style::of(
            &mut style,
            &ctx,
            control.appearance.theme,
            state.paint.is_still,
        ),
        control: &mut control,
        state: &mut state,
        history: &mut history,
        playback: &playback,
    };
    **output = Some(screen.paint(&ctx, raw));
    state.paint.end(control.feed.now_us, &control.view);
}

/// Where the system names no scale, a high picture is scaled as a screen of 1080 lines would be.
fn set_scale(ctx: &egui::Context, raw: &mut egui::RawInput, text_scale: f32) {
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
    let zoom = by_size * text_scale;
    ctx.set_zoom_factor(zoom);
    let after = native * zoom;
    raw.screen_rect = Some(egui::Rect::from_min_max(
        egui::pos2(rect.min.x * before / after, rect.min.y * before / after),
        egui::pos2(rect.max.x * before / after, rect.max.y * before / after),
    ));
}
