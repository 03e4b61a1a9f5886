use crate::model::retry_policy::{Backoff, Jitter};
use std::{fs, path::Path};

use super::{
    compiled::{FieldType, Pages, Site, Source, Take, Transform},
    problems::SiteErrors,
};

mod errors;
mod mutations;

/// The example of the specification, as written there.
const SPEC: &str = include_str!("tests/spec.toml");

/// The least that loads; tests add to it.
const HEAD: &str = "[site]\nname = \"t\"\nstart = [\"http://a.test/\"]\nenter = \"list\"\n";

fn load(text: &str) -> Result<Site, SiteErrors> {
    Site::load(text, "t.toml")
}

fn loaded(text: &str) -> Site {
    load(text).unwrap_or_else(|errors| panic!("{errors}"))
}

/// A site with one stage of one record with these fields.
fn with_fields(fields: &str) -> String {
    format!("{HEAD}[[stages.list.records]]\nkind = \"k\"\n[stages.list.records.fields]\n{fields}\n")
}

#[test]
fn the_example_of_the_specification_loads_as_written() {
    let site = loaded(SPEC);
    assert_eq!(site.name, "books");
    assert_eq!(site.stages.len(), 2);
    assert_eq!(site.scope.hosts, ["books.toscrape.com"]);
    assert_eq!(site.scope.drop_query, ["utm_*"]);
    assert_eq!(site.politeness.max_rate, Some(8.0));
    assert_eq!(site.politeness.robots, Some(true));
    let list = site.stage(site.enter);
    assert_eq!(
        (list.name.as_str(), list.items_per_page, list.tolerance),
        ("list", Some(20), Some(0.02))
    );
    let retry = list.retry.unwrap();
    assert_eq!(
        (retry.attempts, retry.backoff, retry.jitter),
        (4, Backoff::Exponential, Jitter::Full)
    );
    let Some(Pages::Next(next)) = &list.pages else {
        panic!("next")
    };
    assert_eq!(next.0[0].take, Take::Attribute("href".to_owned()));
    let link = &list.links[0];
    assert_eq!(site.stage(link.to).name, "detail");
    assert_eq!(link.carry[0].name, "list_title");
    let record = &site.stages[1].records[0];
    let names: Vec<&str> = record
        .fields
        .iter()
        .map(|field| field.name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "title",
            "upc",
            "price",
            "rating",
            "description",
            "facts",
            "tags",
            "released",
            "image",
            "offer",
            "list_title",
            "list_page"
        ]
    );
    assert!(
        matches!(&record.fields[1].source, Source::Rows { is: Some(is), .. } if is == &["UPC"])
    );
    assert_eq!(record.fields[3].kind, FieldType::Integer);
    assert_eq!(record.fields[5].kind, FieldType::Map);
    assert!(record.fields[6].list);
    let Source::Select(picks) = &record.fields[8].source else {
        panic!("select")
    };
    assert_eq!(picks.0[0].take, Take::Attribute("src".to_owned()));
}

#[test]
fn the_other_ways_to_page_load_too() {
    let pages = |pages: &str| {
        let text = format!("{HEAD}[stages.list]\npages = {pages}\n");
        loaded(&text).stages.remove(0).pages.unwrap()
    };
    let Pages::Pattern { count, first, .. } = pages(
        r#"{ pattern = "http://a.test/page/{page}/", count = { select = "li.current", regex = "of (\\d+)" } }"#,
    ) else {
        panic!("pattern")
    };
    assert!(count.unwrap().regex.is_some());
    assert_eq!(first, 1);
    let Pages::Pattern { max, first, .. } = pages(
        r#"{ pattern = "http://a.test/p{page}", until_empty = true, max = 1000, first = 0 }"#,
    ) else {
        panic!("pattern")
    };
    assert_eq!((max, first), (Some(1000), 0));
}

#[test]
fn every_shipped_site_file_loads_without_a_warning() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/sites");
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.display().to_string();
        match Site::load_with_warnings(&fs::read_to_string(&path).unwrap(), &name) {
            Ok((_, warnings)) => assert_eq!(warnings, [], "{name}"),
            Err(errors) => panic!("{errors}"),
        }
    }
}

