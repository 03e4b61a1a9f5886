//! What one page may cost and yield (SPEC N2): the bounds, and the budget that a page spends. It
//! counts work and bytes, never time, so that a page ends the same way on any machine.

use std::cell::Cell;

use serde::{Deserialize, Serialize};

use crate::{
    extract::{
        failure,
        output::{ExtractError, PageInput, Value},
    },
    model::class::ErrorClass,
};

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

/// Bytes of text that cost as much as a look at one element.
const BYTES_A_STEP: usize = 16;

/// Which bound a page has reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    /// More steps than `Bounds::max_steps`.
    Work,
    /// More bytes than `Bounds::max_output`.
    Output,
}

/// The account of one page.
pub(super) struct PageBudget {
    bounds: Bounds,
    steps: Cell<u64>,
    kept: Cell<u64>,
    over: Cell<Option<Over>>,
}

impl PageBudget {
    pub(super) const fn new(bounds: &Bounds) -> Self {
        Self {
            bounds: *bounds,
            steps: Cell::new(0),
            kept: Cell::new(0),
            over: Cell::new(None),
        }
    }

    /// What to do with a page that has reached a bound.
    ///
    /// # Errors
    /// It has: `TooLarge`, and nothing of it counts.
    pub(super) fn result(&self, page: &PageInput<'_>) -> Result<(), ExtractError> {
        let message = match self.over.get() {
            None => return Ok(()),
            Some(Over::Work) => {
                "reading this page takes more work than one page may cost (too many matches, one inside the other, or too much text in them); narrow the selectors of `each` and `rows`".to_owned()
            }
            Some(Over::Output) => format!(
                "records, links and what they carry would be more than the {} bytes that one page may yield (`bounds.max_output`); narrow the selectors, or raise it",
                self.bounds.max_output
            ),
        };
        Err(failure(ErrorClass::TooLarge, &message, page))
    }

    /// The page is read anew.
    pub(super) fn reset(&self) {
        self.steps.set(0);
        self.kept.set(0);
        self.over.set(None);
    }

    /// The bound that was reached; what was found since is not complete.
    pub(super) fn over(&self) -> Option<Over> {
        self.over.get()
    }

    /// Bytes that are to be stored.
    pub(super) fn kept(&self) -> u64 {
        self.kept.get()
    }

    /// Counts steps; false if there are no more of them.
    pub(super) fn work(&self, steps: usize) -> bool {
        let steps = self.steps.get().saturating_add(steps as u64);
        self.steps.set(steps);
        self.check(steps <= self.bounds.max_steps, Over::Work)
    }

    /// Counts a text that is gone through.
    pub(super) fn scan(&self, bytes: usize) -> bool {
        self.work(bytes / BYTES_A_STEP)
    }

    /// Counts bytes that are to be stored; false if they are too many.
    pub(super) fn keep(&self, bytes: usize) -> bool {
        let kept = self.kept.get().saturating_add(bytes as u64);
        self.kept.set(kept);
        self.check(kept <= self.bounds.max_output, Over::Output)
    }

    /// What was kept since is not stored after all.
    pub(super) fn give_back_to(&self, kept: u64) {
        self.kept.set(kept);
    }

    /// Bytes that are held before it is known what is kept of them.
    pub(super) const fn reserve(&self) -> Reserve<'_> {
        Reserve {
            budget: self,
            bytes: 0,
        }
    }

    fn check(&self, fits: bool, over: Over) -> bool {
        if !fits && self.over.get().is_none() {
            self.over.set(Some(over));
        }
        self.over.get().is_none()
    }
}

/// Values that become one: no more of them than could be stored.
pub(super) struct Reserve<'m> {
    budget: &'m PageBudget,
    bytes: u64,
}

impl Reserve<'_> {
    /// Whether so many bytes more could still be stored.
    pub(super) fn admits(&mut self, bytes: usize) -> bool {
        self.bytes = self.bytes.saturating_add(bytes as u64);
        let all = self.budget.kept.get().saturating_add(self.bytes);
        self.budget
            .check(all <= self.budget.bounds.max_output, Over::Output)
    }
}

/// Bytes of a value as it is stored.
pub(super) fn stored(value: &Value) -> usize {
    match value {
        Value::Null => 0,
        Value::Text(text) | Value::Decimal(text) | Value::Written(text) => text.len(),
        Value::Integer(_) => 8,
        Value::Boolean(_) => 1,
        Value::Json(json) => written(json),
        Value::Shared(value) => stored(value),
    }
}

/// Bytes of a JSON text.
pub(super) fn written(json: &impl serde::Serialize) -> usize {
    struct Count(usize);
    impl std::io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    serde_json::to_writer(&mut count, json).expect("maps of JSON have text keys");
    count.0
}
