//! Each kind of error in one table: where it points, which field it names, what it says.

use super::{HEAD, load};

mod records;
mod stages;

/// `expected` is `line:column: field`; each of `parts` stands in the message.
#[track_caller]
fn check(text: &str, expected: &str, parts: &[&str]) {
    let Err(errors) = load(text) else {
        panic!("this loads, but {expected} is wrong in it:\n{text}");
    };
    let message = errors.to_string();
    let found = message.contains(&format!("t.toml:{expected}: "));
    assert!(found, "{expected} is not in:\n{message}");
    for part in parts {
        assert!(message.contains(part), "{part} is not in:\n{message}");
    }
}

fn site(head: &str) -> String {
    format!("[site]\n{head}\n[stages.list]\npages = {{ next = \"a\" }}\n")
}

const OK: &str = "name = \"t\"\nstart = \"http://a.test/\"";

#[test]
fn errors_of_the_site_s_name_and_start_name_their_place() {
    check("", "1:1: site", &["`site` is missing"]);
    check(&format!("{HEAD}[stages]\n"), "5:1: stages", &["no stage"]);
    check(
        &site("start = \"http://a.test/\""),
        "1:1: site.name",
        &["`name` is missing"],
    );
    check(
        &site(&OK.replace("\"t\"", "\"My-Shop\"")),
        "2:8: site.name",
        &["a-z, 0-9 and _", "did you mean `my_shop`?"],
    );
    check(
        &site(&OK.replace("\"t\"", "\"sqlite_x\"")),
        "2:8: site.name",
        &["SQLite"],
    );
    check(
        &site(&OK.replace("\"t\"", "7")),
        "2:8: site.name",
        &["found the integer 7"],
    );
    check(
        &site(&OK.replace("http://a.test/", "/x")),
        "3:9: site.start",
        &["not absolute"],
    );
    check(
        &site(&OK.replace("http:", "ftp:")),
        "3:9: site.start",
        &["scheme `ftp`"],
    );
    check(
        &site(&OK.replace("http://", "http://u:sesame@")),
        "3:9: politeness.basic_auth",
        &["no user name"],
    );
    check(
        &site("name = \"t\"\nstart = []"),
        "3:9: site.start",
        &["list is empty"],
    );
}

#[test]
fn errors_of_the_site_s_other_keys_name_their_place() {
    check(
        &site(&format!("{OK}\nhosts = [\"b.test\"]")),
        "3:9: site.start",
        &["not in scope", "b.test"],
    );
    check(
        &site(&format!("{OK}\nhosts = [\"http://a.test/x\"]")),
        "4:10: site.hosts[0]",
        &["did you mean `a.test`?"],
    );
    check(
        &site(&format!("{OK}\nhosts = [\"*\"]")),
        "4:10: site.hosts[0]",
        &["a host such as"],
    );
    check(
        &site(&format!("{OK}\nenter = \"lst\"")),
        "4:9: site.enter",
        &["did you mean `list`?"],
    );
    check(
        &site(&format!("{OK}\nstrat = 1")),
        "4:1: site.strat",
        &["unknown key", "did you mean `start`?"],
    );
    check(
        &site(&format!("{OK}\ncanonical = {{ drop_query = [\"a*b\"] }}")),
        "4:29: site.canonical.drop_query[0]",
        &["`*` at its end"],
    );
    check(
        &format!("{}[polite]\n", site(OK)),
        "6:2: polite",
        &["unknown key", "politeness"],
    );
}

fn with_politeness(line: &str) -> String {
    format!("{HEAD}[politeness]\n{line}\n[stages.list]\npages = {{ next = \"a\" }}\n")
}

#[track_caller]
fn at(line: &str, column: usize, name: &str, parts: &[&str]) {
    let expected = format!("6:{column}: politeness.{name}");
    check(&with_politeness(line), &expected, parts);
}

