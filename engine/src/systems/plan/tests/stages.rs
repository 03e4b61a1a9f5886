//! `judge_stages` on a world with what it names.

use std::sync::Arc;

use bevy_ecs::{entity::Entity, world::World};
use serde_json::{Value as Json, json};

use super::{SECOND, advance, draining, notices};
use crate::{
    feed::frame::Change,
    message::store_verbs::{Note, StoreVerb},
    model::{
        class::{ErrorClass, SkipReason},
        ids::{BatchId, HostId, StageId},
        list_end::ListEnd,
        phase::{Phase, StagePhase},
        remark::Remark,
        session_state::{Ending, SessionState},
        stage_state::StageState,
    },
    settings::OnFatal,
    systems::{
        plan::stages::judge_stages,
        tests::{
            BATCH, DETAIL, HOST, LIST, NOW, SESSION, add_frontier, add_session, add_task,
            add_tasks, change_session, journal, key_of, requests, run, session,
        },
    },
    world::{
        batch::Batch,
        condition::{NetworkWatch, Recall},
        host_queue::{HostQueues, LowQueues},
        ledger::{Book, Ledger},
        session::SessionIndex,
        slots::Owner,
        store_requests::StoreRequests,
        task_state::TaskState,
        timers::{Due, Timers},
        window::Window,
    },
};

const NEXT: BatchId = BatchId(1);
const DNS: ErrorClass = ErrorClass::Dns;

/// What `judge_stages` names; the first batch runs, no page of it is known yet.
fn world() -> World {
    let mut world = World::new();
    add_tasks(&mut world);
    add_session(&mut world);
    add_frontier(&mut world);
    world.init_resource::<NetworkWatch>();
    world.init_resource::<Timers>();
    world.init_resource::<StoreRequests>();
    world.init_resource::<Recall>();
    let mut ledger = world.resource_mut::<Ledger>();
    ledger.discover(SESSION, (BATCH, LIST), Phase::Done, 0);
    ledger.book_mut(SESSION).open(BATCH);
    world
}

/// A world whose list page is done and whose detail pages stand there.
fn world_of(details: &[TaskState]) -> World {
    let mut world = world();
    add_task(&mut world, 1, LIST, TaskState::Done);
    for (n, state) in (2..).zip(details) {
        let entity = add_task(&mut world, n, DETAIL, *state);
        world.resource_mut::<Window>().retire(entity, NOW);
    }
    world
}

fn judge(world: &mut World) {
    run(world, judge_stages);
}

fn batch(world: &mut World, id: BatchId) -> Option<&Batch> {
    let entity = world.resource::<SessionIndex>().batches.get(&(SESSION, id));
    world.get::<Batch>(*entity?)
}

fn states(world: &mut World) -> Vec<StageState> {
    let batch = batch(world, BATCH).expect("it is there");
    batch.stages.iter().map(|run| run.state).collect()
}

fn change_batch(world: &mut World, change: impl FnOnce(&mut Batch)) {
    let index = world.resource::<SessionIndex>();
    let entity = index.batches[&(SESSION, BATCH)];
    change(&mut world.get_mut::<Batch>(entity).expect("it is there"));
}

/// Results that the store is to keep: of which stage, and what; anything else it was asked.
fn results(world: &mut World) -> (Vec<(Option<StageId>, Json)>, Vec<StoreVerb>) {
    let (mut results, mut others) = (Vec::new(), Vec::new());
    for asked in requests(world) {
        match asked.verb {
            StoreVerb::Note(Note::StageResult { stage, result, .. }) => {
                results.push((stage, result["result"].clone()));
            }
            other => others.push(other),
        }
    }
    (results, others)
}

fn stage_moved(stage: StageId, from: StagePhase, to: StagePhase) -> Change {
    let session = SESSION;
    Change::StageMoved {
        session,
        stage,
        from,
        to,
    }
}

fn batch_moved(batch: BatchId, from: StagePhase, to: StagePhase) -> Change {
    let session = SESSION;
    Change::BatchMoved {
        session,
        batch,
        from,
        to,
    }
}

fn failed_outside(world: &mut World) -> u64 {
    let mut queues = world.resource_mut::<HostQueues>();
    let queue = queues.id(SESSION, HOST);
    queues.get(queue).gone.failed
}

/// Nothing is left of the window's list of those that ended, but for done ones.
fn leaving(world: &World) -> Vec<Entity> {
    let leaving = world.resource::<Window>().leaving.iter();
    leaving.map(|(_, entity)| *entity).collect()
}

