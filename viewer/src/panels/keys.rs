//! Keys: everything the pointer can do on the field, and the list that `?` shows.

use std::path::Path;

use bevy_egui::egui::{Align2, Context, Grid, InputState, Key, RichText, Window};
use crawlfield_engine::{model::phase::Phase, progress::safe};

use super::{
    Inspector, PanelState, Panels, PendingCommands, WindowRequest, ending::EndCard, format,
    style::Style, toolbar,
};
use crate::{
    crawl::LiveCrawl,
    feed::Feed,
    field::{
        Arrangement, FieldControl,
        texel::{SIGN_PARKED, SIGN_PAUSED, sign_of},
    },
    history::Severity,
    numbers::{index, number, wide},
    pin::{Link, Pin},
    playback::{Playback, PlaybackRequest},
    theme::{Motion, ThemeName},
};

/// Keys, and what they do.
const KEYS: [(&str, &str); 30] = [
    (
        "Space",
        "pause or resume the run; in a recording, play or hold",
    ),
    ("arrows, WASD", "move the field"),
    ("+  −  wheel", "nearer, farther, to the pointer"),
    ("0", "all of the field"),
    ("click", "select a task, or a host by its header"),
    ("double click", "go near; again: all of the field"),
    (
        "click a chart",
        "pin its time in all charts, in a recording in the field too; again: let go",
    ),
    ("shift-drag", "lasso tasks"),
    ("Ctrl-click", "add a task to the selection, or take it out"),
    ("F", "follow the selected task"),
    (
        "P",
        "pin what the inspector shows: its tasks only; again: all",
    ),
    ("L", "copy a link to this moment and pin"),
    ("K", "keep the last five minutes as a recording"),
    ("U", "bring back what was dropped last"),
    ("period, comma", "next, previous failed task or dead letter"),
    ("/", "search URLs"),
    (
        "1 to 8",
        "hide or show queued, running, done, retry wait, failed, dead letters, skipped, held",
    ),
    ("T", "territory or flow"),
    ("C", "dark or light colours"),
    ("M", "all motion, less, none"),
    ("[  ]", "slower, faster (recording)"),
    ("N", "one step (recording)"),
    (
        "Page Up, Down",
        "ten seconds back and on; Home, End (recording)",
    ),
    ("H", "hide the side panels"),
    ("F11", "field only"),
    ("F12", "save a picture"),
    ("Tab", "next control"),
    ("Q", "close the window"),
    ("?", "this list"),
    ("Esc", "close, clear the selection; again: show all tasks"),
];

/// Pixels of the screen that a key moves the field.
const STRIDE: f32 = 60.0;
/// How strongly a key zooms.
const NEARER: f32 = 1.25;
/// A failed task that a key goes to is at least so wide, in screen pixels.
const FAILED_TASK: f32 = 48.0;

/// Does what the pressed keys say, unless something else has the keyboard.
pub(super) fn handle(
    ctx: &Context,
    control: &mut FieldControl<'_>,
    state: &mut PanelState<'_>,
    playback: &Playback,
) {
    if ctx.egui_wants_keyboard_input() {
        if ctx.input(|input| input.key_pressed(Key::Escape)) {
            ctx.memory_mut(|memory| {
                if let Some(id) = memory.focused() {
                    memory.surrender_focus(id);
                }
            });
        }
        return;
    }
    ctx.input(|input| {
        if input.modifiers.command || input.modifiers.alt {
            return;
        }
        move_view(input, control);
        change_look(input, control);
        change_panels(input, control, state);
        toggle_signs(input, &mut control.filter.signs);
        if playback.is_replay {
            play(input, state, playback);
        } else {
            toggle_run(input, &control.feed, &mut state.commands);
        }
        for (key, is_forward) in [(Key::Period, true), (Key::Comma, false)] {
            if input.key_pressed(key) {
                select_next_failed(control, is_forward);
            }
        }
        if input.key_pressed(Key::K) {
            save_last_minutes(&control.feed, &state.live, &mut state.commands);
        }
    });
    // Not inside: the clipboard is the context's, which is lent out there.
    let has_modifier = ctx.input(|input| input.modifiers.command || input.modifiers.alt);
    if ctx.input(|input| input.key_pressed(Key::L)) && !has_modifier {
        copy_link(ctx, control, &mut state.commands);
    }
}

