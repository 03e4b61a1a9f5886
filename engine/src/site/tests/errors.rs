//! Each kind of error in one table: where it points, which field it names, what it says.

use super::{HEAD, load, with_fields};

/// `expected` is `line:column: field`; each of `parts` stands in the message.
#[track_caller]
fn check(text: &str, expected: &str, parts: &[&str]) {
    let errors = match load(text) {
        Ok(_) => panic!("this loads, but {expected} is wrong in it:\n{text}"),
        Err(errors) => errors,
    };
    let message = errors.to_string();
    let found = message.contains(&format!("t.toml:{expected}: "));
    assert!(found, "{expected} is not in:\n{message}");
    for part in parts {
        assert!(message.contains(part), "{part} is not in:\n{message}");
    }
}

#[track_caller]
fn check_field(field: &str, column: usize, name: &str, parts: &[&str]) {
    let dotted = format!("stages.list.records[0].fields.{name}");
    check(&with_fields(field), &format!("8:{column}: {dotted}"), parts);
}

#[test]
fn errors_of_the_head_name_their_place() {
    let site = |head: &str| format!("[site]\n{head}\n[stages.list]\npages = {{ next = \"a\" }}\n");
    let ok = "name = \"t\"\nstart = \"http://a.test/\"";
    check("", "1:1: site", &["`site` is missing"]);
    check(&format!("{HEAD}[stages]\n"), "5:1: stages", &["no stage"]);
    check(
        &site("start = \"http://a.test/\""),
        "1:1: site.name",
        &["`name` is missing"],
    );
    check(
        &site(&ok.replace("\"t\"", "\"My-Shop\"")),
        "2:8: site.name",
        &["a-z, 0-9 and _", "did you mean `my_shop`?"],
    );
    check(
        &site(&ok.replace("\"t\"", "\"sqlite_x\"")),
        "2:8: site.name",
        &["SQLite"],
    );
    check(
        &site(&ok.replace("\"t\"", "7")),
        "2:8: site.name",
        &["found the integer 7"],
    );
    check(
        &site(&ok.replace("http://a.test/", "/x")),
        "3:9: site.start",
        &["not absolute"],
    );
    check(
        &site(&ok.replace("http:", "ftp:")),
        "3:9: site.start",
        &["scheme `ftp`"],
    );
    check(
        &site(&ok.replace("http://", "http://u:sesame@")),
        "3:9: politeness.basic_auth",
        &["no user name"],
    );
    check(
        &site("name = \"t\"\nstart = []"),
        "3:9: site.start",
        &["list is empty"],
    );
    check(
        &site(&format!("{ok}\nhosts = [\"b.test\"]")),
        "3:9: site.start",
        &["not in scope", "b.test"],
    );
    check(
        &site(&format!("{ok}\nhosts = [\"http://a.test/x\"]")),
        "4:10: site.hosts[0]",
        &["did you mean `a.test`?"],
    );
    check(
        &site(&format!("{ok}\nhosts = [\"*\"]")),
        "4:10: site.hosts[0]",
        &["a host such as"],
    );
    check(
        &site(&format!("{ok}\nenter = \"lst\"")),
        "4:9: site.enter",
        &["did you mean `list`?"],
    );
    check(
        &site(&format!("{ok}\nstrat = 1")),
        "4:1: site.strat",
        &["unknown key", "did you mean `start`?"],
    );
    check(
        &site(&format!("{ok}\ncanonical = {{ drop_query = [\"a*b\"] }}")),
        "4:29: site.canonical.drop_query[0]",
        &["`*` at its end"],
    );
    check(
        &format!("{}[polite]\n", site(ok)),
        "6:2: polite",
        &["unknown key", "politeness"],
    );
}

#[test]
fn errors_of_politeness_name_their_place_and_keep_secrets() {
    let set = |line: &str| {
        format!("{HEAD}[politeness]\n{line}\n[stages.list]\npages = {{ next = \"a\" }}\n")
    };
    let at = |line: &str, column: usize, name: &str, parts: &[&str]| {
        check(&set(line), &format!("6:{column}: politeness.{name}"), parts);
    };
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
    at("groups = { g = [] }", 16, "groups.g", &["list is empty"]);
    at(
        "timeuot = \"1s\"",
        1,
        "timeuot",
        &["did you mean `timeout`?"],
    );
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
        let message = load(&set(line)).unwrap_err().to_string();
        assert!(!message.contains("sesame"), "{message}");
    }
}

