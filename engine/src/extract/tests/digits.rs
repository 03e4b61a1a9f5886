//! Decimals from JSON keep the digits that the page wrote.

use serde_json::{Value as Json, json};

use super::build::{URL, carried, css, map_of, picks, read, read_at, site};
use crate::{
    extract::output::Value,
    site::compiled::{Field, FieldType, Source, Stage, Take},
};

const OFFER: &str = r#"{"n\u0061me": "x", "o\"f": {"a/b": [1, [2], {"price": -12.50}]},
    "price": 1, "price": 7.10e2, "prices" : [ 1.0 , 2.500, 3 ]}"#;

/// The value of a field on a page that is JSON, holds it as JSON-LD, or assigns it in a script.
fn check(kind: FieldType, pointer: &str, expected: &Value) {
    let pointer = || pointer.to_owned();
    let script = Source::Script {
        select: css("script"),
        pointer: pointer(),
    };
    let linked = format!("<script type='application/ld+json'>\n{OFFER};</script>");
    let assigned = format!("<script>let a = {{}}; b.c = {OFFER};</script>");
    for (source, body, content_type) in [
        (Source::Json(pointer()), OFFER, "application/json"),
        (Source::JsonLd(vec![pointer()]), &linked, "text/html"),
        (script, &assigned, "text/html"),
    ] {
        let field = Field::new("f", source).kind(kind);
        let site = site(vec![Stage::new("detail").record(None, &[], vec![field])]);
        let read = read_at(
            &site,
            0,
            URL,
            body.as_bytes(),
            Some(content_type),
            &carried(json!({})),
        );
        assert_eq!(
            &read.unwrap().records[0].values[0],
            expected,
            "{content_type}"
        );
    }
}

fn decimal(digits: &str) -> Value {
    Value::Decimal(digits.to_owned())
}

#[test]
fn a_decimal_from_json_keeps_its_digits() {
    check(FieldType::Decimal, "/o\"f/a~1b/2/price", &decimal("-12.50"));
    check(FieldType::Decimal, "/price", &decimal("7.10e2"));
    check(FieldType::Decimal, "/prices", &decimal("1.0"));
    check(FieldType::Decimal, "/prices/1", &decimal("2.500"));
    check(
        FieldType::Text,
        "/prices/1",
        &Value::Text("2.500".to_owned()),
    );
    check(FieldType::Integer, "/prices/2", &Value::Integer(3));
}

#[test]
fn lists_maps_and_json_keep_their_digits() {
    let written = |text: &str| Value::Written(text.to_owned());
    check(FieldType::Json, "/prices", &written("[1.0,2.500,3]"));
    check(
        FieldType::Json,
        "/o\"f",
        &written(r#"{"a/b":[1,[2],{"price":-12.50}]}"#),
    );
    check(
        FieldType::Map,
        "/o\"f",
        &written(r#"{"a/b":[1,[2],{"price":-12.50}]}"#),
    );
    check(FieldType::Json, "/o\"f/a~1b/1", &Value::Json(json!([2])));
    let one = |field: Field, html: &str| {
        let site = site(vec![Stage::new("detail").record(None, &[], vec![field])]);
        read(&site, html).unwrap().records[0].values[0].clone()
    };
    let prices = || Field::new("f", Source::Select(picks(&["b"], &Take::Text))).list();
    let html = "<b>1.10</b><b>2.5</b><b>+03.00</b>";
    assert_eq!(
        one(prices().kind(FieldType::Decimal), html),
        written("[1.10,2.5,3.00]")
    );
    assert_eq!(
        one(prices().kind(FieldType::Decimal), "<b>1.5</b><b>2</b>"),
        Value::Json(json!([1.5, 2]))
    );
    let held = Source::Select(picks(&["i@data"], &Take::Text));
    assert_eq!(
        one(
            Field::new("f", held).kind(FieldType::Json),
            r#"<i data='{ "a b" : [ 1.50, "x \" 1.50" ] }'></i>"#
        ),
        written(r#"{"a b":[1.50,"x \" 1.50"]}"#)
    );
}

#[test]
fn a_decimal_in_a_graph_keeps_its_digits() {
    let page = r#"<script type="application/ld+json">{"@graph": [{"@type": "Org", "price": 1.10},
        {"@type": "Product", "offers": [{"price": 19.90}]}]}</script>"#;
    let source = super::build::linked(&["Product/offers/price"]);
    let field = Field::new("f", source).kind(FieldType::Decimal);
    let site = site(vec![Stage::new("detail").record(None, &[], vec![field])]);
    let found = read(&site, page).unwrap();
    assert_eq!(found.records[0].values[0], decimal("19.90"));
}

#[test]
fn a_carried_decimal_keeps_its_digits() {
    let price = Source::Select(picks(&["b"], &Take::Text));
    let list = Stage::new("list")
        .links(Some("li"), &["a"], 1)
        .carry(Field::new("price", price).kind(FieldType::Decimal));
    let price = Field::new("price", Source::Carried("price".to_owned())).kind(FieldType::Decimal);
    let detail = Stage::new("detail").record(None, &[], vec![price]);
    let site = site(vec![list, detail]);
    for (written, as_carried) in [
        ("12.50", json!("12.50")),
        ("12.5", json!(12.5)),
        ("3", json!(3)),
    ] {
        let found = read(&site, &format!("<li><a href=/1>n</a><b>{written}</b>")).unwrap();
        let link = &found.links[0];
        assert_eq!(link.carried["price"], as_carried);
        let given = carried(Json::Object(map_of(&link.carried)));
        let read = read_at(&site, 1, &link.url, b"<p>x", None, &given).unwrap();
        assert_eq!(read.records[0].values[0], decimal(written));
    }
}

#[test]
fn a_carried_list_of_decimals_keeps_their_digits() {
    let prices = Source::Select(picks(&["b"], &Take::Text));
    let prices = Field::new("prices", prices).kind(FieldType::Decimal).list();
    let list = Stage::new("list")
        .links(Some("li"), &["a"], 1)
        .carry(prices);
    let prices = Field::new("prices", Source::Carried("prices".to_owned()));
    let prices = prices.kind(FieldType::Decimal).list();
    let site = site(vec![
        list,
        Stage::new("detail").record(None, &[], vec![prices]),
    ]);
    let found = read(&site, "<li><a href=/1>n</a><b>1.10</b><b>2</b>").unwrap();
    let given = carried(Json::Object(map_of(&found.links[0].carried)));
    let read = read_at(&site, 1, &found.links[0].url, b"<p>x", None, &given).unwrap();
    assert_eq!(
        read.records[0].values[0],
        Value::Written("[1.10,2]".to_owned())
    );
}
