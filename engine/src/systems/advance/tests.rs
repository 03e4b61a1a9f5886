//! Each system of advance on a world with what it names.

use std::{sync::Arc, time::Duration};

use bevy_ecs::{entity::Entity, world::World};

use super::{PARSE_DEADLINE, start_parsing, start_saving};
use crate::{
    extract::output::{Extracted, Record},
    message::{
        orders::{Order, ParseOrder},
        reports::Answer,
        store_verbs::{EndAttempt, PageEnd, StoreVerb},
    },
    model::{ids::OrderId, in_flight::FlightMark, page_url::PageUrl},
    settings::Settings,
    systems::tests::{
        DETAIL, NOW, SESSION, add_flying, add_session, add_tasks, answer, requests, run, state,
        timer,
    },
    world::{
        border::Outbox,
        permits::{Permit, Permits},
        queue::{ParseQueue, SaveQueue},
        settings::ActiveSettings,
        slots::{Owner, Slots},
        stats::{Stats, Step},
        store_requests::StoreRequests,
        task::Task,
        task_state::TaskState,
        timers::{Due, Timers},
    },
};

/// One parse worker, which is handed one page at a time.
fn parse_world() -> World {
    let mut world = World::new();
    add_tasks(&mut world);
    add_session(&mut world);
    world.init_resource::<ParseQueue>();
    world.init_resource::<Slots>();
    world.init_resource::<Outbox>();
    world.init_resource::<Timers>();
    world.init_resource::<Stats>();
    world.init_resource::<StoreRequests>();
    allow(&mut world, 1);
    let settings = Settings {
        parse_ahead: 0,
        ..Settings::default()
    };
    world.insert_resource(ActiveSettings(Arc::new(settings)));
    world
}

/// So many pages may be with the parse workers.
fn allow(world: &mut World, limit: u64) {
    let cpu = Permit { limit, used: 0 };
    world.insert_resource(Permits {
        cpu,
        ..Permits::default()
    });
}

fn fetched(world: &mut World, n: u64) -> (OrderId, Entity) {
    let (id, entity) = add_flying(world, n, DETAIL, TaskState::Fetched);
    let answer = Answer {
        content_type: Some("text/html".to_owned()),
        ..answer(200, "<h1>x")
    };
    world.resource_mut::<Slots>().flight_mut(id).answer = Some(answer);
    world.resource_mut::<ParseQueue>().waiting.push_back(id);
    (id, entity)
}

fn mark(world: &mut World, id: OrderId, mark: FlightMark) {
    world.resource_mut::<Slots>().flight_mut(id).mark = mark;
}

fn suspect(world: &mut World, entity: Entity) {
    let mut task = world.get_mut::<Task>(entity).expect("it is a task");
    task.identity.suspect = true;
}

/// What the parse workers are handed.
fn parse(world: &mut World) -> Vec<ParseOrder> {
    run(world, start_parsing);
    let orders = std::mem::take(&mut world.resource_mut::<Outbox>().orders);
    let parse = |order| match order {
        Order::Parse(order) => order,
        other => panic!("only parses are ordered: {other:?}"),
    };
    orders.into_iter().map(parse).collect()
}

fn waiting(world: &World) -> Vec<OrderId> {
    let queue = &world.resource::<ParseQueue>().waiting;
    queue.iter().copied().collect()
}

fn urls(orders: &[ParseOrder]) -> Vec<&str> {
    orders.iter().map(|order| &*order.url).collect()
}

#[test]
fn a_fetched_page_is_handed_to_a_parse_worker_as_the_next_order_of_its_slot() {
    let mut world = parse_world();
    let (id, entity) = fetched(&mut world, 1);
    let orders = parse(&mut world);
    assert_eq!(urls(&orders), ["https://a.test/d1"]);
    let order = &orders[0];
    assert_eq!((order.id.slot, order.stage), (id.slot, DETAIL));
    assert_ne!(order.id, id);
    assert_eq!(*order.body, b"<h1>x");
    assert_eq!(order.content_type.as_deref(), Some("text/html"));
    assert_eq!(state(&mut world, entity), TaskState::Parsing(order.id));
    assert!(world.resource::<Slots>().get(id).is_none());
    let busy = world.resource::<Slots>().get(order.id);
    assert!(busy.is_some_and(|busy| busy.cpu));
    assert_eq!(world.resource::<Permits>().cpu.used, 1);
    let deadline = (NOW + PARSE_DEADLINE, Due::Deadline(id.slot));
    assert_eq!(timer(&mut world), Some(deadline));
    let mut stats = world.resource_mut::<Stats>();
    assert_eq!(stats.work(SESSION, Step::Parse, DETAIL).active, 1);
    assert!(waiting(&world).is_empty());
}

