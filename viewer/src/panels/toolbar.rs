//! The top bar: what runs, whether it is real, how it is connected, and the run's own switches.

use bevy_egui::egui::{self, Align, Label, Layout, RichText, Ui};
use crawlfield_engine::{
    message::commands::{Command, Target},
    model::{phase::SessionPhase, profile::Profile},
    progress::safe,
};

use super::{
    Inspector, PanelState, PendingCommands, WindowRequest,
    dialogs::{Dialogs, Form},
    ending, format,
    style::{Style, colour},
};
use crate::{
    feed::{Feed, FeedStatus},
    field::{Arrangement, FieldControl},
    pin::Pin,
    playback::Playback,
    theme::{Motion, ThemeName},
};

/// A narrower bar has profiles in a menu and fewer words, in points.
const WIDE: f32 = 900.0;
/// An even narrower one leaves out how the session is.
const NARROW: f32 = 620.0;

/// What stands right of a site's name wants so much: buttons, and how the session is.
const ACTIONS: f32 = 330.0;
const ACTIONS_WIDE: f32 = 570.0;
const STATE: f32 = 130.0;

pub(super) fn draw(
    ui: &mut Ui,
    style: &Style,
    control: &mut FieldControl<'_>,
    state: &mut PanelState<'_>,
    playback: &Playback,
) {
    let width = ui.available_width();
    ui.horizontal_centered(|ui| {
        session(ui, style, &control.feed, playback);
        pinned(ui, control, &mut state.inspector);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if ui.button("?").on_hover_text("keys (?)").clicked() {
                state.panels.dialogs.is_help_open ^= true;
            }
            ui.menu_button("View", |ui| view_menu(ui, control, state));
            connection(ui, style, &control.feed, playback, width >= WIDE);
            ui.separator();
            if control.feed.is_over() {
                if state.live.can_run_again && ui.button("↻ Run again").clicked() {
                    state.window_requests.write(WindowRequest::RunAgain);
                }
                return;
            }
            let (feed, commands) = (&control.feed, &mut state.commands);
            if width >= WIDE {
                profiles(ui, feed, commands);
            } else {
                let now = feed
                    .session()
                    .map(|snapshot| safe(&snapshot.session.profile));
                let name = now.unwrap_or_else(|| "profile".to_owned());
                ui.menu_button(name, |ui| profiles(ui, feed, commands));
            }
            let (commands, dialogs) = (&mut *state.commands, &mut state.panels.dialogs);
            run(ui, style, &control.feed, commands, dialogs);
        });
    });
}

/// Whether it is real, and whether it is the present: on every screen (SPEC M4).
pub(super) fn draw_marks(ui: &mut Ui, style: &Style, feed: &Feed, playback: &Playback) {
    let states = &style.theme.states;
    if let Some(source) = feed.data_source() {
        Style::chip(ui, &source, states.retry);
    }
    if playback.is_replay {
        let text = format!("REPLAY ×{}", format::speed(playback.speed));
        Style::chip(ui, &text, states.parked);
    } else if feed.is_over() {
        Style::chip(ui, "ENDED", states.queued);
    } else if feed.status == FeedStatus::Live {
        Style::chip(ui, "LIVE", states.running);
    }
}

fn session(ui: &mut Ui, style: &Style, feed: &Feed, playback: &Playback) {
    let is_narrow = ui.available_width() < NARROW;
    let is_wide = ui.available_width() >= WIDE;
    draw_marks(ui, style, feed, playback);
    let Some(snapshot) = feed.session() else {
        ui.label(RichText::new("Crawlfield").heading().strong());
        return;
    };
    let name = safe(&snapshot.session.site);
    let kept = match (is_narrow, is_wide) {
        (true, _) => ACTIONS,
        (false, false) => ACTIONS + STATE,
        (false, true) => ACTIONS_WIDE + STATE,
    };
    let room = (ui.available_width() - kept).max(40.0);
    let named = ui.scope(|ui| {
        ui.set_max_width(room);
        ui.add(Label::new(RichText::new(name).heading().strong()).truncate())
    });
    let named = named.inner;
    let state = feed.session_phase().map_or_else(
        || safe(&snapshot.session.state),
        |phase| ending::outcome(phase, snapshot.progress.dead),
    );
    let text = format!("{state} · {}", safe(&snapshot.session.mode));
    if is_narrow {
        named.on_hover_text(text);
    } else {
        ui.label(RichText::new(text).color(style.faint()));
    }
    if feed.snapshots.len() > 1 {
        let others = feed.snapshots.len() - 1;
        ui.label(RichText::new(format!("and {others} more")).color(style.faint()));
    }
}

/// What is pinned, and the way back.
fn pinned(ui: &mut Ui, control: &mut FieldControl<'_>, inspector: &mut Inspector) {
    let Some(pin) = control.pinned.pin() else {
        return;
    };
    let text = format!("pinned: {}  ✕", pin_words(pin));
    if ui
        .button(text)
        .on_hover_text("show all again (P)")
        .clicked()
    {
        control.pin(None);
        inspector.clear();
    }
}

/// A pin for people, safe to show.
fn pin_words(pin: &Pin) -> String {
    match pin {
        Pin::Class(class) => format::class(*class),
        Pin::Host(name) => format!("host {}", safe(name)),
        Pin::Stage(name) => format!("stage {}", safe(name)),
        Pin::State(phase) => format::phase(*phase).to_owned(),
        Pin::Task(_) => "one page".to_owned(),
    }
}

