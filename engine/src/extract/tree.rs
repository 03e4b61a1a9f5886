//! The tree of a page: nodes in one list, linked by their places in it. Text and attribute values
//! are slices of the page.

mod display;
mod element;
mod inner;

use std::num::NonZeroU32;

use html5ever::{Attribute, QualName, tendril::StrTendril};

use display::Display;
pub(super) use element::{Element, Piece};

/// A node's place in its tree, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Id(NonZeroU32);

impl Id {
    const fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}

/// What a node is.
#[derive(Debug)]
pub(super) enum What {
    /// The page, or the contents of a `<template>`, which are no part of it.
    Root,
    /// By its place among the elements.
    Element(u32),
    Text(StrTendril),
    Comment(StrTendril),
}

#[derive(Debug)]
struct Node {
    parent: Option<Id>,
    before: Option<Id>,
    after: Option<Id>,
    first: Option<Id>,
    last: Option<Id>,
    what: What,
}

#[derive(Debug)]
struct Parts {
    name: QualName,
    display: Display,
    attributes: Vec<Attribute>,
}

/// A page's nodes. The first is the page itself.
#[derive(Debug)]
pub(super) struct Tree {
    nodes: Vec<Node>,
    parts: Vec<Parts>,
}

impl Default for Tree {
    fn default() -> Self {
        Self::for_page(0)
    }
}

/// Room is made beforehand for at most so many nodes.
const MOST_ROOM: usize = 4_096;

impl Tree {
    /// An empty page, with room for what a text of so many bytes usually holds.
    pub(super) fn for_page(bytes: usize) -> Self {
        let mut tree = Self {
            nodes: Vec::with_capacity((bytes / 20 + 1).min(MOST_ROOM)),
            parts: Vec::with_capacity((bytes / 40).min(MOST_ROOM)),
        };
        tree.add(What::Root);
        tree
    }

    pub(super) const fn root() -> Id {
        Id(NonZeroU32::MIN)
    }

    /// A node without a parent.
    pub(super) fn add(&mut self, what: What) -> Id {
        self.nodes.push(Node {
            parent: None,
            before: None,
            after: None,
            first: None,
            last: None,
            what,
        });
        let place = u32::try_from(self.nodes.len())
            .ok()
            .and_then(NonZeroU32::new);
        Id(place.expect("a page of less than 4 GiB has fewer nodes"))
    }

    /// An element without a parent.
    pub(super) fn add_element(&mut self, name: QualName, attributes: Vec<Attribute>) -> Id {
        let place = u32::try_from(self.parts.len()).expect("there are fewer elements than nodes");
        self.parts.push(Parts {
            display: Display::of(&name),
            name,
            attributes,
        });
        self.add(What::Element(place))
    }

    /// Makes the contents of a template, which was the last node made. They know their template, so
    /// that nesting counts through it, and nothing leads to them.
    pub(super) fn add_contents(&mut self, template: Id) {
        let contents = self.add(What::Root);
        self.node_mut(contents).parent = Some(template);
        debug_assert_eq!(self.contents(template), contents);
    }

    /// The contents of a template.
    #[expect(clippy::unused_self, reason = "it holds for ids of this tree")]
    pub(super) fn contents(&self, template: Id) -> Id {
        Id(template.0.saturating_add(1))
    }

    /// The number of elements that were ever made.
    pub(super) const fn elements(&self) -> usize {
        self.parts.len()
    }

    fn node(&self, id: Id) -> &Node {
        &self.nodes[id.index()]
    }

    fn node_mut(&mut self, id: Id) -> &mut Node {
        &mut self.nodes[id.index()]
    }

    pub(super) fn parent(&self, id: Id) -> Option<Id> {
        self.node(id).parent
    }

    pub(super) fn before(&self, id: Id) -> Option<Id> {
        self.node(id).before
    }

    pub(super) fn after(&self, id: Id) -> Option<Id> {
        self.node(id).after
    }

    pub(super) fn first(&self, id: Id) -> Option<Id> {
        self.node(id).first
    }

    pub(super) fn last(&self, id: Id) -> Option<Id> {
        self.node(id).last
    }

    pub(super) fn what(&self, id: Id) -> &What {
        &self.node(id).what
    }

    /// The node's text, if it is one, for more text to follow it.
    pub(super) fn text_mut(&mut self, id: Id) -> Option<&mut StrTendril> {
        match &mut self.node_mut(id).what {
            What::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The node as an element.
    pub(super) fn element(&self, id: Id) -> Option<Element<'_>> {
        Element::of(self, id)
    }

    fn parts(&self, id: Id) -> Option<&Parts> {
        match self.node(id).what {
            What::Element(place) => self.parts.get(place as usize),
            _ => None,
        }
    }

    /// The name of a node that is an element.
    pub(super) fn name(&self, id: Id) -> &QualName {
        let parts = self.parts(id);
        &parts
            .expect("the tree builder asks for names of elements only")
            .name
    }

    /// The attributes of a node that is an element.
    pub(super) fn attributes_mut(&mut self, id: Id) -> &mut Vec<Attribute> {
        match self.node(id).what {
            What::Element(place) => &mut self.parts[place as usize].attributes,
            _ => panic!("the tree builder gives attributes to elements only"),
        }
    }

    /// Makes a node the last child, wherever it was before.
    pub(super) fn append(&mut self, parent: Id, child: Id) {
        if self.node(child).parent.is_some() {
            self.detach(child);
        }
        let before = self.node(parent).last;
        let node = self.node_mut(child);
        (node.parent, node.before) = (Some(parent), before);
        self.node_mut(parent).last = Some(child);
        match before {
            Some(before) => self.node_mut(before).after = Some(child),
            None => self.node_mut(parent).first = Some(child),
        }
    }

    /// Puts a node before another one that has a parent; it has none itself.
    pub(super) fn insert_before(&mut self, sibling: Id, child: Id) {
        let (parent, before) = (self.node(sibling).parent, self.node(sibling).before);
        let node = self.node_mut(child);
        (node.parent, node.before, node.after) = (parent, before, Some(sibling));
        self.node_mut(sibling).before = Some(child);
        match (before, parent) {
            (Some(before), _) => self.node_mut(before).after = Some(child),
            (None, Some(parent)) => self.node_mut(parent).first = Some(child),
            (None, None) => {}
        }
    }

    /// Takes a node, with all below it, from its parent, if it has one.
    pub(super) fn detach(&mut self, id: Id) {
        let node = self.node_mut(id);
        let (parent, before, after) = (node.parent.take(), node.before.take(), node.after.take());
        match (before, parent) {
            (Some(before), _) => self.node_mut(before).after = after,
            (None, Some(parent)) => self.node_mut(parent).first = after,
            (None, None) => {}
        }
        match (after, parent) {
            (Some(after), _) => self.node_mut(after).before = before,
            (None, Some(parent)) => self.node_mut(parent).last = before,
            (None, None) => {}
        }
    }

    /// The node that follows in document order, within `top`.
    pub(super) fn next_within(&self, top: Id, id: Id) -> Option<Id> {
        self.first(id).or_else(|| self.next_beside(top, id))
    }

    /// The node that follows the node and all below it, within `top`.
    pub(super) fn next_beside(&self, top: Id, id: Id) -> Option<Id> {
        let mut at = id;
        while at != top {
            if let Some(after) = self.after(at) {
                return Some(after);
            }
            at = self.parent(at)?;
        }
        None
    }
}
