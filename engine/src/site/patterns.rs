//! Selectors and regular expressions of a site file, compiled, with the place of an error in them.

use regex::{Regex, RegexBuilder};

use super::{
    compiled::{Fallbacks, Pick, Take},
    problems::{Problems, shown},
    reading::Node,
    selector::Selector,
};

/// Longer selectors and patterns are refused.
const MAX_LEN: usize = 4_096;
/// Bytes that a compiled regex may take.
const REGEX_SIZE: usize = 1 << 20;
/// Parentheses and brackets of a selector may nest so deep.
const MAX_NESTING: usize = 16;

/// One selector with its suffix, or a list of them; without a suffix `default` is taken.
pub(super) fn fallbacks(node: &Node<'_>, default: &Take, problems: &mut Problems<'_>) -> Fallbacks {
    let picks = node
        .texts("a selector", problems)
        .into_iter()
        .filter_map(|(node, text)| pick(&node, text, default, problems))
        .collect();
    Fallbacks(picks)
}

fn pick(node: &Node<'_>, text: &str, default: &Take, problems: &mut Problems<'_>) -> Option<Pick> {
    let (css, take) = match suffix_at(text) {
        None => (text, default.clone()),
        Some(at) => match text[at + 1..].trim() {
            "text" => (&text[..at], Take::Text),
            "own" => (&text[..at], Take::Own),
            "html" => (&text[..at], Take::Html),
            name if is_attribute(name) => (&text[..at], Take::Attribute(name.to_owned())),
            name => {
                let place = node.inside(at, problems);
                let message = format!(
                    "expected an attribute's name, `text`, `own` or `html` after `@`, found {}",
                    shown(name)
                );
                problems.error(&place, &node.field, message);
                return None;
            }
        },
    };
    let bare = css.trim().is_empty() && css.len() < text.len();
    let selector = if bare {
        None
    } else {
        Some(selector(node, css, problems)?)
    };
    Some(Pick {
        selector,
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
pub(super) fn elements(node: &Node<'_>, problems: &mut Problems<'_>) -> Option<Selector> {
    let mut tried: Vec<&str> = Vec::new();
    let mut groups: Vec<String> = Vec::new();
    let texts = node.texts("a selector", problems);
    let several = texts.len() > 1;
    for (node, text) in &texts {
        if let Some(at) = suffix_at(text) {
            let place = node.inside(at, problems);
            let message = "expected a selector without `@…`: whole elements are matched here";
            problems.error(&place, &node.field, message);
            return None;
        }
        selector(node, text, problems)?;
        if several && text.contains(":has(") {
            node.error(
                "a list of selectors to try in order cannot hold `:has(…)`",
                problems,
            );
            return None;
        }
        groups.push(if tried.is_empty() {
            (*text).to_owned()
        } else {
            format!(":scope:not(:has({})) :is({text})", tried.join(", "))
        });
        tried.push(text);
    }
    let all = groups.join(", ");
    match Selector::parse(&all) {
        Ok(selector) if !groups.is_empty() => Some(selector),
        Ok(_) => None,
        Err(_) if groups.is_empty() => None,
        Err(_) => {
            node.error(
                "these selectors cannot be tried in order; write one of them",
                problems,
            );
            None
        }
    }
}

fn selector(node: &Node<'_>, css: &str, problems: &mut Problems<'_>) -> Option<Selector> {
    if css.trim().is_empty() {
        node.error("the selector is empty", problems);
        return None;
    }
    if css.len() > MAX_LEN || nesting(css) > MAX_NESTING {
        node.error(
            format!("the selector is too long (over {MAX_LEN} bytes) or nests too deep"),
            problems,
        );
        return None;
    }
    match Selector::parse(css) {
        Ok(selector) => Some(selector),
        Err(error) => {
            let at = bad_at(css);
            let place = node.inside(at, problems);
            let message = format!(
                "bad selector {}: {} at character {}",
                shown(css),
                in_words(&error),
                css[..at].chars().count() + 1
            );
            problems.error(&place, &node.field, message);
            None
        }
    }
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

/// A regular expression; with `captures` it must have a group.
pub(super) fn regex(node: &Node<'_>, captures: bool, problems: &mut Problems<'_>) -> Option<Regex> {
    let text = node.text_as("a regular expression", problems)?;
    regex_of(node, text, captures, problems)
}

pub(super) fn regex_of(
    node: &Node<'_>,
    text: &str,
    captures: bool,
    problems: &mut Problems<'_>,
) -> Option<Regex> {
    if text.is_empty() || text.len() > MAX_LEN {
        node.error(
            format!("expected a regular expression of 1 to {MAX_LEN} bytes"),
            problems,
        );
        return None;
    }
    let built = RegexBuilder::new(text)
        .size_limit(REGEX_SIZE)
        .dfa_size_limit(REGEX_SIZE)
        .build();
    match built {
        Ok(regex) if captures && regex.captures_len() < 2 => {
            let message = format!(
                "the regex {} has no capture group; put `(…)` around the part to keep",
                shown(text)
            );
            node.error(message, problems);
            None
        }
        Ok(regex) => Some(regex),
        Err(regex::Error::CompiledTooBig(limit)) => {
            node.error(
                format!("the regex compiles to more than {limit} bytes; make its repeats smaller"),
                problems,
            );
            None
        }
        Err(error) => {
            let (at, reason) = regex_reason(&error.to_string());
            let at = text.char_indices().nth(at).map_or(text.len(), |(at, _)| at);
            let place = node.inside(at, problems);
            let number = text[..at].chars().count() + 1;
            let message = format!("bad regex {}: {reason} at character {number}", shown(text));
            problems.error(&place, &node.field, message);
            None
        }
    }
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
