//! The bench runs: each part of the table yields figures, and a row is judged as it says.

use std::process::Command;

use serde_json::Value as Json;

#[path = "../src/table.rs"]
mod table;

use table::{Part, Row};

#[test]
fn every_part_yields_figures_when_all_of_it_is_small() {
    let output = Command::new(env!("CARGO_BIN_EXE_crawlfield-bench"))
        .args(["--smoke", "--json", "all"])
        .output()
        .expect("the bench starts");
    let told = String::from_utf8_lossy(&output.stdout);
    let parts: Vec<Json> = told
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line is a part of the table"))
        .collect();
    let names = parts.iter().filter_map(|part| part["table"].as_str());
    let names: Vec<&str> = names.collect();
    let all = [
        "idle",
        "waiting",
        "lives",
        "watched",
        "recording",
        "crawl",
        "pages",
        "parser",
        "known",
        "colours",
        "memory",
        "picking",
        "cpu",
        "frames",
        "rest",
    ];
    assert_eq!(names, all, "{}", String::from_utf8_lossy(&output.stderr));
    for part in &parts {
        if let Some(why) = part["notMeasured"].as_str() {
            let is_lacking = ["no graphics adapter", "Xvfb:", "xdotool:"]
                .iter()
                .any(|lack| why.starts_with(lack));
            assert!(is_lacking, "{}: {why}", part["table"]);
            skipped(why);
            continue;
        }
        let rows = part["rows"].as_array().expect("a part has rows");
        assert!(!rows.is_empty(), "{part}");
        for row in rows {
            assert!(row["value"].as_f64().is_some(), "no figure: {row}");
        }
    }
}

/// Prints what was not tried.
///
/// # Panics
/// Where `CRAWLFIELD_NO_SKIP` is set, as in CI.
fn skipped(why: &str) {
    let may_skip = std::env::var_os("CRAWLFIELD_NO_SKIP").is_none();
    assert!(may_skip, "nothing may be skipped: {why}");
    eprintln!("SKIPPED: {why}");
}

#[test]
fn a_row_is_judged_by_its_ratio_where_it_has_one() {
    let row = |value| Row::figure("x", value);
    assert_eq!(row(9.0).beside(10.0).at_least(0.9).holds(), Some(true));
    assert_eq!(row(8.0).beside(10.0).at_least(0.9).holds(), Some(false));
    assert_eq!(row(3.5).at_most(3.0).holds(), Some(false));
    assert_eq!(row(2.5).at_most(3.0).holds(), Some(true));
    assert_eq!(row(1.0).holds(), None);
    assert!(table::head().contains("bound"));
    let part = Part {
        title: "a part".to_owned(),
        rows: vec![row(8.0).beside(10.0).at_least(0.9)],
    };
    let text = part.lines("x");
    assert!(text.contains("0.80") && text.contains("NO"), "{text}");
    assert_eq!(part.json("x")["rows"][0]["holds"], false);
}
