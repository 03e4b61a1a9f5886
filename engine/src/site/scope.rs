//! Which hosts are in scope, what a URL's canonical form is, and which links lead nowhere.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8};
use percent_encoding::percent_decode_str;
use url::{Host, Position, Url};

use crate::model::class::SkipReason;

/// Longer `href`s are not looked at: nobody means them as addresses.
const MAX_HREF: usize = 1 << 16;

/// Hosts in scope and the rule that makes URLs canonical (SPEC B4).
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// `example.org`, `example.org:8080` or `*.example.org`.
    pub hosts: Vec<String>,
    /// Query parameters to drop; a trailing `*` matches any ending.
    pub drop_query: Vec<String>,
    /// Sort the query's parameters.
    pub sort_query: bool,
}

impl Scope {
    /// Whether an http(s) URL without user name and password has a host of this scope.
    #[must_use]
    pub fn contains(&self, url: &Url) -> bool {
        let is_listed = |pattern: &String| host_matches(pattern, url);
        matches!(url.scheme(), "http" | "https")
            && !has_userinfo(url)
            && self.hosts.iter().any(is_listed)
    }

    /// The page's identity (SPEC B4): fragment and user info dropped (the parser already dropped
    /// a default port), the query's parameters dropped or sorted where the site file says so, all
    /// else byte for byte.
    #[must_use]
    pub fn canonical(&self, url: &Url) -> String {
        if has_userinfo(url) {
            let mut bare = url.clone();
            // Neither call fails for a URL that has a host, and only such a one has user info.
            let _ = bare.set_username("");
            let _ = bare.set_password(None);
            return self.canonical(&bare);
        }
        let query = match url.query() {
            Some(query) if self.sort_query || !self.drop_query.is_empty() => query,
            _ => return url[..Position::AfterQuery].to_owned(),
        };
        let mut parts: Vec<&str> = query.split('&').collect();
        let before = parts.len();
        parts.retain(|part| !self.drops(part));
        if self.sort_query {
            parts.sort_by(|a, b| parameter(a).cmp(parameter(b)));
        } else if parts.len() == before {
            return url[..Position::AfterQuery].to_owned();
        }
        let mut text = url[..Position::AfterPath].to_owned();
        if !parts.is_empty() {
            text.push('?');
            text.push_str(&parts.join("&"));
        }
        text
    }

    fn drops(&self, part: &str) -> bool {
        if self.drop_query.is_empty() || part.is_empty() {
            return false;
        }
        let raw = parameter(part);
        let name: Cow<'_, str> = percent_decode_str(raw).decode_utf8_lossy();
        self.drop_query
            .iter()
            .any(|pattern| match pattern.strip_suffix('*') {
                Some(start) => name.starts_with(start),
                None => name == pattern.as_str(),
            })
    }
}

/// The name of `name=value`, as written.
fn parameter(part: &str) -> &str {
    part.split_once('=').map_or(part, |(name, _)| name)
}

fn has_userinfo(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

/// Whether credentials may go to a URL: its host is one of these patterns. A name with the dot of
/// the root (`example.org.`) is in scope and gets none: a short one is then another host.
#[must_use]
pub fn is_trusted(url: &Url, hosts: &[String]) -> bool {
    let is_absolute = url.host_str().is_some_and(|host| host.ends_with('.'));
    !is_absolute && hosts.iter().any(|pattern| host_matches(pattern, url))
}

/// Whether a URL has a host of this pattern: `example.org` matches any port, `example.org:8080`
/// that one, `*.example.org` all names below. A pattern that is none of these matches nothing.
fn host_matches(pattern: &str, url: &Url) -> bool {
    let Some(host) = bare_host(url) else {
        return false;
    };
    let (name, port) = name_and_port(pattern);
    let is_of = |port: &str| {
        port.parse::<u16>()
            .is_ok_and(|port| Some(port) == url.port_or_known_default())
    };
    if !port.is_none_or(is_of) {
        return false;
    }
    match name.strip_prefix("*.") {
        Some(parent) => host
            .strip_suffix(parent)
            .and_then(|below| below.strip_suffix('.'))
            .is_some_and(|below| !below.is_empty()),
        None => host == name,
    }
}

/// A pattern, or a host with a port, in its parts. The colons of a bracketed IPv6 address are not
/// a port's.
fn name_and_port(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
        _ => (text, None),
    }
}

