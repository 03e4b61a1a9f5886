//! The forms that scripts rely on: flags, standard output, exit codes.

use crawlfield_kit::{
    shop,
    sites::{Reply, Web},
};

use crate::workplace::{Workplace, documents, program, result};

const QUICK: [&str; 4] = ["--products", "40", "--latency-ms", "2"];

#[test]
fn the_demo_runs_verified_and_prints_one_document() {
    let place = Workplace::new();
    let flags = [
        "run",
        "--demo",
        "--seed",
        "3",
        "--error-rate",
        "0.1",
        "--verify",
        "--json",
    ];
    let ended = place.run(&[&flags[..], &QUICK, &["--store", "STORE"]].concat());
    let ended = ended.with_code(0).saying(&["40 products", "exactly once"]);
    let result = result(&ended);
    assert_eq!(result["source"], "demo");
    assert_eq!(result["outcome"], "completed");
    let rows = place.export("product");
    assert_eq!(rows.len(), 40);
    for row in rows {
        assert_eq!(row["_source"], "demo");
        assert!(
            row["_first_seen"].is_string() && row["_changed_at"].is_string(),
            "{row}"
        );
    }
}

/// On some of the hosts the count is read while it is shrunk, on all pages that tell of the last one.
#[test]
fn the_demo_on_several_hosts_is_verified_though_page_counts_shrink() {
    let place = Workplace::new();
    let demo = [
        "run",
        "--demo",
        "--quiet",
        "--products",
        "300",
        "--hosts",
        "4",
        "--latency-ms",
        "2",
    ];
    for seed in ["1", "2", "3"] {
        let flags = ["--shrink", "--verify", "--seed", seed];
        let ended = place.run(&[&demo[..], &flags].concat()).with_code(0);
        let _ = ended.saying(&["every one of 300"]);
    }
}

#[test]
fn the_demo_needs_no_store() {
    let args = [&["run", "--demo"][..], &QUICK].concat();
    let ended = program().run(args).with_code(0);
    assert!(
        ended.stdout.contains("demo") && ended.stdout.contains("40 records"),
        "{}",
        ended.stdout
    );
}

#[test]
fn records_are_exported_as_json_lines_and_csv_to_stdout_and_files() {
    let place = Workplace::new();
    let web = Web::start(|request| match request.path() {
        "/item/0" => shop::item("=1+2, \"x\"", "12.50"),
        _ => shop::page(3, request).unwrap_or_else(|| Reply::status(404)),
    });
    let _ = place.crawl(&web, &[]).with_code(0);
    let out = place.path("items.csv");
    let args = [
        "export", "--store", "STORE", "--record", "item", "--format", "csv", "--out", &out,
    ];
    let ended = place.run(&args).with_code(0).saying(&["3 records"]);
    assert_eq!(ended.stdout, "");
    let csv = std::fs::read_to_string(&out).unwrap();
    let lines: Vec<&str> = csv.lines().collect();
    assert!(
        lines[0].starts_with("name,price,list_name,_url,_first_seen,_last_seen,_changed_at"),
        "{csv}"
    );
    assert_eq!(lines.len(), 4, "{csv}");
    let first = csv.lines().find(|line| line.contains("/item/0")).unwrap();
    assert!(
        !first.starts_with('=') && !first.starts_with("\"="),
        "no formula: {first}"
    );
    assert!(first.contains(",12.50,"), "{first}");
    let args = ["export", "--store", "STORE", "--record", "item"];
    let lines = place.run(&args).with_code(0).stdout;
    assert!(lines.contains("\"price\":12.50"), "{lines}");
    let names: Vec<String> = documents(&lines)[0]
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    let wanted = [
        "name",
        "price",
        "list_name",
        "_url",
        "_first_seen",
        "_last_seen",
        "_changed_at",
    ];
    assert_eq!(names, wanted);
}

