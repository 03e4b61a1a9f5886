//! JSON as pages write it: with a byte order mark, inside comments or CDATA, with trailing commas,
//! raw control characters in its strings, or a semicolon at its end.

use serde_json::Value as Json;

/// A longer comment is taken for none: it wraps nothing.
const COMMENT: usize = 256;

/// What wraps JSON in pages that had to be HTML, XHTML and script at once.
const WRAPPERS: [&str; 6] = ["\u{feff}", "<!--", "-->", "<![CDATA[", "]]>", "*/"];

/// JSON as parsed and as written.
pub(super) struct Block {
    pub(super) json: Json,
    pub(super) text: String,
}

/// Reads a text as JSON, none if it holds nothing.
///
/// # Errors
/// It is no JSON; the text says why.
pub(super) fn read(text: &str) -> Option<Result<Block, String>> {
    let strict = text.trim();
    if let Ok(json) = serde_json::from_str(strict) {
        let text = strict.to_owned();
        return Some(Ok(Block { json, text }));
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
        Ok(json) => Ok(Block {
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
