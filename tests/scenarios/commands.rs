//! What people ask while a crawl runs; each is answered.

use crawlfield_engine::{
    message::{
        commands::{Command, Inspected},
        receipts::StoreError,
        store_verbs::DeadSelector,
    },
    model::{class::ErrorClass, phase::Phase, profile::Profile},
};
use crawlfield_kit::{Crawl, Reply};
use serde_json::json;

use crate::{catalogue, secs};

#[test]
fn a_changed_setting_counts_at_once_and_is_told_with_old_and_new_value() {
    let mut crawl = catalogue(100).start();
    crawl.run_until(|crawl| crawl.saved() >= 10);
    let name = "http_permits".to_owned();
    let value = json!(3);
    let ack = crawl.ask(Command::Set { name, value }).unwrap();
    assert_eq!((&ack["old"], &ack["new"]), (&json!(32), &json!(3)));
    assert_eq!(crawl.engine.permits().http.limit, 3);
    let told = crawl.transcript.notices.iter();
    assert!(
        told.clone()
            .any(|text| text.contains("http_permits: 32 → 3"))
    );
    crawl.run_until_idle();
    assert_eq!(crawl.saved(), 100);
}

#[test]
fn a_wrong_setting_is_refused_and_changes_nothing() {
    let mut crawl = catalogue(10).start();
    let set = |name: &str, value| Command::Set {
        name: name.to_owned(),
        value,
    };
    let refused = crawl.ask(set("http_permit", json!(3))).unwrap_err();
    assert!(refused.contains("http_permits"), "{refused}");
    assert!(crawl.ask(set("http_permits", json!(0))).is_err());
    assert!(crawl.ask(set("http_permits", json!("many"))).is_err());
    assert_eq!(crawl.engine.permits().http.limit, 32);
    crawl.run_until_idle();
}

#[test]
fn a_profile_is_switched_while_running() {
    let mut crawl = catalogue(200).start();
    crawl.run_until(|crawl| crawl.saved() >= 20);
    crawl.ask(Command::SetProfile(Profile::Economy)).unwrap();
    let economy = crawl.engine.permits().http.limit;
    crawl.run_until(|crawl| crawl.saved() >= 60);
    crawl
        .ask(Command::SetProfile(Profile::Performance))
        .unwrap();
    assert!(crawl.engine.permits().http.limit > economy);
    crawl.run_until_idle();
    assert_eq!(crawl.saved(), 200);
}

#[test]
fn a_start_url_joins_a_running_session() {
    let mut crawl = catalogue(30)
        .page("a.test/more", [Reply::links(["a.test/m1"])])
        .details(["a.test/m1"])
        .start();
    crawl.run_until(|crawl| crawl.saved() >= 5);
    let session = crawl.session();
    let add = |url: &str| Command::AddStart {
        session,
        url: url.to_owned(),
    };
    crawl.ask(add("http://a.test/more")).unwrap();
    assert!(crawl.ask(add("http://elsewhere.test/")).is_err());
    assert!(crawl.ask(add("more")).is_err());
    crawl.run_until_idle();
    assert_eq!(crawl.saved(), 31);
}

fn with_a_dead_letter(last: Reply) -> Crawl {
    let mut crawl = catalogue(400)
        .page("a.test/3", [Reply::status(404), last])
        .start();
    crawl.run_until(|crawl| crawl.count(Phase::Dead) == 1);
    crawl
}

fn requeue(crawl: &Crawl) -> Command {
    Command::RequeueDead {
        session: crawl.session(),
        selector: DeadSelector {
            class: Some(ErrorClass::NotFound),
            ..DeadSelector::default()
        },
    }
}

#[test]
fn a_dead_letter_that_still_stands_in_the_window_is_requeued() {
    let mut crawl = with_a_dead_letter(Reply::html("found"));
    crawl.advance(crate::millis(100));
    let ack = crawl.ask(requeue(&crawl)).unwrap();
    assert_eq!(ack["pages"], 1);
    crawl.run_until_idle();
    assert_eq!(crawl.saved(), 400);
    assert_eq!(crawl.result()["dead"], 0);
    assert_eq!(crawl.result()["deadByClass"], json!({}));
}

#[test]
fn a_dead_letter_that_has_left_the_window_is_requeued() {
    let mut crawl = with_a_dead_letter(Reply::html("found"));
    crawl.advance(secs(3));
    crawl.ask(requeue(&crawl)).unwrap();
    crawl.run_until_idle();
    assert_eq!(crawl.saved(), 400);
}

