//! Each system of observe on a world with what it names.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bevy_ecs::{entity::Entity, system::RunSystemOnce, world::World};

use super::{
    DueSnapshots, FeedSeq, SnapshotDue,
    forecast::{Forecasts, predict_ends},
    is_any_due, list_snapshots,
    snapshot::take_snapshots,
    tell_changes,
    waiting::{WaitingCounts, count_waiting},
};
use crate::{
    feed::{
        frame::{Change, ChangeFrame, Frame},
        snapshot::Snapshot,
    },
    forecast::Forecast,
    model::{
        class::{ErrorClass, WaitReason},
        ids::{HostId, OrderId, Seq},
        phase::Phase,
        session_state::{Ending, SessionState},
    },
    politeness::pace::Signal,
    settings::Settings,
    systems::{
        retry::BudgetWaits,
        tests::{
            BATCH, DETAIL, HOST, LIST, NOW, SESSION, add_clock, add_host, add_other_host,
            add_session, add_task, add_tasks, change_session, run, session,
        },
    },
    world::{
        border::Outbox,
        clock::Clock,
        condition::DispatchLimit,
        host::Host,
        host_answers::HostOutcome,
        host_queue::HostQueues,
        journal::Journal,
        ledger::Ledger,
        permits::Permits,
        queue::{ParseQueue, SaveQueue},
        session::Session,
        settings::ActiveSettings,
        stats::{Stats, Step},
        task_state::TaskState,
        timers::{Due, Timers},
        window::Window,
    },
};

const SECOND: Duration = Duration::from_secs(1);

fn advance(world: &mut World, by: Duration) {
    let mut clock = world.resource_mut::<Clock>();
    let now = clock.now() + by;
    clock.advance_to(now);
}

/// So many pages wait in the session's queue, which is held for this reason, and so many in the
/// store.
fn add_waiting(world: &mut World, here: u64, held: WaitReason, outside: u64) {
    let mut queues = world.resource_mut::<HostQueues>();
    let queue = queues.id(SESSION, HOST);
    for n in 0..here {
        queues.enqueue(queue, (BATCH, 0, Seq(n)), Entity::PLACEHOLDER, NOW);
    }
    queues.hold(queue, held);
    queues.get_mut(queue).outside = outside;
}

fn over(ending: Ending) -> impl FnOnce(&mut Session) {
    move |session| {
        session.enter(SessionState::Closing(ending.clone()));
        session.enter(SessionState::Over(ending));
    }
}

mod changes {
    use super::*;

    #[test]
    fn the_changes_of_each_tick_are_numbered_on_without_a_gap() {
        let mut world = World::new();
        world.init_resource::<Journal>();
        world.init_resource::<FeedSeq>();
        world.init_resource::<Outbox>();
        add_clock(&mut world);
        let left = |slot| Change::Left { slot };
        for slots in [vec![3, 4], vec![5]] {
            for slot in slots {
                world.resource_mut::<Journal>().write(left(slot));
            }
            run(&mut world, tell_changes);
            assert!(world.resource::<Journal>().is_empty());
            advance(&mut world, SECOND);
        }
        let frame = |seq, at_us, changes| {
            Frame::Changes(ChangeFrame {
                seq,
                at_us,
                changes,
            })
        };
        assert_eq!(
            world.resource::<Outbox>().frames,
            [
                frame(0, 100_000_000, vec![left(3), left(4)]),
                frame(2, 101_000_000, vec![left(5)]),
            ]
        );
    }
}

mod due {
    use super::*;

    fn world(is_due: bool) -> World {
        let mut world = World::new();
        add_session(&mut world);
        add_clock(&mut world);
        world.insert_resource(ActiveSettings(Arc::new(Settings::default())));
        world.insert_resource(SnapshotDue(is_due));
        world.init_resource::<DueSnapshots>();
        world.init_resource::<Timers>();
        world
    }

    fn is_due(world: &mut World) -> bool {
        let due = world.run_system_once(is_any_due);
        due.expect("the condition finds what it names")
    }

    fn listed(world: &mut World) -> usize {
        run(world, list_snapshots);
        let all = std::mem::take(&mut world.resource_mut::<DueSnapshots>().0);
        assert!(all.iter().all(|session| *session == SESSION));
        all.len()
    }

