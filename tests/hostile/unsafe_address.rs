//! Addresses that are refused, through the whole fetcher.

use std::sync::Arc;

use crawlfield_engine::{message::orders::RequestProfile, model::class::ErrorClass::*};
use crawlfield_kit::hostile::{Server, Step};

use crate::fetcher::{Fetcher, profile};

#[test]
fn loopback_is_refused_in_every_spelling_unless_it_is_allowed() {
    let server = Server::start([vec![Step::Request, Step::answer("", b"page")]]);
    let port = server.address().port();
    let strict = Arc::new(RequestProfile {
        allow_addresses: Vec::new(),
        ..profile()
    });
    let mut fetcher = Fetcher::start();
    for host in [
        "127.0.0.1",
        "localhost",
        "localhost.",
        "2130706433",
        "0x7f000001",
        "0177.1",
        "127.1",
        "[::ffff:127.0.0.1]",
        "[::1]",
        "0",
    ] {
        let failure = fetcher.failure(&format!("http://{host}:{port}/"), &strict);
        assert_eq!(failure.class, UnsafeAddress, "{host}");
        assert!(
            failure.message.contains("allow_addresses"),
            "{}",
            failure.message
        );
    }
    assert_eq!(server.log().accepted, 0);
    fetcher.answer(&format!("http://localhost:{port}/"), &Arc::new(profile()));
}

#[test]
fn only_http_and_https_are_fetched() {
    let mut fetcher = Fetcher::start();
    for url in [
        "file:///etc/passwd",
        "ftp://a.test/",
        "data:text/html,x",
        "nothing",
    ] {
        assert_eq!(
            fetcher.failure(url, &Arc::new(profile())).class,
            HttpClient,
            "{url}"
        );
    }
}
