//! Redirects towards addresses that may not be reached: refused at each hop, never asked.

use crawlfield_kit::{
    shop,
    sites::{Reply, Request},
};

use super::{GOOD, crawl_site, shop_with};

/// All of them in scope, so that only the guard stands before them.
const HOSTS: &str = r#"hosts = ["shop.test", "127.0.0.1", "localhost", "inner.localhost",
    "169.254.169.254", "[::1]", "[::ffff:7f00:1]", "[64:ff9b::a00:1]"]"#;

#[track_caller]
fn check(host: &'static str) {
    let bad = move |request: &Request| match request.path() {
        "/bad" => Reply::redirect(302, "/bad/hop"),
        "/bad/hop" => {
            // The shop's own server, where an address of loopback leads to it.
            let port = request.header("x-port").unwrap_or("80");
            Reply::redirect(307, &format!("http://{host}:{port}/bad/inner"))
        }
        _ => shop::item("a secret", "1"),
    };
    let web = shop_with(bad);
    let headers = format!("headers = {{ X-Port = \"{}\" }}", web.address().port());
    let site = shop::site(&headers).replace("[politeness]", &format!("{HOSTS}\n\n[politeness]"));
    let crawled = crawl_site(&web, &site, &[]);
    let letters = vec![("/bad".to_owned(), "unsafe_address".to_owned())];
    let found = (
        crawled.classes(),
        crawled.items().len(),
        web.asked("/bad/inner"),
    );
    assert_eq!(
        found,
        (letters, GOOD, 0),
        "{host}: {}",
        crawled.ended.stderr
    );
    assert_eq!(web.asked("/bad/hop"), 1, "{host}");
}

#[test]
fn a_redirect_to_a_private_address_is_refused_in_every_spelling() {
    for host in [
        "127.0.0.1",
        "2130706433",
        "localhost",
        "inner.localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::10.0.0.1]",
        "169.254.169.254",
    ] {
        check(host);
    }
}
