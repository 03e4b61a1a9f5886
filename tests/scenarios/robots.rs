//! robots.txt. That what it denies is never asked is an invariant.

use crawlfield_engine::model::{class::SkipReason, phase::Phase};
use crawlfield_kit::{Reply, Scenario};

use crate::{catalogue, secs, urls};

#[test]
fn robots_is_read_before_any_page_and_once() {
    let mut crawl = catalogue(20)
        .robots("a.test", "User-agent: *\nAllow: /")
        .start();
    crawl.run_until_idle();
    assert!(crawl.backend.asked[0].url.ends_with("/robots.txt"));
    assert_eq!(crawl.times_asked("a.test/robots.txt"), 1);
}

#[test]
fn what_robots_denies_is_skipped_with_the_reason() {
    let mut crawl = catalogue(3)
        .robots("a.test", "User-agent: *\nDisallow: /2")
        .start();
    crawl.run_until_idle();
    assert_eq!(crawl.path("a.test/2"), ["skipped"]);
    assert_eq!(
        crawl.moves_of("a.test/2")[0].reason,
        Some(SkipReason::Robots)
    );
    assert_eq!(crawl.saved(), 2);
}

#[test]
fn a_crawl_delay_is_a_floor() {
    let mut crawl = catalogue(5)
        .robots("a.test", "User-agent: *\nCrawl-delay: 10")
        .start();
    crawl.run_until_idle();
    assert!(crawl.now() >= secs(50), "{:?}", crawl.now());
}

#[test]
fn a_site_file_may_switch_robots_off() {
    let mut crawl = catalogue(3)
        .politeness("robots = false")
        .robots("a.test", "User-agent: *\nDisallow: /")
        .start();
    crawl.run_until_idle();
    assert_eq!(crawl.saved(), 3);
    assert_eq!(crawl.times_asked("a.test/robots.txt"), 0);
}

#[test]
fn a_robots_txt_that_cannot_be_read_lets_nothing_pass_until_it_can() {
    let replies = [Reply::status(503), Reply::status(500), Reply::robots("")];
    let mut crawl = catalogue(3).robots_replies("a.test", replies).start();
    crawl.run_until_idle();
    assert_eq!(crawl.saved(), 3);
    assert_eq!(crawl.times_asked("a.test/robots.txt"), 3);
}

#[test]
fn a_robots_txt_that_stays_unreadable_fails_the_hosts_pages() {
    let mut crawl = catalogue(3)
        .robots_replies("a.test", [Reply::status(500)])
        .start();
    crawl.run_until_idle();
    assert_eq!(crawl.asked_of("a.test").len(), 0);
    assert_eq!(crawl.count(Phase::Dead), 1);
    assert_eq!(crawl.result()["deadByClass"]["robots_unreadable"], 1);
}

#[test]
fn a_redirect_hop_waits_for_the_other_hosts_robots() {
    let mut crawl = catalogue(1)
        .page("a.test/1", [Reply::redirect("b.test/1")])
        .page("b.test/1", [Reply::html("moved")])
        .robots_replies("b.test", [Reply::robots("").after(secs(20))])
        .start();
    crawl.run_until_idle();
    assert_eq!(
        crawl.path("a.test/1"),
        [
            "fetching", "queued", "fetching", "fetched", "parsing", "parsed", "saving", "done"
        ]
    );
    let moves = crawl.moves_of("a.test/1");
    assert!(moves[2].at - moves[1].at >= secs(20));
    assert_eq!(moves[7].attempts, 0);
    assert!(crawl.has_record("a.test/1"));
}

#[test]
fn a_redirect_into_what_the_other_hosts_robots_denies_is_skipped() {
    let mut crawl = catalogue(1)
        .page("a.test/1", [Reply::redirect("b.test/1")])
        .page("b.test/1", [Reply::html("moved")])
        .robots("b.test", "User-agent: *\nDisallow: /")
        .start();
    crawl.run_until_idle();
    assert_eq!(crawl.times_asked("b.test/1"), 0);
    let last = crawl.moves_of("a.test/1");
    assert_eq!(last.last().unwrap().reason, Some(SkipReason::Robots));
}

#[test]
fn a_redirected_robots_txt_waits_until_the_host_that_it_leads_to_may_be_asked() {
    let mut crawl = Scenario::new()
        .page("a.test/", [Reply::links(["a.test/1", "a.test/2"])])
        .details(["a.test/1", "a.test/2"])
        .robots_replies(
            "a.test",
            [Reply::redirect("b.test/robots.txt").after(secs(5))],
        )
        .page(
            "b.test/",
            [Reply::retry_after(60), Reply::links(["b.test/1"])],
        )
        .details(["b.test/1"])
        .robots("b.test", "User-agent: *\nDisallow: /2")
        .start_url("a.test/")
        .start_url("b.test/")
        .start();
    crawl.run_until_idle();
    let asked = crawl.backend.asked.iter();
    let hop = asked.filter(|asked| asked.url == "http://b.test/robots.txt");
    let hops: Vec<_> = hop.map(|asked| asked.at).collect();
    assert_eq!(hops.len(), 2, "for b.test itself, and for a.test");
    assert!(hops[1] >= secs(60), "{hops:?}");
    assert_eq!(
        crawl.path("a.test/2"),
        ["skipped"],
        "by the rules read there"
    );
    assert_eq!(crawl.saved(), 2);
}

#[test]
fn a_robots_txt_that_leads_in_a_circle_is_none_after_five_hops() {
    let mut crawl = catalogue(1)
        .robots_replies("a.test", [Reply::redirect("b.test/robots.txt")])
        .page("b.test/robots.txt", [Reply::redirect("a.test/robots.txt")])
        .start();
    crawl.run_until_idle();
    let asked = crawl.backend.asked.iter();
    assert_eq!(
        asked
            .filter(|asked| asked.url.ends_with("/robots.txt"))
            .count(),
        6
    );
    assert_eq!(crawl.saved(), 1);
}

#[test]
fn hosts_do_not_wait_for_each_others_robots() {
    let there = urls("b.test", 5);
    let mut crawl = Scenario::new()
        .page("a.test/", [Reply::links(["a.test/1"])])
        .details(["a.test/1"])
        .robots_replies("a.test", [Reply::robots("").after(secs(60))])
        .page("b.test/", [Reply::links(&there)])
        .details(&there)
        .start_url("a.test/")
        .start_url("b.test/")
        .start();
    crawl.run_until(|crawl| crawl.saved() == 5);
    assert!(crawl.now() < secs(10));
    crawl.run_until_idle();
}
