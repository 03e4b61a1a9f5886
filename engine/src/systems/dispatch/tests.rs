//! Each system of dispatch on a world with what it names.

mod pick;

use std::{sync::Arc, time::Duration};

use bevy_ecs::{entity::Entity, world::World};

use super::{
    PausedTasks, RESERVE, decide_dispatch, probe,
    send::{self, Request},
    turn_away::{self, TurnedAway},
};
use crate::{
    message::{
        orders::{FetchOrder, Order, Purpose},
        store_verbs::PageEnd,
    },
    model::{
        class::{ErrorClass, SkipReason, WaitReason},
        ids::{HostId, StageId},
        in_flight::FlightMark,
        page_url::PageUrl,
        phase::Phase,
    },
    systems::tests::{
        DETAIL, HOST, LIST, NOW, SESSION, add_clock, add_frontier, add_host, add_session, add_task,
        add_tasks, change_host, count, enqueue, host, leave, page_end, requests, run, session,
        state, take_left, timer, tries,
    },
    world::{
        border::Outbox,
        condition::{DispatchLimit, NetworkWatch, Pause, StoreHealth},
        host_queue::{HostQueues, LowQueues},
        journal::Journal,
        ledger::Ledger,
        permits::{Permit, Permits},
        queue::{ParseQueue, Queue, SaveQueue},
        slots::{Flight, MAX_ORDERS, Owner, Slots},
        stats::{Stats, Step},
        store_requests::StoreRequests,
        task_state::TaskState,
        timers::{Due, Timers},
        window::Window,
    },
};

