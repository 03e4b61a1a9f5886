//! Names become addresses here, and only addresses that the guard lets through leave.

use std::{io, net::SocketAddr, sync::Arc};

use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::live::guard::{Refused, check_address};

/// How a client finds addresses.
#[derive(Debug, Clone)]
pub(super) enum Resolver {
    /// By the system's resolver, through the guard. The proxy's own name is not guarded: a
    /// person set it.
    Guarded {
        allowed: Arc<Vec<IpNet>>,
        proxy: Option<String>,
    },
    /// Always this one (`--connect-to`).
    Fixed(SocketAddr),
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let resolver = self.clone();
        Box::pin(async move {
            match resolver {
                Self::Fixed(address) => Ok(Box::new(std::iter::once(address)) as Addrs),
                Self::Guarded { allowed, proxy } => {
                    let found: Vec<SocketAddr> =
                        tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
                    if proxy.is_some_and(|proxy| proxy.eq_ignore_ascii_case(name.as_str())) {
                        return Ok(Box::new(found.into_iter()) as Addrs);
                    }
                    let safe = keep_safe(name.as_str(), found, &allowed)?;
                    Ok(Box::new(safe.into_iter()) as Addrs)
                }
            }
        })
    }
}

/// The addresses that may be connected to; if none is left, why.
fn keep_safe(
    name: &str,
    found: Vec<SocketAddr>,
    allowed: &[IpNet],
) -> Result<Vec<SocketAddr>, Box<dyn std::error::Error + Send + Sync>> {
    let mut refused: Option<Refused> = None;
    let mut safe = Vec::with_capacity(found.len());
    for address in found {
        match check_address(name, address.ip(), allowed) {
            Ok(()) => safe.push(address),
            Err(refusal) => refused = Some(refusal),
        }
    }
    match refused {
        _ if !safe.is_empty() => Ok(safe),
        Some(refusal) => Err(refusal.into()),
        None => Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_mixed_answers_only_the_public_addresses_are_used() {
        let check = |answers: &[&str], expected: Option<&[&str]>| {
            let parse = |list: &[&str]| -> Vec<SocketAddr> {
                list.iter().map(|text| text.parse().unwrap()).collect()
            };
            let kept = keep_safe("a.test", parse(answers), &[]);
            match expected {
                Some(expected) => assert_eq!(kept.unwrap(), parse(expected)),
                None => assert!(kept.is_err(), "{answers:?}"),
            }
        };
        check(&["93.184.216.34:0"], Some(&["93.184.216.34:0"]));
        check(
            &["127.0.0.1:0", "93.184.216.34:0"],
            Some(&["93.184.216.34:0"]),
        );
        check(&["[::1]:0", "10.0.0.1:0"], None);
        check(&[], None);
    }
}
