//! The top bar: what runs, whether it is real, how it is connected, and the run's own switches.

use bevy_egui::egui::{self, Align, Layout, RichText, Ui};
use crawlfield_engine::{
    message::commands::{Command, Target},
    model::{ids::SessionId, phase::SessionPhase, profile::Profile},
    progress::safe,
};

use super::{Desk, Wish, dialog::Dialog, look::Look, words};
use crate::{field::board::Arrangement, show::Motion, source::Link, theme::ThemeName};

pub(super) fn draw(ui: &mut Ui, desk: &mut Desk<'_>) {
    ui.horizontal_centered(|ui| {
        who(ui, desk);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if ui.button("?").on_hover_text("keys (?)").clicked() {
                desk.panels.is_help_open ^= true;
            }
            views(ui, desk);
            link(ui, desk);
            ui.separator();
            profiles(ui, desk);
            run(ui, desk);
        });
    });
}

/// Where it is; the feed's own move is fresher than the last snapshot.
pub(super) fn phase(desk: &Desk<'_>) -> Option<SessionPhase> {
    let id = SessionId(desk.session()?.session.id);
    desk.show.mirror.tables().session(id).map(|row| row.phase)
}

/// What marks the picture as not real, of any session (SPEC M4).
pub(super) fn source(desk: &Desk<'_>) -> Option<String> {
    let told = desk
        .show
        .news
        .snapshots
        .iter()
        .find_map(|snapshot| snapshot.session.source.clone());
    let row = || {
        let rows = desk.show.mirror.tables().sessions();
        rows.iter()
            .find_map(|row| row.source.as_deref().map(str::to_owned))
    };
    told.or_else(row).map(|source| safe(&source).to_uppercase())
}

/// Whether it is real, and whether it is the present: on every screen (SPEC M4).
pub(super) fn marks(ui: &mut Ui, desk: &Desk<'_>) {
    let theme = desk.look.theme;
    if let Some(source) = source(desk) {
        Look::chip(ui, &source, theme.states.retry);
    }
    if desk.playback.is_replay {
        let text = format!("REPLAY ×{}", trimmed(desk.playback.speed));
        Look::chip(ui, &text, theme.states.parked);
    } else if desk.show.news.link == Link::Live {
        Look::chip(ui, "LIVE", theme.states.running);
    }
}

fn who(ui: &mut Ui, desk: &Desk<'_>) {
    marks(ui, desk);
    let Some(snapshot) = desk.session() else {
        ui.label(RichText::new("Crawlfield").heading().strong());
        return;
    };
    let name = safe(&snapshot.session.site);
    ui.label(RichText::new(name).heading().strong());
    let state = phase(desk).map_or_else(
        || safe(&snapshot.session.state),
        |phase| phase.name().to_owned(),
    );
    let text = format!("{state} · {}", safe(&snapshot.session.mode));
    ui.label(RichText::new(text).color(desk.look.faint()));
    if desk.show.news.snapshots.len() > 1 {
        let others = desk.show.news.snapshots.len() - 1;
        ui.label(RichText::new(format!("and {others} more")).color(desk.look.faint()));
    }
}

