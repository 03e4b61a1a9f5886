//! Keys: everything the mouse can do on the field, and the list that `?` shows.

use bevy_egui::egui::{Context, InputState, Key};
use crawlfield_engine::model::phase::Phase;

use super::{Desk, Wish, top};
use crate::{
    field::{
        board::Arrangement,
        texel::{SIGN_PARKED, SIGN_PAUSED, sign_of},
    },
    numbers::index,
    show::Motion,
    theme::ThemeName,
};

/// What `?` shows.
pub(super) const LIST: [(&str, &str); 22] = [
    (
        "Space",
        "pause or resume the run; in a recording, play or hold",
    ),
    ("arrows, WASD", "move the field"),
    ("+  −  wheel", "nearer, farther, to the pointer"),
    ("0", "all of the field"),
    ("click", "select a task, or a host by its header"),
    ("double click", "go near; again: all of the field"),
    ("shift-drag", "lasso tasks"),
    ("Ctrl-click", "add a task to the selection, or take it out"),
    ("F", "follow the selected task"),
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
    ("H", "hide the side panels"),
    ("F11", "field only"),
    ("F12", "save a picture"),
    ("Tab", "next control"),
    ("?  Esc", "this list; close, clear the selection"),
];

/// Points of the screen that a key moves the field.
const STRIDE: f32 = 60.0;
const NEARER: f32 = 1.25;

pub(super) fn take(ctx: &Context, desk: &mut Desk<'_>) {
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
        moves(input, desk);
        choices(input, desk);
        signs(input, desk);
        clock(input, desk);
        if input.key_pressed(Key::Period) {
            next_failed(desk, true);
        }
        if input.key_pressed(Key::Comma) {
            next_failed(desk, false);
        }
    });
}

fn moves(input: &InputState, desk: &mut Desk<'_>) {
    let pressed = |keys: [Key; 2]| keys.into_iter().any(|key| input.key_pressed(key));
    let steps = [
        ([Key::ArrowLeft, Key::A], (STRIDE, 0.0)),
        ([Key::ArrowRight, Key::D], (-STRIDE, 0.0)),
        ([Key::ArrowUp, Key::W], (0.0, STRIDE)),
        ([Key::ArrowDown, Key::S], (0.0, -STRIDE)),
    ];
    for (keys, (x, y)) in steps {
        if pressed(keys) {
            desk.show.view.drag(x, y);
            desk.show.unfit();
            desk.panels.follow = None;
        }
    }
    let area = desk.show.view.area;
    let (x, y) = input.pointer.hover_pos().map_or_else(
        || {
            (
                f32::midpoint(area.left, area.right),
                f32::midpoint(area.top, area.bottom),
            )
        },
        |at| {
            (
                at.x * input.pixels_per_point(),
                at.y * input.pixels_per_point(),
            )
        },
    );
    for (keys, factor) in [
        ([Key::Plus, Key::Equals], NEARER),
        ([Key::Minus, Key::Minus], 1.0 / NEARER),
    ] {
        if pressed(keys) {
            desk.show.view.zoom_at(factor, x, y);
            desk.show.unfit();
        }
    }
    if input.key_pressed(Key::Num0) {
        desk.panels.follow = None;
        desk.show.fit();
    }
    if input.key_pressed(Key::F) {
        let first = desk.show.picked.slots.first();
        let one = first.and_then(|slot| Some((slot, desk.show.mirror.key_at(slot)?)));
        desk.panels.follow = if desk.panels.follow.is_some() {
            None
        } else {
            one
        };
    }
}

