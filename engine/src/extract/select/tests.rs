//! What our tree and our look ahead at a selector's last part find is what scraper finds.

use proptest::prelude::*;
use scraper::Html;

use super::ElementIndex;
use crate::{
    extract::{
        bounds::Bounds,
        html::{self, ParseOptions, ParsedPage, tree::Tree},
    },
    site::selector::Selector,
};

const PAGE: &str = "<div class='a b' id=main><p class=x>1<p class='X'>2<P class='y x' id=q>3</div>\
    <table><tr><td>1<b>2</table><section><div class=a><i>4</i></div><i class='é-1'>5</i></section>\
    <svg viewBox='0'><linearGradient class=a /></svg>";

fn tree(page: &str) -> Tree {
    match html::parse(page, ParseOptions::default(), &Bounds::default(), &|| false) {
        Ok(ParsedPage::Tree(tree)) => tree,
        _ => panic!("no bound is broken"),
    }
}

/// What stands in the elements matched, as scraper finds them.
fn plain(html: &Html, selector: &str) -> Vec<String> {
    let selector = scraper::Selector::parse(selector).expect("a selector of a test");
    html.select(&selector)
        .map(|element| format!("{} {}", element.value().name(), element.inner_html()))
        .collect()
}

#[test]
fn elements_are_found_as_scraper_finds_them() {
    let html = Html::parse_document(PAGE);
    let tree = tree(PAGE);
    let index = ElementIndex::new(&tree, &Bounds::default());
    let scraped: Vec<_> = html.root_element().descendent_elements().collect();
    assert_eq!(index.len(), scraped.len());
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
            .select(None, &selector)
            .map(|at| index.element(at))
            .map(|element| format!("{} {}", &*element.name().local, element.inner_html()))
            .collect();
        assert_eq!(found, plain(&html, text), "{text}");
        let theirs = scraper::Selector::parse(text).unwrap();
        for (at, element) in scraped.iter().enumerate() {
            let below = index.select(Some(at), &selector).count();
            assert_eq!(below, element.select(&theirs).count(), "{text} below {at}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_selector_that_compiles_finds_the_same(
        parts in proptest::collection::vec(proptest::sample::select(vec![
            "p", ".x", "#q", " ", ">", "+", "~", "*", ",", "[class]", ":not(.x)", "i", ".a", "\\x",
        ]), 1..7)
    ) {
        let text = parts.concat();
        let ours = Selector::parse(&text);
        let theirs = scraper::Selector::parse(&text);
        prop_assert_eq!(ours.is_ok(), theirs.is_ok());
        if let (Ok(ours), Ok(theirs)) = (ours, theirs) {
            let html = Html::parse_document(PAGE);
            let tree = tree(PAGE);
            let index = ElementIndex::new(&tree, &Bounds::default());
            prop_assert_eq!(index.select(None, &ours).count(), html.select(&theirs).count());
        }
    }
}
