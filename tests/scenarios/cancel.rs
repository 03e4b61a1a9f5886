//! Cancelling stops resumably, draining or at once.

use crawlfield_engine::{
    message::commands::Command,
    model::phase::{Phase, SessionPhase},
};
use crawlfield_kit::Reply;

use crate::{catalogue, millis, secs};

fn cancel(now: bool) -> Command {
    Command::Cancel { session: None, now }
}

#[test]
fn draining_ends_what_is_in_flight_and_sends_nothing_more() {
    let mut crawl = catalogue(100).laws(|laws| laws.latency = secs(3)).start();
    crawl.run_until(|crawl| crawl.backend.out().len() >= 4 && crawl.saved() > 0);
    let asked = crawl.backend.asked.len();
    crawl.ask(cancel(false)).unwrap();
    crawl.run_until_idle();
    assert_eq!(crawl.backend.asked.len(), asked);
    assert_eq!(crawl.session_phase(), Some(SessionPhase::Stopped));
    assert_eq!(crawl.saved() as u64 + 1, crawl.count(Phase::Done));
    assert_eq!(crawl.count(Phase::Cancelled), 0);
}

#[test]
fn cancelling_at_once_aborts_within_a_tenth_of_a_second() {
    let mut crawl = catalogue(100).laws(|laws| laws.latency = secs(30)).start();
    crawl.run_until(|crawl| crawl.path("a.test/3").contains(&"fetching"));
    let began = crawl.now();
    crawl.ask(cancel(true)).unwrap();
    crawl.run_until_idle();
    assert!(
        crawl.now() - began <= millis(100),
        "{:?}",
        crawl.now() - began
    );
    assert_eq!(crawl.session_phase(), Some(SessionPhase::Stopped));
    assert_eq!(crawl.count(Phase::Queued) + crawl.count(Phase::Done), 101);
    assert!(crawl.count(Phase::Queued) > 90);
}

#[test]
fn cancelling_at_once_throws_a_parse_away() {
    let mut crawl = catalogue(3)
        .page("a.test/2", [Reply::html("slow").parsed_in(secs(20))])
        .start();
    crawl.run_until(|crawl| crawl.phase("a.test/2") == Some(Phase::Parsing));
    crawl.ask(cancel(true)).unwrap();
    crawl.run_until_idle();
    assert_eq!(crawl.phase("a.test/2"), Some(Phase::Queued));
    crawl.resume().unwrap();
    crawl.run_until_idle();
    assert_eq!(crawl.saved(), 3);
}

#[test]
fn cancelled_and_resumed_equals_undisturbed() {
    for now in [false, true] {
        for at in [1, 7, 40, 90] {
            let mut crawl = catalogue(120)
                .page("a.test/9", [Reply::reset(), Reply::html("nine")])
                .page("a.test/11", [Reply::status(404)])
                .start();
            crawl.run_until(|crawl| crawl.saved() >= at);
            crawl.ask(cancel(now)).unwrap();
            crawl.run_until_idle();
            crawl.resume().unwrap();
            crawl.run_until_idle();
            assert_eq!(crawl.saved(), 119, "{now} {at}");
            assert_eq!(crawl.session_phase(), Some(SessionPhase::Completed));
            assert_eq!(crawl.count(Phase::Done), 120, "{now} {at}");
            assert_eq!(crawl.count(Phase::Dead), 1, "{now} {at}");
        }
    }
}

#[test]
fn a_drain_turned_into_at_once_does_not_wait() {
    let mut crawl = catalogue(10).laws(|laws| laws.latency = secs(8)).start();
    crawl.run_until(|crawl| crawl.path("a.test/3").contains(&"fetching"));
    crawl.ask(cancel(false)).unwrap();
    crawl.advance(secs(1));
    let began = crawl.now();
    crawl.ask(cancel(true)).unwrap();
    crawl.run_until_idle();
    assert!(crawl.now() - began <= millis(100));
}

#[test]
fn a_paused_session_can_be_cancelled() {
    use crawlfield_engine::message::commands::Target;
    let mut crawl = catalogue(50).start();
    crawl.run_until(|crawl| crawl.saved() >= 5);
    crawl.ask(Command::Pause(Target::Engine)).unwrap();
    crawl.ask(cancel(false)).unwrap();
    crawl.run_until_idle();
    assert_eq!(crawl.session_phase(), Some(SessionPhase::Stopped));
}

#[test]
fn a_cancelled_redirect_is_taken_up_at_its_page() {
    let mut crawl = catalogue(2)
        .page("a.test/2", [Reply::redirect("b.test/2")])
        .page("b.test/2", [Reply::html("there")])
        .robots_replies("b.test", [Reply::robots("").after(secs(20))])
        .start();
    crawl.run_until(|crawl| crawl.path("a.test/2") == ["fetching", "queued"]);
    crawl.ask(cancel(false)).unwrap();
    crawl.run_until_idle();
    crawl.resume().unwrap();
    crawl.run_until_idle();
    assert_eq!(crawl.saved(), 2);
}
