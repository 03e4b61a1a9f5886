//! Due times: what comes of each.

use std::time::Duration;

use bevy_ecs::{entity::Entity, world::World};

use crate::{
    message::{
        orders::Order,
        reports::Outcome,
        store_verbs::{Note, StoreVerb},
    },
    model::{
        class::{ErrorClass, WaitReason},
        ids::OrderId,
        numbers::micros,
    },
    systems::{
        observe::SnapshotDue,
        retry::due::{BackoffOver, BudgetWaits, OrderDue, end_backoffs, fire_due, watch_orders},
        tests::{
            BATCH, DETAIL, HOST, LIST, NOW, SESSION, add_clock, add_fetching, add_flying, add_host,
            add_session, add_task, add_tasks, change_host, leave, requests, run, state, take_left,
            timer,
        },
    },
    world::{
        border::{Inbox, Outbox, TickAgain},
        condition::NetworkWatch,
        host_queue::HostQueues,
        ledger::Ledger,
        permits::Permits,
        queue::Queue,
        slots::{Owner, Slots},
        store_requests::StoreRequests,
        task_state::TaskState,
        timers::{Due, Timers},
    },
};

#[test]
fn what_is_due_by_now_is_left_in_the_order_of_its_times_and_the_rest_stays() {
    let mut world = wake_world();
    let later = NOW + Duration::from_millis(1);
    let mut timers = Timers::default();
    timers.set(NOW, Due::Deadline(2));
    timers.set(later, Due::Probe);
    timers.set(NOW.saturating_sub(Duration::from_secs(1)), Due::Deadline(1));
    world.insert_resource(timers);
    run(&mut world, fire_due);
    let told = take_left::<OrderDue>(&mut world);
    assert!(matches!(
        told[..],
        [OrderDue::Deadline(1), OrderDue::Deadline(2)]
    ));
    assert_eq!(timer(&mut world), Some((later, Due::Probe)));
    assert!(!world.resource::<NetworkWatch>().probe_due);
}

fn backoff_world() -> World {
    let mut world = World::new();
    add_tasks(&mut world);
    add_session(&mut world);
    add_host(&mut world);
    world.init_resource::<HostQueues>();
    world.init_resource::<Timers>();
    world.init_resource::<BudgetWaits>();
    world
}

fn backoff(world: &mut World, n: u64, until: Duration) -> Entity {
    let state = TaskState::Backoff {
        until_us: micros(until),
        cause: Some(ErrorClass::Connect),
    };
    add_task(world, n, DETAIL, state)
}

/// Runs the system when this is due.
fn due<M>(world: &mut World, due: Due, system: impl bevy_ecs::system::IntoSystem<(), (), M>) {
    match due {
        Due::Backoff(entity) => leave(world, BackoffOver(entity)),
        Due::Deadline(slot) => leave(world, OrderDue::Deadline(slot)),
        Due::Resend(id) => leave(world, OrderDue::Resend(id)),
        due => world.resource_mut::<Timers>().set(NOW, due),
    }
    run(world, system);
}

#[test]
fn a_page_whose_backoff_has_ended_waits_in_its_queue() {
    let mut world = backoff_world();
    let entity = backoff(&mut world, 1, NOW);
    due(&mut world, Due::Backoff(entity), end_backoffs);
    assert_eq!(state(&mut world, entity), TaskState::Queued);
    let mut queues = world.resource_mut::<HostQueues>();
    let queue = queues.pop_ready(SESSION, NOW).expect("it may be looked at");
    assert_eq!(queues.get(queue).waiting(), 1);
    assert!(world.resource::<BudgetWaits>().0.is_empty());
}

#[test]
fn a_due_time_of_a_page_that_has_moved_on_changes_nothing() {
    let mut world = backoff_world();
    let later = backoff(&mut world, 1, NOW + Duration::from_secs(1));
    let before = state(&mut world, later);
    due(&mut world, Due::Backoff(later), end_backoffs);
    assert_eq!(state(&mut world, later), before);
    let cancelled = add_task(&mut world, 2, DETAIL, TaskState::Cancelled);
    due(&mut world, Due::Backoff(cancelled), end_backoffs);
    assert_eq!(state(&mut world, cancelled), TaskState::Cancelled);
    let gone = world.spawn_empty().id();
    world.despawn(gone);
    due(&mut world, Due::Backoff(gone), end_backoffs);
    assert_eq!(world.resource::<HostQueues>().next(SESSION), None);
}

