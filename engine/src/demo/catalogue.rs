//! The truth: every product the demo holds, made on demand from (seed, index), so that a catalogue
//! of ten million costs no memory.

mod product;

use rustc_hash::FxHashMap;

pub use self::product::Product;
use super::{
    chance::Dice,
    config::{DemoConfig, ITEMS_PER_PAGE},
    names::{DEVICE_KINDS, MODEL_STEMS},
};

/// All products of a demo; products are numbered from 0, the oldest.
#[derive(Debug)]
pub struct Catalogue {
    config: DemoConfig,
    hosts: Vec<String>,
    bases: Vec<Base>,
    base_of_slug: FxHashMap<String, usize>,
}

/// A model name that many products share; their slugs differ by a number.
#[derive(Debug)]
struct Base {
    model: String,
    slug: String,
    kind: usize,
}

impl Catalogue {
    /// The catalogue of this configuration; the same configuration gives the same products.
    #[must_use]
    pub fn new(config: DemoConfig) -> Self {
        let bases = shuffled_bases(config.seed);
        let base_of_slug = bases
            .iter()
            .enumerate()
            .map(|(place, base)| (base.slug.clone(), place))
            .collect();
        Self {
            hosts: config.host_names(),
            config,
            bases,
            base_of_slug,
        }
    }

    /// What it was made of.
    #[must_use]
    pub fn config(&self) -> &DemoConfig {
        &self.config
    }

    /// Names of the virtual hosts, in order; the server answers to them in `Host`.
    #[must_use]
    pub fn hosts(&self) -> &[String] {
        &self.hosts
    }

    /// Products that are there from the start; every crawl must find them.
    #[must_use]
    pub fn len(&self) -> u32 {
        self.config.products
    }

    /// Whether there is none from the start.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.config.products == 0
    }

    /// Products with those that arrive during the crawl, which a crawl may or may not see.
    #[must_use]
    pub fn len_with_arrivals(&self) -> u32 {
        self.config
            .products
            .saturating_add(self.config.new_products)
    }

    /// Whether a product is listed though its page is gone: no crawl can save it.
    #[must_use]
    pub fn is_gone(&self, index: u32) -> bool {
        Dice::new(self.config.seed, "gone")
            .about(u64::from(index))
            .hits(self.config.gone)
    }

    /// Products that are there from the start, oldest first.
    pub fn products(&self) -> impl Iterator<Item = Product> + '_ {
        (0..self.len()).filter_map(|index| self.product(index))
    }

    /// One product, arrivals included.
    #[must_use]
    pub fn product(&self, index: u32) -> Option<Product> {
        if index >= self.len_with_arrivals() {
            return None;
        }
        let (base, ordinal) = self.base_of(index);
        let slug = match ordinal {
            0 => base.slug.clone(),
            _ => format!("{}-{}", base.slug, ordinal + 1),
        };
        let host = &self.hosts[self.host_of(index)];
        let kind = DEVICE_KINDS.get(base.kind)?;
        let url = format!("http://{host}/csa_product/{slug}/");
        Some(Product::made(
            &self.config,
            index,
            &base.model,
            kind,
            slug,
            url,
        ))
    }

    /// The product with this slug.
    #[must_use]
    pub fn index_of_slug(&self, slug: &str) -> Option<u32> {
        let (stem, ordinal) = if self.base_of_slug.contains_key(slug) {
            (slug, 0)
        } else {
            let (stem, digits) = slug.rsplit_once('-')?;
            let number: usize = digits.parse().ok()?;
            if number < 2 || digits.starts_with(['0', '+']) {
                return None;
            }
            (stem, number - 1)
        };
        let place = *self.base_of_slug.get(stem)?;
        let index = ordinal.checked_mul(self.bases.len())?.checked_add(place)?;
        u32::try_from(index)
            .ok()
            .filter(|index| *index < self.len_with_arrivals())
    }

    /// The product whose page this absolute URL is.
    #[must_use]
    pub fn index_of_url(&self, url: &str) -> Option<u32> {
        let (host, path) = url.strip_prefix("http://")?.split_once('/')?;
        let slug = path.strip_prefix("csa_product/")?.strip_suffix('/')?;
        let index = self.index_of_slug(slug)?;
        (self.hosts[self.host_of(index)] == host).then_some(index)
    }

    /// The place of the host that holds this product.
    #[must_use]
    pub fn host_of(&self, index: u32) -> usize {
        index as usize % self.hosts.len()
    }

    /// Products of one host, `arrived` with those that arrive later.
    pub(super) fn count_on(&self, host: usize, arrived: bool) -> u32 {
        let total = if arrived {
            self.len_with_arrivals()
        } else {
            self.len()
        };
        let hosts = self.hosts.len() as u64;
        let count = (u64::from(total) + hosts - 1).saturating_sub(host as u64) / hosts;
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// List pages of one host: at least 1.
    pub(super) fn pages_on(&self, host: usize, arrived: bool) -> u32 {
        self.count_on(host, arrived).div_ceil(ITEMS_PER_PAGE).max(1)
    }

    /// Products on a host's list page (from 1), newest first; empty beyond the last.
    pub(super) fn on_page(&self, host: usize, page: u32, arrived: bool) -> Vec<u32> {
        let count = u64::from(self.count_on(host, arrived));
        let first = u64::from(page.saturating_sub(1)) * u64::from(ITEMS_PER_PAGE);
        (first..count.min(first + u64::from(ITEMS_PER_PAGE)))
            .filter_map(|rank| {
                let local = count - 1 - rank;
                u32::try_from(local * self.hosts.len() as u64 + host as u64).ok()
            })
            .collect()
    }

    fn base_of(&self, index: u32) -> (&Base, usize) {
        let index = index as usize;
        (
            &self.bases[index % self.bases.len()],
            index / self.bases.len(),
        )
    }
}

/// Every stem with every noun, in an order that the seed fixes.
fn shuffled_bases(seed: u64) -> Vec<Base> {
    let mut bases = Vec::with_capacity(MODEL_STEMS.len() * DEVICE_KINDS.len());
    for stem in MODEL_STEMS {
        for (kind, device) in DEVICE_KINDS.iter().enumerate() {
            let model = format!("{stem} {}", device.noun);
            let slug = slug_of(&model);
            bases.push(Base { model, slug, kind });
        }
    }
    let dice = Dice::new(seed, "order of models");
    for place in (1..bases.len()).rev() {
        bases.swap(place, dice.about(place as u64).below(place + 1));
    }
    bases
}

/// Lower case, letters without accents, everything else one hyphen.
fn slug_of(name: &str) -> String {
    let mut slug = String::with_capacity(name.len());
    for letter in name.chars() {
        match letter {
            'é' => slug.push('e'),
            letter if letter.is_ascii_alphanumeric() => slug.push(letter.to_ascii_lowercase()),
            _ if slug.is_empty() || slug.ends_with('-') => {}
            _ => slug.push('-'),
        }
    }
    slug.truncate(slug.trim_end_matches('-').len());
    slug
}

#[cfg(test)]
mod tests;
