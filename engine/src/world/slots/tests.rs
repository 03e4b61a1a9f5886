use super::*;

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A slot with an order that is expected by then.
fn expecting(at: Duration) -> (Slots, OrderId) {
    let mut slots = Slots::default();
    let id = slots.open(Owner::Probe(HostId(1)), s(0)).unwrap();
    assert!(slots.expect_by(id, at), "the first due time is set");
    (slots, id)
}

#[test]
fn an_order_that_is_late_is_told_once() {
    let (mut slots, id) = expecting(s(5));
    assert_eq!(slots.overdue(id.slot, s(5)), Overdue::Order(id));
    assert_eq!(slots.overdue(id.slot, s(6)), Overdue::Nothing);
}

#[test]
fn a_due_time_that_is_out_serves_the_orders_that_follow() {
    let (mut slots, id) = expecting(s(5));
    let next = slots.renew(id, s(1));
    assert!(!slots.expect_by(next, s(8)), "one is out already");
    assert_eq!(slots.overdue(id.slot, s(5)), Overdue::At(s(8)));
    assert_eq!(slots.overdue(id.slot, s(8)), Overdue::Order(next));
}

#[test]
fn an_earlier_deadline_gets_a_due_time_of_its_own() {
    let (mut slots, id) = expecting(s(60));
    let next = slots.renew(id, s(1));
    assert!(slots.expect_by(next, s(10)), "60 s would be too late");
    assert_eq!(slots.overdue(id.slot, s(10)), Overdue::Order(next));
    assert_eq!(slots.overdue(id.slot, s(60)), Overdue::Nothing);
}

#[test]
fn nothing_is_late_in_a_slot_that_was_answered() {
    let (mut slots, id) = expecting(s(5));
    slots.close(id);
    let other = slots.open(Owner::Probe(HostId(2)), s(1)).unwrap();
    assert_eq!(other.slot, id.slot);
    assert_eq!(slots.overdue(id.slot, s(5)), Overdue::Nothing);
    assert!(slots.expect_by(other, s(9)), "none is out any more");

    let (mut slots, id) = expecting(s(5));
    slots.renew(id, s(1));
    assert_eq!(
        slots.overdue(id.slot, s(5)),
        Overdue::Nothing,
        "an order of the store has no deadline"
    );
}
