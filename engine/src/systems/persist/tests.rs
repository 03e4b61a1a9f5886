//! Requests to the store become orders.

use bevy_ecs::world::World;

use super::send_store_requests;
use crate::{
    message::{
        orders::Order,
        store_verbs::{Note, StoreVerb},
    },
    model::ids::{HostId, OrderId, PageKey},
    systems::tests::{NOW, SESSION, add_clock, run},
    world::{
        border::Outbox,
        condition::StoreHealth,
        slots::{Owner, Slots},
        store_requests::StoreRequests,
    },
};

fn persist_world() -> World {
    let mut world = World::new();
    add_clock(&mut world);
    world.init_resource::<StoreRequests>();
    world.init_resource::<Slots>();
    world.init_resource::<Outbox>();
    world.init_resource::<StoreHealth>();
    world
}

fn note(n: u32) -> StoreVerb {
    StoreVerb::Note(Note::Learned {
        host: HostId(n),
        state: serde_json::Value::Null,
    })
}

fn ask(world: &mut World, id: Option<OrderId>, n: u32) {
    let mut requests = world.resource_mut::<StoreRequests>();
    requests.ask_in(id, Owner::Note(None), note(n));
}

fn mark(world: &mut World, lone: bool, name: &str, flight: OrderId) -> PageKey {
    let key = PageKey::new("shop", "detail", name);
    let mut requests = world.resource_mut::<StoreRequests>();
    let marks = requests.marks.entry((SESSION, lone)).or_default();
    marks.push((key, flight));
    key
}

fn open(world: &mut World) -> OrderId {
    let mut slots = world.resource_mut::<Slots>();
    slots.open(Owner::Note(None), NOW).expect("a slot is free")
}

/// What the store is sent: a note by its host, a mark by its pages.
#[derive(Debug, PartialEq)]
enum Sent {
    Note(u32),
    Mark(bool, Vec<PageKey>),
}

fn sent(world: &mut World) -> Vec<(OrderId, Sent)> {
    run(world, send_store_requests);
    let orders = std::mem::take(&mut world.resource_mut::<Outbox>().orders);
    let sent = |order| match order {
        Order::Store(order) => {
            let sent = match order.verb {
                StoreVerb::Note(Note::Learned { host, .. }) => Sent::Note(host.0),
                StoreVerb::Mark { keys, lone, .. } => Sent::Mark(lone, keys),
                other => panic!("nobody asked for {other:?}"),
            };
            (order.id, sent)
        }
        other => panic!("only the store is sent to: {other:?}"),
    };
    orders.into_iter().map(sent).collect()
}

#[test]
fn requests_go_in_their_order_and_each_takes_a_slot_or_goes_on_in_its_own() {
    let mut world = persist_world();
    let own = open(&mut world);
    ask(&mut world, None, 1);
    ask(&mut world, Some(own), 2);
    ask(&mut world, None, 3);
    let orders = sent(&mut world);
    let notes: Vec<_> = orders.iter().map(|(_, sent)| sent).collect();
    assert_eq!(notes, [&Sent::Note(1), &Sent::Note(2), &Sent::Note(3)]);
    assert_eq!(orders[1].0, own);
    let slots = world.resource::<Slots>();
    assert_eq!(slots.used(), 3);
    let owner = |id| slots.get(id).map(|busy| busy.owner);
    assert_eq!(owner(orders[0].0), Some(Owner::Note(None)));
    assert!(world.resource::<StoreRequests>().is_empty());
}

#[test]
fn a_ticks_marks_go_in_one_order_after_the_requests_and_are_waited_for() {
    let mut world = persist_world();
    let flights = [1, 2, 3].map(|_| open(&mut world));
    let first = mark(&mut world, false, "1", flights[0]);
    let lone = mark(&mut world, true, "2", flights[1]);
    let third = mark(&mut world, false, "3", flights[2]);
    ask(&mut world, None, 1);
    let orders = sent(&mut world);
    let verbs: Vec<_> = orders.iter().map(|(_, sent)| sent).collect();
    let all = Sent::Mark(false, vec![first, third]);
    assert_eq!(verbs, [&Sent::Note(1), &all, &Sent::Mark(true, vec![lone])]);
    let requests = world.resource::<StoreRequests>();
    assert_eq!(requests.marking[&orders[1].0], [flights[0], flights[2]]);
    assert_eq!(requests.marking[&orders[2].0], [flights[1]]);
    assert!(requests.is_empty());
}

#[test]
fn what_finds_no_slot_waits_and_nothing_passes_it() {
    let mut world = persist_world();
    let mut last = open(&mut world);
    while world.resource::<Slots>().room() > 0 {
        last = open(&mut world);
    }
    ask(&mut world, None, 1);
    ask(&mut world, None, 2);
    mark(&mut world, false, "1", last);
    assert!(sent(&mut world).is_empty());
    world.resource_mut::<Slots>().close(last);
    let orders = sent(&mut world);
    assert_eq!(orders.len(), 1);
    assert_eq!(orders[0].1, Sent::Note(1));
    let requests = world.resource::<StoreRequests>();
    assert_eq!((requests.waiting.len(), requests.marks.len()), (1, 1));
}

#[test]
fn a_request_whose_order_was_called_back_is_dropped() {
    let mut world = persist_world();
    let gone = open(&mut world);
    ask(&mut world, Some(gone), 1);
    world.resource_mut::<Slots>().close(gone);
    assert!(sent(&mut world).is_empty());
    assert!(world.resource::<StoreRequests>().is_empty());
    assert_eq!(world.resource::<Slots>().used(), 0);
}

#[test]
fn a_store_that_is_lost_is_asked_for_nothing() {
    let mut world = persist_world();
    world.resource_mut::<StoreHealth>().lost = Some("damaged".to_owned());
    ask(&mut world, None, 1);
    assert!(sent(&mut world).is_empty());
    // A store in trouble is: what it can do, it does.
    world.insert_resource(StoreHealth {
        trouble: Some("locked".to_owned()),
        ..StoreHealth::default()
    });
    assert_eq!(sent(&mut world).len(), 1);
}
