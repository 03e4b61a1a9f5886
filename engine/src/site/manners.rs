//! `[politeness]`: what the site asks of the engine's manners, and host patterns.

use std::{collections::BTreeMap, time::Duration};

use http::{HeaderName, HeaderValue};
use ipnet::IpNet;
use toml::de::DeValue;
use url::{Host, Url};

use super::{
    amounts,
    compiled::{BasicAuth, Politeness},
    problems::{Problems, shown},
    reading::{Node, Table, integer_of, number_of},
};

/// Headers that the client writes itself.
const OWN_HEADERS: [&str; 6] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "te",
    "upgrade",
];

pub(super) fn politeness(node: &Node<'_>, problems: &mut Problems<'_>) -> Politeness {
    let Some(mut table) = node.table(problems) else {
        return Politeness::default();
    };
    let t = &mut table;
    let politeness = Politeness {
        max_rate: t.take("max_rate").and_then(|node| rate(&node, problems)),
        max_in_flight: t
            .take("max_in_flight")
            .and_then(|node| node.integer(1..=10_000, problems)),
        robots: t.take("robots").and_then(|node| node.boolean(problems)),
        allow_addresses: t
            .take("allow_addresses")
            .map(|node| addresses(&node, problems))
            .unwrap_or_default(),
        headers: strings(t.take("headers"), problems, header),
        user_agent: t
            .take("user_agent")
            .and_then(|node| user_agent(&node, problems)),
        proxy: t.take("proxy").and_then(|node| proxy(&node, problems)),
        basic_auth: t
            .take("basic_auth")
            .and_then(|node| basic_auth(&node, problems)),
        cookies: strings(t.take("cookies"), problems, cookie),
        connect_timeout: timeout(t, "connect_timeout", problems),
        first_byte_timeout: timeout(t, "first_byte_timeout", problems),
        timeout: timeout(t, "timeout", problems),
        max_body: t.take("max_body").and_then(|node| size(&node, problems)),
    };
    table.finish(problems);
    politeness
}

/// `"8/s"`, `"30/min"` or a number of requests a second.
pub(crate) fn rate(node: &Node<'_>, problems: &mut Problems<'_>) -> Option<f64> {
    let rate = match node.value {
        DeValue::String(text) => amounts::rate(text),
        value => number_of(value).and_then(amounts::checked_rate),
    };
    if rate.is_none() {
        node.expected(amounts::RATE, problems);
    }
    rate
}

/// A duration as a string.
pub(crate) fn duration(node: &Node<'_>, problems: &mut Problems<'_>) -> Option<Duration> {
    let duration = node.value.as_str().and_then(amounts::duration);
    if duration.is_none() {
        node.expected(amounts::DURATION, problems);
    }
    duration
}

fn timeout(
    table: &mut Table<'_>,
    key: &'static str,
    problems: &mut Problems<'_>,
) -> Option<Duration> {
    let node = table.take(key)?;
    let duration = duration(&node, problems)?;
    if duration.is_zero() {
        node.error("a time-out is longer than nothing", problems);
    }
    Some(duration)
}

fn size(node: &Node<'_>, problems: &mut Problems<'_>) -> Option<u64> {
    let size = match node.value {
        DeValue::String(text) => amounts::size(text),
        value => integer_of(value).and_then(|size| u64::try_from(size).ok()),
    };
    let size = size.filter(|size| (1..=4 << 30).contains(size));
    if size.is_none() {
        node.expected(&format!("{}, from 1 to 4 GiB", amounts::SIZE), problems);
    }
    size
}

fn addresses(node: &Node<'_>, problems: &mut Problems<'_>) -> Vec<IpNet> {
    if node.elements().is_some_and(|elements| elements.is_empty()) {
        // The default, spelled out.
        return Vec::new();
    }
    let what = "an address range such as \"127.0.0.0/8\"";
    let mut ranges = Vec::new();
    for (node, text) in node.texts(what, problems) {
        let single = || text.parse::<std::net::IpAddr>().map(IpNet::from);
        match text.parse::<IpNet>().or_else(|_| single()) {
            Ok(range) => ranges.push(range),
            Err(_) => node.error(format!("expected {what}, found {}", shown(text)), problems),
        }
    }
    ranges
}

/// A table of names and strings, each checked; values are secrets and never repeated.
fn strings(
    node: Option<Node<'_>>,
    problems: &mut Problems<'_>,
    check: fn(&str, &str) -> Result<(), &'static str>,
) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    let Some(table) = node.and_then(|node| node.table(problems)) else {
        return all;
    };
    for entry in table.entries() {
        let Some(value) = entry.node.value.as_str() else {
            entry.node.error("expected a string", problems);
            continue;
        };
        match check(entry.name, value) {
            Ok(()) => {
                all.insert(entry.name.to_owned(), value.to_owned());
            }
            Err(reason) => entry.node.error(reason, problems),
        }
    }
    all
}

