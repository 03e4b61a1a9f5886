//! Sessions that the store has opened or closed.

use bevy_ecs::world::World;
use crossbeam_channel::bounded;
use serde_json::json;

use crate::{
    feed::frame::Change,
    message::{
        receipts::{KnownHost, OverCounts, SessionOpened},
        store_verbs::Mode,
    },
    model::{
        class::ErrorClass,
        ids::{OrderId, SessionId},
        phase::{Phase, SessionPhase},
        session_state::{Ending, SessionState},
    },
    systems::{
        completion::{
            Opening, SessionClosed,
            opened::{close_sessions, open_sessions},
        },
        tests::{
            BATCH, HOST, LIST, NOW, SESSION, add_frontier, add_session, add_settings, add_task,
            add_tasks, change_session, host_key, journal, leave, opened, run, session,
            start_session, take_left,
        },
    },
    world::{
        host::HostIndex,
        host_queue::HostQueues,
        ledger::Ledger,
        queue::Queue,
        replies::{self, PendingReplies},
        session::SessionIndex,
        slots::{Owner, Slots},
        task_state::TaskState,
        window::Window,
    },
};

/// What `open_sessions` names, but for the sessions.
fn opening_world() -> World {
    let mut world = World::new();
    add_tasks(&mut world);
    add_settings(&mut world);
    world.init_resource::<HostIndex>();
    world.init_resource::<HostQueues>();
    world.init_resource::<Slots>();
    world.init_resource::<PendingReplies>();
    world.init_resource::<Queue<SessionOpened>>();
    world
}

fn open(world: &mut World, opened: SessionOpened) -> crate::message::commands::Ack {
    let (reply, ack) = bounded(1);
    let asked = replies::Opening {
        start: Box::new(start_session()),
        reply: Some(reply),
    };
    let mut replies = world.resource_mut::<PendingReplies>();
    replies.opening.insert(7, asked);
    leave(world, Opening(7, Box::new(opened)));
    run(world, open_sessions);
    ack.try_recv().expect("whoever asked is told")
}

fn taken_up() -> SessionOpened {
    SessionOpened {
        boot: 5,
        mode: Mode::Full,
        started: true,
        counts: vec![
            (BATCH, LIST, Phase::Queued, 4),
            (BATCH, LIST, Phase::Dead, 1),
        ],
        hosts: vec![KnownHost {
            id: HOST,
            key: host_key("https://a.test/"),
            waiting: 4,
            gone: OverCounts::default(),
            learned: None,
        }],
        dead: vec![(ErrorClass::NotFound, 1)],
        records: 12,
        bytes: 3_000,
        ..opened()
    }
}

#[test]
fn an_opened_session_has_the_books_of_the_store_and_is_about_to_begin() {
    let mut world = opening_world();
    world.init_resource::<SessionIndex>();
    let ack = open(&mut world, taken_up());
    assert_eq!(ack, Ok(json!({ "session": 1 })));
    let of = session(&mut world);
    assert_eq!((of.id, of.mode, of.began), (SESSION, Mode::Full, NOW));
    assert_eq!(
        (of.phase(), of.bytes_before),
        (SessionPhase::Planning, 3_000)
    );
    let book = world
        .resource::<Ledger>()
        .book(SESSION)
        .expect("it is open");
    assert_eq!((book.discovered, book.records, book.bytes), (5, 12, 3_000));
    assert_eq!(book.dead.get(&ErrorClass::NotFound), Some(&1));
    assert_eq!(book.unopened(), Some(BATCH));
    assert_eq!(world.resource::<HostIndex>().seen[0].id, HOST);
    assert_eq!(take_left::<SessionOpened>(&mut world).len(), 1);
    let told = journal(&mut world);
    assert!(matches!(
        told[..],
        [
            Change::SessionAdmitted {
                session: SESSION,
                ..
            },
            Change::SessionMoved { .. }
        ]
    ));
}

#[test]
fn orders_carry_the_number_of_the_stores_start() {
    let mut world = opening_world();
    world.init_resource::<SessionIndex>();
    open(&mut world, taken_up()).expect("it is open");
    let mut slots = world.resource_mut::<Slots>();
    let next = slots.open(Owner::Marks, NOW);
    assert!(matches!(next, Some(OrderId { boot: 5, .. })), "{next:?}");
}

#[test]
fn a_session_taken_up_again_forgets_its_earlier_life() {
    let mut world = opening_world();
    let before = add_session(&mut world);
    let mut ledger = world.resource_mut::<Ledger>();
    ledger.discover(SESSION, (BATCH, LIST), Phase::Done, 9);
    let mut queues = world.resource_mut::<HostQueues>();
    let queue = queues.id(SESSION, HOST);
    queues.get_mut(queue).outside = 9;
    open(&mut world, taken_up()).expect("it is open");
    assert!(world.get_entity(before).is_err());
    assert_eq!(session(&mut world).phase(), SessionPhase::Planning);
    let book = world
        .resource::<Ledger>()
        .book(SESSION)
        .expect("it is open");
    assert_eq!(book.discovered, 5);
    let index = world.resource::<SessionIndex>();
    let ids: Vec<SessionId> = index.ids().collect();
    assert_eq!((&ids[..], index.batches.len()), (&[SESSION][..], 0));
    assert_eq!(world.resource::<HostQueues>().get(queue).outside, 0);
}

fn close(world: &mut World) {
    leave(world, SessionClosed(SESSION));
    run(world, close_sessions);
}

fn closing_world(ending: Ending) -> World {
    let mut world = World::new();
    add_tasks(&mut world);
    add_session(&mut world);
    add_frontier(&mut world);
    change_session(&mut world, |session| {
        session.enter(SessionState::Draining {
            at_once: false,
            then: ending.clone(),
        });
        session.enter(SessionState::Closing(ending));
    });
    world
}

#[test]
fn a_session_whose_last_note_is_kept_is_over_and_leaves_the_window() {
    let mut world = closing_world(Ending::Completed);
    let done = add_task(&mut world, 1, LIST, TaskState::Done);
    world.resource_mut::<Window>().retire(done, NOW);
    let waits = add_task(&mut world, 2, LIST, TaskState::Queued);
    close(&mut world);
    let over = SessionState::Over(Ending::Completed);
    assert_eq!(*session(&mut world).state(), over);
    assert!(world.get_entity(done).is_err() && world.get_entity(waits).is_err());
    let window = world.resource::<Window>();
    assert_eq!((window.resident(), window.leaving.len()), (0, 0));
    let told = journal(&mut world);
    let to = SessionPhase::Completed;
    assert!(matches!(told.last(), Some(Change::SessionMoved { to: at, .. }) if *at == to));
}

#[test]
fn a_session_that_failed_before_its_last_note_was_kept_stays_failed() {
    let mut world = closing_world(Ending::Completed);
    let failed = SessionState::Over(Ending::Failed("the store is lost".to_owned()));
    change_session(&mut world, |session| {
        session.enter(failed.clone());
    });
    close(&mut world);
    assert_eq!(*session(&mut world).state(), failed);
}
