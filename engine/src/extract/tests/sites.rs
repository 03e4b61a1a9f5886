//! The three recorded sites, read from their archives: every row equals the truth beside them.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value as Json;
use url::Url;

use super::build::{href, json_of, linked, read_at, rows, select, site};
use crate::{
    extract::{
        carried::Carried,
        output::{Extracted, Record},
        select::cleaned,
    },
    model::ids::StageId,
    site::{
        compiled::{Field, FieldType, Pages, Site, Source, Stage},
        scope::Scope,
    },
};

struct Mirror {
    root: PathBuf,
    _unpacked: tempfile::TempDir,
    truth: PathBuf,
}

impl Mirror {
    /// None, with a line that says so, where the cases are not at hand.
    fn open(name: &str) -> Option<Self> {
        let Some(cases) = std::env::var_os("CRAWLFIELD_CASES") else {
            println!("SKIPPED: CRAWLFIELD_CASES is not set");
            return None;
        };
        let truth = Path::new(&cases).join("sites").join(name);
        let unpacked = tempfile::tempdir().expect("a scratch folder");
        let status = Command::new("tar")
            .arg("-xJf")
            .arg(truth.join("site.tar.xz"))
            .arg("-C")
            .arg(unpacked.path())
            .status()
            .expect("tar and xz");
        assert!(status.success());
        Some(Self {
            root: unpacked.path().to_owned(),
            _unpacked: unpacked,
            truth,
        })
    }

    fn rows(&self, file: &str) -> Vec<Json> {
        let text = std::fs::read_to_string(self.truth.join(file)).expect("the truth");
        text.lines()
            .map(|line| serde_json::from_str(line).expect("a JSON line"))
            .collect()
    }

    /// What a stage makes of the file behind a URL.
    fn read(&self, site: &Site, stage: StageId, url: &str, carried: &Carried) -> Extracted {
        let path = Url::parse(url).unwrap().path().trim_matches('/').to_owned();
        let mut file = self.root.join(path);
        if file.is_dir() {
            file = file.join("index.html");
        }
        let body = std::fs::read(&file).unwrap_or_else(|error| panic!("{url}: {error}"));
        read_at(site, stage.0, url, &body, Some("text/html"), carried)
            .unwrap_or_else(|error| panic!("{url}: {}", error.message))
    }

    /// Follows everything from a start page, each page once. Pages by stage and path.
    fn crawl(&self, site: &Site, start: &str) -> HashMap<(u16, String), Extracted> {
        let mut pages = HashMap::new();
        let mut open = vec![(StageId(0), start.to_owned(), Carried::default())];
        while let Some((stage, url, carried)) = open.pop() {
            let path = Url::parse(&url).unwrap().path().to_owned();
            if pages.contains_key(&(stage.0, path.clone())) {
                continue;
            }
            let read = self.read(site, stage, &url, &carried);
            let links = read.links.iter();
            open.extend(links.map(|link| (link.stage, link.url.clone(), link.carried.clone())));
            pages.insert((stage.0, path), read);
        }
        pages
    }
}

fn shop(host: &str, stages: Vec<Stage>) -> Site {
    let scope = Scope {
        hosts: vec![host.to_owned()],
        ..Scope::default()
    };
    Site {
        scope,
        ..site(stages)
    }
}

fn carried(name: &str) -> Field {
    Field::new(name, Source::Carried(name.to_owned()))
}

/// Holds the named columns of a row against a record.
#[track_caller]
fn check(site: &Site, stage: u16, record: &Record, row: &Json, columns: &[&str]) {
    let fields = &site.stages[usize::from(stage)].records[usize::from(record.rule)].fields;
    for column in columns {
        let at = fields
            .iter()
            .position(|field| field.name == *column)
            .expect("a field");
        let got = json_of(&record.values[at]);
        // The truth of some rows keeps the page's white space.
        let wanted = match &row[*column] {
            Json::String(text) => Json::String(cleaned(text)),
            other => other.clone(),
        };
        assert_eq!(got, wanted, "{column} of {row}");
    }
}

fn books() -> Site {
    let row = |name: &str, is: &str| Field::new(name, rows("table.table tr", "th", Some(is), "td"));
    let stars = ["One", "Two", "Three", "Four", "Five"];
    let stars: Vec<_> = stars
        .into_iter()
        .zip((1..=5).map(toml::Value::Integer))
        .collect();
    let list = Stage::new("list")
        .links(Some("article.product_pod"), &["h3 a"], 1)
        .pages(Pages::Next(href(&["li.next a"])));
    let fields = vec![
        Field::new("title", select(&["h1"])).required(),
        row("upc", "UPC").required(),
        Field::new("price", select(&["div.product_main p.price_color"])).required(),
        row("price_excl_tax", "Price (excl. tax)"),
        row("price_incl_tax", "Price (incl. tax)"),
        row("tax", "Tax"),
        Field::new("availability", select(&["div.product_main p.availability"])),
        row("stock", "Availability")
            .regex(r"\((\d+) available")
            .kind(FieldType::Integer),
        Field::new("rating_class", select(&["p.star-rating@class"])).regex(r"star-rating (\w+)"),
        Field::new("rating", select(&["p.star-rating@class"]))
            .regex(r"star-rating (\w+)")
            .map(&stars)
            .kind(FieldType::Integer),
        Field::new("category", select(&["ul.breadcrumb li:nth-child(3) a"])),
        row("product_type", "product type:"),
        row("num_reviews", "Number of reviews").kind(FieldType::Integer),
        Field::new("description", select(&["#product_description + p"])),
        Field::new("list_page", Source::Carried("page".to_owned())).kind(FieldType::Integer),
        carried("position").kind(FieldType::Integer),
    ];
    shop(
        "books.test",
        vec![list, Stage::new("detail").record(None, &["upc"], fields)],
    )
}

