//! Holds the rows of a finished crawl against the truth.

use std::fmt;

use serde_json::{Map, Value as Json};

use super::catalogue::Catalogue;

/// So many findings of each kind are named.
const NAMED: usize = 5;

/// What the comparison found; shown as one line, `Display`, or by its parts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verification {
    /// Products that must be there.
    pub expected: u32,
    /// Of these, so many were saved exactly once with every field equal.
    pub right: u32,
    /// Of the products that arrived during the crawl, so many were saved rightly.
    pub arrivals: u32,
    /// Products that were not saved.
    pub missing: Findings,
    /// Products that were saved more than once.
    pub doubled: Findings,
    /// Products with a wrong field.
    pub wrong: Findings,
    /// Rows that are no product of the demo.
    pub extra: Findings,
}

/// A count, and the first few by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    /// How many rows or products are so.
    pub count: u64,
    /// The first ones: URL, and what is wrong with it.
    pub first: Vec<String>,
}

impl Findings {
    fn add(&mut self, what: impl FnOnce() -> String) {
        self.count += 1;
        if self.first.len() < NAMED {
            self.first.push(what());
        }
    }
}

impl Verification {
    /// Every product was saved exactly once with every field equal, and nothing else was.
    #[must_use]
    pub fn is_right(&self) -> bool {
        self.faults()
            .iter()
            .all(|(_, findings)| findings.count == 0)
    }

    fn faults(&self) -> [(&'static str, &Findings); 4] {
        [
            ("missing", &self.missing),
            ("saved twice", &self.doubled),
            ("wrong", &self.wrong),
            ("unknown", &self.extra),
        ]
    }

    /// The findings that are named, one a line; empty where all is right.
    pub fn details(&self) -> impl Iterator<Item = String> + '_ {
        self.faults().into_iter().flat_map(|(what, findings)| {
            findings
                .first
                .iter()
                .map(move |first| format!("{what}: {first}"))
        })
    }
}

impl fmt::Display for Verification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_right() {
            write!(
                f,
                "verified: every one of {} products was saved exactly once, with every field right",
                self.expected
            )?;
        } else {
            write!(
                f,
                "NOT verified: {} of {} products are right",
                self.right, self.expected
            )?;
            for (what, findings) in self.faults() {
                if findings.count > 0 {
                    write!(f, ", {} {what}", findings.count)?;
                }
            }
            if let Some(first) = self.details().next() {
                write!(f, "; {first}")?;
            }
        }
        if self.arrivals > 0 {
            write!(f, " (and {} that arrived meanwhile)", self.arrivals)?;
        }
        Ok(())
    }
}

/// Compares the rows of record kind `product`, as `crawlfield export` gives them, with the truth.
/// A product that arrived during the crawl may be there or not; one whose page is gone cannot be; all
/// others must be.
pub fn verify(truth: &Catalogue, rows: impl Iterator<Item = Json>) -> Verification {
    let mut verdict = Verification::default();
    let mut seen = vec![false; truth.len_with_arrivals() as usize];
    for row in rows {
        let url = row
            .get("_url")
            .and_then(Json::as_str)
            .unwrap_or("a row without _url");
        let found = truth
            .index_of_url(url)
            .filter(|index| !truth.is_gone(*index))
            .and_then(|index| truth.product(index));
        let Some(product) = found else {
            verdict.extra.add(|| url.to_owned());
            continue;
        };
        if std::mem::replace(&mut seen[product.index as usize], true) {
            verdict.doubled.add(|| url.to_owned());
            continue;
        }
        match first_difference(&product.record(), &row) {
            Some(difference) => verdict.wrong.add(|| format!("{url}: {difference}")),
            None if product.index < truth.len() => verdict.right += 1,
            None => verdict.arrivals += 1,
        }
    }
    let required = seen.iter().take(truth.len() as usize);
    for (index, seen) in (0..).zip(required) {
        if truth.is_gone(index) {
            continue;
        }
        verdict.expected += 1;
        if *seen {
            continue;
        }
        let url = || {
            truth
                .product(index)
                .map_or_else(String::new, |product| product.url)
        };
        verdict.missing.add(url);
    }
    // A product saved twice is not right, though its first row was.
    verdict.right = verdict
        .right
        .saturating_sub(u32::try_from(verdict.doubled.count).unwrap_or(u32::MAX));
    verdict
}

fn first_difference(expected: &Map<String, Json>, row: &Json) -> Option<String> {
    expected.iter().find_map(|(field, expected)| {
        let got = row.get(field).unwrap_or(&Json::Null);
        (!is_same(expected, got)).then(|| format!("{field} is {got}, expected {expected}"))
    })
}

/// Equal, where an empty list may be absent and SQLite keeps lists as JSON text.
fn is_same(expected: &Json, got: &Json) -> bool {
    match (expected, got) {
        (Json::Array(list), Json::Null) => list.is_empty(),
        (Json::Array(_), Json::String(text)) => {
            serde_json::from_str::<Json>(text).is_ok_and(|list| list == *expected)
        }
        _ => expected == got,
    }
}

#[cfg(test)]
mod tests;
