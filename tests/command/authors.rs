//! What somebody who writes a site file is told where it finds less than it asks for.

use crawlfield_kit::{
    shop,
    sites::{Reply, Web},
};

use crate::workplace::{Workplace, result};

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

/// Three list pages of a shop with 15 items, whose links back and forward look alike.
fn both_ways(request: &crawlfield_kit::sites::Request) -> Reply {
    let Some(number) = request.path().strip_prefix("/list/") else {
        return shop::page(15, request).unwrap_or_else(|| Reply::status(404));
    };
    let number: u32 = number.parse().unwrap();
    let cards =
        (5 * number - 5..5 * number).map(|n| format!("<li class=card><a href=/item/{n}>x</a>"));
    let way = |to: u32| format!("<li class=next><a href=/list/{to}><span>to {to}</span></a>");
    let ways = [number - 1, number + 1]
        .into_iter()
        .filter(|to| (1..=3).contains(to));
    Reply::html(cards.chain(ways.map(way)).collect::<String>())
}

#[test]
fn several_next_links_are_told_and_nothing_of_the_list_is_lost() {
    let web = Web::start(both_ways);
    let crawl = |from: &str, next: &str| {
        let place = Workplace::new();
        let site = shop::site("")
            .replace("/list/1", from)
            .replace("a.next", next);
        place.write("site.toml", &site);
        let ended = place.crawl(&web, &["--quiet"]).with_code(0);
        let result = result(&ended);
        assert_eq!(result["records"]["saved"], 15, "{next}");
        result["remarks"].clone()
    };
    for next in ["li.next", "li.next a", "li.next span"] {
        let told = crawl("/list/1", next);
        assert!(told["several_next"].is_null(), "{told}");
        let told = crawl("/list/2", next);
        assert_eq!(told["several_next"]["count"], 1, "{told}");
    }
    let place = Workplace::new();
    let site = place.write("site.toml", &shop::site("").replace("a.next", "li.next"));
    let connect = web.connect_to(shop::HOST);
    let tried = place.run(&[
        "try",
        &site,
        "http://shop.test/list/2",
        "--connect-to",
        &connect,
    ]);
    let told = "warning: `next` leads to 2 pages that were not asked for yet: \
                http://shop.test/list/1 is taken before http://shop.test/list/3";
    assert!(tried.stdout.contains(told), "{}", tried.stdout);
}

#[test]
fn what_next_matches_without_a_link_is_told() {
    let web = Web::start(|request| match request.path() {
        "/list/1" => Reply::html("<li class=card><a href=/item/1>x</a></li><b class=next>Next</b>"),
        _ => shop::page(7, request).unwrap_or_else(|| Reply::status(404)),
    });
    let place = Workplace::new();
    place.write("site.toml", &shop::site("").replace("a.next", "b.next"));
    let ended = place.crawl(&web, &["--quiet"]).with_code(0);
    let told = &result(&ended)["remarks"]["next_without_link"];
    assert_eq!(told["count"], 1, "{told}");
}

#[test]
fn pages_that_lead_on_by_themselves_are_followed_also_by_try() {
    let web = Web::start(|request| match request.path() {
        "/item/0" => Reply::html("<meta http-equiv=refresh content='0; url=/go'>wait"),
        "/go" => Reply::html("wait").with("Refresh", "1; url=/real"),
        "/real" => shop::item("Behind", "1.50"),
        _ => shop::page(7, request).unwrap_or_else(|| Reply::status(404)),
    });
    let place = Workplace::new();
    let site = place.write("site.toml", &shop::site(""));
    let ended = place.crawl(&web, &["--quiet"]).with_code(0);
    assert_eq!(result(&ended)["records"]["saved"], 7);
    let rows = place.export("item");
    let row = rows.iter().find(|row| row["name"] == "Behind").unwrap();
    assert_eq!(row["_url"], "http://shop.test/item/0");
    let connect = web.connect_to(shop::HOST);
    let first = "http://shop.test/item/0";
    let tried = place.run(&[
        "try",
        &site,
        first,
        "--stage",
        "detail",
        "--connect-to",
        &connect,
    ]);
    let tried = tried.stdout;
    assert!(
        tried.contains("it leads to http://shop.test/real"),
        "{tried}"
    );
    assert!(tried.contains("Behind"), "{tried}");
}
