//! What one page may yield: counted as it is stored, and never built beyond the bound.

use std::sync::Arc;

use super::build::{URL, linked, rows, select, site};
use crate::{
    extract::{
        bounds::Bounds,
        carried::Carried,
        extract,
        output::{ExtractError, Extracted, PageInput, Value},
    },
    model::{class::ErrorClass, ids::StageId},
    site::compiled::{Field, FieldType, Site, Stage},
};

fn read(site: &Site, html: &str, max_output: u64) -> Result<Extracted, ExtractError> {
    read_within(site, html, max_output, Bounds::default().max_steps)
}

fn read_within(
    site: &Site,
    html: &str,
    max_output: u64,
    max_steps: u64,
) -> Result<Extracted, ExtractError> {
    let nothing = Carried::default();
    let page = PageInput {
        url: URL,
        final_url: URL,
        content_type: Some("text/html"),
        body: html.as_bytes(),
        carried: &nothing,
        depth: 0,
    };
    let bounds = Bounds {
        max_steps,
        max_output,
        ..Bounds::default()
    };
    extract(site, StageId(0), &page, &bounds)
}

#[track_caller]
fn is_refused(read: Result<Extracted, ExtractError>) {
    let error = read.expect_err("beyond the bound");
    assert_eq!(error.class, ErrorClass::TooLarge, "{}", error.message);
    assert!(
        error.message.contains("bounds.max_output"),
        "{}",
        error.message
    );
    assert!(error.message.contains(URL), "{}", error.message);
}

fn many(n: u32, one: impl Fn(u32) -> String) -> String {
    (0..n).map(one).collect::<Vec<_>>().concat()
}

/// Cards in cards, all with the same 100 KB.
fn nested() -> String {
    format!(
        "{}{}",
        "<div class=card>".repeat(500),
        "word ".repeat(20_000)
    )
}

#[test]
fn cards_in_cards_are_refused_before_they_are_built() {
    let one = || vec![Field::new("text", select(&["@text"]))];
    let cards = site(vec![Stage::new("list").record(
        Some("div.card"),
        &[],
        one(),
    )]);
    let list = site(vec![Stage::new("list").record(
        None,
        &[],
        vec![Field::new("all", select(&["div.card"])).list()],
    )]);
    let map = rows("div.card", "div.card", None, "div.card");
    let map = site(vec![Stage::new("list").record(
        None,
        &[],
        vec![Field::new("all", map).kind(FieldType::Map)],
    )]);
    let links = Stage::new("list")
        .links(Some("div.card"), &["a"], 0)
        .carry(Field::new("text", select(&["@text"])));
    let links = site(vec![links]);
    let hrefs = many(500, |n| format!("<div class=card><a href=/{n}>l</a>"));
    let linked = hrefs + &"word ".repeat(20_000);
    // To build all of it, 50 MB, would cost three million steps.
    for (site, html) in [(&cards, &nested()), (&list, &nested()), (&links, &linked)] {
        is_refused(read_within(site, html, 1 << 20, 1_500_000));
    }
    // A label is looked for in each row: these alone are more than a page may cost.
    let error = read_within(&map, &nested(), 1 << 20, 1_500_000).unwrap_err();
    assert_eq!(error.class, ErrorClass::TooLarge, "{}", error.message);
}

#[test]
fn bytes_count_as_they_are_stored_to_the_last() {
    let fields = vec![
        Field::new("name", select(&["b"])),
        Field::new("number", select(&["i"])).kind(FieldType::Integer),
    ];
    let stage = Stage::new("list")
        .record(Some("li"), &["name"], fields)
        .links(Some("li"), &["a"], 0);
    let site = site(vec![stage]);
    // The second card has the first one's key, the third has none: neither is stored.
    let html = "<li><b>four</b><i>123456</i><a href=/x>l</a><li><b>four</b><li><i>7";
    let found = read(&site, html, 1_000).unwrap();
    let link = "http://a.test/x".len() + r#""page":1,"position":1,"#.len();
    let record = "four".len() + 8 + "four".len() + URL.len();
    assert_eq!(found.bytes, (link + record) as u64);
    read(&site, html, found.bytes).unwrap();
    is_refused(read(&site, html, found.bytes - 1));
}

#[test]
fn what_is_the_same_for_all_cards_is_held_once_and_counted_each_time() {
    let story = "story ".repeat(2_000);
    let block = format!("<script type='application/ld+json'>{{\"d\": \"{story}\"}}</script>");
    let cards = many(50, |n| format!("<li><a href=/{n}>l</a><b>{n}</b>"));
    let story = || Field::new("story", linked(&["/d"]));
    let stage = Stage::new("list")
        .record(
            Some("li"),
            &[],
            vec![Field::new("n", select(&["b"])), story()],
        )
        .links(Some("li"), &["a"], 0)
        .carry(story());
    let site = site(vec![stage]);
    let html = block + &cards;
    let found = read(&site, &html, 16 << 20).unwrap();
    assert!(found.bytes > 100 * 11_999, "{}", found.bytes);
    let Value::Shared(first) = &found.records[0].values[1] else {
        panic!("{:?}", found.records[0].values[1]);
    };
    assert_eq!(Arc::strong_count(first), 50);
    assert_eq!(found.records[49].values[1].plain(), &**first);
    let of = |at: usize| std::ptr::from_ref(&found.links[at].carried["story"]);
    assert_eq!(of(0), of(49));
    is_refused(read(&site, &html, 400_000));
}

#[test]
fn a_page_says_only_so_much_that_is_wrong() {
    let fields = vec![
        Field::new("n", select(&["b"])),
        Field::new("size", select(&["i"])).kind(FieldType::Integer),
    ];
    let site = site(vec![Stage::new("list").record(Some("li"), &[], fields)]);
    let found = read(&site, &"<li><b>x</b><i>small</i>".repeat(5_000), 16 << 20).unwrap();
    assert_eq!(found.records.len(), 5_000);
    assert_eq!(found.warnings.len(), 201);
    assert!(found.warnings[200].contains("more warnings"));
}
