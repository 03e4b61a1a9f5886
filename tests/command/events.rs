//! Both channels of the feed as JSON Lines: `--events`.

use std::collections::BTreeMap;

use crawlfield_kit::{
    binary::Running,
    shop,
    sites::{Reply, Web},
};
use serde_json::Value as Json;

use crate::workplace::{Workplace, documents, program, result};

const DEMO: [&str; 6] = ["run", "--demo", "--products", "40", "--latency-ms", "0"];

fn shop_of(items: u32) -> Web {
    Web::start(move |request| shop::page(items, request).unwrap_or_else(|| Reply::status(404)))
}

/// Atomic events and snapshots of these lines; the events' numbers have no gap.
#[track_caller]
fn channels(lines: &str) -> (Vec<Json>, Vec<Json>) {
    let (events, snapshots): (Vec<Json>, Vec<Json>) = documents(lines)
        .into_iter()
        .partition(|line| line.get("type").is_some());
    for (n, event) in events.iter().enumerate() {
        assert_eq!(event["seq"], n, "{event}");
    }
    assert!(snapshots.iter().all(|line| line["progress"].is_object()));
    (events, snapshots)
}

fn by_type(events: &[Json]) -> BTreeMap<&str, u64> {
    let mut counts = BTreeMap::new();
    for event in events {
        *counts.entry(event["type"].as_str().unwrap()).or_default() += 1;
    }
    counts
}

#[test]
fn a_run_and_its_resume_write_every_move_and_each_second_s_state() {
    let place = Workplace::new();
    let web = shop_of(40);
    let (first, rest) = (place.path("first.jsonl"), place.path("rest.jsonl"));
    let flags = ["--set", "bounds.max_pages=20", "--events", &first];
    let stopped = place.crawl(&web, &flags).with_code(5);
    let args = ["resume", "--store", "STORE", "--json", "--events", &rest];
    let ended = place
        .run(&[&args[..], &["--set", "bounds.max_pages=none"]].concat())
        .with_code(0);
    let mut done = 0;
    for (path, result) in [(&first, result(&stopped)), (&rest, result(&ended))] {
        let lines = std::fs::read_to_string(path).unwrap();
        let (events, snapshots) = channels(&lines);
        let counts = by_type(&events);
        assert_eq!(counts["SessionAdmitted"], 1);
        assert_eq!(counts["TaskStarted"], counts["TaskCompleted"], "{counts:?}");
        done += counts["TaskDone"];
        let moved = events
            .iter()
            .rev()
            .find(|event| event["type"] == "SessionMoved");
        assert_eq!(moved.unwrap()["to"], result["outcome"]);
        let last = snapshots.last().unwrap();
        assert_eq!(
            (&last["lost"], &last["session"]["site"]),
            (&Json::from(0), &result["site"])
        );
        assert_eq!(
            last["progress"]["done"], done,
            "what the last snapshot counts"
        );
    }
}

#[test]
fn events_on_stdout_have_it_for_themselves() {
    let ended = program().run([&DEMO[..], &["--events", "-"]].concat());
    let ended = ended.with_code(0).saying(&["pages done"]);
    let (events, _) = channels(&ended.stdout);
    assert!(by_type(&events)["TaskDone"] > 40, "{}", ended.stdout);
    let both = [&DEMO[..], &["--json", "--events", "-"]].concat();
    let refused = program()
        .run(both)
        .with_code(2)
        .saying(&["--events - and --json"]);
    assert_eq!(refused.stdout, "");
    let both = ["resume", "--store", "x.db", "--json", "--events", "-"];
    let _ = program()
        .run(both)
        .with_code(2)
        .saying(&["--events - and --json"]);
}

#[test]
fn a_file_that_is_there_is_not_overwritten() {
    let place = Workplace::new();
    let path = place.write("events.jsonl", "mine");
    let ended = program().run([&DEMO[..], &["--events", &path]].concat());
    let _ = ended
        .with_code(2)
        .saying(&["events.jsonl", "would be overwritten"]);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
}

/// The crawl goes on, which is said once, and at the end how much is missing.
#[track_caller]
fn check_goes_on(command: std::process::Command, why: &str) {
    let ended = Running::of(command).ended().with_code(0);
    let ended = ended.saying(&[why, "the crawl goes on without them"]);
    let summary = [&*ended.stdout, &ended.stderr].concat();
    assert!(summary.contains("pages done"), "{summary}");
    let once = ended.stderr.matches("the events cannot be written").count();
    assert_eq!(once, 1, "{}", ended.stderr);
    let missing = ended.stderr.lines().find_map(|line| {
        let (count, _) = line.split_once(" lines of events were not written to ")?;
        count.parse::<u64>().ok()
    });
    assert!(missing.is_some_and(|count| count > 100), "{}", ended.stderr);
}

#[test]
fn a_reader_that_goes_away_does_not_stop_the_crawl() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = program().command([&DEMO[..], &["--events", "-"]].concat());
    command.stdout(writer);
    check_goes_on(command, "roken pipe");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_does_not_stop_the_crawl() {
    let command = program().command([&DEMO[..], &["--events", "/dev/full"]].concat());
    check_goes_on(command, "No space left");
}
