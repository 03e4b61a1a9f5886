//! Selectors and regular expressions of a site file, compiled, with the place of an error in them.

use regex::{Regex, RegexBuilder};

use super::{
    compiled::{Fallbacks, Pick, Take},
    document::Node,
    problems::shown,
    selector::Selector,
};

/// Longer selectors and patterns are refused.
const MAX_LEN: usize = 4_096;
/// Bytes that a compiled regex may take.
const REGEX_SIZE: usize = 1 << 20;
/// Parentheses and brackets of a selector may nest so deep.
const MAX_NESTING: usize = 16;

/// Selectors of links: without a suffix their `href` is taken.
pub(super) fn links(node: &Node<'_>) -> Fallbacks {
    fallbacks(node, &Take::Attribute("href".to_owned()))
}

/// One selector with its suffix, or a list of them; without a suffix `default` is taken.
pub(super) fn fallbacks(node: &Node<'_>, default: &Take) -> Fallbacks {
    let picks = node.texts("a selector").into_iter();
    let picks = picks.filter_map(|(node, text)| pick(&node, text, default));
    Fallbacks(picks.collect())
}

fn pick(node: &Node<'_>, text: &str, default: &Take) -> Option<Pick> {
    let (css, take) = match suffix_at(text) {
        None => (text, default.clone()),
        Some(at) => {
            let take = match text[at + 1..].trim() {
                "text" => Take::Text,
                "own" => Take::Own,
                "html" => Take::Html,
                name if is_attribute(name) => Take::Attribute(name.to_owned()),
                name => {
                    let message = format!(
                        "expected an attribute's name, `text`, `own` or `html` after `@`, found {}",
                        shown(name)
                    );
                    node.error_inside(at, message);
                    return None;
                }
            };
            (&text[..at], take)
        }
    };
    let bare = css.trim().is_empty() && css.len() < text.len();
    Some(Pick {
        selector: if bare {
            None
        } else {
            Some(selector(node, css)?)
        },
        text: text.into(),
        take,
    })
}

/// Where the suffix begins: the last `@` outside quotes, brackets and parentheses.
fn suffix_at(text: &str) -> Option<usize> {
    let mut depth = 0usize;
    let mut quote = None;
    let mut escaped = false;
    let mut last = None;
    for (at, c) in text.char_indices() {
        if escaped {
            escaped = false;
            continue;
        }
        match (c, quote) {
            ('\\', _) => escaped = true,
            (c, Some(open)) if c == open => quote = None,
            ('"' | '\'', None) => quote = Some(c),
            ('[' | '(', None) => depth += 1,
            (']' | ')', None) => depth = depth.saturating_sub(1),
            ('@', None) if depth == 0 => last = Some(at),
            _ => {}
        }
    }
    last
}

fn is_attribute(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == ':')
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_:-.".contains(c))
}

/// A selector without suffix where only elements are wanted; a list is tried in order.
///
/// The contract holds one `Selector`, so a list becomes one that matches the second only where
/// the scope holds no match of the first.
pub(super) fn elements(node: &Node<'_>) -> Option<Selector> {
    let mut tried: Vec<&str> = Vec::new();
    let mut groups: Vec<String> = Vec::new();
    let texts = node.texts("a selector");
    for (node, text) in &texts {
        if let Some(at) = suffix_at(text) {
            let message = "expected a selector without `@…`: whole elements are matched here";
            node.error_inside(at, message.to_owned());
            return None;
        }
        selector(node, text)?;
        if texts.len() > 1 && text.contains(":has(") {
            node.error("a list of selectors to try in order cannot hold `:has(…)`");
            return None;
        }
        groups.push(if tried.is_empty() {
            (*text).to_owned()
        } else {
            format!(":scope:not(:has({})) :is({text})", tried.join(", "))
        });
        tried.push(text);
    }
    if groups.is_empty() {
        return None;
    }
    let all = Selector::parse(&groups.join(", ")).ok();
    if all.is_none() {
        node.error("these selectors cannot be tried in order; write one of them");
    }
    all
}

