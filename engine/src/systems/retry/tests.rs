//! Setbacks are judged, on a world with what that names.

mod due;

use std::time::Duration;

use bevy_ecs::{entity::Entity, world::World};

use super::setbacks::judge_setbacks;
use crate::{
    extract::output::{Extracted, Link, Record},
    feed::frame::{Change, Detail},
    message::{
        reports::Answer,
        store_verbs::{EndAttempt, PageEnd},
    },
    model::{
        class::ErrorClass,
        ids::OrderId,
        numbers::micros,
        page_url::PageUrl,
        session_state::{Ending, SessionState},
        tries::Tries,
    },
    systems::{
        completion::Setback,
        tests::{
            DETAIL, HOST, LIST, NOW, SESSION, add_host, add_session, add_task, add_tasks, answer,
            change_host, change_session, charge, journal, leave, page_end, run, state, timer,
            tries,
        },
    },
    world::{
        condition::NetworkWatch,
        host_queue::HostQueues,
        ledger::Ledger,
        slots::Flight,
        store_requests::StoreRequests,
        task::{CameShort, Hop, Task},
        task_state::TaskState,
        timers::{Due, Timers},
        window::Window,
    },
};

const ORDER: OrderId = OrderId {
    boot: 1,
    slot: 0,
    generation: 1,
};

fn retry_world() -> World {
    let mut world = World::new();
    add_tasks(&mut world);
    add_session(&mut world);
    add_host(&mut world);
    world.init_resource::<NetworkWatch>();
    world.init_resource::<HostQueues>();
    world.init_resource::<Window>();
    world.init_resource::<Timers>();
    world.init_resource::<StoreRequests>();
    world
}

fn fetching(world: &mut World, failed: u16) -> Entity {
    let entity = add_task(world, 1, DETAIL, TaskState::Fetching(ORDER));
    charge(world, entity, move |tries| tries.failed = failed);
    entity
}

fn setback(entity: Entity, class: ErrorClass) -> Setback {
    Setback {
        entity,
        flight: Box::new(Flight::begun(NOW.saturating_sub(Duration::from_secs(2)))),
        class,
        message: "it did not work".to_owned(),
        after: None,
    }
}

/// Where its page is after a setback, and what the store is told.
fn judged(world: &mut World, setback: Setback) -> (TaskState, EndAttempt) {
    let entity = setback.entity;
    leave(world, setback);
    run(world, judge_setbacks);
    (state(world, entity), page_end(world))
}

/// How long a page waits.
fn wait(state: TaskState) -> Duration {
    let TaskState::Backoff { until_us, .. } = state else {
        panic!("it waits: {state:?}");
    };
    Duration::from_micros(until_us).saturating_sub(NOW)
}

fn is_over_for_now(world: &World) -> bool {
    world.resource::<Window>().leaving.len() == 1 && world.resource::<Ledger>().stages_changed
}

#[test]
fn a_page_that_failed_waits_for_its_next_attempt() {
    let mut world = retry_world();
    let entity = fetching(&mut world, 1);
    let (state, end) = judged(&mut world, setback(entity, ErrorClass::HttpServer));
    let wait = wait(state);
    // The second failure: two seconds at most.
    assert!(wait >= Duration::from_millis(100) && wait <= Duration::from_secs(2));
    let expected = Tries {
        failed: 2,
        ..Tries::default()
    };
    assert_eq!(tries(&mut world, entity), expected);
    assert_eq!(end.tries, expected);
    let PageEnd::Backoff { due_in, class } = end.end else {
        panic!("the store is told: {:?}", end.end);
    };
    assert_eq!((due_in, class), (wait, ErrorClass::HttpServer));
    let attempt = end.attempt.expect("an attempt has ended");
    assert_eq!(attempt.class, Some(ErrorClass::HttpServer));
    assert_eq!(attempt.began_ago, Duration::from_secs(2));
    let (at, due) = timer(&mut world).expect("its time is waited for");
    assert_eq!(due, Due::Backoff(entity));
    assert!(at >= NOW + wait);
    assert!(world.resource::<Window>().leaving.is_empty());
    let told = journal(&mut world);
    let [Change::Moved(moved)] = &told[..] else {
        panic!("one move is told: {told:?}");
    };
    let Detail::Error(fault) = &moved.detail else {
        panic!("why is told: {moved:?}");
    };
    assert_eq!(fault.retry_at_us, Some(micros(NOW + wait)));
}

