//! Several sessions, many hosts: fairness.

use crawlfield_engine::model::phase::SessionPhase;
use crawlfield_kit::{Reply, Scenario};

use crate::{catalogue, secs, urls};

fn other(host: &str, name: &str, n: usize) -> Scenario {
    let details = urls(host, n);
    Scenario::new()
        .name(name)
        .politeness("max_rate = \"100/s\"")
        .page(&format!("{host}/"), [Reply::links(&details)])
        .details(&details)
        .start_url(&format!("{host}/"))
}

#[test]
fn two_sessions_over_two_sites_both_end() {
    let mut crawl = catalogue(50).start();
    let ack = crawl.begin(&other("b.test", "second", 50));
    crawl.answer(&ack).unwrap();
    crawl.run_until_idle();
    assert_eq!(crawl.saved(), 50);
    assert_eq!(crawl.backend.store.records("second", "item"), 50);
    let phases: Vec<SessionPhase> = crawl.engine.sessions().iter().map(|it| it.1).collect();
    assert_eq!(phases, [SessionPhase::Completed; 2]);
}

#[test]
fn a_site_has_one_live_session() {
    let mut crawl = catalogue(50).start();
    crawl.run_until(|crawl| crawl.saved() > 5);
    let ack = crawl.begin(&catalogue(50));
    let refused = crawl.answer(&ack).unwrap_err();
    assert!(refused.contains("running"), "{refused}");
    crawl.run_until_idle();
}

#[test]
fn sessions_share_a_hosts_politeness_and_take_turns() {
    let mut crawl = other("a.test/x", "first", 150).start();
    let ack = crawl.begin(&other("a.test/y", "second", 150));
    crawl.answer(&ack).unwrap();
    crawl.run_until(|crawl| crawl.backend.asked.len() > 200);
    let of = |session: u32| {
        let asked = crawl.backend.asked.iter();
        asked.filter(|asked| asked.session.0 == session).count()
    };
    let (first, second) = (of(1), of(2));
    assert!(first.abs_diff(second) < 40, "{first} to {second}");
    crawl.run_until_idle();
    assert_eq!(crawl.times_asked("a.test/robots.txt"), 1);
}

#[test]
fn permits_go_round_the_sessions() {
    let spread = |prefix: &str, name: &str, hosts: usize| {
        let mut all = Vec::new();
        for host in 0..hosts {
            all.extend(urls(&format!("{prefix}{host}.test"), 30));
        }
        let first = format!("{prefix}0.test/");
        Scenario::new()
            .name(name)
            .settings(|settings| settings.http_permits = 8)
            .laws(|laws| laws.latency = secs(2))
            .page(&first, [Reply::links(&all)])
            .details(&all)
            .start_url(&first)
    };
    let mut crawl = spread("a", "wide", 20).start();
    let ack = crawl.begin(&spread("b", "narrow", 4));
    crawl.answer(&ack).unwrap();
    crawl.run_until(|crawl| crawl.now() > secs(60));
    let asked = crawl.backend.asked.iter();
    let narrow = asked.filter(|asked| asked.session.0 == 2).count();
    let all = crawl.backend.asked.len();
    assert!(narrow * 3 > all, "{narrow} of {all}");
}

#[test]
fn ten_thousand_pages_over_fifty_hosts_are_fair() {
    let mut all = Vec::new();
    for i in 1..=200 {
        all.extend((0..50).map(|host| format!("h{host}.test/{i}")));
    }
    let mut crawl = Scenario::new()
        .politeness("max_rate = \"20/s\"\nmax_in_flight = 4")
        .page("h0.test/", [Reply::links(&all)])
        .details(&all)
        .start_url("h0.test/")
        .settings(|settings| settings.http_permits = 32)
        .start();
    crawl.run_until(|crawl| crawl.saved() >= 5_000);
    let shares: Vec<f64> = (0..50)
        .map(|host| crawl.asked_of(&format!("h{host}.test")).len())
        .map(|n| f64::from(u32::try_from(n).unwrap()))
        .collect();
    let sum: f64 = shares.iter().sum();
    let squares: f64 = shares.iter().map(|share| share * share).sum();
    let jain = sum * sum / (50.0 * squares);
    assert!(jain >= 0.9, "Jain's index is {jain}");
    crawl.run_until_idle();
    assert_eq!(crawl.saved(), 10_000);
}

#[test]
fn a_slow_host_does_not_starve_the_others() {
    let slow = urls("slow.test", 100);
    let quick = urls("quick.test", 100);
    let mut scenario = Scenario::new()
        .settings(|settings| settings.http_permits = 6)
        .page("slow.test/", [Reply::links(&slow)])
        .page("quick.test/", [Reply::links(&quick)])
        .details(&quick)
        .start_url("slow.test/")
        .start_url("quick.test/");
    for url in &slow {
        scenario = scenario.page(url, [Reply::html("slow").after(secs(25))]);
    }
    let mut crawl = scenario.start();
    crawl.run_until(|crawl| quick.iter().all(|url| crawl.has_record(url)));
    assert!(crawl.now() < secs(60), "{:?}", crawl.now());
    crawl.run_until_idle();
    assert_eq!(crawl.saved(), 200);
}
