//! How hosts are treated. That no host is asked sooner than its gap, with more in flight than its
//! limit, or before its Retry-After, is an invariant of every scenario.

use crawlfield_engine::model::class::ErrorClass;
use crawlfield_kit::{Reply, Scenario};

use crate::{catalogue, secs, urls};

#[test]
fn a_strangers_host_is_asked_four_times_a_second() {
    let details = urls("a.test", 20);
    let mut crawl = Scenario::new()
        .page("a.test/", [Reply::links(&details)])
        .details(&details)
        .start_url("a.test/")
        .start();
    crawl.run_until_idle();
    let asked = crawl.asked_of("a.test");
    let span = *asked.last().unwrap() - asked[0];
    assert!(span >= secs(5), "21 pages within {span:?}");
    assert!(span < secs(6), "21 pages took {span:?}");
}

#[test]
fn a_retry_after_parks_the_whole_host() {
    let mut crawl = catalogue(30)
        .page("a.test/5", [Reply::retry_after(60), Reply::html("five")])
        .start();
    crawl.run_until_idle();
    let asked = crawl.asked_of("a.test");
    let pause = asked
        .windows(2)
        .map(|pair| pair[1] - pair[0])
        .max()
        .unwrap();
    assert!(pause >= secs(59), "{pause:?}");
    assert_eq!(crawl.saved(), 30);
}

#[test]
fn a_retry_after_of_zero_parks_nobody() {
    let mut crawl = catalogue(30)
        .page("a.test/5", [Reply::retry_after(0), Reply::html("five")])
        .start();
    crawl.run_until_idle();
    assert!(crawl.now() < secs(10), "{:?}", crawl.now());
    assert_eq!(crawl.saved(), 30);
}

#[test]
fn a_retry_after_of_days_is_a_dead_letter() {
    let mut crawl = catalogue(1)
        .page("a.test/1", [Reply::retry_after(200_000)])
        .start();
    crawl.run_until_idle();
    let last = crawl.moves_of("a.test/1");
    assert_eq!(last.last().unwrap().to.name(), "dead");
    assert_eq!(crawl.result()["deadByClass"]["host_parked"], 1);
}

#[test]
fn a_host_that_asks_for_days_is_left_alone_and_holds_up_nobody() {
    let mut crawl = catalogue(10)
        .page("a.test/3", [Reply::retry_after(u64::MAX)])
        .page(
            "a.test/",
            [Reply::links(["b.test/", "a.test/3", "a.test/4"])],
        )
        .page("b.test/", [Reply::html("b")])
        .politeness("max_in_flight = 1")
        .start();
    crawl.run_until_idle();
    assert!(crawl.now() < secs(600), "{:?}", crawl.now());
    assert_eq!(crawl.times_asked("a.test/4"), 0);
    assert!(crawl.has_record("b.test/"));
    assert_eq!(crawl.result()["deadByClass"]["host_parked"], 2);
}

#[test]
fn a_burst_of_429_is_one_event() {
    let run = |burst: usize| {
        let mut scenario = catalogue(300).politeness("max_in_flight = 16");
        for i in 100..100 + burst {
            let url = format!("a.test/{i}");
            scenario = scenario.page(&url, [Reply::status(429), Reply::html("late")]);
        }
        let mut crawl = scenario.start();
        crawl.run_until_idle();
        assert_eq!(crawl.saved(), 300);
        crawl.now()
    };
    let (one, eight) = (run(1), run(8));
    assert!(
        eight < one * 3 / 2,
        "one 429 makes the crawl last {one:?}, eight at once {eight:?}"
    );
}

#[test]
fn throttles_cost_no_attempt_until_the_eleventh() {
    let mut replies = vec![Reply::retry_after(1); 10];
    replies.push(Reply::html("at last"));
    let mut crawl = catalogue(1)
        .detail("retry = { attempts = 1 }")
        .page("a.test/1", replies)
        .start();
    crawl.run_until_idle();
    assert_eq!(crawl.saved(), 1);
    let most = crawl
        .moves_of("a.test/1")
        .iter()
        .map(|fact| fact.attempts)
        .max();
    assert_eq!(most, Some(0));
}

#[test]
fn the_eleventh_throttle_in_a_row_costs_an_attempt() {
    let mut crawl = catalogue(1)
        .detail("retry = { attempts = 2 }\nstage_attempts = 1")
        .page("a.test/1", [Reply::retry_after(1)])
        .start();
    crawl.run_until_idle();
    assert_eq!(crawl.times_asked("a.test/1"), 12);
    assert_eq!(crawl.result()["deadByClass"]["rate_limit"], 1);
}

#[test]
fn throttles_do_not_open_the_breaker() {
    let mut crawl = catalogue(1)
        .detail("retry = { attempts = 2 }\nstage_attempts = 1")
        .page("a.test/1", [Reply::retry_after(0)])
        .start();
    crawl.run_until_idle();
    let lines = crawl.transcript.lines.join("\n");
    assert!(!lines.contains("breaker"), "{lines}");
}

#[test]
fn a_host_that_a_redirect_led_to_first_is_the_same_host_for_links() {
    let there = urls("b.test", 6);
    let mut crawl = Scenario::new()
        .host("b.test")
        .page("a.test/", [Reply::links(["a.test/1"]).next("a.test/p2")])
        .page("a.test/1", [Reply::redirect("b.test/moved")])
        .page("b.test/moved", [Reply::html("moved")])
        .page("a.test/p2", [Reply::links(&there)])
        .robots_replies("b.test", [Reply::robots("").after(secs(5))])
        .details(&there)
        .start_url("a.test/")
        .start();
    crawl.run_until_idle();
    assert_eq!(crawl.saved(), 7);
    assert_eq!(crawl.times_asked("b.test/robots.txt"), 1);
}

#[test]
fn our_own_network_being_down_costs_nobody_an_attempt() {
    let mut scenario = Scenario::new().detail("retry = { attempts = 2 }\nstage_attempts = 1");
    let mut all = Vec::new();
    for host in ["a.test", "b.test", "c.test", "d.test"] {
        all.extend(urls(host, 10));
    }
    scenario = scenario
        .page("a.test/", [Reply::links(&all)])
        .details(&all)
        .start_url("a.test/");
    let mut crawl = scenario.start();
    crawl.run_until(|crawl| crawl.saved() > 8);
    crawl.far.network = Some(ErrorClass::Dns);
    crawl.advance(secs(120));
    assert!(crawl.engine.condition().offline.is_offline());
    let while_down = crawl.far.asked.len();
    crawl.advance(secs(60));
    assert!(crawl.far.asked.len() - while_down <= 15, "it probes only");
    crawl.far.network = None;
    crawl.run_until_idle();
    assert_eq!(crawl.saved(), 40);
    let most = crawl
        .transcript
        .facts
        .iter()
        .map(|fact| fact.attempts)
        .max();
    let last: Vec<u16> = all
        .iter()
        .map(|url| crawl.moves_of(url).last().unwrap().attempts)
        .collect();
    assert!(
        last.iter().all(|attempts| *attempts == 0),
        "{most:?} {last:?}"
    );
}
