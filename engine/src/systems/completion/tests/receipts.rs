//! Ends that are on disk, and pages that the store has found or read.

use std::time::Duration;

use bevy_ecs::world::World;

use super::TOOK;
use crate::{
    message::{
        receipts::{Discovered, Ended},
        store_verbs::StoredTask,
    },
    model::{
        class::{ErrorClass, SkipReason},
        ids::Seq,
        phase::{Phase, StagePhase},
        stage_state::StageState,
    },
    systems::{
        completion::{
            Admission, Discovery, EndReceipt, EndedPage, FoundBy,
            discovered::{admit_pages, take_discovered},
            saved::keep_ended,
        },
        tests::{
            BATCH, DETAIL, HOST, LIST, NOW, SESSION, add_flying, add_frontier, add_session,
            add_tasks, batch, change_session, count, host_key, leave, run, session, state, stored,
            take_left, timer,
        },
    },
    world::{
        host::HostIndex,
        host_queue::{Cursor, HostQueueId, HostQueues, LowQueues},
        ledger::Ledger,
        queue::Queue,
        slots::Slots,
        stats::{Stats, Step},
        task_state::TaskState,
        timers::{Due, Timers},
        window::Window,
    },
};

fn ended_world() -> World {
    let mut world = World::new();
    add_tasks(&mut world);
    add_session(&mut world);
    world.init_resource::<Window>();
    world.init_resource::<Stats>();
    world.init_resource::<Queue<Discovery>>();
    world
}

fn ended() -> Ended {
    Ended {
        inserted: 3,
        changed: 2,
        unchanged: 1,
        discovered: Discovered {
            known: 8,
            ..Discovered::default()
        },
        ..Ended::default()
    }
}

/// The end of a page that was being saved.
fn saved(world: &mut World, ended: Ended) -> TaskState {
    world.init_resource::<Slots>();
    let (_, entity) = add_flying(world, 1, LIST, TaskState::Saving);
    world.remove_resource::<Slots>();
    let of = EndedPage::Saved(entity, TOOK, 2048);
    leave(world, EndReceipt { of, ended });
    run(world, keep_ended);
    state(world, entity)
}

#[test]
fn a_saved_page_is_done_and_its_records_and_links_count() {
    let mut world = ended_world();
    assert_eq!(saved(&mut world, ended()), TaskState::Done);
    let of = session(&mut world);
    assert_eq!(
        (of.ended, of.inserted, of.changed, of.unchanged),
        (1, 3, 2, 1)
    );
    let book = world
        .resource::<Ledger>()
        .book(SESSION)
        .expect("it is open");
    assert_eq!(book.records, 6);
    assert_eq!(world.resource::<Window>().leaving.len(), 1);
    let left = take_left::<Discovery>(&mut world);
    assert_eq!(left.len(), 1);
    assert_eq!(
        (left[0].found_by, left[0].found.known),
        (FoundBy::Page(LIST), 8)
    );
    let mut stats = world.resource_mut::<Stats>();
    assert_eq!(stats.session(SESSION).saved_bytes, 2048);
    assert_eq!(stats.work(SESSION, Step::Save, LIST).count, 1);
}

#[test]
fn a_page_that_a_redirect_had_brought_already_is_skipped_and_counts_nothing() {
    let mut world = ended_world();
    let again = Ended {
        duplicate: true,
        ..ended()
    };
    let skipped = TaskState::Skipped(SkipReason::Duplicate);
    assert_eq!(saved(&mut world, again), skipped);
    assert_eq!(session(&mut world).ended, 0);
    let book = world
        .resource::<Ledger>()
        .book(SESSION)
        .expect("it is open");
    assert_eq!(book.records, 0);
}

#[test]
fn what_a_failed_page_had_counts_but_the_page_does_not() {
    let mut world = ended_world();
    let of = EndedPage::Other(SESSION);
    let ended = ended();
    leave(&mut world, EndReceipt { of, ended });
    run(&mut world, keep_ended);
    let of = session(&mut world);
    assert_eq!((of.ended, of.inserted), (0, 3));
    let left = take_left::<Discovery>(&mut world);
    assert_eq!(left[0].found_by, FoundBy::FailedPage);
}

/// What `take_discovered` and `admit_pages` name.
fn frontier_world() -> World {
    let mut world = World::new();
    add_tasks(&mut world);
    add_session(&mut world);
    add_frontier(&mut world);
    world.init_resource::<Timers>();
    world
}

fn discovery(world: &mut World, found_by: FoundBy, found: Discovered) {
    world.init_resource::<HostIndex>();
    let discovery = Discovery {
        session: SESSION,
        found_by,
        found,
    };
    leave(world, discovery);
    run(world, take_discovered);
}

