//! Pages that lead on by themselves (SPEC D4): `<meta http-equiv=refresh>` and the `Refresh` header.

use html5ever::{local_name, ns};
use url::{Position, Url};

use crate::extract::{html::tree::Element, page::Page};

/// A refresh after more seconds is for people who read the page meanwhile.
const SOON: u64 = 5;

/// The reference that a refresh's value leads to within five seconds, as browsers read it
/// (`0; url=/there`). None where it only loads its page again.
#[must_use]
pub(crate) fn target(value: &str) -> Option<&str> {
    let (seconds, reference) = read(value)?;
    reference.filter(|_| seconds <= SOON)
}

/// Whether two URLs name one page: a page that refreshes itself is a page.
#[must_use]
pub(crate) fn is_same_page(one: &Url, other: &Url) -> bool {
    one[..Position::AfterQuery] == other[..Position::AfterQuery]
}

/// Where the page's first refresh leads within five seconds, if that is another page. Those in
/// `<noscript>` are for browsers that run no scripts: the page behind the script may well be here.
pub(super) fn leads_on(page: &Page<'_>) -> Option<Url> {
    let refreshes = page.elements.named(local_name!("meta")).filter(|meta| {
        let pragma = meta.attribute("http-equiv").unwrap_or_default();
        pragma.eq_ignore_ascii_case("refresh")
            && meta.name().ns == ns!(html)
            && !is_in_noscript(meta)
    });
    let mut values = refreshes.filter_map(|meta| meta.attribute("content"));
    // The first that can be read counts, whether or not it leads anywhere.
    let value = values.find(|value| read(value).is_some())?;
    let url = page.followed(target(value)?)?;
    let own = Url::parse(page.input.final_url);
    let is_own = own.is_ok_and(|own| is_same_page(&own, &url));
    (!is_own).then_some(url)
}

fn is_in_noscript(meta: &Element<'_>) -> bool {
    use selectors::Element as _;
    std::iter::successors(meta.parent_element(), Element::parent_element)
        .any(|around| around.name().local == local_name!("noscript"))
}

/// Seconds and reference of a refresh's value (HTML, *shared declarative refresh steps*).
fn read(value: &str) -> Option<(u64, Option<&str>)> {
    let is_space = |c: char| c.is_ascii_whitespace();
    let value = value.trim_start_matches(is_space);
    let digits = value.bytes().take_while(u8::is_ascii_digit).count();
    let seconds = match &value[..digits] {
        "" if value.starts_with('.') => 0,
        // Too many digits are a long time.
        text if digits > 0 => text.parse().unwrap_or(u64::MAX),
        _ => return None,
    };
    let rest = value[digits..].trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    if rest.is_empty() {
        return Some((seconds, None));
    }
    if !rest.starts_with(|c: char| is_space(c) || matches!(c, ';' | ',')) {
        return None;
    }
    let rest = rest.trim_start_matches(is_space);
    let rest = rest.strip_prefix([';', ',']).unwrap_or(rest);
    let reference = unquoted(without_name(rest.trim_start_matches(is_space)));
    Some((seconds, Some(reference).filter(|text| !text.is_empty())))
}

/// What follows `url =`, where the text begins with that.
fn without_name(text: &str) -> &str {
    let named = text
        .get(..3)
        .filter(|name| name.eq_ignore_ascii_case("url"));
    let after = named.map(|_| text[3..].trim_ascii_start());
    let value = after.and_then(|after| after.strip_prefix('='));
    value.map_or(text, str::trim_ascii_start)
}

fn unquoted(text: &str) -> &str {
    let Some(quote) = text.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
        return text.trim_ascii_end();
    };
    let inner = &text[1..];
    inner.find(quote).map_or(inner, |end| &inner[..end])
}

#[cfg(test)]
mod tests;
