//! Every source and type, one line each.

use serde_json::{Value as Json, json};

use super::build::{URL, carried, json_of, linked, read_at, rows, select, site};
use crate::site::compiled::{Field, FieldType, Source, Stage, Transform};

/// Reads one field of a page; null if it is missing.
fn value(field: Field, content_type: &str, body: &str) -> Json {
    let given = carried(json!({"page": 3, "list_title": " A  title ", "tags": ["x", "y"]}));
    // The constant beside it keeps a page without the field from being refused as a whole.
    let witness = Field::new("witness", select(&["s"]));
    let site = site(vec![Stage::new("detail").record(
        None,
        &[],
        vec![field, witness],
    )]);
    let body = format!("{body}<s>w</s>");
    let read = read_at(&site, 0, URL, body.as_bytes(), Some(content_type), &given);
    json_of(&read.expect("a readable page").records[0].values[0])
}

#[track_caller]
#[expect(
    clippy::needless_pass_by_value,
    reason = "a table reads better without &"
)]
fn check(field: Field, html: &str, expected: Json) {
    assert_eq!(value(field, "text/html", html), expected);
}

fn field(selector: &str) -> Field {
    Field::new("f", select(&[selector]))
}

#[test]
fn text_is_trimmed_and_its_white_space_collapsed() {
    let page = "<h1>\n A&nbsp; <b>big</b>\u{3000}title<i>!</i> </h1>";
    check(field("h1"), page, json!("A big title!"));
    check(field("h1@own"), page, json!("A title"));
    check(
        field("h1@html"),
        page,
        json!("A&nbsp; <b>big</b> title<i>!</i>"),
    );
    check(
        field("h1").transform(Transform::Raw),
        "<h1> a  b </h1>",
        json!(" a  b "),
    );
    check(field("h2"), page, json!(null));
    check(field("h1"), "<h1> </h1>", json!(null));
}

#[test]
fn attributes_are_read_whatever_their_case() {
    let page = "<a CLASS='x  y' data-Id=7 href=''>t</a>";
    check(field("a@class"), page, json!("x y"));
    check(field("a@data-id"), page, json!("7"));
    check(field("a@DATA-ID"), page, json!("7"));
    check(field("a@href"), page, json!(null));
    check(field("a@title"), page, json!(null));
}

#[test]
fn the_first_selector_that_yields_something_wins() {
    let page = "<p class=a> </p><p class=b>Sold out</p><p class=c>12.50 EUR</p>";
    let price = || Field::new("f", select(&["p.a", "p.b", "p.c"]));
    check(price(), page, json!("Sold out"));
    check(
        price().regex(r"([\d.]+)").kind(FieldType::Decimal),
        page,
        json!(12.50),
    );
    check(field("p"), page, json!(null));
    check(field("p").list(), page, json!(["Sold out", "12.50 EUR"]));
    check(field("p").regex(r"(\d+)"), page, json!("12"));
    check(field("i").list(), page, json!([]));
}

#[test]
fn rows_are_found_by_their_label() {
    let page = "<table><tr><th> u p\u{a0}c : <td>a1<tr><th>Tax<td>0<tr><th>tax<td>9\
                <tr><th>Empty<td> <tr><td>no label</table>";
    let row = |is| Field::new("f", rows("table tr", "th", Some(is), "td"));
    check(row("U P C"), page, json!("a1"));
    check(row("U P C:"), page, json!("a1"));
    check(row("tax"), page, json!("0"));
    check(row("TAX").list(), page, json!(["0", "9"]));
    check(row("Empty"), page, json!(null));
    let map = Field::new("f", rows("table tr", "th", None, "td")).kind(FieldType::Map);
    check(map, page, json!({"u p c": "a1", "Tax": "0", "tax": "9"}));
    let none = Field::new("f", rows("dl", "dt", None, "dd")).kind(FieldType::Map);
    check(none, page, json!(null));
}

