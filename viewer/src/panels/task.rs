//! One task: what it is, how it stands, why it waits, what was tried.

use std::{collections::BTreeMap, sync::Arc};

use bevy_egui::egui::{Label, RichText, Ui};
use crawlfield_engine::{
    feed::mirror::Task,
    message::{commands::Inspected, store_verbs::AttemptRow},
    model::{
        ids::PageKey,
        phase::{BreakerPhase, Phase},
    },
    progress::{reason, safe},
};

use super::{Desk, acting, records, words};
use crate::{
    field::{
        slots::Slots,
        texel::{SIGN_PARKED, SIGN_PAUSED, sign_of},
    },
    numbers::wide,
};

/// Facts that last when a task has left: stage, host, failed attempts.
const LASTING: usize = 3;

/// What is known without asking, cloned so that buttons may act.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    key: PageKey,
    slot: u32,
    phase: Phase,
    url: String,
    page: Arc<str>,
    lines: Vec<(&'static str, String)>,
    trouble: Option<String>,
    host: crawlfield_engine::model::ids::HostId,
}

pub(super) fn draw(ui: &mut Ui, desk: &mut Desk<'_>, slot: u32, is_selected: bool) {
    let Some(facts) = facts(desk, slot) else {
        return;
    };
    ui.horizontal(|ui| {
        let (sign, word) = drawn(desk, &facts);
        desk.look.sign(ui, sign);
        ui.label(RichText::new(word).heading());
        if !is_selected {
            ui.label(
                RichText::new("under the pointer")
                    .small()
                    .color(desk.look.faint()),
            );
        }
    });
    ui.add(Label::new(RichText::new(&facts.url).monospace()).wrap());
    ui.add_space(3.0);
    for (name, value) in &facts.lines {
        desk.look.pair(ui, name, value.clone());
    }
    if let Some(trouble) = &facts.trouble {
        desk.look.section(ui, "Last failure");
        let ink = desk.look.written(desk.look.theme.states.retry);
        ui.add(Label::new(RichText::new(trouble).color(ink)).wrap());
    }
    if is_selected {
        // Above what the engine answers a moment later, or they would move below a pressing finger.
        buttons(ui, desk, &facts);
        asked(ui, desk, &facts);
        if matches!(facts.phase, Phase::Done | Phase::Skipped) {
            records::draw(ui, desk, facts.key, &facts.page);
        }
        desk.panels.shown = Some(facts);
    }
}

/// Its sign and name as the field and the legend have them: what waits may be held.
fn drawn(desk: &Desk<'_>, facts: &Facts) -> (u32, &'static str) {
    let tables = desk.show.mirror.tables();
    let breaker = tables.host(facts.host).map(|host| host.breaker);
    let is_paused = desk.show.is_held();
    match facts.phase {
        Phase::Queued if breaker == Some(BreakerPhase::Open) => (SIGN_PARKED, "at breaker"),
        Phase::Queued if is_paused => (SIGN_PAUSED, "paused"),
        phase => (sign_of(phase), words::phase(phase)),
    }
}

/// A task that was selected when it left the window: as it stood last, with its record.
pub(super) fn left(ui: &mut Ui, desk: &mut Desk<'_>) {
    let Some(facts) = desk.panels.shown.clone() else {
        return;
    };
    ui.horizontal(|ui| {
        desk.look.sign(ui, sign_of(facts.phase));
        ui.label(RichText::new(words::phase(facts.phase)).heading());
        let text = RichText::new("has left the window").small();
        ui.label(text.color(desk.look.faint()));
    });
    ui.add(Label::new(RichText::new(&facts.url).monospace()).wrap());
    ui.add_space(3.0);
    for (name, value) in facts.lines.iter().take(LASTING) {
        desk.look.pair(ui, name, value.clone());
    }
    if let Some(trouble) = &facts.trouble {
        desk.look.section(ui, "Last failure");
        let ink = desk.look.written(desk.look.theme.states.retry);
        ui.add(Label::new(RichText::new(trouble).color(ink)).wrap());
    }
    if let Some(Ok(inspected)) = desk.panels.asking.last_inspected(facts.key) {
        let attempts = inspected.attempts.clone();
        tried(ui, desk, &attempts);
    }
    records::draw(ui, desk, facts.key, &facts.page);
    ui.add_space(4.0);
    ui.horizontal_wrapped(|ui| {
        if ui.button("Copy URL").clicked() {
            ui.ctx().copy_text(facts.url.clone());
        }
        if ui.button("Close").on_hover_text("Esc").clicked() {
            desk.panels.shown = None;
        }
    });
}

