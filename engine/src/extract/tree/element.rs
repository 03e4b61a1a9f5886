//! An element of a tree: its attributes, its text, and what selectors ask it.

use html5ever::{Attribute, LocalName, Namespace, QualName, local_name, ns};
use scraper::selector::{CssLocalName, CssString, NonTSPseudoClass, PseudoElement, Simple};
use selectors::{
    OpaqueElement,
    attr::{AttrSelectorOperation, CaseSensitivity, NamespaceConstraint},
    bloom::BloomFilter,
    matching::{ElementSelectorFlags, MatchingContext},
};

use super::{Display, Id, Parts, Tree, What};
use crate::site::selector::{Named, mark};

/// A part of a text that is read out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::extract) enum Piece<'t> {
    /// As it stands in the source.
    Text(&'t str),
    /// What stands before and what stands after are different words.
    Border,
}

/// An element, by reference.
#[derive(Debug, Clone, Copy)]
pub(in crate::extract) struct Element<'t> {
    pub(super) tree: &'t Tree,
    pub(super) id: Id,
    parts: &'t Parts,
}

impl<'t> Element<'t> {
    pub(super) fn of(tree: &'t Tree, id: Id) -> Option<Self> {
        let parts = tree.parts(id)?;
        Some(Self { tree, id, parts })
    }

    pub(in crate::extract) const fn name(&self) -> &'t QualName {
        &self.parts.name
    }

    /// In the order of the page.
    pub(in crate::extract) fn attributes(&self) -> &'t [Attribute] {
        &self.parts.attributes
    }

    fn value(&self, name: &LocalName) -> Option<&'t str> {
        let mut attributes = self.parts.attributes.iter();
        attributes
            .find(|own| own.name.local == *name)
            .map(|own| &*own.value)
    }

    /// An attribute by its local name; HTML's names are lower case.
    pub(in crate::extract) fn attribute(&self, name: &str) -> Option<&'t str> {
        let mut attributes = self.parts.attributes.iter();
        attributes
            .find(|own| str::eq_ignore_ascii_case(&own.name.local, name))
            .map(|own| &*own.value)
    }

    /// The pieces of text in the element and all below it, as they stand in the source.
    pub(in crate::extract) fn text(&self) -> impl Iterator<Item = &'t str> + use<'t> {
        let (tree, top) = (self.tree, self.id);
        let below = std::iter::successors(tree.first(top), move |at| tree.next_within(top, *at));
        below.filter_map(|id| match tree.what(id) {
            What::Text(text) => Some(&**text),
            _ => None,
        })
    }

    /// Hands over the text as a reader sees it: all that stands in the element, or only what
    /// stands directly in it, and where something parts words.
    pub(in crate::extract) fn read_out(&self, whole: bool, mut take: impl FnMut(Piece<'t>)) {
        let (tree, top) = (self.tree, self.id);
        let mut next = tree.first(top);
        while let Some(id) = next {
            next = None;
            match tree.what(id) {
                What::Text(text) if whole || tree.parent(id) == Some(top) => {
                    take(Piece::Text(text));
                }
                What::Element(place) => match tree.parts[*place as usize].display {
                    Display::Inline => next = tree.first(id),
                    Display::Apart => {
                        take(Piece::Border);
                        // The border after it says all about what is not the top's own.
                        next = tree.first(id).filter(|_| whole);
                    }
                    Display::Unseen => {}
                },
                _ => {}
            }
            let mut at = id;
            while next.is_none() && at != top {
                if tree
                    .parts(at)
                    .is_some_and(|parts| parts.display == Display::Apart)
                {
                    take(Piece::Border);
                }
                next = tree.after(at);
                if next.is_none() {
                    let Some(parent) = tree.parent(at) else { break };
                    at = parent;
                }
            }
        }
    }

    /// The marks of tag, classes and id.
    pub(in crate::extract) fn marks(&self) -> u64 {
        let mut marks = mark(Named::Tag, &self.parts.name.local);
        for own in &self.parts.attributes {
            if own.name.local == local_name!("class") {
                let classes = own.value.split_ascii_whitespace();
                marks = classes.fold(marks, |marks, class| marks | mark(Named::Class, class));
            } else if own.name.local == local_name!("id") {
                marks |= mark(Named::Id, &own.value);
            }
        }
        marks
    }

    fn at(&self, id: Option<Id>) -> Option<Self> {
        Self::of(self.tree, id?)
    }

    fn nearest(&self, from: Option<Id>, next: impl Fn(Id) -> Option<Id>) -> Option<Self> {
        std::iter::successors(from, |at| next(*at)).find_map(|id| self.at(Some(id)))
    }
}

fn children(tree: &Tree, id: Id) -> impl Iterator<Item = Id> {
    std::iter::successors(tree.first(id), |at| tree.after(*at))
}

impl selectors::Element for Element<'_> {
    type Impl = Simple;

    fn opaque(&self) -> OpaqueElement {
        OpaqueElement::new(self.parts)
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
        self.parts.name.ns == ns!(html)
    }

    fn has_local_name(&self, name: &CssLocalName) -> bool {
        self.parts.name.local == name.0
    }

    fn has_namespace(&self, namespace: &Namespace) -> bool {
        self.parts.name.ns == *namespace
    }

    fn is_same_type(&self, other: &Self) -> bool {
        self.parts.name == other.parts.name
    }

    fn attr_matches(
        &self,
        namespace: &NamespaceConstraint<&Namespace>,
        name: &CssLocalName,
        operation: &AttrSelectorOperation<&CssString>,
    ) -> bool {
        self.parts.attributes.iter().any(|own| {
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
        self.parts.name.local == local_name!("link")
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
        children(self.tree, self.id)
            .all(|id| !matches!(self.tree.what(id), What::Element(_) | What::Text(_)))
    }

    fn is_root(&self) -> bool {
        self.tree.parent(self.id) == Some(Tree::root())
    }

    fn add_element_unique_hashes(&self, _filter: &mut BloomFilter) -> bool {
        false
    }
}
