//! The demo's pages read by html5ever with scraper, as somebody would who writes it by hand: one
//! pass over the cards of a list, one over the rows of a detail page. It knows no other site, no
//! character sets, no bounds.

use std::{collections::HashMap, hint::black_box, sync::Arc};

use crawlfield_engine::{
    extract::{
        carried::Carried,
        output::{ExtractError, Extracted, Link, Record, Value},
        page_number,
    },
    live::parse::Reader,
    message::orders::ParseOrder,
    model::{
        class::ErrorClass,
        host_key::HostKey,
        ids::{PageKey, StageId},
    },
    site::compiled::Pages,
};
use scraper::{ElementRef, Html, Selector};
use serde_json::{Map, Value as Json};
use url::Url;

use crate::Result;

/// What stands on a card, and where.
#[derive(Debug, Clone, Default)]
pub(crate) struct Card {
    pub(crate) manufacturer: String,
    pub(crate) model: String,
    pub(crate) certificate_id: Option<String>,
    /// From 1.
    pub(crate) position: u32,
}

/// A list page: its cards with where they lead, and the number of the last page.
pub(crate) struct List {
    pub(crate) cards: Vec<(Url, Card)>,
    pub(crate) last: u32,
}

/// Every field of the demo's record; texts by the labels of [`LABELS`].
pub(crate) struct Product {
    pub(crate) model: String,
    pub(crate) manufacturer: String,
    pub(crate) device_type: Option<String>,
    pub(crate) certification_date: String,
    pub(crate) vid: i64,
    pub(crate) pid: i64,
    pub(crate) tis_trp_tested: Option<bool>,
    pub(crate) primary_device_type_id: Option<i64>,
    pub(crate) application_categories: Vec<String>,
    pub(crate) compliance_document_url: Option<String>,
    pub(crate) texts: [Option<String>; LABELS.len()],
}

