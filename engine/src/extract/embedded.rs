//! JSON inside a page: JSON-LD blocks, JSON in scripts, and pointers into them.

use std::borrow::Cow;

use html5ever::local_name;
use serde_json::Value as Json;

use crate::extract::{digits, find::Index};

/// Places in a script where a JSON value may begin that are tried at most.
const STARTS: usize = 64;

/// JSON as parsed and as written.
pub(super) struct Block {
    json: Json,
    text: String,
}

/// What a pointer found; its text only where parsing may have changed a number's digits.
pub(super) struct Found<'j> {
    pub(super) json: Cow<'j, Json>,
    pub(super) written: Option<Cow<'j, str>>,
}

impl<'j> Found<'j> {
    /// Read from this text by this pointer.
    pub(super) fn borrowed(json: &'j Json, text: &'j str, pointer: &str) -> Self {
        let written = digits::may_be_lost(json).then(|| digits::at(text, pointer));
        Self {
            json: Cow::Borrowed(json),
            written: written.flatten().map(Cow::Borrowed),
        }
    }

    fn copied(json: &Json, text: &str, pointer: &str) -> Self {
        let found = Found::borrowed(json, text, pointer);
        Self {
            json: Cow::Owned(json.clone()),
            written: found.written.map(|text| Cow::Owned(text.into_owned())),
        }
    }

    /// Not from a text.
    pub(super) const fn plain(json: Cow<'j, Json>) -> Self {
        Self {
            json,
            written: None,
        }
    }
}

/// The parsed `<script type="application/ld+json">` blocks; damaged ones are left out.
pub(super) fn linked_blocks(index: &Index<'_>) -> Vec<Block> {
    index
        .named(local_name!("script"))
        .filter(|element| {
            element.attribute("type").is_some_and(|kind| {
                let essence = kind.split(';').next().unwrap_or_default().trim();
                essence.eq_ignore_ascii_case("application/ld+json")
            })
        })
        .filter_map(|element| {
            let text: String = element.text().collect();
            lenient(&text)
        })
        .collect()
}

/// JSON-LD as found: perhaps inside an HTML comment or CDATA, with a semicolon after it or raw
/// control characters in its strings.
fn lenient(text: &str) -> Option<Block> {
    let mut inner = text.trim();
    for (open, close) in [
        ("<!--", "-->"),
        ("//<![CDATA[", "//]]>"),
        ("<![CDATA[", "]]>"),
    ] {
        inner = inner.strip_prefix(open).unwrap_or(inner).trim_start();
        inner = inner.strip_suffix(close).unwrap_or(inner).trim_end();
    }
    let inner = inner.trim_end_matches(';').trim_end();
    let block = |text: String| {
        let json = serde_json::from_str(&text).ok()?;
        Some(Block { json, text })
    };
    block(inner.to_owned()).or_else(|| block(inner.replace(|c: char| c.is_control(), " ")))
}

/// The first value that the pointer finds: in a block as it stands, in an item of a block that
/// is an array, or in a node of a `@graph`. `Product/name` looks only at nodes of that `@type`.
/// JSON-LD may write one value as an array of one, so a name applied to an array looks into its
/// items.
pub(super) fn linked_value<'j>(blocks: &'j [Block], pointer: &str) -> Option<Found<'j>> {
    let (kind, path) = match pointer.find('/') {
        Some(0) | None => (None, pointer),
        Some(at) => (Some(&pointer[..at]), &pointer[at..]),
    };
    blocks.iter().find_map(|block| {
        let json = nodes(&block.json)
            .filter(|node| kind.is_none_or(|kind| is_of_type(node, kind)))
            .find_map(|node| through_arrays(node, path))?;
        if !digits::may_be_lost(json) {
            return Some(Found::plain(Cow::Borrowed(json)));
        }
        let place = digits::pointer_to(&block.json, json).unwrap_or_default();
        Some(Found::borrowed(json, &block.text, &place))
    })
}

/// A block itself, then the items of its array or graph.
fn nodes(block: &Json) -> impl Iterator<Item = &Json> {
    fn items(value: &Json) -> &[Json] {
        value.as_array().map_or(&[], Vec::as_slice)
    }
    fn graph(node: &Json) -> &[Json] {
        node.get("@graph").map_or(&[], items)
    }
    std::iter::once(block).chain(graph(block)).chain(
        items(block)
            .iter()
            .flat_map(|item| std::iter::once(item).chain(graph(item))),
    )
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
    own.rsplit(['/', ':', '#']).next() == Some(kind)
}

fn through_arrays<'j>(value: &'j Json, path: &str) -> Option<&'j Json> {
    let Some(rest) = path.strip_prefix('/') else {
        return Some(value).filter(|value| !value.is_null());
    };
    let (token, after) = match rest.find('/') {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    let name = token.replace("~1", "/").replace("~0", "~");
    match value {
        Json::Object(map) => through_arrays(map.get(&name)?, after),
        Json::Array(items) => match name.parse::<usize>() {
            Ok(at) => through_arrays(items.get(at)?, after),
            Err(_) => items.iter().find_map(|item| through_arrays(item, path)),
        },
        _ => None,
    }
}

/// What a JSON pointer finds in a script: the script is JSON, or assigns some
/// (`window.state = {…};`).
pub(super) fn script_value(script: &str, pointer: &str) -> Option<Found<'static>> {
    let found = |json: &Json, text: &str| {
        let value = json.pointer(pointer).filter(|found| !found.is_null())?;
        Some(Found::copied(value, text, pointer))
    };
    if let Some(whole) = lenient(script) {
        return found(&whole.json, &whole.text);
    }
    candidates(script).find_map(|start| {
        let text = &script[start..];
        let mut values = serde_json::Deserializer::from_str(text).into_iter::<Json>();
        let value = values.next()?.ok()?;
        found(&value, text)
    })
}

/// Where JSON values may begin: after an `=` first, then at any bracket.
fn candidates(script: &str) -> impl Iterator<Item = usize> {
    let opens = |at: &usize| matches!(script.as_bytes().get(*at), Some(b'{' | b'['));
    let assigned = script.match_indices('=').filter_map(move |(at, _)| {
        let after = &script[at + 1..];
        let start = at + 1 + (after.len() - after.trim_start().len());
        Some(start).filter(opens)
    });
    let anywhere = script.match_indices(['{', '[']).map(|(at, _)| at);
    assigned.take(STARTS).chain(anywhere.take(STARTS))
}