    #[test]
    fn a_session_that_goes_on_has_a_snapshot_once_an_interval() {
        let mut world = world(true);
        assert!(is_due(&mut world));
        assert_eq!(listed(&mut world), 1);
        let mut timers = world.resource_mut::<Timers>();
        assert_eq!(timers.next(), Some(NOW + SECOND));
        assert_eq!(timers.pop_due(NOW + SECOND), Some(Due::Snapshot));
        assert!(!is_due(&mut world));
        assert_eq!(listed(&mut world), 0);
        assert_eq!(world.resource::<Timers>().next(), None);
    }

    #[test]
    fn a_session_that_is_over_has_its_last_snapshot_at_once_and_no_more() {
        let mut world = world(false);
        assert!(!is_due(&mut world));
        change_session(&mut world, over(Ending::Completed));
        assert!(is_due(&mut world));
        assert_eq!(listed(&mut world), 1);
        // It is not the interval's: the next one comes when it would have.
        assert_eq!(world.resource::<Timers>().next(), None);
        assert!(!is_due(&mut world));
        world.resource_mut::<SnapshotDue>().0 = true;
        assert_eq!(listed(&mut world), 0);
        assert_eq!(world.resource::<Timers>().next(), Some(NOW + SECOND));
    }
}

mod waits {
    use super::*;

    const BACKOFF: TaskState = TaskState::Backoff {
        until_us: u64::MAX,
        cause: Some(ErrorClass::Dns),
    };

    fn world() -> World {
        let mut world = World::new();
        add_tasks(&mut world);
        add_session(&mut world);
        world.insert_resource(DueSnapshots(vec![SESSION]));
        world.init_resource::<WaitingCounts>();
        world.init_resource::<BudgetWaits>();
        world.init_resource::<HostQueues>();
        world.init_resource::<DispatchLimit>();
        world.init_resource::<ParseQueue>();
        world.init_resource::<SaveQueue>();
        world
    }

    fn counted(world: &mut World) -> BTreeMap<WaitReason, u64> {
        run(world, count_waiting);
        world.resource_mut::<WaitingCounts>().take(SESSION)
    }

    fn order(slot: u32) -> OrderId {
        OrderId {
            boot: 1,
            slot,
            generation: 1,
        }
    }

    #[test]
    fn every_page_that_waits_is_counted_for_one_reason() {
        let mut world = world();
        add_waiting(&mut world, 2, WaitReason::Breaker, 3);
        let mut parse_queue = world.resource_mut::<ParseQueue>();
        parse_queue.waiting.extend([order(0), order(1)]);
        world.resource_mut::<SaveQueue>().0.push_back(order(2));
        for n in 1..=3 {
            let entity = add_task(&mut world, n, DETAIL, BACKOFF);
            if n == 1 {
                world.resource_mut::<BudgetWaits>().0.insert(entity);
            }
        }
        let expected = [
            (WaitReason::Breaker, 2),
            (WaitReason::OutsideWindow, 3),
            (WaitReason::CpuPermits, 2),
            (WaitReason::StorePermits, 1),
            (WaitReason::RetryBudget, 1),
            (WaitReason::Backoff, 2),
        ];
        assert_eq!(counted(&mut world), expected.into());
    }

    #[test]
    fn whoever_waits_for_the_budget_no_more_is_forgotten() {
        let mut world = world();
        let moved_on = add_task(&mut world, 1, DETAIL, TaskState::Queued);
        let waits = add_task(&mut world, 2, DETAIL, BACKOFF);
        let gone = world.spawn_empty().id();
        world.despawn(gone);
        let mut budget_waits = world.resource_mut::<BudgetWaits>();
        budget_waits.0.extend([moved_on, waits, gone]);
        let counted = counted(&mut world);
        assert_eq!(counted, [(WaitReason::RetryBudget, 1)].into());
        let left = &world.resource::<BudgetWaits>().0;
        assert_eq!(left, &[waits].into());
    }

