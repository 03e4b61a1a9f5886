//! Where raw text ends: a title's or style's at its end tag, a script's by rules of its own.

use memchr::{memchr_iter, memchr2_iter};

/// White space of the standard, without the carriage return.
pub(super) const fn is_space(byte: u8) -> bool {
    matches!(byte, b'\t' | b'\n' | 0x0c | b' ')
}

/// Where the end tag of this name begins.
pub(super) fn end_tag(text: &str, name: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    memchr_iter(b'<', bytes).find(|at| is_tag(&bytes[at + 1..], true, name))
}

/// Where a script ends. After `<!--` a `<script>` within it has an end tag of its own, until `-->`.
pub(super) fn end(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut escaped, mut inner) = (None, false);
    for at in memchr2_iter(b'<', b'>', bytes) {
        let (before, after) = (&bytes[..at], &bytes[at + 1..]);
        if bytes[at] == b'>' {
            // The dashes of `<!-->` open and close at once.
            if escaped.is_some_and(|since| at >= since + 2) && before.ends_with(b"--") {
                (escaped, inner) = (None, false);
            }
        } else if inner {
            inner = !is_tag(after, true, "script");
        } else if is_tag(after, true, "script") {
            return Some(at);
        } else if escaped.is_some() {
            inner = is_tag(after, false, "script");
        } else if after.starts_with(b"!--") {
            escaped = Some(at + 2);
        }
    }
    None
}

/// Whether `rest`, after a `<`, is a tag of this name.
fn is_tag(rest: &[u8], is_end: bool, name: &str) -> bool {
    let rest = match rest.split_first() {
        Some((b'/', rest)) if is_end => rest,
        _ if is_end => return false,
        _ => rest,
    };
    let length = name.len();
    rest.len() > length
        && rest[..length].eq_ignore_ascii_case(name.as_bytes())
        && (is_space(rest[length]) || matches!(rest[length], b'/' | b'>'))
}