/// Rows that are kept as they stand, with their columns.
const LABELS: [(&str, &str); 9] = [
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
pub(crate) struct Selectors {
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
    pub(crate) fn new() -> Self {
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

    pub(crate) fn list(&self, page: &str, url: &str) -> Result<List> {
        let html = Html::parse_document(page);
        let base = Url::parse(url)?;
        let mut cards = Vec::new();
        for (at, card) in html.select(&self.card).enumerate() {
            let link = card.select(&self.card_link).next();
            let href = link.and_then(|link| link.attr("href"));
            let Some(url) = href.and_then(|href| base.join(href).ok()) else {
                continue;
            };
            let certificate = first(card, &self.card_certificate);
            let certificate = certificate.and_then(|text| {
                let captured = self.certificate.captures(&text)?;
                Some(captured[1].to_owned())
            });
            let card = Card {
                manufacturer: first(card, &self.card_company).unwrap_or_default(),
                model: first(card, &self.card_title).unwrap_or_default(),
                certificate_id: certificate,
                position: u32::try_from(at + 1)?,
            };
            cards.push((url, card));
        }
        let numbers = html.select(&self.pages).map(text);
        let last = numbers.filter_map(|text| text.parse().ok()).max();
        Ok(List {
            cards,
            last: last.unwrap_or(1),
        })
    }

    pub(crate) fn detail(&self, page: &str) -> Result<Product> {
        let html = Html::parse_document(page);
        let root = html.root_element();
        let mut rows = HashMap::new();
        let mut document = None;
        for row in html.select(&self.row) {
            let Some(label) = first(row, &self.label) else {
                continue;
            };
            let Some(value) = row.select(&self.value).next() else {
                continue;
            };
            if label == "Certificate ID" {
                let link = value.select(&self.link).next();
                document = link.and_then(|link| link.attr("href")).map(str::to_owned);
            }
            rows.entry(label).or_insert_with(|| text(value));
        }
        let wanted = |what: &str| format!("a product without {what}");
        let mut take = |label: &str| rows.remove(label).and_then(filled);
        Ok(Product {
            model: first(root, &self.title).ok_or_else(|| wanted("title"))?,
            manufacturer: first(root, &self.company).ok_or_else(|| wanted("company"))?,
            device_type: self.category.iter().find_map(|way| first(root, way)),
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
            application_categories: html.select(&self.categories).map(text).collect(),
            compliance_document_url: document,
            texts: LABELS.map(|(label, _)| take(label)),
        })
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

/// Reads the demo's pages for the engine, with the same yield as its own reader.
pub(crate) fn reader() -> Reader {
    let selectors = Selectors::new();
    Arc::new(move |order| {
        let text = String::from_utf8_lossy(&order.body);
        let of_link: Carried = order.url.carried().parse()?;
        let read = if order.stage == order.site.enter {
            let list = selectors.list(&text, &order.final_url);
            list.map(|list| links(order, &list, &of_link))
        } else {
            let product = selectors.detail(&text);
            product.map(|product| record(order, &product, &of_link))
        };
        read.map_err(|why| ExtractError {
            class: ErrorClass::Parse,
            message: why.to_string(),
        })
    })
}

/// Only makes the tree.
pub(crate) fn tree_maker() -> Reader {
    Arc::new(|order| {
        black_box(Html::parse_document(&String::from_utf8_lossy(&order.body)));
        Ok(Extracted::default())
    })
}

/// The cards' products; from page 1 all further pages, from others the next one.
fn links(order: &ParseOrder, list: &List, of_link: &Carried) -> Extracted {
    let site = &*order.site;
    let stage = site.stage(order.stage);
    let page = page_number(stage, &order.url, of_link);
    let link = |to: StageId, url: &Url, carried: Map<String, Json>| {
        let host = HostKey::of(url)?;
        let url = site.scope.canonical(url);
        let key = PageKey::new(&site.name, &site.stage(to).name, &url);
        Some(Link {
            stage: to,
            key,
            url,
            host,
            carried: carried.into(),
        })
    };
    let detail = stage.links[0].to;
    let cards = list.cards.iter().filter_map(|(url, card)| {
        let mut carried = Map::new();
        carried.insert("manufacturer".to_owned(), card.manufacturer.as_str().into());
        carried.insert("model".to_owned(), card.model.as_str().into());
        if let Some(id) = &card.certificate_id {
            carried.insert("certificate_id".to_owned(), id.as_str().into());
        }
        carried.insert("page".to_owned(), page.into());
        carried.insert("position".to_owned(), card.position.into());
        link(detail, url, carried)
    });
    let mut links: Vec<Link> = cards.collect();
    let distinct_items = u32::try_from(links.len()).unwrap_or(u32::MAX);
    let offered = if page == 1 {
        list.last
    } else {
        list.last.min(page + 1)
    };
    if let Some(Pages::Pattern { pattern, .. }) = &stage.pages {
        links.extend((page + 1..=offered).filter_map(|number| {
            let url = Url::parse(&pattern.replace("{page}", &number.to_string())).ok()?;
            let carried = Map::from_iter([("page".to_owned(), number.into())]);
            link(order.stage, &url, carried)
        }));
    }
    Extracted {
        links,
        distinct_items,
        page,
        page_count: Some(list.last),
        has_next: page < list.last,
        ..Extracted::default()
    }
}

fn record(order: &ParseOrder, product: &Product, of_link: &Carried) -> Extracted {
    let stage = order.site.stage(order.stage);
    let fields = stage.records[0].fields.iter();
    let values = fields.map(|field| match field.name.strip_prefix("list_") {
        Some(name) => match of_link.get(name) {
            Some(Json::String(text)) => Value::Text(text.clone()),
            Some(Json::Number(number)) => number.as_i64().map_or(Value::Null, Value::Integer),
            _ => Value::Null,
        },
        None => product.value(&field.name),
    });
    let record = Record {
        rule: 0,
        identity: (*order.url).to_owned(),
        values: values.collect(),
    };
    Extracted {
        records: vec![record],
        page: page_number(stage, &order.url, of_link),
        ..Extracted::default()
    }
}

impl Product {
    fn value(&self, field: &str) -> Value {
        let text = |text: &Option<String>| text.clone().map_or(Value::Null, Value::Text);
        match field {
            "model" => Value::Text(self.model.clone()),
            "manufacturer" => Value::Text(self.manufacturer.clone()),
            "device_type" => text(&self.device_type),
            "certification_date" => Value::Text(self.certification_date.clone()),
            "vid" => Value::Integer(self.vid),
            "pid" => Value::Integer(self.pid),
            "tis_trp_tested" => self.tis_trp_tested.map_or(Value::Null, Value::Boolean),
            "primary_device_type_id" => {
                let id = self.primary_device_type_id;
                id.map_or(Value::Null, Value::Integer)
            }
            "application_categories" => {
                let items = self.application_categories.iter();
                Value::Json(items.map(String::as_str).collect())
            }
            "compliance_document_url" => text(&self.compliance_document_url),
            column => {
                let at = LABELS.iter().position(|(_, of)| *of == column);
                at.map_or(Value::Null, |at| text(&self.texts[at]))
            }
        }
    }
}
