//! What one page may cost and yield (SPEC N2).

use crate::settings::{BoundSettings, Settings};

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
        Self::from(&Settings::default().bounds)
    }
}
