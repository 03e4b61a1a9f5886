//! The inspector at the right: the selected tasks, the task under the pointer, a host, or the run.

use std::{collections::BTreeMap, sync::Arc};

use bevy_egui::egui::{Key, RichText, ScrollArea, Ui};
use crawlfield_engine::{
    feed::mirror::Task,
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

use super::{Desk, hosts, overview, stage, task, words};
use crate::{
    field::{slots::Slots, texel::sign_of},
    numbers::{index, wide},
};

/// Tasks that are paused or resumed with one press, at most.
const TOGETHER: usize = 512;

pub(super) fn draw(ui: &mut Ui, desk: &mut Desk<'_>) {
    let picked = Arc::clone(&desk.show.picked.slots);
    // A task that left by itself is shown until a person turns to something else.
    if picked.is_empty() && !desk.show.picked.has_left {
        desk.panels.shown = None;
    }
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        let chosen = (desk.panels.host, desk.panels.stage);
        match (picked.first(), desk.show.picked.hovered, chosen) {
            (Some(slot), ..) if picked.len() == 1 => task::draw(ui, desk, slot, true),
            (Some(_), ..) => lasso(ui, desk, &picked),
            (None, ..) if desk.panels.shown.is_some() => task::left(ui, desk),
            (None, Some(slot), _) => task::draw(ui, desk, slot, false),
            (None, None, (Some(host), _)) => hosts::card(ui, desk, host),
            (None, None, (None, Some(stage))) => stage::card(ui, desk, stage),
            (None, None, (None, None)) => overview::draw(ui, desk),
        }
    });
}

/// What many tasks have in common, and what can be done to all of them.
fn lasso(ui: &mut Ui, desk: &mut Desk<'_>, picked: &Slots) {
    let rows = desk.show.mirror.tables().hosts();
    // By number, for there may be a million.
    let (mut by_phase, mut by_host) = ([0_u64; Phase::ALL.len()], vec![0_u64; rows.len()]);
    picked.iter().for_each(|slot| {
        if let Some(sight) = desk.show.mirror.sight(slot) {
            by_phase[sight.phase as usize] += 1;
            by_host[index(sight.host_number)] += 1;
        }
    });
    let counted = Phase::ALL.into_iter().zip(by_phase);
    let phases: BTreeMap<Phase, u64> = counted.filter(|(_, n)| *n > 0).collect();
    let counted = rows.iter().map(|row| row.id).zip(by_host);
    let mut hosts: Vec<(HostId, u64)> = counted.filter(|(_, n)| *n > 0).collect();
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
    picked: &Slots,
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

/// What can be done to all tasks and dead letters of a host or a stage.
pub(super) fn crowd(
    ui: &mut Ui,
    desk: &mut Desk<'_>,
    name: &str,
    selector: &DeadSelector,
    belongs: impl Fn(&Task<'_>) -> bool,
) {
    desk.look.section(ui, "Its tasks and dead letters");
    let is_open = desk.show.source.commands().is_some();
    ui.horizontal_wrapped(|ui| {
        if ui
            .button("Select tasks")
            .on_hover_text("all that are drawn: then act on them together")
            .clicked()
        {
            let mirror = &desk.show.mirror;
            let slots = mirror
                .slots()
                .filter(|slot| mirror.task(*slot).is_some_and(|task| belongs(&task)));
            let slots: Slots = slots.collect();
            desk.show.select(slots);
        }
        for (text, again) in [("Requeue dead", true), ("Drop dead", false)] {
            if ui.add_enabled(is_open, button(text)).clicked() {
                let sessions: Vec<SessionId> = open_sessions(desk);
                for session in sessions {
                    let selector = selector.clone();
                    let (word, command) = if again {
                        ("requeue", Command::RequeueDead { session, selector })
                    } else {
                        ("drop", Command::Drop { session, selector })
                    };
                    let what = format!("{word} dead letters of {name}");
                    desk.panels.asking.ask(desk.show, what, command);
                }
            }
        }
    });
}

/// Sessions that still take commands.
fn open_sessions(desk: &Desk<'_>) -> Vec<SessionId> {
    let rows = desk.show.mirror.tables().sessions().iter();
    rows.filter(|row| !row.phase.is_over())
        .map(|row| row.id)
        .collect()
}

fn button(text: &str) -> bevy_egui::egui::Button<'_> {
    bevy_egui::egui::Button::new(text)
}

fn pause(desk: &mut Desk<'_>, picked: &Slots, on: bool) {
    let word = if on { "pause" } else { "resume" };
    let what = match picked.len() {
        1 => format!("{word} the task"),
        n if n > TOGETHER => format!(
            "{word} the first {TOGETHER} of {} tasks",
            words::count(n as u64)
        ),
        n => format!("{word} {n} tasks"),
    };
    let first = picked.iter().take(TOGETHER);
    let keys = first.filter_map(|slot| desk.show.mirror.key_at(slot));
    let commands = keys.map(|key| {
        let target = Target::Task(key);
        if on {
            Command::Pause(target)
        } else {
            Command::Resume(target)
        }
    });
    let commands = commands.collect();
    desk.panels.asking.ask_all(desk.show, what, commands);
}

/// The selected pages by session: a command each.
fn by_session(
    desk: &Desk<'_>,
    picked: &Slots,
    wants: impl Fn(Phase) -> bool,
) -> BTreeMap<SessionId, Vec<PageKey>> {
    let mut sessions: BTreeMap<SessionId, Vec<PageKey>> = BTreeMap::new();
    for slot in picked.iter() {
        if let Some(task) = desk.show.mirror.task(slot)
            && wants(task.phase)
        {
            sessions.entry(task.session).or_default().push(task.key);
        }
    }
    sessions
}

fn requeue(desk: &mut Desk<'_>, picked: &Slots) {
    for (session, keys) in by_session(desk, picked, |phase| phase == Phase::Dead) {
        let what = format!("requeue {}", words::pages(keys.len() as u64));
        let selector = DeadSelector {
            keys,
            ..DeadSelector::default()
        };
        desk.panels
            .asking
            .ask(desk.show, what, Command::RequeueDead { session, selector });
    }
}

fn give_up(desk: &mut Desk<'_>, picked: &Slots) {
    // Waiting tasks and dead letters live in different places: a command each.
    let kinds: [fn(Phase) -> bool; 2] = [Phase::is_waiting, |phase| phase == Phase::Dead];
    for wants in kinds {
        for (session, keys) in by_session(desk, picked, wants) {
            let what = format!("drop {}", words::pages(keys.len() as u64));
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
