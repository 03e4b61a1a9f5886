use url::Url;

use super::{Scope, is_trap, is_trusted, resolve};
use crate::model::class::SkipReason;

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

fn scope(hosts: &[&str], drop_query: &[&str], sort_query: bool) -> Scope {
    let own = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
    Scope {
        hosts: own(hosts),
        drop_query: own(drop_query),
        sort_query,
    }
}

/// A pattern, a URL, whether it is in the pattern's scope, whether credentials may go there.
const HOSTS: &[(&str, &str, bool, bool)] = &[
    ("a.test", "http://a.test/x", true, true),
    ("a.test", "https://A.TEST:8443/x", true, true),
    ("a.test", "http://a.test./x", true, false),
    ("a.test", "http://b.a.test/", false, false),
    ("a.test", "http://xa.test/", false, false),
    ("a.test:8080", "http://a.test:8080/", true, true),
    ("a.test:8080", "http://a.test/", false, false),
    ("a.test:80", "http://a.test/", true, true),
    ("a.test:80", "https://a.test/", false, false),
    ("a.test:", "http://a.test/", false, false),
    ("a.test:99999", "http://a.test/", false, false),
    ("*.a.test", "http://b.a.test/", true, true),
    ("*.a.test", "http://c.b.a.test/", true, true),
    ("*.a.test", "http://b.a.test./", true, false),
    ("*.a.test", "http://a.test/", false, false),
    ("*.a.test", "http://.a.test/", false, false),
    ("*.a.test", "http://ba.test/", false, false),
    ("*.a.test:81", "http://b.a.test:81/", true, true),
    ("*.a.test:81", "http://b.a.test/", false, false),
    ("[::1]", "http://[::1]:81/", true, true),
    ("[::1]:81", "http://[::1]:81/", true, true),
    ("[::1]:81", "http://[::1]/", false, false),
    ("a.test", "ftp://a.test/", false, true),
    ("a.test", "http://user:secret@a.test/", false, true),
];

#[test]
fn hosts_match_by_name_port_and_wildcard_for_scope_and_credentials() {
    for (pattern, text, in_scope, trusted) in HOSTS {
        let url = url(text);
        let what = format!("{pattern} {text}");
        assert_eq!(
            scope(&[pattern], &[], false).contains(&url),
            *in_scope,
            "{what}"
        );
        assert_eq!(
            is_trusted(&url, &[(*pattern).to_owned()]),
            *trusted,
            "{what}"
        );
    }
}

#[test]
fn a_canonical_url_keeps_path_and_query_byte_for_byte() {
    let plain = scope(&[], &[], false);
    let check = |text: &str, expected: &str| assert_eq!(plain.canonical(&url(text)), expected);
    check("http://A.test:80/a/../b#top", "http://a.test/b");
    check("http://a.test", "http://a.test/");
    check("http://a.test/?", "http://a.test/?");
    check("http://a.test/?b=2&a=1&&c#x", "http://a.test/?b=2&a=1&&c");
    check(
        "http://a.test/%7Ea/A%2fb?q=%C3%A4+1",
        "http://a.test/%7Ea/A%2fb?q=%C3%A4+1",
    );
    check("https://a.test:443//x//", "https://a.test//x//");
    check("http://u:p@a.test/", "http://a.test/");
}

#[test]
fn query_parameters_are_dropped_and_sorted_where_the_site_says_so() {
    let drop = scope(&[], &["utm_*", "sid", "a b"], false);
    let check = |scope: &Scope, text: &str, expected: &str| {
        assert_eq!(scope.canonical(&url(text)), expected, "{text}");
    };
    check(
        &drop,
        "http://a.test/?utm_source=x&b=2&utm_=1&a=1",
        "http://a.test/?b=2&a=1",
    );
    check(&drop, "http://a.test/?sid=1", "http://a.test/");
    check(
        &drop,
        "http://a.test/?sids=1&&x",
        "http://a.test/?sids=1&&x",
    );
    check(
        &drop,
        "http://a.test/?a%20b=1&u%74m_x=2&c=3",
        "http://a.test/?c=3",
    );
    let sort = scope(&[], &[], true);
    check(
        &sort,
        "http://a.test/?b=1&a=2&a=1",
        "http://a.test/?a=2&a=1&b=1",
    );
    check(&sort, "http://a.test/", "http://a.test/");
}

#[test]
fn only_links_to_http_pages_are_resolved() {
    let base = url("http://a.test/dir/page?q");
    let check = |href: &str, expected: Option<&str>| {
        assert_eq!(
            resolve(&base, href).as_ref().map(Url::as_str),
            expected,
            "{href}"
        );
    };
    check("x", Some("http://a.test/dir/x"));
    check("  \n../y\t ", Some("http://a.test/y"));
    check("/foo\tb\nar/", Some("http://a.test/foobar/"));
    check("//b.test/x#f", Some("http://b.test/x"));
    check("?p=2", Some("http://a.test/dir/page?p=2"));
    check("HTTP://B.test:80", Some("http://b.test/"));
    check("100%25%", Some("http://a.test/dir/100%25%"));
    check("http://münchen.test/", Some("http://xn--mnchen-3ya.test/"));
    for nowhere in [
        "",
        " ",
        "#",
        "#top",
        "javascript:void(0)",
        "JavaScript:x",
        "java\nscript:x",
        "mailto:a@b",
        "tel:1",
        "data:text/html,x",
        "ftp://a.test/",
        "about:blank",
        "http://",
        "http://:80",
        "http://u@a.test/",
        "http://[::1",
        "http://a.test:99999/",
    ] {
        check(nowhere, None);
    }
    assert_eq!(resolve(&base, &"x".repeat(70_000)), None);
}

#[test]
fn long_deep_and_repeating_paths_are_traps() {
    let check = |text: &str, trap: bool| {
        let expected = trap.then_some(if text.len() > 40 {
            SkipReason::TooLong
        } else {
            SkipReason::Trap
        });
        assert_eq!(is_trap(&url(text), 40, 6, 2), expected, "{text}");
    };
    check("http://a.test/", false);
    check("http://a.test/a/b/a/b", false);
    check("http://a.test/a/b/a/b/a", true);
    check("http://a.test/1/2/3/4/5/6/", false);
    check("http://a.test/1/2/3/4/5/6/7", true);
    check(&format!("http://a.test/{}", "x".repeat(26)), false);
    check(&format!("http://a.test/{}", "x".repeat(27)), true);
}
