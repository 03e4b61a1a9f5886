//! The panels pressed against a live engine, and over a recording.

mod acting;
mod legibility;
mod user;

use bevy_egui::egui::{Event, Pos2, pos2, vec2};
use crawlfield_engine::model::{
    class::ErrorClass,
    ids::{SessionId, StageId},
    phase::{BreakerPhase, Phase, SessionPhase},
};
use user::User;

use super::{Inspector, Panels, Tab, format};
use crate::{filter::Filter, replay::Replay, selection::Selection, source::Source};

const SESSION: SessionId = SessionId(1);

fn phase(user: &User) -> Option<SessionPhase> {
    user.feed()
        .mirror
        .tables()
        .session(SESSION)
        .map(|row| row.phase)
}

/// A demo with tasks that wait.
fn running(products: u32) -> User {
    let mut user = User::on_demo(products);
    user.wait("waiting tasks", |user| {
        user.frame(Vec::new());
        user.feed().mirror.counts().of(Phase::Queued) > 60
            && user.feed().mirror.counts().of(Phase::Done) > 0
    });
    user
}

#[test]
fn the_run_is_paused_and_resumed_and_its_answers_are_shown() {
    let mut user = running(200);
    user.press("⏸ Pause");
    user.wait_for("pause the run: done");
    user.wait("the pause", |user| {
        user.frame(Vec::new());
        phase(user) == Some(SessionPhase::Paused)
    });
    user.press("▶ Resume");
    user.wait_for("resume the run: done");
    user.wait("the run", |user| {
        user.frame(Vec::new());
        phase(user) == Some(SessionPhase::Running)
    });
    // The same by the keyboard.
    user.key(bevy_egui::egui::Key::Space);
    user.wait("the pause", |user| {
        user.frame(Vec::new());
        phase(user) == Some(SessionPhase::Paused)
    });
}

#[test]
fn a_profile_is_switched_and_the_run_is_stopped() {
    let mut user = running(200);
    user.press("economy");
    user.wait_for("profile economy: done");
    user.wait("the snapshot", |user| {
        user.frame(Vec::new());
        let told = &user.feed().snapshots;
        told.first()
            .is_some_and(|told| told.session.profile == "economy")
    });
    user.press("Run");
    user.press("Stop at once");
    user.wait_for("stop at once: done");
    user.wait("the stop", |user| {
        user.frame(Vec::new());
        phase(user) == Some(SessionPhase::Stopped)
    });
}

#[test]
fn a_setting_is_changed_and_a_wrong_one_is_refused_with_what_to_do() {
    let mut user = running(200);
    let mut set = |name: &str, value: &str, said: &str| {
        user.press("Run");
        user.press("Change a setting…");
        user.press("politeness.max_rate");
        user.types(name);
        user.press("value, e.g. 2.5 or \"30s\"");
        user.types(value);
        user.press("Send");
        user.wait_for(said);
    };
    set("snapshot.interval", "\"500ms\"", "done");
    set("snapshot.intervall", "1", "did you mean");
}

#[test]
fn a_breaker_is_held_open_closed_and_left_to_its_rule() {
    let mut user = running(200);
    let host = user.feed().mirror.tables().hosts()[0].id;
    user.get::<Inspector>().host = Some(host);
    let breaker = |user: &mut User, wanted| {
        user.wait("the breaker", |user| {
            user.frame(Vec::new());
            user.feed().mirror.tables().hosts()[0].breaker == wanted
        });
    };
    user.press("Open");
    breaker(&mut user, BreakerPhase::Open);
    user.wait_for("open: done");
    user.press_nth("Close", 0);
    breaker(&mut user, BreakerPhase::Closed);
    user.press("By rule");
    user.wait_for("by rule: done");
}

#[test]
fn a_task_tells_why_it_waits_and_is_paused_and_dropped() {
    let mut user = running(200);
    user.press("⏸ Pause");
    user.wait_for("pause the run: done");
    let slot = user.slots(|task| task.phase == Phase::Queued)[0];
    user.viewer().select(vec![slot]);
    user.wait_for("Waits");
    user.press("Pause");
    user.wait_for("pause the task: done");
    user.wait_for("paused");
    user.press("Drop");
    user.wait_for("drop 1 page: done, 1 page");
    user.wait("the drop", |user| {
        user.frame(Vec::new());
        user.feed().mirror.phase_at(slot) == Some(Phase::Cancelled)
    });
}

