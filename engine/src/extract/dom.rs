//! HTML through a guarded tree sink: nesting, elements and attributes are bounded while the tree
//! grows, so that no page costs quadratic time or overflows a stack (SPEC N2).

mod quiet;

use std::{
    borrow::Cow,
    cell::{Cell, Ref},
};

use html5ever::{
    Attribute, ParseOpts, QualName, driver,
    tendril::{StrTendril, TendrilSink},
    tree_builder::{ElementFlags, NodeOrText, QuirksMode, TreeBuilderOpts, TreeSink},
};
use scraper::{Html, HtmlTreeSink};

use crate::{
    extract::{bounds::Bounds, dom::quiet::Quiet},
    model::class::ErrorClass,
};

type NodeId = <HtmlTreeSink as TreeSink>::Handle;

/// Bytes fed between two looks at the guard.
const CHUNK: u32 = 4_096;

/// Parses a page, or says which bound it broke.
pub(super) fn parse(
    text: &str,
    bounds: &Bounds,
    expired: &dyn Fn() -> bool,
) -> Result<Html, (ErrorClass, String)> {
    let too_large = |what: String| (ErrorClass::TooLarge, what);
    let Ok(length) = u32::try_from(text.len()) else {
        return Err(too_large("the page has more than 4 GiB of text".to_owned()));
    };
    let sink = GuardedSink::new(bounds);
    let options = ParseOpts {
        // We run no scripts, so what stands in <noscript> is part of the page.
        tree_builder: TreeBuilderOpts {
            scripting_enabled: false,
            ..TreeBuilderOpts::default()
        },
        ..ParseOpts::default()
    };
    let mut parser = driver::parse_document(sink, options);
    let whole = StrTendril::from_slice(text);
    let mut quiet = Quiet::default();
    let mut start = 0;
    while start < length {
        let end = chunk_end(text, start, length);
        parser.process(whole.subtendril(start, end - start));
        let sink = &parser.tokenizer.sink.sink;
        if let Some(broken) = sink.broken.get() {
            return Err(too_large(broken.message(bounds)));
        }
        let tag = &text.as_bytes()[start as usize..end as usize];
        if quiet.attributes_after(sink.nodes.get(), tag) > bounds.max_attributes {
            return Err(too_large(Broken::Attributes.message(bounds)));
        }
        if expired() {
            return Err((
                ErrorClass::Parse,
                "parsing the page took too long".to_owned(),
            ));
        }
        start = end;
    }
    let html = parser.finish();
    html.1
        .map_or(Ok(html.0), |broken| Err(too_large(broken.message(bounds))))
}

/// The end of the chunk that begins at `start`, never inside a character.
fn chunk_end(text: &str, start: u32, length: u32) -> u32 {
    let mut end = start.saturating_add(CHUNK).min(length);
    while !text.is_char_boundary(end as usize) {
        end += 1;
    }
    end
}

#[derive(Debug, Clone, Copy)]
enum Broken {
    Nesting,
    Elements,
    Attributes,
}

impl Broken {
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

/// Scraper's sink with counters. Once a bound is broken it takes no more nodes in.
struct GuardedSink {
    inner: HtmlTreeSink,
    max_nesting: u32,
    max_elements: u32,
    elements: Cell<u32>,
    nodes: Cell<u32>,
    broken: Cell<Option<Broken>>,
}

impl GuardedSink {
    fn new(bounds: &Bounds) -> Self {
        Self {
            inner: HtmlTreeSink::new(Html::new_document()),
            max_nesting: bounds.max_nesting,
            max_elements: bounds.max_elements,
            elements: Cell::new(0),
            nodes: Cell::new(0),
            broken: Cell::new(None),
        }
    }

    /// Counts ancestors instead of remembering depths: the adoption agency moves whole subtrees.
    fn check_nesting(&self, parent: NodeId) {
        // No nesting is deeper than there are elements: most pages need no count at all.
        if self.elements.get() < self.max_nesting {
            return;
        }
        let html = self.inner.0.borrow();
        let mut depth = 0;
        let mut at = html.tree.get(parent);
        while let Some(node) = at {
            depth += 1;
            if depth > self.max_nesting {
                self.broken.set(Some(Broken::Nesting));
                return;
            }
            at = node.parent();
        }
    }

    /// Whether the child may still be put into the tree below `parent`.
    fn admits(&self, parent: NodeId, child: &NodeOrText<NodeId>) -> bool {
        self.nodes.set(self.nodes.get().wrapping_add(1));
        if matches!(child, NodeOrText::AppendNode(_)) {
            self.check_nesting(parent);
        }
        self.broken.get().is_none()
    }
}

impl TreeSink for GuardedSink {
    type Handle = NodeId;
    type Output = (Html, Option<Broken>);
    type ElemName<'a> = Ref<'a, QualName>;

    fn finish(self) -> Self::Output {
        (self.inner.finish(), self.broken.get())
    }

    fn create_element(
        &self,
        name: QualName,
        attributes: Vec<Attribute>,
        flags: ElementFlags,
    ) -> NodeId {
        let elements = self.elements.get() + 1;
        self.elements.set(elements);
        if elements > self.max_elements {
            self.broken.set(Some(Broken::Elements));
        }
        self.inner.create_element(name, attributes, flags)
    }

    fn append(&self, parent: &NodeId, child: NodeOrText<NodeId>) {
        if self.admits(*parent, &child) {
            self.inner.append(parent, child);
        }
    }

    fn append_before_sibling(&self, sibling: &NodeId, child: NodeOrText<NodeId>) {
        if self.admits(*sibling, &child) {
            self.inner.append_before_sibling(sibling, child);
        }
    }

    fn append_based_on_parent_node(
        &self,
        element: &NodeId,
        previous: &NodeId,
        child: NodeOrText<NodeId>,
    ) {
        if self.admits(*previous, &child) {
            self.inner
                .append_based_on_parent_node(element, previous, child);
        }
    }

    fn parse_error(&self, _message: Cow<'static, str>) {}

    fn set_quirks_mode(&self, mode: QuirksMode) {
        self.inner.set_quirks_mode(mode);
    }

    fn get_document(&self) -> NodeId {
        self.inner.get_document()
    }

    fn same_node(&self, one: &NodeId, other: &NodeId) -> bool {
        one == other
    }

    fn elem_name<'a>(&'a self, target: &'a NodeId) -> Ref<'a, QualName> {
        self.inner.elem_name(target)
    }

    fn create_comment(&self, text: StrTendril) -> NodeId {
        self.inner.create_comment(text)
    }

    fn create_pi(&self, target: StrTendril, content: StrTendril) -> NodeId {
        self.inner.create_pi(target, content)
    }

    fn append_doctype_to_document(&self, name: StrTendril, public: StrTendril, system: StrTendril) {
        self.inner.append_doctype_to_document(name, public, system);
    }

    fn remove_from_parent(&self, target: &NodeId) {
        self.inner.remove_from_parent(target);
    }

    fn reparent_children(&self, node: &NodeId, new_parent: &NodeId) {
        self.check_nesting(*new_parent);
        if self.broken.get().is_none() {
            self.inner.reparent_children(node, new_parent);
        }
    }

    fn add_attrs_if_missing(&self, target: &NodeId, attributes: Vec<Attribute>) {
        self.inner.add_attrs_if_missing(target, attributes);
    }

    fn get_template_contents(&self, target: &NodeId) -> NodeId {
        self.inner.get_template_contents(target)
    }
}