#[test]
fn every_book_is_read_as_it_is() {
    let Some(mirror) = Mirror::open("books_toscrape") else {
        return;
    };
    let site = books();
    let pages = mirror.crawl(&site, "http://books.test/catalogue/page-1.html");
    let truth = mirror.rows("expected_products.jsonl");
    assert_eq!((truth.len(), pages.len()), (1_000, 1_050));
    for row in &truth {
        let page = &pages[&(1, row["path"].as_str().unwrap().to_owned())];
        let columns: Vec<_> = site.stages[1].records[0]
            .fields
            .iter()
            .map(|field| field.name.as_str())
            .collect();
        check(&site, 1, &page.records[0], row, &columns);
    }
}

#[test]
fn every_quote_and_author_is_read_as_it_is() {
    let Some(mirror) = Mirror::open("quotes_toscrape") else {
        return;
    };
    let quote = vec![
        Field::new("text", select(&["span.text"])).required(),
        Field::new("author", select(&["small.author"])),
        Field::new("author_path", select(&["a[href^=\"/author/\"]@href"])),
        Field::new("tags", select(&["a.tag"])).list(),
        Field::new("list_page", Source::Carried("page".to_owned()))
            .kind(FieldType::Integer)
            .default_value(1),
    ];
    let author = vec![
        Field::new("name", select(&["h3.author-title"])).required(),
        Field::new("born_date", select(&[".author-born-date"])),
        Field::new("born_location", select(&[".author-born-location"])),
        Field::new("description", select(&[".author-description"])),
        Field::new("born", select(&[".author-born-date"]))
            .kind(FieldType::Date)
            .formats(&["%B %d, %Y"])
            .required(),
    ];
    let list = Stage::new("list")
        .links(Some("div.quote"), &["a[href^=\"/author/\"]"], 1)
        .pages(Pages::Next(href(&["li.next a"])))
        .record(Some("div.quote"), &[], quote);
    let site = shop(
        "quotes.test",
        vec![list, Stage::new("author").record(None, &[], author)],
    );
    let pages = mirror.crawl(&site, "http://quotes.test/");
    assert_eq!(pages.len(), 60);
    let quotes = mirror.rows("expected_quotes.jsonl");
    assert_eq!(quotes.len(), 100);
    for row in &quotes {
        let page = match row["list_page"].as_u64().unwrap() {
            1 => "/".to_owned(),
            page => format!("/page/{page}/"),
        };
        let at = row["position"].as_u64().unwrap() - 1;
        let record = &pages[&(0, page)].records[usize::try_from(at).unwrap()];
        check(
            &site,
            0,
            record,
            row,
            &["text", "author", "author_path", "tags", "list_page"],
        );
    }
    let authors = mirror.rows("expected_products.jsonl");
    assert_eq!(authors.len(), 50);
    for row in &authors {
        let path = row["path"]
            .as_str()
            .unwrap()
            .trim_end_matches('/')
            .to_owned();
        let record = &pages[&(1, path)].records[0];
        check(
            &site,
            1,
            record,
            row,
            &["name", "born_date", "born_location", "description"],
        );
    }
}

#[test]
fn every_box_of_a_real_minified_catalogue_is_read_as_it_is() {
    let Some(mirror) = Mirror::open("bincai_hugo") else {
        return;
    };
    let fields = vec![
        Field::new("title", select(&["h1"])).required(),
        Field::new("specs", rows("div.quick-specs tr", "th", None, "td")).kind(FieldType::Map),
        Field::new("badges", select(&[".prod-badges span"])).list(),
        Field::new("sections", select(&["article h2"])).list(),
        Field::new("sku", linked(&["/sku"])),
        Field::new("jsonld_name", linked(&["Product/name"])),
        carried("list_title"),
        Field::new("list_page", Source::Carried("page".to_owned())).kind(FieldType::Integer),
        carried("position").kind(FieldType::Integer),
    ];
    let list = Stage::new("list")
        .links(Some("h3 a[href^=\"/products/detail/\"]"), &["@href"], 1)
        .carry(Field::new("list_title", select(&["@text"])))
        .pages(super::build::pattern(
            "http://box.test/products/page/{page}/",
            None,
        ));
    let list = Stage {
        pages: list.pages.map(|pages| match pages {
            Pages::Pattern {
                pattern,
                count,
                first,
                ..
            } => Pages::Pattern {
                pattern,
                count,
                first,
                max: Some(13),
            },
            other @ Pages::Next(_) => other,
        }),
        ..list
    };
    let site = shop(
        "box.test",
        vec![list, Stage::new("detail").record(None, &[], fields)],
    );
    let pages = mirror.crawl(&site, "http://box.test/products/");
    let truth = mirror.rows("expected_products.jsonl");
    assert_eq!((truth.len(), pages.len()), (569, 551 + 13));
    let cards = |path: &str| {
        let same = truth.iter().filter(|row| row["path"] == path);
        same.map(|row| (row["list_page"].clone(), row["position"].clone()))
            .collect::<Vec<_>>()
    };
    for row in &truth {
        let path = row["path"].as_str().unwrap();
        let record = &pages[&(1, path.to_owned())].records[0];
        check(
            &site,
            1,
            record,
            row,
            &["title", "specs", "badges", "sections", "sku", "jsonld_name"],
        );
        let place = (json_of(&record.values[7]), json_of(&record.values[8]));
        assert!(cards(path).contains(&place), "{place:?} of {row}");
        if place == (row["list_page"].clone(), row["position"].clone()) {
            check(&site, 1, record, row, &["list_title"]);
        }
    }
}
