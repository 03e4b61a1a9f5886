//! Each page once.

use crawlfield_engine::{
    message::store_verbs::Mode,
    model::{class::SkipReason, phase::Phase},
};
use crawlfield_kit::{Reply, Scenario};

use crate::catalogue;

#[test]
fn a_page_that_many_lists_name_is_fetched_once() {
    let mut crawl = Scenario::new()
        .page(
            "a.test/",
            [Reply::links(["a.test/1", "a.test/2", "a.test/1"]).next("a.test/p2")],
        )
        .page("a.test/p2", [Reply::links(["a.test/2", "a.test/3"])])
        .details(["a.test/1", "a.test/2", "a.test/3"])
        .start_url("a.test/")
        .start();
    crawl.run_until_idle();
    for page in ["a.test/1", "a.test/2", "a.test/3"] {
        assert_eq!(crawl.times_asked(page), 1, "{page}");
    }
    assert_eq!(crawl.result()["discovered"], 5);
}

#[test]
fn a_fragment_makes_no_other_page() {
    let mut crawl = Scenario::new()
        .page("a.test/", [Reply::links(["a.test/1#top", "a.test/1"])])
        .details(["a.test/1"])
        .start_url("a.test/")
        .start();
    crawl.run_until_idle();
    assert_eq!(crawl.result()["discovered"], 2);
}

#[test]
fn a_redirect_to_a_page_that_is_known_is_skipped_as_a_duplicate() {
    let mut crawl = catalogue(2)
        .page("a.test/2", [Reply::redirect("a.test/1")])
        .start();
    crawl.run_until_idle();
    let last = crawl.moves_of("a.test/2");
    assert_eq!(last.last().unwrap().reason, Some(SkipReason::Duplicate));
    assert_eq!(crawl.saved(), 1);
}

#[test]
fn a_link_to_an_alias_is_no_new_page() {
    let mut crawl = Scenario::new()
        .list("retry = { attempts = 3, backoff = \"fixed\", base = \"9s\", jitter = \"none\" }")
        .page("a.test/", [Reply::links(["a.test/old"]).next("a.test/p2")])
        .page("a.test/old", [Reply::redirect("a.test/new")])
        .page("a.test/new", [Reply::html("moved")])
        .page("a.test/p2", [Reply::reset(), Reply::links(["a.test/new"])])
        .start_url("a.test/")
        .start();
    crawl.run_until_idle();
    assert_eq!(crawl.saved(), 1);
    assert_eq!(
        crawl.times_asked("a.test/new"),
        1,
        "{}",
        crawl.transcript.tail(40)
    );
}

#[test]
fn pages_that_lead_to_each_other_end() {
    let mut crawl = Scenario::new()
        .page("a.test/", [Reply::links::<&str>([]).next("a.test/p2")])
        .page("a.test/p2", [Reply::links::<&str>([]).next("a.test/")])
        .start_url("a.test/")
        .start();
    crawl.run_until_idle();
    assert_eq!(crawl.count(Phase::Done), 2);
}

#[test]
fn a_second_run_fetches_lists_and_only_new_details() {
    let mut crawl = catalogue(5).start();
    crawl.run_until_idle();
    crawl.again(Mode::New).unwrap();
    crawl.run_until_idle();
    assert_eq!(crawl.times_asked("a.test/"), 2);
    assert_eq!(crawl.times_asked("a.test/3"), 1);
    crawl.again(Mode::Full).unwrap();
    crawl.run_until_idle();
    assert_eq!(crawl.times_asked("a.test/3"), 2);
    assert_eq!(crawl.saved(), 5);
}
