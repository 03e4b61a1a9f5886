//! Dead letters by class: how many, where, since when, one of them, and what to do.

use bevy_egui::egui::{Button, Label, RichText, ScrollArea, Ui};
use crawlfield_engine::{
    model::{class::ErrorClass, ids::SessionId},
    ports::{commands::Command, stored::DeadSelector},
    progress::safe,
};

use super::{Desk, words};
use crate::story::Letters;

pub(super) fn draw(ui: &mut Ui, desk: &mut Desk<'_>) {
    let now: u64 = desk
        .show
        .news
        .snapshots
        .iter()
        .map(|snapshot| snapshot.progress.dead)
        .sum();
    let seen: u64 = desk
        .show
        .news
        .story
        .letters
        .values()
        .map(|letters| letters.count)
        .sum();
    let head = if now == 0 && seen == 0 {
        "no dead letters".to_owned()
    } else if now > seen {
        format!(
            "{} dead letters; {} of them died before this view began (`crawlfield dead` lists all)",
            words::count(now),
            words::count(now - seen)
        )
    } else {
        format!("{} dead letters", words::count(now))
    };
    ui.label(RichText::new(head).color(desk.look.faint()));
    let mut classes: Vec<((SessionId, ErrorClass), Letters)> = desk
        .show
        .news
        .story
        .letters
        .iter()
        .filter(|(_, letters)| letters.count > 0)
        .map(|(key, letters)| (*key, letters.clone()))
        .collect();
    classes.sort_by(|a, b| b.1.count.cmp(&a.1.count).then(a.0.cmp(&b.0)));
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        for ((session, class), letters) in &classes {
            row(ui, desk, *session, *class, letters);
            ui.add_space(3.0);
        }
    });
}

fn row(ui: &mut Ui, desk: &mut Desk<'_>, session: SessionId, class: ErrorClass, letters: &Letters) {
    ui.horizontal(|ui| {
        desk.look.sign(ui, 10);
        ui.label(
            RichText::new(format!(
                "{} {}",
                words::count(letters.count),
                words::class(class)
            ))
            .strong(),
        );
        ui.label(RichText::new(format!("— {}", words::act(class))).color(desk.look.text()));
        let is_open = desk.show.source.commands().is_some();
        if ui
            .add_enabled(is_open, Button::new("Requeue").small())
            .clicked()
        {
            act(desk, session, class, true);
        }
        if ui
            .add_enabled(is_open, Button::new("Drop").small())
            .clicked()
        {
            act(desk, session, class, false);
        }
    });
    let tables = desk.show.mirror.tables();
    let host = letters.hosts.iter().max_by_key(|(_, count)| **count);
    let host = host.and_then(|(id, count)| Some((tables.host(*id)?, count)));
    let stages: Vec<String> = letters
        .stages
        .iter()
        .map(|(id, count)| {
            let name = tables
                .stage(session, *id)
                .map_or_else(|| id.0.to_string(), |row| safe(&row.name));
            format!("{name} {}", words::count(*count))
        })
        .collect();
    let host = host.map_or_else(String::new, |(row, count)| {
        let more = letters.hosts.len() - 1;
        let others = if more == 0 {
            String::new()
        } else {
            format!(" and {more} more")
        };
        format!("{} {}{others} · ", safe(&row.name), words::count(*count))
    });
    let (from, to) = letters.span_us;
    let (_, url, message) = &letters.sample;
    let text = format!(
        "{host}{} · {}–{} · last: {} {}",
        stages.join(", "),
        words::clock(crate::numbers::wide(from) / 1e6),
        words::clock(crate::numbers::wide(to) / 1e6),
        safe(url),
        safe(message),
    );
    ui.add(Label::new(RichText::new(text).small().color(desk.look.faint())).truncate());
}

fn act(desk: &mut Desk<'_>, session: SessionId, class: ErrorClass, again: bool) {
    let selector = DeadSelector {
        class: Some(class),
        ..DeadSelector::default()
    };
    let word = if again { "requeue" } else { "drop" };
    let what = format!("{word} dead letters: {}", words::class(class));
    let command = if again {
        Command::RequeueDead { session, selector }
    } else {
        Command::Drop { session, selector }
    };
    if desk.panels.asking.ask(desk.show, what, command) {
        desk.show.news.story.forget_letters(session, class);
    }
}
