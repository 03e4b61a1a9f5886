//! Stages: acceptance of lists, verdicts, tolerance, barriers, what a fatal stage does.

use crawlfield_engine::{
    message::commands::{Command, Target},
    model::{
        class::ErrorClass,
        phase::{Phase, SessionPhase},
    },
    settings::OnFatal,
};
use crawlfield_kit::{Reply, Scenario};

use crate::{catalogue, secs, urls};

#[test]
fn a_short_list_is_read_again_until_it_is_whole() {
    let all = urls("a.test/d", 4);
    let short = Reply::links(&all[..2]).next("a.test/p2").of_pages(2);
    let whole = Reply::links(&all).next("a.test/p2").of_pages(2);
    let mut crawl = Scenario::new()
        .list("items_per_page = 4")
        .page("a.test/", [short, whole])
        .page("a.test/p2", [Reply::links(["a.test/z"]).of_pages(2)])
        .details(&all)
        .details(["a.test/z"])
        .start_url("a.test/")
        .start();
    crawl.run_until_idle();
    assert_eq!(crawl.saved(), 5);
    let moves = crawl.moves_of("a.test/");
    let class = moves.iter().find_map(|fact| fact.class);
    assert_eq!(class, Some(ErrorClass::ShortPage));
}

#[test]
fn a_short_last_page_is_accepted_once_it_is_verified() {
    let mut crawl = Scenario::new()
        .list("items_per_page = 2")
        .page("a.test/", [Reply::links(["a.test/1"])])
        .details(["a.test/1"])
        .start_url("a.test/")
        .start();
    crawl.run_until_idle();
    assert_eq!(crawl.saved(), 1);
    // Nobody else said that this is the last page: it had to come the same way twice.
    assert_eq!(crawl.times_asked("a.test/"), 2);
}

#[test]
fn a_list_that_stays_short_in_the_middle_fails_its_stage() {
    let mut crawl = Scenario::new()
        .list("items_per_page = 2\nretry = { attempts = 2, base = \"1s\" }\nstage_attempts = 2")
        .page(
            "a.test/",
            [Reply::links(["a.test/1"]).next("a.test/p2").of_pages(3)],
        )
        .page(
            "a.test/p2",
            [Reply::links(["a.test/2", "a.test/3"]).of_pages(3)],
        )
        .details(["a.test/1", "a.test/2", "a.test/3"])
        .start_url("a.test/")
        .start();
    crawl.run_until_idle();
    assert_eq!(crawl.times_asked("a.test/"), 4);
    assert_eq!(crawl.result()["deadByClass"]["short_page"], 1);
    // What it has counts all the same, and so does the rest of the chain.
    assert_eq!(crawl.saved(), 3);
}

/// A list whose pages have numbers; `lines` under its stage.
fn numbered(lines: &str) -> Scenario {
    let stages = format!(
        r#"[stages.list]
        {lines}
        pages = {{ pattern = "http://a.test/p{{page}}", count = "b" }}
        [[stages.list.links]]
        select = "a@href"
        to = "detail"
        [stages.detail]
        [[stages.detail.records]]
        kind = "item"
        fields = {{ title = "h1" }}"#
    );
    Scenario::new().stages("list", &stages)
}

#[test]
fn the_end_of_a_list_whose_count_is_never_told_is_no_failure() {
    let mut crawl = numbered("")
        .page("a.test/p1", [Reply::links(["a.test/1"]).next("a.test/p2")])
        .page("a.test/p2", [Reply::links(["a.test/2"]).next("a.test/p3")])
        .page("a.test/p3", [Reply::status(404)])
        .details(["a.test/1", "a.test/2"])
        .start_url("a.test/p1")
        .start();
    crawl.run_until_idle();
    assert_eq!(crawl.saved(), 2);
    assert_eq!(crawl.count(Phase::Dead), 0);
}

#[test]
fn a_page_beyond_the_count_may_be_refused_and_one_with_items_belies_the_count() {
    let beyond_the_count = |beyond: &[Reply]| {
        let full = Reply::links(["a.test/1", "a.test/2"]);
        let mut crawl = numbered("items_per_page = 2\nretry = { base = \"1s\" }")
            .page("a.test/p1", [full.of_pages(1).next("a.test/p2")])
            .page("a.test/p2", beyond.iter().cloned())
            .details(["a.test/1", "a.test/2", "a.test/3"])
            .start_url("a.test/p1")
            .start();
        crawl.run_until_idle();
        assert_eq!(crawl.count(Phase::Dead), 0);
        (crawl.saved(), crawl.times_asked("a.test/p2"))
    };
    let empty = Reply::links::<&str>([]).of_pages(1);
    let third = Reply::links(["a.test/3"]).of_pages(1);
    // The count may be shrunk for a while, and hide the page with it.
    assert_eq!(beyond_the_count(&[Reply::status(500)]), (2, 4));
    assert_eq!(beyond_the_count(std::slice::from_ref(&empty)), (2, 4));
    // Nobody else tells of that page: it has to come the same way twice.
    assert_eq!(beyond_the_count(std::slice::from_ref(&third)), (3, 2));
    let late = [empty.clone(), empty.clone(), empty, third];
    assert_eq!(beyond_the_count(&late), (3, 5));
}

#[test]
fn a_list_of_one_page_may_be_empty() {
    let nothing = Reply::links::<&str>([]).of_pages(1);
    let mut crawl = Scenario::new()
        .list("items_per_page = 2")
        .page("a.test/", [nothing])
        .start_url("a.test/")
        .start();
    crawl.run_until_idle();
    assert_eq!(
        (crawl.count(Phase::Done), crawl.times_asked("a.test/")),
        (1, 2)
    );
}

