//! Batches of entry pages.

use crawlfield_kit::{Crawl, Reply, Scenario};

use crate::urls;

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
