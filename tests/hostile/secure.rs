//! TLS and HTTP/2: certificates are checked, a mapped host keeps its SNI, tunnels work.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use crawlfield_engine::{
    message::{
        orders::{Purpose, RequestProfile},
        reports::Outcome,
    },
    model::class::ErrorClass::{self, *},
};
use crawlfield_kit::hostile::{Server, Step};
use http_body_util::Full;
use hyper::{
    Request, Response,
    body::Incoming,
    header::{CONTENT_LENGTH, HeaderValue},
    service::service_fn,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use tokio::{net::TcpListener, runtime::Runtime, sync::Notify};
use tokio_rustls::{TlsAcceptor, rustls};

use crate::fetcher::{Fetcher, class_of, profile};

/// A TLS server for `shop.test` that answers with version and authority of the request.
struct Shop {
    address: SocketAddr,
    certificate: Vec<u8>,
    accepted: Arc<AtomicUsize>,
    _runtime: Runtime,
}

impl Shop {
    fn start(alpn: &[&[u8]]) -> Self {
        let made = rcgen::generate_simple_self_signed(vec!["shop.test".to_owned()]).unwrap();
        let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key.unwrap())
            .unwrap();
        config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let accepted = Arc::new(AtomicUsize::new(0));
        let acceptor = TlsAcceptor::from(Arc::new(config));
        runtime.spawn(serve(listener, acceptor, Arc::clone(&accepted)));
        Self {
            accepted,
            address,
            certificate: made.cert.der().to_vec(),
            _runtime: runtime,
        }
    }

    fn profile(&self, host: &str) -> RequestProfile {
        RequestProfile {
            extra_roots: vec![self.certificate.clone()],
            connect_to: BTreeMap::from([(host.to_owned(), self.address)]),
            allow_addresses: Vec::new(),
            ..profile()
        }
    }
}

async fn serve(listener: TcpListener, acceptor: TlsAcceptor, accepted: Arc<AtomicUsize>) {
    while let Ok((peer, _)) = listener.accept().await {
        accepted.fetch_add(1, Ordering::Relaxed);
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            let Ok(secure) = acceptor.accept(peer).await else {
                return;
            };
            let sni = secure.get_ref().1.server_name().map(str::to_owned);
            let leave = Arc::new(Notify::new());
            let leaving = Arc::clone(&leave);
            let answer = service_fn(move |request: Request<Incoming>| {
                let leave = Arc::clone(&leave);
                let path = request.uri().path().to_owned();
                let text = format!(
                    "{:?} sni={} authority={} host={}",
                    request.version(),
                    sni.as_deref().unwrap_or("-"),
                    request.uri().authority().map_or("-", |name| name.as_str()),
                    request
                        .headers()
                        .get("host")
                        .and_then(|value| value.to_str().ok())
                        .unwrap_or("-"),
                );
                async move {
                    let mut answer = Response::new(Full::new(Bytes::from(text)));
                    match path.as_str() {
                        "/away" => leave.notify_one(),
                        "/hang" => std::future::pending().await,
                        "/reset" => return Err("a reset instead of an answer"),
                        "/half" => {
                            let length = HeaderValue::from_static("9999");
                            answer.headers_mut().insert(CONTENT_LENGTH, length);
                        }
                        "/head" => {
                            let huge = HeaderValue::try_from("a".repeat(100_000)).unwrap();
                            answer.headers_mut().insert("x-huge", huge);
                        }
                        _ => {}
                    }
                    Ok(answer)
                }
            });
            // A client that goes away ends its connection: nothing to do about it.
            let builder = auto::Builder::new(TokioExecutor::new());
            let mut connection = pin!(builder.serve_connection(TokioIo::new(secure), answer));
            tokio::select! {
                _ = connection.as_mut() => return,
                () = leaving.notified() => connection.as_mut().graceful_shutdown(),
            }
            let _ = connection.await;
        });
    }
}

fn text(url: &str, profile: RequestProfile) -> Result<String, ErrorClass> {
    class_of(url, profile).map(|answer| String::from_utf8_lossy(&answer.body).into_owned())
}

#[test]
fn http_2_is_spoken_where_the_server_offers_it() {
    let shop = Shop::start(&[b"h2", b"http/1.1"]);
    let said = text("https://shop.test/", shop.profile("shop.test")).unwrap();
    assert_eq!(said, "HTTP/2.0 sni=shop.test authority=shop.test host=-");
    let shop = Shop::start(&[b"http/1.1"]);
    let said = text("https://shop.test/", shop.profile("shop.test")).unwrap();
    assert_eq!(said, "HTTP/1.1 sni=shop.test authority=- host=shop.test");
}

