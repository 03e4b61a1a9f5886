//! Each system of completion on a world with what it names.

mod hosts;
mod pages;
mod receipts;
mod redirects;
mod reports;
mod sessions;
mod store;

use std::time::Duration;

use bevy_ecs::world::World;

use super::{FetchOutcome, FetchReport, HostAnswered, Redirected, Setback, answers::take_answers};
use crate::{
    model::{class::ErrorClass, ids::OrderId, phase::Phase},
    politeness::{breaker::Health, pace::Signal},
    systems::tests::{
        DETAIL, HOST, LIST, SESSION, add_fetching, add_flying, add_session, add_tasks, answer,
        answer_with, change_session, run, session, state, take_left,
    },
    world::{
        border::Inbox,
        condition::StoreHealth,
        permits::Permits,
        queue::{ParseQueue, Queue},
        replies::PendingReplies,
        slots::Slots,
        stats::{Stats, Step},
        store_requests::StoreRequests,
        task_state::TaskState,
    },
};

const TOOK: Duration = Duration::from_millis(40);

fn reports_world() -> World {
    let mut world = World::new();
    world.init_resource::<Inbox>();
    world.init_resource::<Slots>();
    world.init_resource::<Permits>();
    world.init_resource::<StoreRequests>();
    world.init_resource::<StoreHealth>();
    world.init_resource::<PendingReplies>();
    super::install_queues(&mut world);
    world
}

fn answers_world() -> World {
    let mut world = World::new();
    add_tasks(&mut world);
    add_session(&mut world);
    world.init_resource::<Slots>();
    world.init_resource::<Permits>();
    world.init_resource::<Stats>();
    world.init_resource::<ParseQueue>();
    world.init_resource::<Queue<FetchReport>>();
    world.init_resource::<Queue<Redirected>>();
    world.init_resource::<Queue<Setback>>();
    world.init_resource::<Queue<HostAnswered>>();
    world
}

fn report(world: &mut World, id: OrderId, entity: bevy_ecs::entity::Entity, outcome: FetchOutcome) {
    let took = TOOK;
    let report = FetchReport {
        id,
        entity,
        took,
        outcome,
    };
    world.resource_mut::<Queue<FetchReport>>().push(report);
    run(world, take_answers);
}

#[test]
fn a_good_answer_waits_to_be_parsed_and_gives_its_permit_back() {
    let mut world = answers_world();
    let (id, entity) = add_fetching(&mut world, 1, DETAIL);
    report(
        &mut world,
        id,
        entity,
        FetchOutcome::Answered(Box::new(answer(200, "<h1>x"))),
    );
    assert_eq!(world.resource::<ParseQueue>().waiting, [id]);
    let permits = world.resource::<Permits>();
    assert_eq!((permits.http.used, permits.memory.used), (0, 5 * 65));
    let book = world
        .resource::<crate::world::ledger::Ledger>()
        .book(SESSION);
    assert_eq!(
        book.map(|book| book.total[Phase::Fetched as usize]),
        Some(1)
    );
    let answered = world.resource_mut::<Queue<HostAnswered>>().pop();
    let answered = answered.map(|answered| (answered.host, answered.failed));
    assert_eq!(answered, Some((HOST, None)));
    assert_eq!(session(&mut world).requests, 0);
}

#[test]
fn a_worker_that_broke_off_is_a_setback_of_its_page() {
    let mut world = answers_world();
    let (id, entity) = add_fetching(&mut world, 1, DETAIL);
    let broken = FetchOutcome::Broken(ErrorClass::Worker, "it panicked".to_owned());
    report(&mut world, id, entity, broken);
    let setback = world
        .resource_mut::<Queue<Setback>>()
        .pop()
        .expect("one is left");
    assert_eq!(
        (setback.entity, setback.class),
        (entity, ErrorClass::Worker)
    );
    assert!(world.resource::<Slots>().get(id).is_none());
    assert_eq!(world.resource::<Permits>().http.used, 0);
}

