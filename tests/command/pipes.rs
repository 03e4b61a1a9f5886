//! Readers that hang up, and terminals without UTF-8.

use crawlfield_kit::{
    binary::{Ended, Running},
    shop,
    sites::{Reply, Web},
};

use crate::workplace::{Workplace, program, result};

/// The command, with a stdout that nobody reads any more.
#[track_caller]
fn unread(args: &[&str]) -> Ended {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = program().command(args);
    command.stdout(writer);
    Running::of(command).ended()
}

#[test]
fn a_reader_that_hangs_up_is_no_error_of_any_command() {
    let place = Workplace::new();
    let web = Web::start(|request| shop::page(40, request).unwrap_or_else(|| Reply::status(404)));
    let recording = place.path("crawl.rec");
    let _ = place.crawl(&web, &["--recording", &recording]).with_code(0);
    let (store, site) = (place.store(), place.path("site.toml"));
    let page = place.write("page.html", "<h1>One</h1><p class=price>1.50</p>");
    let connect = web.connect_to(shop::HOST);
    let again = place.path("again.db");
    for args in [
        &["export", "--store", &store, "--record", "item"][..],
        &[
            "export", "--store", &store, "--record", "item", "--format", "csv",
        ],
        &["sessions", "--store", &store],
        &["sessions", "--store", &store, "--json"],
        &["dead", "list", "--store", &store],
        &["check", &site],
        &["try", &site, &page, "--stage", "detail"],
        &["compare", &recording, &recording],
        &["completions", "bash"],
        &["--help"],
        &[
            "run",
            &site,
            "--store",
            &again,
            "--json",
            "--connect-to",
            &connect,
        ],
    ] {
        let ended = unread(args);
        assert_eq!(ended.code, Some(0), "{args:?}: {}", ended.stderr);
        for word in ["panicked", "cannot be written", "ipe"] {
            assert!(!ended.stderr.contains(word), "{args:?}: {}", ended.stderr);
        }
    }
}

#[test]
fn without_a_utf_8_locale_progress_is_ascii() {
    let args = ["run", "--demo", "--products", "40", "--latency-ms", "0"];
    for (locale, is_ascii) in [("C", true), ("C.UTF-8", false)] {
        let mut command = program().command(args);
        command.env("LC_ALL", locale);
        let ended = Running::of(command).ended();
        assert_eq!(ended.stderr.is_ascii(), is_ascii, "{}", ended.stderr);
    }
}

#[test]
fn links_out_of_bounds_are_counted_and_told() {
    let place = Workplace::new();
    let web = Web::start(|request| match request.path() {
        "/list/1" => {
            let long = format!("/item/{}", "x".repeat(9_000));
            let links = [
                "/item/1",
                &long,
                "/a/a/a/a/a/a/a/a",
                "http://elsewhere.test/",
            ];
            shop::list(&links.map(str::to_owned), None)
        }
        _ => shop::page(3, request).unwrap_or_else(|| Reply::status(404)),
    });
    let ended = place
        .crawl(&web, &["--set", "bounds.max_repeats=4"])
        .with_code(0);
    let remarks = &result(&ended)["remarks"];
    for kind in ["link_too_long", "link_trap", "link_out_of_scope"] {
        assert_eq!(remarks[kind]["count"], 1, "{kind}: {remarks}");
    }
    let connect = web.connect_to(shop::HOST);
    let url = format!("http://{}/list/1", shop::HOST);
    let args = ["try", "SITE", &url, "--connect-to", &connect];
    let tried = place.run(&args).with_code(0).stdout;
    for line in [
        "too long (`bounds.max_url`): 1",
        "out of scope",
        "elsewhere.test",
    ] {
        assert!(tried.contains(line), "{tried}");
    }
}
