//! JSON in pages: in a script, behind a pointer, and as pages write it: with a byte order mark,
//! inside comments or CDATA, with trailing commas, raw control characters in its strings, or a
//! semicolon at its end.

use std::borrow::Cow;

use serde_json::Value as Json;

use crate::{extract::bounds::PageBudget, model::decimal};

/// Places in a script where a JSON value may begin that are tried at most.
const STARTS: usize = 64;

/// What a pointer found; its text only where parsing may have changed a number's digits.
pub(super) struct JsonMatch<'j> {
    pub(super) json: Cow<'j, Json>,
    pub(super) written: Option<Cow<'j, str>>,
}

impl<'j> JsonMatch<'j> {
    /// Read from this text by this pointer.
    pub(super) fn borrowed(
        json: &'j Json,
        text: &'j str,
        pointer: &str,
        budget: &PageBudget,
    ) -> Self {
        let is_lost = decimal::may_be_lost(json) && budget.scan(text.len());
        let written = is_lost.then(|| decimal::at(text, pointer));
        Self {
            json: Cow::Borrowed(json),
            written: written.flatten().map(Cow::Borrowed),
        }
    }

    fn copied(json: &Json, text: &str, pointer: &str, budget: &PageBudget) -> Self {
        let found = JsonMatch::borrowed(json, text, pointer, budget);
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

/// The parts of a JSON pointer.
pub(super) fn tokens(pointer: &str) -> impl Iterator<Item = Cow<'_, str>> {
    pointer
        .split('/')
        .skip(1)
        .map(|token| match token.find('~') {
            Some(_) => Cow::Owned(token.replace("~1", "/").replace("~0", "~")),
            None => Cow::Borrowed(token),
        })
}

/// What a JSON pointer finds in a script: the script is JSON, or assigns some
/// (`window.state = {…};`).
pub(super) fn script_value(
    script: &str,
    pointer: &str,
    budget: &PageBudget,
) -> Option<JsonMatch<'static>> {
    let found = |json: &Json, text: &str| {
        let value = json.pointer(pointer).filter(|found| !found.is_null())?;
        Some(JsonMatch::copied(value, text, pointer, budget))
    };
    if !budget.scan(script.len()) {
        return None;
    }
    if let Some(Ok(whole)) = read(script) {
        return found(&whole.json, &whole.text);
    }
    candidates(script).find_map(|start| {
        let text = &script[start..];
        let mut values = serde_json::Deserializer::from_str(text).into_iter::<Json>();
        let value = values.next()?.ok();
        let end = values.byte_offset();
        if !budget.scan(end) {
            return None;
        }
        found(&value?, text)
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

/// A longer comment is taken for none: it wraps nothing.
const COMMENT: usize = 256;

/// What wraps JSON in pages that had to be HTML, XHTML and script at once.
const WRAPPERS: [&str; 6] = ["\u{feff}", "<!--", "-->", "<![CDATA[", "]]>", "*/"];

/// JSON as parsed and as written.
pub(super) struct ParsedJson {
    pub(super) json: Json,
    pub(super) text: String,
}

/// Reads a text as JSON, none if it holds nothing.
///
/// # Errors
/// It is no JSON; the text says why.
pub(super) fn read(text: &str) -> Option<Result<ParsedJson, String>> {
    let strict = text.trim();
    if let Ok(json) = serde_json::from_str(strict) {
        let text = strict.to_owned();
        return Some(Ok(ParsedJson { json, text }));
    }
    let mended = mended(text);
    if mended.is_empty() {
        return None;
    }
    if !mended.starts_with(['{', '[']) {
        return Some(Err("it does not begin with { or [".to_owned()));
    }
    let end = mended.trim_end_matches(|c: char| c == ';' || c.is_whitespace());
    Some(match serde_json::from_str(end) {
        Ok(json) => Ok(ParsedJson {
            json,
            text: end.to_owned(),
        }),
        Err(error) => Err(error.to_string()),
    })
}

/// The text without what JSON does not know; only its first letter where that begins no object or
/// array.
fn mended(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut rest, mut in_string) = (text, false);
    while let Some(letter) = rest.chars().next() {
        let after = &rest[letter.len_utf8()..];
        if in_string {
            in_string = letter != '"';
            out.push(if letter < ' ' { ' ' } else { letter });
            let escaped = after.chars().next().filter(|_| letter == '\\');
            out.extend(escaped);
            rest = &after[escaped.map_or(0, char::len_utf8)..];
            continue;
        }
        if let Some(inner) = unwrapped(rest) {
            rest = inner;
            continue;
        }
        match letter {
            '"' => in_string = true,
            '}' | ']' => drop_comma(&mut out),
            _ => {}
        }
        let begins = out.is_empty() && !letter.is_whitespace();
        if begins || !out.is_empty() {
            out.push(letter);
        }
        if begins && !matches!(letter, '{' | '[') {
            break;
        }
        rest = after;
    }
    out
}

/// A comma before a closing bracket separates nothing.
fn drop_comma(out: &mut String) {
    let end = out.trim_end().len();
    if out[..end].ends_with(',') {
        out.remove(end - 1);
    }
}

/// What follows a wrapper or a comment, if the text begins with one.
fn unwrapped(text: &str) -> Option<&str> {
    if let Some(inner) = WRAPPERS.iter().find_map(|mark| text.strip_prefix(mark)) {
        return Some(inner);
    }
    let (inner, end) = match (text.strip_prefix("/*"), text.strip_prefix("//")) {
        (Some(inner), _) => (inner, "*/"),
        (_, Some(inner)) => (inner, "\n"),
        _ => return None,
    };
    let near = inner.floor_char_boundary(COMMENT);
    let is_last_line = end == "\n" && near == inner.len();
    let found = inner[..near].find(end);
    let Some(at) = found.or(is_last_line.then_some(near)) else {
        return Some(inner);
    };
    let words = inner[..at].trim();
    let wraps = WRAPPERS.iter().any(|mark| words.starts_with(mark));
    if wraps || words.starts_with(['{', '[']) {
        return Some(inner);
    }
    // The end of a line stays: messages count lines.
    Some(inner[at..].strip_prefix("*/").unwrap_or(&inner[at..]))
}

#[cfg(test)]
mod tests;