#[test]
fn failed_pages_run_again_with_their_stage_and_are_then_condemned() {
    let mut crawl = catalogue(4)
        .detail("retry = { attempts = 2, base = \"1s\" }\nstage_attempts = 3\ntolerance = 0.5")
        .page("a.test/2", [Reply::reset()])
        .start();
    crawl.run_until_idle();
    assert_eq!(crawl.times_asked("a.test/2"), 6);
    assert_eq!(crawl.count(Phase::Dead), 1);
    let results = crawl.result()["results"].to_string();
    assert_eq!(results.matches("recoverable").count(), 2, "{results}");
    assert!(results.contains("partial"), "{results}");
}

#[test]
fn a_page_that_recovers_with_its_stage_makes_it_a_success() {
    let mut crawl = catalogue(4)
        .detail("retry = { attempts = 2, base = \"1s\" }")
        .page(
            "a.test/2",
            [Reply::reset(), Reply::reset(), Reply::html("late")],
        )
        .start();
    crawl.run_until_idle();
    assert_eq!(crawl.saved(), 4);
    assert_eq!(crawl.result()["stages"][1]["state"], "success");
}

fn hopeless(on_fatal: OnFatal) -> crawlfield_kit::Crawl {
    let lists = urls("a.test/list", 6);
    let mut scenario = Scenario::new()
        .politeness("max_rate = \"50/s\"")
        .settings(|settings| {
            settings.on_fatal = on_fatal;
            settings.batch_size = 1;
        })
        .detail("retry = { attempts = 1 }\nstage_attempts = 1");
    for (i, list) in lists.iter().enumerate() {
        let detail = format!("{list}/d");
        let reply = if i == 1 {
            Reply::status(404)
        } else {
            Reply::html("fine")
        };
        scenario = scenario
            .page(list, [Reply::links([&detail])])
            .page(&detail, [reply])
            .start_url(list);
    }
    scenario.start()
}

#[test]
fn a_fatal_stage_lets_the_other_batches_go_on() {
    let mut crawl = hopeless(OnFatal::Continue);
    crawl.run_until_idle();
    assert_eq!(crawl.saved(), 5);
    assert_eq!(crawl.session_phase(), Some(SessionPhase::Completed));
}

#[test]
fn a_fatal_stage_pauses_the_session_where_that_is_asked() {
    let mut crawl = hopeless(OnFatal::Pause);
    crawl.run_until(|crawl| crawl.session_phase() == Some(SessionPhase::Paused));
    let asked = crawl.backend.asked.len();
    crawl.advance(secs(60));
    assert_eq!(crawl.backend.asked.len(), asked);
    let session = crawl.session();
    crawl
        .ask(Command::Resume(Target::Session(session)))
        .unwrap();
    crawl.run_until_idle();
    assert_eq!(crawl.saved(), 5);
}

#[test]
fn a_fatal_stage_ends_the_session_where_that_is_asked() {
    let mut crawl = hopeless(OnFatal::Abort);
    crawl.run_until_idle();
    assert_eq!(crawl.session_phase(), Some(SessionPhase::Failed));
    assert!(crawl.saved() < 5);
    assert!(
        crawl.result()["why"]
            .as_str()
            .unwrap()
            .contains("tolerance")
    );
}

#[test]
fn a_barrier_waits_for_every_list() {
    let mut crawl = Scenario::new()
        .detail("barrier = true")
        .page("a.test/", [Reply::links(["a.test/1"]).next("a.test/p2")])
        .page("a.test/p2", [Reply::links(["a.test/2"]).after(secs(20))])
        .details(["a.test/1", "a.test/2"])
        .start_url("a.test/")
        .start();
    crawl.run_until_idle();
    let listed = crawl.moves_of("a.test/p2").last().unwrap().at;
    assert!(crawl.moves_of("a.test/1")[0].at >= listed);
    assert_eq!(crawl.saved(), 2);
}

#[test]
fn a_barrier_does_not_hold_a_list_that_is_tried_again() {
    let mut crawl = Scenario::new()
        .detail("barrier = true")
        .list("retry = { attempts = 3, backoff = \"fixed\", base = \"30s\", jitter = \"none\" }")
        .page("a.test/", [Reply::links(["a.test/1"]).next("a.test/p2")])
        .page("a.test/p2", [Reply::reset(), Reply::links(["a.test/2"])])
        .details(["a.test/1", "a.test/2"])
        .start_url("a.test/")
        .start();
    crawl.run_until_idle();
    assert_eq!(crawl.saved(), 2);
}

#[test]
fn stages_of_any_depth_and_on_a_cycle_end_together() {
    let stages = r#"
[stages.root]
[[stages.root.links]]
select = "a@href"
to = "tree"
[stages.tree]
[[stages.tree.links]]
select = "a@href"
to = "tree"
[[stages.tree.links]]
select = "b@href"
to = "leaf"
[stages.leaf]
[[stages.leaf.records]]
kind = "item"
[stages.leaf.records.fields]
title = "h1"
"#;
    let tree = |next: &str, leaf: &str| Reply::links([next]).link("leaf", leaf);
    let mut crawl = Scenario::new()
        .stages("root", stages)
        .page("a.test/", [Reply::links(["a.test/t1"])])
        .page("a.test/t1", [tree("a.test/t2", "a.test/1")])
        .page("a.test/t2", [tree("a.test/t1", "a.test/2")])
        .details(["a.test/1", "a.test/2"])
        .start_url("a.test/")
        .start();
    crawl.run_until_idle();
    assert_eq!(crawl.saved(), 2);
    for stage in 0..3 {
        assert_eq!(crawl.result()["stages"][stage]["state"], "success");
    }
}
