//! Whom a session trusts with its credentials.

use url::Url;

/// Whether credentials may go to this URL's host: `name`, `name:port` or `*.name` is listed.
pub(super) fn is_trusted(url: &Url, trusted: &[String]) -> bool {
    let Some(host) = url.host_str() else {
        return false;
    };
    let port = url.port_or_known_default();
    trusted.iter().any(|pattern| {
        let (name, wanted_port) = match pattern.rsplit_once(':') {
            Some((name, digits)) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                (name, digits.parse::<u16>().ok())
            }
            _ => (pattern.as_str(), None),
        };
        let named = match name.strip_prefix("*.") {
            Some(parent) => host
                .strip_suffix(parent)
                .is_some_and(|rest| rest.ends_with('.')),
            None => host.eq_ignore_ascii_case(name),
        };
        named && (wanted_port.is_none() || wanted_port == port)
    })
}
