//! The inspector at the right: the selected tasks, the task under the pointer, a host, or the run.

use std::collections::BTreeMap;

use bevy_egui::egui::{Key, RichText, ScrollArea, Ui};
use crawlfield_engine::{
    model::{
        ids::{HostId, PageKey, SessionId},
        phase::Phase,
    },
    ports::{
        commands::{Command, Target},
        stored::DeadSelector,
    },
    progress::safe,
};

use super::{Desk, hosts, overview, task, words};
use crate::{field::texel::sign_of, numbers::wide, story::Weight};

/// Tasks that are paused or resumed with one press, at most.
const TOGETHER: usize = 512;

pub(super) fn draw(ui: &mut Ui, desk: &mut Desk<'_>) {
    desk.show.keep_picked();
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        let picked = desk.show.picked.tasks.clone();
        match (&picked[..], desk.show.picked.hovered, desk.panels.host) {
            ([(slot, _)], ..) => task::draw(ui, desk, *slot, true),
            ([_, _, ..], ..) => lasso(ui, desk, &picked),
            ([], Some(slot), _) => task::draw(ui, desk, slot, false),
            ([], None, Some(host)) => hosts::card(ui, desk, host),
            ([], None, None) => overview::draw(ui, desk),
        }
    });
}

/// What many tasks have in common, and what can be done to all of them.
fn lasso(ui: &mut Ui, desk: &mut Desk<'_>, picked: &[(u32, PageKey)]) {
    let mut phases: BTreeMap<Phase, u64> = BTreeMap::new();
    let mut hosts: BTreeMap<HostId, u64> = BTreeMap::new();
    for (slot, _) in picked {
        if let Some(task) = desk.show.mirror.task(*slot) {
            *phases.entry(task.phase).or_default() += 1;
            *hosts.entry(task.host).or_default() += 1;
        }
    }
    let count = picked.len() as u64;
    ui.label(RichText::new(format!("{} tasks selected", words::count(count))).heading());
    ui.add_space(4.0);
    for (phase, n) in &phases {
        ui.horizontal(|ui| {
            desk.look.sign(ui, sign_of(*phase));
            desk.look.pair(ui, words::phase(*phase), words::count(*n));
        });
        let hex = desk.look.theme.states.of_sign(sign_of(*phase));
        desk.look.bar(ui, wide(*n) / wide(count), hex);
    }
    desk.look.section(ui, "Hosts");
    let mut hosts: Vec<(HostId, u64)> = hosts.into_iter().collect();
    hosts.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    for (host, n) in hosts.into_iter().take(6) {
        let name = desk
            .show
            .mirror
            .tables()
            .host(host)
            .map_or_else(String::new, |row| safe(&row.name));
        desk.look.pair(ui, &name, words::count(n));
    }
    desk.look.section(ui, "Act on all");
    actions(ui, desk, picked, &phases);
}

/// Buttons for tasks in these phases.
pub(super) fn actions(
    ui: &mut Ui,
    desk: &mut Desk<'_>,
    picked: &[(u32, PageKey)],
    phases: &BTreeMap<Phase, u64>,
) {
    let is_open = desk.show.source.commands().is_some();
    let has_waiting = phases.keys().any(|phase| phase.is_waiting());
    let has_dead = phases.contains_key(&Phase::Dead);
    ui.add_enabled_ui(is_open, |ui| {
        ui.horizontal_wrapped(|ui| {
            if ui.add_enabled(has_waiting, button("Pause")).clicked() {
                pause(desk, picked, true);
            }
            if ui.button("Resume").clicked() {
                pause(desk, picked, false);
            }
            if ui
                .add_enabled(has_dead, button("Requeue"))
                .on_hover_text("dead letters again")
                .clicked()
            {
                requeue(desk, picked);
            }
            if ui
                .add_enabled(has_waiting || has_dead, button("Drop"))
                .on_hover_text("waiting tasks and dead letters become cancelled")
                .clicked()
            {
                give_up(desk, picked);
            }
        });
    });
    if ui.button("Clear selection").on_hover_text("Esc").clicked()
        || ui.input(|input| input.key_pressed(Key::Escape))
    {
        desk.show.select(Vec::new());
    }
    if !is_open {
        ui.label(
            RichText::new("a recording takes no commands")
                .small()
                .color(desk.look.faint()),
        );
    }
}

fn button(text: &str) -> bevy_egui::egui::Button<'_> {
    bevy_egui::egui::Button::new(text)
}

fn pause(desk: &mut Desk<'_>, picked: &[(u32, PageKey)], on: bool) {
    let word = if on { "pause" } else { "resume" };
    let mut sent = 0_u32;
    for (_, key) in picked.iter().take(TOGETHER) {
        let target = Target::Task(*key);
        let command = if on {
            Command::Pause(target)
        } else {
            Command::Resume(target)
        };
        let what = match picked.len() {
            1 => format!("{word} the task"),
            _ => format!("{word} a task"),
        };
        if !desk
            .panels
            .asking
            .ask_of_many(desk.show, what, command, picked.len() == 1)
        {
            break;
        }
        sent += 1;
    }
    if picked.len() > 1 {
        let text = format!("{word}: asked for {sent} of {} tasks", picked.len());
        desk.panels.asking.say(Weight::Plain, text);
    }
}

/// The selected pages by session: a command each.
fn by_session(
    desk: &Desk<'_>,
    picked: &[(u32, PageKey)],
    wants: impl Fn(Phase) -> bool,
) -> BTreeMap<SessionId, Vec<PageKey>> {
    let mut sessions: BTreeMap<SessionId, Vec<PageKey>> = BTreeMap::new();
    for (slot, key) in picked {
        if let Some(task) = desk.show.mirror.task(*slot)
            && wants(task.phase)
        {
            sessions.entry(task.session).or_default().push(*key);
        }
    }
    sessions
}

fn requeue(desk: &mut Desk<'_>, picked: &[(u32, PageKey)]) {
    for (session, keys) in by_session(desk, picked, |phase| phase == Phase::Dead) {
        let what = format!("requeue {} pages", keys.len());
        let selector = DeadSelector {
            keys,
            ..DeadSelector::default()
        };
        desk.panels
            .asking
            .ask(desk.show, what, Command::RequeueDead { session, selector });
    }
}

fn give_up(desk: &mut Desk<'_>, picked: &[(u32, PageKey)]) {
    // Waiting tasks and dead letters live in different places: a command each.
    let kinds: [fn(Phase) -> bool; 2] = [Phase::is_waiting, |phase| phase == Phase::Dead];
    for wants in kinds {
        for (session, keys) in by_session(desk, picked, wants) {
            let what = format!("drop {} pages", keys.len());
            let selector = DeadSelector {
                keys,
                ..DeadSelector::default()
            };
            desk.panels
                .asking
                .ask(desk.show, what, Command::Drop { session, selector });
        }
    }
}
