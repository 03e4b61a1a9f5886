//! The panels pressed against a live engine, and over a recording.

mod hand;
mod room;

use crawlfield_engine::model::{
    class::ErrorClass,
    ids::{SessionId, StageId},
    phase::{BreakerPhase, Phase, SessionPhase},
};
use hand::Hand;

use super::{Tab, words};
use crate::{replay::Replay, source::Source};

const SESSION: SessionId = SessionId(1);

fn phase(hand: &Hand) -> Option<SessionPhase> {
    hand.show
        .mirror
        .tables()
        .session(SESSION)
        .map(|row| row.phase)
}

/// A demo with tasks that wait.
fn running(products: u32) -> Hand {
    let mut hand = Hand::on_demo(products);
    hand.wait("waiting tasks", |hand| {
        hand.frame(Vec::new());
        hand.show.mirror.counts().of(Phase::Queued) > 60
            && hand.show.mirror.counts().of(Phase::Done) > 0
    });
    hand
}

#[test]
fn the_run_is_paused_and_resumed_and_its_answers_are_shown() {
    let mut hand = running(200);
    hand.press("⏸ Pause");
    hand.wait_for("pause the run: done");
    hand.wait("the pause", |hand| {
        hand.frame(Vec::new());
        phase(hand) == Some(SessionPhase::Paused)
    });
    hand.press("▶ Resume");
    hand.wait_for("resume the run: done");
    hand.wait("the run", |hand| {
        hand.frame(Vec::new());
        phase(hand) == Some(SessionPhase::Running)
    });
    // The same by the keyboard.
    hand.key(bevy_egui::egui::Key::Space);
    hand.wait("the pause", |hand| {
        hand.frame(Vec::new());
        phase(hand) == Some(SessionPhase::Paused)
    });
}

#[test]
fn a_profile_is_switched_and_the_run_is_stopped() {
    let mut hand = running(200);
    hand.press("economy");
    hand.wait_for("profile economy: done");
    hand.wait("the snapshot", |hand| {
        hand.frame(Vec::new());
        let told = &hand.show.news.snapshots;
        told.first()
            .is_some_and(|told| told.session.profile == "economy")
    });
    hand.press("Run");
    hand.press("Stop at once");
    hand.wait_for("stop at once: done");
    hand.wait("the stop", |hand| {
        hand.frame(Vec::new());
        phase(hand) == Some(SessionPhase::Stopped)
    });
}

#[test]
fn a_setting_is_changed_and_a_wrong_one_is_refused_with_what_to_do() {
    let mut hand = running(200);
    let mut set = |name: &str, value: &str, said: &str| {
        hand.press("Run");
        hand.press("Change a setting…");
        hand.press("politeness.max_rate");
        hand.types(name);
        hand.press("value, e.g. 2.5 or \"30s\"");
        hand.types(value);
        hand.press("Send");
        hand.wait_for(said);
    };
    set("snapshot.interval", "\"500ms\"", "done");
    set("snapshot.intervall", "1", "did you mean");
}

#[test]
fn a_breaker_is_held_open_closed_and_left_to_its_rule() {
    let mut hand = running(200);
    let host = hand.show.mirror.tables().hosts()[0].id;
    hand.panels.host = Some(host);
    let breaker = |hand: &mut Hand, wanted| {
        hand.wait("the breaker", |hand| {
            hand.frame(Vec::new());
            hand.show.mirror.tables().hosts()[0].breaker == wanted
        });
    };
    hand.press("Open");
    breaker(&mut hand, BreakerPhase::Open);
    hand.wait_for("open: done");
    hand.press_nth("Close", 0);
    breaker(&mut hand, BreakerPhase::Closed);
    hand.press("By rule");
    hand.wait_for("by rule: done");
}

#[test]
fn a_task_tells_why_it_waits_and_is_paused_and_dropped() {
    let mut hand = running(200);
    hand.press("⏸ Pause");
    hand.wait_for("pause the run: done");
    let slot = hand.slots(|task| task.phase == Phase::Queued)[0];
    hand.show.select(vec![slot]);
    hand.wait_for("Waits");
    hand.press("Pause");
    hand.wait_for("pause the task: done");
    hand.wait_for("paused");
    hand.press("Drop");
    hand.wait_for("drop 1 page: done, 1 page");
    hand.wait("the drop", |hand| {
        hand.frame(Vec::new());
        hand.show.mirror.phase_at(slot) == Some(Phase::Cancelled)
    });
}

