//! Who goes first.

use crawlfield_kit::{Reply, Scenario};

use crate::{catalogue, urls};

fn asked(crawl: &crawlfield_kit::Crawl) -> Vec<&str> {
    let pages = crawl.backend.asked.iter();
    pages
        .map(|asked| crawlfield_kit::short(&asked.url))
        .filter(|url| !url.ends_with("robots.txt"))
        .collect()
}

#[test]
fn pages_of_a_host_go_out_in_the_order_of_discovery() {
    let mut crawl = catalogue(8).start();
    crawl.run_until_idle();
    let mut expected = vec!["a.test/".to_owned()];
    expected.extend(urls("a.test", 8));
    assert_eq!(asked(&crawl), expected);
}

#[test]
fn lists_go_before_details_of_the_same_batch() {
    let first = urls("a.test/x", 5);
    let mut crawl = Scenario::new()
        .politeness("max_in_flight = 1\nmax_rate = \"10/s\"")
        .page("a.test/", [Reply::links(&first).next("a.test/p2")])
        .page("a.test/p2", [Reply::links(["a.test/y"]).next("a.test/p3")])
        .page("a.test/p3", [Reply::links(["a.test/z"])])
        .details(&first)
        .details(["a.test/y", "a.test/z"])
        .start_url("a.test/")
        .start();
    crawl.run_until_idle();
    let order = asked(&crawl);
    let at = |url: &str| order.iter().position(|asked| *asked == url);
    assert!(at("a.test/p2") < at("a.test/x/2"), "{order:?}");
    assert!(at("a.test/p3") < at("a.test/x/4"), "{order:?}");
    assert!(at("a.test/y") < at("a.test/z"), "{order:?}");
}

#[test]
fn a_page_that_comes_back_from_backoff_keeps_its_place() {
    let mut crawl = catalogue(40)
        .politeness("max_in_flight = 1")
        .detail("retry = { attempts = 3, backoff = \"fixed\", base = \"1s\", jitter = \"none\" }")
        .page("a.test/1", [Reply::status(500), Reply::html("one")])
        .start();
    crawl.run_until_idle();
    let order = asked(&crawl);
    let again = order.iter().rposition(|url| *url == "a.test/1");
    assert!(again.is_some_and(|at| at > 1 && at < 20), "{order:?}");
}
