//! Errors of stages, their pages and links.

use super::{super::HEAD, check};

/// Body of the stage, `line:column: field`, parts of the message.
const CASES: &[(&str, &str, &[&str])] = &[
    (
        "tolerance = 2",
        "6:13: stages.list.tolerance",
        &["from 0 to 1"],
    ),
    (
        "tolerance = nan",
        "6:13: stages.list.tolerance",
        &["from 0 to 1"],
    ),
    (
        "items_per_page = -1",
        "6:18: stages.list.items_per_page",
        &["from 1 to 100000"],
    ),
    (
        "itmes_per_page = 1",
        "6:1: stages.list.itmes_per_page",
        &["did you mean `items_per_page`?"],
    ),
    (
        "retry = { attempts = 0 }",
        "6:22: stages.list.retry.attempts",
        &["from 1 to 100"],
    ),
    (
        "retry = { backoff = \"expo\" }",
        "6:21: stages.list.retry.backoff",
        &["did you mean `exponential`?"],
    ),
    (
        "retry = { base = \"5s\", cap = \"1s\" }",
        "6:30: stages.list.retry.cap",
        &["shorter than the base"],
    ),
    (
        "retry = { jiter = \"full\" }",
        "6:11: stages.list.retry.jiter",
        &["did you mean `jitter`?"],
    ),
    ("pages = {}", "6:9: stages.list.pages", &["either `next`"]),
    (
        "pages = { next = \"a\", max = 3 }",
        "6:23: stages.list.pages.max",
        &["belongs to `pattern`"],
    ),
    (
        "pages = { next = \"a[\" }",
        "6:20: stages.list.pages.next",
        &["bad selector", "at character 2"],
    ),
    (
        "pages = { pattern = \"http://a.test/\", max = 2 }",
        "6:21: stages.list.pages.pattern",
        &["{page}"],
    ),
    (
        "pages = { pattern = \"/p/{page}\", max = 2 }",
        "6:21: stages.list.pages.pattern",
        &["not absolute"],
    ),
    (
        "pages = { pattern = \"http://b.test/{page}\", max = 2 }",
        "6:21: stages.list.pages.pattern",
        &["not in scope"],
    ),
    (
        "pages = { pattern = \"http://a.test/{page}\" }",
        "6:11: stages.list.pages",
        &["how many pages"],
    ),
    (
        "pages = { pattern = \"http://a.test/{page}\", first = 5, max = 2 }",
        "6:56: stages.list.pages",
        &["below the first"],
    ),
    (
        "pages = { pattern = \"http://a.test/{page}\", count = { select = \"a\", regex = \"x\" } }",
        "6:77: stages.list.pages.count.regex",
        &["no capture group"],
    ),
    (
        "sitemaps = \"yes\"",
        "6:12: stages.list.sitemaps",
        &["true, or a table"],
    ),
    (
        "sitemaps = { urls = [\"/s.xml\"] }",
        "6:22: stages.list.sitemaps.urls[0]",
        &["not absolute"],
    ),
    (
        "[stages.list.links]\nselect = \"a\"",
        "6:1: stages.list.links",
        &["[[stages.list.links]]"],
    ),
    ("links = []", "6:9: stages.list.links", &["list is empty"]),
    (
        "[[stages.list.links]]\nto = \"list\"",
        "6:1: stages.list.links[0].select",
        &["is missing"],
    ),
    (
        "[[stages.list.links]]\nselect = \"a\"\nto = \"lits\"",
        "8:6: stages.list.links[0].to",
        &["did you mean `list`?"],
    ),
    (
        "[[stages.list.links]]\nselect = \"a\"\nto = \"list\"\neach = \"div@href\"",
        "9:12: stages.list.links[0].each",
        &["whole elements"],
    ),
    (
        "[[stages.list.links]]\nselect = \"a\"\nto = \"list\"\nmatches = \"(\"",
        "9:12: stages.list.links[0].matches",
        &["unclosed group", "at character 1"],
    ),
    (
        "[[stages.list.links]]\nselect = \"a\"\nto = \"list\"\ncarry = { page = \"b\" }",
        "9:11: stages.list.links[0].carry.page",
        &["always carried"],
    ),
    (
        "[stages.\"a b\"]",
        "6:9: stages.\"a b\"",
        &["a stage's name"],
    ),
];

#[test]
fn errors_of_stages_name_their_place() {
    for (body, expected, parts) in CASES {
        check(&format!("{HEAD}[stages.list]\n{body}\n"), expected, parts);
    }
}
