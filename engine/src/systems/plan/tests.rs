//! Each system of plan on a world with what it names.

mod stages;

use std::{sync::Arc, time::Duration};

use bevy_ecs::{entity::Entity, system::RunSystemOnce, world::World};
use serde_json::{Value as Json, json};

use super::{
    begin::begin_sessions,
    budget::stop_in_time,
    capacity::{self, follow_measures},
    ending::end_sessions,
    leaving::let_leave,
    refill::fill_queues,
};
use crate::{
    feed::frame::Change,
    message::{
        receipts::{KnownHost, OverCounts, SessionOpened},
        store_verbs::{Note, StoreVerb},
    },
    model::{
        class::ErrorClass,
        ids::{BatchId, Seq},
        phase::{Phase, SessionPhase},
        session_state::{Budget, Ending, SessionState},
    },
    settings::Settings,
    systems::tests::{
        BATCH, DETAIL, HOST, LIST, NOW, SESSION, add_clock, add_frontier, add_host, add_session,
        add_task, add_tasks, change_session, journal, opened, requests, run, session,
        start_session,
    },
    world::{
        clock::Clock,
        condition::{CapacityGauge, StoreHealth},
        host::Host,
        host_queue::{HostQueueId, HostQueues, LowQueues},
        journal::Journal,
        ledger::Ledger,
        permits::Permits,
        queue::{Queue, SaveQueue},
        session::{Session, SessionIndex},
        settings::ActiveSettings,
        slots::Owner,
        stats::{Stats, Step},
        store_requests::StoreRequests,
        task_state::TaskState,
        window::Window,
    },
};

const SECOND: Duration = Duration::from_secs(1);

fn advance(world: &mut World, by: Duration) {
    let mut clock = world.resource_mut::<Clock>();
    let now = clock.now() + by;
    clock.advance_to(now);
}

fn draining(then: Ending) -> SessionState {
    let at_once = false;
    SessionState::Draining { at_once, then }
}

fn session_moved(from: SessionPhase, to: SessionPhase) -> Change {
    let session = SESSION;
    Change::SessionMoved { session, from, to }
}

fn notices(changes: &[Change]) -> Vec<&str> {
    let texts = changes.iter().filter_map(|change| match change {
        Change::Notice { text, .. } => Some(&**text),
        _ => None,
    });
    texts.collect()
}

mod capacities {
    use super::*;

    fn world() -> World {
        let mut world = World::new();
        add_session(&mut world);
        add_clock(&mut world);
        world.insert_resource(ActiveSettings(Arc::new(Settings::default())));
        world.init_resource::<CapacityGauge>();
        world.init_resource::<Permits>();
        world.init_resource::<Journal>();
        world.init_resource::<Stats>();
        world.init_resource::<SaveQueue>();
        world
    }

    #[test]
    fn permits_are_the_settings_where_nothing_was_measured() {
        let mut world = world();
        run(&mut world, follow_measures);
        let permits = world.resource::<Permits>();
        assert_eq!((permits.http.limit, permits.cpu.limit), (32, 2));
        assert_eq!((permits.parse_queue, permits.save_queue), (64, 512));
        assert!(journal(&mut world).is_empty());
    }

    #[test]
    fn a_parse_that_takes_a_second_leaves_room_for_few_pages_before_it() {
        let mut world = world();
        run(&mut world, follow_measures);
        for _ in 0..4 {
            let mut stats = world.resource_mut::<Stats>();
            stats.ended(SESSION, Step::Parse, LIST, SECOND, NOW);
        }
        advance(&mut world, SECOND);
        run(&mut world, follow_measures);
        // Two pages for each of two workers.
        assert_eq!(world.resource::<Permits>().parse_queue, 4);
    }

