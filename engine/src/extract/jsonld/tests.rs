//! JSON-LD as recipe, shop and news pages write it.

use serde_json::{Value as Json, json};

use crate::{
    extract::{
        bounds::Bounds,
        carried::Carried,
        extract,
        output::{ExtractError, Extracted, PageInput},
        tests::build::{self, URL, json_of, linked, select, site},
    },
    model::{class::ErrorClass, ids::StageId, remark::Remark},
    site::compiled::{Field, FieldType, Site, Source, Stage},
};

/// Blocks as a page has them.
fn page(blocks: &[&str]) -> String {
    let block = |block: &&str| format!("<script type='application/ld+json'>{block}</script>");
    blocks.iter().map(block).collect::<String>() + "<p>w"
}

fn of(fields: Vec<Field>) -> Site {
    // The selector keeps a page without the fields from being refused as a whole.
    let witness = Field::new("witness", select(&["p"]));
    let fields = fields.into_iter().chain([witness]).collect();
    site(vec![Stage::new("detail").record(None, &[], fields)])
}

fn read(paths: &[&str], blocks: &[&str]) -> Extracted {
    let site = of(vec![Field::new("f", linked(paths)).kind(FieldType::Json)]);
    build::read(&site, &page(blocks)).expect("a readable page")
}

fn within(site: &Site, html: &str, max_steps: u64) -> Result<Extracted, ExtractError> {
    let nothing = Carried::default();
    let input = PageInput {
        url: URL,
        final_url: URL,
        content_type: Some("text/html"),
        body: html.as_bytes(),
        carried: &nothing,
        depth: 0,
    };
    let bounds = Bounds {
        max_steps,
        ..Bounds::default()
    };
    extract(site, StageId(0), &input, &bounds)
}

#[track_caller]
#[expect(
    clippy::needless_pass_by_value,
    reason = "a table reads better without &"
)]
fn check(path: &str, blocks: &[&str], expected: Json) {
    let found = read(&[path], blocks);
    assert_eq!(json_of(&found.records[0].values[0]), expected, "{path}");
}

#[test]
fn a_reference_is_followed_on_the_page() {
    let graph = r##"{"@graph": [
        {"@type": "Recipe", "@id": "#r", "name": "Soup", "author": {"@id": "#p"},
         "video": {"@id": "#gone"}, "image": [{"@id": "http://a.test/list/#i"}],
         "publisher": {"@type": "Organization", "@id": "#o", "name": "Org"}},
        {"@type": "Person", "@id": "#p", "name": "Ada", "worksFor": {"@id": "#o"}},
        {"@type": "ImageObject", "@id": "#i", "url": "/i.png", "ratio": 1.50}]}"##;
    let other = r##"{"@id": "#o", "telephone": "0123"}"##;
    let both = &[graph, other];
    check("Recipe/author/name", both, json!("Ada"));
    check("Recipe/author/worksFor/name", both, json!("Org"));
    // What one place does not tell of a node, another does.
    check("Recipe/publisher/telephone", both, json!("0123"));
    // Relative and absolute ids name the same node.
    check("Recipe/image/url", both, json!("/i.png"));
    check("Recipe/image/0/ratio", both, json!(1.50));
    check("Recipe/author/@id", both, json!("#p"));
    check("Recipe/video/name", both, json!(null));
    check("Recipe/video", both, json!({"@id": "#gone"}));
    let ada = json!({"@type": "Person", "@id": "#p", "name": "Ada", "worksFor": {"@id": "#o"}});
    check("Recipe/author", both, ada);
}

#[test]
fn references_in_a_circle_end() {
    let circle = r##"[{"@type": "A", "@id": "#a", "b": {"@id": "#b"}},
        {"@id": "#b", "a": {"@id": "#a"}, "x": {"@id": "#x"}}, {"@id": "#x"}]"##;
    check("A/b/a/b/x/y", &[circle], json!(null));
    check("A/b/x", &[circle], json!({"@id": "#x"}));
    // Each name may lead to each node: nothing but a bound on work ends that.
    for one in [r##"{"@id":"#m"}"##, r##"{"@id":"#m","z":1}"##] {
        let many = vec![one; 3_000].join(",");
        let maze = format!(r##"{{"@type":"M","@id":"#m","a":[{many}]}}"##);
        let site = of(vec![Field::new("f", linked(&["M/a/a/a/a/none"]))]);
        let error = within(&site, &page(&[&maze]), 1_000_000).unwrap_err();
        assert_eq!(error.class, ErrorClass::TooLarge, "{}", error.message);
    }
}

