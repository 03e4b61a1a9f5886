//! Lists whose page count lies (SPEC B5).

use crawlfield_engine::model::phase::{Phase, SessionPhase};
use crawlfield_kit::{Crawl, Reply, Scenario};

const STAGES: &str = r#"
[stages.list]
items_per_page = 2
pages = { pattern = "http://a.test/p{page}", count = { select = "i.pages", regex = "of (\\d+)" } }
retry = { base = "10s", jitter = "none", backoff = "fixed" }
[[stages.list.links]]
select = "a@href"
to = "detail"
[stages.detail]
[[stages.detail.records]]
kind = "item"
[stages.detail.records.fields]
title = "h1"
"#;

/// A page "of 40" with details of these numbers.
fn list(items: &[usize]) -> Reply {
    let links = items.iter().map(|n| format!("a.test/{n}"));
    Reply::links(links).of_pages(40)
}

/// The first pages are full.
fn full(n: usize) -> Reply {
    list(&[2 * n - 1, 2 * n])
}

/// The site says that there are 40 pages.
fn counts_forty(pages: impl Fn(usize) -> Vec<Reply>) -> Crawl {
    let mut scenario = Scenario::new()
        .politeness("max_rate = \"100/s\"")
        .stages("list", STAGES)
        .details(crate::urls("a.test", 90))
        .start_url("a.test/p1");
    for number in 1..=40 {
        scenario = scenario.page(&format!("a.test/p{number}"), pages(number));
    }
    let mut crawl = scenario.start();
    crawl.run_until_idle();
    crawl
}

fn asked_for_lists(crawl: &Crawl) -> usize {
    (1..=40)
        .map(|n| crawl.times_asked(&format!("a.test/p{n}")))
        .sum()
}

#[test]
fn pages_that_a_lying_count_promises_are_skipped_as_past_the_end() {
    let crawl = counts_forty(|n| match n {
        1..=3 => vec![full(n)],
        _ => vec![list(&[])],
    });
    assert_eq!(crawl.saved(), 6);
    assert_eq!(asked_for_lists(&crawl), 3 + 2 * 37);
    let fourth = crawl
        .backend
        .asked
        .iter()
        .filter(|asked| asked.url == "http://a.test/p4");
    let at: Vec<_> = fourth.map(|asked| asked.at).collect();
    assert!(
        at[1] - at[0] >= crate::secs(10),
        "the backoff between: {at:?}"
    );
    let result = crawl.result();
    assert_eq!(crawl.session_phase(), Some(SessionPhase::Completed));
    assert_eq!(result["complete"], false);
    assert_eq!(result["skippedByReason"]["past_the_end"], 37);
    assert_eq!(
        (crawl.count(Phase::Dead), &result["stages"][0]["state"]),
        (0, &"partial".into())
    );
    let told = &result["remarks"]["past_the_end"];
    assert_eq!(told["count"], 37);
    assert_eq!(told["first"], "http://a.test/p4");
}

#[test]
fn the_last_page_of_a_lying_count_may_be_half_full() {
    let crawl = counts_forty(|n| match n {
        1..=2 => vec![full(n)],
        3 => vec![list(&[5])],
        _ => vec![list(&[])],
    });
    assert_eq!(crawl.saved(), 5);
    let result = crawl.result();
    assert_eq!(result["skippedByReason"]["past_the_end"], 37);
    assert_eq!(crawl.count(Phase::Dead), 0, "{result}");
}

#[test]
fn an_empty_page_among_full_ones_is_a_failure_that_its_stage_tries_again() {
    let crawl = counts_forty(|n| match n {
        7 => vec![list(&[])],
        8 => vec![list(&[]), list(&[]), full(n)],
        _ => vec![full(n)],
    });
    assert_eq!(crawl.saved(), 78);
    let result = crawl.result();
    assert!(
        result["skippedByReason"]["past_the_end"].is_null(),
        "{result}"
    );
    assert_eq!(result["deadByClass"]["short_page"], 1);
    assert_eq!(crawl.times_asked("a.test/p7"), 2 * 3);
}