#[test]
fn a_redirected_page_is_read_by_the_address_that_it_came_from() {
    let mut world = parse_world();
    let (id, _) = fetched(&mut world, 1);
    let target = PageUrl::from("https://a.test/moved");
    world.resource_mut::<Slots>().flight_mut(id).target = Some(target);
    let orders = parse(&mut world);
    assert_eq!(urls(&orders), ["https://a.test/d1"]);
    assert_eq!(&*orders[0].final_url, "https://a.test/moved");
}

#[test]
fn a_page_whose_mark_is_not_on_disk_waits_and_others_go_before_it() {
    let mut world = parse_world();
    let (unmarked, entity) = fetched(&mut world, 1);
    mark(&mut world, unmarked, FlightMark::Asked);
    fetched(&mut world, 2);
    let orders = parse(&mut world);
    assert_eq!(urls(&orders), ["https://a.test/d2"]);
    assert_eq!(waiting(&world), [unmarked]);
    assert_eq!(state(&mut world, entity), TaskState::Fetched(unmarked));
}

#[test]
fn no_more_pages_are_handed_out_than_the_workers_may_have_and_the_rest_keep_their_order() {
    let mut world = parse_world();
    let settings = Settings {
        parse_ahead: 1,
        ..Settings::default()
    };
    world.insert_resource(ActiveSettings(Arc::new(settings)));
    let ids: Vec<_> = (1..=4).map(|n| fetched(&mut world, n).0).collect();
    let orders = parse(&mut world);
    assert_eq!(urls(&orders), ["https://a.test/d1", "https://a.test/d2"]);
    assert_eq!(waiting(&world), ids[2..]);
    assert!(parse(&mut world).is_empty());
    assert_eq!(waiting(&world), ids[2..]);
}

#[test]
fn a_page_that_was_called_back_is_not_parsed() {
    let mut world = parse_world();
    let (closed, _) = fetched(&mut world, 1);
    world.resource_mut::<Slots>().close(closed);
    // Another order has the slot of this one's answer by now.
    let (late, entity) = add_flying(&mut world, 2, DETAIL, |_| TaskState::Queued);
    world.resource_mut::<ParseQueue>().waiting.push_back(late);
    assert!(parse(&mut world).is_empty());
    assert!(waiting(&world).is_empty());
    assert_eq!(state(&mut world, entity), TaskState::Queued);
}

#[test]
fn a_suspect_is_marked_as_a_lone_parse_before_it_is_parsed() {
    let mut world = parse_world();
    let (id, entity) = fetched(&mut world, 1);
    suspect(&mut world, entity);
    assert!(parse(&mut world).is_empty());
    let marks = &world.resource::<StoreRequests>().marks;
    let lone = marks.get(&(SESSION, true)).expect("it is marked alone");
    assert_eq!(lone.iter().map(|(_, of)| *of).collect::<Vec<_>>(), [id]);
    // It is asked for once, and waited for.
    assert!(parse(&mut world).is_empty());
    assert_eq!(
        world.resource::<StoreRequests>().marks[&(SESSION, true)].len(),
        1
    );
    mark(&mut world, id, FlightMark::KeptAlone);
    let orders = parse(&mut world);
    assert_eq!(orders.len(), 1);
    assert_eq!(world.resource::<ParseQueue>().alone, Some(orders[0].id));
}

#[test]
fn a_suspect_is_parsed_alone() {
    let mut world = parse_world();
    allow(&mut world, 4);
    let (first, _) = fetched(&mut world, 1);
    let (id, entity) = fetched(&mut world, 2);
    suspect(&mut world, entity);
    mark(&mut world, id, FlightMark::KeptAlone);
    let (last, _) = fetched(&mut world, 3);
    // It waits for what is being parsed, and nothing passes it.
    let orders = parse(&mut world);
    assert_eq!(orders[0].id.slot, first.slot);
    assert_eq!(waiting(&world), [id, last]);
    world.resource_mut::<Permits>().cpu.give(1);
    let orders = parse(&mut world);
    assert_eq!(urls(&orders), ["https://a.test/d2"]);
    // Nothing is parsed beside it.
    assert!(parse(&mut world).is_empty());
    assert_eq!(waiting(&world), [last]);
    let alone = orders[0].id;
    world.resource_mut::<ParseQueue>().ended(alone);
    assert_eq!(parse(&mut world).len(), 1);
}

fn save_world(limit: u64) -> World {
    let mut world = World::new();
    add_tasks(&mut world);
    add_session(&mut world);
    world.init_resource::<SaveQueue>();
    world.init_resource::<Slots>();
    world.init_resource::<Stats>();
    world.init_resource::<StoreRequests>();
    let store = Permit { limit, used: 0 };
    world.insert_resource(Permits {
        store,
        ..Permits::default()
    });
    world
}

