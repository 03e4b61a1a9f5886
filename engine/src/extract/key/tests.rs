use proptest::prelude::*;
use scraper::{Html, Selector};

use super::Key;
use crate::extract::{bounds::Bounds, find::Index};

#[test]
fn the_last_part_of_a_selector_is_its_key() {
    let key = |tag, class, id| Key {
        tag,
        class,
        id,
        ..Key::default()
    };
    let cases = [
        ("h3 a@title", key(Some("a"), None, None)),
        (
            "div.product_main > p.price_color",
            key(Some("p"), Some("price_color"), None),
        ),
        ("#main.big", key(None, Some("big"), Some("main"))),
        ("a[href^='/x, y>']@href", key(Some("a"), None, None)),
        ("*", Key::default()),
        ("a, b", Key::default()),
        (
            r"a\:b",
            Key {
                pseudo: true,
                ..Key::default()
            },
        ),
        ("svg|a", Key::default()),
        ("@href", Key::default()),
        (
            "[class~='x']",
            Key {
                siblings: true,
                ..Key::default()
            },
        ),
        (
            "h1 ~ p",
            Key {
                siblings: true,
                ..key(Some("p"), None, None)
            },
        ),
        (
            "p:not(.a, .b)",
            Key {
                pseudo: true,
                ..key(Some("p"), None, None)
            },
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(Key::of(text), expected, "{text}");
    }
}

const PAGE: &str = "<div id=main class='a b'><p class=x>1<p class='X'>2<P id=q class='y x'>3</div>\
    <table><tr><td>1<b>2</table><section><div class=a><i>4</i></div><i class='é-1'>5</i></section>\
    <svg viewBox='0'><linearGradient class=a /></svg>";

/// Elements matched, as scraper finds them.
fn plain(html: &Html, selector: &Selector) -> Vec<String> {
    html.select(selector)
        .map(|element| element.html())
        .collect()
}

#[test]
fn a_key_never_changes_what_a_selector_finds() {
    let html = Html::parse_document(PAGE);
    let index = Index::new(&html, &Bounds::default());
    for text in [
        "html",
        "p",
        "P.x",
        ".x",
        "#main",
        "#main > p",
        "div p.y.x",
        "p:nth-child(2)",
        "i, b",
        "td b",
        "div:has(i)",
        "p + p",
        "p ~ p",
        ".é-1",
        "[class]",
        "p[class='x']",
        "*",
        "div *",
        "svg .a",
        "linearGradient",
        "body > *:last-child",
        ":root",
        ":is(p, i)",
        "p#q",
        "div.a.b",
    ] {
        let selector = Selector::parse(text).unwrap();
        let found: Vec<_> = index
            .select(None, &selector, Key::of(text))
            .map(|at| index.element(at).html())
            .collect();
        assert_eq!(found, plain(&html, &selector), "{text}");
        for at in 0..index.len() {
            let below: Vec<_> = index.select(Some(at), &selector, Key::of(text)).collect();
            let wanted = index.element(at).select(&selector).count();
            assert_eq!(below.len(), wanted, "{text} below {at}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_selector_that_compiles_finds_the_same_with_its_key(
        parts in proptest::collection::vec(proptest::sample::select(vec![
            "p", ".x", "#q", " ", ">", "+", "~", "*", ",", "[class]", ":not(.x)", "i", ".a", "\\x",
        ]), 1..7)
    ) {
        let text = parts.concat();
        if let Ok(selector) = Selector::parse(&text) {
            let html = Html::parse_document(PAGE);
            let index = Index::new(&html, &Bounds::default());
            let found = index.select(None, &selector, Key::of(&text)).count();
            prop_assert_eq!(found, html.select(&selector).count());
        }
    }
}