#[test]
fn a_row_may_hold_several_labels_each_with_what_follows_it() {
    let dl = "<dl><dt>Colour:<dd>Red<dd>Blue<dt>Size<dd>XL<dt>Width<dt>Depth<dd>9<dt>Empty</dl>";
    let pair = |is| Field::new("f", rows("dl", "dt", Some(is), "dd"));
    check(pair("Colour"), dl, json!("Red"));
    check(pair("Colour").list(), dl, json!(["Red", "Blue"]));
    check(pair("size"), dl, json!("XL"));
    check(pair("Width"), dl, json!(null));
    check(pair("Empty"), dl, json!(null));
    let map = || Field::new("f", rows("dl", "dt", None, "dd")).kind(FieldType::Map);
    check(
        map(),
        dl,
        json!({"Colour": "Red", "Size": "XL", "Depth": "9"}),
    );
    // The first of several that share a value.
    check(
        map(),
        "<dl><dt>A<dt>B<dd>x</dl>",
        json!({"A": "x", "B": "x"}),
    );
    let four = "<table><tr><td>UPC<td>a1<td>Tax<td>0<tr><td>Note<td>n</table>";
    let cells = Field::new(
        "f",
        rows("tr", "td:nth-child(odd)", None, "td:nth-child(even)"),
    );
    check(
        cells.kind(FieldType::Map),
        four,
        json!({"UPC": "a1", "Tax": "0", "Note": "n"}),
    );
    // A label's selector that takes in too much still means the first of each row.
    let wide = Field::new("f", rows("tr", "td", Some("UPC"), "td:nth-child(3)"));
    check(wide, "<table><tr><td>UPC<td>-<td>a1</table>", json!("a1"));
    let wide = Field::new("f", rows("p", "*", Some("UPC"), "i"));
    check(
        wide,
        "<p><b>UPC</b><u>:</u><i>a1</i><i>a2</i></p>",
        json!("a1"),
    );
}

