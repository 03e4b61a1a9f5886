//! Permits and queues. That permits belong to orders and queues are bounded are invariants.

use crawlfield_engine::model::class::WaitReason;
use crawlfield_kit::{Crawl, Reply};

use crate::{catalogue, millis, secs, urls};

fn limited(crawl: &Crawl) -> Option<&'static str> {
    crawl.engine.limited().map(WaitReason::name)
}

#[test]
fn slow_parsing_holds_fetching_back() {
    let mut crawl = catalogue(400)
        .settings(|settings| {
            settings.parse_queue = 4;
            settings.parse_ahead = 0;
            settings.cpu_permits = 1;
        })
        .laws(|laws| laws.parse = millis(200))
        .start();
    let mut seen = false;
    let mut most = 0;
    crawl.run_until(|crawl| {
        seen |= limited(crawl) == Some("back_pressure");
        most = most.max(crawl.backend.out().len());
        crawl.saved() >= 100
    });
    assert!(seen, "back-pressure is told");
    assert_eq!(crawl.backend.parsing.1, 1);
    crawl.run_until_idle();
    assert_eq!(crawl.saved(), 400);
}

#[test]
fn a_slow_store_holds_fetching_back() {
    let mut crawl = catalogue(300)
        .settings(|settings| {
            settings.save_queue = 4;
            settings.store_bytes = 16 * 1024;
        })
        .laws(|laws| laws.commit = secs(2))
        .start();
    let mut seen = false;
    crawl.run_until(|crawl| {
        seen |= limited(crawl) == Some("back_pressure");
        crawl.saved() >= 60
    });
    assert!(seen, "back-pressure is told");
    crawl.run_until_idle();
    assert_eq!(crawl.saved(), 300);
}

#[test]
fn http_permits_bound_what_is_in_flight_over_all_hosts() {
    let mut scenario = catalogue(1).politeness("max_in_flight = 32");
    let mut all = Vec::new();
    for host in ["b.test", "c.test", "d.test", "e.test"] {
        all.extend(urls(host, 30));
    }
    scenario = scenario.page("a.test/", [Reply::links(&all)]).details(&all);
    let mut crawl = scenario
        .settings(|settings| settings.http_permits = 6)
        .laws(|laws| laws.latency = secs(1))
        .start();
    let mut most = 0;
    crawl.run_until(|crawl| {
        most = most.max(crawl.backend.out().len());
        crawl.saved() == all.len()
    });
    assert_eq!(most, 6);
    crawl.run_until_idle();
}

#[test]
fn memory_of_bodies_bounds_what_is_fetched() {
    let mut scenario = catalogue(60).settings(|settings| {
        settings.parse_memory = 16 << 20;
        settings.cpu_permits = 1;
    });
    for url in urls("a.test", 60) {
        scenario = scenario.page(&url, [Reply::html("big").bytes(200_000)]);
    }
    let mut crawl = scenario.laws(|laws| laws.parse = millis(100)).start();
    let mut seen = false;
    let mut most = 0;
    crawl.run_until(|crawl| {
        seen |= limited(crawl) == Some("memory");
        most = most.max(crawl.engine.permits().memory.used);
        crawl.saved() == 60
    });
    assert!(seen, "the reason is told");
    assert!(most < 600 << 20, "{most}");
    crawl.run_until_idle();
}

#[test]
fn commits_gather_what_came_meanwhile() {
    let mut crawl = catalogue(300)
        .laws(|laws| laws.commit = millis(500))
        .start();
    crawl.run_until_idle();
    let most = crawl.backend.batches.iter().max();
    assert!(most.is_some_and(|most| *most > 20), "{most:?}");
    assert_eq!(crawl.saved(), 300);
}
