//! Compressed bodies, bombs among them, over the wire.

use std::{io::Write, path::PathBuf, sync::Arc};

use crawlfield_engine::{
    message::{
        orders::{Purpose, RequestProfile},
        reports::Outcome,
    },
    model::class::ErrorClass::{self, *},
};
use crawlfield_kit::hostile::{Server, Step};

use crate::fetcher::{Fetcher, class_of, profile};

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn serve(encoding: &str, body: &[u8]) -> Result<Vec<u8>, ErrorClass> {
    let headers = format!("Content-Encoding: {encoding}\r\n");
    let server = Server::start([vec![Step::Request, Step::answer(&headers, body)]]);
    class_of(&server.url("/"), profile()).map(|answer| answer.body.to_vec())
}

#[test]
fn an_encoded_page_is_decoded_and_its_received_bytes_are_counted() {
    let plain = b"page ".repeat(1_000);
    let coded = gzip(&plain);
    let server = Server::start([vec![
        Step::Request,
        Step::answer("Content-Encoding: gzip\r\n", &coded),
    ]]);
    let answer = class_of(&server.url("/"), profile()).unwrap();
    assert_eq!(*answer.body, plain);
    assert_eq!(answer.wire_bytes, coded.len() as u64);
    assert!(server.log().requests[0].contains("accept-encoding: gzip, br, zstd, deflate\r\n"));
}

#[test]
fn gzip_without_its_header_is_unpacked_where_a_page_was_declared() {
    let coded = gzip(b"<p>page");
    let get = |kind: &str| {
        let headers = format!("Content-Type: {kind}\r\n");
        let server = Server::start([vec![Step::Request, Step::answer(&headers, &coded)]]);
        class_of(&server.url("/"), profile()).unwrap().body
    };
    for kind in [
        "text/html; charset=utf-8",
        "Application/XHTML+XML",
        "text/xml",
    ] {
        assert_eq!(*get(kind), b"<p>page", "{kind}");
    }
    for kind in ["application/gzip", "text/plain"] {
        assert_eq!(*get(kind), coded, "{kind}");
    }
}

#[test]
fn a_coding_that_does_not_fit_is_a_decode_failure() {
    let coded = gzip(b"page");
    assert_eq!(serve("gzip", b"<html>plain</html>"), Err(Decode));
    assert_eq!(serve("gzip", &coded[..coded.len() - 9]), Err(Decode));
    assert_eq!(serve("compress", b"x"), Err(Decode));
    assert_eq!(serve("identity", b"page").unwrap(), b"page");
    assert_eq!(serve("utf-8", b"page").unwrap(), b"page");
    assert_eq!(serve("gzip", b"").unwrap(), b"");
}

#[test]
fn bombs_stop_at_the_limit() {
    let Some(cases) = std::env::var_os("CRAWLFIELD_CASES").map(PathBuf::from) else {
        println!("not run: CRAWLFIELD_CASES is not set");
        return;
    };
    for (file, encoding) in [
        ("bomb-br.bin", "br"),
        ("bomb-zstd.bin", "zstd"),
        ("bomb-gzip.bin", "gzip"),
        ("bomb-deflate.bin", "deflate"),
    ] {
        let bomb = std::fs::read(cases.join("compression").join(file)).unwrap();
        let refused = serve(encoding, &bomb);
        assert_eq!(refused, Err(TooLarge), "{file}");
    }
}

#[test]
fn robots_txt_is_cut_at_its_limit_instead_of_refused() {
    let rules = b"Disallow: /\n".repeat(200_000);
    let server = Server::start([vec![Step::Request, Step::answer("", &rules)]]);
    let mut fetcher = Fetcher::start();
    fetcher.send(
        &server.url("/robots.txt"),
        Purpose::Robots,
        &Arc::new(profile()),
    );
    match fetcher.report().outcome {
        Outcome::Answered(answer) => assert_eq!(*answer.body, rules[..512 << 10]),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_answer_that_is_no_page_keeps_its_status_whatever_its_body_does() {
    for (status, body) in [
        ("404 Not Found", "Content-Length: 99\r\n\r\nhalf"),
        (
            "301 Moved",
            "Location: /a\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nhalf",
        ),
        (
            "503 Busy",
            "Content-Encoding: what\r\nContent-Length: 4\r\n\r\nhalf",
        ),
    ] {
        let said = format!("HTTP/1.1 {status}\r\n{body}");
        let server = Server::start([vec![Step::Request, Step::say(&said)]]);
        let answer = class_of(&server.url("/"), profile()).unwrap();
        assert_eq!(answer.head.status.to_string(), status[..3]);
    }
}

#[test]
fn redirects_are_answers_and_are_not_followed() {
    let said = "HTTP/1.1 302 Found\r\nLocation: /next\r\nContent-Length: 0\r\n\r\n";
    let server = Server::start([vec![Step::Request, Step::say(said)]]);
    let answer = class_of(&server.url("/"), profile()).unwrap();
    assert_eq!(answer.head.header("location"), Some("/next"));
    assert_eq!(server.log().requests.len(), 1);
}

/// Blanks of this size in each coding, and in two on top of each other.
fn bombs(size: usize) -> Vec<(&'static str, Vec<u8>)> {
    let plain = vec![b' '; size];
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    zlib.write_all(&plain).unwrap();
    let zlib = zlib.finish().unwrap();
    let mut br = Vec::new();
    {
        let mut writer = brotli::CompressorWriter::new(&mut br, 4096, 9, 22);
        writer.write_all(&plain).unwrap();
    }
    let zstd = zstd::stream::encode_all(&plain[..], 19).unwrap();
    vec![
        ("gzip", gzip(&plain)),
        ("br, gzip", gzip(&br)),
        ("zstd, br", {
            let mut both = Vec::new();
            brotli::CompressorWriter::new(&mut both, 4096, 5, 20)
                .write_all(&zstd)
                .unwrap();
            both
        }),
        ("deflate", zlib),
        ("br", br),
        ("zstd", zstd),
    ]
}

#[test]
fn a_bomb_below_the_largest_body_is_too_large_by_its_ratio() {
    let wide = RequestProfile {
        max_body: 64 << 20,
        ..profile()
    };
    for (encoding, bomb) in bombs(3 << 20) {
        let headers = format!("Content-Encoding: {encoding}\r\n");
        let server = Server::start([vec![Step::Request, Step::answer(&headers, &bomb)]]);
        let failure = Fetcher::start().failure(&server.url("/"), &Arc::new(wide.clone()));
        assert_eq!(failure.class, TooLarge, "{encoding}: {}", failure.message);
        assert!(failure.message.contains("200 times"), "{}", failure.message);
        assert!(failure.message.contains("max_ratio"), "{}", failure.message);
    }
}

#[test]
fn a_bomb_that_goes_off_between_two_codings_is_too_large() {
    // The inner stream ends at once; what follows it grows without end and decodes to nothing.
    let mut inner = gzip(b"page");
    inner.resize(8 << 20, 0);
    assert_eq!(serve("gzip, gzip", &gzip(&inner)), Err(TooLarge));
}

#[test]
fn coded_bytes_that_decode_to_nothing_are_too_large_in_the_end() {
    let empty = gzip(b"");
    let endless = vec![
        Step::Request,
        Step::say("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n"),
        Step::Repeat(empty.repeat(4_000), std::time::Duration::ZERO),
    ];
    let server = Server::start([endless]);
    assert_eq!(class_of(&server.url("/"), profile()), Err(TooLarge));
}
