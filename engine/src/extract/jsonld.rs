//! JSON-LD of a page: its blocks, the nodes in them, and what a path finds there (SPEC A8).

use std::{borrow::Cow, cell::OnceCell};

use html5ever::local_name;
use rustc_hash::FxHashMap;
use serde_json::Value as Json;

use crate::{
    extract::{
        bounds::PageBudget,
        embedded_json::{self, JsonMatch, ParsedJson, tokens},
        select::ElementIndex,
    },
    model::decimal,
};

/// Objects and arrays on the way to one value: what refers to itself ends here.
const MOST_STEPS: u32 = 256;

/// Steps that it costs to make an `@id` comparable, beside its length.
const ID: usize = 32;

/// The parsed `<script type="application/ld+json">` blocks of a page.
#[derive(Default)]
pub(super) struct JsonLdBlocks {
    read: Vec<ParsedJson>,
    /// Blocks that hold something that is no JSON.
    pub(super) unread: u32,
    /// Which of all blocks is the first of these, from 1, and why.
    first_unread: Option<(usize, String)>,
}

impl JsonLdBlocks {
    pub(super) fn of(index: &ElementIndex<'_>) -> Self {
        let mut blocks = Self::default();
        let scripts = index.named(local_name!("script")).filter(|element| {
            element.attribute("type").is_some_and(|kind| {
                let essence = kind.split(';').next().unwrap_or_default().trim();
                essence.eq_ignore_ascii_case("application/ld+json")
            })
        });
        for (place, element) in (1..).zip(scripts) {
            let text: String = element.text().collect();
            if !index.budget.scan(text.len()) {
                break;
            }
            match embedded_json::read(&text) {
                Some(Ok(block)) => blocks.read.push(block),
                Some(Err(error)) => {
                    blocks.unread += 1;
                    blocks.first_unread.get_or_insert((place, error));
                }
                None => {}
            }
        }
        blocks
    }

    /// What a person is told of the blocks that cannot be read.
    pub(super) fn problem(&self) -> Option<String> {
        let (place, error) = self.first_unread.as_ref()?;
        let all = match self.unread {
            1 => "a JSON-LD block of the page cannot be read".to_owned(),
            n => format!("{n} JSON-LD blocks of the page cannot be read"),
        };
        Some(format!("{all}: block {place}: {error}"))
    }
}

/// A value, and the block that it stands in.
#[derive(Clone, Copy)]
struct BlockValue<'j> {
    block: &'j ParsedJson,
    json: &'j Json,
}

impl<'j> BlockValue<'j> {
    const fn to(self, json: &'j Json) -> Self {
        Self { json, ..self }
    }
}

/// The nodes of a page's blocks.
pub(super) struct JsonLd<'j> {
    blocks: &'j [ParsedJson],
    nodes: Vec<BlockValue<'j>>,
    named: OnceCell<FxHashMap<String, Vec<BlockValue<'j>>>>,
}

impl<'j> JsonLd<'j> {
    pub(super) fn new(blocks: &'j JsonLdBlocks, budget: &PageBudget) -> Self {
        let mut all = Vec::new();
        for block in &blocks.read {
            let top = BlockValue {
                block,
                json: &block.json,
            };
            nodes(top, &mut all);
        }
        budget.work(all.len());
        Self {
            blocks: &blocks.read,
            nodes: all,
            named: OnceCell::new(),
        }
    }

    /// What a path finds: in the first node of its type (`Product/name`), or, without one, in the
    /// first node that has it. JSON-LD may write one value as an array of one, so a name applied to
    /// an array looks into its items; and a value may be told elsewhere on the page under the same
    /// `@id`, which `absolute` makes comparable.
    pub(super) fn find(
        &self,
        path: &str,
        budget: &PageBudget,
        absolute: &dyn Fn(&str) -> String,
    ) -> Option<JsonMatch<'j>> {
        let (kind, pointer) = match path.find('/') {
            Some(0) | None => (None, path),
            Some(at) => (Some(&path[..at]), &path[at..]),
        };
        let names: Vec<Cow<'_, str>> = tokens(pointer).collect();
        let search = Search {
            linked: self,
            budget,
            absolute,
        };
        let mut nodes = self.nodes.iter().filter(|_| budget.work(1));
        let found = match kind {
            Some(kind) => {
                let first = nodes.find(|node| is_of_type(node.json, kind))?;
                search.walk(*first, &names, 0)
            }
            None => nodes.find_map(|node| search.walk(*node, &names, 0)),
        }?;
        if !decimal::may_be_lost(found.json) {
            return Some(JsonMatch::plain(Cow::Borrowed(found.json)));
        }
        budget.scan(found.block.text.len());
        let place = decimal::pointer_to(&found.block.json, found.json).unwrap_or_default();
        let text = &found.block.text;
        Some(JsonMatch::borrowed(found.json, text, &place, budget))
    }
}

