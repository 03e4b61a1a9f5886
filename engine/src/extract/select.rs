//! The elements of a page in document order, and selectors over them.

use html5ever::{LocalName, Namespace, local_name, ns};
use scraper::selector::{CssLocalName, CssString, NonTSPseudoClass, PseudoElement, Simple};
use selectors::{
    Element as _, OpaqueElement,
    attr::{AttrSelectorOperation, CaseSensitivity, NamespaceConstraint},
    bloom::BloomFilter,
    context::{
        MatchingContext, MatchingForInvalidation, MatchingMode, NeedsSelectorFlags, QuirksMode,
        SelectorCaches,
    },
    matching::{ElementSelectorFlags, matches_selector},
};

use crate::{
    extract::{
        bounds::{Bounds, PageBudget},
        html::tree::{Edge, Element, NodeKind, Piece, Tree},
    },
    site::{
        compiled::{Pick, Take},
        selector::{Named, Selector, mark},
    },
};

/// Where a selector looks: the whole page, or below one element.
pub(super) type Card = Option<usize>;

/// All elements in document order; the descendants of one are the ones that follow it.
pub(super) struct ElementIndex<'h> {
    elements: Vec<Element<'h>>,
    /// What selectors are held against first.
    marks: Vec<u64>,
    /// One past the last descendant of each element.
    ends: Vec<usize>,
    most_children: usize,
    pub(super) budget: PageBudget,
}

impl<'h> ElementIndex<'h> {
    pub(super) fn new(tree: &'h Tree, bounds: &Bounds) -> Self {
        let room = tree.elements();
        let mut index = Self {
            elements: Vec::with_capacity(room),
            marks: Vec::with_capacity(room),
            ends: Vec::with_capacity(room),
            most_children: 0,
            budget: PageBudget::new(bounds),
        };
        // Each with the number of its children so far.
        let mut open: Vec<(usize, usize)> = Vec::new();
        for edge in tree.edges(Tree::root()) {
            match edge {
                Edge::Open(node) => {
                    let Some(element) = tree.element(node) else {
                        continue;
                    };
                    if let Some((_, children)) = open.last_mut() {
                        *children += 1;
                        index.most_children = index.most_children.max(*children);
                    }
                    open.push((index.elements.len(), 0));
                    index.elements.push(element);
                    index.marks.push(element.marks());
                    index.ends.push(0);
                }
                Edge::Close(node) if tree.element(node).is_some() => {
                    if let Some((element, _)) = open.pop() {
                        index.ends[element] = index.elements.len();
                    }
                }
                Edge::Close(_) => {}
            }
        }
        index
    }

    /// The number of elements.
    pub(super) fn len(&self) -> usize {
        self.elements.len()
    }

