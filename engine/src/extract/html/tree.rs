//! The tree of a page: nodes in one list, linked by their places in it. Text and attribute values
//! are slices of the page.

use std::{io, num::NonZeroU32};

use html5ever::{
    Attribute, LocalName, QualName, local_name, ns,
    serialize::{Serialize, SerializeOpts, Serializer, TraversalScope, serialize},
    tendril::StrTendril,
};

use crate::site::selector::{Named, mark};

/// A node's place in its tree, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::extract) struct NodeId(NonZeroU32);

impl NodeId {
    const fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}

/// What a node is.
#[derive(Debug)]
pub(in crate::extract) enum NodeKind {
    /// The page, or the contents of a `<template>`, which are no part of it.
    Root,
    /// By its place among the elements.
    Element(u32),
    Text(StrTendril),
    Comment(StrTendril),
}

#[derive(Debug)]
struct Node {
    parent: Option<NodeId>,
    before: Option<NodeId>,
    after: Option<NodeId>,
    first: Option<NodeId>,
    last: Option<NodeId>,
    what: NodeKind,
}

#[derive(Debug)]
struct ElementData {
    name: QualName,
    display: Display,
    attributes: Vec<Attribute>,
}

/// A page's nodes. The first is the page itself.
#[derive(Debug)]
pub(in crate::extract) struct Tree {
    nodes: Vec<Node>,
    parts: Vec<ElementData>,
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
    pub(in crate::extract) fn for_page(bytes: usize) -> Self {
        let mut tree = Self {
            nodes: Vec::with_capacity((bytes / 20 + 1).min(MOST_ROOM)),
            parts: Vec::with_capacity((bytes / 40).min(MOST_ROOM)),
        };
        tree.add(NodeKind::Root);
        tree
    }

    pub(in crate::extract) const fn root() -> NodeId {
        NodeId(NonZeroU32::MIN)
    }

    /// A node without a parent.
    pub(in crate::extract) fn add(&mut self, what: NodeKind) -> NodeId {
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
        NodeId(place.expect("a page of less than 4 GiB has fewer nodes"))
    }

    /// An element without a parent.
    pub(in crate::extract) fn add_element(
        &mut self,
        name: QualName,
        attributes: Vec<Attribute>,
    ) -> NodeId {
        let place = u32::try_from(self.parts.len()).expect("there are fewer elements than nodes");
        self.parts.push(ElementData {
            display: Display::of(&name),
            name,
            attributes,
        });
        self.add(NodeKind::Element(place))
    }

    /// Makes the contents of a template, which was the last node made. They know their template, so
    /// that nesting counts through it, and nothing leads to them.
    pub(in crate::extract) fn add_contents(&mut self, template: NodeId) {
        let contents = self.add(NodeKind::Root);
        self.node_mut(contents).parent = Some(template);
        debug_assert_eq!(self.contents(template), contents);
    }

    /// The contents of a template.
    #[expect(clippy::unused_self, reason = "it holds for ids of this tree")]
    pub(in crate::extract) fn contents(&self, template: NodeId) -> NodeId {
        NodeId(template.0.saturating_add(1))
    }

    /// The number of elements that were ever made.
    pub(in crate::extract) const fn elements(&self) -> usize {
        self.parts.len()
    }

    fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()]
    }

    fn node_mut(&mut self, id: NodeId) -> &mut Node {
        &mut self.nodes[id.index()]
    }

    pub(in crate::extract) fn parent(&self, id: NodeId) -> Option<NodeId> {
        self.node(id).parent
    }

    pub(in crate::extract) fn before(&self, id: NodeId) -> Option<NodeId> {
        self.node(id).before
    }

    pub(in crate::extract) fn after(&self, id: NodeId) -> Option<NodeId> {
        self.node(id).after
    }

    pub(in crate::extract) fn first(&self, id: NodeId) -> Option<NodeId> {
        self.node(id).first
    }

    pub(in crate::extract) fn last(&self, id: NodeId) -> Option<NodeId> {
        self.node(id).last
    }

    pub(in crate::extract) fn what(&self, id: NodeId) -> &NodeKind {
        &self.node(id).what
    }

    /// The node's text, if it is one, for more text to follow it.
    pub(in crate::extract) fn text_mut(&mut self, id: NodeId) -> Option<&mut StrTendril> {
        match &mut self.node_mut(id).what {
            NodeKind::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The node as an element.
    pub(in crate::extract) fn element(&self, id: NodeId) -> Option<Element<'_>> {
        Element::of(self, id)
    }

    fn parts(&self, id: NodeId) -> Option<&ElementData> {
        match self.node(id).what {
            NodeKind::Element(place) => self.parts.get(place as usize),
            _ => None,
        }
    }

    /// The name of a node that is an element.
    pub(in crate::extract) fn name(&self, id: NodeId) -> &QualName {
        let parts = self.parts(id);
        &parts
            .expect("the tree builder asks for names of elements only")
            .name
    }

    /// The attributes of a node that is an element.
    pub(in crate::extract) fn attributes_mut(&mut self, id: NodeId) -> &mut Vec<Attribute> {
        match self.node(id).what {
            NodeKind::Element(place) => &mut self.parts[place as usize].attributes,
            _ => panic!("the tree builder gives attributes to elements only"),
        }
    }

    /// Makes a node the last child, wherever it was before.
    pub(in crate::extract) fn append(&mut self, parent: NodeId, child: NodeId) {
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
    pub(in crate::extract) fn insert_before(&mut self, sibling: NodeId, child: NodeId) {
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
    pub(in crate::extract) fn detach(&mut self, id: NodeId) {
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
    pub(in crate::extract) fn next_within(&self, top: NodeId, id: NodeId) -> Option<NodeId> {
        self.first(id).or_else(|| self.next_beside(top, id))
    }

    /// The node that follows the node and all below it, within `top`.
    pub(in crate::extract) fn next_beside(&self, top: NodeId, id: NodeId) -> Option<NodeId> {
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

/// A step of a walk through a subtree.
#[derive(Debug, Clone, Copy)]
pub(in crate::extract) enum Edge {
    /// Into a node, before all below it.
    Open(NodeId),
    /// Out of a node, after all below it.
    Close(NodeId),
}

impl Tree {
    /// All below `top`, in document order.
    pub(in crate::extract) fn edges(&self, top: NodeId) -> impl Iterator<Item = Edge> {
        let beside = move |id| {
            let up = || self.parent(id).filter(|up| *up != top);
            let after = self.after(id).map(Edge::Open);
            after.or_else(|| up().map(Edge::Close))
        };
        let first = self.first(top).map(Edge::Open);
        std::iter::successors(first, move |edge| match *edge {
            Edge::Open(id) => self.first(id).map(Edge::Open).or(Some(Edge::Close(id))),
            Edge::Close(id) => beside(id),
        })
    }
}

/// What an element does to the text around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Display {
    /// Its text goes on from what stands before it.
    Inline,
    /// Block, list item, table or a part of one, or a line break: it stands apart.
    Apart,
    /// Program text: no reader sees it.
    Unseen,
}

impl Display {
    fn of(name: &QualName) -> Self {
        match name.local {
            local_name!("script") | local_name!("style") => Self::Unseen,
            _ if name.ns != ns!(html) => Self::Inline,
            _ if is_apart(&name.local) => Self::Apart,
            _ => Self::Inline,
        }
    }
}

/// Whether HTML's own style sheet gives elements of this name lines of their own.
fn is_apart(name: &LocalName) -> bool {
    macro_rules! is_one_of {
        ($($known:tt)+) => { matches!(*name, $(local_name!($known))|+) };
    }
    is_one_of! {
        "address" "article" "aside" "blockquote" "body" "br" "caption" "center" "col"
        "colgroup" "dd" "details" "dialog" "dir" "div" "dl" "dt" "fieldset" "figcaption"
        "figure" "footer" "form" "frame" "frameset" "h1" "h2" "h3" "h4" "h5" "h6" "head"
        "header" "hgroup" "hr" "html" "legend" "li" "listing" "main" "menu" "nav" "ol"
        "optgroup" "option" "p" "plaintext" "pre" "search" "section" "summary" "table" "tbody"
        "td" "tfoot" "th" "thead" "title" "tr" "ul" "xmp"
    }
}

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
    pub(in crate::extract) tree: &'t Tree,
    pub(in crate::extract) id: NodeId,
    parts: &'t ElementData,
}

impl<'t> Element<'t> {
    fn of(tree: &'t Tree, id: NodeId) -> Option<Self> {
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

    /// An attribute by its name in lower case.
    pub(in crate::extract) fn value(&self, name: &LocalName) -> Option<&'t str> {
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
            NodeKind::Text(text) => Some(&**text),
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
                NodeKind::Text(text) if whole || tree.parent(id) == Some(top) => {
                    take(Piece::Text(text));
                }
                NodeKind::Element(place) => match tree.parts[*place as usize].display {
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

    pub(in crate::extract) fn at(&self, id: Option<NodeId>) -> Option<Self> {
        Self::of(self.tree, id?)
    }

    pub(in crate::extract) fn nearest(
        &self,
        from: Option<NodeId>,
        next: impl Fn(NodeId) -> Option<NodeId>,
    ) -> Option<Self> {
        std::iter::successors(from, |at| next(*at)).find_map(|id| self.at(Some(id)))
    }
}

impl Element<'_> {
    /// Its content as HTML.
    pub(in crate::extract) fn inner_html(&self) -> String {
        let options = SerializeOpts {
            scripting_enabled: false,
            traversal_scope: TraversalScope::ChildrenOnly(None),
            create_missing_parent: false,
        };
        let mut out = Vec::new();
        serialize(&mut out, self, options).expect("memory takes whatever is written");
        String::from_utf8(out).expect("names and texts of a page are text")
    }
}

impl Serialize for Element<'_> {
    fn serialize<S: Serializer>(&self, out: &mut S, _scope: TraversalScope) -> io::Result<()> {
        for edge in self.tree.edges(self.id) {
            match edge {
                Edge::Open(id) => open(self.tree, id, out)?,
                Edge::Close(id) => close(self.tree, id, out)?,
            }
        }
        Ok(())
    }
}

fn open<S: Serializer>(tree: &Tree, id: NodeId, out: &mut S) -> io::Result<()> {
    match (tree.what(id), tree.element(id)) {
        (NodeKind::Text(text), _) => out.write_text(text),
        (NodeKind::Comment(text), _) => out.write_comment(text),
        (_, Some(element)) => {
            let attributes = element.parts.attributes.iter();
            let pairs = attributes.map(|own| (&own.name, &*own.value));
            out.start_elem(element.parts.name.clone(), pairs)
        }
        _ => Ok(()),
    }
}

fn close<S: Serializer>(tree: &Tree, id: NodeId, out: &mut S) -> io::Result<()> {
    match tree.element(id) {
        Some(element) => out.end_elem(element.name().clone()),
        None => Ok(()),
    }
}