/// How the source is, and what was lost on the way.
fn connection(ui: &mut Ui, style: &Style, feed: &Feed, playback: &Playback, is_wide: bool) {
    let states = &style.theme.states;
    let lost = feed.lost.max(feed.mirror.missed());
    let (word, hex) = match feed.status {
        _ if lost > 0 => (format!("{} lost", format::brief(lost)), states.retry),
        _ if playback.is_replay => ("nothing lost".to_owned(), states.done),
        FeedStatus::Waiting => ("waiting".to_owned(), states.queued),
        FeedStatus::Live => ("nothing lost".to_owned(), states.done),
        FeedStatus::Ended => ("ended".to_owned(), states.queued),
    };
    let hover = format!(
        "changes that this view missed: {lost}\nchanges that made no sense: {}",
        feed.mirror.nonsense()
    );
    if is_wide || lost > 0 {
        let label = ui.label(RichText::new(&word).color(style.faint()));
        label.on_hover_text(&hover);
    }
    let (rect, dot) = ui.allocate_exact_size(egui::vec2(8.0, 8.0), egui::Sense::hover());
    dot.on_hover_text(format!("{word}\n{hover}"));
    ui.painter().circle_filled(rect.center(), 4.0, colour(hex));
}

fn view_menu(ui: &mut Ui, control: &mut FieldControl<'_>, state: &mut PanelState<'_>) {
    let is_dark = control.appearance.theme == ThemeName::Dark;
    let (text, other) = if is_dark {
        ("Light colours  (C)", ThemeName::Light)
    } else {
        ("Dark colours  (C)", ThemeName::Dark)
    };
    if ui.button(text).clicked() {
        control.appearance.theme = other;
    }
    ui.separator();
    for (arrangement, name) in [
        (Arrangement::Territory, "Territory  (T)"),
        (Arrangement::Flow, "Flow  (T)"),
    ] {
        let is_set = control.field.cells.arrangement() == arrangement;
        if ui.radio(is_set, name).clicked() {
            control.arrange(arrangement);
        }
    }
    ui.separator();
    for (motion, name) in [
        (Motion::Full, "All motion  (M)"),
        (Motion::Reduced, "Less motion"),
        (Motion::None, "No motion"),
    ] {
        let is_set = control.appearance.motion == motion;
        if ui.radio(is_set, name).clicked() {
            control.appearance.motion = motion;
        }
    }
    ui.separator();
    text_sizes(ui, &mut state.panels.text_scale);
    ui.separator();
    if ui.button("Fit  (0)").clicked() {
        control.view.fit();
    }
    if ui.button("Field only  (F11)").clicked() {
        state.panels.is_bare = true;
    }
    if ui.button("Picture  (F12)").clicked() {
        state.window_requests.write(WindowRequest::Picture);
    }
}

fn text_sizes(ui: &mut Ui, chosen: &mut f32) {
    ui.horizontal(|ui| {
        ui.label("Text");
        for (scale, name) in [(0.85, "S"), (1.0, "M"), (1.25, "L"), (1.5, "XL")] {
            let is_set = (*chosen - scale).abs() < 0.01;
            if ui.selectable_label(is_set, name).clicked() {
                *chosen = scale;
            }
        }
    });
}

fn profiles(ui: &mut Ui, feed: &Feed, commands: &mut PendingCommands) {
    let now = feed.session().map(|snapshot| &snapshot.session.profile);
    ui.add_enabled_ui(commands.can_send(), |ui| {
        // Right to left: the last drawn stands first.
        for profile in [Profile::Performance, Profile::Balanced, Profile::Economy] {
            let is_set = now.is_some_and(|now| now == profile.name());
            let chosen = ui.selectable_label(is_set, profile.name());
            if chosen.clicked() && !is_set {
                let what = format!("profile {}", profile.name());
                commands.send(what, Command::SetProfile(profile));
            }
        }
    });
}

/// Pauses the run, or lets it go on.
pub(super) fn toggle_run(feed: &Feed, commands: &mut PendingCommands) {
    let (what, command) = if feed.session_phase() == Some(SessionPhase::Paused) {
        ("resume the run", Command::Resume(Target::Engine))
    } else {
        ("pause the run", Command::Pause(Target::Engine))
    };
    commands.send(what, command);
}

fn run(
    ui: &mut Ui,
    style: &Style,
    feed: &Feed,
    commands: &mut PendingCommands,
    dialogs: &mut Dialogs,
) {
    let is_paused = feed.session_phase() == Some(SessionPhase::Paused);
    ui.add_enabled_ui(commands.can_send(), |ui| {
        ui.menu_button("Run", |ui| {
            run_menu(ui, style, is_paused, commands, dialogs);
        });
        let text = if is_paused { "▶ Resume" } else { "⏸ Pause" };
        if ui
            .button(text)
            .on_hover_text("pause or resume the run (Space)")
            .clicked()
        {
            toggle_run(feed, commands);
        }
    });
}

fn run_menu(
    ui: &mut Ui,
    style: &Style,
    is_paused: bool,
    commands: &mut PendingCommands,
    dialogs: &mut Dialogs,
) {
    let stop = |now| Command::Cancel { session: None, now };
    if ui
        .add_enabled(is_paused, egui::Button::new("One tick"))
        .clicked()
    {
        commands.send("one tick", Command::Step(1));
    }
    if ui.button("Add a start URL…").clicked() {
        dialogs.form = Form::start_url();
    }
    if ui.button("Change a setting…").clicked() {
        dialogs.form = Form::setting();
    }
    ui.separator();
    if ui.button("Stop: let what is in flight end").clicked() {
        commands.send("stop", stop(false));
    }
    if ui.button("Stop at once").clicked() {
        commands.send("stop at once", stop(true));
    }
    let text = RichText::new("both can be resumed");
    ui.label(text.color(style.faint()).small());
}