fn move_view(input: &InputState, control: &mut FieldControl<'_>) {
    let pressed = |keys: [Key; 2]| keys.into_iter().any(|key| input.key_pressed(key));
    let steps = [
        ([Key::ArrowLeft, Key::A], (STRIDE, 0.0)),
        ([Key::ArrowRight, Key::D], (-STRIDE, 0.0)),
        ([Key::ArrowUp, Key::W], (0.0, STRIDE)),
        ([Key::ArrowDown, Key::S], (0.0, -STRIDE)),
    ];
    for (keys, (x, y)) in steps {
        if pressed(keys) {
            control.view.drag(x, y);
            control.selection.followed = None;
        }
    }
    let area = control.view.area;
    let middle = (
        f32::midpoint(area.left, area.right),
        f32::midpoint(area.top, area.bottom),
    );
    let scale = input.pixels_per_point();
    let pointer = input.pointer.hover_pos();
    let (x, y) = pointer.map_or(middle, |at| (at.x * scale, at.y * scale));
    for (keys, factor) in [
        ([Key::Plus, Key::Equals], NEARER),
        ([Key::Minus, Key::Minus], 1.0 / NEARER),
    ] {
        if pressed(keys) {
            control.view.zoom_at(factor, x, y);
        }
    }
    if input.key_pressed(Key::Num0) {
        control.selection.followed = None;
        control.view.fit();
    }
    if input.key_pressed(Key::F) {
        let (selection, mirror) = (&mut control.selection, &control.feed.mirror);
        let first = selection.slots.first();
        let first = first.and_then(|slot| Some((slot, mirror.key_at(slot)?)));
        selection.followed = match selection.followed {
            Some(_) => None,
            None => first,
        };
    }
}

fn change_look(input: &InputState, control: &mut FieldControl<'_>) {
    if input.key_pressed(Key::T) {
        let other = match control.field.cells.arrangement() {
            Arrangement::Territory => Arrangement::Flow,
            Arrangement::Flow => Arrangement::Territory,
        };
        control.arrange(other);
    }
    let appearance = &mut *control.appearance;
    if input.key_pressed(Key::C) {
        appearance.theme = match appearance.theme {
            ThemeName::Dark => ThemeName::Light,
            ThemeName::Light => ThemeName::Dark,
        };
    }
    if input.key_pressed(Key::M) {
        appearance.motion = match appearance.motion {
            Motion::Full => Motion::Reduced,
            Motion::Reduced => Motion::None,
            Motion::None => Motion::Full,
        };
    }
}

fn change_panels(input: &InputState, control: &mut FieldControl<'_>, state: &mut PanelState<'_>) {
    let panels = &mut *state.panels;
    panels.are_sides_shown ^= input.key_pressed(Key::H);
    panels.is_bare ^= input.key_pressed(Key::F11);
    panels.dialogs.is_help_open ^= input.key_pressed(Key::Questionmark);
    panels.wants_search |= input.key_pressed(Key::Slash) && !input.modifiers.shift;
    if input.key_pressed(Key::Escape) {
        let now = wide(control.feed.now_us) / 1e6;
        let is_closed = close_what_is_open(panels, &mut state.inspector, control);
        if !is_closed && state.captions.is_shown(now) {
            state.captions.skip();
        } else if !is_closed && !control.filter.shows_all() {
            control.filter.show_all();
            control.apply_filter();
        }
    }
    if input.key_pressed(Key::U) {
        state.commands.undo();
    }
    if input.key_pressed(Key::P) {
        pin_what_is_shown(control, &mut state.inspector);
    }
    if input.key_pressed(Key::F12) {
        state.window_requests.write(WindowRequest::Picture);
    }
}