/// `1`, `0.25`, `100`.
pub(super) fn trimmed(speed: f64) -> String {
    let text = format!("{speed:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// How the source is, and what was lost on the way.
fn link(ui: &mut Ui, desk: &Desk<'_>) {
    let theme = desk.look.theme;
    let news = &desk.show.news;
    let lost = news.lost.max(desk.show.mirror.missed());
    let (word, hex) = match news.link {
        _ if lost > 0 => (format!("{} lost", words::brief(lost)), theme.states.retry),
        Link::Waiting => ("waiting".to_owned(), theme.states.queued),
        Link::Live => ("nothing lost".to_owned(), theme.states.done),
        Link::Ended => ("ended".to_owned(), theme.states.queued),
    };
    let hover = format!(
        "changes that this view missed: {lost}\nchanges that made no sense: {}",
        desk.show.mirror.nonsense()
    );
    ui.label(RichText::new(word).color(desk.look.faint()))
        .on_hover_text(hover);
    let (rect, _) = ui.allocate_exact_size(egui::vec2(8.0, 8.0), egui::Sense::hover());
    ui.painter()
        .circle_filled(rect.center(), 4.0, super::look::colour(hex));
}

fn views(ui: &mut Ui, desk: &mut Desk<'_>) {
    let show = &mut *desk.show;
    let is_dark = show.choices.theme == ThemeName::Dark;
    ui.menu_button("View", |ui| {
        if ui
            .button(if is_dark {
                "Light colours  (C)"
            } else {
                "Dark colours  (C)"
            })
            .clicked()
        {
            show.choices.theme = if is_dark {
                ThemeName::Light
            } else {
                ThemeName::Dark
            };
        }
        ui.separator();
        for (arrangement, name) in [
            (Arrangement::Territory, "Territory  (T)"),
            (Arrangement::Flow, "Flow  (T)"),
        ] {
            if ui
                .radio(show.board.arrangement() == arrangement, name)
                .clicked()
            {
                show.arrange(arrangement);
            }
        }
        ui.separator();
        for (motion, name) in [
            (Motion::Full, "All motion  (M)"),
            (Motion::Reduced, "Less motion"),
            (Motion::None, "No motion"),
        ] {
            if ui.radio(show.choices.motion == motion, name).clicked() {
                show.choices.motion = motion;
            }
        }
        ui.separator();
        text_sizes(ui, &mut desk.panels.text_scale);
        ui.separator();
        if ui.button("Fit  (0)").clicked() {
            show.fit();
        }
        if ui.button("Field only  (F11)").clicked() {
            desk.panels.is_bare = true;
        }
        if ui.button("Picture  (F12)").clicked() {
            desk.playback.wishes.push(Wish::Picture);
        }
    });
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

fn profiles(ui: &mut Ui, desk: &mut Desk<'_>) {
    let now = desk
        .session()
        .map(|snapshot| snapshot.session.profile.clone());
    let is_open = desk.show.source.commands().is_some();
    ui.add_enabled_ui(is_open, |ui| {
        // Right to left: the last drawn stands first.
        for profile in [Profile::Performance, Profile::Balanced, Profile::Economy] {
            let is_set = now.as_deref() == Some(profile.name());
            let chosen = ui.selectable_label(is_set, profile.name());
            if chosen.clicked() && !is_set {
                let what = format!("profile {}", profile.name());
                desk.panels
                    .asking
                    .ask(desk.show, what, Command::SetProfile(profile));
            }
        }
    });
}

/// Pauses the run, or lets it go on.
pub(super) fn toggle_run(desk: &mut Desk<'_>) {
    let (what, command) = if phase(desk) == Some(SessionPhase::Paused) {
        ("resume the run", Command::Resume(Target::Engine))
    } else {
        ("pause the run", Command::Pause(Target::Engine))
    };
    desk.panels.asking.ask(desk.show, what, command);
}

fn run(ui: &mut Ui, desk: &mut Desk<'_>) {
    let is_paused = phase(desk) == Some(SessionPhase::Paused);
    let is_open = desk.show.source.commands().is_some();
    ui.add_enabled_ui(is_open, |ui| {
        ui.menu_button("Run", |ui| menu(ui, desk, is_paused));
        let text = if is_paused { "▶ Resume" } else { "⏸ Pause" };
        if ui
            .button(text)
            .on_hover_text("pause or resume the run (Space)")
            .clicked()
        {
            toggle_run(desk);
        }
    });
}

fn menu(ui: &mut Ui, desk: &mut Desk<'_>, is_paused: bool) {
    let ask = |desk: &mut Desk<'_>, what: &str, command| {
        desk.panels.asking.ask(desk.show, what, command);
    };
    if ui
        .add_enabled(is_paused, egui::Button::new("One tick"))
        .clicked()
    {
        ask(desk, "one tick", Command::Step(1));
    }
    if ui.button("Add a start URL…").clicked() {
        desk.panels.dialog = Dialog::start_url();
    }
    if ui.button("Change a setting…").clicked() {
        desk.panels.dialog = Dialog::setting();
    }
    ui.separator();
    if ui.button("Stop: let what is in flight end").clicked() {
        ask(
            desk,
            "stop",
            Command::Cancel {
                session: None,
                now: false,
            },
        );
    }
    if ui.button("Stop at once").clicked() {
        ask(
            desk,
            "stop at once",
            Command::Cancel {
                session: None,
                now: true,
            },
        );
    }
    ui.label(
        RichText::new("both can be resumed")
            .color(desk.look.faint())
            .small(),
    );
}
