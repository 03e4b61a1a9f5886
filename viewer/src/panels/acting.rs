//! What can be done to the selected tasks, and to all of a host or a stage.

use std::collections::BTreeMap;

use bevy_egui::egui::{Button, Key, RichText, Ui};
use crawlfield_engine::{
    feed::mirror::Task,
    message::{
        commands::{Command, Target},
        store_verbs::DeadSelector,
    },
    model::{ids::SessionId, phase::Phase},
};

use super::{Desk, words};
use crate::field::slots::Slots;

/// Tasks that are paused or resumed with one press, at most.
const TOGETHER: usize = 512;

type ToCommand = fn(SessionId, DeadSelector) -> Command;

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
    let is_dead = |phase| phase == Phase::Dead;
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
                ask_by_session(desk, picked, is_dead, "requeue", requeue);
            }
            if ui
                .add_enabled(has_waiting || has_dead, button("Drop"))
                .on_hover_text("waiting tasks and dead letters become cancelled")
                .clicked()
            {
                // They live in different places: a command each.
                ask_by_session(desk, picked, Phase::is_waiting, "drop", give_up);
                ask_by_session(desk, picked, is_dead, "drop", give_up);
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
        let choices: [(&str, &str, ToCommand); 2] = [
            ("Requeue dead", "requeue", requeue),
            ("Drop dead", "drop", give_up),
        ];
        for (text, word, command) in choices {
            if ui.add_enabled(is_open, button(text)).clicked() {
                for session in open_sessions(desk) {
                    let what = format!("{word} dead letters of {name}");
                    let command = command(session, selector.clone());
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

fn button(text: &str) -> Button<'_> {
    Button::new(text)
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

/// Asks for a command a session for the selected pages in such a phase.
fn ask_by_session(
    desk: &mut Desk<'_>,
    picked: &Slots,
    wants: impl Fn(Phase) -> bool,
    word: &str,
    command: ToCommand,
) {
    let mut sessions: BTreeMap<SessionId, DeadSelector> = BTreeMap::new();
    for slot in picked.iter() {
        if let Some(task) = desk.show.mirror.task(slot)
            && wants(task.phase)
        {
            sessions
                .entry(task.session)
                .or_default()
                .keys
                .push(task.key);
        }
    }
    for (session, selector) in sessions {
        let what = format!("{word} {}", words::pages(selector.keys.len() as u64));
        let command = command(session, selector);
        desk.panels.asking.ask(desk.show, what, command);
    }
}

fn requeue(session: SessionId, selector: DeadSelector) -> Command {
    Command::RequeueDead { session, selector }
}

fn give_up(session: SessionId, selector: DeadSelector) -> Command {
    Command::Drop { session, selector }
}
