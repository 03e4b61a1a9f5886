//! One opened page: its elements, its base URL, and its embedded JSON, read when first asked for.

use std::cell::OnceCell;

use encoding_rs::Encoding;
use html5ever::{local_name, ns};
use serde_json::Value as Json;
use url::Url;

use crate::{
    extract::{
        bounds::PageBudget,
        embedded_json::JsonMatch,
        jsonld::{JsonLd, JsonLdBlocks},
        label_rows::RowCache,
        output::PageInput,
        select::ElementIndex,
    },
    site::{
        compiled::Take,
        scope::{joined, resolve_in},
    },
};

/// What field and link rules read.
pub(super) struct Page<'p> {
    pub(super) input: &'p PageInput<'p>,
    pub(super) text: &'p str,
    pub(super) charset: &'static Encoding,
    pub(super) elements: ElementIndex<'p>,
    /// Labelled rows found so far.
    pub(super) rows: RowCache,
    base: Option<Url>,
    body: OnceCell<Option<Json>>,
    blocks: &'p OnceCell<JsonLdBlocks>,
    linked: OnceCell<JsonLd<'p>>,
}

impl<'p> Page<'p> {
    pub(super) fn new(
        input: &'p PageInput<'p>,
        text: &'p str,
        charset: &'static Encoding,
        elements: ElementIndex<'p>,
        blocks: &'p OnceCell<JsonLdBlocks>,
    ) -> Self {
        let base = base(input, &elements);
        Self {
            input,
            text,
            charset,
            elements,
            rows: RowCache::default(),
            base,
            body: OnceCell::new(),
            blocks,
            linked: OnceCell::new(),
        }
    }

    /// The absolute URL of a reference on this page.
    pub(super) fn absolute(&self, reference: &str) -> Option<Url> {
        match &self.base {
            Some(base) => joined(base, reference, self.charset),
            None => Url::parse(reference).ok(),
        }
    }

    /// The page that a link means, if any: see [`resolve`].
    pub(super) fn followed(&self, href: &str) -> Option<Url> {
        resolve_in(self.base.as_ref()?, href, self.charset)
    }

    /// What a link's selector takes: by default the element's `href`, or its text where it has
    /// none.
    pub(super) fn reference(&self, at: usize, take: &Take) -> Option<String> {
        let href = match take {
            Take::Text => {
                let href = Take::Attribute("href".to_owned());
                self.elements.take(at, &href, true)
            }
            _ => None,
        };
        let found = href.or_else(|| self.elements.take(at, take, true))?;
        // References are gathered, so that each byte counts.
        let trimmed = found.trim();
        (!trimmed.is_empty() && self.budget().work(trimmed.len())).then(|| trimmed.to_owned())
    }

    /// The references of what a selector of links means: of the element itself, else of the links
    /// in it, else of the link around it, else its text where that was asked for.
    pub(super) fn links_of(&self, at: usize, wanted: &Take) -> Vec<String> {
        let is_href = match wanted {
            Take::Text => true,
            Take::Attribute(name) => name == "href",
            Take::Own | Take::Html => false,
        };
        let own = Take::Attribute("href".to_owned());
        let take = if is_href { &own } else { wanted };
        if let Some(own) = self.reference(at, take) {
            return vec![own];
        }
        if !is_href {
            return Vec::new();
        }
        let near = self.elements.links_near(at).into_iter();
        let near: Vec<String> = near.map(str::to_owned).collect();
        match wanted {
            Take::Text if near.is_empty() => self.reference(at, wanted).into_iter().collect(),
            _ => near,
        }
    }

    /// The body as JSON.
    pub(super) fn body(&self) -> Option<&Json> {
        self.body
            .get_or_init(|| serde_json::from_str(self.text).ok())
            .as_ref()
    }

    /// What the page has cost and yielded so far.
    pub(super) const fn budget(&self) -> &PageBudget {
        &self.elements.budget
    }

    /// What a path finds in the page's JSON-LD.
    pub(super) fn linked(&self, path: &str) -> Option<JsonMatch<'_>> {
        let linked = self
            .linked
            .get_or_init(|| JsonLd::new(self.blocks(), self.budget()));
        let absolute = |id: &str| {
            let absolute = self.absolute(id);
            absolute.map_or_else(|| id.to_owned(), String::from)
        };
        linked.find(path, self.budget(), &absolute)
    }

    fn blocks(&self) -> &'p JsonLdBlocks {
        self.blocks.get_or_init(|| JsonLdBlocks::of(&self.elements))
    }

    /// The JSON-LD blocks, if a field has asked for them.
    pub(super) fn blocks_read(&self) -> Option<&'p JsonLdBlocks> {
        self.blocks.get()
    }
}

/// The first `<base href>` of HTML, resolved against where the answer came from.
fn base(input: &PageInput<'_>, elements: &ElementIndex<'_>) -> Option<Url> {
    let own = Url::parse(input.final_url)
        .or_else(|_| Url::parse(input.url))
        .ok();
    let declared = elements
        .named(local_name!("base"))
        .filter(|element| element.name().ns == ns!(html))
        .find_map(|element| element.attribute("href"))
        .and_then(|href| match &own {
            Some(own) => own.join(href).ok(),
            None => Url::parse(href).ok(),
        })
        .filter(|base| matches!(base.scheme(), "http" | "https"));
    declared.or(own)
}