#[test]
fn types_compare_without_case_and_graphs_may_be_objects() {
    let name = json!("Soup");
    for block in [
        r#"{"@type": "recipe", "name": "Soup"}"#,
        r#"{"@type": ["Thing", "https://schema.org/RECIPE"], "name": "Soup"}"#,
        r#"{"@graph": {"0": {"@type": "WebPage"}, "1": {"@type": "Recipe", "name": "Soup"}}}"#,
        r#"{"@graph": {"@type": "Recipe", "name": "Soup"}}"#,
        r#"[{"@graph": {"7": {"@type": "Recipe", "name": "Soup"}}}]"#,
    ] {
        check("Recipe/name", &[block], name.clone());
    }
    check(
        "Recipe/name",
        &[r#"{"@type": "Recipes", "name": "no"}"#],
        json!(null),
    );
}

#[test]
fn all_fields_come_from_the_first_node_of_the_type() {
    let blocks = &[
        r#"{"@type": "Person", "yield": 1}"#,
        r#"{"@type": "Recipe", "name": "First"}"#,
        r#"{"@type": "Recipe", "name": "Second", "yield": 4}"#,
    ];
    check("Recipe/name", blocks, json!("First"));
    check("Recipe/yield", blocks, json!(null));
    check("/yield", blocks, json!(1));
}

#[test]
fn paths_are_tried_in_order() {
    let blocks = &[r#"{"@type": "Product", "name": " ", "title": "T"}"#];
    let site = of(vec![Field::new(
        "f",
        linked(&["Offer/x", "Product/name", "/title"]),
    )]);
    let found = build::read(&site, &page(blocks)).unwrap();
    assert_eq!(json_of(&found.records[0].values[0]), json!("T"));
    assert_eq!(found.remarks.count(Remark::BlockUnread), 0);
}

#[test]
fn a_block_that_cannot_be_read_is_counted_and_told() {
    let blocks = &[
        "\u{feff}{\"a\": 1,}",
        "",
        "{\"a\": ",
        "<!-- {\"b\": 2} -->",
        "nothing",
    ];
    let found = read(&["/b"], blocks);
    assert_eq!(json_of(&found.records[0].values[0]), json!(2));
    assert_eq!(found.remarks.count(Remark::BlockUnread), 2);
    let told = found.warnings.join("\n");
    assert!(
        told.contains("2 JSON-LD blocks of the page cannot be read: block 3: EOF"),
        "{told}"
    );
    // Where no field asks for JSON-LD, nothing is lost.
    let site = of(vec![Field::new("f", select(&["i"]))]);
    let found = build::read(&site, &page(blocks)).unwrap();
    assert_eq!(
        (
            found.remarks.count(Remark::BlockUnread),
            found.warnings.len()
        ),
        (0, 0)
    );
    // A page that fails for it says so.
    let site = of(vec![Field::new("f", linked(&["/c"])).required()]);
    let error = build::read(&site, &page(blocks)).unwrap_err();
    assert!(error.message.contains("block 3"), "{}", error.message);
}

/// Cards and nodes of the same number, with a decimal to be looked up in the text.
fn cards(n: usize, max_steps: u64) -> Result<Extracted, ExtractError> {
    let nodes: Vec<String> = (0..n)
        .map(|n| format!(r#"{{"@type":"Offer","sku":{n},"price":{n}.50}}"#))
        .chain([r#"{"@type":"Product","name":"P","price":12.50}"#.to_owned()])
        .collect();
    let html = page(&[&format!("[{}]", nodes.join(","))]) + &"<li>x</li>".repeat(n);
    let fields = vec![
        Field::new("x", select(&["i"])),
        Field::new("name", linked(&["Product/name"])),
        Field::new("price", linked(&["Product/price"])).kind(FieldType::Decimal),
        Field::new("meta", Source::Meta("none".to_owned())),
    ];
    let site = site(vec![Stage::new("list").record(Some("li"), &[], fields)]);
    within(&site, &html, max_steps)
}

#[test]
fn json_ld_is_looked_up_once_a_page_and_not_once_a_card() {
    // 20,000 cards of one element each, 20,000 nodes, 1 MB of JSON: a look at all nodes for each
    // card would be 400 million steps.
    let found = cards(20_000, 1_000_000).unwrap();
    assert_eq!(found.records.len(), 20_000);
    let last: Vec<Json> = found.records[19_999].values.iter().map(json_of).collect();
    assert_eq!(last, [json!(null), json!("P"), json!(12.50), json!(null)]);
}

#[test]
fn looking_through_json_ld_counts_as_work() {
    let error = cards(2_000, 6_000).unwrap_err();
    assert_eq!(error.class, ErrorClass::TooLarge, "{}", error.message);
}
