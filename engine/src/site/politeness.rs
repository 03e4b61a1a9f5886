//! `[politeness]`: what the site file says of requests and of its hosts.

use std::{collections::BTreeMap, time::Duration};

use http::{HeaderName, HeaderValue};
use ipnet::IpNet;
use toml::de::DeValue;
use url::Url;

use super::{
    amounts,
    compiled::{BasicAuth, Politeness},
    document::{Node, integer_of, number_of},
    problems::shown,
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

pub(super) fn politeness(node: &Node<'_>) -> Option<Politeness> {
    node.read_keys(|t| {
        Some(Politeness {
            max_rate: t.get("max_rate", rate),
            max_in_flight: t.get("max_in_flight", |node| node.integer(1..=10_000)),
            robots: t.get("robots", Node::boolean),
            allow_addresses: t.get("allow_addresses", addresses).unwrap_or_default(),
            headers: t
                .get("headers", |node| strings(node, header))
                .unwrap_or_default(),
            user_agent: t.get("user_agent", user_agent),
            proxy: t.get("proxy", proxy),
            basic_auth: t.get("basic_auth", basic_auth),
            cookies: t
                .get("cookies", |node| strings(node, cookie))
                .unwrap_or_default(),
            connect_timeout: t.get("connect_timeout", timeout),
            first_byte_timeout: t.get("first_byte_timeout", timeout),
            timeout: t.get("timeout", timeout),
            max_body: t.get("max_body", size),
        })
    })
}

/// `"8/s"`, `"30/min"` or a number of requests a second.
fn rate(node: &Node<'_>) -> Option<f64> {
    let rate = match node.value {
        DeValue::String(text) => amounts::rate(text),
        value => number_of(value).and_then(amounts::checked_rate),
    };
    node.or_expected(rate, amounts::RATE)
}

/// A duration as a string.
pub(super) fn duration(node: &Node<'_>) -> Option<Duration> {
    let duration = node.value.as_str().and_then(amounts::duration);
    node.or_expected(duration, amounts::DURATION)
}

fn timeout(node: &Node<'_>) -> Option<Duration> {
    let duration = duration(node)?;
    if duration.is_zero() {
        node.error("a time-out is longer than nothing");
    }
    Some(duration)
}

fn size(node: &Node<'_>) -> Option<u64> {
    let size = match node.value {
        DeValue::String(text) => amounts::size(text),
        value => integer_of(value).and_then(|size| u64::try_from(size).ok()),
    };
    let size = size.filter(|size| (1..=4 << 30).contains(size));
    node.or_expected(size, &format!("{}, from 1 to 4 GiB", amounts::SIZE))
}

fn addresses(node: &Node<'_>) -> Option<Vec<IpNet>> {
    // An empty list is the default, spelled out.
    if node.elements().is_some_and(|elements| elements.is_empty()) {
        return None;
    }
    let what = "an address range such as \"127.0.0.0/8\"";
    let read = |(node, text): (Node<'_>, &str)| {
        let single = || text.parse::<std::net::IpAddr>().map(IpNet::from);
        let range = text.parse::<IpNet>().or_else(|_| single()).ok();
        if range.is_none() {
            node.error(format!("expected {what}, found {}", shown(text)));
        }
        range
    };
    Some(node.texts(what).into_iter().filter_map(read).collect())
}

/// A table of names and strings, each checked; values are secrets and never repeated.
fn strings(
    node: &Node<'_>,
    check: fn(&str, &str) -> Result<(), &'static str>,
) -> Option<BTreeMap<String, String>> {
    let mut all = BTreeMap::new();
    for entry in node.keys()?.entries() {
        let value = entry.node.value.as_str().ok_or("expected a string");
        match value.and_then(|value| check(entry.name, value).map(|()| value)) {
            Ok(value) => {
                all.insert(entry.name.to_owned(), value.to_owned());
            }
            Err(reason) => entry.node.error(reason),
        }
    }
    Some(all)
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

fn user_agent(node: &Node<'_>) -> Option<String> {
    let text = node.text()?;
    if !is_user_agent(text) {
        let message = "expected a user agent that begins with a product's name, such as \
                       \"MyCrawler/1.0 (+https://example.org/bot)\"";
        node.error(message);
        return None;
    }
    Some(text.to_owned())
}

/// Whether a text begins with a product's name and may stand in a header.
pub(crate) fn is_user_agent(text: &str) -> bool {
    let token = |c: char| c.is_ascii_alphabetic() || c == '_' || c == '-';
    text.starts_with(token) && HeaderValue::from_str(text).is_ok() && text.len() <= 512
}

fn proxy(node: &Node<'_>) -> Option<String> {
    let known = ["http", "https", "socks5", "socks5h"];
    let is_proxy = |url: Url| known.contains(&url.scheme()) && url.has_host();
    let text = node.value.as_str();
    let text = text.filter(|text| Url::parse(text).is_ok_and(is_proxy));
    if text.is_none() {
        // The value may hold a password, so no message repeats it.
        node.error("expected a proxy's URL: http://…, https://…, socks5://… or socks5h://…");
    }
    text.map(str::to_owned)
}

fn basic_auth(node: &Node<'_>) -> Option<BasicAuth> {
    if !node.is_table() {
        node.error("expected a table { user = \"…\", password = \"…\" }");
        return None;
    }
    // A wrong value may be a password, so no message repeats it.
    let secret = |node: &Node<'_>| {
        let text = node.value.as_str();
        if text.is_none() {
            node.error("expected a string");
        }
        text.map(str::to_owned)
    };
    let auth = node.read_keys(|t| {
        let user = t.need("user", "a string", secret);
        let password = t.need("password", "a string", secret);
        Some(BasicAuth {
            user: user?,
            password: password?,
        })
    })?;
    if auth.user.contains(':') {
        node.error("a user name for basic auth has no `:`");
    }
    Some(auth)
}
