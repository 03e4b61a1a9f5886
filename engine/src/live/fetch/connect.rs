//! How a client connects: only to addresses that the guard lets through, by rustls with the web's
//! roots and no way to turn the checks off, and knowing whether a request dialled a connection of
//! its own. One that was sent over a pooled connection and lost it before the first byte is sent
//! again; any other is not.

use std::{
    cell::Cell,
    io,
    net::SocketAddr,
    sync::{Arc, LazyLock},
    task::{Context, Poll},
};

use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::CertificateDer};
use tower_layer::Layer;
use tower_service::Service;

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

static WEB_ROOTS: LazyLock<Arc<RootCertStore>> = LazyLock::new(|| {
    Arc::new(RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    })
});

/// What a client's connections trust and speak.
pub(super) fn tls_config(
    extra_roots: &[Vec<u8>],
    http1_only: bool,
) -> Result<ClientConfig, String> {
    let mut roots = Arc::clone(&WEB_ROOTS);
    for der in extra_roots {
        Arc::make_mut(&mut roots)
            .add(CertificateDer::from(der.clone()))
            .map_err(|error| format!("an extra root certificate cannot be used: {error}"))?;
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = if http1_only {
        vec![b"http/1.1".to_vec()]
    } else {
        vec![b"h2".to_vec(), b"http/1.1".to_vec()]
    };
    Ok(config)
}

tokio::task_local! {
    static DIALLED: Cell<bool>;
}

/// Runs a request and says whether it dialled.
pub(super) async fn watched<T>(request: impl Future<Output = T>) -> (T, bool) {
    DIALLED
        .scope(Cell::new(false), async {
            let result = request.await;
            (result, DIALLED.with(Cell::get))
        })
        .await
}

/// Wraps the connector of a client.
#[derive(Debug, Clone, Copy)]
pub(super) struct NoteDials;

impl<S> Layer<S> for NoteDials {
    type Service = Noted<S>;

    fn layer(&self, inner: S) -> Noted<S> {
        Noted(inner)
    }
}

/// A connector that notes its calls.
#[derive(Debug, Clone)]
pub(super) struct Noted<S>(S);

impl<S: Service<R>, R> Service<R> for Noted<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, target: R) -> S::Future {
        // Outside a watched request nobody asks.
        let _ = DIALLED.try_with(|dialled| dialled.set(true));
        self.0.call(target)
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
