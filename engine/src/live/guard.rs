//! Which addresses a request may reach (SPEC N1): public ones, and those that a person allowed.
//! It sees host literals before the request and resolved addresses before the connection.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use ipnet::IpNet;
use url::Host;

#[cfg(test)]
mod tests;

/// An address that may not be reached, and what kind of address it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The host as asked for.
    pub host: String,
    /// What it stands for.
    pub address: IpAddr,
    /// What such addresses are for, e.g. `loopback`.
    pub kind: &'static str,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            host,
            address,
            kind,
        } = self;
        let network = IpNet::from(*address);
        write!(
            f,
            "{host} leads to {address} ({kind}), which is refused. If that is meant, add \
             allow_addresses = [\"{network}\"] to [politeness] in the site file"
        )
    }
}

impl std::error::Error for Refused {}

/// Whether a URL's host may be asked for, as far as can be told before its name is resolved.
///
/// # Errors
/// The host is a refused address in any spelling, or a name of this machine.
pub fn check_host(host: &Host<&str>, allowed: &[IpNet]) -> Result<(), Refused> {
    match host {
        Host::Ipv4(address) => check_address(&address.to_string(), IpAddr::V4(*address), allowed),
        Host::Ipv6(address) => check_address(&address.to_string(), IpAddr::V6(*address), allowed),
        Host::Domain(name) => {
            let plain = name.trim_end_matches('.');
            if plain == "localhost" || plain.ends_with(".localhost") {
                check_address(name, IpAddr::V4(Ipv4Addr::LOCALHOST), allowed)
            } else {
                Ok(())
            }
        }
    }
}

/// Whether this address, which `host` resolved to, may be connected to.
///
/// # Errors
/// It is not public, and not allowed.
pub fn check_address(host: &str, address: IpAddr, allowed: &[IpNet]) -> Result<(), Refused> {
    let Some(kind) = kind_of(address) else {
        return Ok(());
    };
    let inner = match address {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    };
    if allowed
        .iter()
        .any(|net| net.contains(&address) || net.contains(&inner))
    {
        return Ok(());
    }
    Err(Refused {
        host: host.to_owned(),
        address,
        kind,
    })
}

/// What a special address is for; `None` for public ones. After the IANA registries of
/// special-purpose IPv4 and IPv6 addresses.
fn kind_of(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(v4) => kind_of_v4(v4),
        IpAddr::V6(v6) => kind_of_v6(v6),
    }
}

fn kind_of_v4(address: Ipv4Addr) -> Option<&'static str> {
    let kind = match address.octets() {
        [0, ..] => "this network",
        [127, ..] => "loopback",
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => "private",
        [100, 64..=127, ..] => "shared address space",
        [169, 254, 169, 254] => "link-local, cloud metadata",
        [169, 254, ..] => "link-local",
        [192, 0, 0, _] => "protocol assignments",
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => "documentation",
        [192, 88, 99, _] => "6to4 relay",
        [198, 18..=19, ..] => "benchmarking",
        [224..=239, ..] => "multicast",
        [255, 255, 255, 255] => "broadcast",
        [240..=255, ..] => "reserved",
        _ => return None,
    };
    Some(kind)
}

fn kind_of_v6(address: Ipv6Addr) -> Option<&'static str> {
    let segments = address.segments();
    if let Some(kind) = match segments {
        [0, 0, 0, 0, 0, 0, 0, 0] => Some("unspecified"),
        [0, 0, 0, 0, 0, 0, 0, 1] => Some("loopback"),
        [0x64, 0xff9b, 1, ..] => Some("local-use translation"),
        [0x100, 0, 0, 0, ..] => Some("discard-only"),
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Some("documentation"),
        [0x2001, 2, 0, ..] => Some("benchmarking"),
        [0x2001, 0x10..=0x2f, ..] => Some("overlay identifiers"),
        [0x5f00, ..] => Some("segment routing"),
        [0xfc00..=0xfdff, ..] => Some("private"),
        [0xfe80..=0xfebf, ..] => Some("link-local"),
        [0xfec0..=0xfeff, ..] => Some("site-local"),
        [0xff00..=0xffff, ..] => Some("multicast"),
        _ => None,
    } {
        return Some(kind);
    }
    embedded_v4(segments).and_then(kind_of_v4)
}

/// The IPv4 address inside an IPv6 address that leads to it: mapped, compatible, translated,
/// NAT64, 6to4, Teredo (the client's, stored inverted) and ISATAP.
fn embedded_v4(segments: [u16; 8]) -> Option<Ipv4Addr> {
    let join = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match segments {
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..]
        | [_, _, _, _, 0 | 0x200, 0x5efe, high, low] => Some(join(high, low)),
        [0x2001, 0, _, _, _, _, high, low] => Some(join(!high, !low)),
        _ => None,
    }
}