fn parsed(world: &mut World, n: u64, bytes: u64) -> (OrderId, Entity) {
    let (id, entity) = add_flying(world, n, DETAIL, TaskState::Parsed);
    let record = Record {
        rule: 0,
        identity: n.to_string(),
        values: Vec::new(),
    };
    let mut slots = world.resource_mut::<Slots>();
    slots.flight_mut(id).extracted = Some(Box::new(Extracted {
        records: vec![record],
        bytes,
        ..Extracted::default()
    }));
    world.resource_mut::<SaveQueue>().0.push_back(id);
    (id, entity)
}

/// What is saved, by the order that is to carry it.
fn save(world: &mut World) -> Vec<(OrderId, Owner, EndAttempt)> {
    run(world, start_saving);
    let save = |request: crate::world::store_requests::StoreRequest| {
        let StoreVerb::End(end) = request.verb else {
            panic!("only ends are asked: {:?}", request.verb);
        };
        let id = request.id.expect("it goes on in its slot");
        (id, request.owner, (*end).clone())
    };
    requests(world).into_iter().map(save).collect()
}

#[test]
fn a_parsed_page_is_saved_with_its_records_and_its_attempt() {
    let mut world = save_world(1 << 20);
    let (before, entity) = parsed(&mut world, 1, 500);
    let flight = world.resource_mut::<Slots>();
    flight.into_inner().flight_mut(before).fetch = Duration::from_millis(30);
    let saved = save(&mut world);
    assert_eq!(saved.len(), 1);
    let (id, owner, end) = &saved[0];
    assert_eq!(*owner, Owner::Task(entity));
    assert_eq!((end.seq.0, end.stage, end.depth), (1, DETAIL, 1));
    assert_eq!(end.end.found().0.len(), 1);
    assert!(matches!(end.end, PageEnd::Done { alias: None, .. }));
    let attempt = end.attempt.as_ref().expect("an attempt has ended");
    assert_eq!(
        (attempt.fetch, attempt.class),
        (Duration::from_millis(30), None)
    );
    assert_eq!(state(&mut world, entity), TaskState::Saving(*id));
    assert!(world.resource::<Slots>().get(before).is_none());
    assert_eq!(world.resource::<Permits>().store.used, 1524);
    let busy = world.resource::<Slots>().get(*id);
    assert_eq!(busy.map(|busy| busy.store), Some(1524));
}

#[test]
fn no_more_bytes_go_to_the_store_than_it_may_have_and_the_rest_keep_their_order() {
    let mut world = save_world(4_000);
    let ids: Vec<_> = (1..=4).map(|n| parsed(&mut world, n, 500).0).collect();
    assert_eq!(save(&mut world).len(), 2);
    let waiting = &world.resource::<SaveQueue>().0;
    assert_eq!(waiting.iter().copied().collect::<Vec<_>>(), ids[2..]);
    assert_eq!(world.resource::<Permits>().store.used, 2 * 1524);
    world.resource_mut::<Permits>().store.give(1524);
    assert_eq!(save(&mut world)[0].0.slot, ids[2].slot);
}

#[test]
fn one_page_too_large_for_the_store_goes_when_nothing_else_does() {
    let mut world = save_world(4_000);
    parsed(&mut world, 1, 9_000);
    let (second, _) = parsed(&mut world, 2, 1);
    assert_eq!(save(&mut world).len(), 1);
    assert_eq!(world.resource::<SaveQueue>().0, [second]);
}

#[test]
fn the_page_that_a_redirect_led_to_becomes_another_name_of_it() {
    let mut world = save_world(1 << 20);
    for (n, target) in [(1, "https://a.test/moved#x"), (2, "https://a.test/d2")] {
        let (id, _) = parsed(&mut world, n, 1);
        let mut slots = world.resource_mut::<Slots>();
        slots.flight_mut(id).target = Some(PageUrl::from(target));
    }
    let saved = save(&mut world);
    let alias = |n: usize| match &saved[n].2.end {
        PageEnd::Done { alias, .. } => alias.as_ref().map(|alias| alias.url.as_str()),
        end => panic!("it is done: {end:?}"),
    };
    assert_eq!(alias(0), Some("https://a.test/moved"));
    // That is the page itself.
    assert_eq!(alias(1), None);
}

#[test]
fn a_parsed_page_that_was_called_back_is_not_saved() {
    let mut world = save_world(1 << 20);
    let (late, entity) = add_flying(&mut world, 1, DETAIL, |_| TaskState::Queued);
    world.resource_mut::<SaveQueue>().0.push_back(late);
    assert!(save(&mut world).is_empty());
    assert!(world.resource::<SaveQueue>().0.is_empty());
    assert_eq!(state(&mut world, entity), TaskState::Queued);
    assert_eq!(world.resource::<Permits>().store.used, 0);
}
