//! Batches of entry pages.

use crawlfield_engine::message::commands::Command;
use crawlfield_kit::{Crawl, Reply, Scenario};
use serde_json::json;

use crate::{millis, secs, urls};

/// A chain of lists with two details each.
fn chain(lists: usize) -> Scenario {
    let mut scenario = Scenario::new()
        .politeness("max_rate = \"50/s\"")
        .settings(|settings| settings.batch_size = 3)
        .start_url("a.test/p1");
    for i in 1..=lists {
        let details = urls(&format!("a.test/d{i}"), 2);
        let mut list = Reply::links(&details);
        if i < lists {
            list = list.next(&format!("a.test/p{}", i + 1));
        }
        scenario = scenario
            .page(&format!("a.test/p{i}"), [list])
            .details(&details);
    }
    scenario
}

fn batch_lines(crawl: &Crawl) -> Vec<&str> {
    let lines = crawl.transcript.lines.iter();
    lines
        .filter_map(|line| Some(line.split_once("batch ")?.1))
        .collect()
}

#[test]
fn a_batch_holds_so_many_entry_pages_and_what_they_lead_to() {
    let mut crawl = chain(9).start();
    crawl.run_until_idle();
    assert_eq!(crawl.saved(), 18);
    let told = batch_lines(&crawl);
    assert_eq!(told.len(), 6, "{told:?}");
    for batch in 0..3 {
        let opens = format!("{batch} waiting → running");
        let ends = format!("{batch} running → success");
        let at = |line: &str| told.iter().position(|told| *told == line);
        assert!(at(&opens) < at(&ends), "{told:?}");
    }
}

#[test]
fn at_most_two_batches_are_open() {
    let mut crawl = chain(30).start();
    crawl.run_until_idle();
    let mut open = 0;
    for line in batch_lines(&crawl) {
        open += if line.ends_with("→ running") { 1 } else { -1 };
        assert!(open <= 2, "{line}");
    }
    assert_eq!(open, 0);
    assert_eq!(crawl.saved(), 60);
}

#[test]
fn many_start_urls_are_batches_too() {
    let lists = urls("a.test/list", 10);
    let mut scenario = Scenario::new().settings(|settings| settings.batch_size = 4);
    for list in &lists {
        let detail = format!("{list}/d");
        scenario = scenario
            .page(list, [Reply::links([&detail])])
            .details([&detail])
            .start_url(list);
    }
    let mut crawl = scenario.start();
    crawl.run_until_idle();
    assert_eq!(crawl.saved(), 10);
    assert_eq!(batch_lines(&crawl).len(), 6);
}

/// When the first entry page of each batch of three was asked for, and the last page before it.
fn rests(crawl: &Crawl) -> Vec<std::time::Duration> {
    let at = |list: usize| {
        crawl
            .backend
            .asked
            .iter()
            .position(|asked| asked.url == format!("http://a.test/p{list}"))
    };
    let firsts = (4..).step_by(3).map_while(at);
    firsts
        .map(|first| {
            let asked = &crawl.backend.asked;
            asked[first].at - asked[first - 1].at
        })
        .collect()
}

#[test]
fn a_session_rests_between_batches() {
    let mut crawl = chain(12)
        .settings(|settings| settings.batch_pause = secs(30))
        .start();
    crawl.run_until_idle();
    assert_eq!(crawl.saved(), 24);
    let rests = rests(&crawl);
    assert_eq!(rests.len(), 3);
    for rest in rests {
        assert!((secs(30)..secs(31)).contains(&rest), "{rest:?}");
    }
    assert!(crawl.now() < secs(95), "{:?}", crawl.now());
}

#[test]
fn a_rest_that_a_person_shortens_ends_at_once() {
    let mut crawl = chain(6)
        .settings(|settings| {
            settings.batch_pause = secs(3_600);
            settings.snapshot_interval = secs(1);
        })
        .start();
    crawl.advance(secs(10));
    let batches = &crawl.snapshots[0].batches;
    assert_eq!((batches.opened, batches.size), (1, 3));
    assert!(
        batches.opens_in.is_some_and(|left| left > 3_580.0),
        "{batches:?}"
    );
    assert!(crawl.snapshots[0].waiting.contains_key("batch_not_begun"));
    let set = Command::Set {
        name: "batch_pause".to_owned(),
        value: json!("0s"),
    };
    crawl.ask(set).expect("a setting");
    crawl.run_until_idle();
    assert!(crawl.now() < secs(15), "{:?}", crawl.now());
}

/// How many batches were opened, and the notices about them.
fn opened(crawl: &Crawl) -> (usize, Vec<&str>) {
    let told = batch_lines(crawl);
    let opened = told
        .iter()
        .filter(|line| line.ends_with("waiting → running"));
    let lines = crawl.transcript.lines.iter();
    let notices = lines.filter(|line| line.contains("entry pages"));
    (opened.count(), notices.map(String::as_str).collect())
}

#[test]
fn errors_make_batches_smaller_and_rests_longer_and_calm_leads_back() {
    let lists = 100;
    let web = |faults: usize| {
        let mut scenario = chain(lists).settings(|settings| {
            settings.batch_size = 8;
            settings.batch_least = 2;
        });
        for i in 1..=faults {
            for detail in urls(&format!("a.test/d{i}"), 2) {
                scenario = scenario.page(&detail, [Reply::status(500), Reply::html("late")]);
            }
        }
        scenario
    };
    let mut calm = web(0).start();
    calm.run_until_idle();
    assert_eq!(opened(&calm), (13, vec![]));
    let mut troubled = web(24).start();
    troubled.run_until_idle();
    assert_eq!(troubled.saved(), 2 * lists);
    let (count, notices) = opened(&troubled);
    assert!(count > 18, "{count} batches");
    assert!(
        notices[0].contains("4 entry pages, 1.0 s between them: "),
        "{notices:?}"
    );
    let last = notices.last().expect("there are some");
    assert!(last.contains("8 entry pages, 0.0 s"), "{notices:?}");
}

#[test]
fn slow_answers_make_rests_longer_too() {
    let mut scenario = chain(24);
    for i in 10..=24 {
        for detail in urls(&format!("a.test/d{i}"), 2) {
            scenario = scenario.page(&detail, [Reply::html("late").after(millis(900))]);
        }
    }
    let mut crawl = scenario.start();
    crawl.run_until_idle();
    assert_eq!(crawl.saved(), 48);
    let (_, notices) = opened(&crawl);
    assert!(
        notices
            .iter()
            .any(|told| told.contains("times as long as usual")),
        "{notices:?}"
    );
}
