//! Exported rows against the truth that lies beside the sites.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

/// The path of a URL, without a slash at its end.
fn path_of(url: &Json) -> String {
    let url = url.as_str().unwrap();
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = rest.find('/').map_or("/", |at| &rest[at..]);
    path.trim_end_matches('/').to_owned()
}

/// Rows of the truth by path; several cards may lead to one page.
fn by_path(truth: &[Json]) -> BTreeMap<String, Vec<&Json>> {
    let mut pages: BTreeMap<String, Vec<&Json>> = BTreeMap::new();
    for row in truth {
        pages.entry(path_of(&row["path"])).or_default().push(row);
    }
    pages
}

/// Every page once, and nothing else.
#[track_caller]
fn same_pages(rows: &[(String, Json)], truth: &BTreeMap<String, Vec<&Json>>) {
    let mut found: Vec<String> = rows.iter().map(|(_, row)| path_of(&row["_url"])).collect();
    found.sort();
    let wanted: Vec<&String> = truth.keys().collect();
    assert_eq!(found.iter().collect::<Vec<_>>(), wanted);
}

/// Fields carry text with its white space collapsed; the truth is as it was found.
fn collapsed(value: &Json) -> Json {
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    value
        .as_str()
        .map_or_else(|| value.clone(), |text| json!(words(text)))
}

#[track_caller]
fn same(row: &Json, truth: &Json, fields: &[&str]) {
    for field in fields {
        let theirs = collapsed(truth.get(*field).unwrap_or(&Json::Null));
        assert_eq!(row[*field], theirs, "{field} of {}", row["_url"]);
    }
}

/// A decimal carries the digits of the page.
#[track_caller]
fn digits(line: &str, field: &str, amount: &Json) {
    let digits = amount.as_str().unwrap().trim_start_matches('£');
    let wanted = format!("\"{field}\":{digits}");
    let ended = [",", "}"]
        .iter()
        .any(|end| line.contains(&format!("{wanted}{end}")));
    assert!(ended, "{wanted} in {line}");
}

pub(crate) fn equal_books(rows: &[(String, Json)], truth: &[Json]) {
    let pages = by_path(truth);
    same_pages(rows, &pages);
    for (line, row) in rows {
        let book = pages[&path_of(&row["_url"])][0];
        let fields = [
            "title",
            "upc",
            "availability",
            "stock",
            "rating",
            "category",
            "product_type",
            "num_reviews",
            "description",
            "list_page",
            "position",
        ];
        same(row, book, &fields);
        for field in ["price", "price_excl_tax", "price_incl_tax", "tax"] {
            digits(line, field, &book[field]);
        }
        digits(line, "list_price", &book["price"]);
        assert_eq!(row["list_title"], collapsed(&book["title"]));
        assert_eq!(row["currency"], "GBP");
    }
}

pub(crate) fn equal_quotes(rows: &[(String, Json)], truth: &[Json]) {
    let tell = |text: &Json, author: &Json, url: String, tags: &Json, page: &Json| {
        json!([text, author, url, tags, page]).to_string()
    };
    let mut found: Vec<String> = rows
        .iter()
        .map(|(_, row)| {
            let url = path_of(&row["author_url"]);
            tell(
                &row["text"],
                &row["author"],
                url,
                &row["tags"],
                &row["page"],
            )
        })
        .collect();
    let mut wanted: Vec<String> = truth
        .iter()
        .map(|row| {
            let url = path_of(&row["author_path"]);
            tell(
                &row["text"],
                &row["author"],
                url,
                &row["tags"],
                &row["list_page"],
            )
        })
        .collect();
    found.sort();
    wanted.sort();
    assert_eq!(found, wanted);
}

pub(crate) fn equal_authors(rows: &[(String, Json)], truth: &[Json]) {
    let pages = by_path(truth);
    same_pages(rows, &pages);
    for (_, row) in rows {
        let author = pages[&path_of(&row["_url"])][0];
        same(
            row,
            author,
            &["name", "born_date", "born_location", "description"],
        );
        let year = author["born_date"]
            .as_str()
            .unwrap()
            .rsplit(' ')
            .next()
            .unwrap();
        let born = row["born"].as_str().unwrap();
        assert!(born.starts_with(year) && born.len() == 10, "{row}");
    }
}

pub(crate) fn equal_paperboxes(rows: &[(String, Json)], truth: &[Json]) {
    let pages = by_path(truth);
    same_pages(rows, &pages);
    for (_, row) in rows {
        let cards = &pages[&path_of(&row["_url"])];
        same(
            row,
            cards[0],
            &["title", "specs", "badges", "sections", "sku"],
        );
        assert_eq!(row["name"], cards[0]["jsonld_name"], "{}", row["_url"]);
        // The second start page begins a chain of its own, so its pages count from 1 too.
        let carried = cards.iter().any(|card| {
            let number = card["list_page"].as_u64().unwrap();
            row["list_title"] == card["list_title"]
                && row["position"] == card["position"]
                && row["list_page"] == if number == 1 { 1 } else { number - 1 }
        });
        assert!(carried, "carried fields of one card: {row} {cards:?}");
    }
}
