//! The breaker of a host. That nothing is sent while it is open is an invariant.

use crawlfield_engine::message::commands::Command;
use crawlfield_kit::{Crawl, Reply};

use crate::{catalogue, secs, urls};

fn breaker_lines(crawl: &Crawl) -> Vec<String> {
    let lines = crawl.transcript.lines.iter();
    lines
        .filter_map(|line| Some(line.split_once("breaker of ")?.1.to_owned()))
        .collect()
}

/// Twenty pages of which every second one fails once: half of the sample.
fn with_failures(is_failing: impl Fn(usize) -> bool) -> Crawl {
    let mut scenario = catalogue(60).politeness("max_in_flight = 1");
    for (i, url) in urls("a.test", 60).iter().enumerate() {
        if i < 30 && is_failing(i) {
            scenario = scenario.page(url, [Reply::status(500), Reply::html("late")]);
        }
    }
    scenario
        .detail("retry = { attempts = 8, backoff = \"fixed\", base = \"60s\", jitter = \"none\" }")
        .start()
}

#[test]
fn a_failing_host_is_left_alone_probed_and_taken_up_again() {
    let mut crawl = with_failures(|i| i < 20);
    crawl.run_until_idle();
    let told = breaker_lines(&crawl);
    assert_eq!(told[0], "a.test → open");
    assert_eq!(told[1], "a.test → half_open");
    assert_eq!(told.last().map(String::as_str), Some("a.test → closed"));
    assert_eq!(crawl.saved(), 60);
}

#[test]
fn the_order_of_failures_does_not_matter_for_the_breaker() {
    // Eighteen of the first thirty answers fail, in three orders.
    for order in [|i| i % 5 < 3, |i| i % 10 < 6, |i| i % 5 > 1] {
        let mut crawl = with_failures(order);
        crawl.run_until_idle();
        let told = breaker_lines(&crawl);
        assert_eq!(told.first().map(String::as_str), Some("a.test → open"));
    }
}

#[test]
fn a_few_failures_among_many_successes_open_nothing() {
    let mut crawl = with_failures(|i| i % 4 == 0);
    crawl.run_until_idle();
    assert_eq!(breaker_lines(&crawl), Vec::<String>::new());
}

#[test]
fn a_person_opens_and_closes_a_breaker() {
    let mut crawl = catalogue(60).start();
    crawl.run_until(|crawl| crawl.saved() >= 5);
    let host = "a.test".to_owned();
    let open = Some(true);
    crawl.ask(Command::Breaker { host, open }).unwrap();
    let before = crawl.backend.asked.len();
    crawl.advance(secs(3_600));
    assert_eq!(crawl.backend.asked.len(), before);
    let host = "a.test".to_owned();
    crawl.ask(Command::Breaker { host, open: None }).unwrap();
    crawl.run_until_idle();
    assert_eq!(crawl.saved(), 60);
}

#[test]
fn one_hosts_breaker_is_nobody_elses() {
    let there = urls("b.test", 20);
    let mut scenario = catalogue(20);
    for url in urls("a.test", 20) {
        scenario = scenario.page(&url, [Reply::status(500)]);
    }
    let mut crawl = scenario
        .page("b.test/", [Reply::links(&there)])
        .details(&there)
        .start_url("b.test/")
        .detail("retry = { attempts = 2 }\nstage_attempts = 1")
        .start();
    crawl.run_until(|crawl| there.iter().all(|url| crawl.has_record(url)));
    assert!(crawl.now() < secs(30), "{:?}", crawl.now());
    crawl.run_until_idle();
    assert_eq!(crawl.saved(), 20);
}