#[test]
fn the_first_pages_open_the_first_batch() {
    let mut world = world();
    change_session(&mut world, |session| {
        session.opened.clear();
        session.running.clear();
        session.stage_attempts = vec![(BATCH, DETAIL, 2)];
    });
    world.resource_mut::<SessionIndex>().batches.clear();
    world.insert_resource(Ledger::default());
    judge(&mut world);
    assert!(session(&mut world).opened.is_empty(), "no page is known");
    let mut ledger = world.resource_mut::<Ledger>();
    ledger.discover(SESSION, (BATCH, LIST), Phase::Queued, 3);
    let mut queues = world.resource_mut::<HostQueues>();
    let queue = queues.id(SESSION, HOST);
    queues.get_mut(queue).outside = 3;
    judge(&mut world);
    let opened = batch(&mut world, BATCH).expect("it was opened");
    assert_eq!(opened.phase, StagePhase::Running);
    let attempts: Vec<_> = opened.stages.iter().map(|run| run.attempts).collect();
    assert_eq!(attempts, [0, 2], "an earlier run's verdicts count");
    assert!(session(&mut world).running.contains(&BATCH));
    let moved = batch_moved(BATCH, StagePhase::Waiting, StagePhase::Running);
    assert_eq!(journal(&mut world), [moved]);
    // Its pages are read from the store now, and it is judged in the next tick.
    assert_eq!(world.resource::<LowQueues>().0, [queue]);
    let mut queues = world.resource_mut::<HostQueues>();
    assert!(!queues.get_mut(queue).cursor(BATCH).exhausted);
    assert!(world.resource::<Ledger>().stages_changed);
    let book = world.resource::<Ledger>().book(SESSION);
    assert_eq!(book.and_then(Book::unopened), None);
}

#[test]
fn the_next_batch_opens_when_nothing_of_the_last_one_is_queued() {
    let mut world = world();
    let mut ledger = world.resource_mut::<Ledger>();
    ledger.discover(SESSION, (BATCH, DETAIL), Phase::Queued, 1);
    ledger.discover(SESSION, (NEXT, LIST), Phase::Queued, 1);
    judge(&mut world);
    assert!(batch(&mut world, NEXT).is_none());
    let mut ledger = world.resource_mut::<Ledger>();
    let cell = (BATCH, DETAIL);
    ledger.shift(SESSION, cell, (Phase::Queued, Phase::Fetching), 1);
    judge(&mut world);
    assert!(batch(&mut world, NEXT).is_some());
    // No more than two at once.
    let mut ledger = world.resource_mut::<Ledger>();
    ledger.discover(SESSION, (BatchId(2), LIST), Phase::Queued, 1);
    ledger.shift(SESSION, (NEXT, LIST), (Phase::Queued, Phase::Fetching), 1);
    judge(&mut world);
    assert!(batch(&mut world, BatchId(2)).is_none());
}

#[test]
fn a_session_rests_before_its_next_batch() {
    let mut world = world();
    change_session(&mut world, |session| {
        Arc::make_mut(&mut session.settings).batch_pause = 5 * SECOND;
    });
    let mut ledger = world.resource_mut::<Ledger>();
    ledger.discover(SESSION, (NEXT, LIST), Phase::Queued, 1);
    for _ in 0..2 {
        judge(&mut world);
        assert!(batch(&mut world, NEXT).is_none());
    }
    let mut timers = world.resource_mut::<Timers>();
    assert_eq!(timers.next(), Some(NOW + 5 * SECOND));
    assert_eq!(timers.pop_due(NOW + 5 * SECOND), Some(Due::Batch));
    assert_eq!(timers.next(), None, "it is set once");
    advance(&mut world, 5 * SECOND);
    judge(&mut world);
    assert!(batch(&mut world, NEXT).is_some());
}

#[test]
fn a_batch_whose_pages_are_all_done_ends_well() {
    let mut world = world_of(&[TaskState::Done, TaskState::Skipped(SkipReason::Duplicate)]);
    judge(&mut world);
    assert_eq!(states(&mut world), [StageState::Success; 2]);
    assert!(session(&mut world).running.is_empty());
    let (waiting, running) = (StagePhase::Waiting, StagePhase::Running);
    let success = StagePhase::Success;
    let expected = [
        batch_moved(BATCH, running, success),
        stage_moved(LIST, waiting, success),
        stage_moved(DETAIL, waiting, success),
    ];
    assert_eq!(journal(&mut world), expected);
    let (told, others) = results(&mut world);
    let well = json!("success");
    let expected = [Some(LIST), Some(DETAIL), None].map(|stage| (stage, well.clone()));
    assert_eq!(told, expected);
    assert!(others.is_empty(), "{others:?}");
    let kept = &session(&mut world).results;
    let named: Vec<_> = kept.iter().map(|result| &result["stage"]).collect();
    assert_eq!(named, [&json!("list"), &json!("detail"), &Json::Null]);
}