#[test]
fn an_unknown_kind_or_a_wrong_place_is_a_clear_error() {
    let place = Workplace::new();
    let web = Web::start(|request| shop::page(1, request).unwrap_or_else(|| Reply::status(404)));
    let _ = place.crawl(&web, &[]).with_code(0);
    let kind = place.run(&["export", "--store", "STORE", "--record", "itme"]);
    assert_eq!(kind.with_code(2).saying(&["itme", "item"]).stdout, "");
    let nowhere = [
        "export",
        "--store",
        "STORE",
        "--record",
        "item",
        "--out",
        "/nowhere/x",
    ];
    let _ = place.run(&nowhere).with_code(2).saying(&["/nowhere/x"]);
    for command in ["export", "sessions", "resume"] {
        let none = place.path("none.db");
        let mut args = vec![command, "--store", &none];
        if command == "export" {
            args.extend(["--record", "item"]);
        }
        let _ = place
            .run(&args)
            .with_code(4)
            .saying(&["no store here", "none.db"]);
        assert!(
            !std::path::Path::new(&none).exists(),
            "{command} makes no store"
        );
    }
}

#[test]
fn a_page_is_tried_from_a_file_and_from_a_url() {
    let place = Workplace::new();
    let site = place.write("site.toml", &shop::site(""));
    let html = "<html><h1>One</h1><p class=price>2.35</p></html>";
    let page = place.write("page.html", html);
    let tried = place
        .run(&["try", &site, &page, "--stage", "detail"])
        .with_code(0);
    assert!(tried.stdout.contains("\"price\":2.35"), "{}", tried.stdout);
    let web = Web::start(|request| shop::page(7, request).unwrap_or_else(|| Reply::status(404)));
    let connect = web.connect_to(shop::HOST);
    let url = "http://shop.test/list/1";
    let tried = place
        .run(&["try", &site, url, "--json", "--connect-to", &connect])
        .with_code(0);
    let document = &documents(&tried.stdout)[0];
    // Five cards and the next page.
    assert_eq!(
        document["outcome"]["links"].as_array().unwrap().len(),
        6,
        "{document}"
    );
    assert_eq!(document["stage"], "list");
    let capital = connect.replace("shop.test", "SHOP.test");
    let _ = place
        .run(&["try", &site, url, "--connect-to", &capital])
        .with_code(0);
    let umlaut = place.write(
        "umlaut.toml",
        &shop::site("").replace("shop.test", "bücher.test"),
    );
    let connect = web.connect_to("bücher.test");
    let url = "http://bücher.test/list/1";
    let _ = place
        .run(&["try", &umlaut, url, "--connect-to", &connect])
        .with_code(0);
    let broken = place.write("broken.html", "<html><h1>One</h1></html>");
    let tried = place
        .run(&["try", &site, &broken, "--stage", "detail"])
        .with_code(3);
    assert!(tried.stdout.contains("price"), "{}", tried.stdout);
    let _ = place
        .run(&["try", &site, "no-such-file"])
        .with_code(2)
        .saying(&["no-such-file"]);
    let _ = place
        .run(&["try", &site, &page, "--stage", "detial"])
        .with_code(2)
        .saying(&["list, detail"]);
    let private = ["try", &site, "http://127.0.0.1:1/"];
    let _ = place.run(&private).with_code(2).saying(&["unsafe_address"]);
}

#[test]
fn check_explains_settings_and_names_mistakes() {
    let place = Workplace::new();
    let site = place.write("site.toml", &shop::site(""));
    let checked = place
        .run(&["check", &site, "--set", "fetch.max_redirects=3"])
        .with_code(0);
    for text in [
        "shop",
        "politeness.max_rate",
        "1000",
        "site",
        "fetch.max_redirects",
        "flag",
    ] {
        assert!(checked.stdout.contains(text), "{text}: {}", checked.stdout);
    }
    let wrong = shop::site("").replace("tolerance", "tolerence");
    let wrong = place.write("wrong.toml", &wrong);
    for command in [
        vec!["check", &wrong],
        vec!["run", &wrong, "--store", "STORE"],
    ] {
        let ended = place.run(&command).with_code(2);
        let ended = ended.saying(&["wrong.toml:", "tolerence", "did you mean", "tolerance"]);
        assert_eq!(ended.stdout, "");
    }
    assert!(!std::path::Path::new(&place.store()).exists());
}