#[test]
fn errors_of_stages_name_their_place() {
    let at = |body: &str, expected: &str, parts: &[&str]| {
        check(&format!("{HEAD}[stages.list]\n{body}\n"), expected, parts);
    };
    at(
        "tolerance = 2",
        "6:13: stages.list.tolerance",
        &["from 0 to 1"],
    );
    at(
        "tolerance = nan",
        "6:13: stages.list.tolerance",
        &["from 0 to 1"],
    );
    at(
        "items_per_page = -1",
        "6:18: stages.list.items_per_page",
        &["from 1 to 100000"],
    );
    at(
        "itmes_per_page = 1",
        "6:1: stages.list.itmes_per_page",
        &["did you mean `items_per_page`?"],
    );
    at(
        "retry = { attempts = 0 }",
        "6:22: stages.list.retry.attempts",
        &["from 1 to 100"],
    );
    at(
        "retry = { backoff = \"expo\" }",
        "6:21: stages.list.retry.backoff",
        &["did you mean `exponential`?"],
    );
    at(
        "retry = { base = \"5s\", cap = \"1s\" }",
        "6:30: stages.list.retry.cap",
        &["shorter than the base"],
    );
    at(
        "retry = { jiter = \"full\" }",
        "6:11: stages.list.retry.jiter",
        &["did you mean `jitter`?"],
    );
    at("pages = {}", "6:9: stages.list.pages", &["either `next`"]);
    at(
        "pages = { next = \"a\", max = 3 }",
        "6:23: stages.list.pages.max",
        &["belongs to `pattern`"],
    );
    at(
        "pages = { next = \"a[\" }",
        "6:20: stages.list.pages.next",
        &["bad selector", "at character 2"],
    );
    at(
        "pages = { pattern = \"http://a.test/\", max = 2 }",
        "6:21: stages.list.pages.pattern",
        &["{page}"],
    );
    at(
        "pages = { pattern = \"/p/{page}\", max = 2 }",
        "6:21: stages.list.pages.pattern",
        &["not absolute"],
    );
    at(
        "pages = { pattern = \"http://b.test/{page}\", max = 2 }",
        "6:21: stages.list.pages.pattern",
        &["not in scope"],
    );
    at(
        "pages = { pattern = \"http://a.test/{page}\" }",
        "6:11: stages.list.pages",
        &["how many pages"],
    );
    at(
        "pages = { pattern = \"http://a.test/{page}\", first = 5, max = 2 }",
        "6:57: stages.list.pages",
        &["below the first"],
    );
    at(
        "pages = { pattern = \"http://a.test/{page}\", count = { select = \"a\", regex = \"x\" } }",
        "6:77: stages.list.pages.count.regex",
        &["no capture group"],
    );
    at(
        "sitemaps = \"yes\"",
        "6:12: stages.list.sitemaps",
        &["true, or a table"],
    );
    at(
        "sitemaps = { urls = [\"/s.xml\"] }",
        "6:22: stages.list.sitemaps.urls[0]",
        &["not absolute"],
    );
    at(
        "[stages.list.links]\nselect = \"a\"",
        "6:1: stages.list.links",
        &["[[stages.list.links]]"],
    );
    at("links = []", "6:9: stages.list.links", &["list is empty"]);
    at(
        "[[stages.list.links]]\nto = \"list\"",
        "6:1: stages.list.links[0].select",
        &["is missing"],
    );
    at(
        "[[stages.list.links]]\nselect = \"a\"\nto = \"lits\"",
        "8:6: stages.list.links[0].to",
        &["did you mean `list`?"],
    );
    at(
        "[[stages.list.links]]\nselect = \"a\"\nto = \"list\"\neach = \"div@href\"",
        "9:12: stages.list.links[0].each",
        &["whole elements"],
    );
    at(
        "[[stages.list.links]]\nselect = \"a\"\nto = \"list\"\nmatches = \"(\"",
        "9:12: stages.list.links[0].matches",
        &["unclosed group", "at character 1"],
    );
    at(
        "[[stages.list.links]]\nselect = \"a\"\nto = \"list\"\ncarry = { page = \"b\" }",
        "9:11: stages.list.links[0].carry.page",
        &["always carried"],
    );
    at(
        "[stages.\"a b\"]",
        "6:9: stages.\"a b\"",
        &["a stage's name"],
    );
}