    #[test]
    fn people_are_told_once_that_memory_runs_out_and_once_that_it_no_longer_does() {
        let mut world = world();
        let mut told = Vec::new();
        for used in [99, 99, 10, 10] {
            world
                .resource_mut::<CapacityGauge>()
                .0
                .set_memory(used, 100);
            run(&mut world, follow_measures);
            let permits = world.resource::<Permits>();
            let (is_pressed, http) = (permits.is_pressed, permits.http.limit);
            assert_eq!(
                (is_pressed, http),
                if used > 95 { (true, 1) } else { (false, 32) }
            );
            told.extend(
                notices(&journal(&mut world))
                    .iter()
                    .map(ToString::to_string),
            );
        }
        assert_eq!(
            told,
            [
                "memory runs out: less is worked on at once",
                "there is memory enough again",
            ]
        );
    }

    #[test]
    fn measures_are_followed_once_a_second() {
        let mut world = world();
        let due = |world: &mut World| {
            let due = world.run_system_once(capacity::is_due);
            due.expect("the condition finds what it names")
        };
        assert!(due(&mut world));
        run(&mut world, follow_measures);
        advance(&mut world, SECOND / 2);
        assert!(!due(&mut world));
        advance(&mut world, SECOND / 2);
        assert!(due(&mut world));
    }
}

mod begin {
    use super::*;

    /// What `begin_sessions` names, with a session that the store has just opened.
    fn world(opened: SessionOpened) -> World {
        let mut world = World::new();
        let settings = Arc::new(Settings::default());
        let session = Session::new(&opened, &start_session(), settings, NOW);
        let session = world.spawn(session).id();
        let mut index = SessionIndex::default();
        index.entities.insert(SESSION, session);
        world.insert_resource(index);
        world.init_resource::<HostQueues>();
        world.init_resource::<StoreRequests>();
        world.init_resource::<Ledger>();
        world.init_resource::<Journal>();
        let mut queue = Queue::default();
        queue.push(opened);
        world.insert_resource(queue);
        world
    }

    #[test]
    fn a_new_session_discovers_its_start_urls() {
        let mut world = world(opened());
        run(&mut world, begin_sessions);
        assert_eq!(*session(&mut world).state(), SessionState::Running);
        assert!(session(&mut world).discovering);
        let asked = requests(&mut world);
        assert_eq!(asked.len(), 1);
        assert_eq!(asked[0].owner, Owner::Discover(SESSION));
        let StoreVerb::Discover {
            links, batch_size, ..
        } = &asked[0].verb
        else {
            panic!("{asked:?}");
        };
        let urls: Vec<_> = links.iter().map(|link| link.url.as_str()).collect();
        assert_eq!((urls, *batch_size), (vec!["https://a.test/p1"], 500));
        let moved = session_moved(SessionPhase::Planning, SessionPhase::Running);
        assert_eq!(journal(&mut world), [moved]);
        assert!(world.resource::<Ledger>().stages_changed);
        assert!(world.resource::<Queue<SessionOpened>>().is_empty());
    }

    #[test]
    fn a_session_that_is_taken_up_again_knows_what_waits_and_discovers_nothing() {
        let mut resumed = opened();
        resumed.started = true;
        let gone = OverCounts {
            finished: 3,
            cancelled: 0,
            dead: 2,
            failed: 1,
        };
        let key = url::Url::parse("https://a.test/").expect("it is a URL");
        resumed.hosts.push(KnownHost {
            id: HOST,
            key: crate::model::host_key::HostKey::of(&key).expect("it has a host"),
            waiting: 5,
            gone,
            learned: None,
        });
        let mut world = world(resumed);
        run(&mut world, begin_sessions);
        assert_eq!(*session(&mut world).state(), SessionState::Running);
        assert!(!session(&mut world).discovering);
        assert!(requests(&mut world).is_empty());
        let mut queues = world.resource_mut::<HostQueues>();
        let queue = queues.id(SESSION, HOST);
        let queue = queues.get(queue);
        assert_eq!((queue.outside, queue.gone), (5, gone));
    }
}

mod budget {
    use super::*;

    /// What `stop_in_time` names, with two minutes for a session that began `ago`.
    fn world(ago: Duration) -> World {
        let mut world = World::new();
        add_session(&mut world);
        change_session(&mut world, |session| session.began = NOW);
        let mut settings = Settings::default();
        settings.bounds.max_minutes = Some(2);
        world.insert_resource(ActiveSettings(Arc::new(settings)));
        add_clock(&mut world);
        advance(&mut world, ago);
        world.init_resource::<Ledger>();
        world.init_resource::<Journal>();
        world
    }

