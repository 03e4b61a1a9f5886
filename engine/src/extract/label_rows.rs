//! Rows with a label: found once a page, however many fields look among them.

use std::{
    cell::{OnceCell, RefCell},
    ops::RangeInclusive,
    rc::Rc,
    sync::Arc,
};

use crate::{
    extract::select::{Card, ElementIndex, cleaned},
    site::{compiled::Fallbacks, selector::Selector},
};

/// The rows of one selector below one card.
pub(super) struct LabelRows {
    rows: Vec<Row>,
}

struct Row {
    at: usize,
    end: usize,
    /// The row that this one stands in, by its place.
    outer: Option<usize>,
    own: OnceCell<Vec<Label>>,
    nested: OnceCell<Vec<Label>>,
}

/// Which labels of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LabelPlace {
    /// Those in the row itself.
    Own,
    /// Those of rows and tables that are nested in it.
    Nested,
}

/// A label as it stands in its row, without the colon.
pub(super) struct Label {
    at: usize,
    pub(super) text: String,
    folded: OnceCell<String>,
    /// Where its values stand, if its row has several labels (`dt dd dt dd`): after it, up to the
    /// next label.
    values: Option<RangeInclusive<usize>>,
    is_first: bool,
}

impl Label {
    /// Whether a value that stands there is this label's.
    pub(super) fn owns(&self, value: usize) -> bool {
        self.values
            .as_ref()
            .is_none_or(|range| range.contains(&value))
    }

    /// Whether its whole row is looked through where it has no value of its own: labels that follow
    /// one another share the next value.
    pub(super) const fn may_look_further(&self) -> bool {
        self.is_first && self.values.is_some()
    }

    /// Whether it is one of those wanted, by exact text or without regard to case.
    pub(super) fn is_one_of(&self, wanted: &[WantedLabel<'_>]) -> bool {
        wanted.iter().any(|one| {
            one.text == self.text
                || one.folded.get_or_init(|| folded(one.text))
                    == self.folded.get_or_init(|| folded(&self.text))
        })
    }
}

/// A label that a field looks for.
pub(super) struct WantedLabel<'f> {
    text: &'f str,
    folded: OnceCell<String>,
}

impl<'f> WantedLabel<'f> {
    pub(super) fn new(text: &'f str) -> Self {
        Self {
            text: without_colon(text.trim()),
            folded: OnceCell::new(),
        }
    }
}

fn folded(text: &str) -> String {
    cleaned(text).to_lowercase()
}

/// Labels are often written with a colon, and mean the same without.
fn without_colon(label: &str) -> &str {
    label.trim_end_matches([':', '\u{ff1a}']).trim_end()
}

impl LabelRows {
    fn new(index: &ElementIndex<'_>, found: impl Iterator<Item = usize>) -> Self {
        let mut rows: Vec<Row> = Vec::new();
        let mut open: Vec<usize> = Vec::new();
        for at in found {
            while open.last().is_some_and(|last| rows[*last].end <= at) {
                open.pop();
            }
            let outer = open.last().copied();
            open.push(rows.len());
            rows.push(Row {
                at,
                end: index.end(at),
                outer,
                own: OnceCell::new(),
                nested: OnceCell::new(),
            });
        }
        Self { rows }
    }

    /// Each row's element with each of its labels, which are read when they are first asked for.
    pub(super) fn labelled<'s>(
        &'s self,
        index: &'s ElementIndex<'_>,
        label: &'s Fallbacks,
        whose: LabelPlace,
    ) -> impl Iterator<Item = (usize, &'s Label)> {
        self.rows.iter().enumerate().flat_map(move |(place, row)| {
            let own = row.own.get_or_init(|| self.read_own(index, label, place));
            let labels = match whose {
                LabelPlace::Own => own,
                LabelPlace::Nested => row.nested.get_or_init(|| {
                    let mut all = read(index, label, row.at, |_| true);
                    all.retain(|label| !self.is_own(index, place, label.at));
                    all
                }),
            };
            labels.iter().map(|label| (row.at, label))
        })
    }

    /// The element of the row that the label itself stands in.
    pub(super) fn row_of(&self, label: &Label) -> Option<usize> {
        self.innermost(label.at).map(|place| self.rows[place].at)
    }

    fn read_own(&self, index: &ElementIndex<'_>, label: &Fallbacks, place: usize) -> Vec<Label> {
        let row = &self.rows[place];
        let mut all_are_own = true;
        let own = read(index, label, row.at, |at| {
            let is_own = self.is_own(index, place, at);
            all_are_own &= is_own;
            is_own
        });
        if all_are_own {
            row.nested.set(Vec::new()).ok();
        }
        own
    }

    fn is_own(&self, index: &ElementIndex<'_>, place: usize, label: usize) -> bool {
        self.innermost(label) == Some(place)
            && !index.is_in_table_within(self.rows[place].at, label)
    }

    fn innermost(&self, element: usize) -> Option<usize> {
        let after = self.rows.partition_point(|row| row.at <= element);
        let mut place = after.checked_sub(1)?;
        while self.rows[place].end <= element {
            place = self.rows[place].outer?;
        }
        Some(place)
    }
}