    #[test]
    fn what_holds_the_whole_engine_or_session_goes_before_what_holds_a_host() {
        let mut limited = world();
        add_waiting(&mut limited, 2, WaitReason::Pace, 0);
        limited.resource_mut::<DispatchLimit>().limited = Some(WaitReason::StoreTrouble);
        let expected = [(WaitReason::StoreTrouble, 2)];
        assert_eq!(counted(&mut limited), expected.into());
        change_session(&mut limited, |session| {
            session.enter(SessionState::Paused);
        });
        assert_eq!(counted(&mut limited), [(WaitReason::Paused, 2)].into());
    }

    #[test]
    fn pages_of_a_batch_that_a_rest_holds_back_wait_for_it() {
        let mut world = world();
        add_waiting(&mut world, 0, WaitReason::Pace, 4);
        change_session(&mut world, |session| {
            let bounds = session.settings.batches();
            session.tempo.rest(NOW, &bounds);
        });
        let expected = [(WaitReason::BatchNotBegun, 4)];
        assert_eq!(counted(&mut world), expected.into());
    }
}

mod forecasts {
    use super::*;

    /// What `predict_ends` names, with a session that ends a page a second and has fifty left.
    fn world() -> World {
        let mut world = World::new();
        add_session(&mut world);
        add_host(&mut world);
        add_clock(&mut world);
        world.insert_resource(DueSnapshots(vec![SESSION]));
        world.init_resource::<Forecasts>();
        world.init_resource::<HostQueues>();
        let mut ledger = Ledger::default();
        ledger.discover(SESSION, (BATCH, LIST), Phase::Done, 1);
        ledger.discover(SESSION, (BATCH, DETAIL), Phase::Done, 99);
        ledger.discover(SESSION, (BATCH, DETAIL), Phase::Queued, 50);
        world.insert_resource(ledger);
        let mut stats = Stats::default();
        for second in 0..100 {
            let stats = stats.session(SESSION);
            stats.pages.add(Duration::from_secs(second), 1);
        }
        stats.ended(SESSION, Step::Save, LIST, SECOND, SECOND);
        world.insert_resource(stats);
        change_session(&mut world, |session| {
            session.began = Duration::ZERO;
            (session.ended, session.requests) = (100, 100);
        });
        world
    }

    fn predicted(world: &mut World) -> Option<Forecast> {
        run(world, predict_ends);
        world.resource_mut::<Forecasts>().take(SESSION)
    }

    #[test]
    fn fifty_pages_at_one_a_second_take_about_fifty_seconds() {
        let mut world = world();
        let forecast = predicted(&mut world).expect("there is evidence");
        let median = forecast.session.eta_median;
        assert!((45.0..=55.0).contains(&median), "{median}");
        let stages: Vec<_> = forecast.stages.iter().map(Option::is_some).collect();
        assert_eq!(stages, [false, true]);
    }

    #[test]
    fn a_host_that_is_parked_puts_the_end_off() {
        let mut world = world();
        add_waiting(&mut world, 50, WaitReason::Breaker, 0);
        let mut hosts = world.query::<&mut Host>();
        let mut host = hosts.single_mut(&mut world).expect("there is one host");
        host.sent = 100;
        let (sent, after) = (NOW, Duration::from_mins(10));
        host.pace.on_sent(sent);
        let throttled = Signal::Throttled(Some(after));
        host.pace.on_answer(sent, sent, throttled);
        let forecast = predicted(&mut world).expect("there is evidence");
        let median = forecast.session.eta_median;
        assert!(median > 600.0, "{median}");
    }

    #[test]
    fn nothing_is_foretold_of_a_session_that_does_not_run_or_has_shown_nothing() {
        let mut paused = world();
        change_session(&mut paused, |session| {
            session.enter(SessionState::Paused);
        });
        assert_eq!(predicted(&mut paused), None);
        let mut new = world();
        change_session(&mut new, |session| session.ended = 4);
        assert_eq!(predicted(&mut new), None);
        let mut uncounted = world();
        uncounted.insert_resource(Ledger::default());
        assert_eq!(predicted(&mut uncounted), None);
    }
}

mod snapshots {
    use super::*;

