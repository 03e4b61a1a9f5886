//! What a reader sees (SPEC A8): text, labels, and what is no part of the page.

use serde_json::{Value as Json, json};

use super::build::{carried, json_of, read, read_at, rows, select, site};
use crate::site::compiled::{Field, FieldType, Source, Stage, Transform};

/// One field of a page whose other fields do not matter.
fn value(field: Field, html: &str) -> Json {
    value_of(field, "text/html", html.as_bytes())
}

fn value_of(field: Field, content_type: &str, body: &[u8]) -> Json {
    let witness = Field::new("witness", Source::Constant("w".into()));
    let url = "http://a.test/list/";
    let site = site(vec![Stage::new("s").record(
        None,
        &[],
        vec![field, witness, Field::new("all", select(&["html"]))],
    )]);
    let given = carried(json!({}));
    let found = read_at(&site, 0, url, body, Some(content_type), &given).expect("a page");
    json_of(&found.records[0].values[0])
}

#[track_caller]
fn check(selector: &str, html: &str, expected: &str) {
    let field = Field::new("f", select(&[selector]));
    assert_eq!(value(field, html), json!(expected), "{html}");
}

#[test]
fn line_breaks_and_borders_of_blocks_part_words() {
    check("h1", "<h1>Fax<br>0123<br/>4567</h1>", "Fax 0123 4567");
    check("ul", "<ul><li>One</li><li>Two</li></ul>", "One Two");
    check(
        "ul",
        "<ul><li>One<li>Two<ul><li>Three</ul></ul>",
        "One Two Three",
    );
    check("div", "<div>a<p>b</p>c<div>d</div>e</div>", "a b c d e");
    check(
        "table",
        "<table><caption>T</caption><tr><th>A<td>1<tr><td>B<td>2</table>",
        "T A 1 B 2",
    );
    check(
        "select",
        "<select><option>S<option>M<optgroup label=x><option>L</select>",
        "S M L",
    );
    check("dl", "<dl><dt>k</dt><dd>v</dd></dl>", "k v");
    check(
        "section",
        "<section>a<hr>b<h2>c</h2>d<pre>e</pre>f</section>",
        "a b c d e f",
    );
    check(
        "div",
        "<div>a<address>b</address><details><summary>c</summary>d</details></div>",
        "a b c d",
    );
}

#[test]
fn inline_elements_and_chances_to_break_part_no_words() {
    check("p", "<p>H<sub>2</sub>O <b>in<i>line</i></b>", "H2O inline");
    check(
        "p",
        "<p>Donau<wbr>dampf&shy;schiff<!-- -->fahrt",
        "Donaudampf\u{ad}schifffahrt",
    );
    check(
        "p",
        "<p>12<span>.</span><span>50</span><a> EUR</a>",
        "12.50 EUR",
    );
    check("p", "<p>x<svg><text>a</text><text>b</text></svg>y", "xaby");
    check(
        "div",
        "<div><button>a</button><label>b</label><img alt=i>c</div>",
        "abc",
    );
}

#[test]
fn own_text_is_parted_by_what_stands_between() {
    check("h1@own", "<h1>Fax<br>0123<b>x</b>4567</h1>", "Fax 01234567");
    check(
        "div@own",
        "<div>a<p>no</p>b<span>no<br>no</span>c<i></i>d</div>",
        "a b cd",
    );
    let raw = |selector| Field::new("f", select(&[selector])).transform(Transform::Raw);
    let html = "<p> a<br>b <br>\n c<b> d</b></p>";
    assert_eq!(value(raw("p"), html), json!(" a b \n c d"));
    assert_eq!(value(raw("p@own"), html), json!(" a b \n c"));
}

#[test]
fn program_text_is_seen_only_where_it_is_asked_for() {
    let html = "<div>a<script>var x</script><style>b {}</style>b</div>";
    check("div", html, "ab");
    check("div@own", html, "ab");
    check("script", html, "var x");
    check("style", html, "b {}");
}

#[test]
fn labels_are_read_by_the_same_rule() {
    let html = "<table><tr><th>Country<br>of origin</th><td>Italy</td></table>";
    let field = Field::new("f", rows("tr", "th", Some("country of origin"), "td"));
    assert_eq!(value(field, html), json!("Italy"));
}

#[test]
fn a_label_is_looked_for_in_the_row_itself_first() {
    let upc = |each| Field::new("f", rows(each, "th", Some("UPC"), "td"));
    // The outer row lays out the page; the label belongs to the row nested in it.
    let layout = "<table><tr><td>menu</td><td><table><tr><th>UPC</th><td>a1</td></tr>\
                  <tr><th>Tax</th><td>0</td></tr></table></td></tr></table>";
    assert_eq!(value(upc("tr"), layout), json!("a1"));
    let empty = layout.replace("a1", "");
    assert_eq!(value(upc("tr"), &empty), json!(null));
    // The same label stands in a nested table that comes first.
    let twice = "<table class=t><tr><td><table><tr><th>UPC</th><td>no</td></tr></table>\
                 <tr><th>UPC</th><td>a1</td></tr></table>";
    assert_eq!(value(upc("table.t > tbody > tr"), twice), json!("a1"));
    let same_row = "<table class=t><tr><td><table><tr><th>UPC</th><td>no</td></tr></table></td>\
                    <th>UPC</th><td class=v>a1</td></tr></table>";
    let field = Field::new("f", rows("table.t > tbody > tr", "th", Some("UPC"), "td.v"));
    assert_eq!(value(field, same_row), json!("a1"));
    // A list finds it once.
    assert_eq!(value(upc("tr").list(), layout), json!(["a1"]));
    let map = Field::new("f", rows("tr", "th", None, "td")).kind(FieldType::Map);
    assert_eq!(value(map, layout), json!({"UPC": "a1", "Tax": "0"}));
}

