//! What can be done to the selected tasks, and to all of a host or a stage.

use std::collections::BTreeMap;

use bevy_egui::egui::{Button, Key, RichText, Ui};
use crawlfield_engine::{
    feed::{mirror::Mirror, task_record::TaskRecord},
    message::{
        commands::{Command, Target},
        store_verbs::DeadSelector,
    },
    model::{ids::SessionId, page_url::PageUrl, phase::Phase},
};

use super::{PendingCommands, format, style::Style};
use crate::field::{FieldControl, slot_set::SlotSet};

/// Tasks that are paused or resumed with one press, at most.
const TOGETHER: usize = 512;

/// Makes a command for the pages of a session.
type ToCommand = fn(SessionId, DeadSelector) -> Command;

/// Buttons for selected tasks, which are in these phases.
pub(super) fn for_tasks(
    ui: &mut Ui,
    style: &Style,
    control: &mut FieldControl<'_>,
    commands: &mut PendingCommands,
    tasks: &SlotSet,
    phases: &BTreeMap<Phase, u64>,
) {
    let mirror = &control.feed.mirror;
    let can_send = commands.can_send();
    let has_waiting = phases.keys().any(|phase| phase.is_waiting());
    let has_dead = phases.contains_key(&Phase::Dead);
    let is_dead = |phase| phase == Phase::Dead;
    ui.add_enabled_ui(can_send, |ui| {
        ui.horizontal_wrapped(|ui| {
            if ui.add_enabled(has_waiting, Button::new("Pause")).clicked() {
                pause(commands, mirror, tasks, true);
            }
            if ui.button("Resume").clicked() {
                pause(commands, mirror, tasks, false);
            }
            if ui
                .add_enabled(has_dead, Button::new("Requeue"))
                .on_hover_text("dead letters again")
                .clicked()
            {
                let pages = by_session(mirror, tasks, is_dead);
                send_by_session(commands, pages, "requeue", requeue_dead);
            }
            if ui
                .add_enabled(has_waiting || has_dead, Button::new("Drop"))
                .on_hover_text("waiting tasks and dead letters become cancelled")
                .clicked()
            {
                // They live in different places: a command each.
                let waiting = by_session(mirror, tasks, Phase::is_waiting);
                send_by_session(commands, waiting, "drop", drop_pages);
                let dead = by_session(mirror, tasks, is_dead);
                send_by_session(commands, dead, "drop", drop_pages);
            }
        });
    });
    if ui.button("Clear selection").on_hover_text("Esc").clicked()
        || ui.input(|input| input.key_pressed(Key::Escape))
    {
        control.select(Vec::new());
    }
    if !can_send {
        let text = RichText::new("a recording takes no commands").small();
        ui.label(text.color(style.faint()));
    }
}

/// Buttons for all tasks and dead letters of a host or a stage, whose name is safe to show.
pub(super) fn for_group(
    ui: &mut Ui,
    style: &Style,
    control: &mut FieldControl<'_>,
    commands: &mut PendingCommands,
    (name, selector): (&str, &DeadSelector),
    belongs: impl Fn(&TaskRecord<&PageUrl>) -> bool,
) {
    style.section(ui, "Its tasks and dead letters");
    let can_send = commands.can_send();
    ui.horizontal_wrapped(|ui| {
        if ui
            .button("Select tasks")
            .on_hover_text("all that are drawn: then act on them together")
            .clicked()
        {
            let mirror = &control.feed.mirror;
            let slots = mirror
                .slots()
                .filter(|slot| mirror.task(*slot).is_some_and(|task| belongs(&task)));
            let slots: SlotSet = slots.collect();
            control.select(slots);
        }
        let choices: [(&str, &str, ToCommand); 2] = [
            ("Requeue dead", "requeue", requeue_dead),
            ("Drop dead", "drop", drop_pages),
        ];
        for (text, word, command) in choices {
            if ui.add_enabled(can_send, Button::new(text)).clicked() {
                for session in control.feed.open_sessions() {
                    let what = format!("{word} dead letters of {name}");
                    commands.send(what, command(session, selector.clone()));
                }
            }
        }
    });
}

fn pause(commands: &mut PendingCommands, mirror: &Mirror, tasks: &SlotSet, on: bool) {
    let word = if on { "pause" } else { "resume" };
    let what = match tasks.len() {
        1 => format!("{word} the task"),
        n if n > TOGETHER => format!(
            "{word} the first {TOGETHER} of {} tasks",
            format::count(n as u64)
        ),
        n => format!("{word} {n} tasks"),
    };
    let first = tasks.iter().take(TOGETHER);
    let keys = first.filter_map(|slot| mirror.key_at(slot));
    let each = keys.map(|key| {
        let target = Target::Task(key);
        if on {
            Command::Pause(target)
        } else {
            Command::Resume(target)
        }
    });
    commands.send_all(what, each.collect());
}

/// The pages of these tasks that are in such a phase, by session.
fn by_session(
    mirror: &Mirror,
    tasks: &SlotSet,
    wants: impl Fn(Phase) -> bool,
) -> BTreeMap<SessionId, DeadSelector> {
    let mut sessions: BTreeMap<SessionId, DeadSelector> = BTreeMap::new();
    let tasks = tasks.iter().filter_map(|slot| mirror.task(slot));
    for task in tasks.filter(|task| wants(task.phase)) {
        let pages = sessions.entry(task.session).or_default();
        pages.keys.push(task.key);
    }
    sessions
}

/// Sends a command a session.
fn send_by_session(
    commands: &mut PendingCommands,
    sessions: BTreeMap<SessionId, DeadSelector>,
    word: &str,
    command: ToCommand,
) {
    for (session, selector) in sessions {
        let what = format!("{word} {}", format::pages(selector.keys.len() as u64));
        commands.send(what, command(session, selector));
    }
}

/// Fetches these dead letters again.
pub(super) fn requeue_dead(session: SessionId, selector: DeadSelector) -> Command {
    Command::RequeueDead { session, selector }
}

/// Gives these pages up.
pub(super) fn drop_pages(session: SessionId, selector: DeadSelector) -> Command {
    Command::Drop { session, selector }
}
