//! One task: what it is, how it stands, why it waits, what was tried.

use std::{collections::BTreeMap, sync::Arc};

use bevy_egui::egui::{Label, RichText, Ui};
use crawlfield_engine::{
    feed::task_record::TaskRecord,
    message::{commands::Inspected, store_verbs::AttemptRow},
    model::{
        ids::{HostId, PageKey},
        page_url::PageUrl,
        phase::Phase,
    },
    progress::{reason, safe},
};

use super::{Inspector, PendingCommands, actions, format, inspector::pin_button, style::Style};
use crate::{
    feed::Feed,
    field::{
        FieldControl,
        slot_set::SlotSet,
        texel::{SIGN_PARKED, SIGN_PAUSED, sign_of},
    },
    history::History,
    numbers::wide,
    pin::Pin,
};

/// Facts that last when a task has left: stage, host, failed attempts.
const LASTING: usize = 3;

/// What is known of a task without asking the engine, in words that are safe to show.
#[derive(Debug, Clone)]
pub(super) struct TaskFacts {
    key: PageKey,
    slot: u32,
    phase: Phase,
    url: String,
    /// The URL as the store has it.
    page: Arc<str>,
    /// Names and values; the first `LASTING` stay true when the task has left.
    lines: Vec<(&'static str, String)>,
    /// The last failure, if there was one.
    trouble: Option<String>,
    host: HostId,
}

impl TaskFacts {
    /// Of the task in this slot, if one is there.
    pub(super) fn of(feed: &Feed, history: &History, slot: u32) -> Option<Self> {
        let task = feed.mirror.task(slot)?;
        let tables = feed.mirror.tables();
        let stage = tables
            .stage(task.session, task.stage)
            .map(|row| safe(&row.name));
        let host = tables.host(task.host).expect("a task's host is a row");
        let mut lines = vec![
            // A stage beyond those that the session told of has no name.
            ("stage", stage.unwrap_or_default()),
            ("host", safe(&host.name)),
            ("failed attempts", task.attempts.to_string()),
        ];
        lines.extend(times(&task, feed.now_us));
        if let Some(reason) = task.reason {
            lines.push(("skipped", reason.name().replace('_', " ")));
        }
        let trouble = task.class.map(|class| {
            let class = format::class(class);
            match history.last_message(slot).map(safe) {
                Some(message) if !message.is_empty() => format!("{class}: {message}"),
                _ => class,
            }
        });
        Some(Self {
            key: task.key,
            slot,
            phase: task.phase,
            url: safe(task.url),
            page: Arc::from(&**task.url),
            lines,
            trouble,
            host: task.host,
        })
    }

    /// Its sign and name as the field and the legend have them: what waits may be held.
    fn sign(&self, feed: &Feed) -> (u32, &'static str) {
        match feed.sign(self.phase, self.host) {
            SIGN_PARKED => (SIGN_PARKED, "at breaker"),
            SIGN_PAUSED => (SIGN_PAUSED, "paused"),
            sign => (sign, format::phase(self.phase)),
        }
    }

    fn draw_url(&self, ui: &mut Ui) {
        ui.add(Label::new(RichText::new(&self.url).monospace()).wrap());
        ui.add_space(3.0);
    }

