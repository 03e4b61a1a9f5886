//! Dead letters by class, host, stage or time: how many, since when, what to do, and each of a group
//! that is laid open.

use bevy_egui::egui::{
    Align, Button, Label, Layout, Rect, RichText, ScrollArea, Sense, Ui, UiBuilder, Vec2, pos2,
};
use crawlfield_engine::{
    feed::mirror::{Mirror, Tables},
    model::{ids::SessionId, phase::Phase},
    progress::safe,
};

use super::{
    Panels, PendingCommands,
    actions::requeue_dead,
    commands::Drops,
    format,
    style::{Style, write_cut},
};
use crate::{
    feed::Feed,
    field::{FieldControl, texel::sign_of},
    history::{
        History,
        dead_letters::{DeadLetter, DeadLetterGroup, GroupKey, Grouping},
    },
    numbers::wide,
    pin::Pin,
};

/// Height of a line in points.
const LINE: f32 = 19.0;
/// Ways of grouping, by their names.
const GROUPINGS: [(Grouping, &str); 4] = [
    (Grouping::Class, "class"),
    (Grouping::Host, "host"),
    (Grouping::Stage, "stage"),
    (Grouping::Time, "minute"),
];

/// A line of the list.
enum Row<'a> {
    /// A group, and whether it is laid open.
    Group(&'a DeadLetterGroup, bool),
    /// What its dead letters have in common.
    Details(&'a DeadLetterGroup),
    Letter(&'a DeadLetter),
}

pub(super) fn draw(
    ui: &mut Ui,
    style: &Style,
    control: &mut FieldControl<'_>,
    history: &History,
    panels: &mut Panels,
    commands: &mut PendingCommands,
) {
    let pin = control.pinned.pin().cloned();
    let tables = control.feed.mirror.tables();
    let is_meant = |letter: &DeadLetter| is_about(pin.as_ref(), tables, letter);
    let groups = history
        .dead_letters
        .grouped_where(panels.grouping, is_meant);
    groupings(
        ui,
        style,
        panels,
        &head(&control.feed, history, groups.len()),
    );
    let mut rows = Vec::new();
    for group in &groups {
        let is_open = panels.open_group == Some((group.session, group.shared));
        rows.extend([Row::Group(group, is_open), Row::Details(group)]);
        if is_open {
            let members = history.dead_letters.members(group.session, group.shared);
            let members = members.into_iter().filter(|letter| is_meant(letter));
            rows.extend(members.map(Row::Letter));
        }
    }
    let mut touched = None;
    ui.spacing_mut().item_spacing.y = 0.0;
    ScrollArea::vertical()
        .auto_shrink(false)
        .show_rows(ui, LINE, rows.len(), |ui, range| {
            for row in &rows[range] {
                let size = Vec2::new(ui.available_width(), LINE);
                let (rect, response) = ui.allocate_exact_size(size, Sense::click());
                if response.hovered() {
                    ui.painter().rect_filled(rect, 3.0, style.raised());
                }
                let mut line = ui.new_child(UiBuilder::new().max_rect(rect));
                let tables = control.feed.mirror.tables();
                match row {
                    Row::Group(group, is_open) => {
                        draw_group(
                            &mut line,
                            style,
                            tables,
                            history,
                            (group, *is_open),
                            commands,
                        );
                    }
                    Row::Details(group) => {
                        let text = details(tables, group);
                        let at = pos2(rect.left() + 20.0, rect.center().y);
                        let width = rect.right() - at.x - 8.0;
                        write_cut(line.painter(), at, &text, 11.0, style.faint(), width);
                        response.clone().on_hover_text(text);
                    }
                    Row::Letter(letter) => {
                        draw_letter(&line, style, tables, rect, letter);
                        response.clone().on_hover_text(whole(letter));
                    }
                }
                if response.clicked() {
                    touched = Some(row);
                }
            }
        });
    match touched {
        None => {}
        Some(Row::Group(group, _) | Row::Details(group)) => {
            let key = (group.session, group.shared);
            panels.open_group = Some(key).filter(|_| panels.open_group != Some(key));
        }
        Some(Row::Letter(letter)) => show(control, letter),
    }
}

/// The ways of grouping on offer, and how much there is.
fn groupings(ui: &mut Ui, style: &Style, panels: &mut Panels, head: &str) {
    ui.horizontal(|ui| {
        ui.label(RichText::new("by").color(style.faint()));
        for (each, name) in GROUPINGS {
            if ui.selectable_label(panels.grouping == each, name).clicked() {
                panels.grouping = each;
                panels.open_group = None;
            }
        }
        let text = RichText::new(head).color(style.faint());
        ui.add(Label::new(text).truncate());
    });
}

/// Whether what is pinned is about this dead letter.
fn is_about(pin: Option<&Pin>, tables: &Tables, letter: &DeadLetter) -> bool {
    match pin {
        None => true,
        Some(Pin::Class(class)) => letter.class == *class,
        Some(Pin::Host(name)) => {
            let host = tables.host(letter.host);
            host.is_some_and(|row| *row.name == **name)
        }
        Some(Pin::Stage(name)) => {
            let stage = tables.stage(letter.session, letter.stage);
            stage.is_some_and(|row| *row.name == **name)
        }
        Some(Pin::State(phase)) => *phase == Phase::Dead,
        Some(Pin::Task(key)) => letter.key == *key,
    }
}

/// Selects the page, where it is in the window still.
fn show(control: &mut FieldControl<'_>, letter: &DeadLetter) {
    let mirror: &Mirror = &control.feed.mirror;
    let slot = mirror
        .slots()
        .find(|slot| mirror.key_at(*slot) == Some(letter.key));
    if let Some(slot) = slot {
        control.select(vec![slot]);
    }
}

fn head(feed: &Feed, history: &History, groups: usize) -> String {
    let snapshots = feed.snapshots.iter();
    let now: u64 = snapshots.map(|snapshot| snapshot.progress.dead).sum();
    let seen = history.dead_letters.count();
    let groups = match groups {
        1 => "in one group".to_owned(),
        n => format!("in {n} groups"),
    };
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
        format!(
            "{} dead letters {groups}; click one to see each",
            format::count(seen)
        )
    }
}

fn draw_group(
    ui: &mut Ui,
    style: &Style,
    tables: &Tables,
    history: &History,
    (group, is_open): (&DeadLetterGroup, bool),
    commands: &mut PendingCommands,
) {
    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
        ui.label(RichText::new(if is_open { "⏷" } else { "⏵" }).color(style.faint()));
        style.sign(ui, sign_of(Phase::Dead));
        // Buttons stand where they stood, however the names below them grow.
        let mut press = |text: &str, hover: &str| {
            let button = ui.add_enabled(commands.can_send(), Button::new(text).small());
            button.on_hover_text(hover).clicked()
        };
        let requeues = press("Requeue", "fetch these pages again");
        let drops = press("Drop", "give these pages up: they become cancelled");
        if requeues || drops {
            let selector = history.dead_letters.selector(group, host(tables, group));
            let what = format!("dead letters, {}", name(tables, group));
            if drops {
                let pages = vec![(group.session, selector)];
                commands.drop_pages(Drops::of_dead_letters(what, pages));
            } else {
                let what = format!("requeue {what}");
                commands.send(what, requeue_dead(group.session, selector));
            }
        }
        let text = format!("{} {}", format::count(group.count), name(tables, group));
        ui.label(RichText::new(text).strong());
        let advice = RichText::new(format::advice(group.class)).color(style.text());
        ui.add(Label::new(advice).truncate());
    });
}

