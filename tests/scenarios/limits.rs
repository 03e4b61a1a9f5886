//! Redirects, scope, pages of a session.

use crawlfield_engine::model::{class::SkipReason, phase::Phase};
use crawlfield_kit::Reply;

use crate::catalogue;

#[test]
fn too_many_redirects_are_a_dead_letter() {
    let mut scenario = catalogue(1).page("a.test/1", [Reply::redirect("a.test/hop/0")]);
    for i in 0..20 {
        let to = format!("a.test/hop/{}", i + 1);
        scenario = scenario.page(&format!("a.test/hop/{i}"), [Reply::redirect(&to)]);
    }
    let mut crawl = scenario
        .settings(|settings| settings.fetch.max_redirects = 4)
        .start();
    crawl.run_until_idle();
    assert_eq!(crawl.result()["deadByClass"]["redirect"], 1);
    assert_eq!(crawl.times_asked("a.test/hop/3"), 1);
    assert_eq!(crawl.times_asked("a.test/hop/4"), 0);
}

#[test]
fn a_redirect_loop_is_a_dead_letter_at_once() {
    let mut crawl = catalogue(1)
        .page("a.test/1", [Reply::redirect("a.test/x")])
        .page("a.test/x", [Reply::redirect("a.test/1")])
        .start();
    crawl.run_until_idle();
    assert_eq!(crawl.result()["deadByClass"]["redirect"], 1);
    assert_eq!(crawl.times_asked("a.test/1"), 1);
}

#[test]
fn a_redirect_out_of_scope_is_not_followed() {
    let mut crawl = catalogue(1)
        .page("a.test/1", [Reply::redirect("elsewhere.test/1")])
        .start();
    crawl.run_until_idle();
    let last = crawl.moves_of("a.test/1");
    assert_eq!(last.last().unwrap().reason, Some(SkipReason::OutOfScope));
    assert!(crawl.asked_of("elsewhere.test").is_empty());
}

#[test]
fn a_retry_begins_at_the_page_again_not_at_the_hop() {
    let mut crawl = catalogue(1)
        .page("a.test/1", [Reply::redirect("a.test/x")])
        .page("a.test/x", [Reply::reset(), Reply::html("there")])
        .start();
    crawl.run_until_idle();
    assert_eq!(crawl.times_asked("a.test/1"), 2);
    assert_eq!(crawl.times_asked("a.test/x"), 2);
    assert_eq!(crawl.count(Phase::Done), 2);
}

#[test]
fn a_session_asks_for_no_more_pages_than_it_may_also_when_resumed() {
    let mut crawl = catalogue(40)
        .page("a.test/1", [Reply::reset(), Reply::html("one")])
        .settings(|settings| settings.bounds.max_pages = Some(20))
        .start();
    crawl.run_until(|crawl| crawl.saved() >= 5);
    crawl.kill_and_resume();
    crawl.run_until_idle();
    assert_eq!(crawl.count(Phase::Done), 20);
    assert_eq!(crawl.saved(), 19, "one page is the list");
    assert_eq!(crawl.result()["skippedByReason"]["budget"], 21);
    let asked = crate::urls("a.test", 40);
    let asked = asked.iter().filter(|url| crawl.times_asked(url) > 0);
    assert_eq!(asked.count(), 19);
}