/// The labels of a row that count: those of the first selector whose first match has a text.
fn read(
    index: &ElementIndex<'_>,
    fallbacks: &Fallbacks,
    row: usize,
    counts: impl FnMut(usize) -> bool,
) -> Vec<Label> {
    let found = texts(index, fallbacks, row, counts);
    let label = |(place, (at, text)): (usize, &(usize, String))| {
        let next = found.get(place + 1).map_or(usize::MAX, |(at, _)| *at);
        // What stands before the first label can only be its own.
        let from = if place == 0 { 0 } else { at + 1 };
        Label {
            at: *at,
            text: without_colon(text).to_owned(),
            folded: OnceCell::new(),
            values: (found.len() > 1).then_some(from..=next),
            is_first: place == 0,
        }
    };
    found.iter().enumerate().map(label).collect()
}

/// The texts that the first fruitful selector yields below the card, cleaned, each with its
/// element.
fn texts(
    index: &ElementIndex<'_>,
    fallbacks: &Fallbacks,
    card: usize,
    mut counts: impl FnMut(usize) -> bool,
) -> Vec<(usize, String)> {
    for pick in &fallbacks.0 {
        let matches = index.pick(Some(card), pick).filter(|at| counts(*at));
        let mut matches = matches.filter_map(|at| {
            let text = index.take(at, &pick.take, false);
            // Labels are kept, so that each byte counts.
            let text = text.filter(|text| index.budget.work(text.len()));
            text.map(|text| (at, text))
        });
        let Some(first) = matches.next().filter(|(_, text)| !text.is_empty()) else {
            continue;
        };
        let more = matches.filter(|(_, text)| !without_colon(text).is_empty());
        return std::iter::once(first).chain(more).collect();
    }
    Vec::new()
}

/// What was found so far on a page. The fields of a rule ask with the same selectors, one after
/// the other, so that few entries are kept and looked through from the last.
#[derive(Default)]
pub(super) struct RowCache {
    entries: RefCell<Vec<(RowKey, Rc<LabelRows>)>>,
}

/// Which rows: their selector, the card, and how their labels are read.
struct RowKey {
    each: Arc<str>,
    card: Card,
    label: Vec<Arc<str>>,
}

impl RowKey {
    fn is(&self, each: &Selector, card: Card, label: &Fallbacks) -> bool {
        self.card == card
            && self.each == *each.text()
            && self.label.len() == label.0.len()
            && self.label.iter().zip(&label.0).all(|(a, b)| *a == b.text)
    }
}

/// Entries kept; a rule with many cards reads them card by card.
const KEPT: usize = 8;

impl RowCache {
    /// The rows of this selector below the card.
    pub(super) fn rows(
        &self,
        index: &ElementIndex<'_>,
        card: Card,
        each: &Selector,
        label: &Fallbacks,
    ) -> Rc<LabelRows> {
        let mut entries = self.entries.borrow_mut();
        let known = entries.iter().rev();
        if let Some((_, rows)) = known
            .into_iter()
            .find(|(place, _)| place.is(each, card, label))
        {
            return Rc::clone(rows);
        }
        let rows = Rc::new(LabelRows::new(index, index.select(card, each)));
        if entries.len() == KEPT {
            entries.remove(0);
        }
        let place = RowKey {
            each: Arc::clone(each.text()),
            card,
            label: label.0.iter().map(|pick| Arc::clone(&pick.text)).collect(),
        };
        entries.push((place, Rc::clone(&rows)));
        rows
    }
}
