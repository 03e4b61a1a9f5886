//! Sizes and names.

use crate::source::of;

/// Files that hold more than one screenful of one job each, by decision.
const LONG: [&str; 0] = [];

#[test]
fn no_file_is_longer_than_600_lines() {
    for package in ["engine", "viewer"] {
        for source in of(package) {
            let lines = source.text.lines().count();
            assert!(
                lines <= 600 || LONG.contains(&source.path.as_str()),
                "{package}/src/{} has {lines} lines: which two rooms does it hold?",
                source.path
            );
        }
    }
}

#[test]
fn no_room_is_named_for_nothing() {
    let empty = [
        "manager", "helper", "util", "utils", "common", "misc", "mod",
    ];
    for package in ["engine", "viewer"] {
        for source in of(package) {
            let name = source.path.rsplit('/').next().unwrap_or_default();
            let name = name.trim_end_matches(".rs");
            assert!(
                !empty.contains(&name),
                "{package}/src/{}: say what it is for",
                source.path
            );
        }
    }
}

#[test]
fn every_file_opens_with_its_job() {
    for package in ["engine", "viewer"] {
        for source in of(package) {
            assert!(
                source.text.starts_with("//!"),
                "{package}/src/{} does not say its one job",
                source.path
            );
        }
    }
}