/// A dead letter of an open group: when, what failed, which page.
fn draw_letter(ui: &Ui, style: &Style, tables: &Tables, rect: Rect, letter: &DeadLetter) {
    let y = rect.center().y;
    let stage = stage_name(tables, letter.session, letter);
    let text = format!(
        "{}   {}   {stage}   {}   {}",
        format::clock(wide(letter.at_us) / 1e6),
        format::class(letter.class),
        safe(&letter.url),
        safe(&letter.message),
    );
    let at = pos2(rect.left() + 40.0, y);
    let width = rect.right() - at.x - 8.0;
    write_cut(ui.painter(), at, &text, 11.5, style.text(), width);
}

/// All that is known of a dead letter.
fn whole(letter: &DeadLetter) -> String {
    format!(
        "{}\n{}: {}\nclick: select it, where it is in the window still",
        safe(&letter.url),
        format::class(letter.class),
        safe(&letter.message)
    )
}

fn stage_name(tables: &Tables, session: SessionId, letter: &DeadLetter) -> String {
    let row = tables.stage(session, letter.stage);
    row.map_or_else(String::new, |row| safe(&row.name))
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
    format!(
        "{}{}{}–{} · last, {}, {}: {} {}",
        plural(group.hosts, "host"),
        plural(group.stages, "stage"),
        format::clock(wide(from) / 1e6),
        format::clock(wide(to) / 1e6),
        stage_name(tables, group.session, &group.sample),
        format::class(group.sample.class),
        safe(&group.sample.url),
        safe(&group.sample.message),
    )
}
