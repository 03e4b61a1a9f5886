//! What stands in an element, written as HTML again.

use std::io;

use html5ever::serialize::{Serialize, SerializeOpts, Serializer, TraversalScope, serialize};

use super::{Element, Id, Tree, What};

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
        let (tree, top) = (self.tree, self.id);
        let mut next = tree.first(top);
        while let Some(id) = next {
            open(tree, id, out)?;
            next = tree.first(id);
            let mut at = id;
            while next.is_none() && at != top {
                close(tree, at, out)?;
                next = tree.after(at);
                if next.is_none() {
                    let Some(parent) = tree.parent(at) else { break };
                    at = parent;
                }
            }
        }
        Ok(())
    }
}

fn open<S: Serializer>(tree: &Tree, id: Id, out: &mut S) -> io::Result<()> {
    match (tree.what(id), tree.element(id)) {
        (What::Text(text), _) => out.write_text(text),
        (What::Comment(text), _) => out.write_comment(text),
        (_, Some(element)) => {
            let attributes = element.attributes().iter();
            out.start_elem(
                element.name().clone(),
                attributes.map(|own| (&own.name, &*own.value)),
            )
        }
        _ => Ok(()),
    }
}

fn close<S: Serializer>(tree: &Tree, id: Id, out: &mut S) -> io::Result<()> {
    match tree.element(id) {
        Some(element) => out.end_elem(element.name().clone()),
        None => Ok(()),
    }
}
