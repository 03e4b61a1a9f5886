//! Forecasts held against what then came: coverage of the intervals over simulated crawls, and the
//! plain sum of what remains over the mean rate beside it.

use std::fmt::Write as _;

use crawlfield_engine::{feed::snapshot::Snapshot, model::phase::Phase};
use crawlfield_kit::{Crawl, Reply, Scenario};

use crate::{millis, secs, swarm::Dice};

/// Crawls of a measurement.
const CRAWLS: u64 = 40;

/// Lists of details on one or several hosts of different speed; a tenth of the pages fails first.
fn web(seed: u64) -> Scenario {
    let dice = &mut Dice::new(seed);
    let hosts = if dice.one_in(2) { 1 } else { 2 + dice.size(4) };
    let is_chain = dice.one_in(2);
    let per_list = 4 + dice.size(12);
    let rate = 4 + dice.below(30);
    let mut scenario = Scenario::new()
        .seed(seed)
        .politeness(&format!("max_rate = \"{rate}/s\"\nmax_in_flight = 8"))
        .settings(|settings| settings.snapshot_interval = secs(1));
    let mut index = Vec::new();
    for host in 0..hosts {
        let name = format!("h{host}.test");
        let slow = 40 + dice.below(600);
        let lists = 4 + dice.size(26);
        let list_of = |n: usize| format!("{name}/list{n}");
        for n in 1..=lists {
            let details: Vec<String> = (1..=per_list)
                .map(|i| format!("{name}/item{n}-{i}"))
                .collect();
            for detail in &details {
                scenario = scenario.page(detail, answers(dice, slow, Reply::html("item")));
            }
            let mut list = Reply::links(&details);
            if is_chain && n < lists {
                list = list.next(&list_of(n + 1));
            }
            scenario = scenario.page(&list_of(n), answers(dice, slow, list));
        }
        let begun = if is_chain { 1 } else { lists };
        index.extend((1..=begun).map(list_of));
    }
    let mut entry = Reply::status(200);
    for list in &index {
        entry = entry.link("list", list);
    }
    scenario
        .stages("index", STAGES)
        .page("h0.test/", [entry])
        .start_url("h0.test/")
}

const STAGES: &str = r#"
[stages.index]
[[stages.index.links]]
select = "a@href"
to = "list"
[stages.list]
pages = { next = "a.next" }
[[stages.list.links]]
select = "a@href"
to = "detail"
[stages.detail]
[[stages.detail.records]]
kind = "item"
[stages.detail.records.fields]
title = "h1"
"#;

/// Where a page fails, its answers before the last.
fn answers(dice: &mut Dice, slow: u64, end: Reply) -> Vec<Reply> {
    let latency = millis(slow / 2 + dice.below(slow));
    let mut replies = Vec::new();
    if dice.one_in(10) {
        replies.push(Reply::status(500).after(latency));
    }
    replies.push(end.after(latency));
    replies
}

/// What was told in a crawl, each second, and when it ended.
fn told(seed: u64) -> (Vec<Snapshot>, f64) {
    let mut crawl: Crawl = web(seed).start();
    let mut snapshots: Vec<Snapshot> = Vec::new();
    let mut end = 0.0;
    while !crawl.engine.is_idle() {
        crawl.tick();
        if let Some(snapshot) = crawl.snapshots.first()
            && snapshots.last().is_none_or(|last| last.at < snapshot.at)
        {
            snapshots.push(snapshot.clone());
        }
        if crawl.count(Phase::Done) > 0 && snapshots.last().is_some_and(is_running) {
            end = crawl.now().as_secs_f64();
        }
    }
    snapshots.retain(is_running);
    (snapshots, end)
}

fn is_running(snapshot: &Snapshot) -> bool {
    snapshot.session.state == "running"
}

/// What remains over the mean rate.
fn baseline(snapshot: &Snapshot) -> f64 {
    let progress = &snapshot.progress;
    let open = progress.discovered - progress.done - progress.skipped - progress.dead;
    float(open) / (float(progress.done) / snapshot.at)
}

fn float(n: u64) -> f64 {
    f64::from(u32::try_from(n).expect("webs are small"))
}

/// How far off, as the logarithm of the ratio.
fn error(predicted: f64, left: f64) -> f64 {
    (predicted.max(0.1) / left.max(0.1)).ln().abs()
}

#[derive(Default)]
struct Sum {
    crawls: f64,
    present: f64,
    held80: f64,
    held95: f64,
    error: f64,
    baseline: f64,
}

#[test]
fn intervals_hold_as_often_as_they_say_and_the_median_beats_the_baseline() {
    let (mut sum, mut lines) = (Sum::default(), String::new());
    // Others than those on which the constants were chosen.
    for seed in 1_001..=1_000 + CRAWLS {
        let (snapshots, end) = told(seed);
        // A page at each tenth second is no evidence yet; from the fifth on there is.
        let due: Vec<&Snapshot> = snapshots
            .iter()
            .filter(|snapshot| snapshot.progress.done >= 8 && snapshot.at < end - 0.5)
            .collect();
        let mut crawl = Sum::default();
        for snapshot in &due {
            let left = end - snapshot.at;
            let Some(prediction) = &snapshot.prediction else {
                continue;
            };
            let holds = |[low, high]: [f64; 2]| f64::from(low <= left && left <= high);
            crawl.present += 1.0;
            crawl.held80 += holds(prediction.eta80);
            crawl.held95 += holds(prediction.eta95);
            crawl.error += error(prediction.eta_median, left);
            crawl.baseline += error(baseline(snapshot), left);
        }
        let _ = writeln!(
            lines,
            "seed {seed}: {end:.0} s, present {:.2}, 80 % {:.2}, 95 % {:.2}, error {:.2}, baseline {:.2}",
            crawl.present / float(due.len() as u64),
            crawl.held80 / crawl.present,
            crawl.held95 / crawl.present,
            crawl.error / crawl.present,
            crawl.baseline / crawl.present,
        );
        sum.crawls += 1.0;
        sum.present += crawl.present / float(due.len() as u64);
        sum.held80 += crawl.held80 / crawl.present;
        sum.held95 += crawl.held95 / crawl.present;
        sum.error += crawl.error / crawl.present;
        sum.baseline += crawl.baseline / crawl.present;
    }
    let mean = |of: f64| of / sum.crawls;
    println!(
        "{lines}present {:.2}, 80 % held {:.2}, 95 % held {:.2}, error {:.3}, baseline {:.3}",
        mean(sum.present),
        mean(sum.held80),
        mean(sum.held95),
        mean(sum.error),
        mean(sum.baseline)
    );
    assert!(mean(sum.present) > 0.95, "{lines}");
    assert!((0.70..=0.90).contains(&mean(sum.held80)), "{lines}");
    assert!((0.87..=1.0).contains(&mean(sum.held95)), "{lines}");
    assert!(mean(sum.error) < 0.8 * mean(sum.baseline), "{lines}");
}
