//! Records: identity, cards, and what fails a page.

use super::build::{URL, json_of, read, rows, select, site};
use crate::{
    extract::{bounds::Bounds, carried::Carried, extract, output::PageInput, trace::trace},
    model::{class::ErrorClass, ids::StageId},
    site::compiled::{Field, FieldType, Site, Stage},
};

fn detail(each: Option<&str>, key: &[&str], fields: Vec<Field>) -> Site {
    site(vec![Stage::new("detail").record(each, key, fields)])
}

fn name() -> Field {
    Field::new("name", select(&["b"]))
}

fn identities(site: &Site, html: &str) -> Vec<String> {
    read(site, html)
        .unwrap()
        .records
        .into_iter()
        .map(|record| record.identity)
        .collect()
}

#[test]
fn a_record_is_its_key_else_its_page_and_card() {
    let html = "<p><b>x</b><i>1</i></p><p><b>y</b><i>2</i></p><p></p><p><b>x</b><i>1</i></p>";
    let number = || Field::new("n", select(&["i"])).kind(FieldType::Integer);
    assert_eq!(identities(&detail(None, &[], vec![name()]), html), [URL]);
    assert_eq!(
        identities(&detail(None, &["name", "n"], vec![number(), name()]), html),
        ["x\u{1f}1"]
    );
    let cards = detail(Some("p"), &[], vec![name()]);
    assert_eq!(
        identities(&cards, html),
        [1, 2, 4].map(|n| format!("{URL}#{n}"))
    );
    let read = read(&cards, html).unwrap();
    assert_eq!(json_of(&read.records[1].values[0]), "y");
    assert!(read.warnings[0].contains("card 3"), "{:?}", read.warnings);
}

#[test]
fn two_records_with_one_key_are_one() {
    let site = detail(Some("p"), &["name"], vec![name()]);
    let read = read(&site, "<p><b>x</b></p><p><b>x</b></p>").unwrap();
    assert_eq!(read.records.len(), 1);
    assert_eq!(read.warnings.len(), 1);
}

#[test]
fn a_missing_required_field_fails_the_page_and_says_where() {
    let upc = rows("table tr", "th", Some("UPC"), "td");
    let site = detail(None, &[], vec![name(), Field::new("upc", upc).required()]);
    let error = read(&site, "<b>x</b><table><tr><th>ISBN<td>1</table>").unwrap_err();
    assert_eq!(error.class, ErrorClass::InvalidRecord);
    assert_eq!(
        error.message,
        "record \"product\", field \"upc\" is required: rows \"table tr\" whose label \"th\" is \
         \"UPC\", value \"td\" gave nothing; page http://a.test/list/"
    );
}

#[test]
fn a_page_that_led_elsewhere_says_where() {
    let site = detail(None, &[], vec![name().required()]);
    let page = PageInput {
        url: URL,
        final_url: "http://a.test/login",
        content_type: None,
        body: b"<h1>Log in</h1>",
        carried: &Carried::default(),
        depth: 0,
    };
    let error = extract(&site, StageId(0), &page, &Bounds::default()).unwrap_err();
    let place = "; page http://a.test/list/, which led to http://a.test/login";
    assert!(error.message.ends_with(place), "{}", error.message);
}

#[test]
fn a_required_value_that_does_not_fit_is_shown() {
    let price = Field::new("price", select(&["b"]))
        .kind(FieldType::Decimal)
        .required();
    let site = detail(None, &[], vec![price]);
    let error = read(&site, "<b>on request</b>").unwrap_err();
    assert_eq!(
        error.message,
        "record \"product\", field \"price\" is required: selector \"b\" gave \"on request\", \
         which is no decimal; page http://a.test/list/"
    );
}

#[test]
fn an_optional_value_that_does_not_fit_is_a_warning() {
    let price = Field::new("price", select(&["b"])).kind(FieldType::Decimal);
    let read = read(&detail(None, &[], vec![name(), price]), "<b>on request</b>").unwrap();
    assert_eq!(
        read.warnings,
        [
            "record \"product\", field \"price\": selector \"b\" gave \"on request\", which is no \
          decimal; left empty"
        ]
    );
}

#[test]
fn a_key_that_is_missing_or_a_page_of_another_kind_is_no_record() {
    for site in [
        detail(
            None,
            &["name"],
            vec![name(), Field::new("p", select(&["p"]))],
        ),
        detail(None, &[], vec![name()]),
    ] {
        let error = read(&site, "<p>Please log in</p>").unwrap_err();
        assert_eq!(error.class, ErrorClass::InvalidRecord, "{}", error.message);
    }
}

#[test]
fn a_trace_tells_what_each_selector_matched_and_goes_on_after_a_failure() {
    let fields = vec![
        Field::new("gone", select(&["i.none", "i"])).required(),
        name(),
    ];
    let stage = Stage::new("list")
        .links(Some("p"), &["a"], 0)
        .record(Some("p"), &[], fields);
    let site = site(vec![stage]);
    let nothing = Carried::default();
    let page = PageInput {
        url: URL,
        final_url: URL,
        content_type: None,
        body: b"<p><b>x</b><a href=/1>1</a></p><p><b>y</b></p>",
        carried: &nothing,
        depth: 0,
    };
    let traced = trace(&site, StageId(0), &page, &Bounds::default());
    assert_eq!(traced.outcome.unwrap_err().class, ErrorClass::InvalidRecord);
    let links = &traced.rules[0];
    assert_eq!(links.rule, "links to list");
    assert_eq!(links.each.as_ref().map(|each| each.matches), Some(2));
    assert_eq!(links.selectors[0].matches, 1);
    assert_eq!(links.selectors[0].first, ["/1"]);
    let record = &traced.rules[1];
    assert!(
        record.fields[0]
            .problem
            .as_ref()
            .unwrap()
            .contains("gave nothing")
    );
    assert_eq!(record.fields[0].selectors.len(), 2);
    assert_eq!(record.fields[1].value, "x");
}
