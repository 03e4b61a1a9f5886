//! Redirects, scope, pages of a session.

use crawlfield_engine::model::{class::SkipReason, phase::Phase};
use crawlfield_kit::Reply;

use crate::{catalogue, secs};

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

/// A refresh in the markup or the head is a redirect (D4).
fn refreshes(to: &str) -> [Reply; 2] {
    let value = format!("5; url=http://{to}");
    let by_head = Reply::html("wait").header("refresh", &value);
    [Reply::html("wait").refresh(to), by_head]
}

#[test]
fn a_refresh_leads_on_as_a_redirect_does() {
    for (reply, is_parsed) in refreshes("b.test/1").into_iter().zip([true, false]) {
        let mut crawl = catalogue(1)
            .page("a.test/1", [reply])
            .page("b.test/1", [Reply::html("there")])
            .robots_replies("b.test", [Reply::robots("").after(secs(20))])
            .start();
        crawl.run_until_idle();
        let read = ["fetching", "fetched", "parsing", "parsed", "saving", "done"];
        let begins: &[&str] = if is_parsed { &read[..3] } else { &read[..1] };
        let path = [begins, &["queued"], &read].concat();
        assert_eq!(crawl.path("a.test/1"), path);
        let moves = crawl.moves_of("a.test/1");
        assert!(moves[begins.len() + 1].at - moves[begins.len()].at >= secs(19));
        assert!(crawl.has_record("a.test/1"));
        assert_eq!(crawl.times_asked("a.test/1"), 1);
    }
}

#[test]
fn a_refresh_is_checked_as_a_redirect_is() {
    for reply in refreshes("elsewhere.test/1") {
        let mut crawl = catalogue(1).page("a.test/1", [reply]).start();
        crawl.run_until_idle();
        let last = crawl.moves_of("a.test/1");
        assert_eq!(last.last().unwrap().reason, Some(SkipReason::OutOfScope));
        assert!(crawl.asked_of("elsewhere.test").is_empty());
    }
    for reply in refreshes("b.test/1") {
        let mut crawl = catalogue(1)
            .page("a.test/1", [reply])
            .page("b.test/1", [Reply::html("there")])
            .robots("b.test", "User-agent: *\nDisallow: /")
            .start();
        crawl.run_until_idle();
        let last = crawl.moves_of("a.test/1");
        assert_eq!(last.last().unwrap().reason, Some(SkipReason::Robots));
    }
    for (there, back) in refreshes("a.test/x").into_iter().zip(refreshes("a.test/1")) {
        let mut crawl = catalogue(1)
            .page("a.test/1", [there])
            .page("a.test/x", [back])
            .start();
        crawl.run_until_idle();
        assert_eq!(crawl.result()["deadByClass"]["redirect"], 1);
        assert_eq!(crawl.times_asked("a.test/1"), 1);
    }
}

#[test]
fn a_page_that_refreshes_itself_or_late_is_a_page() {
    for value in [
        "5",
        "0; url=http://a.test/1#top",
        "0; url=/1",
        "6; url=/x",
        "0; url=mailto:x",
    ] {
        let page = Reply::html("page").header("refresh", value);
        let mut crawl = catalogue(1).page("a.test/1", [page]).start();
        crawl.run_until_idle();
        assert!(crawl.has_record("a.test/1"), "{value}");
        assert_eq!(crawl.times_asked("a.test/1"), 1);
    }
}

#[test]
fn a_refresh_is_taken_up_at_its_page_after_a_crash() {
    let [reply, _] = refreshes("a.test/x");
    let mut crawl = catalogue(1)
        .page("a.test/1", [reply])
        .page("a.test/x", [Reply::html("there").after(secs(9))])
        .start();
    crawl.run_until(|crawl| crawl.times_asked("a.test/x") == 1);
    crawl.kill_and_resume();
    crawl.run_until_idle();
    assert_eq!(crawl.times_asked("a.test/1"), 2);
    assert!(crawl.has_record("a.test/1"));
}
