//! What one page may cost and yield (SPEC N2).

use serde::{Deserialize, Serialize};
/// Bounds of the crawl (SPEC N2).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BoundSettings {
    /// Links away from a start URL.
    pub max_depth: u32,
    /// Characters of a URL.
    pub max_url: u32,
    /// Path segments of a URL.
    pub max_segments: u32,
    /// Times one segment may stand in a path.
    pub max_repeats: u32,
    /// Links of one page.
    pub max_links: u32,
    /// Bytes of records, links and what they carry that one page may yield, as stored.
    pub max_output: u64,
    /// Pages that a run of a session asks for before it stops. None: no bound.
    pub max_pages: Option<u64>,
    /// Bytes that a run of a session receives before it stops; what is in flight then still
    /// comes. None: no bound.
    pub max_bytes: Option<u64>,
    /// Minutes that a run of a session takes before it stops. None: no bound.
    pub max_minutes: Option<u64>,
}

impl Default for BoundSettings {
    fn default() -> Self {
        Self {
            max_depth: 100_000,
            max_url: 8_192,
            max_segments: 32,
            max_repeats: 4,
            max_links: 100_000,
            max_output: 16 << 20,
            max_pages: None,
            max_bytes: None,
            max_minutes: None,
        }
    }
}

/// Bounds of one page. All are counts, so that they cut at the same place on any machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Links away from a start URL; a page at this depth gives no links.
    pub max_depth: u32,
    /// Characters of a URL.
    pub max_url: u32,
    /// Path segments of a URL.
    pub max_segments: u32,
    /// Times one segment may stand in a path.
    pub max_repeats: u32,
    /// Links of one page, pagination included.
    pub max_links: u32,
    /// Ancestors of an element; browsers stop at 512 too.
    pub max_nesting: u32,
    /// Elements of a page: 250,000 take about 62 MiB.
    pub max_elements: u32,
    /// Attributes of one element: the tokenizer compares each with all others.
    pub max_attributes: u32,
    /// Elements that selectors may look at, over all rules and cards, and what costs like them:
    /// 16 bytes of text taken, one value of JSON.
    pub max_steps: u64,
    /// Bytes of records, links and what they carry, as stored.
    pub max_output: u64,
}

impl From<&BoundSettings> for Bounds {
    fn from(settings: &BoundSettings) -> Self {
        Self {
            max_depth: settings.max_depth,
            max_url: settings.max_url,
            max_segments: settings.max_segments,
            max_repeats: settings.max_repeats,
            max_links: settings.max_links,
            max_nesting: 512,
            max_elements: 250_000,
            max_attributes: 5_000,
            max_steps: 100_000_000,
            max_output: settings.max_output,
        }
    }
}

impl Default for Bounds {
    fn default() -> Self {
        Self::from(&BoundSettings::default())
    }
}
