//! Answers that are not HTTP, or nearly.

use std::time::Duration;

use crawlfield_engine::model::class::ErrorClass::{self, *};
use crawlfield_kit::hostile::{Server, Step};

use crate::fetcher::{class_of, profile};

fn check(said: &str, expected: Result<&str, ErrorClass>) {
    let server = Server::start([vec![Step::Request, Step::say(said)]]);
    let answered = class_of(&server.url("/"), profile());
    let body = answered.map(|answer| String::from_utf8_lossy(&answer.body).into_owned());
    assert_eq!(
        body.as_deref().map_err(|class| *class),
        expected,
        "{said:?}"
    );
}

#[test]
fn what_is_not_http_is_a_protocol_failure() {
    check("HTTP 1.1 200 OK\n\nhello", Err(Protocol));
    check("SSH-2.0-OpenSSH_9.2\r\n\r\n", Err(Protocol));
    check("HTTP/1.1 0 Zero\r\n\r\n", Err(Protocol));
    check("\u{0}\u{1}\u{2}\r\n\r\n\r\n", Err(Protocol));
}

#[test]
fn bad_header_lines_are_passed_over() {
    check(
        "HTTP/1.1 200 OK\r\n<meta charset=x>\r\nContent-Length: 4\r\n\r\npage",
        Ok("page"),
    );
    check("HTTP/1.1 200 OK\nContent-Length: 4\n\npage", Ok("page"));
    check(
        "HTTP/1.1 200 OK\r\nX-Folded: a\r\n b\r\nContent-Length: 4\r\n\r\npage",
        Ok("page"),
    );
}

#[test]
fn a_broken_chunked_body_is_truncated() {
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    check(&format!("{head}4\r\npage\r\n0\r\n\r\n"), Ok("page"));
    check(&format!("{head}4\r\npage\r\n"), Err(Truncated));
    check(&format!("{head}zz\r\npage\r\n0\r\n\r\n"), Err(Truncated));
    check(&format!("{head}40\r\npage"), Err(Truncated));
}

#[test]
fn a_body_may_end_with_its_connection() {
    check("HTTP/1.0 200 OK\r\n\r\npage", Ok("page"));
    check(
        "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\npage",
        Ok("page"),
    );
}

#[test]
fn the_content_length_says_where_the_body_ends() {
    check(
        "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npage and more",
        Ok("page"),
    );
    check(
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\npage",
        Err(Truncated),
    );
    check("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", Ok(""));
    check(
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\npage",
        Err(Protocol),
    );
}

#[test]
fn bodies_are_ignored_where_none_may_be() {
    check("HTTP/1.1 204 No Content\r\n\r\npage", Ok(""));
    check("HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\npage", Ok(""));
}

#[test]
fn all_of_a_repeated_header_is_kept_in_order() {
    let said = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nLocation: /a\r\nLocation: /b\r\n\r\n";
    let server = Server::start([vec![Step::Request, Step::say(said)]]);
    let head = class_of(&server.url("/"), profile()).unwrap().head;
    let all: Vec<&str> = head.all("location").collect();
    assert_eq!(all, ["/a", "/b"]);
    assert_eq!(head.header("location"), Some("/a"));
}

#[test]
fn huge_heads_are_too_large() {
    let one = format!("X: {}\r\n", "a".repeat(100_000));
    let many = "X-Many: abc\r\n".repeat(1_001);
    let endless = format!("X: {}\r\n", "a".repeat(1 << 20));
    for headers in [one, many, endless] {
        let said = format!("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n{headers}\r\n");
        check(&said, Err(TooLarge));
    }
    let some = "X-Some: abc\r\n".repeat(500);
    check(
        &format!("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n{some}\r\n"),
        Ok(""),
    );
}

#[test]
fn an_endless_body_stops_at_the_limit() {
    let forever = Step::Repeat(vec![b'A'; 64 << 10], Duration::ZERO);
    let server = Server::start([vec![
        Step::Request,
        Step::say("HTTP/1.1 200 OK\r\n\r\n"),
        forever,
    ]]);
    assert_eq!(class_of(&server.url("/"), profile()), Err(TooLarge));
    assert!(server.saw(|log| log.closed_by_peer == 1));
}

#[test]
fn a_declared_length_over_the_limit_is_refused_too() {
    let said = "HTTP/1.1 200 OK\r\nContent-Length: 4000000\r\n\r\n";
    let server = Server::start([vec![
        Step::Request,
        Step::say(said),
        Step::Send(vec![b'A'; 4_000_000]),
    ]]);
    assert_eq!(class_of(&server.url("/"), profile()), Err(TooLarge));
}
