//! What a shop asks of its visitors: robots.txt, delays, cookies, a password.

use std::time::Duration;

use crawlfield_kit::{
    shop,
    sites::{Reply, Request, Web},
};

use super::crawl;

fn shop_with_robots(robots: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Web {
    Web::start(move |request| match request.path() {
        "/robots.txt" => robots(request),
        _ => shop::page(6, request).unwrap_or_else(|| Reply::status(404)),
    })
}

#[test]
fn what_robots_txt_forbids_is_never_asked_for() {
    let web = shop_with_robots(|_| {
        Reply::bytes(
            "text/plain",
            "User-agent: *\nDisallow: /item/2\nDisallow: /item/4$\n",
        )
    });
    let crawled = crawl(&web, "", &[]);
    assert_eq!(crawled.ended.code, Some(0), "{}", crawled.ended.stderr);
    assert_eq!(crawled.items().len(), 4);
    assert_eq!((web.asked("/item/2"), web.asked("/item/4")), (0, 0));
    assert_eq!(crawled.result()["skippedByReason"]["robots"], 2);
}

#[test]
fn robots_txt_that_cannot_be_read_for_a_while_holds_the_crawl_back() {
    let web = shop_with_robots(|request| match request.count {
        1 => Reply::status(503),
        _ => Reply::bytes("text/plain", "User-agent: *\nDisallow: /item/2\n"),
    });
    let crawled = crawl(&web, "", &[]);
    assert_eq!(crawled.items().len(), 5, "{}", crawled.ended.stderr);
    assert_eq!(web.asked("/item/2"), 0);
    assert!(
        web.seen()
            .iter()
            .take(2)
            .all(|target| target == "/robots.txt")
    );
}

#[test]
fn a_crawl_delay_is_obeyed() {
    let web = shop_with_robots(|_| Reply::bytes("text/plain", "User-agent: *\nCrawl-delay: 0.3\n"));
    let crawled = crawl(&web, "", &[]);
    assert_eq!(crawled.items().len(), 6);
    // 8 pages, so 7 gaps.
    assert!(
        crawled.ended.took >= Duration::from_millis(2_100),
        "{:?}",
        crawled.ended.took
    );
}

#[test]
fn cookies_that_a_page_sets_are_sent_to_the_next_ones() {
    let web = Web::start(|request| {
        let known = request
            .header("cookie")
            .is_some_and(|cookie| cookie.contains("visitor=7"));
        match request.path() {
            "/list/1" => match shop::page(5, request) {
                Some(page) => page.with("Set-Cookie", "visitor=7; Path=/"),
                None => Reply::status(404),
            },
            path if path.starts_with("/item/") && !known => Reply::status(403),
            _ => shop::page(5, request).unwrap_or_else(|| Reply::status(404)),
        }
    });
    let crawled = crawl(&web, "", &[]);
    assert_eq!(crawled.items().len(), 5, "{}", crawled.ended.stdout);
}

#[test]
fn basic_auth_is_sent_and_never_told() {
    let web = Web::start(|request| {
        // "user:secret-word"
        if request.header("authorization") == Some("Basic dXNlcjpzZWNyZXQtd29yZA==") {
            shop::page(5, request).unwrap_or_else(|| Reply::status(404))
        } else {
            Reply::status(401).with("WWW-Authenticate", "Basic realm=\"shop\"")
        }
    });
    let auth = "basic_auth = { user = \"user\", password = \"secret-word\" }";
    let crawled = crawl(&web, auth, &[]);
    assert_eq!(
        crawled.items().len(),
        5,
        "{} {}",
        crawled.ended.stdout,
        crawled.ended.stderr
    );
    let said = format!("{}{}", crawled.ended.stdout, crawled.ended.stderr);
    assert!(
        !said.contains("secret-word") && !said.contains("dXNlcjpz"),
        "{said}"
    );
    let crawled = crawl(&web, "", &[]);
    assert_eq!(
        crawled.ended.code,
        Some(3),
        "without it: {}",
        crawled.ended.stdout
    );
}
