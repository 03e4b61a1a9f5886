//! The life of a task, move by move.

use crawlfield_engine::model::{
    class::ErrorClass,
    phase::{Phase, SessionPhase},
};
use crawlfield_kit::{Reply, Scenario};
use expect_test::expect;

use crate::catalogue;

#[test]
fn a_list_and_its_detail_are_fetched_parsed_and_saved() {
    let mut crawl = catalogue(1).start();
    crawl.run_until_idle();
    crawl.expect(&expect![[r#"
              0.115 a.test/ queued → fetching
              0.215 a.test/ fetching → fetched
              0.215 a.test/ fetched → parsing
              0.217 a.test/ parsing → parsed
              0.217 a.test/ parsed → saving
              0.222 a.test/ saving → done
              0.222 a.test/1 queued → fetching
              0.322 a.test/1 fetching → fetched
              0.322 a.test/1 fetched → parsing
              0.324 a.test/1 parsing → parsed
              0.324 a.test/1 parsed → saving
              0.329 a.test/1 saving → done
    "#]]);
    assert!(crawl.has_record("a.test/1"));
    assert_eq!(crawl.session_phase(), Some(SessionPhase::Completed));
}

#[test]
fn a_page_that_is_not_there_is_a_dead_letter_at_once() {
    let mut crawl = catalogue(2).page("a.test/2", [Reply::status(404)]).start();
    crawl.run_until_idle();
    assert_eq!(crawl.path("a.test/2"), ["fetching", "dead"]);
    assert_eq!(
        crawl.moves_of("a.test/2")[1].class,
        Some(ErrorClass::NotFound)
    );
    assert_eq!(crawl.count(Phase::Done), 2);
    assert_eq!(crawl.times_asked("a.test/2"), 1);
}

#[test]
fn the_last_snapshot_of_a_session_tells_its_end_and_does_not_wait_for_the_interval() {
    let mut crawl = catalogue(3).page("a.test/2", [Reply::status(404)]).start();
    crawl.run_until_idle();
    let last = &crawl.snapshots[0];
    assert_eq!(last.session.state, "completed");
    assert!(
        last.at < 1.0,
        "it ended in less than the interval: {}",
        last.at
    );
    let progress = &last.progress;
    assert_eq!(
        (progress.done, progress.dead, progress.discovered),
        (3, 1, 4)
    );
    let host = &last.hosts[0];
    assert_eq!((host.finished, host.dead, host.outside), (3, 1, 0));
}

#[test]
fn a_timeout_is_retried_after_its_backoff() {
    let mut crawl = Scenario::new()
        .list("retry = { attempts = 3, backoff = \"fixed\", base = \"7s\", jitter = \"none\" }")
        .page("a.test/", [Reply::timeout(), Reply::links(["a.test/1"])])
        .details(["a.test/1"])
        .start_url("a.test/")
        .start();
    crawl.run_until_idle();
    crawl.expect(&expect![[r#"
        0.265 a.test/ queued → fetching
        10.265 a.test/ fetching → backoff timeout_first_byte until 17.265
        17.265 a.test/ backoff → queued
        17.265 a.test/ queued → fetching
        17.365 a.test/ fetching → fetched
        17.365 a.test/ fetched → parsing
        17.367 a.test/ parsing → parsed
        17.367 a.test/ parsed → saving
        17.372 a.test/ saving → done
        17.515 a.test/1 queued → fetching
        17.615 a.test/1 fetching → fetched
        17.615 a.test/1 fetched → parsing
        17.617 a.test/1 parsing → parsed
        17.617 a.test/1 parsed → saving
        17.622 a.test/1 saving → done
    "#]]);
}

#[test]
fn not_modified_is_no_answer_where_nothing_was_asked_on_a_condition() {
    let mut crawl = catalogue(1)
        .page("a.test/1", [Reply::status(304), Reply::html("whole")])
        .start();
    crawl.run_until_idle();
    let class = crawl.moves_of("a.test/1")[1].class;
    assert_eq!(class, Some(ErrorClass::HttpServer));
    assert_eq!(crawl.saved(), 1);
}

#[test]
fn an_unreadable_page_uses_up_its_attempts_and_is_a_dead_letter() {
    let mut crawl = catalogue(1)
        .detail("retry = { attempts = 2, backoff = \"fixed\", base = \"1s\", jitter = \"none\" }")
        .page("a.test/1", [Reply::unreadable(ErrorClass::InvalidRecord)])
        .start();
    crawl.run_until_idle();
    assert_eq!(
        crawl.path("a.test/1"),
        [
            "fetching", "fetched", "parsing", "backoff", "queued", "fetching", "fetched",
            "parsing", "dead"
        ]
    );
}

#[test]
fn a_worker_that_panics_costs_an_attempt_and_the_task_goes_on() {
    let mut crawl = catalogue(1)
        .page("a.test/1", [Reply::panic(), Reply::html("well")])
        .start();
    crawl.run_until_idle();
    let moves = crawl.moves_of("a.test/1");
    assert_eq!(moves[1].class, Some(ErrorClass::Worker));
    assert_eq!(crawl.saved(), 1);
}

#[test]
fn an_exchange_that_never_reports_is_given_up_at_its_deadline() {
    let mut crawl = catalogue(1)
        .politeness("timeout = \"20s\"")
        .page("a.test/1", [Reply::silence(), Reply::html("well")])
        .start();
    crawl.run_until_idle();
    let moves = crawl.moves_of("a.test/1");
    let waited = moves[1].at - moves[0].at;
    assert_eq!(moves[1].class, Some(ErrorClass::Worker));
    assert!(
        waited >= crate::secs(20) && waited < crate::secs(40),
        "{waited:?}"
    );
    assert_eq!(crawl.saved(), 1);
}

#[test]
fn a_parse_that_never_reports_is_given_up_at_its_deadline() {
    let mut crawl = catalogue(3)
        .page("a.test/1", [Reply::parse_hangs(), Reply::html("well")])
        .start();
    crawl.run_until_idle();
    assert_eq!(crawl.saved(), 3);
    assert_eq!(
        crawl.moves_of("a.test/1")[3].class,
        Some(ErrorClass::Worker)
    );
}

#[test]
fn a_site_whose_start_url_has_nothing_ends_at_once() {
    let mut crawl = Scenario::new()
        .page("a.test/", [Reply::links::<&str>([])])
        .start_url("a.test/")
        .start();
    crawl.run_until_idle();
    assert_eq!(crawl.result()["discovered"], 1);
    assert_eq!(crawl.session_phase(), Some(SessionPhase::Completed));
}

#[test]
fn a_page_with_many_records_saves_each_once() {
    let mut crawl = catalogue(1).page("a.test/1", [Reply::records(30)]).start();
    crawl.run_until_idle();
    assert_eq!(crawl.saved(), 30);
    assert_eq!(crawl.result()["records"]["new"], 30);
}