#[test]
fn a_lasso_of_tasks_is_paused_and_dropped_together() {
    let mut user = running(200);
    user.press("⏸ Pause");
    user.wait_for("pause the run: done");
    let slots = user.slots(|task| task.phase == Phase::Queued);
    let twenty = slots[..20].to_vec();
    user.viewer().select(twenty.clone());
    user.wait_for("20 tasks selected");
    user.press("Pause");
    user.wait_for("pause 20 tasks: done, 20 of 20");
    user.press("Drop");
    user.press("Drop them");
    user.wait_for("drop 20 pages: done, 20 pages");
    user.wait("the drop", |user| {
        user.frame(Vec::new());
        let mirror = &user.feed().mirror;
        twenty
            .iter()
            .all(|slot| mirror.phase_at(*slot) == Some(Phase::Cancelled))
    });
}

#[test]
fn dead_letters_are_requeued_by_class_dropped_by_host_and_requeued_one_by_one() {
    let mut user = User::on_shop();
    user.get::<Panels>().tab = Tab::DeadLetters;
    user.wait("dead letters", |user| {
        user.frame(Vec::new());
        user.history().dead_letters.count() >= 4
    });
    user.wait_for("not found");
    user.wait_for(format::advice(ErrorClass::NotFound));
    user.press("Requeue");
    user.wait_for("requeue dead letters, not found: done, ");
    user.wait("more dead letters", |user| {
        user.frame(Vec::new());
        user.history().dead_letters.count() >= 2
    });
    user.press("host");
    user.wait_for("shop.test");
    user.press("Drop");
    user.wait_for("drop dead letters, shop.test: done, ");
    // One of them alone, from the inspector.
    user.wait("a dead task", |user| {
        user.frame(Vec::new());
        !user.slots(|task| task.phase == Phase::Dead).is_empty()
    });
    user.get::<Panels>().tab = Tab::Events;
    let slot = user.slots(|task| task.phase == Phase::Dead)[0];
    user.viewer().select(vec![slot]);
    user.press("Requeue");
    user.wait_for("requeue 1 page: done, 1 page");
}

#[test]
fn a_stages_dead_letters_and_tasks_are_acted_on_together() {
    let mut user = User::on_shop();
    user.wait("dead letters", |user| {
        user.frame(Vec::new());
        user.history().dead_letters.count() >= 3
    });
    user.get::<Inspector>().stage = Some((SESSION, StageId(1)));
    user.wait_for("Stage detail");
    user.press("Requeue dead");
    user.wait_for("requeue dead letters of detail: done, ");
    user.press("Select tasks");
    user.wait_for("tasks selected");
}

#[test]
fn a_task_that_has_left_is_still_shown_with_its_record() {
    let mut user = running(120);
    let slot = user.slots(|task| task.phase == Phase::Done && task.stage == StageId(1));
    user.wait("a finished product", |user| {
        user.frame(Vec::new());
        !user
            .slots(|task| task.phase == Phase::Done && task.stage == StageId(1))
            .is_empty()
    });
    drop(slot);
    let slot = user.slots(|task| task.phase == Phase::Done && task.stage == StageId(1))[0];
    user.viewer().select(vec![slot]);
    user.wait_for("Record: product");
    user.wait_for("manufacturer");
    user.press("Run");
    user.press("Stop at once");
    user.wait_for("has left the window");
    user.wait_for("Record: product");
    user.key(bevy_egui::egui::Key::Escape);
    user.wait_for("The run");
}

#[test]
fn a_recording_takes_no_commands_and_its_curves_are_whole_after_any_seek() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let path = folder.path().join("run.crawl");
    user::record(&path, 600);
    let replay = Replay::open(&path).expect("it was just written");
    let (from, to) = replay.span_us();
    let mut user = User::on(Source::Replay(Box::new(replay)), folder);
    let middle = u64::midpoint(from, to);
    let points = |user: &User| user.history().series[&1].since(0.0).count();
    user.viewer().seek(to).expect("within the recording");
    let all = points(&user);
    assert!(all >= 3, "{all} points");
    user.viewer().seek(middle).expect("within the recording");
    let half = points(&user);
    assert!(half >= 1 && half < all, "{half} of {all}");
    user.viewer().seek(to).expect("within the recording");
    assert_eq!(points(&user), all);
    user.viewer().seek(middle).expect("within the recording");
    let slot = user.slots(|_| true)[0];
    user.viewer().select(vec![slot]);
    user.wait_for("a recording takes no commands");
}

/// Where this is written, below and to the right of a place.
#[track_caller]
fn place(user: &mut User, text: &str, beyond: Pos2) -> Pos2 {
    let mut at = None;
    user.wait(text, |user| {
        let written = user.frame(Vec::new());
        let mut found = written.iter().filter(|written| written.text == text);
        let found =
            found.find(|written| written.rect.left() > beyond.x && written.rect.top() > beyond.y);
        at = found.map(|written| written.rect.center());
        at.is_some()
    });
    at.expect("it was found")
}

