//! Under which name a robots.txt knows a crawler.

/// Names of browsers, which crawlers put around their own.
const BROWSERS: [&str; 14] = [
    "applewebkit",
    "chrome",
    "chromium",
    "edg",
    "firefox",
    "gecko",
    "headlesschrome",
    "khtml",
    "mobile",
    "mozilla",
    "msie",
    "opera",
    "safari",
    "version",
];

/// The name that groups of robots.txt are compared with: the first product of the user agent
/// (`Crawlfield` of `Crawlfield/0.1 (+https://a.example)`). A crawler that comes as a browser is
/// known by what stands after `compatible;` (`MyBot` of `Mozilla/5.0 (compatible; MyBot/1.0)`),
/// else by its first product that is no browser's, in a comment or behind one.
#[must_use]
pub fn agent_token(user_agent: &str) -> &str {
    let first = token_of(user_agent);
    if !first.eq_ignore_ascii_case("mozilla") {
        return first;
    }
    let is_own = |name: &&str| !name.is_empty() && !is_browser(name);
    after_compatible(user_agent)
        .filter(is_own)
        .or_else(|| in_comments(user_agent).filter_map(product).find(is_own))
        .or_else(|| products(user_agent).find(is_own))
        .unwrap_or(first)
}

/// Whether this is the name of a browser, so that no crawler can be told by it.
#[must_use]
pub fn is_browser(name: &str) -> bool {
    BROWSERS
        .iter()
        .any(|browser| name.eq_ignore_ascii_case(browser))
}

fn token_of(text: &str) -> &str {
    let length = product_token(text.trim().as_bytes()).len();
    &text.trim()[..length]
}

/// The name of `name/version`.
fn product(text: &str) -> Option<&str> {
    let name = token_of(text);
    text.trim()[name.len()..].starts_with('/').then_some(name)
}

fn after_compatible(user_agent: &str) -> Option<&str> {
    let mut parts = in_comments(user_agent);
    parts
        .find(|part| part.trim().eq_ignore_ascii_case("compatible"))
        .and_then(|_| parts.next())
        .map(token_of)
}

/// What stands between the semicolons of comments.
fn in_comments(user_agent: &str) -> impl Iterator<Item = &str> {
    user_agent
        .split('(')
        .skip(1)
        .flat_map(|part| part.split(')').next().unwrap_or_default().split(';'))
}

/// Products outside comments.
fn products(user_agent: &str) -> impl Iterator<Item = &str> {
    let outside = user_agent.split('(').enumerate().map(|(index, part)| {
        let after = part.split_once(')').map_or("", |(_, after)| after);
        if index == 0 { part } else { after }
    });
    outside.flat_map(str::split_whitespace).map(token_of)
}

/// The name at the start of a user agent or of a group's line, all of it: RFC 9309 §2.2.1 has
/// letters, `-` and `_` only, but a name cut at its digit (`Web2Bot`) would be that of others.
pub(super) fn product_token(agent: &[u8]) -> &[u8] {
    let end = agent
        .iter()
        .position(|byte| !(byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')))
        .unwrap_or(agent.len());
    &agent[..end]
}
