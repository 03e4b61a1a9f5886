//! What the demo is like: size, seed and misbehaviour, kept with a session so that `resume` can
//! start the same demo again.

use serde::{Deserialize, Serialize};

/// Cards of a full list page.
pub const ITEMS_PER_PAGE: u32 = 12;

/// Requests in a row that one URL may answer badly; the next one is answered well, so that every
/// product can be reached with this many retries.
pub const BAD_IN_A_ROW: u32 = 3;

/// How a demo's misbehaviour is spread over time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Script {
    /// The same at all times.
    #[default]
    Even,
    /// In acts, as `demo::story` has them.
    Story,
}

/// A demo: the same value gives the same catalogue and the same answer to the nth request of a URL.
/// Rates are shares from 0 to 1 of the requests they speak of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "snake_case", deny_unknown_fields)]
pub struct DemoConfig {
    /// Products in the catalogue when the server starts, over all hosts.
    pub products: u32,
    /// Fixes the catalogue and all chance.
    pub seed: u64,
    /// Median milliseconds before a detail page is answered; a list page takes three times as long.
    pub latency_ms: u64,
    /// Requests that fail: 503, 500, 502, a reset connection, a body cut in the middle.
    pub error_rate: f64,
    /// Requests a second that one host answers; what is above gets 429 with Retry-After.
    pub rate_limit: Option<f64>,
    /// List pages that come with fewer cards than they have; the retry has them all.
    pub short_pages: f64,
    /// List pages on which one card stands twice and another is missing; the retry is whole.
    pub repeated_cards: f64,
    /// The page count shrinks for a while, and the pages beyond it hold no product.
    pub shrink: bool,
    /// Cards of a page change their order from request to request.
    pub reorder: bool,
    /// List pages whose last card is the first of the next page: the product that belongs there is
    /// on no page meanwhile. A crawl that reads each page once misses it, so the default is 0.
    pub drift: f64,
    /// List pages whose pagination marks another page as the current one.
    pub wrong_active: f64,
    /// Products that are listed, and whose page answers 404: a crawl makes dead letters of them.
    pub gone: f64,
    /// Products that arrive after the first list page was read and shift all pages.
    pub new_products: u32,
    /// Virtual hosts; the products are dealt out to them in turn.
    pub hosts: u32,
    /// So many of the hosts, from the last, are ten times as slow.
    pub slow_hosts: u32,
    /// Answers are compressed for clients that accept gzip.
    pub gzip: bool,
    /// Whether misbehaviour comes in acts.
    pub script: Script,
}

impl Default for DemoConfig {
    fn default() -> Self {
        Self {
            products: 1_200,
            seed: 1,
            latency_ms: 40,
            error_rate: 0.02,
            rate_limit: None,
            short_pages: 0.03,
            repeated_cards: 0.01,
            shrink: true,
            reorder: true,
            drift: 0.0,
            wrong_active: 0.03,
            gone: 0.0,
            new_products: 3,
            hosts: 1,
            slow_hosts: 0,
            gzip: false,
            script: Script::Even,
        }
    }
}

impl DemoConfig {
    /// A demo that never misbehaves and answers at once.
    #[must_use]
    pub fn well_behaved(products: u32, seed: u64) -> Self {
        Self {
            products,
            seed,
            latency_ms: 0,
            error_rate: 0.0,
            short_pages: 0.0,
            repeated_cards: 0.0,
            shrink: false,
            reorder: false,
            wrong_active: 0.0,
            new_products: 0,
            ..Self::default()
        }
    }

    /// The names of the virtual hosts; there is always at least one.
    #[must_use]
    pub fn host_names(&self) -> Vec<String> {
        (1..=self.hosts.max(1))
            .map(|number| match number {
                1 => "catalogue.demo.test".to_owned(),
                _ => format!("catalogue-{number}.demo.test"),
            })
            .collect()
    }

    /// What is wrong with it, for a person who gave it by flags.
    ///
    /// # Errors
    /// Names the first value out of its range.
    pub fn check(&self) -> Result<(), String> {
        let shares = [
            ("error_rate", self.error_rate),
            ("short_pages", self.short_pages),
            ("repeated_cards", self.repeated_cards),
            ("drift", self.drift),
            ("wrong_active", self.wrong_active),
            ("gone", self.gone),
        ];
        for (name, share) in shares {
            if !(0.0..=1.0).contains(&share) {
                return Err(format!(
                    "the demo's {name} is {share}; give a share from 0 to 1, such as 0.02"
                ));
            }
        }
        if self
            .rate_limit
            .is_some_and(|rate| !(rate.is_finite() && rate > 0.0))
        {
            return Err("the demo's rate_limit must be more than 0 requests a second".to_owned());
        }
        if self.products == 0 {
            return Err("the demo has 0 products; give 1 or more".to_owned());
        }
        if self.hosts == 0 || self.hosts > 10_000 {
            return Err(format!(
                "the demo has {} hosts; give 1 to 10000",
                self.hosts
            ));
        }
        Ok(())
    }
}
