//! The inspector at the right: the selected tasks, the task under the pointer, a host, a stage, or
//! the run.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use bevy::prelude::Resource;
use bevy_egui::egui::{RichText, ScrollArea, Ui};
use crawlfield_engine::{
    feed::mirror::Mirror,
    message::store_verbs::DeadSelector,
    model::{
        ids::{HostId, SessionId, StageId},
        phase::Phase,
    },
    progress::safe,
};

use super::{
    PendingCommands, actions, format, hosts, overview,
    record_table::RecordTable,
    records::Records,
    stage_times::StageTimes,
    style::Style,
    task::{self, TaskFacts},
};
use crate::{
    feed::Feed,
    field::{FieldControl, PinnedSubject, slot_set::SlotSet, texel::sign_of},
    history::History,
    numbers::{index, wide},
    pin::Pin,
    selection::Selection,
};

/// What the inspector shows besides the selection.
#[derive(Resource, Debug, Default)]
pub struct Inspector {
    /// The host that is shown when no task is selected.
    pub host: Option<HostId>,
    /// The stage that is shown when no host is chosen either.
    pub stage: Option<(SessionId, StageId)>,
    /// The selected task as it was drawn last: shown on when it leaves the window.
    pub(super) last_task: Option<TaskFacts>,
    /// Records of the shown page.
    pub(super) records: Records,
    /// Records of the whole store.
    pub(super) table: RecordTable,
}

/// What the inspector shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subject {
    /// The only selected task.
    Task(u32),
    /// All selected tasks together.
    Tasks,
    /// The task that was selected when it left the window.
    Departed,
    /// The task under the pointer.
    Hovered(u32),
    Host(HostId),
    Stage(SessionId, StageId),
    Run,
}

impl Inspector {
    /// With records from this store, where it is at hand.
    #[must_use]
    pub fn with_store(store: Option<PathBuf>) -> Self {
        Self {
            records: Records::of(store),
            ..Self::default()
        }
    }

    /// Whether records are being read or written.
    pub(super) const fn is_reading(&self) -> bool {
        self.records.is_reading() || self.table.is_busy()
    }

    /// Where records are read from, where that is at hand.
    pub(super) fn store(&self) -> Option<&Path> {
        self.records.store()
    }

    /// Writes all records into files of this folder.
    pub(super) fn export(&mut self) {
        self.table.export(self.records.store());
    }

    /// Draws all records as a table.
    pub(super) fn draw_table(&mut self, ui: &mut Ui, style: &Style, feed: &Feed) {
        self.table.draw(ui, style, feed, self.records.store());
    }

    /// Shows what has been pinned.
    pub(super) fn show_pinned(&mut self, subject: PinnedSubject) {
        match subject {
            PinnedSubject::Host(host) => self.show_host(host),
            PinnedSubject::Stage(session, stage) => self.show_stage((session, stage)),
            PinnedSubject::Class(_) | PinnedSubject::State(_) | PinnedSubject::Task(_) => {}
        }
    }

    /// Shows a host, when nothing is selected.
    pub(super) fn show_host(&mut self, host: HostId) {
        self.last_task = None;
        self.host = Some(host);
    }

    /// Shows a stage, when nothing is selected.
    pub(super) fn show_stage(&mut self, stage: (SessionId, StageId)) {
        self.clear();
        self.stage = Some(stage);
    }

    /// Shows the run, when nothing is selected.
    pub(super) fn clear(&mut self) {
        self.last_task = None;
        self.host = None;
        self.stage = None;
    }

    /// Whether something is shown that a person chose.
    pub(super) fn has_choice(&self, selection: &Selection) -> bool {
        let subject = self.subject(selection);
        !matches!(subject, Subject::Run | Subject::Hovered(_))
            || self.host.is_some()
            || self.stage.is_some()
    }

    fn subject(&self, selection: &Selection) -> Subject {
        match (selection.slots.first(), selection.hovered) {
            (Some(slot), _) if selection.slots.len() == 1 => Subject::Task(slot),
            (Some(_), _) => Subject::Tasks,
            (None, _) if self.last_task.is_some() => Subject::Departed,
            (None, Some(slot)) => Subject::Hovered(slot),
            (None, None) => match (self.host, self.stage) {
                (Some(host), _) => Subject::Host(host),
                (None, Some((session, stage))) => Subject::Stage(session, stage),
                (None, None) => Subject::Run,
            },
        }
    }
}

