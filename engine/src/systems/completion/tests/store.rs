//! What the store has moved in bulk, and what it could not do.

use std::time::Duration;

use bevy_ecs::world::World;
use crossbeam_channel::bounded;
use serde_json::json;

use crate::{
    message::{
        receipts::{MovedCount, StoreError},
        store_verbs::{Note, StoreVerb},
    },
    model::{
        class::{ErrorClass, SkipReason},
        ids::OrderId,
        phase::{Phase, StagePhase},
        remark::Remark,
        stage_state::StageState,
    },
    systems::{
        completion::{
            BulkMove, StoreFailure, bulk_moves::take_moved, store_trouble::wait_for_store,
        },
        observe::DueSnapshots,
        tests::{
            BATCH, DETAIL, HOST, NOW, SESSION, add_flying, add_frontier, add_session, add_settings,
            add_task, add_tasks, batch, count, leave, notices, requests, run, start_session, state,
            timer,
        },
    },
    world::{
        condition::StoreHealth,
        host_queue::{HostQueues, LowQueues},
        ledger::Ledger,
        permits::Permits,
        replies::{Opening, PendingReplies},
        slots::{Owner, Slots},
        store_requests::StoreRequests,
        task::Task,
        task_state::TaskState,
        timers::{Due, Timers},
        window::Window,
    },
};

fn moves_world() -> World {
    let mut world = World::new();
    add_tasks(&mut world);
    add_session(&mut world);
    add_frontier(&mut world);
    world.init_resource::<PendingReplies>();
    world.init_resource::<DueSnapshots>();
    world
}

/// So many pages of the details stand there, outside the window.
fn stand(world: &mut World, phase: Phase, count: u64) {
    let mut ledger = world.resource_mut::<Ledger>();
    ledger.discover(SESSION, (BATCH, DETAIL), phase, count);
    let mut queues = world.resource_mut::<HostQueues>();
    let queue = queues.id(SESSION, HOST);
    if let Some(gone) = queues.get_mut(queue).gone.of(phase) {
        *gone = count;
    }
}

fn moved(world: &mut World, owner: Owner, from: Phase, count: u64) {
    let class = (!from.is_waiting()).then_some(ErrorClass::Connect);
    let moved = MovedCount {
        batch: BATCH,
        stage: DETAIL,
        host: HOST,
        from,
        class,
        count,
    };
    let moved = vec![moved];
    leave(world, BulkMove { owner, moved });
    run(world, take_moved);
}

fn detail_stage(world: &mut World) -> StageState {
    batch(world).stages[usize::from(DETAIL.0)].state
}

fn queue_counts(world: &mut World) -> (u64, u64, u64) {
    let mut queues = world.resource_mut::<HostQueues>();
    let queue = queues.id(SESSION, HOST);
    let queue = queues.get(queue);
    (queue.outside, queue.gone.failed, queue.gone.dead)
}

#[test]
fn failed_pages_that_run_again_wait_outside_the_window_and_their_stage_runs() {
    let mut world = moves_world();
    stand(&mut world, Phase::Failed, 3);
    batch(&mut world).stages[1].enter(StageState::Recovering);
    let owner = Owner::Requeue(SESSION, BATCH, DETAIL);
    moved(&mut world, owner, Phase::Failed, 3);
    assert_eq!(count(&world, Phase::Queued), 3);
    assert_eq!(queue_counts(&mut world), (3, 0, 0));
    assert_eq!(detail_stage(&mut world), StageState::Running);
    assert_eq!(world.resource::<LowQueues>().0.len(), 1);
    let mut queues = world.resource_mut::<HostQueues>();
    let queue = queues.id(SESSION, HOST);
    assert!(!queues.get_mut(queue).cursor(BATCH).exhausted);
}

#[test]
fn condemned_pages_are_dead_letters_by_class() {
    let mut world = moves_world();
    stand(&mut world, Phase::Failed, 3);
    batch(&mut world).stages[1].enter(StageState::Condemning);
    let owner = Owner::Condemn(SESSION, BATCH, DETAIL);
    moved(&mut world, owner, Phase::Failed, 2);
    let book = world
        .resource::<Ledger>()
        .book(SESSION)
        .expect("it is open");
    assert_eq!(book.dead.get(&ErrorClass::Connect), Some(&2));
    assert_eq!(queue_counts(&mut world), (0, 1, 2));
    assert_eq!(detail_stage(&mut world), StageState::Running);
}

