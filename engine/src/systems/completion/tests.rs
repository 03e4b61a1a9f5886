//! Each system of completion on a world with what it names.

use std::time::Duration;

use bevy_ecs::world::World;

use super::{
    FetchOutcome, FetchReport, HostAnswered, Redirected, Setback, answers::take_answers,
    match_reports,
};
use crate::{
    message::reports::{Answer, Outcome, Report},
    model::{class::ErrorClass, head::Head, ids::OrderId, phase::Phase},
    systems::tests::{DETAIL, HOST, SESSION, add_fetching, add_session, add_tasks, run, session},
    world::{
        border::Inbox,
        condition::StoreHealth,
        permits::Permits,
        queue::{ParseQueue, Queue},
        replies::PendingReplies,
        slots::Slots,
        stats::Stats,
        store_requests::StoreRequests,
    },
};

const TOOK: Duration = Duration::from_millis(40);

fn answer(status: u16, body: &str) -> Answer {
    Answer {
        head: Head {
            status,
            ..Head::default()
        },
        body: std::sync::Arc::new(body.as_bytes().to_vec()),
        wire_bytes: body.len() as u64,
        ..Answer::default()
    }
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
fn a_report_that_nobody_waits_for_is_dropped() {
    let mut world = World::new();
    world.init_resource::<Inbox>();
    world.init_resource::<Slots>();
    world.init_resource::<Permits>();
    world.init_resource::<StoreRequests>();
    world.init_resource::<StoreHealth>();
    world.init_resource::<PendingReplies>();
    super::install_queues(&mut world);
    let id = OrderId {
        boot: 0,
        slot: 3,
        generation: 1,
    };
    let late = Report::new(id, TOOK, Outcome::Aborted);
    world.resource_mut::<Inbox>().reports.push_back(late);
    run(&mut world, match_reports);
    assert!(world.resource::<Inbox>().reports.is_empty());
    assert!(world.resource::<Queue<FetchReport>>().is_empty());
}