fn facts(desk: &Desk<'_>, slot: u32) -> Option<Facts> {
    let task = desk.show.mirror.task(slot)?;
    let tables = desk.show.mirror.tables();
    let stage = tables
        .stage(task.session, task.stage)
        .map(|row| safe(&row.name));
    let host = tables.host(task.host).map(|row| safe(&row.name));
    let mut lines = vec![
        ("stage", stage.unwrap_or_default()),
        ("host", host.unwrap_or_default()),
        ("failed attempts", task.attempts.to_string()),
    ];
    lines.extend(times(&task, desk.show.now_us));
    if let Some(reason) = task.reason {
        lines.push(("skipped", reason.name().replace('_', " ")));
    }
    let trouble = task.class.map(|class| {
        let message = desk.show.news.story.message(slot).map(safe);
        match message {
            Some(message) if !message.is_empty() => format!("{}: {message}", words::class(class)),
            _ => words::class(class),
        }
    });
    Some(Facts {
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

/// How long it has been so, and how long it will be.
fn times(task: &Task<'_>, now_us: u64) -> Vec<(&'static str, String)> {
    let since = wide(now_us.saturating_sub(task.changed_us)) / 1e3;
    let mut lines = vec![("for", words::span(since))];
    if let Some((median, low, high)) = task.expected_ms {
        let [median, low, high] = [median, low, high].map(f64::from);
        let [m, l, h] = [median, low, high].map(words::span);
        lines.push(("expected", format!("{m} (80 %: {l}–{h})")));
        lines.push(("left", left_of(since, median, high)));
    }
    if let Some(due) = task.due_us {
        let left = wide(due.saturating_sub(now_us)) / 1e6;
        lines.push(("next attempt in", words::clock(left)));
    }
    lines
}

/// What is left of a step, in words; beyond its interval it is overdue.
fn left_of(since: f64, median: f64, high: f64) -> String {
    if since > high {
        format!("overdue by {}", words::span(since - high))
    } else if since > median {
        format!("any moment, at most {}", words::span(high - since))
    } else {
        let (left, most) = (words::span(median - since), words::span(high - since));
        format!("{left}, at most {most}")
    }
}

/// What only the engine knows: why it waits, and what was tried.
fn asked(ui: &mut Ui, desk: &mut Desk<'_>, facts: &Facts) {
    if desk.show.source.commands().is_none() {
        return;
    }
    match desk.panels.asking.inspect(desk.show, facts.key) {
        None => {}
        Some(Err(why)) => {
            ui.label(RichText::new(safe(&why)).small().color(desk.look.faint()));
        }
        Some(Ok(Inspected {
            waits, attempts, ..
        })) => {
            if let Some(waits) = waits {
                desk.look.section(ui, "Waits");
                ui.add(Label::new(RichText::new(reason(&waits))).wrap());
            }
            tried(ui, desk, &attempts);
        }
    }
}

fn tried(ui: &mut Ui, desk: &Desk<'_>, attempts: &[AttemptRow]) {
    if attempts.is_empty() {
        return;
    }
    desk.look.section(ui, "Attempts");
    for attempt in attempts.iter().rev().take(8) {
        desk.look
            .pair(ui, &format!("{}", attempt.dispatch), told(attempt));
    }
}

fn told(attempt: &AttemptRow) -> String {
    let status = attempt
        .status
        .map_or_else(String::new, |status| format!("{status} "));
    let end = attempt.class.map_or_else(|| "ok".to_owned(), words::class);
    let took = words::span(attempt.fetch.as_secs_f64() * 1e3);
    format!(
        "{status}{end}, {took}, {}",
        words::bytes(wide(attempt.bytes))
    )
}

fn buttons(ui: &mut Ui, desk: &mut Desk<'_>, facts: &Facts) {
    desk.look.section(ui, "Act");
    let picked = Slots::from(vec![facts.slot]);
    let phases = BTreeMap::from([(facts.phase, 1)]);
    acting::actions(ui, desk, &picked, &phases);
    ui.horizontal_wrapped(|ui| {
        let is_followed = desk.panels.follow.is_some_and(|(_, key)| key == facts.key);
        if ui
            .selectable_label(is_followed, "Follow")
            .on_hover_text("F")
            .clicked()
        {
            desk.panels.follow = (!is_followed).then_some((facts.slot, facts.key));
        }
        if ui.button("Copy URL").clicked() {
            ui.ctx().copy_text(facts.url.clone());
        }
        if ui.button("Host").clicked() {
            desk.show.select(Vec::new());
            desk.panels.host = Some(facts.host);
        }
    });
}