/// Pins a host; where it is pinned already, nothing any more.
pub(super) fn pin_host(control: &mut FieldControl<'_>, inspector: &mut Inspector, host: HostId) {
    if let Some(row) = control.feed.mirror.tables().host(host) {
        toggle_pin(control, inspector, Pin::Host(row.name.to_string()));
    }
}

/// Pins this; where it is pinned already, nothing any more.
pub(super) fn toggle_pin(control: &mut FieldControl<'_>, inspector: &mut Inspector, pin: Pin) {
    let is_pinned = control.pinned.pin() == Some(&pin);
    control.select(Vec::new());
    inspector.clear();
    control.pin((!is_pinned).then_some(pin));
}

/// A button that pins this, or ends that.
pub(super) fn pin_button(
    ui: &mut Ui,
    control: &mut FieldControl<'_>,
    inspector: &mut Inspector,
    pin: Pin,
) {
    let is_pinned = control.pinned.pin() == Some(&pin);
    let hover = "show its tasks only, here and in tables and log (P)";
    let label = ui.selectable_label(is_pinned, "Pin");
    if label.on_hover_text(hover).clicked() {
        toggle_pin(control, inspector, pin);
    }
}

pub(super) fn draw(
    ui: &mut Ui,
    style: &Style,
    control: &mut FieldControl<'_>,
    inspector: &mut Inspector,
    commands: &mut PendingCommands,
    history: &History,
) {
    // A task that left by itself is shown until a person turns to something else.
    if control.selection.slots.is_empty() && !control.selection.has_left {
        inspector.last_task = None;
    }
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        // Beside the bar that scrolls.
        ui.set_max_width(ui.available_width() - 6.0);
        match inspector.subject(&control.selection) {
            Subject::Task(slot) => {
                if let Some(facts) = TaskFacts::of(&control.feed, history, slot) {
                    task::draw_selected(ui, style, control, inspector, commands, facts);
                }
            }
            Subject::Tasks => draw_tasks(ui, style, control, commands),
            Subject::Departed => task::draw_departed(ui, style, inspector, commands),
            Subject::Hovered(slot) => {
                if let Some(facts) = TaskFacts::of(&control.feed, history, slot) {
                    task::draw_hovered(ui, style, &control.feed, &facts);
                }
            }
            Subject::Host(host) => {
                let host = (host, history);
                hosts::draw_card(ui, style, control, inspector, commands, host);
            }
            Subject::Stage(session, stage) => {
                draw_stage(ui, style, control, inspector, commands, (session, stage));
            }
            Subject::Run => overview::draw(ui, style, control, history),
        }
    });
}

/// Tasks counted by phase and by host, without those that are none.
fn counted(mirror: &Mirror, tasks: &SlotSet) -> (BTreeMap<Phase, u64>, Vec<(HostId, u64)>) {
    let rows = mirror.tables().hosts();
    // By number, for there may be a million.
    let (mut by_phase, mut by_host) = ([0_u64; Phase::ALL.len()], vec![0_u64; rows.len()]);
    tasks.iter().for_each(|slot| {
        if let Some(sight) = mirror.sight(slot) {
            by_phase[sight.phase as usize] += 1;
            by_host[index(sight.host_number)] += 1;
        }
    });
    let phases = Phase::ALL.into_iter().zip(by_phase);
    let hosts = rows.iter().map(|row| row.id).zip(by_host);
    (
        phases.filter(|(_, n)| *n > 0).collect(),
        hosts.filter(|(_, n)| *n > 0).collect(),
    )
}