#[test]
fn a_label_in_a_nested_table_is_found_where_the_rows_have_none() {
    let nested = "<table class=t><tr><th>Size</th><td><table><tr><th>Width</th><td>3</td></tr>\
                  </table></td></tr></table>";
    let field = |is| Field::new("f", rows("table.t > tbody > tr", "th", Some(is), "td td"));
    assert_eq!(value(field("Width"), nested), json!("3"));
    // The inner row has the label, the outer one the value.
    let split = "<div class=r><div class=r><b>UPC</b></div><i>a1</i></div>";
    let field = Field::new("f", rows("div.r", "b", Some("UPC"), "i"));
    assert_eq!(value(field, split), json!("a1"));
}

#[test]
fn the_contents_of_a_template_are_no_part_of_the_page() {
    let h1 = || Field::new("f", select(&["h1"]));
    let html =
        "<template><h1>{{title}}</h1><template><h1>2</h1></template></template><h1>Real</h1>";
    assert_eq!(value(h1(), html), json!("Real"));
    check("body", html, "Real");
    check(
        "div@html",
        "<div>a<template><b>x</b></template></div>",
        "a<template></template>",
    );
    let url = || Field::new("f", select(&["a@href"])).kind(FieldType::Url);
    let base = "<template><base href=/no/></template><svg><base href=/no/></base></svg>\
                <base href=/yes/><a href=x>l</a>";
    assert_eq!(value(url(), base), json!("http://a.test/yes/x"));
    let ld = Field::new("f", Source::JsonLd(vec!["/name".to_owned()]));
    let blocks = "<template><script type=application/ld+json>{\"name\": \"no\"}</script></template>\
                  <script type=application/ld+json>{\"name\": \"yes\"}</script>";
    assert_eq!(value(ld, blocks), json!("yes"));
    let list = Stage::new("list").links(None, &["a"], 0);
    let links = read(
        &site(vec![list]),
        "<template><a href=/no>n</a></template><a href=/yes>y</a>",
    );
    let links: Vec<_> = links
        .unwrap()
        .links
        .into_iter()
        .map(|link| link.url)
        .collect();
    assert_eq!(links, ["http://a.test/yes"]);
}

#[test]
fn an_xhtml_page_is_kept_where_elements_end_in_their_tags() {
    let page = "<?xml version='1.0' encoding='utf-8'?><html xmlns='http://www.w3.org/1999/xhtml'>\
                <head><title/><script src='x.js'/></head><body><div class='ad'/><h1>Łódź</h1></body></html>";
    let h1 = || Field::new("f", select(&["h1"]));
    for xml in [
        "application/xhtml+xml",
        "Application/XHTML+XML; charset=utf-8",
        "text/xml",
    ] {
        assert_eq!(value_of(h1(), xml, page.as_bytes()), json!("Łódź"), "{xml}");
    }
    let ad = Field::new("f", select(&["div.ad"])).default_value("none");
    assert_eq!(
        value_of(ad, "application/xhtml+xml", page.as_bytes()),
        json!("none")
    );
    // HTML has no such tags: all that follows the title is its text.
    assert_eq!(value_of(h1(), "text/html", page.as_bytes()), json!(null));
}

#[test]
fn a_character_set_declared_late_or_in_the_body_is_read_as_browsers_do() {
    let title = || Field::new("f", select(&["title, p"]));
    let mut late = b"<!DOCTYPE html><!--".to_vec();
    late.extend(b"x".repeat(1_100));
    late.extend("--><meta charset=utf-8><title>Łódź</title>".as_bytes());
    late.push(0xe9);
    assert_eq!(value_of(title(), "text/html", &late), json!("Łódź"));
    // The header says more than the page.
    let read = value_of(title(), "text/html; charset=windows-1252", &late);
    assert_eq!(read, json!("Å\u{81}Ã³dÅº"));
    let in_body = b"<body><p>\xc1\xc2</p><meta charset=utf-8><meta http-equiv=Content-Type content='text/html; charset=koi8-r'>";
    assert_eq!(
        value_of(title(), "text/html", in_body),
        json!("\u{fffd}\u{fffd}")
    );
    let in_body = b"<body><p>\xc1\xc2</p><link charset=utf-8><meta charset=bogus><meta name=x content='charset=utf-8'><meta http-equiv=Content-Type content='text/html; charset=koi8-r'>";
    assert_eq!(value_of(title(), "text/html", in_body), json!("аб"));
    // What stands in a script or a comment, or in an attribute, declares nothing.
    let hidden = b"<body title='<meta charset=koi8-r>'><script>'<meta charset=koi8-r>'</script><!--<meta charset=koi8-r>--><p>\xe9";
    assert_eq!(
        value_of(title(), "text/html; charset=none", hidden),
        json!("é")
    );
}