#[test]
fn the_first_failure_at_a_calm_host_is_tried_again_at_once() {
    let mut world = retry_world();
    let entity = fetching(&mut world, 0);
    let (state, _) = judged(&mut world, setback(entity, ErrorClass::Reset));
    assert!(wait(state) <= Duration::from_millis(100));
}

#[test]
fn the_first_failure_at_a_host_in_trouble_is_not_tried_again_at_once() {
    let mut world = retry_world();
    change_host(&mut world, |host| {
        host.breaker.hold_open();
    });
    // Chance may choose a short wait: not for all of them.
    let mut waits = (1..=20).map(|n| {
        let entity = add_task(&mut world, n, DETAIL, TaskState::Fetching(ORDER));
        let (state, _) = judged(&mut world, setback(entity, ErrorClass::Reset));
        wait(state)
    });
    assert!(waits.any(|wait| wait > Duration::from_millis(500)));
}

#[test]
fn a_page_whose_attempts_are_used_up_fails_with_what_was_seen_last() {
    let mut world = retry_world();
    let entity = fetching(&mut world, 4);
    let mut back = setback(entity, ErrorClass::HttpServer);
    back.flight.answer = Some(answer(503, "down for repairs"));
    let (state, end) = judged(&mut world, back);
    assert_eq!(state, TaskState::Failed(ErrorClass::HttpServer));
    let PageEnd::Failed { evidence, .. } = end.end else {
        panic!("the store is told: {:?}", end.end);
    };
    assert_eq!(evidence.message, "it did not work");
    assert_eq!(evidence.head.map(|head| head.status), Some(503));
    assert_eq!(evidence.body.as_deref(), Some(&b"down for repairs"[..]));
    assert!(is_over_for_now(&world));
    assert_eq!(timer(&mut world), None);
}

#[test]
fn what_no_retry_helps_is_a_dead_letter_at_once() {
    let mut world = retry_world();
    let entity = fetching(&mut world, 0);
    let (state, end) = judged(&mut world, setback(entity, ErrorClass::NotFound));
    assert_eq!(state, TaskState::Dead(ErrorClass::NotFound));
    assert!(matches!(
        end.end,
        PageEnd::Dead {
            class: ErrorClass::NotFound,
            ..
        }
    ));
    assert!(is_over_for_now(&world));
}

#[test]
fn a_page_that_cannot_be_read_to_the_end_is_a_dead_letter_unless_it_had_something() {
    let mut world = retry_world();
    let entity = fetching(&mut world, 4);
    let (state, _) = judged(&mut world, setback(entity, ErrorClass::Parse));
    assert_eq!(state, TaskState::Dead(ErrorClass::Parse));

    let entity = fetching(&mut world, 4);
    let mut back = setback(entity, ErrorClass::InvalidRecord);
    let record = Record {
        rule: 0,
        identity: "x".to_owned(),
        values: Vec::new(),
    };
    let found = Extracted {
        records: vec![record.clone()],
        links: Vec::<Link>::new(),
        ..Extracted::default()
    };
    back.flight.extracted = Some(Box::new(found));
    let (state, end) = judged(&mut world, back);
    assert_eq!(state, TaskState::Failed(ErrorClass::InvalidRecord));
    assert_eq!(end.end.found().0, [record]);
}

#[test]
fn a_page_read_badly_keeps_nothing_of_what_it_had_while_it_is_tried_again() {
    let mut world = retry_world();
    let entity = fetching(&mut world, 0);
    let mut back = setback(entity, ErrorClass::InvalidRecord);
    back.flight.extracted = Some(Box::new(Extracted::default()));
    back.flight.answer = Some(Answer::default());
    let (state, end) = judged(&mut world, back);
    assert!(matches!(state, TaskState::Backoff { .. }));
    assert!(matches!(end.end, PageEnd::Backoff { .. }));
}

#[test]
fn a_throttled_page_waits_as_its_host_asks_and_is_charged_nothing_at_first() {
    let mut world = retry_world();
    let entity = fetching(&mut world, 1);
    let after = Duration::from_secs(70);
    let back = Setback {
        after: Some(after),
        ..setback(entity, ErrorClass::RateLimit)
    };
    let (state, _) = judged(&mut world, back);
    assert_eq!(wait(state), after);
    let charged = tries(&mut world, entity);
    assert_eq!((charged.failed, charged.throttled), (1, 1));
}

#[test]
fn a_page_that_is_throttled_without_a_time_waits_for_a_second_at_least() {
    let mut world = retry_world();
    for n in 1..=10 {
        let entity = add_task(&mut world, n, DETAIL, TaskState::Fetching(ORDER));
        let (state, _) = judged(&mut world, setback(entity, ErrorClass::RateLimit));
        assert!(wait(state) >= Duration::from_secs(1));
    }
}

