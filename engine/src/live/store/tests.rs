//! The thread reports each order once and ends with its channel.

use std::time::Duration;

use crossbeam_channel::bounded;

use crate::{
    live::store::{spawn, wall_ms},
    message::{
        orders::StoreOrder,
        receipts::StoreError,
        reports::Outcome,
        store_verbs::{Note, StoreVerb},
    },
    model::ids::{OrderId, SessionId},
    store::Store,
};

#[test]
fn every_order_is_reported_once_and_a_closed_channel_ends_the_thread() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("crawl.db");
    let store = Store::open(&path, Box::new(wall_ms)).unwrap();
    let (orders, from) = bounded(2_000);
    let (to, reports) = bounded(2_000);
    for slot in 0..1_500 {
        let note = if slot % 3 == 0 {
            Note::SessionState {
                session: SessionId(9),
                state: "running".to_owned(),
                result: None,
            }
        } else {
            Note::Setting {
                session: None,
                name: "x".to_owned(),
                old: 1.into(),
                new: 2.into(),
            }
        };
        let id = OrderId {
            boot: 1,
            slot,
            generation: 0,
        };
        let verb = StoreVerb::Note(note);
        orders.send(vec![StoreOrder { id, verb }]).unwrap();
    }
    let thread = spawn(store, from, to);
    for slot in 0..1_500 {
        let report = reports.recv_timeout(Duration::from_mins(1)).unwrap();
        assert_eq!(report.id.slot, slot);
        let is_refused = matches!(
            report.outcome,
            Outcome::StoreFailed(StoreError::Refused(_), _)
        );
        assert_eq!(is_refused, slot % 3 == 0, "{:?}", report.outcome);
    }
    drop(orders);
    thread.join().unwrap();
    assert!(reports.try_recv().is_err());
    assert!(
        Store::open(&path, Box::new(wall_ms)).is_ok(),
        "the lock is free again"
    );
}
