//! Links: cards, what they carry, scope, bounds, and each page once.

use serde_json::json;

use super::build::{URL, carried, read, read_at, select, site};
use crate::{
    extract::{bounds::Bounds, carried::Carried, extract, output::PageInput},
    model::{
        ids::{PageKey, StageId},
        remark::Remark,
    },
    site::compiled::{Field, Site, Stage},
};

fn shop() -> Site {
    let list = Stage::new("list")
        .links(Some("article"), &["h3 a"], 1)
        .carry(Field::new("title", select(&["h3 a@title"])));
    site(vec![list, Stage::new("detail")])
}

fn urls(site: &Site, html: &str) -> Vec<String> {
    read(site, html)
        .unwrap()
        .links
        .into_iter()
        .map(|link| link.url)
        .collect()
}

#[test]
fn a_card_gives_one_link_and_what_it_carries() {
    let html = "<article><h3><a href=../a/1 title=One>x</a></h3><a href=/other>o</a></article>\
                <article>advert</article>\
                <article><h3><a href=/a/2#top title=' Two '>x</a></h3></article>\
                <article><h3><a href=/a/1?>x</a></h3></article>\
                <article><h3><a href=/a/1 title=Again>x</a></h3></article>";
    let site = shop();
    let given = carried(json!({"page": 4}));
    let found = read_at(&site, 0, URL, html.as_bytes(), None, &given).unwrap();
    let got: Vec<_> = found
        .links
        .iter()
        .map(|link| (link.url.as_str(), json!(link.carried)))
        .collect();
    assert_eq!(
        got,
        [
            (
                "http://a.test/a/1",
                json!({"title": "One", "page": 4, "position": 1})
            ),
            (
                "http://a.test/a/2",
                json!({"title": "Two", "page": 4, "position": 3})
            ),
            ("http://a.test/a/1?", json!({"page": 4, "position": 4})),
        ]
    );
    assert_eq!(found.distinct_items, 3);
    assert_eq!(
        found.links[0].key,
        PageKey::new("shop", "detail", "http://a.test/a/1")
    );
    assert_eq!(found.links[0].stage, StageId(1));
}

#[test]
fn a_link_without_a_card_carries_what_is_in_it_or_else_on_the_page() {
    let list = Stage::new("list")
        .links(None, &["a.item"], 1)
        .carry(Field::new("own", select(&["@title"])))
        .carry(Field::new("inner", select(&["b"])))
        .carry(Field::new("itself", select(&["a.item"])))
        .carry(Field::new("shop", select(&["h1"])))
        .carry(Field::new("none", select(&["h6"])));
    let html = "<h1>Shop</h1><b>outside</b><a class=item href=/1 title=One><b>B1</b></a>\
                <a class=item href=/2 title=Two>plain</a>";
    let site = site(vec![list, Stage::new("detail")]);
    let found = read(&site, html).unwrap();
    let got: Vec<_> = found.links.iter().map(|link| json!(link.carried)).collect();
    assert_eq!(
        got,
        [
            json!({"own": "One", "inner": "B1", "itself": "B1", "shop": "Shop", "page": 1, "position": 1}),
            json!({"own": "Two", "itself": "plain", "shop": "Shop", "page": 1, "position": 2}),
        ]
    );
}

#[test]
fn links_that_lead_nowhere_or_out_of_scope_are_counted_and_left() {
    let html = "<a href=javascript:x>1</a><a href=mailto:a@b>2</a><a href=http://b.test/>3</a>\
                <a href=http://a.test:81/>4</a><a href=//a.test/ok>5</a><a href=http://[>6</a>\
                <a href=HTTP://A.TEST:80/Up>7</a><a>no</a><a href=' '>8</a>";
    let site = site(vec![Stage::new("list").links(None, &["a"], 0)]);
    let found = read(&site, html).unwrap();
    let urls: Vec<_> = found.links.iter().map(|link| link.url.as_str()).collect();
    assert_eq!(
        urls,
        ["http://a.test:81/", "http://a.test/ok", "http://a.test/Up"]
    );
    assert_eq!(found.remarks.count(Remark::LinkUnusable), 3);
    assert_eq!(found.remarks.count(Remark::LinkOutOfScope), 1);
}