#[test]
fn json_ld_is_found_in_any_block_array_or_graph() {
    let page = r#"<script type="application/ld+json">{"broken": </script>
        <script type="application/ld+json">[{"@type": "Organization", "name": "Org"}]</script>
        <script type="APPLICATION/LD+JSON; x">{"@graph": [{"@type": ["Product"], "name": "P",
          "offers": [{"price": 12.5}, {"price": 9}], "image": ["/a.png", "/b.png"]}]}</script>"#;
    let ld = |pointer: &str| Field::new("f", linked(&[pointer]));
    check(
        ld("/offers/price").kind(FieldType::Decimal),
        page,
        json!(12.5),
    );
    check(
        ld("/offers/1/price").kind(FieldType::Integer),
        page,
        json!(9),
    );
    check(ld("/name"), page, json!("Org"));
    check(ld("Product/name"), page, json!("P"));
    let of_schema = |kind: &str| {
        format!(r#"<script type="application/ld+json">{{"@type": "{kind}", "name": "P"}}</script>"#)
    };
    for kind in ["http://schema.org/Product", "schema:Product"] {
        check(ld("Product/name"), &of_schema(kind), json!("P"));
    }
    check(ld("Product/name"), &of_schema("ProductGroup"), json!(null));
    check(
        ld("/image").kind(FieldType::Url),
        page,
        json!("http://a.test/a.png"),
    );
    check(ld("/image").list(), page, json!(["/a.png", "/b.png"]));
    check(ld("/none"), page, json!(null));
}

#[test]
fn scripts_give_json_whole_or_assigned() {
    let script = |pointer: &str| {
        let source = Source::Script {
            select: super::build::css("script"),
            pointer: pointer.to_owned(),
        };
        Field::new("f", source)
    };
    let whole = r#"<script id=data type="application/json">{"a": {"b": 1}}</script>"#;
    check(script("/a/b").kind(FieldType::Integer), whole, json!(1));
    let assigned = r"<script>var x = {bad: 1}; if (a = b) {} window.state = {'n':1};</script>
        <script>window.__STATE__ = {}; window.state = {a: 1};
        window.good = {&quot;</script><script>window.y={'no':1};window.good = {} ;</script>";
    check(script("/a"), assigned, json!(null));
    let good = r#"<script>var cfg = {x: 1}; window.state = {"a": [{"b": "hit"}]}; go();</script>"#;
    check(script("/a/0/b"), good, json!("hit"));
}

#[test]
fn a_json_body_is_read_by_pointer() {
    let field = Field::new("f", Source::Json("/items/0/name".to_owned()));
    let site = site(vec![Stage::new("api").record(None, &[], vec![field])]);
    for content_type in [
        "application/json; charset=utf-8",
        "application/hal+json",
        "text/plain",
    ] {
        let body = br#"{"items": [{"name": "first"}]}"#;
        let read = read_at(&site, 0, URL, body, Some(content_type), &carried(json!({})));
        assert_eq!(json_of(&read.unwrap().records[0].values[0]), json!("first"));
    }
}

#[test]
fn meta_carried_and_constants_are_sources() {
    let page = "<meta name=Description content=' d '><meta property=og:title content=''>\
                <meta itemprop=og:title content=T>";
    let meta = |name: &str| Field::new("f", Source::Meta(name.to_owned()));
    check(meta("description"), page, json!("d"));
    check(meta("og:title"), page, json!("T"));
    let both = "<meta name=og:title content=N><meta property=og:title content=P>";
    check(meta("og:title"), both, json!("P"));
    check(meta("og:title").list(), both, json!(["P"]));
    let carried = |name: &str| Field::new("f", Source::Carried(name.to_owned()));
    check(carried("page").kind(FieldType::Integer), page, json!(3));
    check(carried("page"), page, json!("3"));
    check(carried("list_title"), page, json!("A title"));
    check(carried("tags").list(), page, json!(["x", "y"]));
    check(carried("none"), page, json!(null));
    check(
        Field::new("f", Source::Constant(toml::Value::Integer(7))).kind(FieldType::Integer),
        page,
        json!(7),
    );
}

#[test]
fn regex_map_and_transforms_run_in_this_order() {
    let page = "<p class='star-rating Three'>From 7 &euro;</p><a href='x?y=1#z'>l</a>";
    let stars = || field("p@class").regex(r"star-rating (\w+)");
    let three = [("Three", toml::Value::Integer(3))];
    check(stars().map(&three).kind(FieldType::Integer), page, json!(3));
    check(
        stars().map(&[("Four", toml::Value::Integer(4))]),
        page,
        json!(null),
    );
    check(stars().transform(Transform::Upper), page, json!("THREE"));
    let replace = Transform::Replace(regex::Regex::new(r"(\d+) .*").unwrap(), "$1.00".to_owned());
    check(field("p").transform(replace), page, json!("From 7.00"));
    check(
        field("a@href").transform(Transform::AbsoluteUrl),
        page,
        json!("http://a.test/list/x?y=1#z"),
    );
    check(
        field("a@href").kind(FieldType::Url),
        page,
        json!("http://a.test/list/x?y=1#z"),
    );
    check(
        field("p").regex(r"\d+").kind(FieldType::Integer),
        page,
        json!(7),
    );
}

#[test]
fn what_does_not_fit_its_type_is_absent_and_a_default_stands_in() {
    let page = "<p>soon</p>";
    let number = || field("p").kind(FieldType::Integer);
    check(number(), page, json!(null));
    check(number().default_value(4), page, json!(4));
    check(field("i").default_value("none"), page, json!("none"));
    check(field("p").default_value("none"), page, json!("soon"));
    let tags = field("i")
        .list()
        .default_value(toml::Value::Array(vec!["a".into()]));
    check(tags, page, json!(["a"]));
}

#[test]
fn a_base_element_moves_relative_urls() {
    let page = "<base href='/foo\tbar/'><base href=/no/><a href=' x\ny '>l</a>";
    check(
        field("a@href").kind(FieldType::Url),
        page,
        json!("http://a.test/foobar/x%20y"),
    );
    let moved = field("a@href")
        .transform(Transform::Raw)
        .kind(FieldType::Url);
    check(moved, page, json!("http://a.test/foobar/xy"));
}

#[test]
fn noscript_is_part_of_the_page_and_selectors_may_be_lists() {
    let page = "<p>x<noscript><img src=/i.png></noscript><h2>b</h2><h1>a</h1>";
    check(field("noscript img@src"), page, json!("/i.png"));
    check(field("h1, h2"), page, json!("b"));
}
