//! What is written can be read: nothing runs over its neighbour, nothing leaves its place.

use bevy_egui::egui::Rect;
use crawlfield_engine::model::phase::Phase;

use super::{
    Tab,
    hand::{Hand, Written},
    running,
};
use crate::{field::board::Arrangement, theme::ThemeName};

/// So much of two texts may lie over each other: the empty margin of their lines.
const MARGIN: f32 = 2.5;

/// The part of a text that can be seen, without its line's margin.
fn seen(written: &Written) -> Rect {
    let margin = MARGIN.min(written.rect.height() / 4.0);
    written
        .rect
        .intersect(written.clip)
        .shrink2([0.5, margin].into())
}

#[track_caller]
fn check(hand: &mut Hand, what: &str) {
    let written: Vec<Written> = hand
        .frame(Vec::new())
        .into_iter()
        .filter(|written| !written.text.trim().is_empty() && seen(written).is_positive())
        .collect();
    assert!(written.len() > 20, "{what}: only {} texts", written.len());
    for text in &written {
        let is_whole = text.rect.left() >= text.clip.left() - 1.0
            && text.rect.right() <= text.clip.right() + 1.0;
        assert!(is_whole, "{what}: {:?} leaves its place", text.text);
    }
    for (at, first) in written.iter().enumerate() {
        for second in &written[at + 1..] {
            let both = seen(first).intersect(seen(second));
            let is_over = both.width() > 1.0 && both.height() > 1.0;
            assert!(
                !is_over,
                "{what}: {:?} runs over {:?}",
                first.text, second.text
            );
        }
    }
}

/// Every tab, and the inspector with nothing, a task, a host and a stage.
fn look_at_everything(hand: &mut Hand, what: &str) {
    for tab in [Tab::Charts, Tab::Hosts, Tab::Letters, Tab::Events] {
        hand.panels.tab = tab;
        check(hand, &format!("{what}, {tab:?}"));
    }
    hand.panels.tab = Tab::Charts;
    let slot = hand.slots(|task| task.phase == Phase::Done)[0];
    hand.show.select(vec![slot]);
    check(hand, &format!("{what}, a task"));
    hand.show.select(Vec::new());
    let host = hand.show.mirror.tables().hosts()[0].id;
    hand.panels.shown = None;
    hand.panels.host = Some(host);
    check(hand, &format!("{what}, a host"));
    hand.panels.host = None;
    hand.panels.stage = Some((super::SESSION, super::StageId(1)));
    check(hand, &format!("{what}, a stage"));
    hand.panels.stage = None;
}

#[test]
fn every_text_has_its_room_on_screens_of_all_sizes() {
    let mut hand = running(200);
    hand.press("⏸ Pause");
    hand.wait_for("pause the run: done");
    for (width, height, scale) in [
        (1280.0, 720.0, 1.0),
        (1920.0, 1080.0, 1.0),
        (3840.0, 2160.0, 2.0),
    ] {
        hand.on_screen(width, height, scale);
        for arrangement in [Arrangement::Territory, Arrangement::Flow] {
            hand.show.arrange(arrangement);
            hand.frame(Vec::new());
            look_at_everything(&mut hand, &format!("{width}x{height}, {arrangement:?}"));
        }
    }
    hand.show.choices.theme = ThemeName::Light;
    check(&mut hand, "light");
}

#[test]
fn the_bare_field_still_says_that_it_is_a_demo_and_a_recording_that_it_is_one() {
    let mut hand = running(200);
    hand.panels.is_bare = true;
    hand.wait_for("DEMO");
    hand.playback.is_replay = true;
    hand.wait_for("REPLAY");
}