    pub(super) fn element(&self, at: usize) -> Element<'h> {
        self.elements[at]
    }

    /// One past the last descendant of an element.
    pub(super) fn end(&self, at: usize) -> usize {
        self.ends[at]
    }

    /// Whether a table stands within `outer`, around an element in it or as that element.
    pub(super) fn is_in_table_within(&self, outer: usize, at: usize) -> bool {
        let outer = self.elements[outer].opaque();
        std::iter::successors(Some(self.elements[at]), Element::parent_element)
            .take_while(|around| around.opaque() != outer)
            .any(|around| around.name().local == local_name!("table"))
    }

    /// The HTML, SVG or `MathML` elements of this name: all of the page are looked at.
    pub(super) fn named(&self, name: LocalName) -> impl Iterator<Item = Element<'h>> {
        let wanted = mark(Named::Tag, &name);
        let marked = self.marks.iter().zip(&self.elements);
        marked
            .filter(move |(marks, _)| *marks & wanted != 0)
            .map(|(_, element)| *element)
            .filter(move |element| element.name().local == name)
    }

    /// The elements below the card that match, in document order.
    pub(super) fn select<'s>(
        &'s self,
        card: Card,
        selector: &'s Selector,
    ) -> impl Iterator<Item = usize> + 's {
        let range = card.map_or(0..self.elements.len(), |at| at + 1..self.ends[at]);
        let range = if self.pay(range.clone(), selector) {
            range
        } else {
            0..0
        };
        let scope = card.map(|at| self.elements[at].opaque());
        // They make `:nth-child` and `:has` linear.
        let mut caches = SelectorCaches::default();
        range.filter(move |at| self.fits(*at, selector, scope, &mut caches))
    }

    /// Whether an element of the page itself matches.
    pub(super) fn matches(&self, at: usize, selector: &Selector) -> bool {
        self.fits(at, selector, None, &mut SelectorCaches::default())
    }

    fn fits(
        &self,
        at: usize,
        selector: &Selector,
        scope: Option<OpaqueElement>,
        caches: &mut SelectorCaches,
    ) -> bool {
        selector.admits(self.marks[at]) && {
            let mut context = MatchingContext::new(
                MatchingMode::Normal,
                None,
                caches,
                QuirksMode::NoQuirks,
                NeedsSelectorFlags::No,
                MatchingForInvalidation::No,
            );
            context.scope_element = scope;
            let mut all = selector.list().slice().iter();
            all.any(|one| matches_selector(one, 0, None, &self.elements[at], &mut context))
        }
    }

    /// Where the links in an element lead, else the one around it.
    pub(super) fn links_near(&self, at: usize) -> Vec<&'h str> {
        let range = at + 1..self.ends[at];
        if !self.budget.work(range.len()) {
            return Vec::new();
        }
        let inside: Vec<_> = self.elements[range].iter().filter_map(link).collect();
        if !inside.is_empty() {
            return inside;
        }
        let around = self.elements[at].parent_element();
        let mut around = std::iter::successors(around, Element::parent_element);
        around
            .find_map(|element| link(&element))
            .into_iter()
            .collect()
    }

    /// Takes the work from the budget. With `~` each element that the selector's last part admits
    /// may look at all its siblings, of which sixteen count as one step.
    fn pay(&self, range: std::ops::Range<usize>, selector: &Selector) -> bool {
        let mut price = range.len();
        if selector.looks_at_siblings() {
            let marks = self.marks[range].iter();
            let admitted = marks.filter(|marks| selector.admits(**marks)).count();
            price = price.saturating_add(admitted * (self.most_children / 16));
        }
        self.budget.work(price)
    }

    /// The elements that a pick names: the card itself where it has no selector.
    pub(super) fn pick<'s>(
        &'s self,
        card: Card,
        pick: &'s Pick,
    ) -> impl Iterator<Item = usize> + 's {
        let own = match pick.selector {
            Some(_) => None,
            None => card.or((self.len() > 0).then_some(0)),
        };
        let selector = pick.selector.as_ref();
        let found = selector.map(|selector| self.select(card, selector));
        own.into_iter().chain(found.into_iter().flatten())
    }

    /// The cards of a rule: all matches of `each` on the page.
    pub(super) fn cards(&self, each: &Selector) -> Vec<usize> {
        self.select(None, each).collect()
    }

    /// What is taken from an element, with its white space cleaned unless `raw`; nothing once the
    /// page has reached a bound.
    pub(super) fn take(&self, at: usize, take: &Take, raw: bool) -> Option<String> {
        if self.budget.over().is_some() {
            return None;
        }
        let element = self.elements[at];
        let taken = match take {
            Take::Text => read_out(element, true, raw),
            Take::Own => read_out(element, false, raw),
            Take::Html => {
                let html = element.inner_html();
                if raw { html } else { cleaned(&html) }
            }
            Take::Attribute(name) => {
                let value = element.attribute(name)?;
                if raw {
                    value.to_owned()
                } else {
                    cleaned(value)
                }
            }
        };
        self.budget.scan(taken.len());
        Some(taken)
    }
}

/// Where an element leads, if it is a link of HTML.
fn link<'h>(element: &Element<'h>) -> Option<&'h str> {
    let name = element.name();
    let is_link = matches!(name.local, local_name!("a") | local_name!("area"));
    let href = element.attribute("href").filter(|_| is_link)?;
    Some(href).filter(|href| !href.trim_start().is_empty())
}

/// Trimmed, every run of Unicode white space one space.
pub(super) fn cleaned(text: &str) -> String {
    let mut words = TextBuilder::default();
    words.add(text);
    words.out
}

fn read_out(element: Element<'_>, whole: bool, raw: bool) -> String {
    let mut words = TextBuilder::default();
    element.read_out(whole, |piece| match piece {
        Piece::Text(text) if raw => words.add_raw(text),
        Piece::Text(text) => words.add(text),
        Piece::Border => words.gap = true,
    });
    words.out
}

/// A text that is put together.
#[derive(Default)]
struct TextBuilder {
    out: String,
    /// What comes next begins a new word.
    gap: bool,
}