#[test]
fn every_key_beyond_the_example_loads() {
    let site = loaded(include_str!("tests/every_key.toml"));
    let politeness = &site.politeness;
    assert_eq!(politeness.max_rate, Some(0.5));
    assert_eq!(politeness.max_body, Some(10_000_000));
    assert_eq!(politeness.timeout.unwrap().as_secs(), 90);
    assert_eq!(politeness.connect_timeout.unwrap().as_millis(), 2_500);
    assert_eq!(politeness.allow_addresses.len(), 3);
    assert_eq!(
        format!("{:?}", politeness.basic_auth),
        "Some(BasicAuth(***))"
    );
    let list = &site.stages[0];
    assert!(list.barrier && list.sitemaps.is_some());
    assert_eq!(list.stage_attempts, Some(5));
    assert!(
        list.links[0]
            .matches
            .as_ref()
            .unwrap()
            .is_match("http://a.test/p/1")
    );
    let sitemaps = site.stages[1].sitemaps.as_ref().unwrap();
    assert_eq!(sitemaps.urls[0].as_str(), "http://a.test/sitemap.xml");
    assert!(site.stages[1].records[0].history);
    let fields = &site.stages[1].records[0].fields;
    let field = |name: &str| fields.iter().find(|field| field.name == name).unwrap();
    let Source::JsonLd(brand) = &field("brand").source else {
        panic!("JSON-LD");
    };
    assert_eq!(*brand, ["Product/brand/name", "/brand"]);
    let transforms = &field("slug").transforms;
    assert!(matches!(
        transforms[..],
        [
            Transform::Raw,
            Transform::Replace(..),
            Transform::Replace(..),
            Transform::Lower,
            Transform::AbsoluteUrl
        ]
    ));
    assert!(matches!(
        field("mixed").transforms[..],
        [
            Transform::Upper,
            Transform::Replace(..),
            Transform::AbsoluteUrl
        ]
    ));
    assert!(matches!(field("data").source, Source::Script { .. }));
    assert!(matches!(&field("vendor").source, Source::Rows { is: Some(is), .. } if is.len() == 2));
    assert!(matches!(field("fixed").source, Source::Constant(_)));
    assert!(
        field("sku").required,
        "a key field is required without saying so"
    );
}

#[test]
fn a_selectors_suffix_says_what_is_taken() {
    let check = |written: &str, take: Take, bare: bool| {
        let text = with_fields(&format!("f = '''{written}'''"));
        let site = loaded(&text);
        let Source::Select(picks) = &site.stages[0].records[0].fields[0].source else {
            panic!("{written}")
        };
        assert_eq!(picks.0[0].take, take, "{written}");
        assert_eq!(picks.0[0].selector.is_none(), bare, "{written}");
    };
    let attribute = |name: &str| Take::Attribute(name.to_owned());
    check("h1", Take::Text, false);
    check("h1@text", Take::Text, false);
    check("h1@own", Take::Own, false);
    check("h1 @html", Take::Html, false);
    check("a@href", attribute("href"), false);
    check("a@data-x.y", attribute("data-x.y"), false);
    check("@href", attribute("href"), true);
    check("@text", Take::Text, true);
    check("a[title='x@y']", Take::Text, false);
    check("a[title=\"x@y\"]@title", attribute("title"), false);
    check("a:not([data-a='@b'])@c", attribute("c"), false);
    check("a\\@b", Take::Text, false);
    check("a, b@href", attribute("href"), false);
}

#[test]
fn fallbacks_stand_wherever_a_selector_stands() {
    let site = loaded(&format!(
        "{HEAD}[stages.list]\npages = {{ next = [\"a.next\", \"link[rel=next]\"] }}\n\
         [[stages.list.links]]\neach = [\"div.card, li.card\", \"article\"]\n\
         select = [\"a.x\", \"@data-url\"]\nto = \"list\"\n"
    ));
    let each = site.stages[0].links[0].each.as_ref().unwrap();
    let each = scraper::Selector::parse(each.text()).unwrap();
    let count = |html: &str| scraper::Html::parse_document(html).select(&each).count();
    assert_eq!(
        count("<div class=card></div><li class=card></li><article></article>"),
        2
    );
    assert_eq!(count("<article></article><article></article><p>"), 2);
    assert_eq!(count("<p>"), 0);
}

#[test]
fn the_only_stage_is_the_one_of_the_start_urls_and_hosts_default_to_theirs() {
    let site = loaded(
        "[site]\nname = \"t\"\nstart = [\"http://A.test:8080/\", \"https://b.test/\"]\n[stages.x]\npages = { next = \"a\" }\n",
    );
    assert_eq!(site.stage(site.enter).name, "x");
    assert_eq!(site.scope.hosts, ["a.test:8080", "b.test"]);
}

#[test]
fn a_stage_that_nothing_leads_to_is_a_warning() {
    let text = format!("{HEAD}[stages.list]\npages = {{ next = \"a\" }}\n[stages.lost]\n");
    let (_, warnings) = Site::load_with_warnings(&text, "t.toml").unwrap();
    let fields: Vec<(&str, usize)> = warnings
        .iter()
        .map(|warning| (warning.field.as_str(), warning.line))
        .collect();
    assert_eq!(fields, [("stages.lost", 7), ("stages.lost", 7)]);
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_do_no_harm() {
    let text = format!("\u{feff}{}", SPEC.replace('\n', "\r\n"));
    loaded(&text);
    let errors = load(&text.replace("enter = \"list\"", "enter = \"lust\"")).unwrap_err();
    assert_eq!((errors.errors[0].line, errors.errors[0].column), (4, 9));
}
