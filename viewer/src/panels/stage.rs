//! One stage in the inspector: how far it is, when it ends, and what can be done to its tasks.

use bevy_egui::egui::{RichText, Ui};
use crawlfield_engine::{
    message::store_verbs::DeadSelector,
    model::ids::{SessionId, StageId},
    progress::safe,
};

use super::{Desk, acting, look::bit, words};

pub(super) fn card(ui: &mut Ui, desk: &mut Desk<'_>, (session, id): (SessionId, StageId)) {
    let Some(name) = desk
        .show
        .mirror
        .tables()
        .stage(session, id)
        .map(|row| safe(&row.name))
    else {
        desk.panels.stage = None;
        return;
    };
    ui.label(RichText::new(format!("Stage {name}")).heading());
    let mut snapshots = desk.show.news.snapshots.iter();
    let snapshot = snapshots.find(|snapshot| snapshot.session.id == session.0);
    let info = snapshot.and_then(|snapshot| snapshot.progress.stages.get(usize::from(id.0)));
    if let Some(info) = info {
        ui.label(RichText::new(safe(&info.state)).color(desk.look.faint()));
        for (name, count) in [
            ("pages known", info.discovered),
            ("done", info.done),
            ("skipped", info.skipped),
            ("in flight", info.in_flight),
            ("failed", info.failed),
            ("dead letters", info.dead),
        ] {
            desk.look.pair(ui, name, words::count(count));
        }
        let left = info.eta.map_or_else(|| "unknown".to_owned(), words::clock);
        desk.look.pair(ui, "time left", left);
        if let Some([low, high]) = info.eta80 {
            let text = format!("{}–{}", words::clock(low), words::clock(high));
            desk.look.pair(ui, "80 %", text);
        }
    }
    let selector = DeadSelector {
        stage: Some(id),
        ..DeadSelector::default()
    };
    acting::crowd(ui, desk, &name, &selector, |task| {
        task.session == session && task.stage == id
    });
    desk.look.section(ui, "Look");
    ui.horizontal_wrapped(|ui| {
        let only = bit(usize::from(id.0));
        let is_alone = desk.show.choices.stages == only;
        if ui.selectable_label(is_alone, "Only this stage").clicked() {
            desk.show.choices.stages = if is_alone { u32::MAX } else { only };
        }
        if ui.button("Close").on_hover_text("Esc").clicked() {
            desk.panels.stage = None;
        }
    });
}
