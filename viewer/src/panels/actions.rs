//! What can be done to the selected tasks, and to all of a host or a stage.

use std::collections::BTreeMap;

use bevy_egui::egui::{Button, Key, RichText, Ui};
use crawlfield_engine::{
    feed::{mirror::Mirror, task_record::TaskRecord},
    message::{
        commands::{Command, Target},
        store_verbs::DeadSelector,
    },
    model::{
        ids::{PageKey, SessionId},
        page_url::PageUrl,
        phase::Phase,
    },
};

use super::{PendingCommands, commands::Drops, format, style::Style};
use crate::field::{FieldControl, slot_set::SlotSet};

/// Tasks that are paused or resumed with one press, at most.
const TOGETHER: usize = 512;

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
    let may_wait_again = |phase| matches!(phase, Phase::Dead | Phase::Cancelled);
    let has_ended = phases.keys().any(|phase| may_wait_again(*phase));
    ui.add_enabled_ui(can_send, |ui| {
        ui.horizontal_wrapped(|ui| {
            if ui.add_enabled(has_waiting, Button::new("Pause")).clicked() {
                pause(commands, mirror, tasks, true);
            }
            if ui.button("Resume").clicked() {
                pause(commands, mirror, tasks, false);
            }
            if ui
                .add_enabled(has_ended, Button::new("Requeue"))
                .on_hover_text("dead letters, and what was dropped, wait again")
                .clicked()
            {
                requeue(commands, by_session(mirror, tasks, may_wait_again));
            }
            if ui
                .add_enabled(has_waiting || has_dead, Button::new("Drop"))
                .on_hover_text("waiting tasks and dead letters become cancelled")
                .clicked()
            {
                let is_dropped = |phase: Phase| phase.is_waiting() || phase == Phase::Dead;
                commands.drop_pages(Drops::of_keys(by_session(mirror, tasks, is_dropped)));
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
            let slots = control.shown(slots);
            control.select(slots);
        }
        let what = format!("dead letters of {name}");
        if ui
            .add_enabled(can_send, Button::new("Requeue dead"))
            .clicked()
        {
            for session in control.feed.open_sessions() {
                let what = format!("requeue {what}");
                commands.send(what, requeue_dead(session, selector.clone()));
            }
        }
        if ui.add_enabled(can_send, Button::new("Drop dead")).clicked() {
            let sessions = control.feed.open_sessions();
            let pages = sessions
                .into_iter()
                .map(|session| (session, selector.clone()));
            commands.drop_pages(Drops::of_dead_letters(what, pages.collect()));
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
) -> Vec<(SessionId, Vec<PageKey>)> {
    let mut sessions: BTreeMap<SessionId, Vec<PageKey>> = BTreeMap::new();
    let tasks = tasks.iter().filter_map(|slot| mirror.task(slot));
    for task in tasks.filter(|task| wants(task.phase)) {
        sessions.entry(task.session).or_default().push(task.key);
    }
    sessions.into_iter().collect()
}

/// Lets these pages wait again.
fn requeue(commands: &mut PendingCommands, sessions: Vec<(SessionId, Vec<PageKey>)>) {
    for (session, keys) in sessions {
        let what = format!("requeue {}", format::pages(keys.len() as u64));
        commands.send(what, requeue_dead(session, DeadSelector::of_pages(keys)));
    }
}

/// Fetches these dead letters again.
pub(super) fn requeue_dead(session: SessionId, selector: DeadSelector) -> Command {
    Command::RequeueDead { session, selector }
}