#[test]
fn an_http_2_stream_that_breaks_is_a_transient_failure_and_a_huge_head_is_not() {
    let shop = Shop::start(&[b"h2"]);
    let check = |path: &str, expected: ErrorClass| {
        let url = format!("https://shop.test{path}");
        assert_eq!(
            text(&url, shop.profile("shop.test")),
            Err(expected),
            "{path}"
        );
    };
    check("/reset", Reset);
    check("/half", Truncated);
    check("/head", TooLarge);
}

#[test]
fn an_http_2_server_that_goes_away_meanwhile_is_asked_on_a_new_connection() {
    let shop = Shop::start(&[b"h2"]);
    let profile = Arc::new(shop.profile("shop.test"));
    let mut fetcher = Fetcher::start();
    for round in 0..6 {
        // The GOAWAY of `/away` meets the requests beside it at every stage.
        for path in ["", "a", "away", "b", "c", "d"] {
            let url = format!("https://shop.test/{path}");
            fetcher.send(&url, Purpose::Page, &profile);
        }
        for _ in 0..6 {
            let outcome = fetcher.report().outcome;
            assert!(
                matches!(&outcome, Outcome::Answered(answer) if answer.head.status == 200),
                "round {round}: {outcome:?}"
            );
        }
    }
    assert!(shop.accepted.load(Ordering::Relaxed) >= 2);
}

#[test]
fn after_two_hung_streams_an_http_2_host_is_asked_on_a_new_connection() {
    let shop = Shop::start(&[b"h2"]);
    let profile = Arc::new(RequestProfile {
        first_byte_timeout: Duration::from_millis(200),
        ..shop.profile("shop.test")
    });
    let mut fetcher = Fetcher::start();
    for (path, connections) in [
        ("", 1),
        ("hang", 1),
        ("", 1),
        ("hang", 1),
        ("hang", 1),
        ("", 2),
    ] {
        fetcher.fetch(&format!("https://shop.test/{path}"), &profile);
        let accepted = shop.accepted.load(Ordering::Relaxed);
        assert_eq!(accepted, connections, "after /{path}");
    }
}

#[test]
fn a_mapped_port_shows_the_server_what_was_asked_for() {
    let shop = Shop::start(&[b"h2", b"http/1.1"]);
    let said = text("https://shop.test:4443/", shop.profile("shop.test")).unwrap();
    assert_eq!(
        said,
        "HTTP/1.1 sni=shop.test authority=- host=shop.test:4443"
    );
}

#[test]
fn a_certificate_that_is_not_trusted_or_for_another_host_is_a_tls_failure() {
    let shop = Shop::start(&[b"http/1.1"]);
    let untrusting = RequestProfile {
        extra_roots: Vec::new(),
        ..shop.profile("shop.test")
    };
    assert_eq!(text("https://shop.test/", untrusting), Err(Tls));
    assert_eq!(
        text("https://other.test/", shop.profile("other.test")),
        Err(Tls)
    );
}

#[test]
fn a_handshake_that_fails_hangs_up_or_hangs_has_its_own_class_each() {
    let check = |script: Vec<Step>, expected: ErrorClass| {
        let server = Server::start([script]);
        let mut profile = RequestProfile {
            connect_timeout: Duration::from_millis(500),
            ..profile()
        };
        profile
            .connect_to
            .insert("a.test".to_owned(), server.address());
        assert_eq!(text("https://a.test/", profile), Err(expected));
    };
    check(
        vec![Step::Take(5), Step::say("HTTP/1.1 400 Bad\r\n\r\n")],
        Tls,
    );
    check(vec![Step::Take(5)], Reset);
    check(vec![Step::Take(5), Step::Hang], TimeoutConnect);
}

#[test]
fn https_goes_through_a_proxy_by_a_tunnel() {
    let shop = Shop::start(&[b"h2", b"http/1.1"]);
    let proxy = Server::start([vec![
        Step::Request,
        Step::say("HTTP/1.1 200 Connection established\r\n\r\n"),
        Step::Tunnel(shop.address),
    ]]);
    let profile = RequestProfile {
        connect_to: BTreeMap::new(),
        proxy: Some(format!("http://ann:pass-word@{}", proxy.address())),
        ..shop.profile("-")
    };
    let said = text("https://shop.test/", profile).unwrap();
    assert!(said.contains("sni=shop.test"), "{said}");
    let sent = &proxy.log().requests[0];
    assert!(
        sent.starts_with("CONNECT shop.test:443 HTTP/1.1\r\n"),
        "{sent}"
    );
    assert!(
        sent.to_lowercase().contains("proxy-authorization: basic"),
        "{sent}"
    );
}