/// What many tasks have in common, and what can be done to all of them.
fn draw_tasks(
    ui: &mut Ui,
    style: &Style,
    control: &mut FieldControl<'_>,
    commands: &mut PendingCommands,
) {
    let tasks = Arc::clone(&control.selection.slots);
    let (phases, mut hosts) = counted(&control.feed.mirror, &tasks);
    let count = tasks.len() as u64;
    ui.label(RichText::new(format!("{} tasks selected", format::count(count))).heading());
    // Above what grows and shrinks while one reads.
    style.section(ui, "Act on all");
    actions::for_tasks(ui, style, control, commands, &tasks, &phases);
    ui.add_space(4.0);
    for (phase, n) in &phases {
        ui.horizontal(|ui| {
            style.sign(ui, sign_of(*phase));
            style.pair(ui, format::phase(*phase), format::count(*n));
        });
        let hex = style.theme.states.of_sign(sign_of(*phase));
        style.bar(ui, wide(*n) / wide(count), hex);
    }
    style.section(ui, "Hosts");
    hosts.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    for (host, n) in hosts.into_iter().take(6) {
        let row = control.feed.mirror.tables().host(host);
        let name = safe(&row.expect("it was counted by the tables").name);
        style.pair(ui, &name, format::count(n));
    }
}

/// One stage: how far it is, when it ends, and what can be done to its tasks.
fn draw_stage(
    ui: &mut Ui,
    style: &Style,
    control: &mut FieldControl<'_>,
    inspector: &mut Inspector,
    commands: &mut PendingCommands,
    (session, id): (SessionId, StageId),
) {
    // Another mirror may have taken the place of the one in which it was chosen.
    let Some(row) = control.feed.mirror.tables().stage(session, id) else {
        inspector.stage = None;
        return;
    };
    let (stage, name) = (row.name.to_string(), safe(&row.name));
    ui.label(RichText::new(format!("Stage {name}")).heading());
    let mut snapshots = control.feed.snapshots.iter();
    let snapshot = snapshots.find(|snapshot| snapshot.session.id == session.0);
    let tables = control.feed.mirror.tables();
    let phase = tables.session(session).map(|row| row.phase);
    let info = snapshot.and_then(|snapshot| {
        let stages = &snapshot.progress.stages;
        Some((snapshot, stages.get(usize::from(id.0))?))
    });
    if let Some((snapshot, info)) = info {
        ui.label(RichText::new(safe(&info.state)).color(style.faint()));
        for (name, count) in [
            ("pages known", info.discovered),
            ("done", info.done),
            ("skipped", info.skipped),
            ("in flight", info.in_flight),
            ("failed", info.failed),
            ("dead letters", info.dead),
        ] {
            style.pair(ui, name, format::count(count));
        }
        let times = StageTimes::of_session(phase, snapshot);
        let time = times.of(usize::from(id.0));
        let left = time.map_or_else(|| "unknown".to_owned(), |time| format::clock(time.eta));
        style.pair(ui, "time left", left);
        if let Some([low, high]) = time.and_then(|time| time.eta80) {
            let text = format!("{}–{}", format::clock(low), format::clock(high));
            style.pair(ui, "80 %", text);
        }
    }
    let selector = DeadSelector {
        stage: Some(id),
        ..DeadSelector::default()
    };
    let group = (name.as_str(), &selector);
    actions::for_group(ui, style, control, commands, group, |task| {
        task.session == session && task.stage == id
    });
    style.section(ui, "Look");
    ui.horizontal_wrapped(|ui| {
        pin_button(ui, control, inspector, Pin::Stage(stage));
        if ui.button("Close").on_hover_text("Esc").clicked() {
            inspector.stage = None;
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_selection_comes_before_the_pointer_and_that_before_what_was_chosen() {
        let mut inspector = Inspector::default();
        let mut selection = Selection::default();
        assert_eq!(inspector.subject(&selection), Subject::Run);
        inspector.show_stage((SessionId(1), StageId(2)));
        let stage = Subject::Stage(SessionId(1), StageId(2));
        assert_eq!(inspector.subject(&selection), stage);
        inspector.show_host(HostId(3));
        assert_eq!(inspector.subject(&selection), Subject::Host(HostId(3)));
        selection.hovered = Some(9);
        assert_eq!(inspector.subject(&selection), Subject::Hovered(9));
        selection.slots = Arc::new(vec![4].into());
        assert_eq!(inspector.subject(&selection), Subject::Task(4));
        selection.slots = Arc::new(vec![4, 5].into());
        assert_eq!(inspector.subject(&selection), Subject::Tasks);
    }
}