#[test]
fn a_requeued_page_that_fails_again_is_judged_again() {
    let mut crawl = with_a_dead_letter(Reply::reset());
    crawl.ask(requeue(&crawl)).unwrap();
    crawl.run_until_idle();
    assert_eq!(crawl.count(Phase::Dead), 1);
    assert_eq!(crawl.saved(), 399);
}

#[test]
fn a_page_requeued_into_a_stage_that_has_ended_is_judged_too() {
    // The batch's list and details have ended; a second batch keeps the session running.
    let mut crawl = catalogue(3)
        .settings(|settings| settings.batch_size = 1)
        .list("retry = { attempts = 1 }")
        .detail("retry = { attempts = 1 }")
        .page("a.test/3", [Reply::status(404), Reply::reset()])
        .page("a.test/late", [Reply::links::<&str>([]).after(secs(29))])
        .start_url("a.test/late")
        .start();
    crawl.advance(secs(20));
    assert_eq!(crawl.count(Phase::Dead), 1);
    crawl.ask(requeue(&crawl)).unwrap();
    crawl.run_until_idle();
    assert_eq!(crawl.count(Phase::Dead), 1);
    assert_eq!(crawl.saved(), 2);
}

fn drop_keys(crawl: &Crawl, urls: &[&str]) -> Command {
    use crawlfield_engine::model::ids::PageKey;
    let keys = urls
        .iter()
        .map(|url| PageKey::new("web", "detail", &crawlfield_kit::full(url)))
        .collect();
    Command::Drop {
        session: crawl.session(),
        selector: DeadSelector {
            keys,
            ..DeadSelector::default()
        },
    }
}

#[test]
fn a_waiting_task_is_dropped() {
    let mut crawl = catalogue(100).start();
    crawl.run_until(|crawl| crawl.saved() >= 2);
    crawl.ask(drop_keys(&crawl, &["a.test/90"])).unwrap();
    assert_eq!(crawl.path("a.test/90"), ["cancelled"]);
    crawl.run_until_idle();
    assert_eq!(crawl.count(Phase::Cancelled), 1);
    assert_eq!(crawl.saved(), 99);
}

#[test]
fn a_page_that_waits_in_the_store_is_dropped() {
    let mut crawl = catalogue(500)
        .settings(|settings| settings.window = 100)
        .start();
    crawl.run_until(|crawl| crawl.saved() >= 2);
    let keys = ["a.test/490", "a.test/10"];
    crawl.ask(drop_keys(&crawl, &keys)).unwrap();
    crawl.run_until_idle();
    assert_eq!(crawl.count(Phase::Cancelled), 2);
    assert_eq!(crawl.saved(), 498);
}

#[test]
fn what_was_dropped_waits_again_when_it_is_named_in_the_window_and_after_it_has_left() {
    for wait in [crate::millis(10), secs(4)] {
        let mut crawl = catalogue(400).start();
        crawl.run_until(|crawl| crawl.saved() >= 2);
        let urls = ["a.test/390", "a.test/391"];
        let drop = drop_keys(&crawl, &urls);
        let Command::Drop { session, selector } = drop.clone() else {
            unreachable!("it drops pages");
        };
        crawl.ask(drop).unwrap();
        crawl.advance(wait);
        assert_eq!(crawl.count(Phase::Cancelled), 2);
        // Without a name only dead letters are meant.
        let all = Command::RequeueDead {
            session,
            selector: DeadSelector::default(),
        };
        assert_eq!(crawl.ask(all).unwrap()["pages"], 0);
        let undo = Command::RequeueDead { session, selector };
        assert_eq!(crawl.ask(undo).unwrap()["pages"], 2);
        crawl.run_until_idle();
        assert_eq!(crawl.count(Phase::Cancelled), 0);
        assert_eq!(crawl.saved(), 400);
    }
}

#[test]
fn dropping_a_task_of_a_host_without_robots_is_harmless() {
    let mut crawl = catalogue(5)
        .page("a.test/", [Reply::links(["b.test/1", "b.test/2"])])
        .details(["b.test/1", "b.test/2"])
        .robots_replies("b.test", [Reply::status(500)])
        .start();
    crawl.run_until(|crawl| crawl.transcript.key("b.test/2").is_some());
    crawl.ask(drop_keys(&crawl, &["b.test/1"])).unwrap();
    crawl.run_until_idle();
    assert_eq!(crawl.count(Phase::Cancelled), 1);
}

