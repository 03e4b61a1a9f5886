//! What somebody who writes a site file is told where it finds less than it asks for.

use crawlfield_kit::{
    shop,
    sites::{Reply, Web},
};

use crate::workplace::Workplace;

#[test]
fn what_a_selector_misses_and_where_a_page_leads_is_shown() {
    let place = Workplace::new();
    let site = place.write("site.toml", &shop::site("").replace("\"a\" }", "\"h1\" }"));
    let web = Web::start(|request| match request.path() {
        "/moved" => Reply::redirect(302, "http://www.shop.test/list/1"),
        "/json" => Reply::bytes("application/json", b"{}".to_vec()),
        _ => Reply::html("<h1>All</h1><li class=card><a href=/item/0>x</a>"),
    });
    let connects = [
        "--connect-to",
        &web.connect_to(shop::HOST),
        "--connect-to",
        &web.connect_to("www.shop.test"),
    ];
    let tried = |url: &str| {
        let run = place.run(&[&["try", &site, url], &connects[..]].concat());
        run.stdout
    };
    let list = tried("http://shop.test/list/1");
    assert!(
        list.contains("h1  0 matches  (but 1 outside of it, on the page)"),
        "{list}"
    );
    let moved = tried("http://shop.test/moved");
    assert!(
        moved.contains("www.shop.test/list/1, whose host is not in scope"),
        "{moved}"
    );
    let json = tried("http://shop.test/json");
    assert!(json.contains("it is JSON"), "{json}");
}

#[test]
fn a_crawl_that_ends_well_and_finds_too_little_says_what_to_look_at() {
    let web = Web::start(|request| match request.path() {
        "/list/1" if request.header("x-moved").is_some() => {
            Reply::redirect(302, "http://www.shop.test/list/1")
        }
        _ => shop::page(7, request).unwrap_or_else(|| Reply::status(404)),
    });
    let check = |site: &str, told: &[&str]| {
        let place = Workplace::new();
        place.write("site.toml", site);
        place.crawl(&web, &["--quiet"]).with_code(0).saying(told);
    };
    let site = shop::site("");
    let well = Workplace::new();
    assert_eq!(well.crawl(&web, &["--quiet"]).with_code(0).stderr, "");
    let unlinked = site.replace("li.card", "div.card");
    check(
        &unlinked,
        &["no link to stage detail was found", "crawlfield try"],
    );
    let empty = site.replace("\"list_name\" }\n", "\"list_name\" }\nmaker = \".maker\"\n");
    check(
        &empty,
        &["nothing was found for maker in the last 7 records"],
    );
    let moved = shop::site("headers = { X-Moved = \"1\" }");
    check(&moved, &["nothing was read", "`hosts` does not name"]);
}
