//! Single answers of the server, its start and its stop.

use scraper::Html;

use super::{
    client::served,
    read::{css, read_list},
};
use crate::demo::{DemoConfig, markup::LIST_QUERY, server};

const HOST: &str = "http://catalogue.demo.test";

#[test]
fn pages_are_as_large_as_those_of_the_real_site() {
    served(DemoConfig::well_behaved(100, 1), async |server, client| {
        let product = server.catalogue().product(50).expect("within 100");
        let list = format!("{HOST}/csa-iot_products/?{LIST_QUERY}");
        for url in [list, product.url] {
            let (status, html) = client.get(&url).await.expect("an answer");
            assert_eq!(status, 200);
            let size = html.len();
            assert!(
                (8 << 10..30 << 10).contains(&size),
                "{url} has {size} bytes"
            );
        }
    });
}

#[test]
fn a_page_past_the_end_holds_articles_but_no_product() {
    served(DemoConfig::well_behaved(100, 1), async |_, client| {
        let url = format!("{HOST}/csa-iot_products/page/10/?{LIST_QUERY}");
        let (status, html) = client.get(&url).await.expect("an answer");
        let list = read_list(&html);
        assert_eq!((status, list.cards.len(), list.pages), (200, 0, 9));
        let page = Html::parse_document(&html);
        assert_eq!(page.select(&css("article")).count(), 3);
    });
}

#[test]
fn paths_are_answered_as_wordpress_does() {
    served(DemoConfig::well_behaved(100, 1), async |server, client| {
        let product = server.catalogue().product(99).expect("within 100").url;
        for (url, expected) in [
            (format!("{HOST}/"), 200),
            (format!("{HOST}/robots.txt"), 200),
            (format!("{HOST}/sitemap.xml"), 200),
            (format!("{HOST}/csa-iot_products/page/1/?{LIST_QUERY}"), 301),
            (format!("{HOST}/csa-iot_products/page/0/"), 404),
            (product.trim_end_matches('/').to_owned(), 301),
            (format!("{HOST}/csa_product/nothing-77/"), 404),
            (format!("{HOST}/newsroom/1/"), 404),
            ("http://else.demo.test/robots.txt".to_owned(), 421),
        ] {
            let via = url.replace("else.demo.test", "catalogue.demo.test");
            let (status, _) = client.get_as(&via, &url).await.expect("an answer");
            assert_eq!(status, expected, "{url}");
        }
    });
}

#[test]
fn the_sitemap_names_every_product() {
    served(DemoConfig::well_behaved(250, 1), async |server, client| {
        let (_, xml) = client
            .get(&format!("{HOST}/sitemap.xml"))
            .await
            .expect("an answer");
        for product in server.catalogue().products() {
            assert!(
                xml.contains(&format!("<loc>{}</loc>", product.url)),
                "{}",
                product.url
            );
        }
    });
}

#[test]
fn the_page_of_a_product_that_is_gone_is_missing_and_stays_listed() {
    let config = DemoConfig {
        gone: 0.5,
        ..DemoConfig::well_behaved(12, 1)
    };
    served(config, async |server, client| {
        let list = client
            .get(&format!("{HOST}/csa-iot_products/?{LIST_QUERY}"))
            .await
            .expect("an answer")
            .1;
        for product in server.catalogue().products() {
            let is_gone = server.catalogue().is_gone(product.index);
            let (status, _) = client.get(&product.url).await.expect("an answer");
            assert_eq!(status, if is_gone { 404 } else { 200 });
            assert!(list.contains(&product.url), "{}", product.url);
        }
    });
}

#[test]
fn gzip_is_given_to_those_who_accept_it() {
    let config = DemoConfig {
        gzip: true,
        ..DemoConfig::well_behaved(100, 1)
    };
    served(config, async |server, client| {
        let url = format!("http://{}/csa-iot_products/?{LIST_QUERY}", server.addr());
        let asked = client.http().get(url).header("Accept-Encoding", "gzip");
        let body = asked
            .send()
            .await
            .expect("an answer")
            .bytes()
            .await
            .expect("a body");
        let mut html = String::new();
        std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&*body), &mut html)
            .expect("gzip");
        assert_eq!(read_list(&html).cards.len(), 12);
    });
}

#[test]
fn requests_above_the_rate_get_429() {
    let config = DemoConfig {
        rate_limit: Some(5.0),
        ..DemoConfig::well_behaved(100, 1)
    };
    served(config, async |server, client| {
        let url = server.catalogue().product(3).expect("within 100").url;
        let mut passed = 0;
        while client.get(&url).await.expect("an answer").0 != 429 {
            passed += 1;
            assert!(passed < 10_000, "nothing is refused");
        }
        assert!(passed >= 5, "a second's worth comes at once: {passed}");
    });
}

#[test]
fn a_dropped_server_is_gone() {
    let server = server::start(DemoConfig::default()).expect("a free port on loopback");
    let addr = server.addr();
    let open = std::net::TcpStream::connect(addr).expect("it listens");
    drop(server);
    assert!(std::net::TcpStream::connect(addr).is_err());
    drop(open);
}

#[test]
fn a_configuration_out_of_range_is_refused_with_a_reason() {
    let wrong = DemoConfig {
        error_rate: 1.5,
        ..DemoConfig::default()
    };
    let error = server::start(wrong).expect_err("1.5 is no share");
    assert_eq!(
        error.to_string(),
        "the demo's error_rate is 1.5; give a share from 0 to 1, such as 0.02"
    );
    let empty = DemoConfig {
        products: 0,
        ..DemoConfig::default()
    };
    let error = server::start(empty).expect_err("an empty catalogue has no page to crawl");
    assert!(error.to_string().contains("1 or more"), "{error}");
}

#[test]
fn a_configuration_survives_json_and_fills_in_its_defaults() {
    let config = DemoConfig {
        hosts: 3,
        rate_limit: Some(2.5),
        ..DemoConfig::default()
    };
    let text = serde_json::to_string(&config).expect("plain values");
    let read: DemoConfig = serde_json::from_str(&text).expect("as written");
    assert_eq!(read, config);
    let empty: DemoConfig = serde_json::from_str("{}").expect("all have defaults");
    assert_eq!(empty, DemoConfig::default());
}

#[test]
fn faults_are_statuses_resets_and_bodies_cut_in_the_middle() {
    use std::io::{ErrorKind, Read as _, Write as _};
    let config = DemoConfig {
        error_rate: 1.0,
        ..DemoConfig::well_behaved(60, 1)
    };
    let server = server::start(config).expect("a free port on loopback");
    let (mut statuses, mut resets, mut cuts) = (0, 0, 0);
    for product in server.catalogue().products() {
        let path = product.url.trim_start_matches(HOST);
        let mut socket = std::net::TcpStream::connect(server.addr()).expect("it listens");
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: catalogue.demo.test\r\nConnection: close\r\n\r\n"
        );
        socket.write_all(request.as_bytes()).expect("it reads");
        let mut answer = Vec::new();
        match socket.read_to_end(&mut answer) {
            Err(error) if error.kind() == ErrorKind::ConnectionReset => resets += 1,
            Err(error) => panic!("{error}"),
            Ok(_) if answer.starts_with(b"HTTP/1.1 200") => {
                assert!(
                    !answer.ends_with(b"</html>\n"),
                    "half of the body is missing"
                );
                cuts += 1;
            }
            Ok(_) => {
                assert!(answer.starts_with(b"HTTP/1.1 50"));
                statuses += 1;
            }
        }
    }
    assert!(
        statuses > 20 && resets > 2 && cuts > 2,
        "{statuses} {resets} {cuts}"
    );
}
