//! HTML through a guarded tree sink: nesting, elements and attributes are bounded while the tree
//! grows, so that no page costs quadratic time or overflows a stack (SPEC N2).
//!
//! Tokenizer, tree and selectors of our own give a whole crawl 1.48 times the pages per CPU-second
//! that html5ever with scraper does (`crawlfield-bench parser`, median of five pairs); without them
//! these bounds would have to be guarded from outside.

mod tokenizer;
pub(super) mod tree;

use std::{
    borrow::Cow,
    cell::{Cell, Ref, RefCell},
};

use encoding_rs::Encoding;
use html5ever::{
    Attribute, QualName, local_name, ns,
    tendril::StrTendril,
    tree_builder::{ElementFlags, NodeOrText, QuirksMode, TreeBuilder, TreeBuilderOpts, TreeSink},
};

use self::{
    tokenizer::{PageTokenizer, TooManyAttributes},
    tree::{NodeId, NodeKind, Tree},
};
use crate::{extract::bounds::Bounds, model::class::ErrorClass};

/// Bytes read between two looks at the clock.
const CHUNK: usize = 4_096;

/// How a page is read.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ParseOptions {
    /// As XML an element ends where it begins if its tag says so (`<title/>`).
    pub(super) is_xml: bool,
    /// What the text was decoded as, while the page may declare another character set.
    pub(super) unsure_of: Option<&'static Encoding>,
}

/// What came of parsing.
pub(super) enum ParsedPage {
    Tree(Tree),
    /// The page declares a character set that it was not decoded as.
    Declared(&'static Encoding),
}

/// Parses a page, or says which bound it broke.
pub(super) fn parse(
    text: &str,
    options: ParseOptions,
    bounds: &Bounds,
    expired: &dyn Fn() -> bool,
) -> Result<ParsedPage, (ErrorClass, String)> {
    let too_large = |what: String| (ErrorClass::TooLarge, what);
    if u32::try_from(text.len()).is_err() {
        return Err(too_large("the page has more than 4 GiB of text".to_owned()));
    }
    let whole = with_line_feeds(text);
    let builder_options = TreeBuilderOpts {
        // We run no scripts, so what stands in <noscript> is part of the page.
        scripting_enabled: false,
        ..TreeBuilderOpts::default()
    };
    let builder = TreeBuilder::new(GuardedSink::new(text.len(), bounds), builder_options);
    let mut tokens = PageTokenizer::new(&whole, &builder, bounds.max_attributes, options);
    let mut look_at = 0;
    loop {
        let more = tokens.step();
        let broken = match more {
            Ok(_) => builder.sink.broken(),
            Err(TooManyAttributes) => Some(BrokenBound::Attributes),
        };
        if let Some(broken) = broken {
            return Err(too_large(broken.message(bounds)));
        }
        if let Some(declared) = tokens.declared()
            && options.unsure_of != Some(declared)
        {
            return Ok(ParsedPage::Declared(declared));
        }
        if tokens.position() >= look_at {
            look_at = tokens.position() + CHUNK;
            if expired() {
                return Err((
                    ErrorClass::Parse,
                    "parsing the page took too long".to_owned(),
                ));
            }
        }
        if matches!(more, Ok(false)) {
            return Ok(ParsedPage::Tree(builder.sink.finish()));
        }
    }
}

/// The text with its line ends as the standard wants them.
fn with_line_feeds(text: &str) -> StrTendril {
    if memchr::memchr(b'\r', text.as_bytes()).is_none() {
        return StrTendril::from_slice(text);
    }
    StrTendril::from(text.replace("\r\n", "\n").replace('\r', "\n"))
}

#[derive(Debug, Clone, Copy)]
enum BrokenBound {
    Nesting,
    Elements,
    Attributes,
}

impl BrokenBound {
    fn message(self, bounds: &Bounds) -> String {
        match self {
            Self::Nesting => format!("elements are nested more than {} deep", bounds.max_nesting),
            Self::Elements => format!("the page has more than {} elements", bounds.max_elements),
            Self::Attributes => {
                format!(
                    "an element has more than {} attributes",
                    bounds.max_attributes
                )
            }
        }
    }
}

/// A tree that is watched. Once a bound is broken it takes no more nodes in.
struct GuardedSink {
    tree: RefCell<Tree>,
    max_nesting: u32,
    max_elements: u32,
    broken: Cell<Option<BrokenBound>>,
}

impl GuardedSink {
    /// An empty tree for a text of so many bytes.
    fn new(bytes: usize, bounds: &Bounds) -> Self {
        Self {
            tree: RefCell::new(Tree::for_page(bytes)),
            max_nesting: bounds.max_nesting,
            max_elements: bounds.max_elements,
            broken: Cell::new(None),
        }
    }

    /// The bound that was broken, if any was.
    const fn broken(&self) -> Option<BrokenBound> {
        self.broken.get()
    }

