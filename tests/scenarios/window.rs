//! The window over the frontier. That it never holds more than its size is an invariant.

use crawlfield_engine::model::phase::Phase;
use crawlfield_kit::{Reply, Scenario};

use crate::{catalogue, secs, urls};

#[test]
fn a_window_smaller_than_the_frontier_loses_nothing() {
    let mut crawl = catalogue(1_000)
        .settings(|settings| settings.window = 100)
        .start();
    crawl.run_until_idle();
    assert_eq!(crawl.saved(), 1_000);
}

#[test]
fn a_small_window_keeps_the_order_of_discovery() {
    let mut crawl = catalogue(500)
        .politeness("max_in_flight = 1")
        .settings(|settings| settings.window = 100)
        .start();
    crawl.run_until_idle();
    let asked: Vec<&str> = crawl.backend.asked[2..]
        .iter()
        .map(|asked| crawlfield_kit::short(&asked.url))
        .collect();
    assert_eq!(asked, urls("a.test", 500));
}

#[test]
fn no_host_fills_the_window() {
    // The first host is so slow that its pages would hold the window for hours.
    let slow = urls("slow.test", 2_000);
    let quick = urls("quick.test", 50);
    let mut crawl = Scenario::new()
        .robots("slow.test", "User-agent: *\nCrawl-delay: 60")
        .page("quick.test/", [Reply::links(&slow).next("quick.test/p2")])
        .page("quick.test/p2", [Reply::links(&quick)])
        .details(&slow)
        .details(&quick)
        .settings(|settings| settings.window = 200)
        .start_url("quick.test/")
        .start();
    crawl.run_until(|crawl| quick.iter().all(|url| crawl.has_record(url)));
    assert!(crawl.now() < secs(60), "{:?}", crawl.now());
}

#[test]
fn pages_in_backoff_do_not_fill_the_window() {
    let bad = urls("bad.test", 1_000);
    let good = urls("good.test", 50);
    let mut scenario = Scenario::new()
        .politeness("max_rate = \"50/s\"")
        .detail("retry = { attempts = 3, backoff = \"fixed\", base = \"1h\", jitter = \"none\" }")
        .settings(|settings| {
            settings.window = 200;
            settings.breaker.min_sample = 10_000;
        });
    for url in &bad {
        scenario = scenario.page(url, [Reply::status(500), Reply::html("late")]);
    }
    let mut crawl = scenario
        .page("good.test/", [Reply::links(&bad).next("good.test/p2")])
        .page("good.test/p2", [Reply::links(&good).after(secs(30))])
        .details(&good)
        .start_url("good.test/")
        .start();
    crawl.run_until(|crawl| good.iter().all(|url| crawl.has_record(url)));
    assert!(crawl.now() < secs(120), "{:?}", crawl.now());
}

#[test]
fn tasks_leave_two_seconds_after_they_are_final() {
    let mut crawl = catalogue(1).start();
    crawl.run_until(|crawl| crawl.saved() == 1);
    crawl.run_until(|crawl| crawl.phase("a.test/").is_some_and(Phase::is_final));
    let lines = crawl.transcript.lines.join("\n");
    assert!(!lines.contains("leaves") || lines.contains("completed"));
}

#[test]
fn a_barrier_before_a_frontier_larger_than_the_window_does_not_hang() {
    let mut scenario = Scenario::new()
        .politeness("max_rate = \"100/s\"")
        .settings(|settings| settings.window = 100)
        .detail("barrier = true")
        .start_url("a.test/p1");
    for list in 1..=20 {
        let details = urls(&format!("a.test/d{list}"), 12);
        let next = format!("a.test/p{}", list + 1);
        let reply = Reply::links(&details);
        let reply = if list < 20 { reply.next(&next) } else { reply };
        scenario = scenario
            .page(&format!("a.test/p{list}"), [reply])
            .details(&details);
    }
    let mut crawl = scenario.start();
    crawl.run_until_idle();
    assert_eq!(crawl.saved(), 240);
}
