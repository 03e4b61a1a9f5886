//! Numbers of a JSON text as the page wrote them: `12.50` stays `12.50`, which a parsed value
//! cannot tell from `12.5`.

use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value as Json;

/// Whether a value is, or holds, a number whose digits its parsed form may not keep.
pub(super) fn may_be_lost(json: &Json) -> bool {
    match json {
        Json::Number(number) => number.is_f64(),
        Json::Array(items) => items.iter().any(may_be_lost),
        Json::Object(map) => map.values().any(may_be_lost),
        _ => false,
    }
}

/// A valid JSON text without the white space between its parts.
pub(super) fn compact(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let (mut in_string, mut escaped) = (false, false);
    for letter in json.chars() {
        if !in_string && letter.is_ascii_whitespace() {
            continue;
        }
        out.push(letter);
        in_string ^= letter == '"' && !escaped;
        escaped = in_string && letter == '\\' && !escaped;
    }
    out
}

/// The text of the value that a JSON pointer finds in a valid JSON text.
pub(super) fn at<'t>(text: &'t str, pointer: &str) -> Option<&'t str> {
    let mut rest = text.trim_start();
    for token in pointer.split('/').skip(1) {
        let name = token.replace("~1", "/").replace("~0", "~");
        rest = match rest.strip_prefix('[') {
            Some(items) => item(items, name.parse().ok()?)?,
            None => member(rest.strip_prefix('{')?, &name)?,
        };
    }
    let (_, end) = value::<IgnoredAny>(rest)?;
    Some(rest[..end].trim_end())
}

/// The texts of an array's items.
pub(super) fn items(array: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = array.strip_prefix('[').unwrap_or_default().trim_start();
    while let Some((_, end)) = value::<IgnoredAny>(rest) {
        found.push(rest[..end].trim_end());
        rest = rest[end..].trim_start();
        match rest.strip_prefix(',') {
            Some(after) => rest = after.trim_start(),
            None => break,
        }
    }
    found
}

/// Where a value stands in the tree that holds it, as a JSON pointer.
pub(super) fn pointer_to(tree: &Json, wanted: &Json) -> Option<String> {
    if std::ptr::eq(tree, wanted) {
        return Some(String::new());
    }
    let below = |name: &str, json| Some(format!("/{name}{}", pointer_to(json, wanted)?));
    match tree {
        Json::Object(map) => map
            .iter()
            .find_map(|(name, json)| below(&name.replace('~', "~0").replace('/', "~1"), json)),
        Json::Array(items) => items
            .iter()
            .enumerate()
            .find_map(|(at, json)| below(&at.to_string(), json)),
        _ => None,
    }
}

fn item(items: &str, at: usize) -> Option<&str> {
    let mut rest = items.trim_start();
    for _ in 0..at {
        rest = rest[value::<IgnoredAny>(rest)?.1..].trim_start();
        rest = rest.strip_prefix(',')?.trim_start();
    }
    Some(rest)
}

/// The last member of this name counts, as it does in a parsed value.
fn member<'t>(members: &'t str, name: &str) -> Option<&'t str> {
    let mut rest = members.trim_start();
    let mut found = None;
    while rest.starts_with('"') {
        let (key, end) = value::<String>(rest)?;
        rest = rest[end..].trim_start().strip_prefix(':')?.trim_start();
        if key == name {
            found = Some(rest);
        }
        rest = rest[value::<IgnoredAny>(rest)?.1..].trim_start();
        rest = rest.strip_prefix(',').map_or(rest, str::trim_start);
    }
    found
}

/// The value that a text begins with, and where it ends.
fn value<T: DeserializeOwned>(text: &str) -> Option<(T, usize)> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<T>();
    let value = values.next()?.ok()?;
    Some((value, values.byte_offset()))
}
