//! What a shop asks of its visitors: robots.txt, delays, cookies, a password.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

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
fn robots_txt_that_is_never_readable_forbids_all_and_is_told() {
    let web = shop_with_robots(|_| Reply::status(503));
    let crawled = crawl(&web, "", &[]);
    assert_eq!(crawled.ended.code, Some(3), "{}", crawled.ended.stderr);
    assert!(web.seen().iter().all(|target| target == "/robots.txt"));
    assert!(web.requests() >= 3, "it is asked again");
    assert_eq!(crawled.result()["deadByClass"]["robots_unreadable"], 1);
    let store = crawled.store();
    let letters = super::program().run(["dead", "list", "--store", &store]);
    assert!(
        letters.stdout.contains("robots.txt") && letters.stdout.contains("503"),
        "{}",
        letters.stdout
    );
}

#[test]
fn requests_stay_below_the_rate_as_the_server_counts_them() {
    const RATE: f64 = 25.0;
    let arrivals = Arc::new(Mutex::new(Vec::new()));
    let (seen, began) = (Arc::clone(&arrivals), Instant::now());
    let web = Web::start(move |request| {
        seen.lock().unwrap().push(began.elapsed());
        shop::page(30, request).unwrap_or_else(|| Reply::status(404))
    });
    let site = shop::site("max_in_flight = 8").replace("1000/s", "25/s");
    let crawled = super::crawl_site(&web, &site, &[]);
    assert_eq!(crawled.items().len(), 30, "{}", crawled.ended.stderr);
    // A delay on the way only makes a request late: none may ever be early.
    for (before, at) in arrivals.lock().unwrap().iter().enumerate() {
        let most = at.as_secs_f64() * RATE + 1.0;
        assert!(
            f64::from(u32::try_from(before).unwrap()) <= most,
            "{before} by {at:?}"
        );
    }
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
