//! Pause, resume, single step.

use crawlfield_engine::{
    message::commands::{Command, Target},
    model::phase::SessionPhase,
};

use crate::{catalogue, secs};

#[test]
fn a_paused_session_sends_nothing_and_finishes_what_is_in_flight() {
    let mut crawl = catalogue(100).start();
    crawl.run_until(|crawl| crawl.saved() >= 10);
    let session = crawl.session();
    crawl.ask(Command::Pause(Target::Session(session))).unwrap();
    assert_eq!(crawl.session_phase(), Some(SessionPhase::Paused));
    let asked = crawl.backend.asked.len();
    crawl.advance(secs(600));
    assert_eq!(crawl.backend.asked.len(), asked);
    assert!(crawl.backend.out().is_empty());
    crawl
        .ask(Command::Resume(Target::Session(session)))
        .unwrap();
    crawl.run_until_idle();
    assert_eq!(crawl.saved(), 100);
}

#[test]
fn a_paused_engine_steps_tick_by_tick() {
    let mut crawl = catalogue(100).start();
    crawl.run_until(|crawl| crawl.saved() >= 10);
    assert!(crawl.ask(Command::Step(1)).is_err(), "only when paused");
    crawl.ask(Command::Pause(Target::Engine)).unwrap();
    crawl.advance(secs(10));
    let asked = crawl.backend.asked.len();
    crawl.ask(Command::Step(1)).unwrap();
    crawl.advance(secs(10));
    let stepped = crawl.backend.asked.len() - asked;
    assert!(stepped > 0, "a step sends what may be sent");
    assert!(stepped < 50, "{stepped}");
    crawl.ask(Command::Resume(Target::Engine)).unwrap();
    crawl.run_until_idle();
    assert_eq!(crawl.saved(), 100);
}

#[test]
fn one_paused_task_waits_while_the_others_go_on() {
    let mut crawl = catalogue(60).start();
    crawl.run_until(|crawl| crawl.transcript.key("a.test/50").is_some());
    let key = crawl.transcript.key("a.test/50").unwrap();
    crawl.ask(Command::Pause(Target::Task(key))).unwrap();
    crawl.advance(secs(60));
    assert_eq!(crawl.saved(), 59);
    assert_eq!(crawl.times_asked("a.test/50"), 0);
    crawl.ask(Command::Resume(Target::Task(key))).unwrap();
    crawl.run_until_idle();
    assert_eq!(crawl.saved(), 60);
}

#[test]
fn a_pause_during_backoff_holds_what_comes_due() {
    use crawlfield_kit::Reply;
    let mut crawl = catalogue(1)
        .detail("retry = { attempts = 3, backoff = \"fixed\", base = \"5s\", jitter = \"none\" }")
        .page("a.test/1", [Reply::reset(), Reply::html("late")])
        .start();
    crawl.run_until(|crawl| crawl.path("a.test/1").contains(&"backoff"));
    crawl.ask(Command::Pause(Target::Engine)).unwrap();
    crawl.advance(secs(60));
    assert_eq!(crawl.times_asked("a.test/1"), 1);
    crawl.ask(Command::Resume(Target::Engine)).unwrap();
    crawl.run_until_idle();
    assert_eq!(crawl.saved(), 1);
}
