//! Without a display: the terminal, or an error where that is no answer.

use std::process::Command;

use super::{run, text, viewer};

#[test]
fn without_a_display_the_demo_runs_in_the_terminal_to_its_end() {
    let ended = run(viewer(&["--products", "30", "--latency-ms", "2"]));
    let (out, err) = (text(&ended.stdout), text(&ended.stderr));
    assert!(ended.status.success(), "{err}");
    let lines: Vec<&str> = err
        .lines()
        .filter(|line| line.contains("no display"))
        .collect();
    assert_eq!(lines.len(), 1, "one line says what is missing: {err}");
    assert!(lines[0].contains("crawlfield run --demo"), "{err}");
    assert!(lines[0].contains("xvfb"), "{err}");
    assert!(
        err.contains("DEMO"),
        "the progress view says what it shows: {err}"
    );
    assert!(
        out.contains("completed") && out.contains("30 records saved"),
        "{out}"
    );
}

/// The crawl goes on in the terminal, which is said.
fn check_terminal(command: Command) {
    let ended = run(command);
    let err = text(&ended.stderr);
    assert!(ended.status.success(), "{err}");
    assert!(
        err.contains("no display") && !err.contains("panicked"),
        "{err}"
    );
}

/// Its only page is at an address that is not asked, so that the crawl ends at once.
const TINY: &str = r#"
site = { name = "tiny", start = ["http://127.0.0.1:1/"], enter = "list" }
[[stages.list.records]]
kind = "page"
fields = { title = "h1" }
"#;

#[test]
fn a_site_file_without_a_store_is_crawled_into_one_of_its_name_in_this_folder() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    std::fs::write(folder.path().join("tiny.toml"), TINY).expect("it can be written");
    let mut command = viewer(&["tiny.toml"]);
    command.current_dir(folder.path());
    let ended = run(command);
    let err = text(&ended.stderr);
    assert_eq!(ended.status.code(), Some(3), "{err}");
    assert!(err.contains("`crawlfield run tiny.toml`"), "{err}");
    assert!(err.contains("the store is tiny.db in this folder"), "{err}");
    assert!(folder.path().join("tiny.db").is_file());
}

#[test]
fn a_display_that_nobody_serves_is_none() {
    let mut command = viewer(&["--products", "10", "--latency-ms", "2"]);
    command.env("DISPLAY", ":4242");
    check_terminal(command);
}

#[test]
fn a_wayland_display_that_nobody_serves_is_none_either() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let mut command = viewer(&["--products", "10", "--latency-ms", "2"]);
    command
        .env("XDG_RUNTIME_DIR", folder.path())
        .env("WAYLAND_DISPLAY", "wayland-nobody");
    check_terminal(command);
}

#[test]
fn who_insists_on_a_window_gets_an_error_instead() {
    let ended = run(viewer(&["--demo", "--window"]));
    assert_eq!(ended.status.code(), Some(1));
    assert!(text(&ended.stderr).contains("no display"));
    assert!(ended.stdout.is_empty());
}

#[test]
fn a_recording_does_not_become_a_crawl() {
    let ended = run(viewer(&["--replay", "none.cfr"]));
    assert_eq!(ended.status.code(), Some(1));
    assert!(text(&ended.stderr).contains("--screenshot"));
}

#[test]
fn wrong_flags_are_refused_with_code_2() {
    let check = |flags: &[&str], said: &str| {
        let ended = run(viewer(flags));
        let err = text(&ended.stderr);
        assert_eq!(ended.status.code(), Some(2), "{flags:?}: {err}");
        assert!(err.contains(said), "{flags:?}: {err}");
    };
    check(&["--nonsense"], "--nonsense");
    check(&["--demo", "--replay", "x.cfr"], "--replay");
    check(&["--size", "12"], "WIDTHxHEIGHT");
    check(&["--size", "1x1"], "320x240");
    check(&["--at", "5"], "--at needs");
    check(&["--screenshot", "x.png", "--at", "-1"], "--at");
    check(&["--screenshot", "x.png", "--at", "soon"], "no number");
    check(&["--frames", "x", "--fps", "0"], "fps");
    check(&["--screenshot", "x.png", "--frames", "x"], "--frames");
    check(&["--error-rate", "7"], "error");
    check(&["missing.toml"], "missing.toml");
    check(&["missing.toml", "--store", "x.db"], "missing.toml");
}