fn choices(input: &InputState, desk: &mut Desk<'_>) {
    let show = &mut *desk.show;
    if input.key_pressed(Key::T) {
        let other = match show.board.arrangement() {
            Arrangement::Territory => Arrangement::Flow,
            Arrangement::Flow => Arrangement::Territory,
        };
        show.arrange(other);
    }
    if input.key_pressed(Key::C) {
        show.choices.theme = match show.choices.theme {
            ThemeName::Dark => ThemeName::Light,
            ThemeName::Light => ThemeName::Dark,
        };
    }
    if input.key_pressed(Key::M) {
        show.choices.motion = match show.choices.motion {
            Motion::Full => Motion::Reduced,
            Motion::Reduced => Motion::None,
            Motion::None => Motion::Full,
        };
    }
    let panels = &mut *desk.panels;
    panels.are_sides_shown ^= input.key_pressed(Key::H);
    panels.is_bare ^= input.key_pressed(Key::F11);
    panels.is_help_open ^= input.key_pressed(Key::Questionmark);
    panels.is_search_wanted |= input.key_pressed(Key::Slash) && !input.modifiers.shift;
    if input.key_pressed(Key::Escape) {
        panels.is_help_open = false;
        panels.host = None;
        panels.stage = None;
        panels.shown = None;
        show.select(Vec::new());
    }
    if input.key_pressed(Key::F12) {
        desk.playback.wishes.push(Wish::Picture);
    }
}

/// The eight kinds of state by their keys.
fn signs(input: &InputState, desk: &mut Desk<'_>) {
    let of = |phases: &[Phase]| {
        phases
            .iter()
            .fold(0, |mask, phase| mask | 1_u32 << sign_of(*phase))
    };
    let kinds = [
        (Key::Num1, of(&[Phase::Queued])),
        (
            Key::Num2,
            of(&[
                Phase::Fetching,
                Phase::Fetched,
                Phase::Parsing,
                Phase::Parsed,
                Phase::Saving,
            ]),
        ),
        (Key::Num3, of(&[Phase::Done])),
        (Key::Num4, of(&[Phase::Backoff])),
        (Key::Num5, of(&[Phase::Failed])),
        (Key::Num6, of(&[Phase::Dead])),
        (Key::Num7, of(&[Phase::Skipped, Phase::Cancelled])),
        (Key::Num8, 1 << SIGN_PARKED | 1 << SIGN_PAUSED),
    ];
    for (key, mask) in kinds {
        if input.key_pressed(key) {
            desk.show.choices.signs ^= mask;
        }
    }
}

fn clock(input: &InputState, desk: &mut Desk<'_>) {
    if input.key_pressed(Key::Space) {
        if desk.playback.is_replay {
            desk.playback
                .wishes
                .push(Wish::Play(!desk.playback.is_playing));
        } else {
            top::toggle_run(desk);
        }
    }
    if !desk.playback.is_replay {
        return;
    }
    for (key, is_faster) in [(Key::OpenBracket, false), (Key::CloseBracket, true)] {
        if input.key_pressed(key) {
            let speed = desk.playback.next_speed(is_faster);
            desk.playback.wishes.push(Wish::Speed(speed));
        }
    }
    if input.key_pressed(Key::N) {
        desk.playback.wishes.push(Wish::Step);
    }
}

/// Selects the next task that failed, is dead, or waits for its next attempt.
fn next_failed(desk: &mut Desk<'_>, is_forward: bool) {
    let show = &mut *desk.show;
    let wanted = |phase: u8| {
        [Phase::Failed, Phase::Dead, Phase::Backoff]
            .map(|each| each as u8)
            .contains(&phase)
    };
    let phases = show.mirror.phases();
    let start = show.picked.slots.first().map_or(0, index);
    let count = phases.len();
    let found = (1..=count)
        .map(|step| {
            if is_forward {
                (start + step) % count
            } else {
                (start + count - step % count) % count
            }
        })
        .find(|slot| wanted(phases[*slot]));
    if let Some(slot) = found.and_then(|slot| u32::try_from(slot).ok()) {
        show.select(vec![slot]);
        let Some((block, cell)) = show.board.place_of(slot) else {
            return;
        };
        if let Some(place) = show.placed.get(index(block)) {
            let rect = place.cell_rect(cell);
            let pixels = (place.cell * show.view.zoom).max(48.0);
            show.view.look_at(rect, pixels);
            show.unfit();
        }
    }
}