    fn draw_trouble(&self, ui: &mut Ui, style: &Style) {
        if let Some(trouble) = &self.trouble {
            style.section(ui, "Last failure");
            let ink = style.written(style.theme.states.retry);
            ui.add(Label::new(RichText::new(trouble).color(ink)).wrap());
        }
    }
}

/// The only selected task, with what can be done to it.
pub(super) fn draw_selected(
    ui: &mut Ui,
    style: &Style,
    control: &mut FieldControl<'_>,
    inspector: &mut Inspector,
    commands: &mut PendingCommands,
    facts: TaskFacts,
) {
    draw_name(ui, style, &control.feed, &facts, "");
    // Above all that changes, or they would move below a pressing finger.
    buttons(ui, style, control, inspector, commands, &facts);
    style.section(ui, "State");
    draw_lines(ui, style, &facts);
    if commands.can_send() {
        inspected(ui, style, commands, facts.key);
    }
    if matches!(facts.phase, Phase::Done | Phase::Skipped) {
        inspector.records.draw(ui, style, facts.key, &facts.page);
    }
    inspector.last_task = Some(facts);
}

/// The task under the pointer.
pub(super) fn draw_hovered(ui: &mut Ui, style: &Style, feed: &Feed, facts: &TaskFacts) {
    draw_name(ui, style, feed, facts, "under the pointer");
    draw_lines(ui, style, facts);
}

fn draw_name(ui: &mut Ui, style: &Style, feed: &Feed, facts: &TaskFacts, note: &str) {
    ui.horizontal(|ui| {
        let (sign, name) = facts.sign(feed);
        style.sign(ui, sign);
        ui.label(RichText::new(name).heading());
        if !note.is_empty() {
            ui.label(RichText::new(note).small().color(style.faint()));
        }
    });
    facts.draw_url(ui);
}

fn draw_lines(ui: &mut Ui, style: &Style, facts: &TaskFacts) {
    for (name, value) in &facts.lines {
        style.pair(ui, name, value.clone());
    }
    facts.draw_trouble(ui, style);
}

/// A task that was selected when it left the window: as it stood last, with its record.
pub(super) fn draw_departed(
    ui: &mut Ui,
    style: &Style,
    inspector: &mut Inspector,
    commands: &PendingCommands,
) {
    let facts = inspector.last_task.clone();
    let facts = facts.expect("the inspector shows it because it is there");
    ui.horizontal(|ui| {
        style.sign(ui, sign_of(facts.phase));
        ui.label(RichText::new(format::phase(facts.phase)).heading());
        let text = RichText::new("has left the window").small();
        ui.label(text.color(style.faint()));
    });
    facts.draw_url(ui);
    for (name, value) in facts.lines.iter().take(LASTING) {
        style.pair(ui, name, value.clone());
    }
    facts.draw_trouble(ui, style);
    if let Some(Ok(inspected)) = commands.last_inspected(facts.key) {
        attempts(ui, style, &inspected.attempts);
    }
    inspector.records.draw(ui, style, facts.key, &facts.page);
    ui.add_space(4.0);
    ui.horizontal_wrapped(|ui| {
        if ui.button("Copy URL").clicked() {
            ui.ctx().copy_text(facts.url.clone());
        }
        if ui.button("Close").on_hover_text("Esc").clicked() {
            inspector.last_task = None;
        }
    });
}

/// How long it has been so, and how long it will be.
fn times(task: &TaskRecord<&PageUrl>, now_us: u64) -> Vec<(&'static str, String)> {
    let since = wide(now_us.saturating_sub(task.changed_us)) / 1e3;
    let mut lines = vec![("for", format::span(since))];
    if let Some((median, low, high)) = task.expected_ms {
        let [median, low, high] = [median, low, high].map(f64::from);
        let [m, l, h] = [median, low, high].map(format::span);
        lines.push(("expected", format!("{m} (80 %: {l}–{h})")));
        lines.push(("left", left_of(since, median, high)));
    }
    if let Some(due) = task.due_us {
        let left = wide(due.saturating_sub(now_us)) / 1e6;
        lines.push(("next attempt in", format::clock(left)));
    }
    lines
}

/// What is left of a step, in words; beyond its interval it is overdue. All in milliseconds.
fn left_of(since: f64, median: f64, high: f64) -> String {
    if since > high {
        format!("overdue by {}", format::span(since - high))
    } else if since > median {
        format!("any moment, at most {}", format::span(high - since))
    } else {
        let (left, most) = (format::span(median - since), format::span(high - since));
        format!("{left}, at most {most}")
    }
}

/// What only the engine knows: why it waits, and what was tried.
fn inspected(ui: &mut Ui, style: &Style, commands: &mut PendingCommands, key: PageKey) {
    match commands.inspect(key) {
        // It was asked a moment ago.
        None => {}
        Some(Err(why)) => {
            ui.label(RichText::new(safe(&why)).small().color(style.faint()));
        }
        Some(Ok(Inspected {
            waits,
            attempts: rows,
            ..
        })) => {
            if let Some(waits) = waits {
                style.section(ui, "Waits");
                ui.add(Label::new(RichText::new(reason(&waits))).wrap());
            }
            attempts(ui, style, &rows);
        }
    }
}

fn attempts(ui: &mut Ui, style: &Style, rows: &[AttemptRow]) {
    if rows.is_empty() {
        return;
    }
    style.section(ui, "Attempts");
    for row in rows.iter().rev().take(8) {
        style.pair(ui, &format!("{}", row.dispatch), outcome(row));
    }
}

fn outcome(attempt: &AttemptRow) -> String {
    let status = attempt
        .status
        .map_or_else(String::new, |status| format!("{status} "));
    let end = attempt.class.map_or_else(|| "ok".to_owned(), format::class);
    let took = format::span(attempt.fetch.as_secs_f64() * 1e3);
    let bytes = format::bytes(wide(attempt.bytes));
    format!("{status}{end}, {took}, {bytes}")
}

fn buttons(
    ui: &mut Ui,
    style: &Style,
    control: &mut FieldControl<'_>,
    inspector: &mut Inspector,
    commands: &mut PendingCommands,
    facts: &TaskFacts,
) {
    style.section(ui, "Act");
    let task = SlotSet::from(vec![facts.slot]);
    let phases = BTreeMap::from([(facts.phase, 1)]);
    actions::for_tasks(ui, style, control, commands, &task, &phases);
    ui.horizontal_wrapped(|ui| {
        let followed = &mut control.selection.followed;
        let is_followed = followed.is_some_and(|(_, key)| key == facts.key);
        if ui
            .selectable_label(is_followed, "Follow")
            .on_hover_text("F")
            .clicked()
        {
            *followed = (!is_followed).then_some((facts.slot, facts.key));
        }
        pin_button(ui, control, inspector, Pin::Task(facts.key));
        if ui.button("Copy URL").clicked() {
            ui.ctx().copy_text(facts.url.clone());
        }
        if ui.button("Host").clicked() {
            control.select(Vec::new());
            inspector.host = Some(facts.host);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::left_of;

    #[test]
    fn what_is_left_of_a_step_is_told_with_its_bound() {
        let told = [100.0, 900.0, 2_000.0].map(|since| left_of(since, 500.0, 1_000.0));
        let wanted = [
            "400 ms, at most 900 ms",
            "any moment, at most 100 ms",
            "overdue by 1.0 s",
        ];
        assert_eq!(told, wanted);
    }
}
