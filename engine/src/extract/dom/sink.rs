//! Takes what the tree builder makes into a tree, within bounds.

use std::{
    borrow::Cow,
    cell::{Cell, Ref, RefCell},
};

use html5ever::{
    Attribute, QualName, local_name, ns,
    tendril::StrTendril,
    tree_builder::{ElementFlags, NodeOrText, QuirksMode, TreeSink},
};

use super::Broken;
use crate::extract::{
    bounds::Bounds,
    tree::{Id, Tree, What},
};

/// A tree that is watched. Once a bound is broken it takes no more nodes in.
pub(super) struct GuardedSink {
    tree: RefCell<Tree>,
    max_nesting: u32,
    max_elements: u32,
    broken: Cell<Option<Broken>>,
}

impl GuardedSink {
    /// An empty tree for a text of so many bytes.
    pub(super) fn new(bytes: usize, bounds: &Bounds) -> Self {
        Self {
            tree: RefCell::new(Tree::for_page(bytes)),
            max_nesting: bounds.max_nesting,
            max_elements: bounds.max_elements,
            broken: Cell::new(None),
        }
    }

    /// The bound that was broken, if any was.
    pub(super) const fn broken(&self) -> Option<Broken> {
        self.broken.get()
    }

    /// Counts ancestors instead of remembering depths: the adoption agency moves whole subtrees.
    fn check_nesting(&self, parent: Id) {
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
                self.broken.set(Some(Broken::Nesting));
                return;
            }
            at = tree.parent(node);
        }
    }

    /// Whether the child may still be put into the tree below `parent`.
    fn admits(&self, parent: Id, child: &NodeOrText<Id>) -> bool {
        if matches!(child, NodeOrText::AppendNode(_)) {
            self.check_nesting(parent);
        }
        self.broken.get().is_none()
    }
}

/// Text joins the text node it would follow, else it becomes one.
fn joined(tree: &mut Tree, before: Option<Id>, text: StrTendril) -> Option<Id> {
    match before.and_then(|before| tree.text_mut(before)) {
        Some(known) => {
            known.push_tendril(&text);
            None
        }
        None => Some(tree.add(What::Text(text))),
    }
}

impl TreeSink for GuardedSink {
    type Handle = Id;
    type Output = Tree;
    type ElemName<'a> = Ref<'a, QualName>;

    fn finish(self) -> Tree {
        self.tree.into_inner()
    }

    fn parse_error(&self, _message: Cow<'static, str>) {}

    fn set_quirks_mode(&self, _mode: QuirksMode) {}

    fn get_document(&self) -> Id {
        Tree::root()
    }

    fn same_node(&self, one: &Id, other: &Id) -> bool {
        one == other
    }

    fn elem_name<'a>(&'a self, target: &'a Id) -> Ref<'a, QualName> {
        Ref::map(self.tree.borrow(), |tree| tree.name(*target))
    }

    fn create_element(
        &self,
        name: QualName,
        attributes: Vec<Attribute>,
        _flags: ElementFlags,
    ) -> Id {
        let is_template = name.ns == ns!(html) && name.local == local_name!("template");
        let mut tree = self.tree.borrow_mut();
        let element = tree.add_element(name, attributes);
        if tree.elements() > self.max_elements as usize {
            self.broken.set(Some(Broken::Elements));
        }
        if is_template {
            tree.add_contents(element);
        }
        element
    }

    fn create_comment(&self, text: StrTendril) -> Id {
        self.tree.borrow_mut().add(What::Comment(text))
    }

    /// HTML has none: the tokenizer makes comments of them.
    fn create_pi(&self, _target: StrTendril, content: StrTendril) -> Id {
        self.create_comment(content)
    }

    /// No rule of a site file asks for it.
    fn append_doctype_to_document(&self, _: StrTendril, _: StrTendril, _: StrTendril) {}

    fn append(&self, parent: &Id, child: NodeOrText<Id>) {
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

    fn append_before_sibling(&self, sibling: &Id, child: NodeOrText<Id>) {
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

    fn append_based_on_parent_node(&self, element: &Id, previous: &Id, child: NodeOrText<Id>) {
        let has_parent = self.tree.borrow().parent(*element).is_some();
        if has_parent {
            self.append_before_sibling(element, child);
        } else {
            self.append(previous, child);
        }
    }

    fn remove_from_parent(&self, target: &Id) {
        self.tree.borrow_mut().detach(*target);
    }

    fn reparent_children(&self, node: &Id, new_parent: &Id) {
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

    fn add_attrs_if_missing(&self, target: &Id, attributes: Vec<Attribute>) {
        let mut tree = self.tree.borrow_mut();
        let own = tree.attributes_mut(*target);
        for attribute in attributes {
            if own.iter().all(|known| known.name != attribute.name) {
                own.push(attribute);
            }
        }
    }

    fn get_template_contents(&self, target: &Id) -> Id {
        self.tree.borrow().contents(*target)
    }
}