#[test]
fn a_lasso_of_tasks_is_paused_and_dropped_together() {
    let mut hand = running(200);
    hand.press("⏸ Pause");
    hand.wait_for("pause the run: done");
    let slots = hand.slots(|task| task.phase == Phase::Queued);
    let twenty = slots[..20].to_vec();
    hand.show.select(twenty.clone());
    hand.wait_for("20 tasks selected");
    hand.press("Pause");
    hand.wait_for("pause 20 tasks: done, 20 of 20");
    hand.press("Drop");
    hand.wait_for("drop 20 pages: done, 20 pages");
    hand.wait("the drop", |hand| {
        hand.frame(Vec::new());
        let mirror = &hand.show.mirror;
        twenty
            .iter()
            .all(|slot| mirror.phase_at(*slot) == Some(Phase::Cancelled))
    });
}

#[test]
fn dead_letters_are_requeued_by_class_dropped_by_host_and_requeued_one_by_one() {
    let mut hand = Hand::on_shop();
    hand.panels.tab = Tab::Letters;
    hand.wait("dead letters", |hand| {
        hand.frame(Vec::new());
        hand.show.news.story.letters.count() >= 4
    });
    hand.wait_for("not found");
    hand.wait_for(words::act(ErrorClass::NotFound));
    hand.press("Requeue");
    hand.wait_for("requeue dead letters, not found: done, ");
    hand.wait("more dead letters", |hand| {
        hand.frame(Vec::new());
        hand.show.news.story.letters.count() >= 2
    });
    hand.press("host");
    hand.wait_for("shop.test");
    hand.press("Drop");
    hand.wait_for("drop dead letters, shop.test: done, ");
    // One of them alone, from the inspector.
    hand.wait("a dead task", |hand| {
        hand.frame(Vec::new());
        !hand.slots(|task| task.phase == Phase::Dead).is_empty()
    });
    hand.panels.tab = Tab::Events;
    let slot = hand.slots(|task| task.phase == Phase::Dead)[0];
    hand.show.select(vec![slot]);
    hand.press("Requeue");
    hand.wait_for("requeue 1 page: done, 1 page");
}

#[test]
fn a_stages_dead_letters_and_tasks_are_acted_on_together() {
    let mut hand = Hand::on_shop();
    hand.wait("dead letters", |hand| {
        hand.frame(Vec::new());
        hand.show.news.story.letters.count() >= 3
    });
    hand.panels.stage = Some((SESSION, StageId(1)));
    hand.wait_for("Stage detail");
    hand.press("Requeue dead");
    hand.wait_for("requeue dead letters of detail: done, ");
    hand.press("Select tasks");
    hand.wait_for("tasks selected");
}

#[test]
fn a_task_that_has_left_is_still_shown_with_its_record() {
    let mut hand = running(120);
    let slot = hand.slots(|task| task.phase == Phase::Done && task.stage == StageId(1));
    hand.wait("a finished product", |hand| {
        hand.frame(Vec::new());
        !hand
            .slots(|task| task.phase == Phase::Done && task.stage == StageId(1))
            .is_empty()
    });
    drop(slot);
    let slot = hand.slots(|task| task.phase == Phase::Done && task.stage == StageId(1))[0];
    hand.show.select(vec![slot]);
    hand.wait_for("Record: product");
    hand.wait_for("manufacturer");
    hand.press("Run");
    hand.press("Stop at once");
    hand.wait_for("has left the window");
    hand.wait_for("Record: product");
    hand.key(bevy_egui::egui::Key::Escape);
    hand.wait_for("The run");
}

#[test]
fn a_recording_takes_no_commands_and_its_curves_are_whole_after_any_seek() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let path = folder.path().join("run.crawl");
    hand::record(&path, 600);
    let replay = Replay::open(&path).expect("it was just written");
    let (from, to) = replay.span_us();
    let mut hand = Hand::on(Source::Replay(Box::new(replay)), folder);
    let middle = u64::midpoint(from, to);
    let points = |hand: &Hand| hand.show.news.story.series[&1].since(0.0).count();
    hand.show.seek(to).expect("within the recording");
    let all = points(&hand);
    assert!(all >= 3, "{all} points");
    hand.show.seek(middle).expect("within the recording");
    let half = points(&hand);
    assert!(half >= 1 && half < all, "{half} of {all}");
    hand.show.seek(to).expect("within the recording");
    assert_eq!(points(&hand), all);
    hand.show.seek(middle).expect("within the recording");
    let slot = hand.slots(|_| true)[0];
    hand.show.select(vec![slot]);
    hand.wait_for("a recording takes no commands");
}