/// The panel below the field begins here, on a screen of 1280 by 720.
const BELOW: Pos2 = pos2(212.0, 520.0);

#[test]
fn a_host_is_pinned_by_a_click_in_the_table_and_let_go_by_another() {
    let mut user = running(200);
    user.get::<Panels>().tab = Tab::Hosts;
    let host = user.feed().mirror.tables().hosts()[0].id;
    let name = user.feed().mirror.tables().hosts()[0].name.to_string();
    user.wait_for("why so fast");
    let at = place(&mut user, &name, BELOW);
    user.click(at);
    assert_eq!(user.get::<Inspector>().host, Some(host));
    user.wait_for("requests that failed");
    user.wait_for("The last minutes");
    user.click(at);
    assert_eq!(user.get::<Inspector>().host, None);
    // What it takes is told as soon as there is evidence, and why it is not faster.
    user.wait("a median", |user| {
        user.frame(Vec::new());
        let told = user.feed().session();
        told.is_some_and(|told| told.hosts[0].p50_ms.is_some() && told.hosts[0].eta.is_some())
    });
}

#[test]
fn escape_clears_the_choice_first_and_then_shows_all_tasks_again() {
    let mut user = running(200);
    let slot = user.slots(|_| true)[0];
    user.viewer().select(vec![slot]);
    user.get::<Filter>().signs = 1 << 2;
    user.wait_for("some are dimmed");
    user.key(bevy_egui::egui::Key::Escape);
    assert!(user.get::<Selection>().slots.is_empty());
    assert!(!user.get::<Filter>().shows_all());
    user.key(bevy_egui::egui::Key::Escape);
    assert!(user.get::<Filter>().shows_all());
    // The same by a button.
    user.get::<Filter>().signs = 1 << 2;
    user.press("show all");
    assert!(user.get::<Filter>().shows_all());
}

#[test]
fn a_search_moves_nothing_in_the_legend() {
    let mut user = running(200);
    let before = place(&mut user, "queued", Pos2::ZERO);
    user.key(bevy_egui::egui::Key::Slash);
    user.types("product");
    user.wait("matches", |user| {
        user.reads().iter().any(|text| text.ends_with(" match"))
    });
    assert_eq!(place(&mut user, "queued", Pos2::ZERO), before);
}

#[test]
fn the_pointer_over_one_chart_tells_the_values_of_that_time_in_all() {
    let mut user = running(200);
    user.wait("curves", |user| {
        user.frame(Vec::new());
        let series = user.history().series.get(&1);
        series.is_some_and(|series| series.since(0.0).count() >= 3)
    });
    let title = place(&mut user, "Fetch time", BELOW);
    let at = title + vec2(60.0, 60.0);
    let told = |user: &mut User, word: &str| {
        let texts = user.frame(vec![Event::PointerMoved(at)]);
        texts
            .iter()
            .filter(|written| written.text.starts_with(word))
            .count()
    };
    user.wait("the time", |user| told(user, "at 0:") >= 3);
    user.click(at);
    user.wait("the pin", |user| told(user, "pinned 0:") >= 3);
    // Elsewhere the pointer goes before the pin; beside the charts the pin is told again.
    let pinned = user.get::<Panels>().charts.pinned;
    user.frame(vec![Event::PointerMoved(at + vec2(30.0, 0.0))]);
    let tells = |user: &mut User, word| user.reads().iter().any(|text| text.starts_with(word));
    user.wait("the pointer", |user| tells(user, "at 0:"));
    user.frame(vec![Event::PointerMoved(pos2(20.0, 700.0))]);
    user.wait("the pin", |user| {
        tells(user, "pinned 0:") && !tells(user, "at 0:")
    });
    assert_eq!(user.get::<Panels>().charts.pinned, pinned);
    user.key(bevy_egui::egui::Key::Escape);
    assert_eq!(user.get::<Panels>().charts.pinned, None);
}

#[test]
fn a_group_of_dead_letters_is_laid_open_and_each_is_told() {
    let mut user = User::on_shop();
    user.get::<Panels>().tab = Tab::DeadLetters;
    user.wait("dead letters", |user| {
        user.frame(Vec::new());
        user.history().dead_letters.count() >= 4
    });
    user.wait_for("in one group");
    let at = user.frame(Vec::new());
    let group = at
        .iter()
        .find(|written| written.text.ends_with(" not found"));
    let at = group.expect("the group is drawn").rect.center();
    user.click(at);
    user.wait("each of them", |user| {
        let texts = user.reads();
        let each = texts
            .iter()
            .filter(|text| text.contains("/item/") && text.contains("not found"));
        each.count() >= 3
    });
}
