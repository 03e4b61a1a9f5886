//! The baseline's selectors: one pass over the cards of a list, one over the rows of a detail page.

use std::collections::HashMap;

use scraper::{ElementRef, Html, Selector};

use super::Todo;

/// What stands on a card, and where.
#[derive(Debug, Clone, Default)]
pub(in crate::bench) struct Card {
    pub(super) manufacturer: String,
    pub(super) model: String,
    pub(super) certificate_id: Option<String>,
    pub(super) page: u32,
    pub(super) position: u32,
}

/// Every field of the demo's record; texts by the labels of [`LABELS`].
pub(in crate::bench) struct Product {
    pub(super) model: String,
    pub(super) manufacturer: String,
    pub(super) device_type: Option<String>,
    pub(super) certification_date: String,
    pub(super) vid: i64,
    pub(super) pid: i64,
    pub(super) tis_trp_tested: Option<bool>,
    pub(super) primary_device_type_id: Option<i64>,
    pub(super) application_categories: Vec<String>,
    pub(super) compliance_document_url: Option<String>,
    pub(super) texts: [Option<String>; LABELS.len()],
}

/// Rows that are kept as they stand, with their columns.
pub(super) const LABELS: [(&str, &str); 9] = [
    ("Certificate ID", "certificate_id"),
    ("Family SKU", "family_sku"),
    ("Family Variant SKU", "family_variant_sku"),
    ("Firmware Version", "firmware_version"),
    ("Hardware Version", "hardware_version"),
    ("Software Version", "software_version"),
    ("Family ID", "family_id"),
    ("Specification Version", "specification_version"),
    ("Transport Interface", "transport_interface"),
];

/// Compiled once.
pub(in crate::bench) struct Selectors {
    card: Selector,
    card_link: Selector,
    card_company: Selector,
    card_title: Selector,
    card_certificate: Selector,
    pages: Selector,
    title: Selector,
    company: Selector,
    category: [Selector; 2],
    row: Selector,
    label: Selector,
    value: Selector,
    link: Selector,
    categories: Selector,
    certificate: regex::Regex,
}

impl Selectors {
    pub(in crate::bench) fn new() -> Self {
        let of = |text| Selector::parse(text).expect("a selector written here");
        Self {
            card: of("div.post-feed article.type-product"),
            card_link: of("a[href*='/csa_product/']"),
            card_company: of("p.entry-company"),
            card_title: of("h3.entry-title"),
            card_certificate: of("p.entry-certificate-id"),
            pages: of("div.pagination-wrapper nav a span"),
            title: of("h1.entry-title"),
            company: of("p.entry-company"),
            category: [of("h6.entry-category"), of("p.entry-category")],
            row: of("div.entry-product-details li.item"),
            label: of("span.label"),
            value: of("span.value"),
            link: of("a"),
            categories: of("main h3 + ul li:not(.item)"),
            certificate: regex::Regex::new(r"Certificate ID:\s*(\S+)")
                .expect("a regex written here"),
        }
    }
}

fn text(element: ElementRef<'_>) -> String {
    let mut out = String::new();
    for piece in element.text() {
        for word in piece.split_whitespace() {
            if !out.is_empty() {
                out.push(' ');
            }
            out.push_str(word);
        }
    }
    out
}

fn filled(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

fn first(element: ElementRef<'_>, selector: &Selector) -> Option<String> {
    element.select(selector).next().map(text).and_then(filled)
}

/// The pages that a list page leads to: its cards' products, and from page 1 all further pages.
pub(super) fn list(selectors: &Selectors, page: &str, todo: &Todo, pattern: &str) -> Vec<Todo> {
    let html = Html::parse_document(page);
    let base = url::Url::parse(&todo.url).ok();
    let mut found = Vec::new();
    for (at, card) in html.select(&selectors.card).enumerate() {
        let link = card.select(&selectors.card_link).next();
        let href = link.and_then(|link| link.attr("href"));
        let Some(url) = href.and_then(|href| base.as_ref()?.join(href).ok()) else {
            continue;
        };
        let certificate = first(card, &selectors.card_certificate);
        let certificate = certificate.and_then(|text| {
            let captured = selectors.certificate.captures(&text)?;
            Some(captured[1].to_owned())
        });
        found.push(Todo {
            url: url.into(),
            page: todo.page,
            card: Some(Card {
                manufacturer: first(card, &selectors.card_company).unwrap_or_default(),
                model: first(card, &selectors.card_title).unwrap_or_default(),
                certificate_id: certificate,
                page: todo.page,
                position: u32::try_from(at + 1).unwrap_or(u32::MAX),
            }),
        });
    }
    if todo.page == 1 {
        let numbers = html.select(&selectors.pages).map(text);
        let last = numbers.filter_map(|text| text.parse().ok()).max();
        found.extend((2..=last.unwrap_or(1)).map(|page: u32| Todo {
            url: pattern.replace("{page}", &page.to_string()),
            card: None,
            page,
        }));
    }
    found
}

/// The product of a detail page.
pub(super) fn detail(selectors: &Selectors, page: &str) -> Result<Product, String> {
    let html = Html::parse_document(page);
    let root = html.root_element();
    let mut rows = HashMap::new();
    let mut document = None;
    for row in html.select(&selectors.row) {
        let Some(label) = first(row, &selectors.label) else {
            continue;
        };
        let Some(value) = row.select(&selectors.value).next() else {
            continue;
        };
        if label == "Certificate ID" {
            let link = value.select(&selectors.link).next();
            document = link.and_then(|link| link.attr("href")).map(str::to_owned);
        }
        rows.entry(label).or_insert_with(|| text(value));
    }
    let wanted = |what: &str| format!("a product without {what}");
    let mut take = |label: &str| rows.remove(label).and_then(filled);
    Ok(Product {
        model: first(root, &selectors.title).ok_or_else(|| wanted("title"))?,
        manufacturer: first(root, &selectors.company).ok_or_else(|| wanted("company"))?,
        device_type: selectors.category.iter().find_map(|way| first(root, way)),
        certification_date: take("Certified Date")
            .and_then(|text| date(&text))
            .ok_or_else(|| wanted("date"))?,
        vid: take("Vendor ID")
            .and_then(|id| integer(&id))
            .ok_or_else(|| wanted("vendor"))?,
        pid: take("Product ID")
            .and_then(|id| integer(&id))
            .ok_or_else(|| wanted("id"))?,
        tis_trp_tested: take("TIS/TRP Tested").map(|text| text.eq_ignore_ascii_case("yes")),
        primary_device_type_id: take("Primary Device Type ID").and_then(|id| integer(&id)),
        application_categories: html.select(&selectors.categories).map(text).collect(),
        compliance_document_url: document,
        texts: LABELS.map(|(label, _)| take(label)),
    })
}

fn integer(text: &str) -> Option<i64> {
    match text.strip_prefix("0x") {
        Some(hex) => i64::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}

fn date(text: &str) -> Option<String> {
    let date = jiff::civil::Date::strptime("%Y-%m-%d", text)
        .or_else(|_| jiff::civil::Date::strptime("%m/%d/%Y", text));
    date.ok().map(|date| date.to_string())
}