    /// Counts ancestors instead of remembering depths: the adoption agency moves whole subtrees.
    fn check_nesting(&self, parent: NodeId) {
        let tree = self.tree.borrow();
        // No nesting is deeper than there are elements: most pages need no count at all.
        if tree.elements() < self.max_nesting as usize {
            return;
        }
        let mut depth = 0;
        let mut at = Some(parent);
        while let Some(node) = at {
            depth += 1;
            if depth > self.max_nesting {
                self.broken.set(Some(BrokenBound::Nesting));
                return;
            }
            at = tree.parent(node);
        }
    }

    /// Whether the child may still be put into the tree below `parent`.
    fn admits(&self, parent: NodeId, child: &NodeOrText<NodeId>) -> bool {
        if matches!(child, NodeOrText::AppendNode(_)) {
            self.check_nesting(parent);
        }
        self.broken.get().is_none()
    }
}

/// Text joins the text node it would follow, else it becomes one.
fn joined(tree: &mut Tree, before: Option<NodeId>, text: StrTendril) -> Option<NodeId> {
    match before.and_then(|before| tree.text_mut(before)) {
        Some(known) => {
            known.push_tendril(&text);
            None
        }
        None => Some(tree.add(NodeKind::Text(text))),
    }
}

impl TreeSink for GuardedSink {
    type Handle = NodeId;
    type Output = Tree;
    type ElemName<'a> = Ref<'a, QualName>;

    fn finish(self) -> Tree {
        self.tree.into_inner()
    }

    fn parse_error(&self, _message: Cow<'static, str>) {}

    fn set_quirks_mode(&self, _mode: QuirksMode) {}

    fn get_document(&self) -> NodeId {
        Tree::root()
    }

    fn same_node(&self, one: &NodeId, other: &NodeId) -> bool {
        one == other
    }

    fn elem_name<'a>(&'a self, target: &'a NodeId) -> Ref<'a, QualName> {
        Ref::map(self.tree.borrow(), |tree| tree.name(*target))
    }

    fn create_element(
        &self,
        name: QualName,
        attributes: Vec<Attribute>,
        _flags: ElementFlags,
    ) -> NodeId {
        let is_template = name.ns == ns!(html) && name.local == local_name!("template");
        let mut tree = self.tree.borrow_mut();
        let element = tree.add_element(name, attributes);
        if tree.elements() > self.max_elements as usize {
            self.broken.set(Some(BrokenBound::Elements));
        }
        if is_template {
            tree.add_contents(element);
        }
        element
    }

    fn create_comment(&self, text: StrTendril) -> NodeId {
        self.tree.borrow_mut().add(NodeKind::Comment(text))
    }

    /// HTML has none: the tokenizer makes comments of them.
    fn create_pi(&self, _target: StrTendril, content: StrTendril) -> NodeId {
        self.create_comment(content)
    }

    /// No rule of a site file asks for it.
    fn append_doctype_to_document(&self, _: StrTendril, _: StrTendril, _: StrTendril) {}

    fn append(&self, parent: &NodeId, child: NodeOrText<NodeId>) {
        if !self.admits(*parent, &child) {
            return;
        }
        let tree = &mut *self.tree.borrow_mut();
        let child = match child {
            NodeOrText::AppendNode(node) => Some(node),
            NodeOrText::AppendText(text) => joined(tree, tree.last(*parent), text),
        };
        if let Some(child) = child {
            tree.append(*parent, child);
        }
    }

    fn append_before_sibling(&self, sibling: &NodeId, child: NodeOrText<NodeId>) {
        if !self.admits(*sibling, &child) {
            return;
        }
        let tree = &mut *self.tree.borrow_mut();
        if let NodeOrText::AppendNode(node) = child {
            tree.detach(node);
        }
        if tree.parent(*sibling).is_none() {
            return;
        }
        let child = match child {
            NodeOrText::AppendNode(node) => Some(node),
            NodeOrText::AppendText(text) => joined(tree, tree.before(*sibling), text),
        };
        if let Some(child) = child {
            tree.insert_before(*sibling, child);
        }
    }

    fn append_based_on_parent_node(
        &self,
        element: &NodeId,
        previous: &NodeId,
        child: NodeOrText<NodeId>,
    ) {
        let has_parent = self.tree.borrow().parent(*element).is_some();
        if has_parent {
            self.append_before_sibling(element, child);
        } else {
            self.append(previous, child);
        }
    }

    fn remove_from_parent(&self, target: &NodeId) {
        self.tree.borrow_mut().detach(*target);
    }

    fn reparent_children(&self, node: &NodeId, new_parent: &NodeId) {
        self.check_nesting(*new_parent);
        if self.broken.get().is_some() {
            return;
        }
        let mut tree = self.tree.borrow_mut();
        while let Some(child) = tree.first(*node) {
            tree.detach(child);
            tree.append(*new_parent, child);
        }
    }

    fn add_attrs_if_missing(&self, target: &NodeId, attributes: Vec<Attribute>) {
        let mut tree = self.tree.borrow_mut();
        let own = tree.attributes_mut(*target);
        for attribute in attributes {
            if own.iter().all(|known| known.name != attribute.name) {
                own.push(attribute);
            }
        }
    }

    fn get_template_contents(&self, target: &NodeId) -> NodeId {
        self.tree.borrow().contents(*target)
    }
}

#[cfg(test)]
mod tests;