fn use_budget_up(world: &mut World) {
    change_host(world, |host| while host.budget.try_take(NOW).is_ok() {});
}

#[test]
fn a_retry_waits_for_its_hosts_budget_while_the_host_has_other_work() {
    let mut world = backoff_world();
    let entity = backoff(&mut world, 1, NOW);
    use_budget_up(&mut world);
    let mut queues = world.resource_mut::<HostQueues>();
    let queue = queues.id(SESSION, HOST);
    queues.get_mut(queue).outside = 1;
    due(&mut world, Due::Backoff(entity), end_backoffs);
    assert!(matches!(
        state(&mut world, entity),
        TaskState::Backoff { .. }
    ));
    assert!(world.resource::<BudgetWaits>().0.contains(&entity));
    let (at, again) = timer(&mut world).expect("it is looked at again");
    assert_eq!(again, Due::Backoff(entity));
    assert!(at > NOW && at <= NOW + Duration::from_secs(1));
    // Answers that come have filled it.
    change_host(&mut world, |host| {
        host.budget.on_success();
        host.budget.on_success();
    });
    due(&mut world, Due::Backoff(entity), end_backoffs);
    assert_eq!(state(&mut world, entity), TaskState::Queued);
    assert!(world.resource::<BudgetWaits>().0.is_empty());
}

#[test]
fn a_retry_without_budget_goes_where_a_calm_host_has_nothing_else_to_do() {
    for is_calm in [true, false] {
        let mut world = backoff_world();
        let entity = backoff(&mut world, 1, NOW);
        use_budget_up(&mut world);
        if !is_calm {
            change_host(&mut world, |host| {
                host.breaker.hold_open();
            });
        }
        due(&mut world, Due::Backoff(entity), end_backoffs);
        let goes = state(&mut world, entity) == TaskState::Queued;
        assert_eq!(goes, is_calm);
    }
}

fn orders_world() -> World {
    let mut world = World::new();
    add_tasks(&mut world);
    world.init_resource::<Slots>();
    world.init_resource::<Permits>();
    world.init_resource::<Timers>();
    world.init_resource::<Inbox>();
    world.init_resource::<Outbox>();
    world.init_resource::<TickAgain>();
    world.init_resource::<StoreRequests>();
    world
}

fn expect_by(world: &mut World, id: OrderId, at: Duration) {
    world.resource_mut::<Slots>().expect_by(id, at);
}

#[test]
fn a_fetch_that_nobody_answered_is_aborted_and_reported_as_lost() {
    let mut world = orders_world();
    let (id, _) = add_fetching(&mut world, 1, DETAIL);
    expect_by(&mut world, id, NOW);
    due(&mut world, Due::Deadline(id.slot), watch_orders);
    let orders = &world.resource::<Outbox>().orders;
    assert!(matches!(orders.iter().collect::<Vec<_>>()[..],
        [Order::Abort(of)] if *of == id));
    let reports = &world.resource::<Inbox>().reports;
    assert_eq!(reports.len(), 1);
    assert_eq!(reports[0].id, id);
    assert!(matches!(reports[0].outcome, Outcome::Lost));
    assert!(world.resource::<TickAgain>().0);
}

#[test]
fn a_parse_that_nobody_answered_is_lost_and_nothing_is_aborted() {
    let mut world = orders_world();
    let (id, _) = add_flying(&mut world, 1, DETAIL, TaskState::Parsing);
    expect_by(&mut world, id, NOW);
    due(&mut world, Due::Deadline(id.slot), watch_orders);
    assert!(world.resource::<Outbox>().orders.is_empty());
    assert_eq!(world.resource::<Inbox>().reports.len(), 1);
}

#[test]
fn an_answered_order_is_not_lost_while_its_page_waits_for_the_next_step() {
    let mut world = orders_world();
    for (n, answered) in [
        (1, TaskState::Fetched as fn(_) -> _),
        (2, TaskState::Parsed),
    ] {
        let (id, _) = add_flying(&mut world, n, DETAIL, answered);
        expect_by(&mut world, id, NOW);
        due(&mut world, Due::Deadline(id.slot), watch_orders);
    }
    assert!(world.resource::<Inbox>().reports.is_empty());
    assert!(!world.resource::<TickAgain>().0);
}