#[test]
fn a_page_that_is_throttled_again_and_again_is_charged_and_fails() {
    let mut world = retry_world();
    let entity = fetching(&mut world, 4);
    charge(&mut world, entity, |tries| tries.throttled = 10);
    let (state, _) = judged(&mut world, setback(entity, ErrorClass::RateLimit));
    assert_eq!(state, TaskState::Failed(ErrorClass::RateLimit));
    assert_eq!(tries(&mut world, entity).failed, 5);
}

#[test]
fn a_page_whose_host_asks_to_wait_for_longer_than_is_waited_is_a_dead_letter() {
    let mut world = retry_world();
    let entity = fetching(&mut world, 0);
    let back = Setback {
        after: Some(Duration::from_hours(25)),
        ..setback(entity, ErrorClass::RateLimit)
    };
    let (state, _) = judged(&mut world, back);
    assert_eq!(state, TaskState::Dead(ErrorClass::HostParked));
}

#[test]
fn a_page_that_was_called_back_waits_in_its_queue_and_is_charged_nothing() {
    let mut world = retry_world();
    let entity = fetching(&mut world, 1);
    world.entity_mut(entity).insert(Hop {
        url: PageUrl::from("https://a.test/moved"),
        count: 1,
        host: HOST,
        visited: Vec::new(),
        spent: Duration::ZERO,
    });
    let (state, end) = judged(&mut world, setback(entity, ErrorClass::Aborted));
    assert_eq!(state, TaskState::Queued);
    assert!(matches!(end.end, PageEnd::Queued));
    assert_eq!(tries(&mut world, entity).failed, 1);
    // It begins at its own address again.
    assert!(world.get::<Hop>(entity).is_none());
    let mut queues = world.resource_mut::<HostQueues>();
    let queue = queues.pop_ready(SESSION, NOW).expect("it may be looked at");
    assert_eq!(queues.get(queue).waiting(), 1);
}

#[test]
fn while_our_network_is_down_nobody_loses_an_attempt() {
    let mut world = retry_world();
    let mut network = world.resource_mut::<NetworkWatch>();
    for host in [7, 8, 9] {
        let host = crate::model::ids::HostId(host);
        let failed = Some(ErrorClass::Connect);
        network.offline.on_outcome(NOW, host, failed);
    }
    let entity = fetching(&mut world, 4);
    let (state, _) = judged(&mut world, setback(entity, ErrorClass::Connect));
    let expected = TaskState::Backoff {
        until_us: micros(NOW + Duration::from_secs(1)),
        cause: Some(ErrorClass::Offline),
    };
    assert_eq!(state, expected);
    assert_eq!(tries(&mut world, entity).failed, 4);
    // A session that ends takes its pages back at once.
    change_session(&mut world, |session| {
        session.enter(SessionState::Draining {
            at_once: false,
            then: Ending::Completed,
        });
    });
    let entity = fetching(&mut world, 4);
    let (state, _) = judged(&mut world, setback(entity, ErrorClass::Connect));
    assert_eq!(state, TaskState::Queued);
}

#[test]
fn an_attempt_that_our_network_may_have_cost_is_remembered() {
    let mut world = retry_world();
    let entity = fetching(&mut world, 0);
    judged(&mut world, setback(entity, ErrorClass::Connect));
    let other = add_task(&mut world, 2, DETAIL, TaskState::Fetching(ORDER));
    judged(&mut world, setback(other, ErrorClass::HttpServer));
    let task = world.get::<Task>(entity).expect("it is a task").identity;
    let mut network = world.resource_mut::<NetworkWatch>();
    let stage = (task.session, task.batch, task.stage);
    assert_eq!(network.take_since(NOW), [(stage, task.key)]);
}

#[test]
fn an_empty_page_that_the_count_promises_is_its_stages_to_judge_after_two_reads() {
    for (times, is_judged) in [(1, false), (2, true)] {
        let mut world = retry_world();
        let entity = add_task(&mut world, 1, LIST, TaskState::Parsing(ORDER));
        world.entity_mut(entity).insert(CameShort {
            items: 0,
            times,
            promised: true,
        });
        let (state, _) = judged(&mut world, setback(entity, ErrorClass::ShortPage));
        let failed = state == TaskState::Failed(ErrorClass::ShortPage);
        assert_eq!(failed, is_judged, "{state:?}");
    }
}
