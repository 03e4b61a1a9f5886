//! HTML through a guarded tree sink: nesting, elements and attributes are bounded while the tree
//! grows, so that no page costs quadratic time or overflows a stack (SPEC N2).
//!
//! Tokenizer, tree and selectors of our own give a whole crawl 1.48 times the pages per CPU-second
//! that html5ever with scraper does (`crawlfield-bench parser`, median of five pairs); without them
//! these bounds would have to be guarded from outside.

mod names;
mod reference;
mod script;
mod sink;
mod tokens;

use encoding_rs::Encoding;
use html5ever::{
    tendril::StrTendril,
    tree_builder::{TreeBuilder, TreeBuilderOpts, TreeSink},
};

use crate::{
    extract::{
        bounds::Bounds,
        dom::{
            sink::GuardedSink,
            tokens::{Tokens, TooManyAttributes},
        },
        tree::Tree,
    },
    model::class::ErrorClass,
};

/// Bytes read between two looks at the clock.
const CHUNK: usize = 4_096;

/// How a page is read.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Manner {
    /// As XML an element ends where it begins if its tag says so (`<title/>`).
    pub(super) is_xml: bool,
    /// What the text was decoded as, while the page may declare another character set.
    pub(super) unsure_of: Option<&'static Encoding>,
}

/// What came of parsing.
pub(super) enum Parsed {
    Tree(Tree),
    /// The page declares a character set that it was not decoded as.
    Declared(&'static Encoding),
}

/// Parses a page, or says which bound it broke.
pub(super) fn parse(
    text: &str,
    manner: Manner,
    bounds: &Bounds,
    expired: &dyn Fn() -> bool,
) -> Result<Parsed, (ErrorClass, String)> {
    let too_large = |what: String| (ErrorClass::TooLarge, what);
    if u32::try_from(text.len()).is_err() {
        return Err(too_large("the page has more than 4 GiB of text".to_owned()));
    }
    let whole = with_line_feeds(text);
    let options = TreeBuilderOpts {
        // We run no scripts, so what stands in <noscript> is part of the page.
        scripting_enabled: false,
        ..TreeBuilderOpts::default()
    };
    let builder = TreeBuilder::new(GuardedSink::new(text.len(), bounds), options);
    let mut tokens = Tokens::new(&whole, &builder, bounds.max_attributes, manner);
    let mut look_at = 0;
    loop {
        let more = tokens.step();
        let broken = match more {
            Ok(_) => builder.sink.broken(),
            Err(TooManyAttributes) => Some(Broken::Attributes),
        };
        if let Some(broken) = broken {
            return Err(too_large(broken.message(bounds)));
        }
        if let Some(declared) = tokens.declared()
            && manner.unsure_of != Some(declared)
        {
            return Ok(Parsed::Declared(declared));
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
            return Ok(Parsed::Tree(builder.sink.finish()));
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

#[cfg(test)]
mod tests;