#[test]
fn a_page_does_not_link_to_itself() {
    let site = site(vec![Stage::new("list").links(None, &["a"], 0)]);
    assert_eq!(
        urls(
            &site,
            "<a href=''>s</a><a href='#x'>s</a><a href=/list/>s</a>"
        ),
        [""; 0]
    );
}

#[test]
fn the_link_may_be_the_card_itself() {
    let list = Stage::new("list")
        .links(Some("a.card"), &["@href"], 1)
        .carry(Field::new("title", select(&["b"])));
    let site = site(vec![list, Stage::new("detail")]);
    let found = read(
        &site,
        "<a class=card href=/1><b>One</b></a><a class='x card' href=/2></a>",
    )
    .unwrap();
    assert_eq!(
        json!(found.links[0].carried),
        json!({"title": "One", "page": 1, "position": 1})
    );
    assert_eq!(found.links[1].url, "http://a.test/2");
}

#[test]
fn traps_and_links_beyond_the_bounds_are_left() {
    let site = site(vec![Stage::new("list").links(None, &["a"], 0)]);
    let bounds = Bounds {
        max_links: 2,
        max_url: 60,
        max_segments: 5,
        max_repeats: 2,
        ..Bounds::default()
    };
    let html = format!(
        "<a href=/x/x/x>1</a><a href=/1/2/3/4/5/6>2</a><a href=/{}>3</a>\
         <a href=/a>4</a><a href=/b>5</a><a href=/c>6</a>",
        "y".repeat(60)
    );
    let nothing = Carried::default();
    let mut page = PageInput {
        url: URL,
        final_url: URL,
        content_type: None,
        body: html.as_bytes(),
        carried: &nothing,
        depth: 0,
    };
    let found = extract(&site, StageId(0), &page, &bounds).unwrap();
    let urls: Vec<_> = found.links.iter().map(|link| link.url.as_str()).collect();
    assert_eq!(urls, ["http://a.test/a", "http://a.test/b"]);
    let of = |kind| found.remarks.count(kind);
    assert_eq!((of(Remark::LinkTrap), of(Remark::LinkTooLong)), (2, 1));
    assert_eq!(of(Remark::LinkOverBound), 1);
    page.depth = bounds.max_depth;
    let found = extract(&site, StageId(0), &page, &bounds).unwrap();
    assert_eq!(
        (found.links.len(), found.remarks.count(Remark::LinkTooDeep)),
        (0, 6)
    );
}

#[test]
fn links_are_resolved_against_where_the_answer_came_from() {
    let site = shop();
    let nothing = Carried::default();
    let page = PageInput {
        url: URL,
        final_url: "http://a.test/moved/here",
        content_type: None,
        body: b"<article><h3><a href=1>x</a></h3></article>",
        carried: &nothing,
        depth: 0,
    };
    let found = extract(&site, StageId(0), &page, &Bounds::default()).unwrap();
    assert_eq!(found.links[0].url, "http://a.test/moved/1");
}

#[test]
fn a_query_is_meant_in_the_character_set_of_its_page() {
    let site = shop();
    let nothing = Carried::default();
    let urls = |content_type: &'static str, body: &[u8]| -> Vec<String> {
        let page = PageInput {
            url: URL,
            final_url: URL,
            content_type: Some(content_type),
            body,
            carried: &nothing,
            depth: 0,
        };
        let found = extract(&site, StageId(0), &page, &Bounds::default()).unwrap();
        found.links.into_iter().map(|link| link.url).collect()
    };
    let gbk = b"<article><h3><a href='/\xd6\xd0?q=\xd6\xd0&p=%41'>x</a></h3></article>";
    let expected = ["http://a.test/%E4%B8%AD?q=%D6%D0&p=%41"];
    assert_eq!(urls("text/html; charset=gbk", gbk), expected);
    let utf8 = "<article><h3><a href='/中?q=中'>x</a></h3></article>".as_bytes();
    let expected = ["http://a.test/%E4%B8%AD?q=%E4%B8%AD"];
    assert_eq!(urls("text/html; charset=utf-8", utf8), expected);
}