fn new(pages: impl IntoIterator<Item = StoredTask>) -> Discovered {
    Discovered {
        new: pages.into_iter().collect(),
        ..Discovered::default()
    }
}

/// Waiting in the window, and outside it.
fn waiting(world: &mut World) -> (usize, u64) {
    let mut queues = world.resource_mut::<HostQueues>();
    let queue = queues.id(SESSION, HOST);
    (queues.get(queue).waiting(), queues.get(queue).outside)
}

#[test]
fn start_pages_enter_the_window_and_their_host_is_seen() {
    let mut world = frontier_world();
    change_session(&mut world, |session| session.discovering = true);
    let found = Discovered {
        hosts: vec![(HOST, host_key("https://a.test/"))],
        ..new([stored(1, LIST), stored(2, LIST)])
    };
    discovery(&mut world, FoundBy::Start, found);
    assert!(!session(&mut world).discovering);
    assert_eq!(waiting(&mut world), (2, 0));
    assert_eq!(count(&world, Phase::Queued), 2);
    assert_eq!(world.resource::<Window>().resident(), 2);
    assert_eq!(world.resource::<HostIndex>().seen[0].id, HOST);
    assert_eq!(world.resource::<HostQueues>().next(SESSION), Some(NOW));
    assert!(world.resource::<Ledger>().stages_changed);
}

#[test]
fn a_page_that_is_in_the_window_already_does_not_enter_twice() {
    let mut world = frontier_world();
    let page = stored(1, LIST);
    // A read has brought it in before this receipt.
    let mut queues = world.resource_mut::<HostQueues>();
    let queue = queues.id(SESSION, HOST);
    queues.get_mut(queue).cursor(BATCH).after = Seq(1);
    discovery(&mut world, FoundBy::Start, new([page]));
    assert_eq!(waiting(&mut world), (0, 0));
    assert_eq!(count(&world, Phase::Queued), 1);
}

#[test]
fn pages_of_a_batch_that_has_not_begun_wait_in_the_store() {
    let mut world = frontier_world();
    change_session(&mut world, |session| session.opened.clear());
    discovery(&mut world, FoundBy::Page(LIST), new([stored(5, DETAIL)]));
    assert_eq!(waiting(&mut world), (0, 1));
    assert_eq!(world.resource::<Window>().resident(), 0);
    assert_eq!(count(&world, Phase::Queued), 1);
    assert_eq!(world.resource::<LowQueues>().0.len(), 1);
    let children = &session(&mut world).children;
    assert_eq!(children.get(&(LIST, DETAIL)), Some(&1));
}

#[test]
fn a_page_found_behind_others_in_the_store_waits_there_too() {
    let mut world = frontier_world();
    let mut queues = world.resource_mut::<HostQueues>();
    let queue = queues.id(SESSION, HOST);
    let queue = queues.get_mut(queue);
    queue.cursor(BATCH).exhausted = false;
    queue.outside = 1;
    discovery(&mut world, FoundBy::Page(LIST), new([stored(5, DETAIL)]));
    assert_eq!(waiting(&mut world), (0, 2));
    assert_eq!(cursor(&mut world).passed, Seq(5));
}

#[test]
fn pages_that_an_earlier_session_completed_count_as_skipped() {
    let mut world = frontier_world();
    let mut found = Discovered::default();
    found.count_complete(BATCH, DETAIL, HOST);
    found.count_complete(BATCH, DETAIL, HOST);
    discovery(&mut world, FoundBy::Page(LIST), found);
    let book = world
        .resource::<Ledger>()
        .book(SESSION)
        .expect("it is open");
    assert_eq!(book.skipped.get(&SkipReason::NotModified), Some(&2));
    assert_eq!(count(&world, Phase::Skipped), 2);
    assert!(book.is_balanced());
}

#[test]
fn a_page_found_in_a_batch_that_has_ended_reopens_it() {
    let mut world = frontier_world();
    change_session(&mut world, |session| {
        session.running.clear();
    });
    let mut ended = batch(&mut world);
    for stage in &mut ended.stages {
        stage.enter(StageState::Success);
    }
    ended.enter(StagePhase::Success);
    discovery(&mut world, FoundBy::FailedPage, new([stored(5, DETAIL)]));
    assert_eq!(batch(&mut world).phase, StagePhase::Running);
    let states = |world: &mut World| -> Vec<_> {
        let batch = batch(world);
        batch.stages.iter().map(|stage| stage.state).collect()
    };
    // What leads to it has ended still.
    let expected = [StageState::Success, StageState::Running];
    assert_eq!(states(&mut world), expected);
    assert!(session(&mut world).running.contains(&BATCH));
}

