//! Dead letters by class, host, stage or time: how many, since when, one of them, and what to do.

use bevy_egui::egui::{Button, Label, RichText, ScrollArea, Ui};
use crawlfield_engine::{feed::mirror::Tables, model::phase::Phase, progress::safe};

use super::{PendingCommands, actions::requeue_dead, commands::Drops, format, style::Style};
use crate::{
    feed::Feed,
    field::texel::sign_of,
    history::{
        History,
        dead_letters::{DeadLetterGroup, GroupKey, Grouping},
    },
    numbers::wide,
};

/// Ways of grouping, by their names.
const GROUPINGS: [(Grouping, &str); 4] = [
    (Grouping::Class, "class"),
    (Grouping::Host, "host"),
    (Grouping::Stage, "stage"),
    (Grouping::Time, "minute"),
];

pub(super) fn draw(
    ui: &mut Ui,
    style: &Style,
    feed: &Feed,
    history: &History,
    grouping: &mut Grouping,
    commands: &mut PendingCommands,
) {
    ui.horizontal(|ui| {
        ui.label(RichText::new("by").color(style.faint()));
        for (each, name) in GROUPINGS {
            if ui.selectable_label(*grouping == each, name).clicked() {
                *grouping = each;
            }
        }
        ui.label(RichText::new(head(feed, history)).color(style.faint()));
    });
    let tables = feed.mirror.tables();
    let groups = history.dead_letters.grouped(*grouping);
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        for group in &groups {
            row(ui, style, tables, history, group, commands);
            ui.add_space(3.0);
        }
    });
}

fn head(feed: &Feed, history: &History) -> String {
    let snapshots = feed.snapshots.iter();
    let now: u64 = snapshots.map(|snapshot| snapshot.progress.dead).sum();
    let seen = history.dead_letters.count();
    if now == 0 && seen == 0 {
        "no dead letters".to_owned()
    } else if now > seen {
        format!(
            "{} dead letters; {} of them died before this view began (`crawlfield dead` lists all)",
            format::count(now),
            format::count(now - seen)
        )
    } else {
        // The snapshot is up to a second old: what was seen is known better.
        format!("{} dead letters", format::count(seen))
    }
}

fn row(
    ui: &mut Ui,
    style: &Style,
    tables: &Tables,
    history: &History,
    group: &DeadLetterGroup,
    commands: &mut PendingCommands,
) {
    ui.horizontal(|ui| {
        style.sign(ui, sign_of(Phase::Dead));
        let name = name(tables, group);
        let text = format!("{} {name}", format::count(group.count));
        ui.label(RichText::new(text).strong());
        let mut press = |text: &str, hover: &str| {
            let button = ui.add_enabled(commands.can_send(), Button::new(text).small());
            button.on_hover_text(hover).clicked()
        };
        let requeues = press("Requeue", "fetch these pages again");
        let drops = press("Drop", "give these pages up: they become cancelled");
        if requeues || drops {
            let selector = history.dead_letters.selector(group, host(tables, group));
            let what = format!("dead letters, {name}");
            if drops {
                let pages = vec![(group.session, selector)];
                commands.drop_pages(Drops::of_dead_letters(what, pages));
            } else {
                let what = format!("requeue {what}");
                commands.send(what, requeue_dead(group.session, selector));
            }
        }
        let advice = RichText::new(format::advice(group.class)).color(style.text());
        ui.add(Label::new(advice).truncate());
    });
    let text = RichText::new(details(tables, group));
    ui.add(Label::new(text.small().color(style.faint())).truncate());
}

/// The name of the host that the dead letters share, as the engine has it.
fn host(tables: &Tables, group: &DeadLetterGroup) -> Option<String> {
    let GroupKey::Host(id) = group.shared else {
        return None;
    };
    tables.host(id).map(|row| row.name.to_string())
}

/// What the dead letters share, in words.
fn name(tables: &Tables, group: &DeadLetterGroup) -> String {
    match group.shared {
        GroupKey::Class(class) => format::class(class),
        GroupKey::Host(id) => tables
            .host(id)
            .map_or_else(|| "of a host".to_owned(), |row| safe(&row.name)),
        GroupKey::Stage(id) => tables
            .stage(group.session, id)
            .map_or_else(|| id.0.to_string(), |row| safe(&row.name)),
        GroupKey::Minute(from) => format!(
            "from {} to {}",
            format::clock(wide(from) / 1e6),
            format::clock(wide(from) / 1e6 + 60.0)
        ),
    }
}

/// Where, since when, and the last of them.
fn details(tables: &Tables, group: &DeadLetterGroup) -> String {
    let (from, to) = group.span_us;
    let plural = |n: usize, noun: &str| match n {
        1 => String::new(),
        n => format!("{n} {noun}s · "),
    };
    let stage = tables
        .stage(group.session, group.sample.stage)
        .map_or_else(String::new, |row| safe(&row.name));
    format!(
        "{}{}{}–{} · last, {stage}, {}: {} {}",
        plural(group.hosts, "host"),
        plural(group.stages, "stage"),
        format::clock(wide(from) / 1e6),
        format::clock(wide(to) / 1e6),
        format::class(group.sample.class),
        safe(&group.sample.url),
        safe(&group.sample.message),
    )
}