impl TextBuilder {
    fn add(&mut self, piece: &str) {
        self.gap |= piece.starts_with(char::is_whitespace);
        for word in piece.split_whitespace() {
            if self.gap && !self.out.is_empty() {
                self.out.push(' ');
            }
            self.out.push_str(word);
            self.gap = true;
        }
        if let Some(last) = piece.chars().next_back()
            && !last.is_whitespace()
        {
            self.gap = false;
        }
    }

    /// As it stands in the source; where words are parted by no white space, a space parts them.
    fn add_raw(&mut self, piece: &str) {
        let is_parted = self.out.is_empty()
            || self.out.ends_with(char::is_whitespace)
            || piece.starts_with(char::is_whitespace);
        if std::mem::take(&mut self.gap) && !is_parted {
            self.out.push(' ');
        }
        self.out.push_str(piece);
    }
}

impl selectors::Element for Element<'_> {
    type Impl = Simple;

    fn opaque(&self) -> OpaqueElement {
        OpaqueElement::new(self.name())
    }

    fn parent_element(&self) -> Option<Self> {
        self.at(self.tree.parent(self.id))
    }

    fn parent_node_is_shadow_root(&self) -> bool {
        false
    }

    fn containing_shadow_host(&self) -> Option<Self> {
        None
    }

    fn is_pseudo_element(&self) -> bool {
        false
    }

    fn prev_sibling_element(&self) -> Option<Self> {
        self.nearest(self.tree.before(self.id), |at| self.tree.before(at))
    }

    fn next_sibling_element(&self) -> Option<Self> {
        self.nearest(self.tree.after(self.id), |at| self.tree.after(at))
    }

    fn first_element_child(&self) -> Option<Self> {
        self.nearest(self.tree.first(self.id), |at| self.tree.after(at))
    }

    fn is_html_element_in_html_document(&self) -> bool {
        self.name().ns == ns!(html)
    }

    fn has_local_name(&self, name: &CssLocalName) -> bool {
        self.name().local == name.0
    }

    fn has_namespace(&self, namespace: &Namespace) -> bool {
        self.name().ns == *namespace
    }

    fn is_same_type(&self, other: &Self) -> bool {
        self.name() == other.name()
    }

    fn attr_matches(
        &self,
        namespace: &NamespaceConstraint<&Namespace>,
        name: &CssLocalName,
        operation: &AttrSelectorOperation<&CssString>,
    ) -> bool {
        self.attributes().iter().any(|own| {
            let elsewhere =
                matches!(namespace, NamespaceConstraint::Specific(url) if **url != own.name.ns);
            !elsewhere && own.name.local == name.0 && operation.eval_str(&own.value)
        })
    }

    fn match_non_ts_pseudo_class(
        &self,
        _class: &NonTSPseudoClass,
        _context: &mut MatchingContext<'_, Simple>,
    ) -> bool {
        false
    }

    fn match_pseudo_element(
        &self,
        _element: &PseudoElement,
        _context: &mut MatchingContext<'_, Simple>,
    ) -> bool {
        false
    }

    fn apply_selector_flags(&self, _flags: ElementSelectorFlags) {}

    fn is_link(&self) -> bool {
        self.name().local == local_name!("link")
    }

    fn is_html_slot_element(&self) -> bool {
        false
    }

    fn has_id(&self, id: &CssLocalName, case: CaseSensitivity) -> bool {
        let own = self.value(&local_name!("id"));
        own.is_some_and(|own| case.eq(own.as_bytes(), id.0.as_bytes()))
    }

    fn has_class(&self, name: &CssLocalName, case: CaseSensitivity) -> bool {
        let classes = self.value(&local_name!("class")).unwrap_or_default();
        classes
            .split_ascii_whitespace()
            .any(|class| case.eq(class.as_bytes(), name.0.as_bytes()))
    }

    fn has_custom_state(&self, _name: &CssLocalName) -> bool {
        false
    }

    fn imported_part(&self, _name: &CssLocalName) -> Option<CssLocalName> {
        None
    }

    fn is_part(&self, _name: &CssLocalName) -> bool {
        false
    }

    fn is_empty(&self) -> bool {
        let children = std::iter::successors(self.tree.first(self.id), |at| self.tree.after(*at));
        let mut kinds = children.map(|id| self.tree.what(id));
        kinds.all(|kind| !matches!(kind, NodeKind::Element(_) | NodeKind::Text(_)))
    }

    fn is_root(&self) -> bool {
        self.tree.parent(self.id) == Some(Tree::root())
    }

    fn add_element_unique_hashes(&self, _filter: &mut BloomFilter) -> bool {
        false
    }
}

#[cfg(test)]
mod tests;