#[test]
fn errors_of_records_name_their_place() {
    let at = |body: &str, expected: &str, parts: &[&str]| {
        check(
            &format!("{HEAD}[[stages.list.records]]\n{body}\n"),
            expected,
            parts,
        );
    };
    at(
        "fields = { a = \"b\" }",
        "5:1: stages.list.records[0].kind",
        &["is missing"],
    );
    at(
        "kind = \"Big\"\nfields = { a = \"b\" }",
        "6:8: stages.list.records[0].kind",
        &["did you mean `big`?"],
    );
    at(
        "kind = \"k\"",
        "5:1: stages.list.records[0].fields",
        &["is missing"],
    );
    at(
        "kind = \"k\"\nfields = {}",
        "7:10: stages.list.records[0].fields",
        &["no fields"],
    );
    at(
        "kind = \"k\"\nfields = { a = \"b\" }\n[[stages.list.records]]\nkind = \"k\"\nfields = { a = \"b\" }",
        "9:8: stages.list.records[1].kind",
        &["there already"],
    );
    at(
        "kind = \"k\"\nkey = [\"tilte\"]\nfields = { title = \"b\" }",
        "7:8: stages.list.records[0].key[0]",
        &["no field", "did you mean `title`?"],
    );
    at(
        "kind = \"k\"\nkey = []\nfields = { a = \"b\" }",
        "7:7: stages.list.records[0].key",
        &["list is empty"],
    );
    at(
        "kind = \"k\"\nkey = \"a\"\nfields = { a = { select = \"b\", required = false } }",
        "7:7: stages.list.records[0].key",
        &["optional"],
    );
    at(
        "kind = \"k\"\nkey = \"a\"\nfields = { a = { select = \"b\", default = \"x\" } }",
        "7:7: stages.list.records[0].key",
        &["optional"],
    );
    at(
        "kind = \"k\"\nkey = \"a\"\nfields = { a = { select = \"b\", list = true } }",
        "7:7: stages.list.records[0].key",
        &["a list"],
    );
    at(
        "kind = \"k\"\nkey = [\"a\", \"a\"]\nfields = { a = \"b\" }",
        "7:13: stages.list.records[0].key[1]",
        &["twice"],
    );
    check_field(
        "_a = \"b\"",
        1,
        "_a",
        &["Crawlfield's own", "did you mean `a`?"],
    );
    check_field("\"a b\" = \"b\"", 1, "\"a b\"", &["did you mean `a_b`?"]);
    check(
        &with_fields("a = \"b\"\nA = \"c\""),
        "9:1: stages.list.records[0].fields.A",
        &["there already"],
    );
}

