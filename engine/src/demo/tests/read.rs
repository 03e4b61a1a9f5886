//! Pages read with scraper by the selectors of SPEC Q.

use std::collections::BTreeMap;

use scraper::{ElementRef, Html, Selector};
use serde_json::{Map, Value as Json, json};

pub(super) struct ListPage {
    /// The largest number in the pagination.
    pub(super) pages: u32,
    /// Product URL → fields of its card.
    pub(super) cards: BTreeMap<String, Vec<(&'static str, Json)>>,
}

pub(super) fn css(selector: &str) -> Selector {
    Selector::parse(selector).expect("a selector written here")
}

fn text(element: ElementRef<'_>) -> String {
    let text: String = element.text().collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn first(within: ElementRef<'_>, selector: &str) -> Option<String> {
    within.select(&css(selector)).next().map(text)
}

pub(super) fn read_list(html: &str) -> ListPage {
    let page = Html::parse_document(html);
    let numbers = css("div.pagination-wrapper nav a span");
    ListPage {
        pages: page
            .select(&numbers)
            .filter_map(|span| text(span).parse().ok())
            .max()
            .unwrap_or(0),
        cards: page
            .select(&css("div.post-feed article.type-product"))
            .filter_map(read_card)
            .collect(),
    }
}

fn read_card(card: ElementRef<'_>) -> Option<(String, Vec<(&'static str, Json)>)> {
    let link = card.select(&css("a[href*='/csa_product/']")).next()?;
    let certificate = first(card, "p.entry-certificate-id");
    let certificate = certificate.map(|text| text.replace("Certificate ID: ", ""));
    let fields = vec![
        ("list_manufacturer", json!(first(card, "p.entry-company"))),
        ("list_model", json!(first(card, "h3.entry-title"))),
        ("list_certificate_id", json!(certificate)),
    ];
    Some((link.attr("href")?.to_owned(), fields))
}

pub(super) fn read_detail(html: &str) -> Json {
    let page = Html::parse_document(html);
    let root = page.root_element();
    let mut rows = BTreeMap::new();
    for item in page.select(&css("div.entry-product-details li.item")) {
        let label = first(item, "span.label").expect("each item has a label");
        rows.insert(
            label,
            first(item, "span.value").expect("each item has a value"),
        );
    }
    let mut record = Map::new();
    for (field, label) in [
        ("certificate_id", "Certificate ID"),
        ("family_sku", "Family SKU"),
        ("family_variant_sku", "Family Variant SKU"),
        ("firmware_version", "Firmware Version"),
        ("hardware_version", "Hardware Version"),
        ("software_version", "Software Version"),
        ("family_id", "Family ID"),
        ("specification_version", "Specification Version"),
        ("transport_interface", "Transport Interface"),
    ] {
        record.insert(field.to_owned(), json!(rows.get(label)));
    }
    let hex = |label: &str| {
        let digits = rows.get(label).and_then(|text| text.strip_prefix("0x"));
        json!(digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()))
    };
    let categories = css("main h3 + ul li:not(.item)");
    let document = css("div.entry-product-details span.value a");
    let fields = json!({
        "model": first(root, "h1.entry-title"),
        "manufacturer": first(root, "p.entry-company"),
        "device_type": first(root, "h6.entry-category, p.entry-category"),
        "certification_date": rows.get("Certified Date").map(|text| date(text)),
        "vid": hex("Vendor ID"),
        "pid": hex("Product ID"),
        "primary_device_type_id": hex("Primary Device Type ID"),
        "tis_trp_tested": rows.get("TIS/TRP Tested").map(|text| text == "Yes"),
        "application_categories": page.select(&categories).map(text).collect::<Vec<_>>(),
        "compliance_document_url": page.select(&document).next().and_then(|link| link.attr("href")),
    });
    record.extend(fields.as_object().cloned().unwrap_or_default());
    Json::Object(record)
}

fn date(text: &str) -> String {
    let formats = ["%Y-%m-%d", "%m/%d/%Y"];
    let read = formats
        .iter()
        .find_map(|format| jiff::civil::Date::strptime(format, text).ok());
    read.expect("one of the two formats").to_string()
}
