//! How many pages a second one core extracts, beside a hand-written loop over scraper that reads
//! the same fields of the same pages.

use std::{fmt::Write as _, hint::black_box};

use crawlfield_engine::{
    extract::{
        bounds::Bounds,
        carried::Carried,
        extract,
        output::{Extracted, PageInput},
    },
    model::ids::StageId,
    site::compiled::Site,
};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use scraper::{ElementRef, Html, Selector};

const SITE: &str = r##"
[site]
name = "shop"
start = ["http://shop.test/page-1.html"]
enter = "list"

[stages.list]
items_per_page = 20
pages = { next = "li.next a" }

[[stages.list.links]]
each = "article.product_pod"
select = "h3 a@href"
to = "detail"
carry = { list_title = "h3 a@title" }

[stages.detail]

[[stages.detail.records]]
kind = "product"
key = ["upc"]

[stages.detail.records.fields]
title = { select = "div.product_main h1", required = true }
upc = { rows = "table tr", label = "th", is = "UPC", value = "td", required = true }
tax = { rows = "table tr", label = "th", is = "Tax", value = "td" }
kind = { rows = "table tr", label = "th", is = "Product Type", value = "td" }
price = { select = "div.product_main p.price_color", regex = "([\\d.]+)", type = "decimal" }
availability = "div.product_main p.availability"
category = "ul.breadcrumb li:nth-child(3) a"
description = "#product_description + p"
image = { select = "#product_gallery img@src", type = "url" }
"##;

/// About 20 KB: twenty cards between a menu and a footer.
fn list_page() -> String {
    let mut page = head();
    for n in 0..20 {
        write!(
            page,
            "<li class=\"col-xs-6 col-sm-4 col-md-3 col-lg-3\">\n  <article class=\"product_pod\">\n    \
             <div class=\"image_container\">\n      <a href=\"catalogue/p{n}/index.html\"><img \
             src=\"media/cache/{n}.jpg\" alt=\"Product {n}\" class=\"thumbnail\"></a>\n    </div>\n    \
             <p class=\"star-rating Three\">\n      <i class=\"icon-star\"></i><i \
             class=\"icon-star\"></i><i class=\"icon-star\"></i><i class=\"icon-star\"></i><i \
             class=\"icon-star\"></i>\n    </p>\n    <h3><a href=\"catalogue/p{n}/index.html\" \
             title=\"The long title of product {n}\">The long title …</a></h3>\n    <div \
             class=\"product_price\">\n      <p class=\"price_color\">£{n}.50</p>\n      <p \
             class=\"instock availability\">\n        <i class=\"icon-ok\"></i>\n        In stock\n      \
             </p>\n    </div>\n  </article>\n</li>\n"
        )
        .expect("writing to a string");
    }
    page.push_str(
        "</ol><ul class=pager><li class=next><a href=page-2.html>next</a></li></ul></html>",
    );
    page
}

/// About 12 KB: one product, its table, and a long description.
fn detail_page() -> String {
    let mut page = head();
    page.push_str(
        "<ul class=breadcrumb><li><a>Home</a></li><li><a>Books</a></li><li><a>Poetry</a></li></ul>\
         <div id=product_gallery><img src=\"../../media/1.jpg\"></div><div class=\"col-sm-6 \
         product_main\"><h1>A title</h1><p class=price_color>£51.77</p><p class=\"instock \
         availability\">\n In stock (22 available)\n</p></div><div id=product_description>\
         <h2>Description</h2></div><p>",
    );
    page.push_str(&"It is hard to imagine a world without this classic collection. ".repeat(60));
    page.push_str("</p><table class=table>");
    for (label, value) in [
        ("UPC", "a897fe39b1053632"),
        ("Product Type", "Books"),
        ("Price (excl. tax)", "£51.77"),
        ("Price (incl. tax)", "£51.77"),
        ("Tax", "£0.00"),
        ("Availability", "In stock (22 available)"),
        ("Number of reviews", "0"),
    ] {
        write!(page, "<tr>\n<th>{label}</th>\n<td>{value}</td>\n</tr>").expect("a string");
    }
    page.push_str("</table></html>");
    page
}

