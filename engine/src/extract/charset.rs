//! Character sets (SPEC D5): BOM, then the HTTP header, then what the page declares, then a guess.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252, X_USER_DEFINED};

/// How far into the body a declaration is looked for.
const PRESCAN: usize = 1_024;

/// The body as text without its BOM, and the character set it was read in.
pub(super) fn decode<'b>(
    content_type: Option<&str>,
    body: &'b [u8],
) -> (Cow<'b, str>, &'static Encoding) {
    if let Some((encoding, length)) = Encoding::for_bom(body) {
        return (
            encoding.decode_without_bom_handling(&body[length..]).0,
            encoding,
        );
    }
    let declared = content_type
        .and_then(header_label)
        .and_then(|label| resolve(label, body))
        .or_else(|| declared(body));
    if let Some(encoding) = declared {
        return (encoding.decode_without_bom_handling(body).0, encoding);
    }
    if let Some(encoding) = bare_utf16(body) {
        return (encoding.decode_without_bom_handling(body).0, encoding);
    }
    if let Ok(text) = std::str::from_utf8(body) {
        return (Cow::Borrowed(text), UTF_8);
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(body, true);
    let encoding = detector.guess(None, Utf8Detection::Allow);
    (encoding.decode_without_bom_handling(body).0, encoding)
}

/// The character set of an HTTP label. `utf-16` alone does not name a byte order: the zeros of
/// the body tell.
fn resolve(label: &str, body: &[u8]) -> Option<&'static Encoding> {
    // `latin-1` and `utf_8` are common, and no labels of the standard.
    let encoding = Encoding::for_label(label.as_bytes()).or_else(|| {
        let plain = label.replace(['-', '_'], "");
        Encoding::for_label(plain.as_bytes())
    })?;
    let by_zeros = bare_utf16(body).filter(|_| label.eq_ignore_ascii_case("utf-16"));
    Some(by_zeros.unwrap_or(encoding))
}

/// UTF-16 without a BOM, told by its zeros: nearly all on one side of the pairs, none on the other.
pub(super) fn bare_utf16(body: &[u8]) -> Option<&'static Encoding> {
    let head = &body[..body.len().min(256) & !1];
    let zeros = |side: usize| {
        head.iter()
            .skip(side)
            .step_by(2)
            .filter(|byte| **byte == 0)
            .count()
    };
    let pairs = head.len() / 2;
    match (zeros(0), zeros(1)) {
        (0, odd) if pairs >= 2 && odd * 10 >= pairs * 7 => Some(UTF_16LE),
        (even, 0) if pairs >= 2 && even * 10 >= pairs * 7 => Some(UTF_16BE),
        _ => None,
    }
}

/// The label of the first well-formed `charset=` parameter of a `Content-Type`.
fn header_label(header: &str) -> Option<&str> {
    parameters(header).find_map(|parameter| {
        let (name, value) = parameter.trim().split_once('=')?;
        if !name.eq_ignore_ascii_case("charset") {
            return None;
        }
        let label = match value.strip_prefix('"') {
            Some(quoted) => quoted.strip_suffix('"')?,
            None => value,
        };
        let well_formed = !label.is_empty()
            && !label.contains(|c: char| c == '"' || c == '\'' || c.is_whitespace());
        well_formed.then_some(label)
    })
}

/// The parts of a header between `;` and `,` that stand outside quotes. An unterminated quote
/// swallows the rest.
fn parameters(header: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    header.split(move |c: char| {
        quoted ^= c == '"';
        !quoted && (c == ';' || c == ',')
    })
}

/// What the first KiB declares: `<meta charset>`, `<meta content="…charset=…">` or an XML
/// declaration; comments and everything from `<body` on do not count.
fn declared(body: &[u8]) -> Option<&'static Encoding> {
    let head = &body[..body.len().min(PRESCAN)];
    let mut rest = head;
    while let Some(at) = rest.iter().position(|byte| *byte == b'<') {
        rest = &rest[at + 1..];
        if rest.starts_with(b"!--") {
            rest = &rest[find(rest, b"-->")? + 3..];
        } else if starts_with_name(rest, b"?xml") {
            if let Some(found) = attribute(&rest[4..], b"encoding").and_then(meta_encoding) {
                return Some(found);
            }
        } else if starts_with_name(rest, b"body") {
            return None;
        } else if starts_with_name(rest.trim_ascii_start(), b"meta") {
            let tag = &rest.trim_ascii_start()[4..];
            let found = attribute(tag, b"charset")
                .and_then(meta_encoding)
                .or_else(|| {
                    let content = attribute(tag, b"content")?.to_ascii_lowercase();
                    meta_encoding(content_charset(&content)?)
                });
            if found.is_some() {
                return found;
            }
        }
    }
    None
}

/// A page that could be read far enough to see its label is not UTF-16, whatever it says.
fn meta_encoding(label: &[u8]) -> Option<&'static Encoding> {
    let encoding = Encoding::for_label(label)?;
    if encoding == UTF_16LE || encoding == UTF_16BE {
        Some(UTF_8)
    } else if encoding == X_USER_DEFINED {
        Some(WINDOWS_1252)
    } else {
        Some(encoding)
    }
}

/// The label after `charset=` in the (lower-case) value of a `content` attribute.
fn content_charset(content: &[u8]) -> Option<&[u8]> {
    let after = &content[find(content, b"charset")? + 7..];
    let value = after
        .trim_ascii_start()
        .strip_prefix(b"=")?
        .trim_ascii_start();
    let end = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b';' | b'"' | b'\'');
    let value = value
        .strip_prefix(b"\"")
        .or(value.strip_prefix(b"'"))
        .unwrap_or(value);
    Some(&value[..value.iter().position(end).unwrap_or(value.len())])
}

/// The value of an attribute of the tag that begins before `tag`, as HTML reads it.
fn attribute<'t>(tag: &'t [u8], wanted: &[u8]) -> Option<&'t [u8]> {
    let mut rest = tag;
    loop {
        let start = rest
            .iter()
            .position(|b| !b.is_ascii_whitespace() && !matches!(b, b'/' | b'?'))?;
        rest = &rest[start..];
        if rest[0] == b'>' {
            return None;
        }
        let name_end = rest
            .iter()
            .skip(1)
            .position(|b| b.is_ascii_whitespace() || matches!(b, b'=' | b'>' | b'/'))
            .map_or(rest.len(), |at| at + 1);
        let name = &rest[..name_end];
        rest = rest[name_end..].trim_ascii_start();
        let mut value: &[u8] = b"";
        if let Some(after) = rest.strip_prefix(b"=") {
            let after = after.trim_ascii_start();
            let first = after.first()?;
            (value, rest) = if matches!(first, b'"' | b'\'') {
                let end = after[1..].iter().position(|b| b == first)?;
                (&after[1..=end], &after[end + 2..])
            } else {
                let ends = |b: &u8| b.is_ascii_whitespace() || *b == b'>';
                after.split_at(after.iter().position(ends).unwrap_or(after.len()))
            };
        }
        if name.eq_ignore_ascii_case(wanted) {
            return Some(value);
        }
    }
}

fn starts_with_name(rest: &[u8], name: &[u8]) -> bool {
    rest.len() >= name.len()
        && rest[..name.len()].eq_ignore_ascii_case(name)
        && rest
            .get(name.len())
            .is_none_or(|byte| !byte.is_ascii_alphanumeric())
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}

#[cfg(test)]
mod tests;