#[test]
fn wrong_usage_ends_with_code_2_and_says_what_to_do() {
    let place = Workplace::new();
    let site = place.write("site.toml", &shop::site(""));
    let cases: [(&[&str], &str); 11] = [
        (&["run", "--nix"], "--nix"),
        (&["run"], "SITE.toml"),
        (&["run", &site, "--demo"], "--demo"),
        (&["run", "none.toml", "--store", "STORE"], "none.toml"),
        (
            &[
                "run",
                &site,
                "--store",
                "STORE",
                "--connect-to",
                "shop.test",
            ],
            "HOST=ADDR:PORT",
        ),
        (
            &[
                "run",
                &site,
                "--store",
                "STORE",
                "--set",
                "fetch.max_redirect=3",
            ],
            "max_redirects",
        ),
        (
            &["run", &site, "--store", "STORE", "--set", "window=-1"],
            "window",
        ),
        (&["run", "--demo", "--error-rate", "7"], "error"),
        (&["run", &site, "--store", "STORE", "--verify"], "--demo"),
        (&["resume"], "--store"),
        (
            &[
                "export", "--store", "STORE", "--record", "x", "--format", "xml",
            ],
            "jsonl",
        ),
    ];
    for (args, text) in cases {
        let ended = place.run(args).with_code(2).saying(&[text]);
        assert_eq!(ended.stdout, "", "{args:?}");
    }
    assert!(!std::path::Path::new(&place.store()).exists());
}

#[test]
fn urls_that_cannot_be_crawled_are_errors_of_the_site_file() {
    let place = Workplace::new();
    for start in [
        "/list/1",
        "ftp://shop.test/",
        "javascript:alert(1)",
        "http://",
        "mailto:a@b",
    ] {
        let text = shop::site("").replace("http://shop.test/list/1", start);
        let site = place.write("site.toml", &text);
        let _ = place
            .run(&["check", &site])
            .with_code(2)
            .saying(&["site.toml:3", "start"]);
    }
    let text = shop::site("").replace("enter =", "hosts = [\"else.test\"]\nenter =");
    let site = place.write("site.toml", &text);
    let _ = place
        .run(&["check", &site])
        .with_code(2)
        .saying(&["shop.test", "hosts"]);
}

#[test]
fn completions_and_help_are_on_stdout() {
    for shell in ["bash", "zsh", "fish"] {
        let ended = program().run(["completions", shell]).with_code(0);
        assert!(
            ended.stdout.contains("resume") && ended.stderr.is_empty(),
            "{shell}"
        );
    }
    for command in [
        "run", "resume", "try", "check", "export", "sessions", "dead",
    ] {
        let ended = program().run([command, "--help"]).with_code(0);
        assert!(
            ended.stdout.contains("Usage: crawlfield"),
            "{}",
            ended.stdout
        );
    }
    let ended = program().run(["--version"]).with_code(0);
    assert!(ended.stdout.starts_with("crawlfield "));
}

#[test]
fn a_closed_pipe_ends_the_output_quietly() {
    let place = Workplace::new();
    let demo = ["run", "--demo", "--store", "STORE", "--quiet"];
    let _ = place.run(&[&demo[..], &QUICK].concat()).with_code(0);
    let script = "\"$0\" \"$@\" | head -c 10 >/dev/null; exit ${PIPESTATUS[0]}";
    let store = place.store();
    for args in [
        vec!["export", "--store", &store, "--record", "product"],
        vec!["completions", "bash"],
    ] {
        let ended = program().run_in_shell(script, args);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert!(!ended.stderr.contains("written"), "{}", ended.stderr);
    }
}

#[test]
fn an_output_that_cannot_be_written_is_told() {
    if !std::path::Path::new("/dev/full").exists() {
        eprintln!("not run: there is no /dev/full");
        return;
    }
    let place = Workplace::new();
    let site = place.write("site.toml", &shop::site(""));
    let store = place.store();
    let run = ["run", "--demo", "--store", &store, "--quiet", "--json"];
    let script = "\"$0\" \"$@\" >/dev/full";
    for args in [
        [&run[..], &QUICK].concat(),
        vec!["check", &site],
        vec!["sessions", "--store", &store],
    ] {
        let ended = program().run_in_shell(script, args).with_code(1);
        let _ = ended.saying(&["the output cannot be written"]);
    }
    assert!(
        !place.export("product").is_empty(),
        "the crawl itself went well"
    );
}