fn header(name: &str, value: &str) -> Result<(), &'static str> {
    let lower = name.to_ascii_lowercase();
    if HeaderName::from_bytes(name.as_bytes()).is_err() {
        Err("this is not a header's name")
    } else if OWN_HEADERS.contains(&lower.as_str()) {
        Err("the client writes this header itself")
    } else if lower == "user-agent" {
        Err("set `politeness.user_agent` instead: robots.txt is matched against it")
    } else if lower == "cookie" {
        Err("set `politeness.cookies` instead")
    } else if HeaderValue::from_str(value).is_err() {
        Err("this value cannot stand in a header (control characters)")
    } else {
        Ok(())
    }
}

fn cookie(name: &str, value: &str) -> Result<(), &'static str> {
    // A cookie's name is a token, as a header's name is.
    if HeaderName::from_bytes(name.as_bytes()).is_err() {
        return Err("this is not a cookie's name");
    }
    let bad = |c: char| c.is_control() || c == ';' || !c.is_ascii();
    if value.contains(bad) {
        Err("a cookie's value is ASCII without `;`")
    } else {
        Ok(())
    }
}

fn user_agent(node: &Node<'_>, problems: &mut Problems<'_>) -> Option<String> {
    let text = node.text(problems)?;
    if !is_user_agent(text) {
        let message = "expected a user agent that begins with a product's name, such as \
                       \"MyCrawler/1.0 (+https://example.org/bot)\"";
        node.error(message, problems);
        return None;
    }
    Some(text.to_owned())
}

/// Whether a text begins with a product's name and may stand in a header.
pub(crate) fn is_user_agent(text: &str) -> bool {
    let token = |c: char| c.is_ascii_alphabetic() || c == '_' || c == '-';
    text.starts_with(token) && HeaderValue::from_str(text).is_ok() && text.len() <= 512
}

fn proxy(node: &Node<'_>, problems: &mut Problems<'_>) -> Option<String> {
    // The value may hold a password, so no message repeats it.
    let what = "a proxy's URL: http://…, https://…, socks5://… or socks5h://…";
    let text = node.value.as_str();
    let known = ["http", "https", "socks5", "socks5h"];
    let is_proxy = |url: &Url| known.contains(&url.scheme()) && url.has_host();
    if text
        .and_then(|text| Url::parse(text).ok())
        .is_some_and(|url| is_proxy(&url))
    {
        return text.map(str::to_owned);
    }
    node.error(format!("expected {what}"), problems);
    None
}

fn basic_auth(node: &Node<'_>, problems: &mut Problems<'_>) -> Option<BasicAuth> {
    let DeValue::Table(_) = node.value else {
        node.error(
            "expected a table { user = \"…\", password = \"…\" }",
            problems,
        );
        return None;
    };
    let mut table = node.table(problems)?;
    let mut part = |key, problems: &mut Problems<'_>| {
        let node = table.require(key, "a string", problems)?;
        let text = node.value.as_str();
        if text.is_none() {
            node.error("expected a string", problems);
        }
        text.map(str::to_owned)
    };
    let user = part("user", problems);
    let password = part("password", problems);
    table.finish(problems);
    let user = user?;
    if user.contains(':') {
        node.error("a user name for basic auth has no `:`", problems);
    }
    Some(BasicAuth {
        user,
        password: password?,
    })
}

/// Host patterns: `example.org`, `example.org:8080` or `*.example.org`, as the parser writes them.
pub(super) fn hosts(node: &Node<'_>, problems: &mut Problems<'_>) -> Vec<String> {
    let what = "a host such as \"example.org\", \"example.org:8080\" or \"*.example.org\"";
    let mut patterns = Vec::new();
    for (node, text) in node.texts(what, problems) {
        if let Some(pattern) = host_pattern(text) {
            patterns.push(pattern);
            continue;
        }
        let is_url = text.contains('/');
        let hint = if is_url {
            " (only the name, without http:// and path)"
        } else {
            ""
        };
        node.error(
            format!("expected {what}{hint}, found {}", shown(text)),
            problems,
        );
        let near = Url::parse(text)
            .ok()
            .and_then(|url| Some(url.host_str()?.to_owned()));
        if let Some(near) = near {
            problems.suggest(near);
        }
    }
    patterns
}

fn host_pattern(text: &str) -> Option<String> {
    let (wild, rest) = match text.strip_prefix("*.") {
        Some(rest) => ("*.", rest),
        None => ("", text),
    };
    let colon = rest.rfind(':').filter(|&at| {
        let bracketed = rest.starts_with('[');
        if bracketed {
            rest[..at].ends_with(']')
        } else {
            true
        }
    });
    let (name, port) = match colon {
        Some(at) => (
            &rest[..at],
            format!(":{}", rest[at + 1..].parse::<u16>().ok()?),
        ),
        None => (rest, String::new()),
    };
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.is_empty() || name.contains(['/', '@', '*', '?', '#']) {
        return None;
    }
    let host = Host::parse(name).ok()?;
    if !wild.is_empty() && !matches!(host, Host::Domain(_)) {
        return None;
    }
    Some(format!("{wild}{host}{port}"))
}
