//! A client that reaches the demo under the names of its virtual hosts.

use std::{net::SocketAddr, time::Duration};

use crate::demo::{DemoConfig, DemoServer, server};

pub(super) struct Client {
    http: reqwest::Client,
    addr: SocketAddr,
}

impl Client {
    pub(super) fn of(server: &DemoServer) -> Self {
        // The first test installs it, the others find it there.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(20));
        for (host, addr) in server.connect_to() {
            builder = builder.resolve(&host, addr);
        }
        Self {
            http: builder.build().expect("a client without TLS needs nothing"),
            addr: server.addr(),
        }
    }

    pub(super) fn http(&self) -> &reqwest::Client {
        &self.http
    }

    pub(super) async fn get(&self, url: &str) -> reqwest::Result<(u16, String)> {
        self.get_as(url, url).await
    }

    /// Asks where `url` leads, with the `Host` of `named`.
    pub(super) async fn get_as(&self, url: &str, named: &str) -> reqwest::Result<(u16, String)> {
        // The virtual hosts have the server's port; the crawler's `Host` names none.
        let real = url.replacen(
            host_in(url),
            &format!("{}:{}", host_in(url), self.addr.port()),
            1,
        );
        let answer = self
            .http
            .get(real)
            .header("Host", host_in(named))
            .send()
            .await?;
        let status = answer.status().as_u16();
        Ok((status, answer.text().await?))
    }
}

fn host_in(url: &str) -> &str {
    url.trim_start_matches("http://")
        .split('/')
        .next()
        .unwrap_or_default()
}

/// Starts a demo and lets `see` look at it.
pub(super) fn served<T>(config: DemoConfig, see: impl AsyncFnOnce(&DemoServer, &Client) -> T) -> T {
    let server = server::start(config).expect("a free port on loopback");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime needs no more than file descriptors");
    runtime.block_on(see(&server, &Client::of(&server)))
}