    #[test]
    fn a_session_drains_when_its_minutes_are_used_up() {
        let mut world = world(Duration::from_mins(2));
        run(&mut world, stop_in_time);
        let then = Ending::Stopped(Some(Budget::Minutes));
        assert_eq!(*session(&mut world).state(), draining(then));
        let changes = journal(&mut world);
        let told = ["bounds.max_minutes is used up: the session stops"];
        assert_eq!(notices(&changes), told);
        assert!(world.resource::<Ledger>().stages_changed);
        // It is told once.
        run(&mut world, stop_in_time);
        assert!(journal(&mut world).is_empty());
    }

    #[test]
    fn a_paused_session_uses_up_its_minutes_too() {
        let mut world = world(Duration::from_mins(2));
        change_session(&mut world, |session| {
            session.enter(SessionState::Paused);
        });
        run(&mut world, stop_in_time);
        assert_eq!(session(&mut world).phase(), SessionPhase::Draining);
    }

    #[test]
    fn a_session_goes_on_until_then_and_ends_as_it_was_told() {
        let mut early = world(Duration::from_secs(119));
        run(&mut early, stop_in_time);
        assert_eq!(*session(&mut early).state(), SessionState::Running);
        let mut stopped = world(Duration::from_mins(2));
        let by_person = draining(Ending::Stopped(None));
        change_session(&mut stopped, |session| {
            session.enter(by_person.clone());
        });
        run(&mut stopped, stop_in_time);
        assert_eq!(*session(&mut stopped).state(), by_person);
    }
}

mod ending {
    use super::*;

    /// What `end_sessions` names, with a session that has nothing left to do.
    fn world() -> World {
        let mut world = World::new();
        add_session(&mut world);
        add_host(&mut world);
        change_session(&mut world, |session| session.running.clear());
        add_clock(&mut world);
        advance(&mut world, Duration::from_secs(9));
        let mut ledger = Ledger::default();
        ledger.discover(SESSION, (BATCH, LIST), Phase::Done, 3);
        ledger.book_mut(SESSION).open(BATCH);
        world.insert_resource(ledger);
        world.init_resource::<StoreRequests>();
        world.init_resource::<Journal>();
        world.init_resource::<HostQueues>();
        world.init_resource::<StoreHealth>();
        world
    }

