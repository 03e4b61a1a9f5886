//! A compiled CSS selector, with what its last part demands of an element.

mod marks;

use std::sync::Arc;

use scraper::{
    error::SelectorErrorKind,
    selector::{Parser, Simple},
};
use selectors::parser::{Component, ParseRelative, SelectorList};

pub(crate) use marks::{Kind, mark};

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
                        Component::LocalName(name) => mark(Kind::Tag, &name.lower_name.0),
                        Component::Class(class) => mark(Kind::Class, &class.0),
                        Component::ID(id) => mark(Kind::Id, &id.0),
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

    /// As written.
    #[must_use]
    pub const fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// For matching.
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
