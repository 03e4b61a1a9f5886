//! JSON inside a page: JSON-LD blocks, JSON in scripts, and pointers into them.

use std::borrow::Cow;

use html5ever::local_name;
use serde_json::Value as Json;

use crate::extract::find::Index;

/// Places in a script where a JSON value may begin that are tried at most.
const STARTS: usize = 64;

/// The parsed `<script type="application/ld+json">` blocks; damaged ones are left out.
pub(super) fn linked_blocks(index: &Index<'_>) -> Vec<Json> {
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
fn lenient(text: &str) -> Option<Json> {
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
    serde_json::from_str(inner).ok().or_else(|| {
        let spaced: Cow<'_, str> = inner.replace(|c: char| c.is_control(), " ").into();
        serde_json::from_str(&spaced).ok()
    })
}

/// The first value that the pointer finds: in a block as it stands, in an item of a block that
/// is an array, or in a node of a `@graph`. `Product/name` looks only at nodes of that `@type`.
/// JSON-LD may write one value as an array of one, so a name applied to an array looks into its
/// items.
pub(super) fn linked_value<'j>(blocks: &'j [Json], pointer: &str) -> Option<&'j Json> {
    let (kind, path) = match pointer.find('/') {
        Some(0) | None => (None, pointer),
        Some(at) => (Some(&pointer[..at]), &pointer[at..]),
    };
    blocks.iter().flat_map(nodes).find_map(|node| {
        if kind.is_some_and(|kind| !is_of_type(node, kind)) {
            return None;
        }
        through_arrays(node, path)
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
        Some(Json::String(own)) => own == kind,
        Some(Json::Array(own)) => own.iter().any(|one| one == kind),
        _ => false,
    }
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
pub(super) fn script_value(script: &str, pointer: &str) -> Option<Json> {
    if let Some(whole) = lenient(script) {
        return whole
            .pointer(pointer)
            .filter(|found| !found.is_null())
            .cloned();
    }
    candidates(script).find_map(|start| {
        let mut values = serde_json::Deserializer::from_str(&script[start..]).into_iter::<Json>();
        let value = values.next()?.ok()?;
        value
            .pointer(pointer)
            .filter(|found| !found.is_null())
            .cloned()
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
