//! The process dies at any moment and is started again.

use crawlfield_engine::model::phase::Phase;
use crawlfield_kit::Reply;

use crate::{catalogue, secs};

#[test]
fn killed_at_any_tick_and_resumed_equals_undisturbed() {
    for at in [1, 3, 10, 30, 60, 100, 150, 220] {
        let mut crawl = catalogue(80)
            .page("a.test/9", [Reply::reset(), Reply::html("nine")])
            .page("a.test/11", [Reply::status(404)])
            .start();
        crawl.run_until(|crawl| crawl.ticks() >= at && crawl.backend.commits > 0);
        crawl.kill_and_resume();
        crawl.run_until_idle();
        assert_eq!(crawl.saved(), 79, "killed at tick {at}");
        assert_eq!(crawl.count(Phase::Done), 80, "killed at tick {at}");
        assert_eq!(crawl.count(Phase::Dead), 1, "killed at tick {at}");
    }
}

#[test]
fn killed_again_and_again_condemns_nobody() {
    let mut crawl = catalogue(200).start();
    crawl.run_until(|crawl| crawl.backend.commits > 1);
    for _ in 0..25 {
        crawl.advance(crate::millis(333));
        if crawl.engine.is_idle() {
            break;
        }
        crawl.kill_and_resume();
    }
    crawl.run_until_idle();
    assert_eq!(crawl.saved(), 200);
    assert_eq!(crawl.count(Phase::Dead), 0);
}

#[test]
fn suspects_are_parsed_alone() {
    let mut crawl = catalogue(40)
        .settings(|settings| settings.cpu_permits = 8)
        .laws(|laws| laws.parse = secs(1))
        .start();
    crawl.run_until(|crawl| crawl.backend.parsing.0.len() >= 6);
    let details = crate::urls("a.test", 40);
    let in_parsing = |crawl: &crawlfield_kit::Crawl, from: std::time::Duration| {
        let last = |url: &str| crawl.moves_of(url).last().map(|fact| (fact.at, fact.to));
        let these = details
            .iter()
            .filter(|url| last(url).is_some_and(|(at, to)| at > from && to == Phase::Parsing));
        these.cloned().collect::<Vec<_>>()
    };
    let suspects = in_parsing(&crawl, secs(0));
    let died = crawl.now();
    crawl.kill_and_resume();
    let mut alone = std::collections::BTreeSet::new();
    crawl.run_until(|crawl| {
        let parsing = in_parsing(crawl, died);
        if parsing.iter().any(|url| suspects.contains(url)) {
            assert_eq!(parsing.len(), 1, "{parsing:?}");
            alone.extend(parsing);
        }
        crawl.saved() == 40
    });
    assert_eq!(alone.len(), suspects.len());
    crawl.run_until_idle();
    assert_eq!(crawl.saved(), 40);
}

#[test]
fn the_third_crash_of_a_lone_parse_is_a_dead_letter() {
    let mut crawl = catalogue(5)
        .page("a.test/3", [Reply::html("poison").parsed_in(secs(30))])
        .start();
    let parsing = |crawl: &crawlfield_kit::Crawl| {
        crawl.phase("a.test/3") == Some(Phase::Parsing)
            && crawl.backend.parsing.0.len() == 1
            && crawl.saved() == 4
    };
    crawl.run_until(parsing);
    crawl.kill_and_resume();
    for _ in 0..3 {
        crawl.run_until(|crawl| crawl.phase("a.test/3") == Some(Phase::Parsing));
        crawl.advance(secs(5));
        crawl.kill_and_resume();
        crawl.run_until(|crawl| {
            crawl.phase("a.test/3") == Some(Phase::Parsing)
                && crawl.moves_of("a.test/3").last().unwrap().at + secs(5) > crawl.now()
                || crawl.engine.is_idle()
                || crawl.count(Phase::Dead) == 1
        });
    }
    crawl.run_until_idle();
    assert_eq!(crawl.count(Phase::Dead), 1);
    assert_eq!(crawl.result()["deadByClass"]["crash"], 1);
    assert_eq!(crawl.saved(), 4);
}

#[test]
fn attempts_and_backoff_outlive_the_process() {
    let mut crawl = catalogue(1)
        .detail("retry = { attempts = 3, backoff = \"fixed\", base = \"100s\", jitter = \"none\" }\nstage_attempts = 1")
        .page("a.test/1", [Reply::reset()])
        .start();
    crawl.run_until(|crawl| crawl.path("a.test/1").contains(&"backoff"));
    let failed = crawl.now();
    crawl.advance(secs(30));
    crawl.kill_and_resume();
    crawl.run_until_idle();
    assert_eq!(crawl.times_asked("a.test/1"), 3);
    let second = crawl.asked_of("a.test")[2];
    assert!(second - failed >= secs(99), "{:?}", second - failed);
}