/// One look along a path.
struct Search<'s, 'j> {
    linked: &'s JsonLd<'j>,
    budget: &'s PageBudget,
    absolute: &'s dyn Fn(&str) -> String,
}

impl<'j> Search<'_, 'j> {
    fn walk(
        &self,
        at: BlockValue<'j>,
        path: &[Cow<'_, str>],
        steps: u32,
    ) -> Option<BlockValue<'j>> {
        if steps > MOST_STEPS || !self.budget.work(1) {
            return None;
        }
        let Some((name, rest)) = path.split_first() else {
            return self.itself(at);
        };
        let below = |at: BlockValue<'j>| {
            let value = at.json.get(&**name)?;
            self.walk(at.to(value), rest, steps + 1)
        };
        match at.json {
            Json::Object(_) => below(at).or_else(|| {
                let others = self.elsewhere(at).iter().copied();
                others.take_while(|_| self.budget.work(1)).find_map(below)
            }),
            Json::Array(items) => {
                if let Ok(place) = name.parse::<usize>() {
                    return self.walk(at.to(items.get(place)?), rest, steps + 1);
                }
                let mut items = items.iter().take_while(|_| self.may_go_on());
                items.find_map(|item| self.walk(at.to(item), path, steps + 1))
            }
            _ => None,
        }
    }

    /// Each of many items may lead on to many: only the page's bound ends that.
    fn may_go_on(&self) -> bool {
        self.budget.over().is_none()
    }

    /// The value; what a bare reference means, where the page has it.
    fn itself(&self, at: BlockValue<'j>) -> Option<BlockValue<'j>> {
        if at.json.is_null() {
            return None;
        }
        if !is_reference(at.json) {
            return Some(at);
        }
        Some(self.elsewhere(at).first().copied().unwrap_or(at))
    }

    /// All objects of the page that tell something under the same `@id`.
    fn elsewhere(&self, at: BlockValue<'j>) -> &[BlockValue<'j>] {
        let Some(id) = at.json.get("@id").and_then(Json::as_str) else {
            return &[];
        };
        if !self.budget.work(ID + id.len()) {
            return &[];
        }
        let named = self.linked.named.get_or_init(|| {
            let mut named = FxHashMap::default();
            for block in self.linked.blocks {
                let json = &block.json;
                self.gather(BlockValue { block, json }, &mut named);
            }
            named
        });
        named.get(&(self.absolute)(id)).map_or(&[], Vec::as_slice)
    }

    /// Notes each object that tells something under an `@id`. JSON is read only so deep, so this goes
    /// no deeper.
    fn gather(&self, at: BlockValue<'j>, named: &mut FxHashMap<String, Vec<BlockValue<'j>>>) {
        if !self.budget.work(1) {
            return;
        }
        match at.json {
            Json::Object(map) => {
                if let Some(id) = map.get("@id").and_then(Json::as_str)
                    && !is_reference(at.json)
                    && self.budget.work(ID + id.len())
                {
                    named.entry((self.absolute)(id)).or_default().push(at);
                }
                for value in map.values() {
                    self.gather(at.to(value), named);
                }
            }
            Json::Array(items) => {
                for item in items {
                    self.gather(at.to(item), named);
                }
            }
            _ => {}
        }
    }
}

/// A block itself, then the items of its array, each with what stands in its graph.
fn nodes<'j>(at: BlockValue<'j>, all: &mut Vec<BlockValue<'j>>) {
    let with_graph = |node: &'j Json, all: &mut Vec<BlockValue<'j>>| {
        all.push(at.to(node));
        match node.get("@graph") {
            Some(Json::Array(items)) => all.extend(items.iter().map(|item| at.to(item))),
            Some(graph @ Json::Object(map)) => {
                all.push(at.to(graph));
                // Some number their nodes: `{"0": {…}, "1": {…}}`.
                if !map.keys().any(|name| name.starts_with('@')) {
                    let inner = map.values().filter(|value| value.is_object());
                    all.extend(inner.map(|value| at.to(value)));
                }
            }
            _ => {}
        }
    };
    with_graph(at.json, all);
    for item in at.json.as_array().into_iter().flatten() {
        with_graph(item, all);
    }
}

/// Nothing but a name for what is told elsewhere.
fn is_reference(json: &Json) -> bool {
    json.as_object().is_some_and(|map| {
        map.contains_key("@id") && map.keys().all(|name| name == "@id" || name == "@type")
    })
}

fn is_of_type(node: &Json, kind: &str) -> bool {
    match node.get("@type") {
        Some(Json::String(own)) => is_named(own, kind),
        Some(Json::Array(own)) => own
            .iter()
            .any(|one| one.as_str().is_some_and(|one| is_named(one, kind))),
        _ => false,
    }
}

/// A type may be written with its vocabulary: `http://schema.org/Product`, `schema:Product`.
fn is_named(own: &str, kind: &str) -> bool {
    let name = own.rsplit(['/', ':', '#']).next();
    name.is_some_and(|name| name.eq_ignore_ascii_case(kind))
}

#[cfg(test)]
mod tests;