#[test]
fn errors_of_politeness_name_their_place() {
    at(
        "max_rate = \"8/week\"",
        12,
        "max_rate",
        &["a rate such as", "8/week", "^^^^^^^^"],
    );
    at("max_rate = 0", 12, "max_rate", &["a rate such as"]);
    at("max_rate = inf", 12, "max_rate", &["a rate such as"]);
    at(
        "max_in_flight = 0",
        17,
        "max_in_flight",
        &["from 1 to 10000"],
    );
    at(
        "max_in_flight = 99999999999999999999",
        17,
        "max_in_flight",
        &["beyond 64 bits"],
    );
    at("robots = \"no\"", 10, "robots", &["true or false"]);
    at(
        "allow_addresses = [\"127.0.0.0/33\"]",
        20,
        "allow_addresses[0]",
        &["address range"],
    );
    at("timeout = \"30\"", 11, "timeout", &["a duration such as"]);
    at("timeout = 30", 11, "timeout", &["found the integer 30"]);
    at("timeout = \"0s\"", 11, "timeout", &["longer than nothing"]);
    at("max_body = \"10 XB\"", 12, "max_body", &["a size such as"]);
    at("user_agent = \"\"", 14, "user_agent", &["product"]);
    at(
        "timeuot = \"1s\"",
        1,
        "timeuot",
        &["did you mean `timeout`?"],
    );
}

#[test]
fn errors_of_secrets_name_their_place_and_keep_them() {
    at(
        "headers = { Host = \"sesame\" }",
        20,
        "headers.Host",
        &["writes this header itself"],
    );
    at(
        "headers = { \"a b\" = \"sesame\" }",
        21,
        "headers.\"a b\"",
        &["not a header's name"],
    );
    at(
        "cookies = { a = \"sesame;\" }",
        17,
        "cookies.a",
        &["without `;`"],
    );
    at(
        "cookies = { a = 1 }",
        17,
        "cookies.a",
        &["expected a string"],
    );
    at(
        "proxy = \"ftp://u:sesame@x\"",
        9,
        "proxy",
        &["a proxy's URL"],
    );
    at(
        "basic_auth = \"u:sesame\"",
        14,
        "basic_auth",
        &["expected a table"],
    );
    at(
        "basic_auth = { user = \"u\", passwrd = \"sesame\" }",
        28,
        "basic_auth.passwrd",
        &["did you mean `password`?"],
    );
    for line in [
        "headers = { Host = \"sesame\" }",
        "cookies = { a = \"sesame;\" }",
        "proxy = \"ftp://u:sesame@x\"",
        "basic_auth = \"u:sesame\"",
        "basic_auth = { user = \"u\", passwrd = \"sesame\" }",
        "proxy = \"sesame",
        "[politeness.cookies]\na = [\"sesame\"]",
        "cookies = [\"sesame\"]",
    ] {
        let message = load(&with_politeness(line)).unwrap_err().to_string();
        assert!(!message.contains("sesame"), "{message}");
    }
}

#[test]
fn broken_toml_names_its_place_and_all_errors_are_told_at_once() {
    check("[site\nname = \"t\"", "1:6", &["not TOML"]);
    check("[site]\nname = \"t\nstart = 1", "2:10", &["not TOML"]);
    check(&format!("{HEAD}name = \"u\"\n"), "5:1", &["duplicate key"]);
    let text = format!(
        "{HEAD}x = 1\n[stages.list]\ntolerance = 3\nbarrier = 1\n[[stages.list.links]]\nselect = \"a[\"\nto = \"b\"\n"
    );
    let errors = load(&text).unwrap_err();
    let lines: Vec<usize> = errors.errors.iter().map(|error| error.line).collect();
    assert_eq!(lines, [5, 7, 8, 10, 11]);
    assert!(
        errors
            .to_string()
            .ends_with("5 errors in t.toml; nothing was run")
    );
}

#[test]
fn an_error_is_drawn_as_a_compiler_draws_it() {
    let text = format!("{HEAD}[stages.list]\n\ttolarence = \"é\u{202e}\" # é\n");
    let message = load(&text).unwrap_err().errors[0].to_string();
    expect_test::expect![[r#"
        t.toml:6:2: stages.list.tolarence: unknown key `tolarence` in `stages.list`; known here: barrier, items_per_page, links, pages, records, retry, sitemaps, stage_attempts, tolerance; did you mean `tolerance`?
          |
        6 |  tolarence = "é�" # é
          |  ^^^^^^^^^"#]].assert_eq(&message);
}