#[test]
fn pages_past_the_end_of_their_list_count_as_skipped() {
    let mut world = moves_world();
    stand(&mut world, Phase::Failed, 2);
    batch(&mut world).stages[1].enter(StageState::Recovering);
    let owner = Owner::SkipFailed(SESSION, BATCH, DETAIL);
    moved(&mut world, owner, Phase::Failed, 2);
    let book = world
        .resource::<Ledger>()
        .book(SESSION)
        .expect("it is open");
    assert_eq!(book.skipped.get(&SkipReason::PastTheEnd), Some(&2));
    assert!(book.is_balanced());
    assert_eq!(detail_stage(&mut world), StageState::Running);
}

#[test]
fn dead_letters_that_a_person_wants_again_reopen_their_stage_and_are_told() {
    let mut world = moves_world();
    stand(&mut world, Phase::Dead, 2);
    let mut ledger = world.resource_mut::<Ledger>();
    let dead = &mut ledger.book_mut(SESSION).dead;
    dead.insert(ErrorClass::Connect, 2);
    let mut ended = batch(&mut world);
    for stage in &mut ended.stages {
        stage.enter(StageState::Partial);
    }
    ended.enter(StagePhase::Partial);
    let (reply, ack) = bounded(1);
    let mut replies = world.resource_mut::<PendingReplies>();
    let request = replies.wait(Some(reply));
    let owner = Owner::RequeueDead(SESSION, request);
    moved(&mut world, owner, Phase::Dead, 2);
    assert_eq!(ack.try_recv(), Ok(Ok(json!({ "pages": 2 }))));
    assert_eq!(batch(&mut world).phase, StagePhase::Running);
    assert_eq!(detail_stage(&mut world), StageState::Running);
    assert_eq!(queue_counts(&mut world), (2, 0, 0));
    let book = world
        .resource::<Ledger>()
        .book(SESSION)
        .expect("it is open");
    assert!(book.dead.is_empty());
}

#[test]
fn dropped_pages_that_were_read_meanwhile_leave_the_window() {
    let mut world = moves_world();
    let entity = add_task(&mut world, 1, DETAIL, TaskState::Queued);
    let key = world
        .get::<Task>(entity)
        .expect("it is a task")
        .identity
        .key;
    let (reply, ack) = bounded(1);
    let mut replies = world.resource_mut::<PendingReplies>();
    let request = replies.wait(Some(reply));
    replies.dropping.insert(request, (4, vec![key]));
    moved(&mut world, Owner::Drop(SESSION, request), Phase::Queued, 1);
    assert_eq!(ack.try_recv(), Ok(Ok(json!({ "pages": 5 }))));
    assert!(world.get_entity(entity).is_err());
    assert_eq!(world.resource::<Window>().resident(), 0);
    assert_eq!(count(&world, Phase::Cancelled), 1);
    assert_eq!(queue_counts(&mut world).0, 0);
}

fn trouble_world() -> World {
    let mut world = World::new();
    add_tasks(&mut world);
    add_session(&mut world);
    add_settings(&mut world);
    world.init_resource::<Slots>();
    world.init_resource::<Permits>();
    world.init_resource::<Window>();
    world.init_resource::<StoreHealth>();
    world.init_resource::<Timers>();
    world.init_resource::<StoreRequests>();
    world.init_resource::<PendingReplies>();
    world
}

fn order(world: &mut World, owner: Owner) -> OrderId {
    let mut slots = world.resource_mut::<Slots>();
    slots.open(owner, NOW).expect("a slot is free")
}

fn fails(world: &mut World, id: OrderId, error: StoreError) {
    leave(world, StoreFailure { id, error });
    run(world, wait_for_store);
}

