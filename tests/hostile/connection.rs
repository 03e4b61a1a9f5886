//! Connections that are refused, dropped, reset, cut or left hanging.

use std::{
    net::TcpListener,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use crawlfield_engine::{
    live::fetch::IoOrder,
    message::{
        orders::{Purpose, RequestProfile},
        reports::Outcome,
    },
    model::class::ErrorClass::{self, *},
};
use crawlfield_kit::hostile::{Server, Step};

use crate::fetcher::{Fetcher, class_of, profile};

/// Short time-outs, for servers that never answer.
fn impatient() -> RequestProfile {
    RequestProfile {
        first_byte_timeout: Duration::from_millis(300),
        timeout: Duration::from_millis(600),
        ..profile()
    }
}

fn check(script: Vec<Step>, profile: RequestProfile, expected: ErrorClass) -> Server {
    let server = Server::start([script]);
    assert_eq!(class_of(&server.url("/"), profile), Err(expected));
    server
}

#[test]
fn a_connection_dropped_without_a_byte_is_a_reset_and_asked_once() {
    let server = check(vec![Step::Request], profile(), Reset);
    assert_eq!(server.log().requests.len(), 1);
}

#[test]
fn a_reset_without_a_byte_is_a_reset() {
    check(vec![Step::Reset], profile(), Reset);
}

#[test]
fn a_body_that_ends_early_is_truncated_and_keeps_its_head() {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 1024\r\n\r\n0123456789abcdef";
    let server = Server::start([vec![Step::Request, Step::say(head)]]);
    let failure = Fetcher::start().failure(&server.url("/"), &Arc::new(profile()));
    assert_eq!(failure.class, Truncated);
    assert_eq!(failure.wire_bytes, 16);
    assert_eq!(failure.head.unwrap().status, 200);
}

#[test]
fn a_server_that_never_answers_meets_the_first_byte_time_out() {
    let server = check(
        vec![Step::Request, Step::Hang],
        impatient(),
        TimeoutFirstByte,
    );
    assert!(server.saw(|log| log.closed_by_peer == 1));
}

#[test]
fn silence_after_the_head_meets_the_whole_time_out() {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 1024\r\n\r\nabc";
    let script = vec![Step::Request, Step::say(head), Step::Hang];
    let server = check(script, impatient(), TimeoutWhole);
    assert!(server.saw(|log| log.closed_by_peer == 1));
}

#[test]
fn a_dripping_body_meets_the_whole_time_out_and_the_server_sees_us_close() {
    let head = "HTTP/1.1 200 OK\r\n\r\n";
    let drip = Step::Repeat(b"x".to_vec(), Duration::from_millis(20));
    let server = check(
        vec![Step::Request, Step::say(head), drip],
        impatient(),
        TimeoutWhole,
    );
    assert!(server.saw(|log| log.closed_by_peer == 1));
}

#[test]
fn a_port_without_a_listener_refuses() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    assert_eq!(class_of(&url, profile()), Err(Connect));
}

#[test]
fn a_name_that_does_not_resolve_is_a_dns_failure() {
    assert_eq!(class_of("http://nothing.invalid/", profile()), Err(Dns));
}

#[test]
fn interim_answers_are_skipped() {
    let interim = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n";
    let server = Server::start([vec![
        Step::Request,
        Step::say(interim),
        Step::answer("", b"page"),
    ]]);
    let answer = class_of(&server.url("/"), profile()).unwrap();
    assert_eq!(
        (answer.head.status, answer.body.as_slice()),
        (200, &b"page"[..])
    );
}

#[test]
fn a_kept_connection_is_used_again() {
    let twice = vec![
        Step::Request,
        Step::answer("", b"one"),
        Step::Request,
        Step::answer("", b"two"),
    ];
    let server = Server::start([twice]);
    let (mut fetcher, profile) = (Fetcher::start(), Arc::new(profile()));
    assert_eq!(*fetcher.answer(&server.url("/1"), &profile).body, b"one");
    assert_eq!(*fetcher.answer(&server.url("/2"), &profile).body, b"two");
    assert_eq!(server.log().accepted, 1);
}