#[test]
fn a_due_time_of_an_earlier_order_of_a_slot_is_set_for_the_present_one() {
    let mut world = orders_world();
    let (id, _) = add_fetching(&mut world, 1, DETAIL);
    expect_by(&mut world, id, NOW);
    let mut slots = world.resource_mut::<Slots>();
    let next = slots.renew(id, NOW);
    let at = NOW + Duration::from_mins(1);
    assert!(!slots.expect_by(next, at));
    due(&mut world, Due::Deadline(id.slot), watch_orders);
    assert!(world.resource::<Inbox>().reports.is_empty());
    assert_eq!(timer(&mut world), Some((at, Due::Deadline(id.slot))));
}

#[test]
fn what_the_store_could_not_do_is_asked_again_in_its_slot_and_once() {
    let mut world = orders_world();
    let mut slots = world.resource_mut::<Slots>();
    let id = slots.open(Owner::Note(None), NOW).expect("a slot is free");
    let note = Note::Learned {
        host: HOST,
        state: serde_json::Value::Null,
    };
    let verb = Some(Box::new(StoreVerb::Note(note)));
    slots.get_mut(id).expect("it is open").verb = verb;
    due(&mut world, Due::Resend(id), watch_orders);
    due(&mut world, Due::Resend(id), watch_orders);
    let asked = requests(&mut world);
    assert_eq!(asked.len(), 1);
    assert_eq!((asked[0].id, asked[0].owner), (Some(id), Owner::Note(None)));
    world.resource_mut::<Slots>().close(id);
    due(&mut world, Due::Resend(id), watch_orders);
    assert!(requests(&mut world).is_empty());
}

fn wake_world() -> World {
    let mut world = World::new();
    add_clock(&mut world);
    world.init_resource::<HostQueues>();
    world.init_resource::<StoreRequests>();
    world.init_resource::<Ledger>();
    world.init_resource::<NetworkWatch>();
    world.init_resource::<SnapshotDue>();
    world.init_resource::<Timers>();
    world.init_resource::<Queue<BackoffOver>>();
    world.init_resource::<Queue<OrderDue>>();
    world
}

#[test]
fn a_host_whose_time_has_come_has_its_queues_looked_at() {
    let mut world = wake_world();
    let task = world.spawn_empty().id();
    let mut queues = world.resource_mut::<HostQueues>();
    let queue = queues.id(SESSION, HOST);
    let rank = (BATCH, 0, crate::model::ids::Seq(1));
    queues.enqueue(queue, rank, task, NOW);
    queues.hold(queue, WaitReason::Breaker);
    due(&mut world, Due::Host(HOST), fire_due);
    let queues = world.resource::<HostQueues>();
    assert_eq!(queues.next(SESSION), Some(NOW));
    assert_eq!(queues.get(queue).held, None);
}

#[test]
fn the_failed_pages_of_a_stage_run_again_when_its_time_has_come() {
    let mut world = wake_world();
    due(&mut world, Due::StageAgain(SESSION, BATCH, LIST), fire_due);
    let asked = requests(&mut world);
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].owner, Owner::Requeue(SESSION, BATCH, LIST));
    assert!(matches!(
        asked[0].verb,
        StoreVerb::RequeueFailed {
            session: SESSION,
            batch: Some(BATCH),
            stage: LIST
        }
    ));
}

#[test]
fn batches_probes_and_snapshots_are_told_to_those_who_wait_for_them() {
    let mut world = wake_world();
    let told = |world: &World| {
        (
            world.resource::<Ledger>().stages_changed,
            world.resource::<NetworkWatch>().probe_due,
            world.resource::<SnapshotDue>().0,
        )
    };
    due(&mut world, Due::Batch, fire_due);
    assert_eq!(told(&world), (true, false, false));
    due(&mut world, Due::Probe, fire_due);
    assert_eq!(told(&world), (true, true, false));
    due(&mut world, Due::Snapshot, fire_due);
    assert_eq!(told(&world), (true, true, true));
    assert!(requests(&mut world).is_empty());
}
