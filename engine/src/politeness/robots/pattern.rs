//! One path pattern of robots.txt: `*` for anything, `$` for the end, percent-escapes made alike.

use std::borrow::Cow;

/// A normalised pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    /// Between the stars, none empty but perhaps the first.
    parts: Box<[Box<[u8]>]>,
    /// The path must end where the last part does.
    anchored: bool,
    /// The pattern ends in a star: whatever follows is fine, even where it is anchored.
    open: bool,
    /// Octets of the pattern as normalised, stars included: its precedence.
    length: usize,
    /// The octets it needs, one bit for each modulo 64.
    letters: u64,
}

/// Octets that the rules of one question may still search. A hostile file has tens of thousands
/// of rules with stars; what they cost is bounded by this.
pub(super) struct Effort(usize);

impl Effort {
    /// A few milliseconds at most; honest files need a hundredth of it.
    pub(super) const fn new() -> Self {
        Self(2 << 20)
    }

    pub(super) const fn is_spent(&self) -> bool {
        self.0 == 0
    }
}

impl Pattern {
    /// Reads a rule's value, which is not empty. `exact`: escapes of unreserved characters stay.
    pub(super) fn new(value: &[u8], exact: bool) -> Self {
        let (body, anchored) = match value.strip_suffix(b"$") {
            Some(body) => (body, true),
            None => (value, false),
        };
        // A dollar that is not at the end is a plain character; a star never is.
        let body = normal(body, b"$", !exact);
        let mut parts: Vec<Box<[u8]>> = vec![];
        for (index, part) in body.split(|byte| *byte == b'*').enumerate() {
            if index == 0 || !part.is_empty() {
                parts.push(part.into());
            }
        }
        Self {
            letters: parts.iter().fold(0, |all, part| all | letters(part)),
            parts: parts.into(),
            anchored,
            open: body.ends_with(b"*"),
            length: body.len() + usize::from(anchored),
        }
    }

    pub(super) fn length(&self) -> usize {
        self.length
    }

    /// Whether a normalised path matches. Each part is searched once from where the last ended:
    /// the leftmost place leaves most to the rest, so that nothing is ever tried twice.
    pub(super) fn matches(&self, path: &Spelling<'_>, effort: &mut Effort) -> bool {
        if self.letters & !path.letters != 0 {
            return false;
        }
        let path = &*path.text;
        let Some((first, rest)) = self.parts.split_first() else {
            return true;
        };
        let Some(mut left) = path.strip_prefix(&**first) else {
            return false;
        };
        let ends_free = !self.anchored || self.open;
        let Some((last, middle)) = rest.split_last() else {
            return ends_free || left.is_empty();
        };
        effort.0 = effort.0.saturating_sub(left.len());
        for part in middle {
            match find(left, part) {
                Some(end) => left = &left[end..],
                None => return false,
            }
        }
        if ends_free {
            find(left, last).is_some()
        } else {
            left.ends_with(last)
        }
    }
}

/// The octets of a text, one bit for each modulo 64.
fn letters(text: &[u8]) -> u64 {
    text.iter().fold(0, |all, byte| all | 1 << (byte & 63))
}

/// The end of the first occurrence.
fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len())
        .position(|window| window == part)
        .map(|start| start + part.len())
}

/// A path with its query, read in both ways: see [`Path::for_rule`].
pub(super) struct Path<'a> {
    normal: Spelling<'a>,
    /// Where it differs.
    exact: Option<Spelling<'a>>,
}

/// A path as rules are compared with it.
pub(super) struct Spelling<'a> {
    pub(super) text: Cow<'a, [u8]>,
    letters: u64,
}

impl<'a> Spelling<'a> {
    pub(super) fn new(text: Cow<'a, [u8]>) -> Self {
        let letters = letters(&text);
        Self { text, letters }
    }
}

impl<'a> Path<'a> {
    /// Without a fragment; `/` where it is empty.
    pub(super) fn new(path_and_query: &'a str) -> Self {
        let path = path_and_query
            .split_once('#')
            .map_or(path_and_query, |(path, _)| path);
        let rooted = if path.starts_with('/') {
            Cow::from(path.as_bytes())
        } else {
            Cow::from(format!("/{path}").into_bytes())
        };
        let is_plain = |byte: &u8| {
            byte.is_ascii_graphic()
                && !matches!(byte, b'%' | b'*' | b'$')
                && !RESPELLED.contains(byte)
        };
        if rooted.iter().all(is_plain) {
            return Self {
                normal: Spelling::new(rooted),
                exact: None,
            };
        }
        let mut exact = vec![];
        for chunk in rooted.chunk_by(|a, b| a.is_ascii() == b.is_ascii()) {
            if chunk[0].is_ascii() {
                exact.extend(normal(chunk, b"*$", false));
            } else {
                exact.extend(chunk);
            }
        }
        Self {
            normal: Spelling::new(normal(&rooted, b"*$", true).into()),
            exact: Some(Spelling::new(exact.into())),
        }
    }

    /// The form a rule is compared with. The RFC undoes needless escapes on both sides, Google's
    /// parser on none; the stricter reading of each rule counts: a ban meets all spellings of a
    /// path, a permission only the one it names.
    pub(super) fn for_rule(&self, allow: bool) -> &Spelling<'a> {
        match &self.exact {
            Some(exact) if allow => exact,
            _ => &self.normal,
        }
    }
}

/// Characters that a URL's parser escapes in the path or in the query, so that a rule has them as
/// written and the link that it means has not; and those that no URL may hold.
const RESPELLED: &[u8] = b"\"'<>\\^`{|}";

/// Percent-escapes made alike (RFC 9309 §2.2.2): octets outside ASCII and [`RESPELLED`] ones are
/// escaped, hexadecimal digits are upper case, and escapes of unreserved characters are undone
/// where `unescape`. `plain` characters, which would be special in a pattern, are escaped too.
fn normal(text: &[u8], plain: &[u8], unescape: bool) -> Vec<u8> {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = Vec::with_capacity(text.len());
    let mut index = 0;
    while let Some(&byte) = text.get(index) {
        index += 1;
        let escaped = (byte == b'%')
            .then(|| hex(text.get(index..index + 2)?))
            .flatten();
        let (value, must_escape) = if let Some(value) = escaped {
            index += 2;
            let unreserved = value.is_ascii_alphanumeric() || b"-._~".contains(&value);
            (value, !(unescape && unreserved))
        } else {
            let is_kept =
                byte.is_ascii_graphic() && !plain.contains(&byte) && !RESPELLED.contains(&byte);
            (byte, !is_kept)
        };
        if must_escape {
            out.extend([
                b'%',
                HEX[usize::from(value >> 4)],
                HEX[usize::from(value & 15)],
            ]);
        } else {
            out.push(value);
        }
    }
    out
}

fn hex(digits: &[u8]) -> Option<u8> {
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    Some(digit(*digits.first()?)? << 4 | digit(*digits.get(1)?)?)
}
