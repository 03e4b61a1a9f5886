//! Recordings compared: the same, different, damaged, and no recordings at all.

use std::{fs, fs::File};

use crawlfield_engine::{
    feed::{
        frame::{Change, ChangeFrame, Detail, Move},
        recording::Writer,
        task_record::TaskRecord,
    },
    model::phase::Phase,
};

use crate::workplace::{Workplace, documents};

const URL: &str = "http://books.test/item/1";

/// A page is found at 1 s, fetched from 2 s on, and at 3 s it comes to `end`.
fn record(path: &str, end: Phase) {
    let admitted = Change::Admitted(Box::new(TaskRecord::new(0, URL)));
    let step = |from, to| {
        Change::Moved(Move {
            slot: 0,
            from,
            to,
            attempts: 0,
            detail: Detail::None,
        })
    };
    let changes = [
        admitted,
        step(Phase::Queued, Phase::Fetching),
        step(Phase::Fetching, end),
    ];
    let mut writer = Writer::new(File::create(path).unwrap()).unwrap();
    for (seq, change) in (0..).zip(changes) {
        writer
            .changes(&ChangeFrame {
                seq,
                at_us: (seq + 1) * 1_000_000,
                changes: vec![change],
            })
            .unwrap();
    }
    writer.flush().unwrap();
}

#[test]
fn a_recording_is_the_same_as_itself_and_as_its_copy() {
    let place = Workplace::new();
    let (path, copy) = (place.path("run.crawl"), place.path("copy.crawl"));
    let args = ["run", "--demo", "--products", "40", "--latency-ms", "2"];
    let args = [&args[..], &["--recording", &path]].concat();
    let _ = place.run(&args).with_code(0);
    fs::copy(&path, &copy).unwrap();
    let ended = place.run(&["compare", &path, &copy]).with_code(0);
    assert!(ended.stdout.starts_with("the same: "), "{}", ended.stdout);
    assert_eq!(ended.stderr, "");
}

#[test]
fn the_first_difference_is_named_with_what_where_and_when() {
    let place = Workplace::new();
    let (a, b) = (place.path("a.crawl"), place.path("b.crawl"));
    record(&a, Phase::Fetched);
    record(&b, Phase::Dead);
    let ended = place.run(&["compare", &a, &b]).with_code(3);
    for said in [
        "after 2 changes that are the same",
        &format!("at 3.000000 s: fetching → fetched {URL}"),
        &format!("at 3.000000 s: fetching → dead {URL}"),
    ] {
        assert!(ended.stdout.contains(said), "{said:?}: {}", ended.stdout);
    }
    let ended = place.run(&["compare", "--json", &a, &b]).with_code(3);
    let document = documents(&ended.stdout).remove(0);
    assert_eq!(document["same"], false);
    assert_eq!(document["divergence"]["after"], 2);
    assert_eq!(document["divergence"]["first"]["at"], 3.0);
    assert_eq!(document["divergence"]["second"]["subject"], URL);
}

#[test]
fn a_damaged_recording_is_never_called_the_same() {
    let place = Workplace::new();
    let (a, b) = (place.path("a.crawl"), place.path("b.crawl"));
    record(&a, Phase::Fetched);
    let mut bytes = fs::read(&a).unwrap();
    bytes.extend_from_slice(b"half a chunk");
    fs::write(&b, bytes).unwrap();
    let ended = place.run(&["compare", &a, &b]).with_code(2);
    assert!(
        ended.stdout.contains("no difference in the 3 changes"),
        "{}",
        ended.stdout
    );
    let _ = ended.saying(&["b.crawl", "damaged at byte"]);
    let ended = place.run(&["compare", "--json", &a, &b]).with_code(2);
    let document = documents(&ended.stdout).remove(0);
    assert_eq!(document["same"], false);
    assert!(document["damage"][1].is_string(), "{document}");
}

#[test]
fn what_is_no_recording_is_refused_by_its_name() {
    let place = Workplace::new();
    let a = place.path("a.crawl");
    record(&a, Phase::Fetched);
    let note = place.write("note.txt", "no recording");
    let check = |args: &[&str], said: &str| {
        let ended = place.run(args).with_code(2).saying(&[said]);
        assert_eq!(ended.stdout, "");
    };
    check(
        &["compare", &a, &note],
        "note.txt is not a Crawlfield recording",
    );
    check(&["compare", &place.path("none"), &a], "none");
    check(&["compare", &a], "<B>");
}

#[test]
fn the_shell_completes_compare() {
    let place = Workplace::new();
    let text = place.run(&["completions", "bash"]).with_code(0).stdout;
    assert!(text.contains("crawlfield__subcmd__compare") || text.contains("crawlfield__compare"));
}