#[test]
fn errors_of_fields_name_their_place() {
    check_field("a = \"\"", 5, "a", &["selector is empty"]);
    check_field("a = 3", 5, "a", &["a selector, or a list of them"]);
    check_field("a = []", 5, "a", &["list is empty"]);
    check_field("a = \"div >\"", 9, "a", &["combinator"]);
    check_field(
        "a = \"p:contains('x')\"",
        7,
        "a",
        &["not supported", "at character 2"],
    );
    check_field("a = \"p@\"", 7, "a", &["attribute's name"]);
    check_field("a = \"p@a b\"", 7, "a", &["attribute's name"]);
    check_field("a = {}", 5, "a", &["where the value comes from"]);
    check_field(
        "a = { select = \"b\", meta = \"c\" }",
        21,
        "a",
        &["`select` and `meta`"],
    );
    check_field(
        "a = { selct = \"b\" }",
        7,
        "a.selct",
        &["did you mean `select`?"],
    );
    check_field(
        "a = { select = \"b\", type = \"int\" }",
        28,
        "a.type",
        &["did you mean `integer`?"],
    );
    check_field(
        "a = { select = \"b\", regex = \"x\" }",
        29,
        "a.regex",
        &["no capture group"],
    );
    check_field(
        "a = { select = \"b\", regex = \"(x){999999}\" }",
        29,
        "a.regex",
        &["regex"],
    );
    check_field(
        "a = { select = \"b\", regex = 'ab(c' }",
        32,
        "a.regex",
        &["unclosed group", "at character 3"],
    );
    check_field(
        "a = { select = \"b\", map = 3 }",
        27,
        "a.map",
        &["table of values"],
    );
    check_field(
        "a = { select = \"b\", map = {} }",
        27,
        "a.map",
        &["is empty"],
    );
    check_field(
        "a = { select = \"b\", type = \"integer\", map = { A = \"x\" } }",
        51,
        "a.map.A",
        &["an integer"],
    );
    check_field(
        "a = { select = \"b\", type = \"integer\", default = \"x\" }",
        49,
        "a.default",
        &["an integer"],
    );
    check_field(
        "a = { select = \"b\", type = \"boolean\", default = \"maybe\" }",
        49,
        "a.default",
        &["true or false"],
    );
    check_field(
        "a = { select = \"b\", required = true, default = \"x\" }",
        48,
        "a.default",
        &["never missing"],
    );
    check_field(
        "a = { select = \"b\", type = \"map\" }",
        21,
        "a",
        &["read from `rows`"],
    );
    check_field(
        "a = { select = \"b\", formats = [\"%Y-%m-%d\"] }",
        31,
        "a.formats",
        &["for type = \"date\""],
    );
    check_field(
        "a = { select = \"b\", type = \"date\", formats = [\"%Q1\"] }",
        47,
        "a.formats[0]",
        &["bad date format"],
    );
    check_field(
        "a = { select = \"b\", type = \"date\", formats = [\"%Y-%m\"] }",
        47,
        "a.formats[0]",
        &["bad date format"],
    );
    check_field(
        "a = { rows = \"tr\", label = \"th\", value = \"td\" }",
        14,
        "a.rows",
        &["`is`"],
    );
    check_field(
        "a = { rows = \"tr\", label = \"th\", is = \"x\" }",
        14,
        "a.value",
        &["is missing"],
    );
    check_field(
        "a = { rows = \"tr\", label = \"th\", value = \"td\", is = \"x\", type = \"map\" }",
        53,
        "a.is",
        &["leave `is` out"],
    );
    check_field(
        "a = { select = \"tr\", is = \"x\" }",
        27,
        "a.is",
        &["belongs to `rows`"],
    );
    check_field(
        "a = { json = \"a.b\" }",
        14,
        "a.json",
        &["JSON pointer", "did you mean `/a/b`?"],
    );
    check_field(
        "a = { jsonld = \"/a~2\" }",
        16,
        "a.jsonld",
        &["JSON pointer"],
    );
    check_field(
        "a = { script = { select = \"script\" } }",
        16,
        "a.script.pointer",
        &["is missing"],
    );
    check_field("a = { meta = \" \" }", 14, "a.meta", &["is empty"]);
    check_field(
        "a = { carried = \"ttle\" }",
        17,
        "a",
        &["no link into this stage", "page, position"],
    );
    check_field(
        "a = { select = \"b\", transforms = [\"lowr\"] }",
        35,
        "a.transforms[0]",
        &["did you mean `lower`?"],
    );
    check_field(
        "a = { select = \"b\", replace = [\"x\"] }",
        31,
        "a.replace",
        &["a pair"],
    );
    check_field(
        "a = { select = \"b\", replace = [\"(x\", \"\"] }",
        33,
        "a.replace[0]",
        &["unclosed group"],
    );
    check_field(
        "a = { select = \"b\", replace = [\"(x)\", \"$2\"] }",
        39,
        "a.replace[1]",
        &["names no group"],
    );
    check_field(
        "a = { select = \"b\", raw = 1 }",
        27,
        "a.raw",
        &["true or false"],
    );
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
    let text = format!("{HEAD}[stages.list]\n\ttolérance = 3; # \u{1b}[31m\n").replace("; #", " #");
    let message = load(&text).unwrap_err().errors[0].to_string();
    expect_test::expect![[r"
        "]]
    .assert_eq(&message);
}