#[test]
fn a_busy_store_is_asked_again_and_people_are_told_once() {
    let mut world = trouble_world();
    let busy = StoreError::Busy("locked".to_owned());
    for _ in 0..2 {
        let id = order(&mut world, Owner::Note(None));
        fails(&mut world, id, busy.clone());
        let at = NOW + Duration::from_secs(1);
        assert_eq!(timer(&mut world), Some((at, Due::Resend(id))));
        assert!(world.resource::<Slots>().get(id).is_some());
    }
    let health = world.resource::<StoreHealth>();
    assert_eq!(health.trouble.as_deref(), Some("locked"));
    assert_eq!((health.since, &health.lost), (Some(NOW), &None));
    assert_eq!(notices(&mut world).len(), 1);
}

#[test]
fn a_store_that_is_busy_for_longer_than_it_is_waited_for_is_lost() {
    let mut world = trouble_world();
    for (patience, is_lost) in [(19, false), (20, true)] {
        let since = NOW.saturating_sub(Duration::from_secs(patience));
        world.resource_mut::<StoreHealth>().since = Some(since);
        let id = order(&mut world, Owner::Note(None));
        fails(&mut world, id, StoreError::Full("no room".to_owned()));
        let lost = &world.resource::<StoreHealth>().lost;
        assert_eq!(lost.is_some(), is_lost, "{patience}");
    }
}

#[test]
fn a_broken_store_is_lost_at_once() {
    let mut world = trouble_world();
    let id = order(&mut world, Owner::Note(None));
    fails(&mut world, id, StoreError::Fatal("damaged".to_owned()));
    let health = world.resource::<StoreHealth>();
    assert_eq!(health.lost.as_deref(), Some("damaged"));
    assert_eq!(timer(&mut world), None);
    assert_eq!(notices(&mut world), ["the store is lost: damaged"]);
}

fn refused(world: &mut World, id: OrderId) {
    fails(world, id, StoreError::Refused("it is not there".to_owned()));
}

#[test]
fn a_page_that_the_store_refuses_is_skipped_and_remarked() {
    let mut world = trouble_world();
    let (id, entity) = add_flying(&mut world, 1, DETAIL, TaskState::Saving);
    let mut slots = world.resource_mut::<Slots>();
    slots.get_mut(id).expect("it flies").store = 700;
    world.resource_mut::<Permits>().store.take(700);
    refused(&mut world, id);
    let skipped = TaskState::Skipped(SkipReason::Unknown);
    assert_eq!(state(&mut world, entity), skipped);
    assert_eq!(world.resource::<Permits>().store.used, 0);
    assert_eq!(world.resource::<Slots>().used(), 0);
    assert_eq!(world.resource::<Window>().leaving.len(), 1);
    let book = world
        .resource::<Ledger>()
        .book(SESSION)
        .expect("it is open");
    assert_eq!(book.remarks.count(Remark::Refused), 1);
    assert!(world.resource::<StoreHealth>().is_well());
    let asked = requests(&mut world);
    assert!(matches!(
        asked[..],
        [crate::world::store_requests::StoreRequest {
            verb: StoreVerb::Note(Note::Remarks { .. }),
            ..
        }]
    ));
}

#[test]
fn whoever_asked_what_the_store_refuses_is_told_so() {
    let mut world = trouble_world();
    let (reply, ack) = bounded(2);
    let start = Box::new(start_session());
    let opening = Opening {
        start,
        reply: Some(reply.clone()),
    };
    let mut replies = world.resource_mut::<PendingReplies>();
    replies.opening.insert(7, opening);
    let drop = replies.wait(Some(reply));
    for owner in [Owner::Open(7), Owner::Drop(SESSION, drop)] {
        let id = order(&mut world, owner);
        refused(&mut world, id);
        assert_eq!(ack.try_recv(), Ok(Err("it is not there".to_owned())));
    }
    assert!(world.resource::<PendingReplies>().opening.is_empty());
    assert!(notices(&mut world).is_empty());
}

#[test]
fn marks_that_the_store_refuses_are_forgotten_and_people_told() {
    let mut world = trouble_world();
    let id = order(&mut world, Owner::Marks);
    let mut asked = world.resource_mut::<StoreRequests>();
    asked.marking.insert(id, Vec::new());
    refused(&mut world, id);
    assert!(world.resource::<StoreRequests>().marking.is_empty());
    assert_eq!(world.resource::<Slots>().used(), 0);
    assert_eq!(notices(&mut world), ["the store refused: it is not there"]);
}
