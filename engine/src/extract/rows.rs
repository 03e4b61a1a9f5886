//! Rows with a label: found once a page, however many fields look among them.

use std::{
    cell::{OnceCell, RefCell},
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
    labels: Vec<OnceCell<Option<Label>>>,
}

/// A row's label as it stands there, without the colon.
pub(super) struct Label {
    pub(super) text: String,
    folded: OnceCell<String>,
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
    /// Each row's element, and its label, which is read when it is first asked for.
    pub(super) fn labelled<'s>(
        &'s self,
        index: &'s Index<'_>,
        label: &'s Fallbacks,
    ) -> impl Iterator<Item = (usize, &'s Label)> {
        self.at.iter().zip(&self.labels).filter_map(|(row, known)| {
            let label = known.get_or_init(|| read(index, label, *row));
            Some((*row, label.as_ref()?))
        })
    }
}

fn read(index: &Index<'_>, label: &Fallbacks, row: usize) -> Option<Label> {
    let text = first_text(index, label, row)?;
    Some(Label {
        text: without_colon(&text).to_owned(),
        folded: OnceCell::new(),
    })
}

/// The first text that the selectors yield below the card, cleaned.
pub(super) fn first_text(index: &Index<'_>, fallbacks: &Fallbacks, card: usize) -> Option<String> {
    fallbacks.0.iter().find_map(|pick| {
        let at = index.pick(Some(card), pick).next()?;
        index
            .take(at, &pick.take, false)
            .filter(|text| !text.is_empty())
    })
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