fn selector(node: &Node<'_>, css: &str) -> Option<Selector> {
    if css.trim().is_empty() {
        node.error("the selector is empty");
        return None;
    }
    if css.len() > MAX_LEN || nesting(css) > MAX_NESTING {
        let message = format!("the selector is too long (over {MAX_LEN} bytes) or nests too deep");
        node.error(message);
        return None;
    }
    let parsed = Selector::parse(css).map_err(|error| {
        let at = bad_at(css);
        let (css, reason, n) = (shown(css), in_words(&error), css[..at].chars().count() + 1);
        node.error_inside(at, format!("bad selector {css}: {reason} at character {n}"));
    });
    parsed.ok()
}

fn nesting(css: &str) -> usize {
    let mut depth = 0usize;
    let mut deepest = 0;
    for c in css.chars() {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// The end of the longest beginning that is a selector by itself: the parser tells no place.
fn bad_at(css: &str) -> usize {
    let ends = css.char_indices().map(|(at, _)| at).take(512);
    let good = ends
        .filter(|&end| Selector::parse(&css[..end]).is_ok())
        .last()
        .unwrap_or(0);
    good + css[good..].len() - css[good..].trim_start().len()
}

fn in_words(error: &scraper::error::SelectorErrorKind) -> &'static str {
    let kind = format!("{error:?}");
    let words = [
        (
            "UnsupportedPseudoClassOrElement",
            "a pseudo-class or pseudo-element that is not supported",
        ),
        ("EmptySelector", "an empty selector"),
        ("DanglingCombinator", "a combinator with nothing after it"),
        ("Attr", "a malformed [attribute] test"),
        ("ClassNeedsIdent", "a `.` without a class name"),
        ("Pseudo", "a malformed pseudo-class"),
        ("EndOfLine", "it ends too early"),
    ];
    words
        .iter()
        .find(|(part, _)| kind.contains(part))
        .map_or("unexpected text", |(_, words)| words)
}

/// A regular expression with a group, which is what is kept.
pub(super) fn capturing_regex(node: &Node<'_>) -> Option<Regex> {
    let regex = regex(node)?;
    if regex.captures_len() < 2 {
        let message = format!(
            "the regex {} has no capture group; put `(…)` around the part to keep",
            shown(regex.as_str())
        );
        node.error(message);
        return None;
    }
    Some(regex)
}

pub(super) fn regex(node: &Node<'_>) -> Option<Regex> {
    let text = node.text_as("a regular expression")?;
    if text.is_empty() || text.len() > MAX_LEN {
        let message = format!("expected a regular expression of 1 to {MAX_LEN} bytes");
        node.error(message);
        return None;
    }
    let built = RegexBuilder::new(text)
        .size_limit(REGEX_SIZE)
        .dfa_size_limit(REGEX_SIZE)
        .build();
    match built {
        Ok(regex) => return Some(regex),
        Err(regex::Error::CompiledTooBig(limit)) => node.error(format!(
            "the regex compiles to more than {limit} bytes; make its repeats smaller"
        )),
        Err(error) => {
            let (at, reason) = regex_reason(&error.to_string());
            let at = text.char_indices().nth(at).map_or(text.len(), |(at, _)| at);
            let (n, text) = (text[..at].chars().count() + 1, shown(text));
            node.error_inside(at, format!("bad regex {text}: {reason} at character {n}"));
        }
    }
    None
}

/// The character and the reason out of the regex crate's drawing of an error.
fn regex_reason(drawing: &str) -> (usize, String) {
    let reason = drawing
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix("error: "));
    let caret = drawing
        .lines()
        .skip(2)
        .find(|line| line.trim_start().starts_with('^'))
        .and_then(|line| line.find('^'));
    (
        caret.map_or(0, |at| at.saturating_sub(4)),
        reason.unwrap_or("it cannot be read").to_owned(),
    )
}