    fn world() -> World {
        let mut world = World::new();
        add_session(&mut world);
        add_host(&mut world);
        add_clock(&mut world);
        world.insert_resource(DueSnapshots(vec![SESSION]));
        world.insert_resource(FeedSeq(8));
        world.init_resource::<WaitingCounts>();
        world.init_resource::<Forecasts>();
        world.init_resource::<Stats>();
        world.init_resource::<Outbox>();
        world.init_resource::<HostQueues>();
        world.init_resource::<Permits>();
        world.init_resource::<Window>();
        let mut ledger = Ledger::default();
        ledger.discover(SESSION, (BATCH, LIST), Phase::Done, 2);
        ledger.discover(SESSION, (BATCH, DETAIL), Phase::Fetching, 1);
        ledger.discover(SESSION, (BATCH, DETAIL), Phase::Queued, 4);
        world.insert_resource(ledger);
        world
    }

    /// Leaves counts of waiting pages as `count_waiting` does.
    fn count(world: &mut World, counts: &[(WaitReason, u64)]) {
        let counts = counts.iter().copied().collect();
        let mut waiting = world.resource_mut::<WaitingCounts>();
        waiting.0.insert(SESSION, counts);
    }

    fn taken(world: &mut World) -> Vec<Snapshot> {
        run(world, take_snapshots);
        assert!(world.resource::<DueSnapshots>().0.is_empty());
        let frames = world.resource_mut::<Outbox>().frames.drain(..).collect();
        let frames: Vec<Frame> = frames;
        let snapshots = frames.into_iter().map(|frame| match frame {
            Frame::Snapshot(snapshot) => *snapshot,
            Frame::Changes(changes) => panic!("{changes:?}"),
        });
        snapshots.collect()
    }

    fn snapshot(world: &mut World) -> Snapshot {
        taken(world).pop().expect("one was due")
    }

    #[test]
    fn a_snapshot_tells_how_far_a_session_and_its_stages_are() {
        let mut world = world();
        let snapshot = snapshot(&mut world);
        assert_eq!((snapshot.seq, snapshot.session.id), (7, 1));
        assert_eq!(snapshot.session.state, "running");
        let progress = &snapshot.progress;
        assert_eq!((progress.discovered, progress.done), (7, 2));
        assert_eq!(progress.by_state["queued"], 4);
        let stages: Vec<_> = progress
            .stages
            .iter()
            .map(|stage| (stage.name.as_str(), stage.discovered, stage.in_flight))
            .collect();
        assert_eq!(stages, [("list", 2, 0), ("detail", 5, 1)]);
        assert_eq!((snapshot.prediction, snapshot.bottleneck), (None, None));
    }

    #[test]
    fn the_hosts_of_a_snapshot_count_pages_in_memory_and_in_the_store() {
        let mut world = world();
        add_waiting(&mut world, 2, WaitReason::Pace, 3);
        let snapshot = snapshot(&mut world);
        let hosts: Vec<_> = snapshot
            .hosts
            .iter()
            .map(|host| (host.id, host.waiting, host.outside, host.parked_for))
            .collect();
        assert_eq!(hosts, [(HOST.0, 5, 3, None)]);
        let told = &snapshot.hosts[0];
        assert_eq!((told.p50_ms, told.errors, told.eta), (None, None, None));
    }

    #[test]
    fn the_host_that_ends_last_is_told_first_with_its_time_left_and_answers() {
        let mut world = world();
        add_waiting(&mut world, 2, WaitReason::Pace, 3);
        add_other_host(&mut world, HostId(2), "https://b.test/");
        let mut queues = world.resource_mut::<HostQueues>();
        let slow = queues.id(SESSION, HostId(2));
        queues.get_mut(slow).outside = 4;
        change_session(&mut world, |session| {
            session.began = NOW.saturating_sub(10 * SECOND);
            (session.ended, session.requests) = (30, 30);
        });
        for (mut host, sent) in world
            .query::<&mut Host>()
            .iter_mut(&mut world)
            .zip([20, 10])
        {
            host.sent = sent;
            for _ in 0..5 {
                host.answers.add(NOW, HostOutcome::Page(SECOND / 4));
            }
        }
        let told = snapshot(&mut world).hosts;
        let etas: Vec<_> = told.iter().map(|host| (host.id, host.eta)).collect();
        assert_eq!(etas, [(2, Some(4.0)), (HOST.0, Some(2.5))]);
        let figures = (told[0].p50_ms, told[0].p95_ms, told[0].errors);
        assert_eq!(figures, (Some(250.0), Some(250.0), Some(0.0)));
        // Nothing is foreseen of a session that rests.
        change_session(&mut world, |session| {
            session.enter(SessionState::Paused);
        });
        world.resource_mut::<DueSnapshots>().0.push(SESSION);
        assert_eq!(snapshot(&mut world).hosts[0].eta, None);
    }

