//! A compiled CSS selector, with what its last part demands of an element.

use std::{hash::Hasher, sync::Arc};

use rustc_hash::FxHasher;
use scraper::{
    error::SelectorErrorKind,
    selector::{Parser, Simple},
};
use selectors::parser::{Component, ParseRelative, SelectorList};

/// One selector, or several with commas between them.
#[derive(Debug, Clone)]
pub struct Selector {
    list: SelectorList<Simple>,
    text: Arc<str>,
    demands: Box<[u64]>,
    siblings: bool,
}

impl Selector {
    /// Compiles a selector.
    ///
    /// # Errors
    /// It is none, or has parts that are not supported.
    pub fn parse(text: &str) -> Result<Self, SelectorErrorKind> {
        let mut parser = cssparser::Parser::new(text);
        let list = SelectorList::parse(&Parser, &mut parser, ParseRelative::No)?;
        let demands = list.slice().iter().map(|one| {
            one.iter().fold(0, |marks, part| {
                marks
                    | match part {
                        Component::LocalName(name) => mark(Named::Tag, &name.lower_name.0),
                        Component::Class(class) => mark(Named::Class, &class.0),
                        Component::ID(id) => mark(Named::Id, &id.0),
                        _ => 0,
                    }
            })
        });
        Ok(Self {
            demands: demands.collect(),
            // Also within `:has(…)` and the like.
            siblings: text.contains('~'),
            list,
            text: text.into(),
        })
    }

    /// The selector as it was written.
    #[must_use]
    pub const fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// The compiled alternatives, which `selectors` matches.
    pub(crate) const fn list(&self) -> &SelectorList<Simple> {
        &self.list
    }

    /// Whether an element with these marks may match at all.
    pub(crate) fn admits(&self, marks: u64) -> bool {
        self.demands.iter().any(|demand| marks & demand == *demand)
    }

    /// Whether it may look at all siblings before an element.
    pub(crate) const fn looks_at_siblings(&self) -> bool {
        self.siblings
    }
}

/// What a name is the name of.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Named {
    /// An element's, without regard to case.
    Tag,
    Class,
    Id,
}

/// One bit of 64 for the name of a tag, a class or an id: an element that lacks a bit which a
/// selector's last part demands cannot match it.
pub(crate) fn mark(named: Named, name: &str) -> u64 {
    let mut hasher = FxHasher::default();
    if matches!(named, Named::Tag) && name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        hasher.write(name.to_ascii_lowercase().as_bytes());
    } else {
        hasher.write(name.as_bytes());
    }
    hasher.write_u8(named as u8);
    1 << (hasher.finish() & 63)
}
