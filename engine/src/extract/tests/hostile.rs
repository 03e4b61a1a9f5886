//! Pages that mean harm: each ends in a class, none in a panic, a full stack or a long wait.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::build::{URL, css, read_at, rows, select, site};
use crate::{
    extract::carried::Carried,
    model::class::ErrorClass,
    site::compiled::{Field, FieldType, Pages, Site, Source, Stage},
};

/// A stage that uses everything.
fn greedy() -> Site {
    let script = Source::Script {
        select: css("script"),
        pointer: "/a".to_owned(),
    };
    let fields = vec![
        Field::new("all", select(&["html"])),
        Field::new("markup", select(&["div:nth-child(2n+1)@html", "body@html"])),
        Field::new("has", select(&["div:has(> b) ~ div"])),
        Field::new("map", rows("tr", "th", None, "td")).kind(FieldType::Map),
        Field::new("ld", super::build::linked(&["/a"])),
        Field::new("script", script),
        Field::new("meta", Source::Meta("x".to_owned())),
    ];
    let stage = Stage::new("list")
        .links(Some("div, li"), &["a"], 0)
        .links(None, &["a"], 0)
        .pages(Pages::Next(super::build::href(&["a.next"])))
        .record(None, &[], fields);
    site(vec![stage])
}

/// The class of what a page ends in, read on a thread with a small stack.
fn class(body: Vec<u8>) -> Option<ErrorClass> {
    let read = std::thread::Builder::new()
        .stack_size(1 << 20)
        .spawn(move || {
            read_at(
                &greedy(),
                0,
                URL,
                &body,
                Some("text/html"),
                &Carried::default(),
            )
            .err()
            .map(|e| e.class)
        });
    read.expect("a thread")
        .join()
        .expect("no panic and no full stack")
}

#[test]
fn deep_nesting_is_too_large_and_costs_no_stack() {
    for open in ["<div>", "<b>", "<ul><li>", "<table><tr><td>", "<svg>"] {
        assert_eq!(
            class(open.repeat(100_000).into_bytes()),
            Some(ErrorClass::TooLarge),
            "{open}"
        );
    }
    assert_eq!(class("<div>".repeat(500).into_bytes()), None);
}

#[test]
fn a_tag_with_very_many_attributes_is_too_large_but_long_values_and_comments_are_not() {
    let mut tag = "<p ".to_owned();
    for n in 0..50_000 {
        write!(tag, "a{n}=1 ").unwrap();
    }
    assert_eq!(
        class(format!("{tag}>x</p>").into_bytes()),
        Some(ErrorClass::TooLarge)
    );
    let words = "one two=3 'four ".repeat(20_000);
    assert_eq!(
        class(format!("<!-- {words} --><p>x</p>").into_bytes()),
        None
    );
    assert_eq!(
        class(format!("<p title=\"{words}\">x</p>").into_bytes()),
        None
    );
    let many: String = (0..200).fold(String::new(), |mut tags, n| {
        write!(tags, "<p a{n}=1>x</p>").unwrap();
        tags
    });
    assert_eq!(class(many.into_bytes()), None);
}

#[test]
fn big_flat_pages_are_read_and_huge_ones_refused() {
    assert_eq!(class("<p>x".repeat(60_000).into_bytes()), None);
    assert_eq!(
        class("<p>x".repeat(260_000).into_bytes()),
        Some(ErrorClass::TooLarge)
    );
    assert_eq!(class(vec![b'7'; 3 << 20]), None);
    assert_eq!(class("<a href=/x>".repeat(20_000).into_bytes()), None);
}

#[test]
fn siblings_and_nested_cards_cost_bounded_work() {
    let flat = "<div><b>x</b></div>".repeat(60_000);
    assert_eq!(class(flat.into_bytes()), Some(ErrorClass::TooLarge));
    let nested = format!("{}{}", "<div>".repeat(500), "<i>x</i>".repeat(200_000));
    assert_eq!(class(nested.into_bytes()), Some(ErrorClass::TooLarge));
}

#[test]
fn empty_and_binary_pages_are_classified() {
    assert_eq!(class(Vec::new()), Some(ErrorClass::Parse));
    assert_eq!(class(b" \r\n\0\t ".to_vec()), Some(ErrorClass::Parse));
    assert_eq!(
        class(b"\x89PNG\r\n\x1a\nabc".to_vec()),
        Some(ErrorClass::WrongType)
    );
}

#[test]
fn an_expired_deadline_ends_the_page() {
    let site = greedy();
    let nothing = Carried::default();
    let page = crate::extract::output::PageInput {
        url: URL,
        final_url: URL,
        content_type: None,
        body: b"<p>x</p>",
        carried: &nothing,
        depth: 0,
    };
    let bounds = crate::extract::bounds::Bounds::default();
    let read = crate::extract::extract_until(&site, site.enter, &page, &bounds, &|| true);
    assert_eq!(read.unwrap_err().class, ErrorClass::Parse);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_it_panic(body in proptest::collection::vec(any::<u8>(), 0..600)) {
        let _ = read_at(&greedy(), 0, URL, &body, None, &Carried::default());
    }

    #[test]
    fn no_markup_makes_it_panic(parts in proptest::collection::vec(proptest::sample::select(vec![
        "<div>", "</div>", "<a href=", "'", "\"", ">", "<table>", "<tr>", "<td>x", "</table>", "<b>",
        "</b>", "<p>", "<template>", "</template>", "<script type=application/ld+json>", "{\"a\":[1",
        "</script>", "<svg>", "<math>", "<base href=//[>", "\0", "é", "<!--", "-->", "<noscript>",
        "<select>", "<option>", "<form>", "<frameset>", "&amp", "&#x80;", "<meta name=x content=1>",
    ]), 0..80)) {
        let page = parts.concat();
        let _ = read_at(&greedy(), 0, URL, page.as_bytes(), Some("text/html"), &Carried::default());
    }
}
