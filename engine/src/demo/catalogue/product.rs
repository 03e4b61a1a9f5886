//! One product: all its fields, and the record that a correct crawl saves for it.

use jiff::{ToSpan as _, civil::Date};
use serde_json::{Map, Value as Json, json};

use crate::demo::{
    chance::Dice,
    config::DemoConfig,
    names::{COMPANY_ENDS, COMPANY_STEMS, DeviceKind, SPECIFICATIONS, TRANSPORTS},
};

/// A product as its pages show it; `None` is left out on the page.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "most names are those of its page's rows")]
pub struct Product {
    /// Its number, from 0, the oldest.
    pub index: u32,
    /// The last segment of its path.
    pub slug: String,
    /// Its page's absolute URL.
    pub url: String,
    /// Model; several products share one.
    pub model: String,
    pub manufacturer: String,
    /// Name of the device type.
    pub device_type: String,
    /// Certificate, missing on a few products.
    pub certificate_id: Option<String>,
    /// Whether its card shows the certificate.
    pub certificate_on_card: bool,
    /// Absolute URL of the certificate's document, where there is a certificate.
    pub compliance_document_url: Option<String>,
    /// The day of its certification, as its page shows it.
    pub certified: Date,
    /// Vendor, shown as hex.
    pub vendor_id: u32,
    /// Product, shown as hex.
    pub product_id: u32,
    pub family_sku: Option<String>,
    pub family_variant_sku: Option<String>,
    pub firmware_version: Option<String>,
    pub hardware_version: String,
    pub software_version: String,
    /// Family, missing on some.
    pub family_id: Option<String>,
    pub tis_trp_tested: bool,
    pub specification_version: &'static str,
    pub transport_interface: &'static str,
    /// Primary device type, shown as hex.
    pub primary_device_type_id: u32,
    /// Application categories; some have none.
    pub application_categories: &'static [&'static str],
}

impl Product {
    pub(super) fn made(
        config: &DemoConfig,
        index: u32,
        model: &str,
        kind: &DeviceKind,
        slug: String,
        url: String,
    ) -> Self {
        let chance = Chance {
            seed: config.seed,
            index,
        };
        let stem = chance.of("company").below(COMPANY_STEMS.len());
        let end = chance.of("company end").below(COMPANY_ENDS.len());
        let certified = certified_on(config, index);
        let certificate_id = chance.keep(0.97, "certificate", || {
            let (year, number) = (certified.year() % 100, 40_000 + u64::from(index));
            let laboratory = chance.part("laboratory", 4_096);
            format!("CSA{year:02}{laboratory:03X}MAT{number}-{year:02}")
        });
        let root = url.split("/csa_product/").next().unwrap_or_default();
        let document = |id| format!("{root}/wp-content/uploads/certificates/{id}.pdf");
        let sku = format!("{}-{index:05}", initials(model));
        Self {
            index,
            compliance_document_url: certificate_id.as_ref().map(document),
            certificate_on_card: certificate_id.is_some() && !chance.of("bare card").hits(0.04),
            certificate_id,
            slug,
            url,
            model: model.to_owned(),
            manufacturer: format!("{} {}", COMPANY_STEMS[stem], COMPANY_ENDS[end]),
            device_type: kind.name.to_owned(),
            certified,
            vendor_id: 0xe000 + u32::try_from(stem * COMPANY_ENDS.len() + end).unwrap_or(0),
            product_id: 1 + u32::try_from(chance.part("product id", 0xfffe)).unwrap_or(0),
            family_variant_sku: chance.keep(0.7, "variant", || {
                let variants = ["EU", "US", "UK", "A&B"];
                format!("{sku}/{}", variants[chance.part("region", variants.len())])
            }),
            family_sku: chance.keep(0.9, "sku", || sku),
            firmware_version: chance.keep(0.85, "firmware", || chance.version()),
            hardware_version: format!("V{}.{}", 1 + index % 4, chance.part("hardware", 10)),
            software_version: format!("{}_V{:03}", initials(model), chance.part("software", 1_000)),
            family_id: chance.keep(0.8, "family", || format!("FAM{}", 200_000 + index / 3)),
            tis_trp_tested: chance.of("tested").hits(0.25),
            specification_version: SPECIFICATIONS[chance.part("spec", SPECIFICATIONS.len())],
            transport_interface: TRANSPORTS[chance.part("transport", TRANSPORTS.len())],
            primary_device_type_id: kind.id,
            application_categories: kind.categories,
        }
    }

    /// The fields of the record that a correct crawl with the shipped site file saves; fields
    /// that depend on the moment (`list_page`, `list_position`) are not among them.
    #[must_use]
    pub fn record(&self) -> Map<String, Json> {
        let card_certificate = self
            .certificate_id
            .as_ref()
            .filter(|_| self.certificate_on_card);
        let Json::Object(record) = json!({
            "model": self.model,
            "manufacturer": self.manufacturer,
            "device_type": self.device_type,
            "certificate_id": self.certificate_id,
            "certification_date": self.certified.to_string(),
            "vid": self.vendor_id,
            "pid": self.product_id,
            "family_sku": self.family_sku,
            "family_variant_sku": self.family_variant_sku,
            "firmware_version": self.firmware_version,
            "hardware_version": self.hardware_version,
            "software_version": self.software_version,
            "family_id": self.family_id,
            "tis_trp_tested": self.tis_trp_tested,
            "specification_version": self.specification_version,
            "transport_interface": self.transport_interface,
            "primary_device_type_id": self.primary_device_type_id,
            "application_categories": self.application_categories,
            "compliance_document_url": self.compliance_document_url,
            "list_manufacturer": self.manufacturer,
            "list_model": self.model,
            "list_certificate_id": card_certificate,
        }) else {
            return Map::new();
        };
        record
    }
}

/// All dice about one product.
#[derive(Clone, Copy)]
struct Chance {
    seed: u64,
    index: u32,
}

impl Chance {
    fn of(self, purpose: &str) -> Dice {
        Dice::new(self.seed, purpose).about(u64::from(self.index))
    }

    fn part(self, purpose: &str, sides: usize) -> usize {
        self.of(purpose).below(sides)
    }

    fn keep(self, share: f64, purpose: &str, text: impl FnOnce() -> String) -> Option<String> {
        self.of(purpose).hits(share).then(text)
    }

    fn version(self) -> String {
        let [major, minor, patch] = [("major", 5), ("minor", 20), ("patch", 300)]
            .map(|(part, sides)| self.part(part, sides));
        format!("{major}.{minor}.{patch}")
    }
}

/// Dates rise with the index over about three years.
fn certified_on(config: &DemoConfig, index: u32) -> Date {
    let total = i64::from(config.products.max(1)) + i64::from(config.new_products);
    let day = i64::from(index) * 1_100 / total;
    let first = Date::constant(2022, 10, 4);
    first.checked_add(day.days()).unwrap_or(first)
}

fn initials(model: &str) -> String {
    model
        .split_whitespace()
        .filter_map(|word| word.chars().find(char::is_ascii_alphanumeric))
        .collect::<String>()
        .to_ascii_uppercase()
}