#[test]
fn a_redirect_is_left_to_be_followed_with_its_slot_open() {
    let mut world = answers_world();
    let (id, entity) = add_fetching(&mut world, 1, DETAIL);
    let leads = answer_with(302, &[("location", "/d2")], "");
    let outcome = FetchOutcome::Answered(Box::new(leads));
    report(&mut world, id, entity, outcome);
    let left = take_left::<Redirected>(&mut world);
    let [redirected] = &left[..] else {
        panic!("one is left: {left:?}");
    };
    assert_eq!((redirected.id, redirected.location.as_str()), (id, "/d2"));
    assert!(world.resource::<Slots>().get(id).is_some());
    assert_eq!(state(&mut world, entity), TaskState::Fetching(id));
}

#[test]
fn a_page_that_is_not_there_ends_its_list_unless_it_is_the_first() {
    let mut world = answers_world();
    for n in [1, 2] {
        let (id, entity) = add_fetching(&mut world, n, LIST);
        let outcome = FetchOutcome::Answered(Box::new(answer(404, "gone")));
        report(&mut world, id, entity, outcome);
    }
    let setbacks = take_left::<Setback>(&mut world);
    assert_eq!(setbacks.len(), 1);
    assert_eq!(setbacks[0].class, ErrorClass::NotFound);
    let parses = &world.resource::<ParseQueue>().waiting;
    let [second] = parses.iter().copied().collect::<Vec<_>>()[..] else {
        panic!("one is parsed: {parses:?}");
    };
    let mut slots = world.resource_mut::<Slots>();
    let answer = slots.flight_mut(second).answer.as_ref();
    let body = answer.map_or(&[][..], |answer| &answer.body);
    assert!(body.starts_with(b"<!-- no such page"), "{body:?}");
}

#[test]
fn a_page_within_the_count_that_is_not_there_does_not_end_its_list() {
    let mut world = answers_world();
    change_session(&mut world, |session| {
        session.page_counts.insert(LIST, (3, 1));
    });
    let (id, entity) = add_fetching(&mut world, 2, LIST);
    let outcome = FetchOutcome::Answered(Box::new(answer(404, "gone")));
    report(&mut world, id, entity, outcome);
    assert_eq!(take_left::<Setback>(&mut world).len(), 1);
    assert!(world.resource::<ParseQueue>().waiting.is_empty());
}

#[test]
fn a_host_that_asks_to_wait_is_told_of_and_its_page_waits_as_long() {
    let mut world = answers_world();
    let (id, entity) = add_fetching(&mut world, 1, DETAIL);
    let refused = answer_with(429, &[("retry-after", "7")], "");
    let outcome = FetchOutcome::Answered(Box::new(refused));
    report(&mut world, id, entity, outcome);
    let after = Some(Duration::from_secs(7));
    let setbacks = take_left::<Setback>(&mut world);
    assert_eq!(setbacks.len(), 1);
    assert_eq!(
        (setbacks[0].class, setbacks[0].after),
        (ErrorClass::RateLimit, after)
    );
    let told = take_left::<HostAnswered>(&mut world)[0];
    let expected = (Signal::Throttled(after), Health::Neutral);
    assert_eq!((told.signal, told.health), expected);
}

#[test]
fn a_parse_that_broke_off_is_no_fetch_less() {
    let mut world = answers_world();
    let (id, entity) = add_flying(&mut world, 1, DETAIL, TaskState::Parsing);
    let mut stats = world.resource_mut::<Stats>();
    stats.began(SESSION, Step::Fetch, DETAIL);
    stats.began(SESSION, Step::Parse, DETAIL);
    let broken = FetchOutcome::Broken(ErrorClass::Worker, "it panicked".to_owned());
    report(&mut world, id, entity, broken);
    let mut stats = world.resource_mut::<Stats>();
    let active = [Step::Fetch, Step::Parse].map(|step| stats.work(SESSION, step, DETAIL).active);
    assert_eq!(active, [1, 0]);
    // It says nothing of the host.
    assert!(take_left::<HostAnswered>(&mut world).is_empty());
}