/// Pins the task, host or stage that the inspector shows; where something is pinned, nothing any
/// more.
fn pin_what_is_shown(control: &mut FieldControl<'_>, inspector: &mut Inspector) {
    if control.pinned.pin().is_some() {
        inspector.clear();
        return control.pin(None);
    }
    let mirror = &control.feed.mirror;
    let tables = mirror.tables();
    let task = control.selection.slots.first();
    let task = task.and_then(|slot| mirror.key_at(slot)).map(Pin::Task);
    let host = inspector.host.and_then(|id| tables.host(id));
    let host = host.map(|row| Pin::Host(row.name.to_string()));
    let stage = inspector
        .stage
        .and_then(|(session, id)| tables.stage(session, id));
    let stage = stage.map(|row| Pin::Stage(row.name.to_string()));
    if let Some(pin) = task.or(host).or(stage) {
        control.pin(Some(pin));
    }
}

/// The shown moment and what is pinned, as a link in the clipboard.
fn copy_link(ctx: &Context, control: &FieldControl<'_>, commands: &mut PendingCommands) {
    let link = Link {
        session: control.feed.session_id().map(|id| id.0),
        at: Some(wide(control.feed.now_us) / 1e6),
        pin: control.pinned.pin().cloned(),
    };
    let link = link.to_string();
    let text = format!("copied {}; --link shows it again", safe(&link));
    ctx.copy_text(link);
    commands.notify(Severity::Plain, text);
}

/// Saves the last minutes as a recording in this folder.
fn save_last_minutes(feed: &Feed, live: &LiveCrawl, commands: &mut PendingCommands) {
    let Some(recent) = &live.recent else {
        let text = "a recording keeps no last minutes: it is a file already".to_owned();
        return commands.notify(Severity::Warning, text);
    };
    let path = format!("crawlfield-{}.cfr", feed.now_us / 1_000);
    match recent.save(Path::new(&path)) {
        Ok(saved) => {
            let span = format::clock(saved.span.as_secs_f64());
            let text = format!("the last {span} are in {path}; --replay shows them");
            commands.notify(Severity::Good, text);
        }
        Err(error) => commands.notify(Severity::Bad, safe(&error.to_string())),
    }
}

/// Closes what a person has opened, chosen or pinned; whether there was anything.
fn close_what_is_open(
    panels: &mut Panels,
    inspector: &mut Inspector,
    control: &mut FieldControl<'_>,
) -> bool {
    let has_end = control.feed.is_over() && panels.end_card == EndCard::Open;
    let is_open = panels.dialogs.is_help_open
        || has_end
        || panels.charts.pinned.is_some()
        || control.pinned.pin().is_some()
        || inspector.has_choice(&control.selection);
    panels.dialogs.is_help_open = false;
    if has_end {
        panels.end_card = EndCard::Closed;
    }
    panels.charts.pinned = None;
    if control.pinned.pin().is_some() {
        control.pin(None);
    }
    panels.small.is_legend_open = false;
    inspector.clear();
    control.select(Vec::new());
    is_open
}

/// The eight kinds of state by their keys.
fn toggle_signs(input: &InputState, signs: &mut u32) {
    let of = |phases: &[Phase]| {
        phases
            .iter()
            .fold(0, |mask, phase| mask | 1_u32 << sign_of(*phase))
    };
    let running = [
        Phase::Fetching,
        Phase::Fetched,
        Phase::Parsing,
        Phase::Parsed,
        Phase::Saving,
    ];
    let kinds = [
        (Key::Num1, of(&[Phase::Queued])),
        (Key::Num2, of(&running)),
        (Key::Num3, of(&[Phase::Done])),
        (Key::Num4, of(&[Phase::Backoff])),
        (Key::Num5, of(&[Phase::Failed])),
        (Key::Num6, of(&[Phase::Dead])),
        (Key::Num7, of(&[Phase::Skipped, Phase::Cancelled])),
        (Key::Num8, 1 << SIGN_PARKED | 1 << SIGN_PAUSED),
    ];
    for (key, mask) in kinds {
        if input.key_pressed(key) {
            *signs ^= mask;
        }
    }
}

