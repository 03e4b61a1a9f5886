//! What we send: headers, cookies, credentials, proxies, mapped hosts.

use std::sync::Arc;

use crawlfield_engine::{
    message::orders::RequestProfile, model::class::ErrorClass::*, site::compiled::BasicAuth,
};
use crawlfield_kit::hostile::{Server, Step};

use crate::fetcher::{Fetcher, class_of, profile};

fn plain_server() -> Server {
    Server::start([vec![Step::Request, Step::answer("", b"page")]])
}

fn auth() -> BasicAuth {
    BasicAuth {
        user: "ann".to_owned(),
        password: "pass-word".to_owned(),
    }
}

#[test]
fn a_request_carries_what_the_profile_says_and_nothing_else() {
    let server = plain_server();
    let mut profile = profile();
    profile.headers.insert("X-Shop".to_owned(), "7".to_owned());
    class_of(&server.url("/a?b=c"), profile).unwrap();
    let sent = &server.log().requests[0];
    let mut lines: Vec<&str> = sent.trim_end().split("\r\n").collect();
    lines[1..].sort_unstable();
    let host = format!("host: {}", server.address());
    let expected = [
        "GET /a?b=c HTTP/1.1",
        "accept-encoding: gzip, br, zstd, deflate",
        "accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        &host,
        "user-agent: Crawlfield/test",
        "x-shop: 7",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn cookies_that_a_server_sets_come_back_and_stay_when_the_profile_changes() {
    let server = Server::start([
        vec![
            Step::Request,
            Step::answer("Set-Cookie: a=1; Path=/\r\nSet-Cookie: b=2\r\n", b""),
            Step::Request,
            Step::answer("", b""),
        ],
        vec![Step::Request, Step::answer("", b"")],
    ]);
    let mut fetcher = Fetcher::start();
    let first = Arc::new(profile());
    fetcher.answer(&server.url("/1"), &first);
    fetcher.answer(&server.url("/2"), &first);
    fetcher.answer(&server.url("/3"), &Arc::new(profile()));
    let log = server.log();
    assert!(!log.requests[0].contains("cookie:"));
    for later in &log.requests[1..] {
        assert!(later.contains("a=1") && later.contains("b=2"), "{later}");
    }
}

#[test]
fn credentials_go_to_the_hosts_in_scope_only() {
    let check = |hosts: &[&str], expected: bool| {
        let server = plain_server();
        let mut profile = RequestProfile {
            basic_auth: Some(auth()),
            auth_hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
            ..profile()
        };
        profile
            .cookies
            .insert("session".to_owned(), "s3".to_owned());
        class_of(&server.url("/"), profile).unwrap();
        let sent = &server.log().requests[0];
        assert_eq!(
            sent.contains("authorization: Basic YW5uOnBhc3Mtd29yZA=="),
            expected,
            "{sent}"
        );
        assert_eq!(sent.contains("cookie: session=s3"), expected, "{sent}");
    };
    check(&["127.0.0.1"], true);
    check(&["a.test", "127.0.0.1"], true);
    check(&[], false);
    check(&["a.test", "127.0.0.1:1"], false);
}

#[test]
fn a_mapped_host_keeps_its_name_and_is_allowed_by_that_alone() {
    let check = |url: &str, key: &str, host: &str| {
        let server = plain_server();
        let mut profile = profile();
        profile.allow_addresses.clear();
        profile.connect_to.insert(key.to_owned(), server.address());
        class_of(url, profile).unwrap();
        let sent = server.log().requests[0].clone();
        assert!(sent.contains(&format!("host: {host}\r\n")), "{sent}");
        assert!(sent.starts_with("GET /x HTTP/1.1\r\n"), "{sent}");
    };
    check("http://books.test/x", "books.test", "books.test");
    check("http://books.test/x", "books.test:80", "books.test");
    check("http://books.test:8080/x", "books.test", "books.test:8080");
    check(
        "http://books.test:8080/x",
        "books.test:8080",
        "books.test:8080",
    );
    check("http://192.0.2.7/x", "192.0.2.7", "192.0.2.7");
}

#[test]
fn two_mapped_ports_of_a_host_lead_to_their_own_servers() {
    let (one, two) = (plain_server(), plain_server());
    let mut profile = profile();
    profile
        .connect_to
        .insert("a.test:80".to_owned(), one.address());
    profile
        .connect_to
        .insert("a.test:81".to_owned(), two.address());
    let (mut fetcher, profile) = (Fetcher::start(), Arc::new(profile));
    fetcher.answer("http://a.test/", &profile);
    fetcher.answer("http://a.test:81/", &profile);
    assert_eq!((one.log().requests.len(), two.log().requests.len()), (1, 1));
}

#[test]
fn an_http_proxy_gets_whole_urls_and_its_credentials() {
    let proxy = plain_server();
    let profile = RequestProfile {
        proxy: Some(format!("http://ann:pass-word@{}", proxy.address())),
        allow_addresses: Vec::new(),
        ..profile()
    };
    class_of("http://fetcher.invalid/x", profile).unwrap();
    let sent = &proxy.log().requests[0];
    assert!(
        sent.starts_with("GET http://fetcher.invalid/x HTTP/1.1\r\n"),
        "{sent}"
    );
    assert!(
        sent.contains("proxy-authorization: Basic YW5uOnBhc3Mtd29yZA=="),
        "{sent}"
    );
}

#[test]
fn a_socks5_proxy_resolves_the_name_and_gets_its_credentials() {
    let login = 3 + "ann".len() + "pass-word".len();
    let proxy = Server::start([vec![
        Step::Take(3),
        Step::Send(vec![5, 2]),
        Step::Take(login),
        Step::Send(vec![1, 0]),
        Step::Take(7 + "fetcher.invalid".len()),
        Step::Send(vec![5, 0, 0, 1, 0, 0, 0, 0, 0, 0]),
        Step::Request,
        Step::answer("", b"page"),
    ]]);
    let profile = RequestProfile {
        proxy: Some(format!("socks5://ann:pass-word@{}", proxy.address())),
        allow_addresses: Vec::new(),
        ..profile()
    };
    assert_eq!(
        *class_of("http://fetcher.invalid/x", profile).unwrap().body,
        b"page"
    );
    let log = proxy.log();
    assert!(log.requests[1].contains("ann") && log.requests[1].contains("pass-word"));
    assert!(log.requests[2].contains("fetcher.invalid"));
}

#[test]
fn a_proxy_does_not_open_the_way_to_private_hosts() {
    let proxy = plain_server();
    let profile = RequestProfile {
        proxy: Some(format!("http://{}", proxy.address())),
        allow_addresses: Vec::new(),
        ..profile()
    };
    for url in [
        "http://127.0.0.1/",
        "http://localhost/",
        "http://[::1]/",
        "http://10.1/",
    ] {
        assert_eq!(class_of(url, profile.clone()), Err(UnsafeAddress), "{url}");
    }
    assert!(proxy.log().requests.is_empty());
}

#[test]
fn a_refused_proxy_says_nothing_of_its_password() {
    let proxy = Server::start([vec![
        Step::Request,
        Step::say("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"),
    ]]);
    let profile = Arc::new(RequestProfile {
        proxy: Some(format!("http://ann:pass-word@{}", proxy.address())),
        ..profile()
    });
    let failure =
        Fetcher::start().failure("https://user:s3cret@fetcher.invalid/?token=t0ken", &profile);
    assert_eq!(failure.class, Connect);
    for secret in ["pass-word", "s3cret", "t0ken", "ann"] {
        assert!(!failure.message.contains(secret), "{}", failure.message);
    }
}