#[test]
fn dead_letters_are_dropped_by_class() {
    let mut crawl = with_a_dead_letter(Reply::html("found"));
    let session = crawl.session();
    let selector = DeadSelector {
        class: Some(ErrorClass::NotFound),
        ..DeadSelector::default()
    };
    let ack = crawl.ask(Command::Drop { session, selector }).unwrap();
    assert_eq!(ack["pages"], 1);
    crawl.run_until_idle();
    assert_eq!(crawl.count(Phase::Cancelled), 1);
    assert_eq!(crawl.count(Phase::Dead), 0);
}

#[test]
fn a_task_tells_why_it_waits() {
    let mut crawl = catalogue(3)
        .page("a.test/1", [Reply::retry_after(60)])
        .start();
    crawl.run_until(|crawl| crawl.path("a.test/1").contains(&"backoff"));
    let key = crawl.transcript.key("a.test/1").unwrap();
    let told = crawl.ask(Command::Inspect(key)).unwrap();
    assert_eq!(told["state"], "backoff");
    assert!(
        told["waits"].as_str().unwrap().contains("rate_limit"),
        "{told}"
    );
}

#[test]
fn a_task_tells_after_a_crash_too_what_it_waits_after() {
    let mut crawl = catalogue(3)
        .page("a.test/1", [Reply::retry_after(600)])
        .start();
    crawl.run_until(|crawl| crawl.path("a.test/1").contains(&"backoff"));
    crawl.advance(secs(1));
    crawl.kill_and_resume();
    crawl.advance(secs(1));
    let key = crawl.transcript.key("a.test/1").unwrap();
    let told = crawl.ask(Command::Inspect(key)).unwrap();
    let waits = told["waits"].as_str().unwrap();
    assert!(waits.starts_with("backoff after rate_limit: 59"), "{told}");
    crawl.run_until_idle();
}

#[test]
fn a_task_tells_the_history_of_its_attempts() {
    let mut crawl = catalogue(3)
        .page(
            "a.test/1",
            [Reply::status(500), Reply::reset(), Reply::retry_after(60)],
        )
        .start();
    crawl.run_until(|crawl| {
        let path = crawl.path("a.test/1");
        path.iter().filter(|state| **state == "backoff").count() == 3
    });
    let key = crawl.transcript.key("a.test/1").unwrap();
    let told = crawl.ask(Command::Inspect(key)).unwrap();
    let told: Inspected = serde_json::from_value(told).unwrap();
    let classes: Vec<_> = told.attempts.iter().map(|attempt| attempt.class).collect();
    let expected = [
        ErrorClass::HttpServer,
        ErrorClass::Reset,
        ErrorClass::RateLimit,
    ];
    assert_eq!(classes, expected.map(Some));
    assert_eq!(told.attempts[0].status, Some(500));
    for attempt in &told.attempts {
        assert!(
            attempt
                .message
                .as_ref()
                .is_some_and(|text| !text.is_empty())
        );
        assert!(attempt.began_ago >= attempt.ended_ago);
    }
    assert!(told.attempts[0].ended_ago > told.attempts[1].ended_ago);
}

#[test]
fn a_task_is_told_of_though_the_store_is_in_trouble() {
    let mut crawl = catalogue(3)
        .page("a.test/1", [Reply::retry_after(600)])
        .start();
    crawl.run_until(|crawl| crawl.path("a.test/1").contains(&"backoff"));
    crawl.trouble(Some(StoreError::Busy("locked".to_owned())));
    crawl.advance(secs(2));
    let key = crawl.transcript.key("a.test/1").unwrap();
    let told = crawl.ask(Command::Inspect(key)).unwrap();
    assert_eq!(told["state"], "backoff");
    crawl.trouble(None);
    crawl.run_until_idle();
}

#[test]
fn commands_for_what_is_not_there_are_refused() {
    use crawlfield_engine::{message::commands::Target, model::ids::SessionId};
    let mut crawl = catalogue(3).start();
    let nobody = SessionId(77);
    let pause = Command::Pause(Target::Session(nobody));
    assert!(crawl.ask(pause).is_err());
    let session = Some(nobody);
    assert!(crawl.ask(Command::Cancel { session, now: true }).is_err());
    let host = "nowhere.test".to_owned();
    let open = Some(true);
    assert!(crawl.ask(Command::Breaker { host, open }).is_err());
    crawl.run_until_idle();
    assert_eq!(crawl.saved(), 3);
}