/// The host without the dot of the root.
pub(super) fn bare_host(url: &Url) -> Option<&str> {
    let host = url.host_str()?;
    Some(host.strip_suffix('.').unwrap_or(host))
}

/// A host pattern as the URL parser writes names; none where it is no pattern.
pub(super) fn host_pattern(text: &str) -> Option<String> {
    let (wild, rest) = match text.strip_prefix("*.") {
        Some(rest) => ("*.", rest),
        None => ("", text),
    };
    let (name, port) = name_and_port(rest);
    let port = match port {
        Some(port) => format!(":{}", port.parse::<u16>().ok()?),
        None => String::new(),
    };
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.is_empty() || name.contains(['/', '@', '*', '?', '#']) {
        return None;
    }
    let host = Host::parse(name).ok()?;
    let is_possible = wild.is_empty() || matches!(host, Host::Domain(_));
    is_possible.then(|| format!("{wild}{host}{port}"))
}

/// The absolute http(s) URL that a link means, without its fragment. `None` where it leads to no
/// other page: empty, only a fragment, another scheme (`javascript:`, `mailto:`, …), user info,
/// or too long to be meant.
#[must_use]
pub fn resolve(base: &Url, href: &str) -> Option<Url> {
    resolve_in(base, href, UTF_8)
}

/// As [`resolve`], of a page in this character set: its queries are meant in it (WHATWG URL).
#[must_use]
pub fn resolve_in(base: &Url, href: &str, charset: &'static Encoding) -> Option<Url> {
    let href = href.trim_matches(|c: char| c <= ' ');
    if href.is_empty() || href.starts_with('#') || is_too_long(href) {
        return None;
    }
    let mut url = joined(base, href, charset)?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() || has_userinfo(&url) {
        return None;
    }
    url.set_fragment(None);
    Some(url)
}

/// Whether a reference is too long to be looked at.
#[must_use]
pub const fn is_too_long(href: &str) -> bool {
    href.len() > MAX_HREF
}

/// The absolute URL of a reference on a page in this character set.
#[must_use]
pub fn joined(base: &Url, reference: &str, charset: &'static Encoding) -> Option<Url> {
    let encode: &dyn Fn(&str) -> Cow<'_, [u8]> =
        &|query| Cow::Owned(charset.encode(query).0.into_owned());
    Url::options()
        .base_url(Some(base))
        .encoding_override((charset.output_encoding() != UTF_8).then_some(encode))
        .parse(reference)
        .ok()
}

/// Whether a URL is out of bounds (SPEC N2): too long with more than `max_url` characters; a spider
/// trap with more than `max_segments` path segments, or one segment more than `max_repeats` times.
#[must_use]
pub fn is_trap(url: &Url, max_url: u32, max_segments: u32, max_repeats: u32) -> Option<SkipReason> {
    let at_most = |n: usize, max: u32| u32::try_from(n).is_ok_and(|n| n <= max);
    let segments = || url.path().split('/').filter(|segment| !segment.is_empty());
    let repeats = |segment: &str| segments().filter(|other| *other == segment).count();
    // The parser leaves ASCII only, so bytes are characters.
    if !at_most(url.as_str().len(), max_url) {
        return Some(SkipReason::TooLong);
    }
    let fits = at_most(segments().count(), max_segments)
        && segments().all(|segment| at_most(repeats(segment), max_repeats));
    (!fits).then_some(SkipReason::Trap)
}

#[cfg(test)]
mod tests;
