//! What reading a page has cost and yielded so far, held against its bounds (SPEC N2). It counts
//! work and bytes, never time, so that a page ends the same way on any machine.

use std::cell::Cell;

use crate::{
    extract::{
        bounds::Bounds,
        failure,
        output::{ExtractError, PageInput, Value},
    },
    model::class::ErrorClass,
};

/// Bytes of text that cost as much as a look at one element.
const BYTES_A_STEP: usize = 16;

/// Which bound a page has reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    /// `Bounds::max_steps`.
    Work,
    /// `Bounds::max_output`.
    Output,
}

/// The account of one page.
pub(super) struct Meter {
    bounds: Bounds,
    steps: Cell<u64>,
    kept: Cell<u64>,
    over: Cell<Option<Over>>,
}

impl Meter {
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
    pub(super) const fn hold(&self) -> Held<'_> {
        Held {
            meter: self,
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
pub(super) struct Held<'m> {
    meter: &'m Meter,
    bytes: u64,
}

impl Held<'_> {
    /// Whether so many bytes more could still be stored.
    pub(super) fn admits(&mut self, bytes: usize) -> bool {
        self.bytes = self.bytes.saturating_add(bytes as u64);
        let all = self.meter.kept.get().saturating_add(self.bytes);
        self.meter
            .check(all <= self.meter.bounds.max_output, Over::Output)
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