    #[test]
    fn what_most_pages_wait_for_is_the_bottleneck_of_a_session_that_runs() {
        let mut world = world();
        let waits = [
            (WaitReason::OutsideWindow, 90),
            (WaitReason::HttpPermits, 5),
            (WaitReason::Pace, 4),
        ];
        count(&mut world, &waits);
        let mut permits = world.resource_mut::<Permits>();
        (permits.http.limit, permits.http.used) = (32, 31);
        let first = snapshot(&mut world);
        assert_eq!(first.waiting["outside_window"], 90);
        let bottleneck = first.bottleneck.expect("pages wait");
        assert_eq!(bottleneck.name, "http permits");
        let evidence = "5 pages wait for an http permit: 31 of 32 in use";
        assert_eq!(bottleneck.evidence, evidence);
        // Counts are of one tick; and nothing limits a session that is paused.
        world.resource_mut::<DueSnapshots>().0.push(SESSION);
        assert!(snapshot(&mut world).waiting.is_empty());
        change_session(&mut world, |session| {
            session.enter(SessionState::Paused);
        });
        count(&mut world, &waits);
        world.resource_mut::<DueSnapshots>().0.push(SESSION);
        assert_eq!(snapshot(&mut world).bottleneck, None);
    }

    #[test]
    fn a_pool_that_ended_enough_pages_says_what_the_next_one_will_take() {
        let mut world = world();
        let mut stats = world.resource_mut::<Stats>();
        for n in 1..=5 {
            assert_eq!(stats.began(SESSION, Step::Fetch, DETAIL), None, "{n}");
            let took = Duration::from_millis(200);
            stats.ended(SESSION, Step::Fetch, DETAIL, took, NOW);
        }
        stats.began(SESSION, Step::Fetch, DETAIL);
        world.resource_mut::<Permits>().http.limit = 2;
        let snapshot = snapshot(&mut world);
        let pool = &snapshot.pools[0];
        assert_eq!(pool.work_type, "fetch:detail");
        assert_eq!((pool.active, pool.max, pool.count), (1, 2, 5));
        assert_eq!(pool.queue_depth, 4, "the pages that are queued");
        assert!((pool.utilisation - 0.5).abs() < 1e-9);
        let mut stats = world.resource_mut::<Stats>();
        let expect = stats.began(SESSION, Step::Fetch, DETAIL);
        let (median, ..) = expect.expect("there is evidence");
        assert!((198..=202).contains(&median), "{median}");
    }

    #[test]
    fn a_session_that_is_not_counted_yet_has_no_snapshot() {
        let mut world = world();
        world.insert_resource(Ledger::default());
        assert_eq!(taken(&mut world), []);
        assert_eq!(session(&mut world).id, SESSION);
    }
}

#[test]
fn a_mistake_of_ours_is_told_in_the_feed_of_every_session() {
    let mut world = World::new();
    add_tasks(&mut world);
    add_session(&mut world);
    world.init_resource::<FeedSeq>();
    world.init_resource::<Outbox>();
    add_task(&mut world, 1, DETAIL, TaskState::Queued);
    crate::systems::tell_mistake(&mut world, "our mistake: it broke");
    let frames = &world.resource::<Outbox>().frames;
    let Some(Frame::Changes(frame)) = frames.front() else {
        panic!("no changes are told: {frames:?}");
    };
    assert!(matches!(&frame.changes[..],
        [Change::Notice { session: SESSION, text }] if **text == *"our mistake: it broke"));
}
