//! Character sets (SPEC D5): BOM, then the HTTP header, then what the page declares, then a guess.
//! What the page declares behind its first KiB, or in its body, the parser meets.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252, X_USER_DEFINED};
use memchr::memchr;

use super::content_type::is_xml;

/// How far into the body a declaration is looked for.
const PRESCAN: usize = 1_024;

/// A body as text.
pub(super) struct Decoded<'b> {
    /// Without its byte order mark.
    pub(super) text: Cow<'b, str>,
    /// What it was read in.
    pub(super) encoding: &'static Encoding,
    /// Nothing on the page changes it any more; else the first declaration that the parser meets
    /// does.
    pub(super) is_settled: bool,
}

impl<'b> Decoded<'b> {
    /// The body in this character set.
    pub(super) fn settled(encoding: &'static Encoding, body: &'b [u8]) -> Self {
        Self {
            text: encoding.decode_without_bom_handling(body).0,
            encoding,
            is_settled: true,
        }
    }

    fn for_now(encoding: &'static Encoding, body: &'b [u8]) -> Self {
        Self {
            is_settled: false,
            ..Self::settled(encoding, body)
        }
    }
}

/// The body as text without its BOM, and the character set it was read in.
pub(super) fn decode<'b>(content_type: Option<&str>, body: &'b [u8]) -> Decoded<'b> {
    if let Some((encoding, length)) = Encoding::for_bom(body) {
        return Decoded::settled(encoding, &body[length..]);
    }
    let header = content_type
        .and_then(header_label)
        .and_then(|label| resolve(label, body));
    if let Some(encoding) = header {
        return Decoded::settled(encoding, body);
    }
    if is_xml(content_type) {
        // In XML the page's `<meta>` says nothing; it is a hint all the same.
        if let Some(encoding) = xml_declaration(body).or_else(|| declared(body)) {
            return Decoded::settled(encoding, body);
        }
    } else if let Some(encoding) = declared(body) {
        return Decoded::for_now(encoding, body);
    }
    if let Some(encoding) = bare_utf16(body) {
        return Decoded::settled(encoding, body);
    }
    if let Ok(text) = std::str::from_utf8(body) {
        return Decoded {
            text: Cow::Borrowed(text),
            encoding: UTF_8,
            is_settled: false,
        };
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(body, true);
    Decoded::for_now(detector.guess(None, Utf8Detection::Allow), body)
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

/// What the first KiB declares: a `<meta>`, else an XML declaration, else what only looks like a
/// `<meta>`. Comments, values of attributes and everything from `<body` on do not count; what the
/// body declares the parser meets.
fn declared(body: &[u8]) -> Option<&'static Encoding> {
    let head = &body[..body.len().min(PRESCAN)];
    prescan(head)
        .or_else(|| xml_declaration(head))
        .or_else(|| misspelt(head))
}

/// The first `<meta>` that declares a character set, as the WHATWG prescan finds it.
fn prescan(head: &[u8]) -> Option<&'static Encoding> {
    let mut rest = head;
    while next_markup(&mut rest) {
        let is_tag = |rest: &[u8]| rest.first().is_some_and(u8::is_ascii_alphabetic);
        if is_tag(rest) || rest.strip_prefix(b"/").is_some_and(is_tag) {
            let goes_on = rest
                .get(4)
                .is_some_and(|b| b.is_ascii_whitespace() || *b == b'/');
            let is_meta = goes_on && starts_with_name(rest, b"meta");
            let ends = |b: &u8| b.is_ascii_whitespace() || *b == b'>';
            let name_end = if is_meta {
                4
            } else {
                rest.iter().position(ends)?
            };
            let mut tag = Attributes {
                rest: &rest[name_end..],
            };
            let all: Vec<_> = tag.by_ref().collect();
            rest = tag.rest;
            let value = |name: &str| {
                let mut named = all.iter().filter(|(own, _)| is_named(own, name));
                Some(named.next()?.1)
            };
            if let Some(found) = Some(value).filter(|_| is_meta).and_then(of_meta) {
                return Some(found);
            }
        } else if matches!(rest.first(), Some(b'!' | b'/' | b'?')) {
            rest = &rest[memchr(b'>', rest)? + 1..];
        }
    }
    None
}

/// The character set that a `<meta>` with these attributes declares. `content` counts only where
/// it stands for the header.
pub(super) fn of_meta<'t>(
    attribute: impl Fn(&str) -> Option<&'t [u8]>,
) -> Option<&'static Encoding> {
    let by_content = || {
        let pragma = attribute("http-equiv")?;
        let content = attribute("content")?;
        let is_type = pragma.eq_ignore_ascii_case(b"content-type");
        meta_encoding(content_charset(content).filter(|_| is_type)?)
    };
    attribute("charset")
        .and_then(meta_encoding)
        .or_else(by_content)
}

