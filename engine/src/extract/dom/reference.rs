//! Character references (`&amp;`, `&#8364;`) of a text or an attribute value, as the HTML standard
//! reads them.

use html5ever::{
    data::{C1_REPLACEMENTS, NAMED_ENTITIES},
    tendril::StrTendril,
};
use memchr::memchr;

/// No name is longer.
const LONGEST: usize = 32;

/// The text with its references replaced. In an attribute value `&copy=1` stays as it is.
pub(super) fn replaced(text: &str, in_attribute: bool) -> StrTendril {
    let mut out = StrTendril::new();
    out.reserve(u32::try_from(text.len()).unwrap_or(0));
    let mut rest = text;
    while let Some(at) = memchr(b'&', rest.as_bytes()) {
        out.push_slice(&rest[..at]);
        rest = &rest[at + 1..];
        let found = match rest.strip_prefix('#') {
            Some(digits) => numeric(digits).map(|(c, length)| ((c, None), length + 1)),
            None => named(rest, in_attribute),
        };
        let Some(((first, second), length)) = found else {
            out.push_char('&');
            continue;
        };
        out.push_char(first);
        if let Some(second) = second {
            out.push_char(second);
        }
        rest = &rest[length..];
    }
    out.push_slice(rest);
    out
}

/// A reference stands for one or two characters; with it, its length in bytes.
type Found = ((char, Option<char>), usize);

/// The longest name that `rest` begins with.
fn named(rest: &str, in_attribute: bool) -> Option<Found> {
    let run = rest
        .bytes()
        .take(LONGEST)
        .take_while(u8::is_ascii_alphanumeric)
        .count();
    if rest.as_bytes().get(run) == Some(&b';')
        && let Some(found) = meaning(&rest[..=run])
    {
        return Some((found, run + 1));
    }
    // Some old names need no semicolon.
    let (found, length) = (1..=run)
        .rev()
        .find_map(|length| Some((meaning(&rest[..length])?, length)))?;
    let goes_on = rest
        .as_bytes()
        .get(length)
        .is_some_and(|next| *next == b'=' || next.is_ascii_alphanumeric());
    (!(in_attribute && goes_on)).then_some((found, length))
}

/// What a name stands for; the table holds beginnings of names too, which mean nothing.
fn meaning(name: &str) -> Option<(char, Option<char>)> {
    let (first, second) = *NAMED_ENTITIES.get(name)?;
    let of = |code: u32| char::from_u32(code).filter(|c| *c != '\0');
    Some((of(first)?, of(second)))
}

/// The character of `8364;` or `x20ac;`, with or without semicolon.
fn numeric(rest: &str) -> Option<(char, usize)> {
    let (base, start) = match rest.as_bytes().first() {
        Some(b'x' | b'X') => (16, 1),
        _ => (10, 0),
    };
    let digits = rest[start..]
        .bytes()
        .take_while(|byte| char::from(*byte).is_digit(base))
        .count();
    if digits == 0 {
        return None;
    }
    let end = start + digits;
    let code = rest[start..end].chars().fold(0_u32, |code, digit| {
        code.saturating_mul(base)
            .saturating_add(digit.to_digit(base).unwrap_or(0))
    });
    let semicolon = usize::from(rest.as_bytes().get(end) == Some(&b';'));
    Some((character(code), end + semicolon))
}

fn character(code: u32) -> char {
    let windows = code
        .checked_sub(0x80)
        .and_then(|at| C1_REPLACEMENTS.get(at as usize));
    match (code, windows) {
        (0, _) => char::REPLACEMENT_CHARACTER,
        (_, Some(Some(c))) => *c,
        _ => char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER),
    }
}
