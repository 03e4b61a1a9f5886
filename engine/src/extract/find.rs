//! The elements of a page in document order, and selectors over them.

use std::cell::Cell;

use scraper::{ElementRef, Html, Selector, selector::ToCss};

use crate::{
    extract::{bounds::Bounds, key::Key},
    site::compiled::{Pick, Take},
};

/// Ranges longer than this use scraper's caches for pseudo-classes that count siblings.
const CACHED_FROM: usize = 1_000;

/// Where a selector looks: the whole page, or below one element.
pub(super) type Card = Option<usize>;

/// All elements in document order; the descendants of one are the ones that follow it.
#[derive(Default)]
pub(super) struct Index<'h> {
    elements: Vec<ElementRef<'h>>,
    /// One past the last descendant of each element.
    ends: Vec<usize>,
    most_children: u64,
    steps_left: Cell<u64>,
    exhausted: Cell<bool>,
}

impl<'h> Index<'h> {
    pub(super) fn new(html: &'h Html, bounds: &Bounds) -> Self {
        let mut index = Self {
            steps_left: Cell::new(bounds.max_steps),
            ..Self::default()
        };
        let mut open: Vec<(usize, u64)> = Vec::new();
        let root = html.tree.root();
        let mut at = root.first_child();
        while let Some(node) = at {
            let is_element = if let Some(element) = ElementRef::wrap(node) {
                if let Some((_, children)) = open.last_mut() {
                    *children += 1;
                    index.most_children = index.most_children.max(*children);
                }
                open.push((index.elements.len(), 0));
                index.elements.push(element);
                index.ends.push(0);
                true
            } else {
                false
            };
            if let Some(child) = node.first_child() {
                at = Some(child);
                continue;
            }
            if is_element {
                index.close(&mut open);
            }
            let mut up = node;
            at = loop {
                if let Some(next) = up.next_sibling() {
                    break Some(next);
                }
                let Some(parent) = up.parent().filter(|parent| parent.id() != root.id()) else {
                    break None;
                };
                if parent.value().is_element() {
                    index.close(&mut open);
                }
                up = parent;
            };
        }
        index
    }

    fn close(&mut self, open: &mut Vec<(usize, u64)>) {
        if let Some((element, _)) = open.pop() {
            self.ends[element] = self.elements.len();
        }
    }

    /// The number of elements.
    pub(super) fn len(&self) -> usize {
        self.elements.len()
    }

    pub(super) fn element(&self, at: usize) -> ElementRef<'h> {
        self.elements[at]
    }

    /// Whether selectors have looked at more elements than the bounds allow; what they found
    /// since is not complete.
    pub(super) fn is_exhausted(&self) -> bool {
        self.exhausted.get()
    }

    /// The elements below the card that match, in document order.
    pub(super) fn select<'s>(
        &'s self,
        card: Card,
        selector: &'s Selector,
        key: Key<'s>,
    ) -> Box<dyn Iterator<Item = usize> + 's> {
        let range = card.map_or(0..self.elements.len(), |at| at + 1..self.ends[at]);
        if !self.pay(range.clone(), key) {
            return Box::new(std::iter::empty());
        }
        if key.pseudo && range.len() > CACHED_FROM {
            return Box::new(self.select_cached(range, card, selector));
        }
        let scope = card.map(|at| self.elements[at]);
        Box::new(range.filter(move |at| {
            let element = self.elements[*at];
            key.admits(element) && selector.matches_with_scope(&element, scope)
        }))
    }

    /// Through scraper's own iterator, whose caches make `:nth-child` and `:has` linear.
    fn select_cached<'s>(
        &'s self,
        range: std::ops::Range<usize>,
        card: Card,
        selector: &'s Selector,
    ) -> impl Iterator<Item = usize> + 's {
        let top = card.unwrap_or(0);
        let own = (card.is_none() && selector.matches(&self.elements[top])).then_some(top);
        let mut at = range.start;
        own.into_iter()
            .chain(self.elements[top].select(selector).map(move |found| {
                while self.elements[at].id() != found.id() {
                    at += 1;
                }
                at
            }))
    }

    /// Takes the work from the budget. With `~` each element that the key admits may look at all
    /// its siblings, of which sixteen count as one step.
    fn pay(&self, range: std::ops::Range<usize>, key: Key<'_>) -> bool {
        let mut price = range.len() as u64;
        if key.siblings {
            let admitted = range.filter(|at| key.admits(self.elements[*at])).count() as u64;
            price += admitted * (self.most_children / 16);
        }
        let left = self.steps_left.get().checked_sub(price);
        self.steps_left.set(left.unwrap_or(0));
        self.exhausted.set(self.exhausted.get() || left.is_none());
        left.is_some()
    }

    /// The elements that a pick names: the card itself where it has no selector.
    pub(super) fn pick<'s>(
        &'s self,
        card: Card,
        pick: &'s Pick,
    ) -> Box<dyn Iterator<Item = usize> + 's> {
        match &pick.selector {
            Some(selector) => self.select(card, selector, Key::of(&pick.text)),
            None => Box::new(card.or((self.len() > 0).then_some(0)).into_iter()),
        }
    }

    /// The cards of a rule: all matches of `each` on the page.
    pub(super) fn cards(&self, each: &Selector) -> Vec<usize> {
        let text = each.to_css_string();
        self.select(None, each, Key::of(&text)).collect()
    }

    /// What is taken from an element, with its white space cleaned unless `raw`.
    pub(super) fn take(&self, at: usize, take: &Take, raw: bool) -> Option<String> {
        let element = self.elements[at];
        match take {
            Take::Text => Some(joined(element.text(), raw)),
            Take::Own => {
                let own = element.children().filter_map(|node| node.value().as_text());
                Some(joined(own.map(|text| &**text), raw))
            }
            Take::Html => {
                let html = element.inner_html();
                Some(if raw { html } else { cleaned(&html) })
            }
            Take::Attribute(name) => {
                let value = attribute(element, name)?;
                Some(if raw {
                    value.to_owned()
                } else {
                    cleaned(value)
                })
            }
        }
    }
}

/// An attribute by its local name; HTML's names are lower case.
pub(super) fn attribute<'h>(element: ElementRef<'h>, name: &str) -> Option<&'h str> {
    let attributes = &element.value().attrs;
    attributes
        .iter()
        .find(|(qualified, _)| (*qualified.local).eq_ignore_ascii_case(name))
        .map(|(_, value)| &**value)
}

/// Trimmed, every run of Unicode white space one space.
pub(super) fn cleaned(text: &str) -> String {
    joined(std::iter::once(text), false)
}

fn joined<'t>(pieces: impl Iterator<Item = &'t str>, raw: bool) -> String {
    if raw {
        return pieces.collect();
    }
    let mut out = String::new();
    let mut gap = false;
    for piece in pieces {
        gap |= piece.starts_with(char::is_whitespace);
        for word in piece.split_whitespace() {
            if gap && !out.is_empty() {
                out.push(' ');
            }
            out.push_str(word);
            gap = true;
        }
        gap = match piece.chars().next_back() {
            Some(last) => last.is_whitespace(),
            None => gap,
        };
    }
    out
}
