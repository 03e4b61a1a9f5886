//! Rows with a label: found once a page, however many fields look among them.

use std::{
    cell::{OnceCell, RefCell},
    ops::RangeInclusive,
    rc::Rc,
    sync::Arc,
};

use crate::{
    extract::find::{Card, Index, cleaned},
    site::{compiled::Fallbacks, selector::Selector},
};

/// The rows of one selector below one card.
pub(super) struct Rows {
    at: Vec<usize>,
    labels: Vec<OnceCell<Vec<Label>>>,
}

/// A label as it stands in its row, without the colon.
pub(super) struct Label {
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
}

impl Label {
    /// Whether it is one of those wanted, by exact text or without regard to case.
    pub(super) fn is_one_of(&self, wanted: &[Wanted<'_>]) -> bool {
        wanted.iter().any(|one| {
            one.text == self.text
                || one.folded.get_or_init(|| folded(one.text))
                    == self.folded.get_or_init(|| folded(&self.text))
        })
    }
}

/// A label that a field looks for.
pub(super) struct Wanted<'f> {
    text: &'f str,
    folded: OnceCell<String>,
}

impl<'f> Wanted<'f> {
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

impl Rows {
    /// Each row's element with each of its labels, which are read when they are first asked for.
    pub(super) fn labelled<'s>(
        &'s self,
        index: &'s Index<'_>,
        label: &'s Fallbacks,
    ) -> impl Iterator<Item = (usize, &'s Label)> {
        self.at.iter().zip(&self.labels).flat_map(|(row, known)| {
            let labels = known.get_or_init(|| read(index, label, *row));
            labels.iter().map(|label| (*row, label))
        })
    }
}

/// The labels of a row: those of the first selector whose first match has a text.
fn read(index: &Index<'_>, fallbacks: &Fallbacks, row: usize) -> Vec<Label> {
    let found = texts(index, fallbacks, row);
    let label = |(place, (at, text)): (usize, &(usize, String))| {
        let next = found.get(place + 1).map_or(usize::MAX, |(at, _)| *at);
        // What stands before the first label can only be its own.
        let from = if place == 0 { 0 } else { at + 1 };
        Label {
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
fn texts(index: &Index<'_>, fallbacks: &Fallbacks, card: usize) -> Vec<(usize, String)> {
    for pick in &fallbacks.0 {
        let mut matches = index.pick(Some(card), pick).filter_map(|at| {
            let text = index.take(at, &pick.take, false);
            // Labels are kept, so that each byte counts.
            let text = text.filter(|text| index.meter.work(text.len()));
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
pub(super) struct Known {
    entries: RefCell<Vec<(Place, Rc<Rows>)>>,
}

/// Which rows: their selector, the card, and how their labels are read.
struct Place {
    each: Arc<str>,
    card: Card,
    label: Vec<Arc<str>>,
}

impl Place {
    fn is(&self, each: &Selector, card: Card, label: &Fallbacks) -> bool {
        self.card == card
            && self.each == *each.text()
            && self.label.len() == label.0.len()
            && self.label.iter().zip(&label.0).all(|(a, b)| *a == b.text)
    }
}

/// Entries kept; a rule with many cards reads them card by card.
const KEPT: usize = 8;

impl Known {
    /// The rows of this selector below the card.
    pub(super) fn rows(
        &self,
        index: &Index<'_>,
        card: Card,
        each: &Selector,
        label: &Fallbacks,
    ) -> Rc<Rows> {
        let mut entries = self.entries.borrow_mut();
        let known = entries.iter().rev();
        if let Some((_, rows)) = known
            .into_iter()
            .find(|(place, _)| place.is(each, card, label))
        {
            return Rc::clone(rows);
        }
        let at: Vec<usize> = index.select(card, each).collect();
        let labels = at.iter().map(|_| OnceCell::new()).collect();
        let rows = Rc::new(Rows { at, labels });
        if entries.len() == KEPT {
            entries.remove(0);
        }
        let place = Place {
            each: Arc::clone(each.text()),
            card,
            label: label.0.iter().map(|pick| Arc::clone(&pick.text)).collect(),
        };
        entries.push((place, Rc::clone(&rows)));
        rows
    }
}
