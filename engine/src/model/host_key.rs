//! Scheme, name and port of a server.

use serde::{Deserialize, Serialize};
use url::Url;

/// Scheme, name and port: the unit of robots.txt and permits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct HostKey {
    /// `http` or `https`, nothing else.
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
