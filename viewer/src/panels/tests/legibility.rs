//! What is written can be read: nothing runs over its neighbour, nothing leaves its place.

use std::sync::Arc;

use bevy_egui::egui::Rect;
use crawlfield_engine::model::phase::Phase;

use super::{
    Tab, running,
    user::{User, Written},
};
use crate::{
    feed::Feed,
    field::{Arrangement, view::View},
    panels::{Inspector, Panels},
    playback::Playback,
    theme::{Appearance, ThemeName},
};

/// So much of two texts may lie over each other: the empty margin of their lines.
const MARGIN: f32 = 2.5;

/// Lower areas are bars, in points.
const BAR: f32 = 60.0;
/// What is never cut.
const KEPT: [&str; 8] = [
    "Charts",
    "Hosts",
    "Dead letters",
    "Events",
    "View",
    "Run",
    "LIVE",
    "DEMO",
];

/// The part of a text that can be seen, without its line's margin.
fn seen(written: &Written) -> Rect {
    let margin = MARGIN.min(written.rect.height() / 4.0);
    written
        .rect
        .intersect(written.clip)
        .shrink2([0.5, margin].into())
}

#[track_caller]
fn check(user: &mut User, what: &str) {
    let written: Vec<Written> = user
        .frame(Vec::new())
        .into_iter()
        .filter(|written| !written.text.trim().is_empty() && seen(written).is_positive())
        .collect();
    assert!(written.len() > 12, "{what}: only {} texts", written.len());
    for text in &written {
        let is_whole = text.rect.left() >= text.clip.left() - 1.0
            && text.rect.right() <= text.clip.right() + 1.0;
        assert!(is_whole, "{what}: {:?} leaves its place", text.text);
        // A bar of one or two lines scrolls nowhere.
        let is_in_bar = text.clip.height() < BAR;
        let is_half = text.rect.top() < text.clip.top() - 1.0
            || text.rect.bottom() > text.clip.bottom() + 1.0;
        assert!(
            !is_in_bar || !is_half,
            "{what}: {:?} is cut in half",
            text.text
        );
        let must_be_whole = KEPT.contains(&text.text.as_str()) || text.text.ends_with(" left");
        assert!(
            !must_be_whole || !text.is_cut,
            "{what}: {:?} is cut",
            text.text
        );
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
fn look_at_everything(user: &mut User, what: &str) {
    for tab in [Tab::Charts, Tab::Hosts, Tab::DeadLetters, Tab::Events] {
        user.get::<Panels>().tab = tab;
        check(user, &format!("{what}, {tab:?}"));
    }
    user.get::<Panels>().tab = Tab::Charts;
    let slot = user.slots(|task| task.phase == Phase::Done)[0];
    user.viewer().select(vec![slot]);
    check(user, &format!("{what}, a task"));
    user.viewer().select(Vec::new());
    let host = user.feed().mirror.tables().hosts()[0].id;
    user.get::<Inspector>().last_task = None;
    user.get::<Inspector>().host = Some(host);
    check(user, &format!("{what}, a host"));
    user.get::<Inspector>().host = None;
    user.get::<Inspector>().stage = Some((super::SESSION, super::StageId(1)));
    check(user, &format!("{what}, a stage"));
    user.get::<Inspector>().stage = None;
}

#[test]
fn every_text_has_its_room_on_screens_of_all_sizes() {
    let mut user = running(200);
    user.wait("figures of the host", |user| {
        user.frame(Vec::new());
        let told = user.feed().session();
        told.is_some_and(|told| told.hosts[0].eta.is_some() && told.prediction.is_some())
    });
    user.press("⏸ Pause");
    user.wait_for("pause the run: done");
    // The text large and very large is so many more pixels a point.
    for (width, height, scale) in [
        (800.0, 600.0, 1.0),
        (800.0, 600.0, 1.25),
        (800.0, 600.0, 1.5),
        (1280.0, 720.0, 1.0),
        (1280.0, 720.0, 1.25),
        (1280.0, 720.0, 1.5),
        (1920.0, 1080.0, 1.0),
        (1920.0, 1080.0, 1.5),
        (3840.0, 2160.0, 2.0),
        (3840.0, 2160.0, 3.0),
    ] {
        user.on_screen(width, height, scale);
        for arrangement in [Arrangement::Territory, Arrangement::Flow] {
            user.viewer().arrange(arrangement);
            user.frame(Vec::new());
            let what = format!("{width}x{height} at {scale}, {arrangement:?}");
            look_at_everything(&mut user, &what);
            let mut feed = user.get::<Feed>();
            let snapshot = Arc::make_mut(&mut feed.snapshots[0]);
            snapshot.session.site = "a-site-with-a-very-long-name-that-has-no-room".to_owned();
            check(&mut user, &format!("{what}, a long name"));
            let area = user.viewer().0.resource::<View>().area;
            let screen = width * height;
            assert!(area.width() >= width / 2.0, "{what}: {area:?}");
            assert!(
                area.width() * area.height() >= screen * 0.25,
                "{what}: {area:?}"
            );
        }
    }
    user.get::<Appearance>().theme = ThemeName::Light;
    check(&mut user, "light");
}

#[test]
fn damage_of_a_recording_is_told_whole_below_the_time_line() {
    let mut user = running(200);
    let damage = "the recording stops making sense at 0:42: a chunk of 64 kB is not whole";
    user.get::<Playback>().is_replay = true;
    user.get::<Playback>().damage = Some(damage.to_owned());
    for (width, height) in [(800.0, 600.0), (1280.0, 720.0)] {
        user.on_screen(width, height, 1.0);
        user.frame(Vec::new());
        check(&mut user, "damaged");
        let written = user.frame(Vec::new());
        let told = written.iter().find(|written| written.text == damage);
        let told = told.expect("it is told");
        assert!(
            !told.is_cut && told.clip.contains_rect(told.rect),
            "{told:?}"
        );
    }
}

#[test]
fn the_bare_field_still_says_that_it_is_a_demo_and_a_recording_that_it_is_one() {
    let mut user = running(200);
    user.get::<Panels>().is_bare = true;
    user.wait_for("DEMO");
    user.get::<Playback>().is_replay = true;
    user.wait_for("REPLAY");
}