/// What an XML declaration at the beginning says.
fn xml_declaration(body: &[u8]) -> Option<&'static Encoding> {
    let declaration = body.trim_ascii_start().strip_prefix(b"<?xml")?;
    let mut all = Attributes { rest: declaration };
    let (_, label) = all.find(|(name, _)| is_named(name, "encoding"))?;
    meta_encoding(label)
}

/// What stands for the header but for its spelling (`< meta`, `httpequiv`): no browser reads it,
/// but it is a better hint than none.
fn misspelt(head: &[u8]) -> Option<&'static Encoding> {
    let mut rest = head;
    while next_markup(&mut rest) {
        let tag = rest.trim_ascii_start();
        if !starts_with_name(tag, b"meta") {
            continue;
        }
        let all: Vec<_> = Attributes { rest: &tag[4..] }.collect();
        let value = |wanted: &dyn Fn(&str) -> bool| {
            let name = |own: &[u8]| String::from_utf8_lossy(own).to_ascii_lowercase();
            let mut named = all.iter().filter(|(own, _)| wanted(&name(own)));
            named.next().map(|(_, value)| *value)
        };
        let is_type = value(&|name| name.replace('-', "") == "httpequiv").is_some_and(|value| {
            let value = String::from_utf8_lossy(value).to_ascii_lowercase();
            value.replace('-', "").contains("contenttype")
        });
        let content = value(&|name| name == "content").filter(|_| is_type);
        let found = content.and_then(content_charset).and_then(meta_encoding);
        if found.is_some() {
            return found;
        }
    }
    None
}

/// Goes on to what follows the next `<` that begins no comment; false where there is none before
/// the body.
fn next_markup(rest: &mut &[u8]) -> bool {
    while let Some(at) = memchr(b'<', rest) {
        *rest = &rest[at + 1..];
        if !rest.starts_with(b"!--") {
            return !starts_with_name(rest, b"body");
        }
        let Some(after) = after_comment(rest) else {
            return false;
        };
        *rest = after;
    }
    false
}

/// What follows a comment. The dashes of `<!-->` open and close it at once.
fn after_comment(rest: &[u8]) -> Option<&[u8]> {
    let end = find(&rest[1..], b"-->")?;
    Some(&rest[1 + end + 3..])
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

/// The label after `charset=` in the value of a `content` attribute.
fn content_charset(content: &[u8]) -> Option<&[u8]> {
    let is_word = |word: &[u8]| word.eq_ignore_ascii_case(b"charset");
    let mut rest = content;
    let value = loop {
        rest = &rest[rest.windows(7).position(is_word)? + 7..];
        if let Some(value) = rest.trim_ascii_start().strip_prefix(b"=") {
            break value.trim_ascii_start();
        }
    };
    let until = |value: &'_ [u8], ends: &dyn Fn(&u8) -> bool| value.iter().position(ends);
    if let (quote @ (b'"' | b'\''), quoted) = value.split_first()? {
        return Some(&quoted[..until(quoted, &|b| b == quote)?]);
    }
    let end = until(value, &|b| b.is_ascii_whitespace() || *b == b';');
    Some(&value[..end.unwrap_or(value.len())])
}

/// Names and values of the tag that begins before `rest`, as HTML reads them.
struct Attributes<'t> {
    rest: &'t [u8],
}

impl<'t> Iterator for Attributes<'t> {
    type Item = (&'t [u8], &'t [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let is_between = |b: &u8| b.is_ascii_whitespace() || matches!(b, b'/' | b'?');
        let Some(start) = self.rest.iter().position(|b| !is_between(b)) else {
            self.rest = b"";
            return None;
        };
        let rest = &self.rest[start..];
        if rest[0] == b'>' {
            self.rest = rest;
            return None;
        }
        let ends_name = |b: &u8| b.is_ascii_whitespace() || matches!(b, b'=' | b'>' | b'/');
        let name_end = rest.iter().skip(1).position(ends_name);
        let (name, rest) = rest.split_at(name_end.map_or(rest.len(), |at| at + 1));
        let rest = rest.trim_ascii_start();
        let Some(after) = rest.strip_prefix(b"=") else {
            self.rest = rest;
            return Some((name, b""));
        };
        let after = after.trim_ascii_start();
        if let Some((quote @ (b'"' | b'\''), quoted)) = after.split_first() {
            let Some(end) = memchr(*quote, quoted) else {
                self.rest = b"";
                return None;
            };
            self.rest = &quoted[end + 1..];
            return Some((name, &quoted[..end]));
        }
        let ends = |b: &u8| b.is_ascii_whitespace() || *b == b'>';
        let end = after.iter().position(ends).unwrap_or(after.len());
        let (value, rest) = after.split_at(end);
        self.rest = rest;
        Some((name, value))
    }
}

fn is_named(name: &[u8], wanted: &str) -> bool {
    name.eq_ignore_ascii_case(wanted.as_bytes())
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
