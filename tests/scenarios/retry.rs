//! Backoff, attempts, the retry budget.

use std::time::Duration;

use crawlfield_engine::model::class::ErrorClass;
use crawlfield_kit::Reply;

use crate::{catalogue, secs, urls};

fn waits(retry: &str) -> Vec<Duration> {
    let mut crawl = catalogue(1)
        .detail(&format!("retry = {retry}\nstage_attempts = 1"))
        .page("a.test/1", [Reply::reset()])
        .start();
    crawl.run_until_idle();
    let moves = crawl.moves_of("a.test/1");
    let backoffs = moves
        .iter()
        .filter_map(|fact| Some(fact.retry_at? - fact.at));
    backoffs.collect()
}

#[test]
fn fixed_linear_and_exponential_backoff_wait_as_they_say() {
    let wait = |backoff: &str| {
        waits(&format!(
            "{{ attempts = 5, backoff = \"{backoff}\", base = \"2s\", cap = \"9s\", jitter = \"none\" }}"
        ))
    };
    assert_eq!(wait("fixed"), [2, 2, 2, 2].map(secs));
    assert_eq!(wait("linear"), [2, 4, 6, 8].map(secs));
    assert_eq!(wait("exponential"), [2, 4, 8, 9].map(secs));
}

#[test]
fn full_jitter_stays_below_the_delay_and_differs() {
    let found = waits("{ attempts = 9, backoff = \"fixed\", base = \"8s\", jitter = \"full\" }");
    assert_eq!(found.len(), 8);
    assert!(found.iter().all(|wait| *wait <= secs(8)), "{found:?}");
    assert!(found.windows(2).any(|pair| pair[0] != pair[1]), "{found:?}");
}

#[test]
fn a_page_is_asked_as_often_as_its_attempts_and_its_stages_say() {
    let mut crawl = catalogue(1)
        .detail("retry = { attempts = 3, base = \"100ms\" }\nstage_attempts = 2")
        .page("a.test/1", [Reply::reset()])
        .start();
    crawl.run_until_idle();
    assert_eq!(crawl.times_asked("a.test/1"), 6);
    assert_eq!(crawl.result()["deadByClass"]["reset"], 1);
}

#[test]
fn each_class_of_failure_ends_as_the_table_says() {
    use ErrorClass as C;
    let permanent = [C::Tls, C::TooLarge, C::UnsafeAddress];
    let transient = [
        C::Dns,
        C::Connect,
        C::Reset,
        C::Truncated,
        C::Protocol,
        C::Decode,
    ];
    for class in permanent {
        let mut crawl = catalogue(1).page("a.test/1", [Reply::fail(class)]).start();
        crawl.run_until_idle();
        assert_eq!(crawl.path("a.test/1"), ["fetching", "dead"], "{class:?}");
    }
    for class in transient {
        let replies = [Reply::fail(class), Reply::html("well")];
        let mut crawl = catalogue(1).page("a.test/1", replies).start();
        crawl.run_until_idle();
        assert_eq!(crawl.saved(), 1, "{class:?}");
    }
    for status in [403, 410, 451, 501] {
        let mut crawl = catalogue(1)
            .page("a.test/1", [Reply::status(status)])
            .start();
        crawl.run_until_idle();
        assert_eq!(crawl.path("a.test/1"), ["fetching", "dead"], "{status}");
    }
    for status in [408, 425, 500, 502, 503, 504, 520] {
        let replies = [Reply::status(status), Reply::html("well")];
        let mut crawl = catalogue(1).page("a.test/1", replies).start();
        crawl.run_until_idle();
        assert_eq!(crawl.saved(), 1, "{status}");
    }
}

#[test]
fn retries_do_not_become_the_load() {
    let n = 200;
    let mut scenario = catalogue(n)
        .settings(|settings| {
            settings.retry.budget_max = 5.0;
            settings.retry.budget_per_second = 1.0;
            settings.retry.budget_per_success = 0.0;
            settings.breaker.failure_rate = 1.0;
        })
        .detail("retry = { attempts = 3, backoff = \"fixed\", base = \"1s\", jitter = \"none\" }");
    for url in urls("a.test", n).iter().step_by(2) {
        scenario = scenario.page(url, [Reply::status(500), Reply::html("late")]);
    }
    let mut crawl = scenario.start();
    crawl.advance(secs(8));
    let retries = crawl.asked_of("a.test").len() - (n + 2);
    // One a second, five saved up, while the host answers badly.
    assert!((5..=14).contains(&retries), "{retries}");
    crawl.run_until_idle();
    assert_eq!(crawl.saved(), n);
}