#[test]
fn a_stage_waits_for_those_that_lead_to_it() {
    let mut open_list = world_of(&[TaskState::Done]);
    add_task(&mut open_list, 9, LIST, TaskState::Queued);
    judge(&mut open_list);
    assert_eq!(states(&mut open_list), [StageState::Running; 2]);
    // Also where a later batch is known already, so that no more list pages join this one.
    let mut sealed = world_of(&[TaskState::Done]);
    add_task(&mut sealed, 9, LIST, TaskState::Queued);
    let mut ledger = sealed.resource_mut::<Ledger>();
    ledger.discover(SESSION, (NEXT, LIST), Phase::Queued, 1);
    judge(&mut sealed);
    assert_eq!(states(&mut sealed), [StageState::Running; 2]);
    // The entry stage waits for the start URLs that are on their way to the store.
    let mut discovering = world_of(&[TaskState::Done]);
    change_session(&mut discovering, |session| session.discovering = true);
    judge(&mut discovering);
    assert_eq!(states(&mut discovering), [StageState::Running; 2]);
    assert!(results(&mut discovering).0.is_empty());
}

#[test]
fn failed_pages_run_again_after_a_while_and_wait_in_the_store_until_then() {
    let mut world = world_of(&[TaskState::Failed(DNS), TaskState::Done]);
    judge(&mut world);
    let expected = [StageState::Success, StageState::Recovering];
    assert_eq!(states(&mut world), expected);
    let run = batch(&mut world, BATCH).map(|batch| batch.stages[1].attempts);
    assert_eq!(run, Some(1));
    let mut timers = world.resource_mut::<Timers>();
    let at = timers.next().expect("it is due");
    assert!(at > NOW, "{at:?}");
    assert_eq!(
        timers.pop_due(at),
        Some(Due::StageAgain(SESSION, BATCH, DETAIL))
    );
    let (told, others) = results(&mut world);
    let expected = [
        (Some(LIST), json!("success")),
        (Some(DETAIL), json!("recoverable")),
    ];
    assert_eq!(told, expected);
    assert!(others.is_empty(), "{others:?}");
    // The failed page has left the window, the done one has not.
    assert_eq!((failed_outside(&mut world), leaving(&world).len()), (1, 1));
    // While it recovers nobody judges it again.
    journal(&mut world);
    judge(&mut world);
    assert_eq!(world.resource::<Timers>().next(), None);
    assert!(results(&mut world).0.is_empty());
}

#[test]
fn failed_pages_become_dead_letters_after_the_last_attempt_of_their_stage() {
    let mut world = world_of(&[TaskState::Failed(DNS)]);
    change_batch(&mut world, |batch| batch.stages[1].attempts = 2);
    judge(&mut world);
    let expected = [StageState::Success, StageState::Condemning];
    assert_eq!(states(&mut world), expected);
    let mut asked = requests(&mut world);
    let asked = asked.pop().expect("the store is asked");
    assert_eq!(asked.owner, Owner::Condemn(SESSION, BATCH, DETAIL));
    assert!(matches!(
        asked.verb,
        StoreVerb::CondemnFailed {
            batch: Some(BATCH),
            stage: DETAIL,
            ..
        }
    ));
    assert_eq!((failed_outside(&mut world), leaving(&world).len()), (1, 0));
    assert_eq!(world.resource::<Timers>().next(), None);
}

#[test]
fn lost_pages_within_the_tolerance_make_a_batch_partial() {
    let mut world = world_of(&[TaskState::Dead(DNS), TaskState::Done]);
    change_session(&mut world, |session| {
        let settings = Arc::make_mut(&mut session.settings);
        (settings.tolerance, settings.on_fatal) = (0.5, OnFatal::Abort);
    });
    judge(&mut world);
    assert_eq!(
        states(&mut world),
        [StageState::Success, StageState::Partial]
    );
    let phase = batch(&mut world, BATCH).map(|batch| batch.phase);
    assert_eq!(phase, Some(StagePhase::Partial));
    assert_eq!(*session(&mut world).state(), SessionState::Running);
}

