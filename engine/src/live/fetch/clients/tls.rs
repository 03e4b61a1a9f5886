//! TLS: rustls with ring, the web's roots, no way to turn the checks off.

use std::sync::{Arc, LazyLock};

use rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::CertificateDer};

static WEB_ROOTS: LazyLock<Arc<RootCertStore>> = LazyLock::new(|| {
    Arc::new(RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    })
});

/// What a client's connections trust and speak.
pub(super) fn config(extra_roots: &[Vec<u8>], http1_only: bool) -> Result<ClientConfig, String> {
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
