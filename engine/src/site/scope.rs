//! Which hosts are in scope, and what a URL's canonical form is.

use serde::{Deserialize, Serialize};
use url::Url;

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

/// Scheme, name and port: the unit of robots.txt and permits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct HostKey {
    /// `http` or `https`.
    pub scheme: String,
    /// Lower-case name or address, without brackets.
    pub name: String,
    /// Port, known default filled in.
    pub port: u16,
}

impl HostKey {
    /// The host of an http(s) URL.
    #[must_use]
    pub fn of(url: &Url) -> Option<Self> {
        if !matches!(url.scheme(), "http" | "https") {
            return None;
        }
        Some(Self {
            scheme: url.scheme().to_owned(),
            name: url.host_str()?.trim_matches(['[', ']']).to_owned(),
            port: url.port_or_known_default()?,
        })
    }
}

impl std::fmt::Display for HostKey {
    /// `name`, with the port where it is not the scheme's own.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.scheme.as_str(), self.port) {
            ("http", 80) | ("https", 443) => f.write_str(&self.name),
            (_, port) => write!(f, "{}:{port}", self.name),
        }
    }
}
