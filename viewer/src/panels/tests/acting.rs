//! Acting safely, what is pinned, and the end of a run.

use bevy_egui::egui::Key;
use crawlfield_engine::model::phase::{Phase, SessionPhase};

use super::{SESSION, phase, running, user::User};
use crate::{
    filter::Filter,
    panels::{Inspector, Panels, Tab},
    pin::{Pin, Pinned},
    replay::Replay,
    selection::Selection,
};

fn cancelled(user: &User) -> usize {
    user.slots(|task| task.phase == Phase::Cancelled).len()
}

/// A run that rests, with these many of its queued tasks selected.
fn selected(count: usize) -> User {
    let mut user = running(200);
    user.press("⏸ Pause");
    user.wait_for("pause the run: done");
    let queued = user.slots(|task| task.phase == Phase::Queued);
    user.viewer().select(queued[..count].to_vec());
    user
}

#[test]
fn many_pages_are_dropped_only_when_it_is_confirmed_and_can_be_brought_back() {
    let mut user = selected(20);
    user.wait_for("20 tasks selected");
    user.press("Drop");
    user.wait_for("Drop 20 pages?");
    user.press("Keep them");
    user.frame(Vec::new());
    assert_eq!(cancelled(&user), 0);
    user.press("Drop");
    user.press("Drop them");
    user.wait_for("drop 20 pages: done, 20 pages; U brings them back");
    user.wait("the drop", |user| {
        user.frame(Vec::new());
        cancelled(user) == 20
    });
    // The counts of the snapshot follow at once: the sums agree.
    user.wait("counts", |user| {
        user.frame(Vec::new());
        let told = user.feed().session().expect("it runs");
        let waiting: u64 = told.hosts.iter().map(|host| host.waiting).sum();
        told.progress.by_state["cancelled"] == 20 && waiting == told.progress.by_state["queued"]
    });
    user.key(Key::U);
    user.wait_for("bring 20 pages back: done, 20 pages");
    user.wait("the pages", |user| {
        user.frame(Vec::new());
        cancelled(user) == 0
    });
    user.key(Key::U);
    user.wait_for("nothing was dropped");
}

#[test]
fn what_the_filter_hides_is_not_selected_with_the_rest() {
    let mut user = running(200);
    user.press("⏸ Pause");
    user.wait_for("pause the run: done");
    let all = user.slots(|task| task.phase == Phase::Queued).len();
    user.viewer().search("plug");
    let matching = |user: &User| {
        let slots = user.slots(|task| task.url.contains("plug"));
        slots.len()
    };
    let host = user.feed().mirror.tables().hosts()[0].id;
    user.get::<Inspector>().host = Some(host);
    user.press("Select tasks");
    let chosen = user.get::<Selection>().slots.len();
    assert_eq!(chosen, matching(&user));
    assert!(chosen > 0 && chosen < all, "{chosen} of {all}");
    // States that the legend hides are left out too.
    user.viewer().search("");
    user.get::<Filter>().signs = 1 << 7;
    user.viewer().select(Vec::new());
    user.get::<Inspector>().host = Some(host);
    user.press("Select tasks");
    let done = user.slots(|task| task.phase == Phase::Done).len();
    assert_eq!(user.get::<Selection>().slots.len(), done);
}

#[test]
fn a_pin_drives_the_filter_even_when_it_was_named_before_its_host_was_known() {
    let mut user = User::on_demo(60);
    let host = "catalogue.demo.test";
    user.get::<Pinned>().set(Some(Pin::Host(host.to_owned())));
    user.wait("the host's card", |user| {
        user.frame(Vec::new());
        user.get::<Inspector>().host.is_some()
    });
    user.wait_for("pinned: host catalogue.demo.test  ✕");
    user.key(Key::P);
    assert_eq!(user.get::<Pinned>().pin(), None);
    assert!(user.get::<Filter>().shows_all());
    user.get::<Pinned>().set(Some(Pin::State(Phase::Done)));
    user.frame(Vec::new());
    assert_eq!(user.get::<Filter>().signs, 1 << 7);
    user.key(Key::Escape);
    assert!(user.get::<Filter>().shows_all());
}

#[test]
fn what_limits_the_run_stands_under_the_time_left_and_a_pause_says_what_is_left() {
    let mut user = running(200);
    user.wait_for(" pages at ");
    user.wait("a forecast", |user| {
        user.frame(Vec::new());
        let told = user.feed().session();
        told.is_some_and(|told| told.prediction.is_some())
    });
    user.press("⏸ Pause");
    user.wait_for("paused; ");
    user.wait_for(" of work left");
}

#[test]
fn the_last_minutes_are_saved_as_a_recording_that_can_be_shown() {
    let mut user = running(200);
    let folder = tempfile::tempdir().expect("a scratch folder");
    let path = folder.path().join("last.cfr");
    let recent = user.keeps_last_minutes();
    user.wait("some seconds", |user| {
        user.frame(Vec::new());
        user.feed().now_us > 3_000_000
    });
    let saved = recent.save(&path).expect("the folder is there");
    assert!(saved.span.as_secs() < 300, "{saved:?}");
    let replay = Replay::open(&path).expect("it is a recording");
    assert_eq!(replay.damage(), None);
    let again = recent.save(&path).expect_err("it is there already");
    assert!(again.to_string().contains("exists"), "{again}");
}

#[test]
fn the_end_says_what_came_of_it_and_leads_to_the_records() {
    let mut user = User::on_demo(24);
    user.wait("the end", |user| {
        user.frame(Vec::new());
        phase(user) == Some(SessionPhase::Completed)
    });
    user.wait_for("demo: completed");
    user.wait_for("24 (24 new, 0 changed)");
    let texts = user.reads();
    assert!(texts.iter().any(|text| text == "ENDED"), "{texts:?}");
    for gone in ["LIVE", "⏸ Pause"] {
        assert!(texts.iter().all(|text| text != gone), "{gone} at the end");
    }
    // The card comes first on the screen.
    user.press_nth("Records", 0);
    user.wait("the table", |user| {
        user.frame(Vec::new());
        user.get::<Panels>().tab == Tab::Records
    });
    user.wait_for("1 to 24 of 24");
    user.wait_for("product (demo)");
    let told = user.feed().mirror.tables().session(SESSION);
    assert!(told.is_some());
}