fn toggle_run(input: &InputState, feed: &Feed, commands: &mut PendingCommands) {
    if input.key_pressed(Key::Space) {
        toolbar::toggle_run(feed, commands);
    }
}

/// Keys of a recording.
fn play(input: &InputState, state: &mut PanelState<'_>, playback: &Playback) {
    for (key, request) in [
        (Key::Space, PlaybackRequest::Play(!playback.is_playing)),
        (
            Key::OpenBracket,
            PlaybackRequest::Speed(playback.next_speed(false)),
        ),
        (
            Key::CloseBracket,
            PlaybackRequest::Speed(playback.next_speed(true)),
        ),
        (Key::N, PlaybackRequest::Step),
    ] {
        if input.key_pressed(key) {
            state.playback_requests.write(request);
        }
    }
}

/// Selects the next task that failed, is dead, or waits for its next attempt.
fn select_next_failed(control: &mut FieldControl<'_>, is_forward: bool) {
    let start = control.selection.slots.first().map_or(0, index);
    let phases = control.feed.mirror.phases();
    let is_shown = |slot| control.shows(slot);
    let found = next_failed(phases, start, is_forward, is_shown);
    if let Some(slot) = found {
        control.select(vec![slot]);
        control
            .field
            .show_task(slot, FAILED_TASK, &mut control.view);
    }
}

/// The next slot after `start`, round all of them, whose phase is such and that is shown; `phases`
/// are by slot.
fn next_failed(
    phases: &[u8],
    start: usize,
    is_forward: bool,
    is_shown: impl Fn(u32) -> bool,
) -> Option<u32> {
    let wanted = [Phase::Failed, Phase::Dead, Phase::Backoff].map(|phase| phase as u8);
    let count = phases.len();
    (1..=count)
        .map(|step| {
            if is_forward {
                (start + step) % count
            } else {
                (start + count - step % count) % count
            }
        })
        .filter(|slot| wanted.contains(&phases[*slot]))
        .map(number)
        .find(|slot| is_shown(*slot))
}

/// The list of keys.
pub(super) fn draw_help(ctx: &Context, style: &Style, is_open: &mut bool) {
    Window::new("Keys")
        .open(is_open)
        .collapsible(false)
        .resizable(false)
        .anchor(Align2::CENTER_CENTER, [0.0, 0.0])
        .show(ctx, |ui| {
            Grid::new("keys").spacing([18.0, 4.0]).show(ui, |ui| {
                for (key, act) in KEYS {
                    ui.label(RichText::new(key).strong());
                    ui.label(RichText::new(act).color(style.faint()));
                    ui.end_row();
                }
            });
        });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_tasks_are_gone_through_round_and_round_in_both_directions() {
        let phases = [
            Phase::Dead,
            Phase::Queued,
            Phase::Backoff,
            Phase::Failed,
            Phase::Done,
        ];
        let phases = phases.map(|phase| phase as u8);
        let from = |start, is_forward| next_failed(&phases, start, is_forward, |_| true);
        assert_eq!([0, 2, 3].map(|at| from(at, true)), [2, 3, 0].map(Some));
        assert_eq!([0, 2, 3].map(|at| from(at, false)), [3, 0, 2].map(Some));
        assert_eq!(next_failed(&phases, 3, true, |slot| slot != 0), Some(2));
        assert_eq!(next_failed(&phases[1..2], 0, true, |_| true), None);
        assert_eq!(next_failed(&[], 0, true, |_| true), None);
    }
}