/// What is left in the queues of dispatch, for the tests of the whole schedule.
pub(in crate::systems) fn left(world: &World) -> [(&'static str, usize); 2] {
    [
        ("requests", world.resource::<Queue<Request>>().len()),
        ("turned away", world.resource::<Queue<TurnedAway>>().len()),
    ]
}

fn decide_world() -> World {
    let mut world = World::new();
    world.init_resource::<DispatchLimit>();
    world.init_resource::<Pause>();
    world.init_resource::<StoreHealth>();
    world.init_resource::<NetworkWatch>();
    world.init_resource::<Slots>();
    world.init_resource::<ParseQueue>();
    world.init_resource::<SaveQueue>();
    let memory = Permit { limit: 10, used: 0 };
    world.insert_resource(Permits {
        memory,
        parse_queue: 2,
        save_queue: 2,
        ..Permits::default()
    });
    world
}

fn decide(world: &mut World) -> &DispatchLimit {
    run(world, decide_dispatch);
    world.resource::<DispatchLimit>()
}

/// Our network is found to be down at this time.
fn go_offline(network: &mut NetworkWatch, at: Duration) {
    for host in [7, 8, 9] {
        let failed = Some(ErrorClass::Connect);
        network.offline.on_outcome(at, HostId(host), failed);
    }
    assert!(network.offline.is_offline());
}

#[test]
fn nothing_limits_an_engine_in_good_order_but_its_slots() {
    let mut world = decide_world();
    let limit = decide(&mut world);
    assert_eq!((limit.limited, limit.lacking), (None, None));
    assert_eq!(limit.slots, MAX_ORDERS + 1 - RESERVE);
    assert!(!limit.is_step);
    let mut slots = world.resource_mut::<Slots>();
    while slots.room() > 5 {
        slots.open(Owner::Marks, NOW);
    }
    assert_eq!(decide(&mut world).slots, 0);
}

#[test]
fn a_store_in_trouble_limits_before_a_pause_and_uses_no_step_up() {
    let mut world = decide_world();
    world.insert_resource(Pause {
        is_paused: true,
        steps: 1,
    });
    world.resource_mut::<StoreHealth>().trouble = Some("locked".to_owned());
    let limit = decide(&mut world);
    assert_eq!(limit.limited, Some(WaitReason::StoreTrouble));
    assert_eq!(world.resource::<Pause>().steps, 1);
}

#[test]
fn a_paused_engine_sends_for_as_many_ticks_as_a_person_steps_it() {
    let mut world = decide_world();
    world.insert_resource(Pause {
        is_paused: true,
        steps: 2,
    });
    for limited in [None, None, Some(WaitReason::Paused)] {
        let limit = decide(&mut world);
        assert_eq!((limit.limited, limit.is_step), (limited, true));
    }
}

#[test]
fn nothing_is_sent_while_our_network_is_down() {
    let mut world = decide_world();
    go_offline(&mut world.resource_mut::<NetworkWatch>(), NOW);
    assert_eq!(decide(&mut world).limited, Some(WaitReason::Offline));
}

#[test]
fn full_queues_and_full_memory_are_found_lacking_by_the_next_page() {
    let id = crate::model::ids::OrderId {
        boot: 0,
        slot: 0,
        generation: 1,
    };
    let mut world = decide_world();
    world.resource_mut::<Permits>().memory.used = 10;
    assert_eq!(decide(&mut world).lacking, Some(WaitReason::Memory));
    world.resource_mut::<SaveQueue>().0.extend([id, id]);
    assert_eq!(decide(&mut world).lacking, Some(WaitReason::BackPressure));
    world.resource_mut::<SaveQueue>().0.clear();
    let mut parses = world.resource_mut::<ParseQueue>();
    parses.waiting.extend([id, id]);
    assert_eq!(decide(&mut world).lacking, Some(WaitReason::BackPressure));
    assert_eq!(decide(&mut world).limited, None);
}

fn probe_world(offline_since: Duration) -> World {
    let mut world = World::new();
    add_clock(&mut world);
    add_session(&mut world);
    add_host(&mut world);
    world.init_resource::<NetworkWatch>();
    world.init_resource::<HostQueues>();
    world.init_resource::<Timers>();
    world.init_resource::<Journal>();
    world.init_resource::<Queue<Request>>();
    let http = Permit { limit: 4, used: 0 };
    world.insert_resource(Permits {
        http,
        ..Permits::default()
    });
    let mut queues = world.resource_mut::<HostQueues>();
    let queue = queues.id(SESSION, HOST);
    queues.get_mut(queue).outside = 1;
    let mut network = world.resource_mut::<NetworkWatch>();
    go_offline(&mut network, offline_since);
    network.probe_due = true;
    world
}

#[test]
fn one_host_that_has_pages_is_asked_whether_the_network_is_back() {
    let mut world = probe_world(NOW.saturating_sub(Duration::from_secs(10)));
    run(&mut world, probe::probe_network);
    let sent = take_left::<Request>(&mut world);
    let [request] = &sent[..] else {
        panic!("one request is sent: {sent:?}");
    };
    assert_eq!((request.owner, request.host), (Owner::Probe(HOST), HOST));
    assert_eq!(request.purpose, Purpose::Probe);
    assert_eq!(&*request.url, "https://a.test:443/robots.txt");
    assert_eq!(world.resource::<Permits>().http.used, 1);
    assert_eq!(host(&mut world).pace.in_flight(), 1);
    let network = world.resource::<NetworkWatch>();
    let next = NOW + Duration::from_secs(5);
    assert_eq!(network.offline.next_probe(), Some(next));
    assert!(!network.probe_due);
    let look = (NOW + Duration::from_secs(1), Due::Probe);
    assert_eq!(timer(&mut world), Some(look));
}

#[test]
fn no_probe_is_sent_before_its_time() {
    let mut world = probe_world(NOW);
    run(&mut world, probe::probe_network);
    assert!(take_left::<Request>(&mut world).is_empty());
    let probe = (NOW + Duration::from_secs(5), Due::Probe);
    assert_eq!(timer(&mut world), Some(probe));
    assert_eq!(timer(&mut world), None);
}

#[test]
fn no_host_is_probed_that_has_no_pages_or_may_not_be_asked() {
    for has_pages in [true, false] {
        let mut world = probe_world(NOW.saturating_sub(Duration::from_secs(10)));
        if has_pages {
            change_host(&mut world, |host| host.pace.on_sent(NOW));
        } else {
            let mut queues = world.resource_mut::<HostQueues>();
            let queue = queues.id(SESSION, HOST);
            queues.get_mut(queue).outside = 0;
        }
        run(&mut world, probe::probe_network);
        assert!(take_left::<Request>(&mut world).is_empty());
        assert_eq!(world.resource::<Permits>().http.used, 0);
        // It is looked for one again.
        let look = (NOW + Duration::from_secs(1), Due::Probe);
        assert_eq!(timer(&mut world), Some(look));
    }
}

fn turned_world() -> World {
    let mut world = World::new();
    add_tasks(&mut world);
    add_session(&mut world);
    add_frontier(&mut world);
    world.init_resource::<StoreRequests>();
    world.init_resource::<PausedTasks>();
    world
}

fn queued(world: &mut World, n: u64, stage: StageId) -> Entity {
    add_task(world, n, stage, TaskState::Queued)
}

fn turn(world: &mut World, turned: TurnedAway) {
    leave(world, turned);
    run(world, turn_away::turn_away);
}

#[test]
fn a_page_that_robots_forbid_is_skipped_for_good() {
    let mut world = turned_world();
    let entity = queued(&mut world, 1, DETAIL);
    let reason = SkipReason::Robots;
    turn(&mut world, TurnedAway::Skip(entity, reason));
    assert_eq!(state(&mut world, entity), TaskState::Skipped(reason));
    let end = page_end(&mut world);
    assert!(matches!(end.end, PageEnd::Skipped(SkipReason::Robots)));
    assert!(end.attempt.is_none());
    assert_eq!(world.resource::<Window>().leaving.len(), 1);
    assert!(world.resource::<Ledger>().stages_changed);
}

#[test]
fn a_page_whose_host_may_not_be_asked_fails_and_the_store_is_told_why() {
    let mut world = turned_world();
    let entity = queued(&mut world, 1, DETAIL);
    let class = ErrorClass::HostParked;
    let why = "come back tomorrow".to_owned();
    turn(&mut world, TurnedAway::Fail(entity, class, why));
    assert_eq!(state(&mut world, entity), TaskState::Failed(class));
    let end = page_end(&mut world);
    let PageEnd::Failed { evidence, .. } = end.end else {
        panic!("it failed: {:?}", end.end);
    };
    assert_eq!(evidence.message, "come back tomorrow");
    assert_eq!(end.attempt.and_then(|attempt| attempt.class), Some(class));
    // No attempt is charged: nothing was sent.
    assert_eq!(tries(&mut world, entity).failed, 0);
    assert_eq!(world.resource::<Window>().leaving.len(), 1);
    assert!(world.resource::<Ledger>().stages_changed);
}

#[test]
fn a_page_that_makes_room_waits_in_the_store_and_is_counted_as_before() {
    let mut world = turned_world();
    let entity = queued(&mut world, 1, DETAIL);
    turn(&mut world, TurnedAway::Evict(entity));
    assert!(world.get_entity(entity).is_err());
    assert_eq!(world.resource::<Window>().resident(), 0);
    let mut queues = world.resource_mut::<HostQueues>();
    let queue = queues.id(SESSION, HOST);
    assert_eq!(queues.get(queue).outside, 1);
    assert_eq!(world.resource::<LowQueues>().0, [queue]);
    assert_eq!(count(&world, Phase::Queued), 1);
    assert!(requests(&mut world).is_empty());
}

#[test]
fn a_page_that_a_person_paused_waits_beside_its_queue() {
    let mut world = turned_world();
    let entity = queued(&mut world, 1, DETAIL);
    turn(&mut world, TurnedAway::Park(entity));
    assert_eq!(world.resource::<PausedTasks>().0, [entity]);
    assert_eq!(state(&mut world, entity), TaskState::Queued);
}

fn send_world() -> World {
    let mut world = World::new();
    add_tasks(&mut world);
    add_session(&mut world);
    world.init_resource::<Slots>();
    world.init_resource::<Timers>();
    world.init_resource::<Outbox>();
    world.init_resource::<Stats>();
    world.init_resource::<StoreRequests>();
    world
}

fn request(world: &mut World, owner: Owner, flight: Option<Flight>) -> FetchOrder {
    let request = Request {
        owner,
        host: HOST,
        purpose: if flight.is_some() {
            Purpose::Page
        } else {
            Purpose::Robots
        },
        url: PageUrl::from("https://a.test/d1"),
        profile: Arc::clone(&session(world).profile),
        first_byte: Duration::from_secs(9),
        flight: flight.map(Box::new),
    };
    leave(world, request);
    run(world, send::send_requests);
    let orders = std::mem::take(&mut world.resource_mut::<Outbox>().orders);
    let orders: Vec<Order> = orders.into();
    let [Order::Fetch(order)] = &orders[..] else {
        panic!("one order is sent: {orders:?}");
    };
    order.clone()
}

#[test]
fn a_page_that_is_sent_is_fetching_is_marked_and_holds_its_hosts_permit() {
    let mut world = send_world();
    let entity = queued(&mut world, 1, DETAIL);
    let flight = Flight::begun(NOW);
    let order = request(&mut world, Owner::Task(entity), Some(flight));
    let id = order.id;
    assert_eq!(&*order.url, "https://a.test/d1");
    assert_eq!(order.first_byte, Duration::from_secs(9));
    assert_eq!(state(&mut world, entity), TaskState::Fetching(id));
    assert_eq!(tries(&mut world, entity).dispatched, 1);
    let busy = world.resource::<Slots>().get(id).expect("it is in flight");
    assert_eq!((busy.owner, busy.http), (Owner::Task(entity), Some(HOST)));
    let marks = &world.resource::<StoreRequests>().marks;
    let marked = marks.get(&(SESSION, false)).expect("it is marked");
    assert_eq!(marked.iter().map(|(_, of)| *of).collect::<Vec<_>>(), [id]);
    let deadline = NOW + session(&mut world).profile.report_within();
    assert_eq!(timer(&mut world), Some((deadline, Due::Deadline(id.slot))));
    let mut stats = world.resource_mut::<Stats>();
    assert_eq!(stats.work(SESSION, Step::Fetch, DETAIL).active, 1);
}

#[test]
fn the_next_hop_of_a_page_is_not_marked_again() {
    let mut world = send_world();
    let entity = queued(&mut world, 1, LIST);
    let flight = Flight {
        mark: FlightMark::Kept,
        ..Flight::begun(NOW)
    };
    request(&mut world, Owner::Task(entity), Some(flight));
    assert!(world.resource::<StoreRequests>().is_empty());
}

#[test]
fn a_request_for_robots_moves_no_page_and_is_waited_for_all_the_same() {
    let mut world = send_world();
    let order = request(&mut world, Owner::Robots(HOST), None);
    assert_eq!(order.purpose, Purpose::Robots);
    let busy = world.resource::<Slots>().get(order.id);
    let busy = busy.expect("it is in flight");
    assert_eq!((busy.owner, busy.http), (Owner::Robots(HOST), Some(HOST)));
    assert!(busy.flight.is_none());
    assert!(world.resource::<StoreRequests>().is_empty());
    assert!(timer(&mut world).is_some());
}

/// For the tests of `pick_queued`: one more page waits in its host's queue.
fn waiting(world: &mut World, n: u64, stage: StageId) -> Entity {
    let entity = queued(world, n, stage);
    enqueue(world, entity);
    entity
}
