//! Redirects, scope, pages of a session.

use crawlfield_engine::model::{
    class::SkipReason,
    phase::{Phase, SessionPhase},
};
use crawlfield_kit::{Reply, Scenario};
use serde_json::json;

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

/// Pages of this catalogue that were asked for.
fn asked(crawl: &crawlfield_kit::Crawl, n: usize) -> usize {
    let urls = crate::urls("a.test", n);
    urls.iter().filter(|url| crawl.times_asked(url) > 0).count()
}

#[test]
fn a_budget_of_pages_stops_the_run_and_resume_goes_on_with_as_many_again() {
    let mut crawl = catalogue(45)
        .page("a.test/1", [Reply::reset(), Reply::html("one")])
        .settings(|settings| settings.bounds.max_pages = Some(20))
        .start();
    crawl.run_until_idle();
    assert_eq!(crawl.session_phase(), Some(SessionPhase::Stopped));
    assert_eq!(asked(&crawl, 45), 19, "one page is the list");
    let result = crawl.result();
    assert_eq!(result["budget"], "bounds.max_pages");
    assert_eq!(
        (&result["skipped"], &result["complete"]),
        (&json!(0), &json!(false))
    );
    crawl.kill_and_resume();
    crawl.run_until_idle();
    assert_eq!(crawl.session_phase(), Some(SessionPhase::Stopped));
    assert_eq!(asked(&crawl, 45), 39);
    crawl.kill_and_resume();
    crawl.run_until_idle();
    assert_eq!(crawl.session_phase(), Some(SessionPhase::Completed));
    assert_eq!(crawl.saved(), 45);
    assert_eq!(crawl.result()["complete"], true);
}

#[test]
fn a_budget_that_is_just_enough_stops_nothing() {
    let mut crawl = catalogue(19)
        .settings(|settings| settings.bounds.max_pages = Some(20))
        .start();
    crawl.run_until_idle();
    assert_eq!(crawl.session_phase(), Some(SessionPhase::Completed));
    assert!(crawl.result()["budget"].is_null());
}

#[test]
fn a_budget_of_bytes_stops_before_the_next_request() {
    let mut scenario = catalogue(40).politeness("max_in_flight = 1");
    for url in crate::urls("a.test", 40) {
        scenario = scenario.page(&url, [Reply::html("page").bytes(1_000)]);
    }
    let mut crawl = scenario
        .settings(|settings| settings.bounds.max_bytes = Some(5_000))
        .start();
    crawl.run_until_idle();
    assert_eq!(crawl.session_phase(), Some(SessionPhase::Stopped));
    let result = crawl.result();
    assert_eq!(result["budget"], "bounds.max_bytes");
    let bytes = result["bytes"].as_u64().unwrap();
    assert!((5_000..7_000).contains(&bytes), "{bytes}");
    crawl.kill_and_resume();
    crawl.run_until_idle();
    assert!(crawl.result()["bytes"].as_u64().unwrap() > bytes);
}

#[test]
fn a_budget_of_minutes_goes_by_the_engines_clock() {
    let details = crate::urls("a.test", 100);
    let mut crawl = Scenario::new()
        .politeness("max_rate = \"0.5/s\"")
        .page("a.test/", [Reply::links(&details)])
        .details(&details)
        .start_url("a.test/")
        .settings(|settings| settings.bounds.max_minutes = Some(1))
        .start();
    crawl.run_until_idle();
    assert_eq!(crawl.session_phase(), Some(SessionPhase::Stopped));
    let result = crawl.result();
    assert_eq!(result["budget"], "bounds.max_minutes");
    let took = result["durationSeconds"].as_f64().unwrap();
    assert!((60.0..63.0).contains(&took), "{took}");
    assert!((25..35).contains(&crawl.saved()), "{}", crawl.saved());
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
        .page("a.test/x", [Reply::html("there").after(secs(2))])
        .start();
    crawl.run_until(|crawl| crawl.times_asked("a.test/x") == 1);
    crawl.kill_and_resume();
    crawl.run_until_idle();
    assert_eq!(crawl.times_asked("a.test/1"), 2);
    assert!(crawl.has_record("a.test/1"));
}
