//! Workers that read, fail, panic, and come and go.

use std::sync::mpsc;

use crossbeam_channel::unbounded;
use url::Url;

use super::*;
use crate::{
    model::{
        class::ErrorClass,
        ids::{OrderId, StageId},
    },
    site::{
        compiled::{Politeness, Site},
        scope::Scope,
    },
};

const PATIENCE: Duration = Duration::from_secs(30);

fn order(slot: u32, body: &str) -> ParseOrder {
    let start = Url::parse("http://a.test/").unwrap();
    ParseOrder {
        id: OrderId {
            boot: 1,
            slot,
            generation: 1,
        },
        site: Arc::new(Site {
            name: "a".to_owned(),
            source: "".into(),
            start: vec![start],
            enter: StageId(0),
            scope: Scope::default(),
            politeness: Politeness::default(),
            stages: Vec::new(),
        }),
        stage: StageId(0),
        url: "http://a.test/".into(),
        final_url: "http://a.test/".into(),
        content_type: None,
        body: Arc::new(body.as_bytes().to_vec()),
        depth: 0,
    }
}

/// Panics, fails, or reads, as the body says.
fn reader() -> Reader {
    Arc::new(|order: &ParseOrder| match order.body.as_slice() {
        b"panic" => panic!("on purpose"),
        b"fail" => Err(ExtractError {
            class: ErrorClass::Parse,
            message: "no page".to_owned(),
        }),
        _ => Ok(Extracted::default()),
    })
}

#[test]
fn every_page_is_reported_once_whatever_it_does_to_its_worker() {
    let (orders, inbox) = unbounded();
    let (outbox, reports) = unbounded();
    let handle = spawn(inbox, outbox, 2, reader()).unwrap();
    let bodies = ["panic", "fail", "page", "panic", "panic", "page"];
    for (slot, body) in (0..).zip(bodies) {
        orders.send(order(slot, body)).unwrap();
    }
    let mut seen: Vec<Report> = (0..bodies.len())
        .map(|_| reports.recv_timeout(PATIENCE).unwrap())
        .collect();
    seen.sort_by_key(|report| report.id);
    for (report, body) in seen.iter().zip(bodies) {
        let fits = match (&report.outcome, body) {
            (Outcome::Panicked(text), "panic") => text.contains("on purpose"),
            (Outcome::ParseFailed(error), "fail") => error.class == ErrorClass::Parse,
            (Outcome::Parsed(_), "page") => true,
            _ => false,
        };
        assert!(fits, "{body}: {report:?}");
    }
    drop(handle);
}

#[test]
fn workers_come_and_go_as_asked() {
    let (orders, inbox) = unbounded();
    let (outbox, reports) = unbounded();
    let (busy, running) = mpsc::channel();
    let (release, gate) = crossbeam_channel::bounded::<()>(0);
    let read: Reader = Arc::new(move |_| {
        busy.send(()).unwrap();
        let _ = gate.recv();
        Ok(Extracted::default())
    });
    let handle = spawn(inbox, outbox, 1, read).unwrap();
    handle.set_workers(3).unwrap();
    for slot in 0..3 {
        orders.send(order(slot, "")).unwrap();
    }
    for _ in 0..3 {
        running.recv_timeout(PATIENCE).unwrap();
    }
    handle.set_workers(1).unwrap();
    drop(release);
    for _ in 0..3 {
        reports.recv_timeout(PATIENCE).unwrap();
    }
    let until = Instant::now() + PATIENCE;
    while handle.workers() > 1 && Instant::now() < until {
        thread::yield_now();
    }
    assert_eq!(handle.workers(), 1);
    orders.send(order(9, "")).unwrap();
    assert_eq!(reports.recv_timeout(PATIENCE).unwrap().id.slot, 9);
}
