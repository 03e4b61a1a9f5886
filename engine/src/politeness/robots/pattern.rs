//! One path pattern of robots.txt: `*` for anything, `$` for the end, percent-escapes made alike.

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
}

impl Pattern {
    /// Reads a rule's value, which is not empty.
    pub(super) fn new(value: &[u8]) -> Self {
        let text = normal(value);
        let (body, anchored) = match text.strip_suffix(b"$") {
            Some(body) => (body, true),
            None => (text.as_slice(), false),
        };
        let mut parts: Vec<Box<[u8]>> = vec![];
        for (index, part) in body.split(|byte| *byte == b'*').enumerate() {
            if index == 0 || !part.is_empty() {
                parts.push(part.into());
            }
        }
        Self {
            parts: parts.into(),
            anchored,
            open: body.ends_with(b"*"),
            length: text.len(),
        }
    }

    pub(super) fn length(&self) -> usize {
        self.length
    }

    /// Whether a normalised path matches. Each part is searched once from where the last ended:
    /// the leftmost place leaves most to the rest, so that nothing is ever tried twice.
    pub(super) fn matches(&self, path: &[u8]) -> bool {
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

/// The end of the first occurrence.
fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len())
        .position(|window| window == part)
        .map(|start| start + part.len())
}

/// The path with its query, without a fragment, normalised; `/` where it is empty.
pub(super) fn normal_path(path_and_query: &str) -> Vec<u8> {
    let path = path_and_query
        .split_once('#')
        .map_or(path_and_query, |(path, _)| path);
    if path.starts_with('/') {
        normal(path.as_bytes())
    } else {
        normal(format!("/{path}").as_bytes())
    }
}

/// Percent-escapes made alike (RFC 9309 §2.2.2): octets outside ASCII are escaped, escapes of
/// unreserved characters are undone, hexadecimal digits are upper case.
fn normal(text: &[u8]) -> Vec<u8> {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = Vec::with_capacity(text.len());
    let mut index = 0;
    while let Some(&byte) = text.get(index) {
        index += 1;
        let escaped = (byte == b'%')
            .then(|| hex(text.get(index..index + 2)?))
            .flatten();
        let (value, must_escape) = match escaped {
            Some(value) => {
                index += 2;
                (
                    value,
                    !(value.is_ascii_alphanumeric() || b"-._~".contains(&value)),
                )
            }
            None => (byte, !byte.is_ascii_graphic()),
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
