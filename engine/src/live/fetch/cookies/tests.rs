use std::collections::BTreeMap;

use reqwest::header::{HeaderMap, HeaderValue, SET_COOKIE};
use url::Url;

use super::{Jar, MOST_BYTES, MOST_OF_DOMAIN};
use crate::{message::store_verbs::KeptCookie, model::ids::SessionId};

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

fn set(jar: &Jar, from: &str, cookies: &[&str]) {
    let mut headers = HeaderMap::new();
    for cookie in cookies {
        headers.append(SET_COOKIE, HeaderValue::from_str(cookie).unwrap());
    }
    jar.take(&headers, &url(from));
}

fn sent(jar: &Jar, to: &str) -> String {
    let value = jar.header(&url(to), &BTreeMap::new(), &[]);
    value.map_or_else(String::new, |value| {
        assert!(value.is_sensitive());
        value.to_str().unwrap().to_owned()
    })
}

fn told(jar: &Jar) -> Vec<KeptCookie> {
    jar.hand_over(|set| set.map_or_else(Vec::new, |set| set.cookies))
}

/// Where a cookie of this page with this Domain is sent.
fn check(from: &str, domain: &str, to: &[(&str, bool)]) {
    let jar = Jar::new(SessionId(1), &[]);
    set(&jar, from, &[&format!("a=1; Path=/; Domain={domain}")]);
    for (to, expected) in to {
        assert_eq!(
            sent(&jar, to) == "a=1",
            *expected,
            "from {from} with Domain={domain} to {to}"
        );
    }
}

#[test]
fn no_host_sets_cookies_for_a_public_suffix() {
    let nowhere = |from: &str, domain: &str, other: &str| {
        check(from, domain, &[(from, false), (other, false)]);
    };
    nowhere("http://shop.test/", "test", "http://other.test/");
    nowhere("http://shop.test/", ".test", "http://other.test/");
    nowhere("http://shop.com/", "com", "http://other.com/");
    nowhere("http://shop.co.uk/", "co.uk", "http://other.co.uk/");
    nowhere(
        "http://ann.github.io/",
        "github.io",
        "http://bob.github.io/",
    );
    nowhere(
        "http://a.xn--55qx5d.cn/",
        "公司.cn",
        "http://b.xn--55qx5d.cn/",
    );
    check(
        "http://www.shop.com/",
        "shop.com",
        &[
            ("http://www.shop.com/", true),
            ("http://shop.com/", true),
            ("http://img.shop.com/", true),
            ("http://othershop.com/", false),
        ],
    );
    // A host that is a suffix sets them for itself, and for nobody below it.
    let own = [
        ("http://github.io/", true),
        ("http://ann.github.io/", false),
    ];
    check("http://github.io/", "github.io", &own);
    let own = [("http://localhost/", true), ("http://a.localhost/", false)];
    check("http://localhost/", "localhost", &own);
    let own = [("http://127.0.0.1/", true), ("http://127.0.0.2/", false)];
    check("http://127.0.0.1/", "127.0.0.1", &own);
    check(
        "http://127.0.0.1/",
        "0.0.1",
        &[("http://127.0.0.1/", false)],
    );
}

#[test]
fn a_kept_jar_is_the_jar_that_was() {
    let jar = Jar::new(SessionId(7), &[]);
    set(
        &jar,
        "http://www.shop.com/a/b",
        &[
            "session=x=1|\"2\"; HttpOnly; SameSite=Lax",
            "root=2; Path=/",
            "wide=3; Domain=shop.com; Path=/",
            "safe=4; Secure; Path=/",
            "long=5; Max-Age=3600; Path=/",
            "dated=6; Expires=Fri, 01 Jan 2100 00:00:00 GMT; Path=/",
            "gone=7; Max-Age=0",
            "past=8; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
        ],
    );
    let kept = told(&jar);
    assert_eq!(kept.len(), 6, "{kept:?}");
    assert_eq!(told(&jar), [], "once");
    let again = Jar::new(SessionId(7), &kept);
    for to in [
        "http://www.shop.com/a/c",
        "https://www.shop.com/a/c",
        "http://www.shop.com/",
        "https://img.shop.com/",
        "http://other.com/",
    ] {
        assert_eq!(sent(&again, to), sent(&jar, to), "{to}");
    }
    assert_eq!(
        sent(&again, "http://www.shop.com/a/c"),
        "session=x=1|\"2\"; dated=6; long=5; root=2; wide=3"
    );
    assert_eq!(sent(&again, "https://img.shop.com/"), "wide=3");
    let text = format!("{kept:?}");
    assert!(
        !text.contains("session") && !text.contains("shop"),
        "{text}"
    );
}

#[test]
fn only_what_changes_is_told_and_what_is_taken_back_too() {
    let jar = Jar::new(SessionId(1), &[]);
    let texts = |kept: Vec<KeptCookie>| -> Vec<bool> {
        kept.iter().map(|cookie| cookie.text.is_some()).collect()
    };
    set(&jar, "http://a.test/", &["n=1", "m=1"]);
    assert_eq!(texts(told(&jar)), [true, true]);
    set(&jar, "http://a.test/", &["n=1"]);
    assert_eq!(told(&jar), []);
    set(&jar, "http://a.test/", &["n=2", "n=3"]);
    assert_eq!(texts(told(&jar)), [true]);
    assert_eq!(sent(&jar, "http://a.test/"), "m=1; n=3");
    set(
        &jar,
        "http://a.test/",
        &["n=; Max-Age=0", "none=; Max-Age=0"],
    );
    assert_eq!(texts(told(&jar)), [false]);
    assert_eq!(sent(&jar, "http://a.test/"), "m=1");
}

#[test]
fn a_host_fills_neither_memory_nor_its_own_requests() {
    let jar = Jar::new(SessionId(1), &[]);
    let long = format!("long={}", "x".repeat(MOST_BYTES));
    set(&jar, "http://a.test/", &["first=1", &long]);
    let many: Vec<String> = (0..1_000).map(|n| format!("c{n}=1")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    set(&jar, "http://a.test/", &many);
    let header = sent(&jar, "http://a.test/");
    assert_eq!(header.split("; ").count(), MOST_OF_DOMAIN);
    assert!(header.contains("first=1") && !header.contains("long"));
    set(&jar, "http://a.test/", &["first=2"]);
    assert!(sent(&jar, "http://a.test/").contains("first=2"));
    set(&jar, "http://b.test/", &["b=1"]);
    assert_eq!(sent(&jar, "http://b.test/"), "b=1");
}

#[test]
fn a_site_files_cookies_go_to_trusted_hosts_unless_the_jar_has_its_own() {
    let jar = Jar::new(SessionId(1), &[]);
    let ours = BTreeMap::from([("lang", "de"), ("sid", "ours")].map(|(n, v)| (n.into(), v.into())));
    let trusted = vec!["a.test".to_owned()];
    let sent = |to: &str| {
        let value = jar.header(&url(to), &ours, &trusted);
        value.map(|value| value.to_str().unwrap().to_owned())
    };
    assert_eq!(sent("http://a.test/").unwrap(), "lang=de; sid=ours");
    assert_eq!(sent("http://b.test/"), None);
    set(&jar, "http://a.test/", &["sid=theirs"]);
    assert_eq!(sent("http://a.test/").unwrap(), "sid=theirs; lang=de");
}