#[test]
fn a_kept_connection_that_closes_instead_of_answering_is_silently_replaced() {
    let server = Server::start([
        vec![Step::Request, Step::answer("", b"one"), Step::Request],
        vec![Step::Request, Step::answer("", b"two")],
    ]);
    let (mut fetcher, profile) = (Fetcher::start(), Arc::new(profile()));
    assert_eq!(*fetcher.answer(&server.url("/1"), &profile).body, b"one");
    assert_eq!(*fetcher.answer(&server.url("/2"), &profile).body, b"two");
    assert_eq!(server.log().requests.len(), 3);
}

#[test]
fn an_abort_reports_soon_and_closes_the_socket() {
    let server = Server::start([vec![Step::Request, Step::Hang]]);
    let (mut fetcher, profile) = (Fetcher::start(), Arc::new(profile()));
    let id = fetcher.send(&server.url("/"), Purpose::Page, &profile);
    assert!(server.saw(|log| log.requests.len() == 1));
    let began = Instant::now();
    fetcher.orders.send(vec![IoOrder::Abort(id)]).unwrap();
    let report = fetcher.report();
    let took = began.elapsed();
    assert_eq!(report.id, id);
    assert!(matches!(report.outcome, Outcome::Aborted), "{report:?}");
    assert!(server.saw(|log| log.closed_by_peer == 1));
    println!("aborted in {took:?}");
    fetcher.orders.send(vec![IoOrder::Abort(id)]).unwrap();
    drop(fetcher.threads);
    assert!(
        fetcher.reports.try_recv().is_err(),
        "one report for each order"
    );
}

#[test]
fn an_abort_in_the_middle_of_a_body_closes_the_socket() {
    let head = "HTTP/1.1 200 OK\r\n\r\n";
    let drip = Step::Repeat(b"x".to_vec(), Duration::from_millis(5));
    let server = Server::start([vec![Step::Request, Step::say(head), drip]]);
    let (mut fetcher, profile) = (Fetcher::start(), Arc::new(profile()));
    let id = fetcher.send(&server.url("/"), Purpose::Page, &profile);
    let received = fetcher.threads.received_counter();
    while received.load(Ordering::Relaxed) < 5 {
        std::thread::yield_now();
    }
    fetcher.orders.send(vec![IoOrder::Abort(id)]).unwrap();
    assert!(matches!(fetcher.report().outcome, Outcome::Aborted));
    assert!(server.saw(|log| log.closed_by_peer == 1));
}

#[test]
fn dropping_the_fetcher_reports_all_that_is_in_flight_and_does_not_hang() {
    let server = Server::start([vec![Step::Request, Step::Hang]]);
    let (mut fetcher, profile) = (Fetcher::start(), Arc::new(profile()));
    for page in 0..20 {
        fetcher.send(&server.url(&format!("/{page}")), Purpose::Page, &profile);
    }
    assert!(server.saw(|log| log.requests.len() == 20));
    drop(fetcher.threads);
    let reports: Vec<_> = fetcher.reports.try_iter().collect();
    assert_eq!(reports.len(), 20);
    assert!(
        reports
            .iter()
            .all(|report| matches!(report.outcome, Outcome::Aborted))
    );
}

#[test]
fn dropping_the_fetcher_reports_what_was_never_begun() {
    let server = Server::start([vec![Step::Request, Step::Hang]]);
    let (mut fetcher, profile) = (Fetcher::start(), Arc::new(profile()));
    for page in 0..500 {
        fetcher.send(&server.url(&format!("/{page}")), Purpose::Page, &profile);
    }
    drop(fetcher.threads);
    assert_eq!(fetcher.reports.try_iter().count(), 500);
}

#[test]
fn a_hanging_host_does_not_hold_up_another() {
    let slow = Server::start([vec![Step::Request, Step::Hang]]);
    let quick = Server::start([vec![Step::Request, Step::answer("", b"page")]]);
    let (mut fetcher, profile) = (Fetcher::start(), Arc::new(profile()));
    for page in 0..50 {
        fetcher.send(&slow.url(&format!("/{page}")), Purpose::Page, &profile);
    }
    assert_eq!(*fetcher.answer(&quick.url("/"), &profile).body, b"page");
}
