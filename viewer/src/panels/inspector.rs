//! The inspector at the right: the selected tasks, the task under the pointer, a host, or the run.

use std::{collections::BTreeMap, sync::Arc};

use bevy_egui::egui::{RichText, ScrollArea, Ui};
use crawlfield_engine::{
    model::{ids::HostId, phase::Phase},
    progress::safe,
};

use super::{Desk, acting, hosts, overview, stage, task, words};
use crate::{
    field::{slots::Slots, texel::sign_of},
    numbers::{index, wide},
};

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
    acting::actions(ui, desk, picked, &phases);
}