fn head() -> String {
    let mut page =
        "<!DOCTYPE html><html><head><title>Shop</title></head><body><ul class=nav>".to_owned();
    for n in 0..50 {
        write!(
            page,
            "<li>\n  <a href=\"category/books/c_{n}/index.html\">\n   Category {n}\n  </a>\n</li>"
        )
        .expect("writing to a string");
    }
    page.push_str("</ul><ol class=row>");
    page
}

/// The selectors of a hand-written crawler, in the order of its fields.
struct ByHand {
    selectors: Vec<Selector>,
}

impl ByHand {
    fn new(texts: &[&str]) -> Self {
        let parse = |text: &&str| Selector::parse(text).expect("a selector of the bench");
        Self {
            selectors: texts.iter().map(parse).collect(),
        }
    }

    fn list(&self, page: &str) -> Vec<(String, String)> {
        let html = Html::parse_document(page);
        let base = url::Url::parse("http://shop.test/page-1.html").expect("a URL");
        let mut out = Vec::new();
        for card in html.select(&self.selectors[0]) {
            let Some(link) = card.select(&self.selectors[1]).next() else {
                continue;
            };
            let href = link.attr("href").unwrap_or_default();
            let url = base.join(href).map(String::from).unwrap_or_default();
            out.push((url, link.attr("title").unwrap_or_default().to_owned()));
        }
        let next = html
            .select(&self.selectors[2])
            .next()
            .and_then(|next| next.attr("href"));
        out.extend(next.map(|next| (next.to_owned(), String::new())));
        out
    }

    fn detail(&self, page: &str) -> Vec<String> {
        let html = Html::parse_document(page);
        let text = |element: ElementRef<'_>| {
            let whole: String = element.text().collect();
            whole.split_whitespace().collect::<Vec<_>>().join(" ")
        };
        let (rows, fields) = self.selectors.split_at(3);
        let mut out: Vec<String> = fields
            .iter()
            .map(|selector| html.select(selector).next().map(text).unwrap_or_default())
            .collect();
        for row in html.select(&rows[0]) {
            let label = row.select(&rows[1]).next().map(text).unwrap_or_default();
            if matches!(label.as_str(), "UPC" | "Tax" | "Product Type") {
                out.push(row.select(&rows[2]).next().map(text).unwrap_or_default());
            }
        }
        out
    }
}

fn ours(site: &Site, stage: u16, body: &str) -> Extracted {
    let carried = Carried::default();
    let page = PageInput {
        url: "http://shop.test/page-1.html",
        final_url: "http://shop.test/page-1.html",
        content_type: Some("text/html; charset=utf-8"),
        body: body.as_bytes(),
        carried: &carried,
        depth: 0,
    };
    extract(site, StageId(stage), &page, &Bounds::default()).expect("a page of the bench")
}

fn pages(criterion: &mut Criterion) {
    let site = Site::load(SITE, "bench.toml").expect("the site file of the bench");
    let (list, detail) = (list_page(), detail_page());
    let by_hand = ByHand::new(&["article.product_pod", "h3 a", "li.next a"]);
    let mut group = criterion.benchmark_group("list page");
    group.throughput(Throughput::Elements(1));
    assert_eq!(ours(&site, 0, &list).links.len(), by_hand.list(&list).len());
    group.bench_function("extract", |b| b.iter(|| ours(&site, 0, black_box(&list))));
    group.bench_function("scraper by hand", |b| {
        b.iter(|| by_hand.list(black_box(&list)));
    });
    group.bench_function("parse only", |b| {
        b.iter(|| Html::parse_document(black_box(&list)));
    });
    group.finish();
    let by_hand = ByHand::new(&[
        "table tr",
        "th",
        "td",
        "div.product_main h1",
        "div.product_main p.price_color",
        "div.product_main p.availability",
        "ul.breadcrumb li:nth-child(3) a",
        "#product_description + p",
        "#product_gallery img",
    ]);
    let mut group = criterion.benchmark_group("detail page");
    group.throughput(Throughput::Elements(1));
    group.bench_function("extract", |b| b.iter(|| ours(&site, 1, black_box(&detail))));
    group.bench_function("scraper by hand", |b| {
        b.iter(|| by_hand.detail(black_box(&detail)));
    });
    group.bench_function("parse only", |b| {
        b.iter(|| Html::parse_document(black_box(&detail)));
    });
    group.finish();
}

criterion_group!(benches, pages);
criterion_main!(benches);
