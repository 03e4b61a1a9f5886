//! What the last part of a selector demands of an element: a cheap test that spares most
//! elements the full match.

use scraper::ElementRef;

/// Demands of a selector's last compound; each `None` demands nothing.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key<'s> {
    tag: Option<&'s str>,
    class: Option<&'s str>,
    id: Option<&'s str>,
    /// `~` looks at all siblings before.
    pub(super) siblings: bool,
    /// A pseudo-class may count siblings or search below: matched with scraper's caches.
    pub(super) pseudo: bool,
}

impl<'s> Key<'s> {
    /// Reads a selector as written, its `@…` suffix included. Where the text is anything but
    /// plain (a list, an escape, a namespace) the key demands nothing.
    pub(super) fn of(text: &'s str) -> Self {
        let selector = without_suffix(text).trim();
        let mut key = Self {
            siblings: selector.contains('~'),
            pseudo: selector.contains(':'),
            ..Self::default()
        };
        let Some(mut rest) = last_compound(selector) else {
            return key;
        };
        if rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
            let (name, after) = ident(rest);
            key.tag = Some(name);
            rest = after;
        } else {
            rest = rest.strip_prefix('*').unwrap_or(rest);
        }
        loop {
            if let Some(after) = rest.strip_prefix('.') {
                let (name, after) = ident(after);
                key.class = key.class.or(Some(name)).filter(|name| !name.is_empty());
                rest = after;
            } else if let Some(after) = rest.strip_prefix('#') {
                let (name, after) = ident(after);
                key.id = Some(name).filter(|name| !name.is_empty());
                rest = after;
            } else {
                return key;
            }
        }
    }

    /// Whether the element can match at all.
    pub(super) fn admits(&self, element: ElementRef<'_>) -> bool {
        let value = element.value();
        if self
            .tag
            .is_some_and(|tag| !value.name().eq_ignore_ascii_case(tag))
        {
            return false;
        }
        if self.class.is_none() && self.id.is_none() {
            return true;
        }
        let find = |wanted: &str| {
            value
                .attrs
                .iter()
                .find(|(name, _)| &*name.local == wanted)
                .map(|(_, value)| &**value)
        };
        self.class.is_none_or(|class| {
            find("class").is_some_and(|list| list.split_ascii_whitespace().any(|one| one == class))
        }) && self.id.is_none_or(|id| find("id") == Some(id))
    }
}

/// The text before an `@` that stands outside brackets and quotes.
fn without_suffix(text: &str) -> &str {
    let mut depth = 0_u32;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'[' | b'(' => depth += 1,
            b']' | b')' => depth = depth.saturating_sub(1),
            b'@' if depth == 0 => return &text[..at],
            _ => {}
        }
    }
    text
}

/// What follows the last combinator; none for lists, escapes, namespaces and unbalanced text.
fn last_compound(selector: &str) -> Option<&str> {
    let (mut depth, mut quote, mut start) = (0_u32, None, 0);
    for (at, byte) in selector.bytes().enumerate() {
        if byte == b'\\' {
            return None;
        }
        if let Some(open) = quote {
            quote = Some(open).filter(|open| *open != byte);
            continue;
        }
        match byte {
            b'"' | b'\'' => quote = Some(byte),
            b'[' | b'(' => depth += 1,
            b']' | b')' => depth = depth.checked_sub(1)?,
            b',' | b'|' if depth == 0 => return None,
            b'>' | b'+' | b'~' if depth == 0 => start = at + 1,
            byte if depth == 0 && byte.is_ascii_whitespace() => start = at + 1,
            _ => {}
        }
    }
    (depth == 0 && quote.is_none()).then(|| &selector[start..])
}

fn ident(text: &str) -> (&str, &str) {
    let end = text
        .find(|c: char| c.is_ascii() && !c.is_ascii_alphanumeric() && c != '-' && c != '_')
        .unwrap_or(text.len());
    text.split_at(end)
}

#[cfg(test)]
mod tests;
