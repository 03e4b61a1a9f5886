//! Redirects, scope, pages of a session.

use crawlfield_engine::{
    feed::frame::SessionPhase,
    model::{class::SkipReason, phase::Phase},
};
use crawlfield_kit::{Reply, Scenario};
use serde_json::json;

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
