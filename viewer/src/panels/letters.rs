//! Dead letters by class, host, stage or time: how many, since when, one of them, and what to do.

use bevy_egui::egui::{Button, Label, RichText, ScrollArea, Ui};
use crawlfield_engine::{message::commands::Command, progress::safe};

use super::{Desk, words};
use crate::{
    numbers::wide,
    story::letters::{By, Group, Shared},
};

const WAYS: [(By, &str); 4] = [
    (By::Class, "class"),
    (By::Host, "host"),
    (By::Stage, "stage"),
    (By::Time, "minute"),
];
/// The sign of a dead letter.
const SIGN: u32 = 10;

pub(super) fn draw(ui: &mut Ui, desk: &mut Desk<'_>) {
    ui.horizontal(|ui| {
        ui.label(RichText::new("by").color(desk.look.faint()));
        for (by, name) in WAYS {
            if ui
                .selectable_label(desk.panels.letters_by == by, name)
                .clicked()
            {
                desk.panels.letters_by = by;
            }
        }
        ui.label(RichText::new(head(desk)).color(desk.look.faint()));
    });
    let groups = desk.show.news.story.letters.grouped(desk.panels.letters_by);
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        for group in &groups {
            row(ui, desk, group);
            ui.add_space(3.0);
        }
    });
}

fn head(desk: &Desk<'_>) -> String {
    let now: u64 = desk
        .show
        .news
        .snapshots
        .iter()
        .map(|snapshot| snapshot.progress.dead)
        .sum();
    let seen = desk.show.news.story.letters.count();
    if now == 0 && seen == 0 {
        "no dead letters".to_owned()
    } else if now > seen {
        format!(
            "{} dead letters; {} of them died before this view began (`crawlfield dead` lists all)",
            words::count(now),
            words::count(now - seen)
        )
    } else {
        // The snapshot is up to a second old: what was seen is known better.
        format!("{} dead letters", words::count(seen))
    }
}

fn row(ui: &mut Ui, desk: &mut Desk<'_>, group: &Group) {
    ui.horizontal(|ui| {
        desk.look.sign(ui, SIGN);
        let name = name(desk, group);
        let text = format!("{} {name}", words::count(group.count));
        ui.label(RichText::new(text).strong());
        let is_open = desk.show.source.commands().is_some();
        if ui
            .add_enabled(is_open, Button::new("Requeue").small())
            .on_hover_text("fetch these pages again")
            .clicked()
        {
            act(desk, group, &name, true);
        }
        if ui
            .add_enabled(is_open, Button::new("Drop").small())
            .on_hover_text("give these pages up: they become cancelled")
            .clicked()
        {
            act(desk, group, &name, false);
        }
        let advice = RichText::new(words::act(group.class)).color(desk.look.text());
        ui.add(Label::new(advice).truncate());
    });
    let text = RichText::new(told(desk, group))
        .small()
        .color(desk.look.faint());
    ui.add(Label::new(text).truncate());
}

/// What the letters share, in words.
fn name(desk: &Desk<'_>, group: &Group) -> String {
    let tables = desk.show.mirror.tables();
    match group.shared {
        Shared::Class(class) => words::class(class),
        Shared::Host(id) => tables
            .host(id)
            .map_or_else(|| "of a host".to_owned(), |row| safe(&row.name)),
        Shared::Stage(id) => tables
            .stage(group.session, id)
            .map_or_else(|| id.0.to_string(), |row| safe(&row.name)),
        Shared::Minute(from) => format!(
            "from {} to {}",
            words::clock(wide(from) / 1e6),
            words::clock(wide(from) / 1e6 + 60.0)
        ),
    }
}

/// Where, since when, and the last of them.
fn told(desk: &Desk<'_>, group: &Group) -> String {
    let (from, to) = group.span_us;
    let plural = |n: usize, noun: &str| match n {
        1 => String::new(),
        n => format!("{n} {noun}s · "),
    };
    let tables = desk.show.mirror.tables();
    let stage = tables
        .stage(group.session, group.sample.stage)
        .map_or_else(String::new, |row| safe(&row.name));
    format!(
        "{}{}{}–{} · last, {stage}, {}: {} {}",
        plural(group.hosts, "host"),
        plural(group.stages, "stage"),
        words::clock(wide(from) / 1e6),
        words::clock(wide(to) / 1e6),
        words::class(group.sample.class),
        safe(&group.sample.url),
        safe(&group.sample.message),
    )
}

fn act(desk: &mut Desk<'_>, group: &Group, name: &str, again: bool) {
    let host = match group.shared {
        Shared::Host(id) => desk.show.mirror.tables().host(id),
        _ => None,
    };
    let host = host.map(|row| row.name.to_string());
    let selector = desk.show.news.story.letters.selector(group, host);
    let session = group.session;
    let word = if again { "requeue" } else { "drop" };
    let what = format!("{word} dead letters, {name}");
    let command = if again {
        Command::RequeueDead { session, selector }
    } else {
        Command::Drop { session, selector }
    };
    desk.panels.asking.ask(desk.show, what, command);
}