    /// The last note of the session, which the store was just asked to keep.
    fn last_note(world: &mut World) -> (String, Json) {
        let asked = requests(world).pop().expect("the store is asked");
        assert_eq!(asked.owner, Owner::Close(SESSION));
        match asked.verb {
            StoreVerb::Note(Note::SessionState { state, result, .. }) => {
                (state, result.expect("there is a result"))
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_session_with_nothing_left_is_completed_and_its_result_kept() {
        let mut world = world();
        run(&mut world, end_sessions);
        let state = session(&mut world).state().clone();
        assert_eq!(state, SessionState::Closing(Ending::Completed));
        let moved = session_moved(SessionPhase::Running, SessionPhase::Draining);
        assert_eq!(journal(&mut world), [moved]);
        let (state, result) = last_note(&mut world);
        assert_eq!(state, "completed");
        assert_eq!(session(&mut world).result.as_ref(), Some(&result));
        let shown = ["outcome", "done", "complete", "durationSeconds"].map(|name| &result[name]);
        assert_eq!(
            shown,
            [&json!("completed"), &json!(3), &json!(true), &json!(9.0)]
        );
        // It is closed once.
        run(&mut world, end_sessions);
        assert!(requests(&mut world).is_empty());
    }

    #[test]
    fn a_session_is_not_completed_while_anything_may_come_of_it() {
        type Hinder = fn(&mut World);
        let hinders: [(&str, Hinder); 5] = [
            ("its start URLs are on their way", |world| {
                change_session(world, |session| session.discovering = true);
            }),
            ("a batch runs", |world| {
                change_session(world, |session| {
                    session.running.insert(BATCH);
                });
            }),
            ("a page waits", |world| {
                let mut ledger = world.resource_mut::<Ledger>();
                ledger.discover(SESSION, (BATCH, DETAIL), Phase::Backoff, 1);
            }),
            ("a page failed and waits for its verdict", |world| {
                let mut ledger = world.resource_mut::<Ledger>();
                ledger.discover(SESSION, (BATCH, DETAIL), Phase::Failed, 1);
            }),
            ("a batch was not opened yet", |world| {
                let mut ledger = world.resource_mut::<Ledger>();
                ledger.discover(SESSION, (BatchId(1), LIST), Phase::Skipped, 1);
            }),
        ];
        for (why, hinder) in hinders {
            let mut world = world();
            hinder(&mut world);
            run(&mut world, end_sessions);
            assert_eq!(*session(&mut world).state(), SessionState::Running, "{why}");
        }
    }

    #[test]
    fn a_completed_session_with_dead_letters_is_not_complete() {
        let mut world = world();
        let mut ledger = world.resource_mut::<Ledger>();
        ledger.discover(SESSION, (BATCH, DETAIL), Phase::Dead, 1);
        run(&mut world, end_sessions);
        let (state, result) = last_note(&mut world);
        assert_eq!(
            (state.as_str(), &result["complete"]),
            ("completed", &json!(false))
        );
    }

    #[test]
    fn a_session_that_drains_waits_for_what_is_in_flight() {
        let mut world = world();
        let then = Ending::Stopped(Some(Budget::Bytes));
        change_session(&mut world, |session| {
            session.enter(draining(then.clone()));
        });
        let mut ledger = world.resource_mut::<Ledger>();
        ledger.discover(SESSION, (BATCH, DETAIL), Phase::Queued, 4);
        ledger.discover(SESSION, (BATCH, DETAIL), Phase::Saving, 1);
        run(&mut world, end_sessions);
        assert_eq!(*session(&mut world).state(), draining(then.clone()));
        assert!(requests(&mut world).is_empty());
        let mut ledger = world.resource_mut::<Ledger>();
        ledger.shift(SESSION, (BATCH, DETAIL), (Phase::Saving, Phase::Done), 1);
        run(&mut world, end_sessions);
        let state = session(&mut world).state().clone();
        assert_eq!(state, SessionState::Closing(then));
        let (state, result) = last_note(&mut world);
        assert_eq!(state, "stopped");
        let shown = ["budget", "complete"].map(|name| &result[name]);
        assert_eq!(shown, [&json!("bounds.max_bytes"), &json!(false)]);
        assert_eq!(result["byState"]["queued"], json!(4));
    }

    #[test]
    fn a_lost_store_ends_every_session_at_once_and_is_asked_nothing() {
        let mut world = world();
        change_session(&mut world, |session| {
            session.running.insert(BATCH);
        });
        world.resource_mut::<StoreHealth>().lost = Some("the disk is gone".to_owned());
        run(&mut world, end_sessions);
        let ending = Ending::Failed("the disk is gone".to_owned());
        assert_eq!(*session(&mut world).state(), SessionState::Over(ending));
        let moved = session_moved(SessionPhase::Running, SessionPhase::Failed);
        assert_eq!(journal(&mut world), [moved]);
        let result = session(&mut world).result.as_ref().expect("it has one");
        let shown = ["outcome", "cause", "why"].map(|name| &result[name]);
        let expected = ["failed", "store", "the disk is gone"].map(Json::from);
        assert_eq!(shown, expected.each_ref());
        assert!(requests(&mut world).is_empty());
    }

    #[test]
    fn what_was_learned_of_hosts_that_were_asked_is_kept_first() {
        let mut world = world();
        world.resource_mut::<HostQueues>().id(SESSION, HOST);
        let mut unasked = self::world();
        unasked.resource_mut::<HostQueues>().id(SESSION, HOST);
        run(&mut unasked, end_sessions);
        assert_eq!(requests(&mut unasked).len(), 1);
        let mut hosts = world.query::<&mut Host>();
        let mut host = hosts.single_mut(&mut world).expect("there is one host");
        host.sent = 1;
        run(&mut world, end_sessions);
        let asked = requests(&mut world);
        assert_eq!(asked.len(), 2);
        assert!(matches!(
            asked[0].verb,
            StoreVerb::Note(Note::Learned { host: HOST, .. })
        ));
    }
}

mod window {
    use super::*;

    /// What `let_leave` names, with a window of a hundred.
    fn leaving_world() -> World {
        let mut world = World::new();
        add_tasks(&mut world);
        add_frontier(&mut world);
        world.init_resource::<Permits>();
        fit(&mut world);
        world
    }

    fn fit(world: &mut World) {
        let settings = Settings {
            window: 100,
            ..Settings::default()
        };
        world.resource_mut::<Window>().fit(&settings);
    }

    /// A task that has just ended.
    fn add_ended(world: &mut World, n: u64, state: TaskState) -> Entity {
        let entity = add_task(world, n, DETAIL, state);
        world.resource_mut::<Window>().retire(entity, NOW);
        entity
    }

    fn is_here(world: &World, entity: Entity) -> bool {
        world.get_entity(entity).is_ok()
    }

    fn queue(world: &mut World) -> HostQueueId {
        world.resource_mut::<HostQueues>().id(SESSION, HOST)
    }

    #[test]
    fn an_ended_task_stays_for_a_while_and_leaves_then() {
        let mut world = leaving_world();
        let entity = add_ended(&mut world, 1, TaskState::Done);
        advance(&mut world, SECOND);
        run(&mut world, let_leave);
        assert!(is_here(&world, entity));
        advance(&mut world, SECOND);
        run(&mut world, let_leave);
        assert!(!is_here(&world, entity));
        assert_eq!(journal(&mut world), [Change::Left { slot: 0 }]);
        assert_eq!(world.resource::<Window>().resident(), 0);
        let queue = queue(&mut world);
        let queue = world.resource::<HostQueues>().get(queue);
        assert_eq!(
            (queue.resident, queue.gone.finished, queue.outside),
            (0, 1, 0)
        );
        // It leaves, which is no move: the books say the same as before.
        let book = world.resource::<Ledger>().book(SESSION);
        assert_eq!(book.map(|book| book.total[Phase::Done as usize]), Some(1));
    }

    #[test]
    fn ended_tasks_leave_at_once_while_memory_runs_out() {
        let mut world = leaving_world();
        let failed = TaskState::Failed(ErrorClass::Dns);
        let entity = add_ended(&mut world, 1, failed);
        world.resource_mut::<Permits>().is_pressed = true;
        run(&mut world, let_leave);
        assert!(!is_here(&world, entity));
        let queue = queue(&mut world);
        assert_eq!(world.resource::<HostQueues>().get(queue).gone.failed, 1);
    }

    #[test]
    fn a_window_that_is_nearly_full_has_only_as_many_leave_as_must() {
        let mut world = leaving_world();
        let all: Vec<_> = (1..=3)
            .map(|n| add_ended(&mut world, n, TaskState::Done))
            .collect();
        for _ in 0..89 {
            world.resource_mut::<Window>().enter();
        }
        run(&mut world, let_leave);
        assert_eq!(world.resource::<Window>().resident(), 90);
        let here: Vec<_> = all.iter().map(|task| is_here(&world, *task)).collect();
        assert_eq!(here, [false, false, true]);
    }

    /// What `fill_queues` names, with a queue that has run low and so many pages in the store.
    fn filling_world(outside: u64) -> World {
        let mut world = World::new();
        add_session(&mut world);
        add_frontier(&mut world);
        world.init_resource::<StoreRequests>();
        let id = queue(&mut world);
        let mut queues = world.resource_mut::<HostQueues>();
        let queue = queues.get_mut(id);
        queue.outside = outside;
        let cursor = queue.cursor(BATCH);
        (cursor.after, cursor.exhausted) = (Seq(5), false);
        world.insert_resource(LowQueues(vec![id, id]));
        world
    }

    /// What was asked for: after which number, and how many at most.
    fn asked(world: &mut World) -> Vec<(Seq, u32)> {
        let id = queue(world);
        run(world, fill_queues);
        let all = requests(world).into_iter();
        all.map(|asked| match asked.verb {
            StoreVerb::Admit {
                batch: BATCH,
                after,
                limit,
                ..
            } => {
                assert_eq!(asked.owner, Owner::Admit(id, BATCH));
                (after, limit)
            }
            other => panic!("{other:?}"),
        })
        .collect()
    }

    #[test]
    fn a_queue_that_runs_low_is_filled_by_one_read_at_a_time() {
        let mut world = filling_world(10_000);
        assert_eq!(asked(&mut world), [(Seq(5), 4_096)]);
        assert!(world.resource::<LowQueues>().0.is_empty());
        let id = queue(&mut world);
        world.resource_mut::<LowQueues>().0.push(id);
        assert!(asked(&mut world).is_empty(), "a read is out");
        let mut queues = world.resource_mut::<HostQueues>();
        queues.get_mut(id).cursor(BATCH).asked = false;
        world.resource_mut::<LowQueues>().0.push(id);
        assert_eq!(asked(&mut world).len(), 1);
    }

    #[test]
    fn a_queue_with_nothing_in_the_store_or_enough_in_memory_asks_for_nothing() {
        let mut empty = filling_world(0);
        assert!(asked(&mut empty).is_empty());
        let mut fed = filling_world(10_000);
        let id = queue(&mut fed);
        let mut queues = fed.resource_mut::<HostQueues>();
        for n in 0..2_049 {
            let rank = (BATCH, 0, Seq(n));
            queues.get_mut(id).push(rank, Entity::PLACEHOLDER);
        }
        assert!(asked(&mut fed).is_empty());
        let (_, last) = fed
            .resource_mut::<HostQueues>()
            .get_mut(id)
            .pop()
            .expect("somebody waits");
        assert_eq!(last, Entity::PLACEHOLDER);
        fed.resource_mut::<LowQueues>().0.push(id);
        assert_eq!(asked(&mut fed), [(Seq(5), 2_048)]);
    }

    #[test]
    fn a_queue_is_asked_for_again_as_soon_as_a_full_window_has_room() {
        let mut world = filling_world(10_000);
        fit(&mut world);
        let slots: Vec<u32> = (0..100)
            .map(|_| world.resource_mut::<Window>().enter())
            .collect();
        assert!(asked(&mut world).is_empty());
        assert_eq!(world.resource::<LowQueues>().0.len(), 1);
        for slot in &slots[..7] {
            world.resource_mut::<Window>().leave(*slot);
        }
        assert_eq!(asked(&mut world), [(Seq(5), 7)]);
    }

    #[test]
    fn no_queue_has_more_than_its_share_of_the_window() {
        let mut world = filling_world(10_000);
        fit(&mut world);
        let id = queue(&mut world);
        let mut queues = world.resource_mut::<HostQueues>();
        queues.get_mut(id).resident = 95;
        assert_eq!(asked(&mut world), [(Seq(5), 5)]);
        let mut full = filling_world(10_000);
        fit(&mut full);
        let mut queues = full.resource_mut::<HostQueues>();
        queues.get_mut(id).resident = 100;
        assert!(asked(&mut full).is_empty());
        // One of its tasks that leaves has it looked at again.
        assert!(full.resource::<LowQueues>().0.is_empty());
    }

    #[test]
    fn nothing_is_read_of_a_batch_that_is_not_open_or_for_a_session_that_closes() {
        let mut unopened = filling_world(10_000);
        change_session(&mut unopened, |session| session.opened.clear());
        assert!(asked(&mut unopened).is_empty());
        let mut closing = filling_world(10_000);
        change_session(&mut closing, |session| {
            session.enter(SessionState::Closing(Ending::Completed));
        });
        assert!(asked(&mut closing).is_empty());
    }
}