#[test]
fn a_fatal_batch_is_the_policy_s_to_judge() {
    let why = "a stage failed beyond its tolerance";
    let failed = SessionState::Draining {
        at_once: true,
        then: Ending::Failed(why.to_owned()),
    };
    let policies = [
        (OnFatal::Continue, SessionState::Running, None),
        (OnFatal::Pause, SessionState::Paused, Some("pauses")),
        (OnFatal::Abort, failed, Some("ends")),
    ];
    for (policy, state, what) in policies {
        let mut world = world_of(&[TaskState::Dead(DNS), TaskState::Done]);
        change_session(&mut world, |session| {
            Arc::make_mut(&mut session.settings).on_fatal = policy;
        });
        judge(&mut world);
        assert_eq!(states(&mut world), [StageState::Success, StageState::Fatal]);
        assert_eq!(*session(&mut world).state(), state);
        assert_eq!(world.resource::<Recall>().0, policy == OnFatal::Abort);
        let told: Vec<_> = what
            .map(|what| format!("{why}: the session {what}"))
            .into_iter()
            .collect();
        assert_eq!(notices(&journal(&mut world)), told);
    }
}

#[test]
fn a_round_that_our_own_network_spoilt_is_not_counted() {
    let mut world = world_of(&[TaskState::Failed(DNS)]);
    // It would be the last one.
    change_batch(&mut world, |batch| batch.stages[1].attempts = 2);
    let stage = (SESSION, BATCH, DETAIL);
    world.resource_mut::<NetworkWatch>().excused.insert(stage);
    judge(&mut world);
    assert_eq!(
        states(&mut world),
        [StageState::Success, StageState::Recovering]
    );
    let run = batch(&mut world, BATCH).map(|batch| batch.stages[1].attempts);
    assert_eq!(run, Some(2));
    assert_eq!(world.resource::<Timers>().next(), Some(NOW + SECOND));
    assert!(world.resource::<NetworkWatch>().excused.is_empty());
    let (told, others) = results(&mut world);
    assert_eq!(told, [(Some(LIST), json!("success"))]);
    assert!(others.is_empty(), "{others:?}");
    assert_eq!(failed_outside(&mut world), 1);
}

#[test]
fn nobody_is_judged_while_our_own_network_is_down() {
    let mut world = world_of(&[TaskState::Failed(DNS)]);
    let mut network = world.resource_mut::<NetworkWatch>();
    for host in 1..=3 {
        network.offline.on_outcome(NOW, HostId(host), Some(DNS));
    }
    assert!(network.offline.is_offline());
    judge(&mut world);
    assert_eq!(states(&mut world), [StageState::Running; 2]);
    assert!(requests(&mut world).is_empty());
}

#[test]
fn empty_pages_past_the_end_of_their_list_are_skipped() {
    let mut world = world();
    add_task(&mut world, 1, LIST, TaskState::Done);
    let empty = add_task(
        &mut world,
        2,
        LIST,
        TaskState::Failed(ErrorClass::ShortPage),
    );
    world.resource_mut::<Window>().retire(empty, NOW);
    let key = key_of(&world, empty);
    let mut list = ListEnd::default();
    list.hold(1);
    list.lack(2, key);
    change_session(&mut world, |session| {
        session.lists.insert(LIST, list);
    });
    judge(&mut world);
    let run = batch(&mut world, BATCH).map(|batch| batch.stages[0].clone());
    let run = run.expect("it is there");
    assert_eq!(
        (run.state, run.past_end, run.attempts),
        (StageState::Recovering, 1, 0)
    );
    let asked = requests(&mut world);
    assert_eq!(asked[0].owner, Owner::SkipFailed(SESSION, BATCH, LIST));
    assert!(
        matches!(
            &asked[0].verb,
            StoreVerb::SkipFailed { keys, reason: SkipReason::PastTheEnd, .. } if *keys == [key]
        ),
        "{asked:?}"
    );
    // A person reads of it at the end.
    let StoreVerb::Note(Note::Remarks { remarks, .. }) = &asked[1].verb else {
        panic!("{asked:?}");
    };
    let said = remarks.document()[Remark::PastTheEnd.name()].clone();
    assert_eq!(said, json!({ "count": 1, "first": "https://a.test/p2" }));
    assert_eq!(failed_outside(&mut world), 1);
    assert_eq!(world.resource::<Timers>().next(), None);
}

#[test]
fn a_session_that_drains_is_not_judged() {
    let mut world = world_of(&[TaskState::Done]);
    change_session(&mut world, |session| {
        session.enter(draining(Ending::Stopped(None)));
    });
    world.resource_mut::<Ledger>().stages_changed = true;
    judge(&mut world);
    assert_eq!(states(&mut world), [StageState::Running; 2]);
    assert!(!world.resource::<Ledger>().stages_changed);
}
