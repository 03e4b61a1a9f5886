//! Decimals from JSON keep the digits that the page wrote.

use serde_json::{Value as Json, json};

use super::build::{URL, carried, css, picks, read, read_at, site};
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
        (Source::JsonLd(pointer()), &linked, "text/html"),
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
fn a_decimal_in_a_graph_keeps_its_digits() {
    let page = r#"<script type="application/ld+json">{"@graph": [{"@type": "Org", "price": 1.10},
        {"@type": "Product", "offers": [{"price": 19.90}]}]}</script>"#;
    let source = Source::JsonLd("Product/offers/price".to_owned());
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
        let given = carried(Json::Object(link.carried.clone()));
        let read = read_at(&site, 1, &link.url, b"<p>x", None, &given).unwrap();
        assert_eq!(read.records[0].values[0], decimal(written));
    }
}
