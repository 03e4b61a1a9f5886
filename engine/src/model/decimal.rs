//! Numbers as pages write them, with their digits: `12.50` stays `12.50`, which a parsed value
//! cannot tell from `12.5`. As text, and in a JSON text.

use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::{Number, Value as Json};

/// Decimal or `0x` hex, with a sign.
pub(crate) fn integer(text: &str) -> Option<i64> {
    let (negative, digits) = sign(text);
    let magnitude = match digits.strip_prefix("0x").or(digits.strip_prefix("0X")) {
        Some(hex) if hex.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            i128::from(u64::from_str_radix(hex, 16).ok()?)
        }
        None if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            i128::from(digits.parse::<u64>().ok()?)
        }
        _ => return None,
    };
    i64::try_from(if negative { -magnitude } else { magnitude }).ok()
}

/// The digits as read, in the form of a JSON number: no plus, no leading zeros, a digit on both
/// sides of the point.
pub(crate) fn decimal(text: &str) -> Option<String> {
    let (negative, number) = sign(text);
    let (number, exponent) = match number.find(['e', 'E']) {
        Some(at) => number.split_at(at),
        None => (number, ""),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let power = exponent
        .get(1..)
        .map(|power| power.strip_prefix(['+', '-']).unwrap_or(power));
    let fits = digits(whole)
        && digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && power.is_none_or(|power| !power.is_empty() && digits(power));
    if !fits {
        return None;
    }
    let whole = whole.trim_start_matches('0');
    let mut out = String::with_capacity(text.len() + 2);
    out.push_str(if negative { "-" } else { "" });
    out.push_str(if whole.is_empty() { "0" } else { whole });
    if !fraction.is_empty() {
        out.push('.');
        out.push_str(fraction);
    }
    out.push_str(exponent);
    Some(out)
}

/// Whether there is a minus, and what follows the sign.
fn sign(text: &str) -> (bool, &str) {
    let text = text.trim();
    match text.strip_prefix('-').or(text.strip_prefix('\u{2212}')) {
        Some(rest) => (true, rest.trim_start()),
        None => (false, text.strip_prefix('+').unwrap_or(text).trim_start()),
    }
}

/// Whether a text means yes or no.
pub(crate) fn boolean(text: &str) -> Option<bool> {
    let is = |words: [&str; 3]| {
        words
            .iter()
            .any(|word| text.trim().eq_ignore_ascii_case(word))
    };
    if is(["true", "yes", "1"]) {
        Some(true)
    } else if is(["false", "no", "0"]) {
        Some(false)
    } else {
        None
    }
}

/// Whether a parsed number is written with the same digits.
pub(crate) fn keeps_digits(digits: &str) -> bool {
    serde_json::from_str::<Number>(digits).is_ok_and(|number| number.to_string() == digits)
}

/// Whether a value is, or holds, a number whose digits its parsed form may not keep.
pub(crate) fn may_be_lost(json: &Json) -> bool {
    match json {
        Json::Number(number) => number.is_f64(),
        Json::Array(items) => items.iter().any(may_be_lost),
        Json::Object(map) => map.values().any(may_be_lost),
        _ => false,
    }
}

/// A valid JSON text without the white space between its parts.
pub(crate) fn compact(json: &str) -> String {
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
pub(crate) fn at<'t>(text: &'t str, pointer: &str) -> Option<&'t str> {
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
pub(crate) fn items(array: &str) -> Vec<&str> {
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
pub(crate) fn pointer_to(tree: &Json, wanted: &Json) -> Option<String> {
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

#[cfg(test)]
mod tests;