fn cursor(world: &mut World) -> Cursor {
    let mut queues = world.resource_mut::<HostQueues>();
    let queue = queues.id(SESSION, HOST);
    *queues.get_mut(queue).cursor(BATCH)
}

/// A read of the queue is out, for one of two pages outside the window.
fn asked(world: &mut World) -> HostQueueId {
    let mut queues = world.resource_mut::<HostQueues>();
    let id = queues.id(SESSION, HOST);
    let queue = queues.get_mut(id);
    queue.outside = 2;
    queue.cursor(BATCH).asked = true;
    queue.cursor(BATCH).exhausted = false;
    id
}

fn admit(world: &mut World, queue: HostQueueId, tasks: Vec<StoredTask>, exhausted: bool) {
    let after = tasks.last().map_or(Seq(0), |task| task.seq);
    let admission = Admission {
        queue,
        batch: BATCH,
        tasks,
        after,
        exhausted,
    };
    leave(world, admission);
    run(world, admit_pages);
}

#[test]
fn pages_that_were_read_enter_the_window_and_the_queue_says_how_far_it_has_read() {
    let mut world = frontier_world();
    let queue = asked(&mut world);
    admit(&mut world, queue, vec![stored(4, DETAIL)], false);
    assert_eq!(waiting(&mut world), (1, 1));
    let read = cursor(&mut world);
    assert_eq!(
        (read.after, read.asked, read.exhausted),
        (Seq(4), false, false)
    );
    // There may be more to read.
    assert_eq!(world.resource::<LowQueues>().0, [queue]);
    admit(&mut world, queue, vec![stored(6, DETAIL)], true);
    assert_eq!(waiting(&mut world), (2, 0));
    assert!(cursor(&mut world).exhausted);
}

#[test]
fn a_page_that_was_read_twice_enters_once() {
    let mut world = frontier_world();
    let queue = asked(&mut world);
    let twice = vec![stored(4, DETAIL), stored(4, DETAIL)];
    admit(&mut world, queue, twice, true);
    assert_eq!(waiting(&mut world), (1, 1));
}

#[test]
fn a_read_that_passed_a_page_over_has_not_read_all() {
    let mut world = frontier_world();
    let queue = asked(&mut world);
    let mut queues = world.resource_mut::<HostQueues>();
    queues.get_mut(queue).cursor(BATCH).passed = Seq(9);
    admit(&mut world, queue, vec![stored(4, DETAIL)], true);
    assert!(!cursor(&mut world).exhausted);
}

#[test]
fn a_queue_whose_pages_left_while_it_was_read_is_read_from_its_beginning() {
    let mut world = frontier_world();
    let queue = asked(&mut world);
    let mut queues = world.resource_mut::<HostQueues>();
    queues.get_mut(queue).cursor(BATCH).again = true;
    admit(&mut world, queue, vec![stored(4, DETAIL)], true);
    let read = cursor(&mut world);
    assert_eq!(
        (read.after, read.again, read.exhausted),
        (Seq(0), false, false)
    );
}

#[test]
fn a_page_read_in_its_backoff_waits_for_its_time() {
    let mut world = frontier_world();
    let queue = asked(&mut world);
    let waits = StoredTask {
        phase: Phase::Backoff,
        due_in: Duration::from_secs(30),
        cause: Some(ErrorClass::Connect),
        ..stored(4, DETAIL)
    };
    // Its books are in the session's, as it was opened.
    let mut ledger = world.resource_mut::<Ledger>();
    ledger.discover(SESSION, (BATCH, DETAIL), Phase::Backoff, 1);
    admit(&mut world, queue, vec![waits], true);
    assert_eq!(waiting(&mut world).0, 0);
    let (at, due) = timer(&mut world).expect("its time is waited for");
    assert_eq!(at, NOW + Duration::from_secs(30));
    assert!(matches!(due, Due::Backoff(_)));
    assert_eq!(world.resource::<Window>().resident(), 1);
}

#[test]
fn pages_of_a_session_that_ends_do_not_enter() {
    use crate::model::session_state::{Ending, SessionState};
    let mut world = frontier_world();
    change_session(&mut world, |session| {
        session.enter(SessionState::Draining {
            at_once: false,
            then: Ending::Completed,
        });
        session.enter(SessionState::Closing(Ending::Completed));
    });
    let queue = asked(&mut world);
    admit(&mut world, queue, vec![stored(4, DETAIL)], true);
    assert_eq!(waiting(&mut world), (0, 2));
    assert_eq!(world.resource::<Window>().resident(), 0);
}
