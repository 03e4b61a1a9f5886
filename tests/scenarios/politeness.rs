//! How hosts are treated. That no host is asked sooner than its gap, with more in flight than its
//! limit, or before its Retry-After, is an invariant of every scenario.

use crawlfield_engine::model::class::{ErrorClass, WaitReason};
use crawlfield_kit::{Reply, Scenario};

use crate::{catalogue, millis, secs, urls};

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
    crawl.backend.network = Some(ErrorClass::Dns);
    crawl.advance(secs(120));
    assert_eq!(crawl.engine.limited(), Some(WaitReason::Offline));
    let while_down = crawl.backend.asked.len();
    crawl.advance(secs(60));
    assert!(
        crawl.backend.asked.len() - while_down <= 15,
        "it probes only"
    );
    crawl.backend.network = None;
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

/// Three hundred pages at a host that bears anything, and what some of them answer first.
fn quick_host(first: &[(usize, &[Reply])]) -> Scenario {
    quick_host_of(300, first)
}

fn quick_host_of(pages: usize, first: &[(usize, &[Reply])]) -> Scenario {
    let details = urls("a.test", pages);
    let mut scenario = Scenario::new()
        .politeness("max_rate = \"10000/s\"\nmax_in_flight = 16")
        .laws(|laws| laws.latency = millis(5))
        .page("a.test/", [Reply::links(&details)])
        .details(&details)
        .start_url("a.test/");
    for (page, replies) in first {
        let url = format!("a.test/{page}");
        let good = [Reply::html("good")];
        let replies = replies.iter().chain(&good).cloned();
        scenario = scenario.page(&url, replies);
    }
    scenario
}

/// Crawls all of it, and is done by then.
fn done_within(scenario: Scenario, seconds: u64) {
    let mut crawl = scenario.start();
    crawl.run_until_idle();
    assert_eq!(crawl.saved(), 300);
    assert!(crawl.now() < secs(seconds), "{:?}", crawl.now());
}

#[test]
fn a_hang_before_a_429_slows_nobody_for_long() {
    let hang = [Reply::timeout()];
    let refused = [Reply::retry_after(2)];
    done_within(quick_host(&[(1, &hang), (2, &refused)]), 12);
    done_within(quick_host(&[(40, &hang), (41, &hang), (42, &refused)]), 12);
}

#[test]
fn a_hang_in_the_first_request_of_all_is_waited_for_ten_seconds() {
    let list = urls("a.test", 300);
    let scenario = quick_host(&[])
        .robots_replies("a.test", [Reply::timeout(), Reply::robots("")])
        .page("a.test/", [Reply::timeout(), Reply::links(&list)]);
    done_within(scenario, 30);
}

#[test]
fn five_hangs_at_once_with_four_places_end_within_seconds() {
    let hang = [Reply::timeout()];
    let five: Vec<(usize, &[Reply])> = (20..25).map(|page| (page, &hang[..])).collect();
    let four = quick_host(&five).settings(|settings| settings.http_permits = 4);
    done_within(four, 12);
}

#[test]
fn a_429_at_the_very_second_request_is_forgotten_within_seconds() {
    let list = urls("a.test", 300);
    let again = [Reply::retry_after(2), Reply::links(&list)];
    done_within(quick_host(&[]).page("a.test/", again), 12);
    let again = [Reply::status(429), Reply::links(&list)];
    done_within(quick_host(&[]).page("a.test/", again), 12);
}

#[test]
fn pages_that_hang_for_ever_hold_up_no_other() {
    let mut scenario = quick_host(&[]);
    for page in (33..300).step_by(33) {
        scenario = scenario.page(&format!("a.test/{page}"), [Reply::timeout()]);
    }
    let mut crawl = scenario.start();
    crawl.run_until(|crawl| crawl.saved() == 291);
    assert!(crawl.now() < secs(15), "{:?}", crawl.now());
    crawl.run_until_idle();
    assert_eq!(crawl.result()["deadByClass"]["timeout_first_byte"], 9);
}

#[test]
fn a_page_that_is_slow_by_nature_gets_its_time() {
    let slow = Reply::html("slow").after(secs(25));
    let scenario = quick_host(&[]).page("a.test/7", [slow]);
    let mut crawl = scenario.start();
    crawl.run_until_idle();
    assert_eq!(crawl.saved(), 300, "{:?}", crawl.result()["deadByClass"]);
}

#[test]
fn a_host_that_is_down_for_a_minute_loses_nothing_and_is_fast_again() {
    let mut crawl = quick_host(&[]).start();
    crawl.run_until(|crawl| crawl.saved() > 100);
    crawl.backend.network = Some(ErrorClass::Connect);
    crawl.advance(secs(60));
    crawl.backend.network = None;
    let up = crawl.now();
    crawl.run_until_idle();
    assert_eq!(crawl.saved(), 300);
    let took = crawl.now().saturating_sub(up);
    assert!(took < secs(60), "{took:?} after it came back");
}

#[test]
fn a_host_that_refuses_at_any_speed_is_marked_and_parks_its_pages_only() {
    let refused = [Reply::retry_after(2)];
    // One of seventeen, at random: each seventeenth would be what a limit of seventeen does.
    let first: Vec<(usize, &[Reply])> = (1..=1_000_usize)
        .filter(|page| page.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40 & 0xff < 15)
        .map(|page| (page, &refused[..]))
        .collect();
    let mut crawl = quick_host_of(1_000, &first)
        .settings(|settings| settings.snapshot_interval = secs(1))
        .start();
    crawl.run_until_idle();
    assert_eq!(crawl.saved(), 1_000);
    // Sixty refusals of two seconds each.
    assert!(crawl.now() < secs(75), "{:?}", crawl.now());
    let lines = crawl.transcript.lines.join("\n");
    assert!(lines.contains("at any speed"), "{lines}");
    let marked = crawl.engine.hosts();
    assert!(marked[0].pace.refuses_at_any_speed().is_some());
}

#[test]
fn retries_at_a_host_with_nothing_else_to_do_wait_for_no_budget() {
    let reset = [Reply::reset()];
    let some: Vec<(usize, &[Reply])> = (1..300).step_by(10).map(|at| (at, &reset[..])).collect();
    let mut crawl = quick_host(&some)
        .settings(|settings| {
            settings.retry.budget_per_second = 0.1;
            settings.retry.budget_per_success = 0.0;
            settings.retry.budget_max = 1.0;
        })
        .start();
    crawl.run_until_idle();
    assert_eq!(crawl.saved(), 300);
    assert!(crawl.now() < secs(20), "{:?}", crawl.now());
}
