//! Each system of intake on a world with what it names.

use std::{sync::Arc, time::Duration};

use bevy_ecs::{entity::Entity, world::World};
use crossbeam_channel::{Receiver, TryRecvError, bounded};
use serde_json::{Value as Json, json};

use super::{
    hosts::force_breakers, inspect::inspect_tasks, recall::call_back, requeue::requeue_or_drop,
    sessions::steer_sessions, settings::change_settings, tasks::steer_tasks,
};
use crate::{
    feed::frame::Change,
    message::{
        commands::{Ack, Command, Envelope, Target},
        orders::Order,
        store_verbs::{DeadSelector, Note, PageEnd, StoreVerb},
    },
    model::{
        class::{ErrorClass, WaitReason},
        ids::{HostId, PageKey, Seq, SessionId},
        phase::{BreakerPhase, Phase, SessionPhase},
        profile::Profile,
        session_state::{Budget, Ending, SessionState},
    },
    politeness::breaker::Health,
    settings::Settings,
    systems::{
        dispatch::PausedTasks,
        observe::DueSnapshots,
        tests::{
            BATCH, DETAIL, HOST, LIST, NOW, SESSION, add_clock, add_fetching, add_flying,
            add_frontier, add_host, add_session, add_task, add_tasks, change_session, enqueue,
            host, journal, key_of, opened, requests, run, session, site, start_session, state_of,
        },
    },
    world::{
        border::{Inbox, Outbox, TickAgain},
        condition::{CapacityGauge, DispatchLimit, Pause, Recall, Shutdown, StoreHealth},
        host::{Host, HostIndex},
        host_queue::{HostQueueId, HostQueues},
        journal::Journal,
        ledger::Ledger,
        permits::Permits,
        queue::ParseQueue,
        replies::PendingReplies,
        residents::Residents,
        session::{Session, SessionIndex},
        settings::ActiveSettings,
        slots::{Owner, Slots},
        stats::{Stats, Step},
        store_requests::StoreRequests,
        task::Paused,
        task_state::{TaskState, Tasks},
        timers::Timers,
        window::Window,
    },
};

/// A command comes in; where it will be acknowledged.
fn send(world: &mut World, command: Command) -> Receiver<Ack> {
    let (sender, receiver) = bounded(1);
    let reply = Some(sender);
    let mut inbox = world.resource_mut::<Inbox>();
    inbox.commands.push_back(Envelope { command, reply });
    receiver
}

/// What was answered; nobody may have been left without an answer.
fn answer(reply: &Receiver<Ack>) -> Ack {
    reply.try_recv().expect("the command was acknowledged")
}

fn draining(at_once: bool, then: Ending) -> SessionState {
    SessionState::Draining { at_once, then }
}

/// A queue in which somebody waits and that nobody looks at.
fn add_held_queue(world: &mut World) -> HostQueueId {
    let mut queues = world.resource_mut::<HostQueues>();
    let queue = queues.id(SESSION, HOST);
    queues.enqueue(queue, (BATCH, 0, Seq(1)), Entity::PLACEHOLDER, NOW);
    queues.hold(queue, WaitReason::Pace);
    assert_eq!(queues.next(SESSION), None);
    queue
}

fn woken(world: &World) -> Option<Duration> {
    world.resource::<HostQueues>().next(SESSION)
}

mod sessions {
    use super::*;

    fn world() -> World {
        let mut world = World::new();
        add_session(&mut world);
        add_clock(&mut world);
        world.init_resource::<Inbox>();
        world.init_resource::<HostQueues>();
        world.init_resource::<Journal>();
        world.init_resource::<Ledger>();
        world.init_resource::<StoreRequests>();
        world.init_resource::<PendingReplies>();
        world.init_resource::<Pause>();
        world.init_resource::<Recall>();
        world.init_resource::<Shutdown>();
        world.init_resource::<TickAgain>();
        world
    }

    fn steer(world: &mut World, command: Command) -> Ack {
        let reply = send(world, command);
        run(world, steer_sessions);
        answer(&reply)
    }

    #[test]
    fn a_command_of_another_area_stays_in_the_inbox() {
        let mut world = world();
        let key = PageKey::new("shop", "list", "https://a.test/p1");
        let others = [
            Command::Inspect(key),
            Command::Pause(Target::Task(key)),
            Command::SetProfile(Profile::Economy),
        ];
        let kept: Vec<_> = others.map(|other| send(&mut world, other)).into();
        assert_eq!(steer(&mut world, Command::Nothing), Ok(json!({})));
        let inbox = world.resource::<Inbox>();
        let left: Vec<_> = inbox.commands.iter().map(|left| &left.command).collect();
        assert!(
            matches!(
                left[..],
                [
                    Command::Inspect(_),
                    Command::Pause(Target::Task(_)),
                    Command::SetProfile(_)
                ]
            ),
            "{left:?}"
        );
        for reply in kept {
            assert_eq!(reply.try_recv(), Err(TryRecvError::Empty));
        }
    }

    #[test]
    fn a_session_is_opened_by_the_store_and_a_site_once_at_a_time() {
        let mut world = world();
        let start = || Command::Start(Box::new(start_session()));
        let refused = steer(&mut world, start());
        let why = "a session of site \"shop\" is running already";
        assert_eq!(refused, Err(why.to_owned()));
        assert!(requests(&mut world).is_empty());
        change_session(&mut world, |session| {
            session.enter(draining(false, Ending::Stopped(None)));
            session.enter(SessionState::Over(Ending::Stopped(None)));
        });
        let reply = send(&mut world, start());
        run(&mut world, steer_sessions);
        // The store's receipt is the answer.
        assert_eq!(reply.try_recv(), Err(TryRecvError::Empty));
        let asked = requests(&mut world);
        assert_eq!(asked.len(), 1);
        assert_eq!(asked[0].owner, Owner::Open(1));
        assert!(matches!(&asked[0].verb, StoreVerb::OpenSession(open) if open.seed == 7));
        assert!(world.resource::<PendingReplies>().opening.contains_key(&1));
    }

    #[test]
    fn a_paused_engine_pauses_its_sessions_until_they_go_on() {
        let mut world = world();
        add_held_queue(&mut world);
        let paused = steer(&mut world, Command::Pause(Target::Engine));
        assert_eq!(paused, Ok(json!({ "paused": true })));
        assert!(world.resource::<Pause>().is_paused);
        assert_eq!(*session(&mut world).state(), SessionState::Paused);
        let moved = Change::SessionMoved {
            session: SESSION,
            from: SessionPhase::Running,
            to: SessionPhase::Paused,
        };
        assert_eq!(journal(&mut world), [moved]);
        let asked = requests(&mut world);
        let kept = |asked: &StoreVerb| match asked {
            StoreVerb::Note(Note::SessionState { state, result, .. }) if result.is_none() => {
                state.clone()
            }
            other => panic!("{other:?}"),
        };
        let kept: Vec<_> = asked.iter().map(|asked| kept(&asked.verb)).collect();
        assert_eq!(kept, ["paused"]);
        let queue = world.resource_mut::<HostQueues>().id(SESSION, HOST);
        let mut queues = world.resource_mut::<HostQueues>();
        queues.hold(queue, WaitReason::Paused);
        let resumed = steer(&mut world, Command::Resume(Target::Engine));
        assert_eq!(resumed, Ok(json!({ "paused": false })));
        assert!(!world.resource::<Pause>().is_paused);
        assert_eq!(*session(&mut world).state(), SessionState::Running);
        assert_eq!(woken(&world), Some(NOW));
    }

    #[test]
    fn a_session_that_ends_or_is_over_cannot_be_paused() {
        let mut world = world();
        let over = SessionState::Over(Ending::Completed);
        for state in [draining(false, Ending::Completed), over] {
            change_session(&mut world, |session| {
                session.enter(state);
            });
            let paused = steer(&mut world, Command::Pause(Target::Session(SESSION)));
            assert_eq!(paused, Err("session 1 is not running".to_owned()));
            assert!(requests(&mut world).is_empty());
        }
    }

    #[test]
    fn a_cancel_at_once_drains_and_has_what_is_in_flight_called_back() {
        let mut world = world();
        let (session_id, now) = (Some(SESSION), true);
        let cancelled = steer(
            &mut world,
            Command::Cancel {
                session: session_id,
                now,
            },
        );
        assert_eq!(cancelled, Ok(json!({ "stopping": [1] })));
        let state = session(&mut world).state().clone();
        assert_eq!(state, draining(true, Ending::Stopped(None)));
        assert!(world.resource::<Recall>().0);
        assert!(world.resource::<Ledger>().stages_changed);
    }

    #[test]
    fn a_session_that_drains_may_be_hurried_and_ends_as_it_would_have() {
        let mut world = world();
        let then = Ending::Stopped(Some(Budget::Pages));
        change_session(&mut world, |session| {
            session.enter(draining(false, then.clone()));
        });
        let cancel = |now| Command::Cancel { session: None, now };
        steer(&mut world, cancel(true)).expect("it drains");
        assert_eq!(
            *session(&mut world).state(),
            draining(true, then.clone()),
            "it is hurried"
        );
        // A second, milder cancel takes nothing back.
        steer(&mut world, cancel(false)).expect("it drains");
        assert_eq!(*session(&mut world).state(), draining(true, then));
        assert!(journal(&mut world).is_empty());
    }

    #[test]
    fn nobody_cancels_a_session_that_is_not_there() {
        let mut world = world();
        let (session_id, now) = (Some(SessionId(9)), false);
        let cancelled = steer(
            &mut world,
            Command::Cancel {
                session: session_id,
                now,
            },
        );
        assert_eq!(cancelled, Err("there is no session 9".to_owned()));
        assert_eq!(*session(&mut world).state(), SessionState::Running);
    }

    #[test]
    fn single_steps_need_a_paused_engine() {
        let mut world = world();
        add_held_queue(&mut world);
        steer(&mut world, Command::Step(2)).expect_err("it runs");
        assert!(!world.resource::<TickAgain>().0);
        steer(&mut world, Command::Pause(Target::Engine)).expect("it runs");
        let queue = world.resource_mut::<HostQueues>().id(SESSION, HOST);
        let mut queues = world.resource_mut::<HostQueues>();
        queues.hold(queue, WaitReason::Paused);
        for _ in 0..2 {
            let stepped = steer(&mut world, Command::Step(2));
            assert_eq!(stepped, Ok(json!({ "ticks": 2 })));
        }
        assert_eq!(world.resource::<Pause>().steps, 4);
        assert!(world.resource::<TickAgain>().0);
        assert_eq!(woken(&world), Some(NOW));
    }

    #[test]
    fn a_start_url_joins_a_session_only_in_scope() {
        let mut world = world();
        let add = |url: &str| Command::AddStart {
            session: SESSION,
            url: url.to_owned(),
        };
        let refused = steer(&mut world, add("https://b.test/p9"));
        let why = refused.expect_err("the host is another");
        assert!(why.contains("out of scope"), "{why}");
        steer(&mut world, add("p9")).expect_err("it is not absolute");
        assert!(!session(&mut world).discovering);
        steer(&mut world, add("https://a.test/p9")).expect("it is in scope");
        assert!(session(&mut world).discovering);
        let asked = requests(&mut world);
        assert_eq!(asked.len(), 1);
        assert_eq!(asked[0].owner, Owner::Discover(SESSION));
        let StoreVerb::Discover { links, depth, .. } = &asked[0].verb else {
            panic!("{:?}", asked[0]);
        };
        let urls: Vec<_> = links.iter().map(|link| link.url.as_str()).collect();
        assert_eq!(
            (urls.as_slice(), *depth),
            (["https://a.test/p9"].as_slice(), 0)
        );
    }

    #[test]
    fn a_shutdown_is_remembered() {
        let mut world = world();
        assert_eq!(steer(&mut world, Command::Shutdown), Ok(json!({})));
        assert!(world.resource::<Shutdown>().0);
    }
}

mod settings {
    use super::*;

    fn world() -> World {
        let mut world = World::new();
        add_session(&mut world);
        add_host(&mut world);
        add_clock(&mut world);
        world.insert_resource(ActiveSettings(Arc::new(Settings::default())));
        world.init_resource::<Inbox>();
        world.init_resource::<HostQueues>();
        world.init_resource::<Window>();
        world.init_resource::<Permits>();
        world.init_resource::<Journal>();
        world.init_resource::<Ledger>();
        world.init_resource::<StoreRequests>();
        world.init_resource::<CapacityGauge>();
        world
    }

    fn change(world: &mut World, command: Command) -> Ack {
        let reply = send(world, command);
        run(world, change_settings);
        answer(&reply)
    }

    fn set(world: &mut World, name: &str, value: &Json) -> Ack {
        let (name, value) = (name.to_owned(), value.clone());
        change(world, Command::Set { name, value })
    }

    #[test]
    fn a_changed_setting_reaches_sessions_window_and_hosts() {
        let mut world = world();
        add_held_queue(&mut world);
        set(&mut world, "window", &json!(200)).expect("it is right");
        assert_eq!(world.resource::<Window>().room(), 200);
        assert_eq!(session(&mut world).settings.window, 200);
        assert_eq!(world.resource::<ActiveSettings>().0.window, 200);
        set(&mut world, "politeness.max_rate", &json!(3)).expect("it is right");
        let rate = host(&mut world).pace.ceiling().max_rate;
        assert!((rate - 3.0).abs() < 1e-9, "{rate}");
        set(&mut world, "breaker.min_sample", &json!(1)).expect("it is right");
        set(&mut world, "retry.budget_max", &json!(0)).expect("it is right");
        let mut hosts = world.query::<&mut Host>();
        let mut host = hosts.single_mut(&mut world).expect("there is one host");
        // One failure trips the breaker now, and the budget holds the one retry that it always may.
        let tripped = host.breaker.on_outcome(NOW, NOW, Health::Bad);
        assert_eq!(tripped.map(|moved| moved.to), Some(BreakerPhase::Open));
        assert_eq!(host.budget.try_take(NOW), Ok(()));
        assert!(host.budget.try_take(NOW).is_err());
        // A rest may be over, and a faster pace lets go sooner.
        assert!(world.resource::<Ledger>().stages_changed);
        assert_eq!(woken(&world), Some(NOW));
    }

    #[test]
    fn a_change_is_told_and_kept_with_the_old_and_the_new_value() {
        let mut world = world();
        let ack = set(&mut world, "http_permits", &json!(5)).expect("it is right");
        assert_eq!(ack, json!({ "name": "http_permits", "old": 32, "new": 5 }));
        assert_eq!(world.resource::<Permits>().http.limit, 5);
        assert_eq!(session(&mut world).settings.profile, Profile::Custom);
        let notice = Change::Notice {
            session: SESSION,
            text: Arc::from("http_permits: 32 → 5"),
        };
        assert_eq!(journal(&mut world), [notice]);
        let asked = requests(&mut world);
        assert_eq!(asked.len(), 1);
        assert_eq!(asked[0].owner, Owner::Note(None));
        assert!(
            matches!(
                &asked[0].verb,
                StoreVerb::Note(Note::Setting { session: None, name, old, new })
                    if name == "http_permits" && *old == json!(32) && *new == json!(5)
            ),
            "{asked:?}"
        );
    }

    #[test]
    fn a_profile_fits_the_permits_to_itself() {
        let mut world = world();
        let ack = change(&mut world, Command::SetProfile(Profile::Economy));
        assert_eq!(ack, Ok(json!({ "old": "balanced", "new": "economy" })));
        let permits = world.resource::<Permits>();
        assert_eq!((permits.http.limit, permits.cpu.limit), (8, 1));
        assert_eq!(session(&mut world).settings.profile, Profile::Economy);
    }

    #[test]
    fn a_wrong_value_changes_nothing() {
        let mut world = world();
        let before = Arc::clone(&world.resource::<ActiveSettings>().0);
        set(&mut world, "window", &json!("many")).expect_err("it is no number");
        set(&mut world, "widow", &json!(200)).expect_err("there is no such setting");
        let after = Arc::clone(&world.resource::<ActiveSettings>().0);
        assert!(Arc::ptr_eq(&before, &after));
        assert!(requests(&mut world).is_empty());
        assert!(journal(&mut world).is_empty());
        assert!(!world.resource::<Ledger>().stages_changed);
    }

    /// A redirect's host gets a number of ours before the store has one for it.
    #[test]
    fn a_host_of_two_numbers_keeps_the_lowest_ceiling_of_its_sessions() {
        let mut world = world();
        let second = SessionId(2);
        let alias = HostId(u32::MAX);
        let mut start = start_session();
        let mut slow = site();
        let politeness = &mut Arc::get_mut(&mut slow).expect("it is new").politeness;
        politeness.max_rate = Some(2.0);
        start.site = slow;
        let mut opened = opened();
        opened.session = second;
        let mut slower = Session::new(&opened, &start, Arc::new(Settings::default()), NOW);
        slower.enter(SessionState::Running);
        let slower = world.spawn(slower).id();
        let mut index = world.resource_mut::<SessionIndex>();
        index.entities.insert(second, slower);
        let mut index = world.resource_mut::<HostIndex>();
        let entity = index.entities[&HOST];
        index.entities.insert(alias, entity);
        let mut queues = world.resource_mut::<HostQueues>();
        queues.id(second, HOST);
        queues.id(SESSION, alias);
        queues.same_host(alias, HOST);
        set(&mut world, "politeness.max_rate", &json!(50)).expect("it is right");
        let rate = host(&mut world).pace.ceiling().max_rate;
        assert!((rate - 2.0).abs() < 1e-9, "{rate}");
    }
}

mod hosts {
    use super::*;

    fn world() -> World {
        let mut world = World::new();
        add_session(&mut world);
        add_host(&mut world);
        world.remove_resource::<SessionIndex>();
        add_clock(&mut world);
        world.init_resource::<Inbox>();
        world.init_resource::<HostQueues>();
        world.init_resource::<Timers>();
        world.init_resource::<Journal>();
        world
    }

    fn force(world: &mut World, host: &str, open: Option<bool>) -> Ack {
        let host = host.to_owned();
        let reply = send(world, Command::Breaker { host, open });
        run(world, force_breakers);
        answer(&reply)
    }

    #[test]
    fn a_person_holds_a_breaker_open_until_it_is_left_to_its_rule() {
        let mut world = world();
        add_held_queue(&mut world);
        let held = force(&mut world, "a.test", Some(true));
        assert_eq!(held, Ok(json!({ "host": "a.test", "open": true })));
        let breaker = &host(&mut world).breaker;
        assert_eq!(breaker.open_until(), Some(Duration::MAX));
        let moved = |to| Change::BreakerMoved { host: HOST, to };
        assert_eq!(journal(&mut world), [moved(BreakerPhase::Open)]);
        // Nobody is woken when it ends, since it does not end by itself.
        assert_eq!(world.resource::<Timers>().next(), None);
        force(&mut world, "a.test", None).expect("the host is known");
        assert_eq!(host(&mut world).breaker.phase(), BreakerPhase::Closed);
        assert_eq!(journal(&mut world), [moved(BreakerPhase::Closed)]);
        assert_eq!(woken(&world), Some(NOW));
    }

    #[test]
    fn a_breaker_that_is_held_already_moves_no_more() {
        let mut world = world();
        for _ in 0..2 {
            force(&mut world, "a.test", Some(false)).expect("the host is known");
        }
        let name = host(&mut world).name.to_string();
        force(&mut world, &name, Some(false)).expect("it is known as it is shown");
        assert_eq!(host(&mut world).breaker.phase(), BreakerPhase::Closed);
        assert_eq!(world.resource::<Timers>().next(), None);
    }

    #[test]
    fn a_host_that_nobody_knows_is_no_silent_success() {
        let mut world = world();
        let forced = force(&mut world, "b.test", Some(true));
        assert_eq!(forced, Err("no host \"b.test\" is known".to_owned()));
        assert_eq!(host(&mut world).breaker.phase(), BreakerPhase::Closed);
        assert!(journal(&mut world).is_empty());
    }
}

mod tasks {
    use super::*;

    fn world() -> World {
        let mut world = World::new();
        add_tasks(&mut world);
        add_session(&mut world);
        add_frontier(&mut world);
        world.init_resource::<Inbox>();
        world.init_resource::<StoreRequests>();
        world.init_resource::<PendingReplies>();
        world.init_resource::<PausedTasks>();
        world.init_resource::<DueSnapshots>();
        world
    }

    fn steer(world: &mut World, command: Command) -> Ack {
        let reply = send(world, command);
        run(world, steer_tasks);
        run(world, requeue_or_drop);
        answer(&reply)
    }

    fn drop_pages(keys: Vec<PageKey>) -> Command {
        let selector = DeadSelector {
            keys,
            ..DeadSelector::default()
        };
        let session = SESSION;
        Command::Drop { session, selector }
    }

    fn queue(world: &mut World) -> HostQueueId {
        world.resource_mut::<HostQueues>().id(SESSION, HOST)
    }

    fn waiting(world: &mut World) -> usize {
        let queue = queue(world);
        world.resource::<HostQueues>().get(queue).waiting()
    }

    #[test]
    fn a_parked_task_waits_in_its_queue_again_when_it_goes_on() {
        let mut world = world();
        let entity = add_task(&mut world, 1, DETAIL, TaskState::Queued);
        let key = key_of(&world, entity);
        let paused = steer(&mut world, Command::Pause(Target::Task(key)));
        assert_eq!(paused, Ok(json!({ "paused": true })));
        assert!(world.get::<Paused>(entity).is_some());
        world.resource_mut::<PausedTasks>().0.push(entity);
        let resumed = steer(&mut world, Command::Resume(Target::Task(key)));
        assert_eq!(resumed, Ok(json!({ "paused": false })));
        assert!(world.get::<Paused>(entity).is_none());
        assert!(world.resource::<PausedTasks>().0.is_empty());
        assert_eq!((waiting(&mut world), woken(&world)), (1, Some(NOW)));
    }

    #[test]
    fn a_task_that_was_not_parked_yet_stands_in_its_queue_once() {
        let mut world = world();
        let entity = add_task(&mut world, 1, DETAIL, TaskState::Queued);
        enqueue(&mut world, entity);
        let key = key_of(&world, entity);
        steer(&mut world, Command::Pause(Target::Task(key))).expect("it waits");
        steer(&mut world, Command::Resume(Target::Task(key))).expect("it waits");
        assert!(world.get::<Paused>(entity).is_none());
        assert_eq!(waiting(&mut world), 1);
    }

    #[test]
    fn a_task_outside_the_window_cannot_be_paused() {
        let mut world = world();
        let key = PageKey::new("shop", "detail", "https://a.test/d1");
        let paused = steer(&mut world, Command::Pause(Target::Task(key)));
        assert_eq!(paused, Err("the task is not in the window".to_owned()));
    }

    #[test]
    fn waiting_pages_that_are_named_are_dropped_without_asking_the_store() {
        let mut world = world();
        let queued = add_task(&mut world, 1, DETAIL, TaskState::Queued);
        let backoff = TaskState::Backoff {
            until_us: u64::MAX,
            cause: None,
        };
        let backoff = add_task(&mut world, 2, DETAIL, backoff);
        let keys = vec![key_of(&world, queued), key_of(&world, backoff)];
        let dropped = steer(&mut world, drop_pages(keys));
        assert_eq!(dropped, Ok(json!({ "pages": 2 })));
        assert_eq!(state_of(&mut world, queued), TaskState::Cancelled);
        assert_eq!(state_of(&mut world, backoff), TaskState::Cancelled);
        // The store learns how they ended, and nothing else is asked of it.
        let asked = requests(&mut world);
        let ends = asked.iter().all(
            |asked| matches!(&asked.verb, StoreVerb::End(end) if matches!(end.end, PageEnd::Cancelled)),
        );
        assert!(ends && asked.len() == 2, "{asked:?}");
        assert_eq!(world.resource::<Window>().leaving.len(), 2);
        assert!(world.resource::<Ledger>().stages_changed);
    }

    #[test]
    fn the_store_drops_what_is_not_in_memory_and_answers_for_all() {
        let mut world = world();
        let here = add_task(&mut world, 1, DETAIL, TaskState::Queued);
        let outside = PageKey::new("shop", "detail", "https://a.test/d2");
        let keys = vec![key_of(&world, here), outside];
        let reply = send(&mut world, drop_pages(keys));
        run(&mut world, requeue_or_drop);
        assert_eq!(reply.try_recv(), Err(TryRecvError::Empty));
        let asked = requests(&mut world);
        let last = asked.last().expect("the store is asked");
        assert_eq!(last.owner, Owner::Drop(SESSION, 1));
        let StoreVerb::Drop { selector, .. } = &last.verb else {
            panic!("{last:?}");
        };
        assert_eq!(selector.keys, [outside]);
        let replies = world.resource::<PendingReplies>();
        assert_eq!(replies.dropping[&1], (1, vec![outside]));
    }

    #[test]
    fn a_page_in_flight_is_not_dropped() {
        let mut world = world();
        world.init_resource::<Slots>();
        world.init_resource::<Permits>();
        let (id, entity) = add_fetching(&mut world, 1, DETAIL);
        let keys = vec![key_of(&world, entity)];
        let dropped = steer(&mut world, drop_pages(keys));
        assert_eq!(dropped, Ok(json!({ "pages": 0 })));
        assert_eq!(state_of(&mut world, entity), TaskState::Fetching(id));
        assert!(requests(&mut world).is_empty());
    }

    #[test]
    fn dead_letters_leave_the_window_before_the_store_requeues_them() {
        let mut world = world();
        let dead = add_task(&mut world, 1, DETAIL, TaskState::Dead(ErrorClass::Dns));
        let done = add_task(&mut world, 2, DETAIL, TaskState::Done);
        for entity in [dead, done] {
            world.resource_mut::<Window>().retire(entity, NOW);
        }
        let (session, selector) = (SESSION, DeadSelector::default());
        let reply = send(&mut world, Command::RequeueDead { session, selector });
        run(&mut world, requeue_or_drop);
        assert_eq!(reply.try_recv(), Err(TryRecvError::Empty));
        assert!(world.get_entity(dead).is_err());
        assert!(world.get_entity(done).is_ok());
        assert_eq!(journal(&mut world), [Change::Left { slot: 0 }]);
        let queue = queue(&mut world);
        let queue = world.resource::<HostQueues>().get(queue);
        assert_eq!((queue.gone.dead, queue.resident), (1, 1));
        let asked = requests(&mut world);
        assert_eq!(asked.len(), 1);
        assert_eq!(asked[0].owner, Owner::RequeueDead(SESSION, 1));
    }
}

mod inspect {
    use super::*;

    /// What `inspect_tasks` names; there is no window, so that there is room for one task only.
    fn world() -> World {
        let mut world = World::new();
        add_tasks(&mut world);
        add_session(&mut world);
        world.init_resource::<Inbox>();
        world.init_resource::<HostQueues>();
        world.init_resource::<StoreRequests>();
        world.init_resource::<PendingReplies>();
        world.init_resource::<Residents>();
        world.init_resource::<DispatchLimit>();
        world.init_resource::<StoreHealth>();
        world
    }

    fn inspect(world: &mut World, entity: Entity) -> Receiver<Ack> {
        let key = key_of(world, entity);
        let reply = send(world, Command::Inspect(key));
        run(world, inspect_tasks);
        reply
    }

    fn waits(reply: &Receiver<Ack>) -> Json {
        answer(reply).expect("the task is there")["waits"].clone()
    }

    fn was_sent(world: &mut World, entity: Entity) {
        run(world, move |mut tasks: Tasks| {
            tasks.charge(entity, |tries| tries.dispatched = 1);
        });
    }

    #[test]
    fn a_task_that_was_never_sent_is_answered_without_the_store() {
        let mut world = world();
        let entity = add_task(&mut world, 1, DETAIL, TaskState::Queued);
        let queue = enqueue(&mut world, entity);
        let mut queues = world.resource_mut::<HostQueues>();
        queues.hold(queue, WaitReason::Breaker);
        let reply = inspect(&mut world, entity);
        let expected = json!({
            "url": "https://a.test/d1",
            "state": "queued",
            "waits": "breaker",
            "attempts": [],
        });
        assert_eq!(answer(&reply), Ok(expected));
        assert!(requests(&mut world).is_empty());
    }

    #[test]
    fn the_store_is_asked_for_the_attempts_of_a_task_that_was_sent() {
        let mut world = world();
        let entity = add_task(&mut world, 1, DETAIL, TaskState::Queued);
        was_sent(&mut world, entity);
        let reply = inspect(&mut world, entity);
        assert_eq!(reply.try_recv(), Err(TryRecvError::Empty));
        let asked = requests(&mut world);
        assert_eq!(asked.len(), 1);
        assert_eq!(asked[0].owner, Owner::Inspect(1));
        let key = key_of(&world, entity);
        assert!(matches!(asked[0].verb, StoreVerb::Attempts { key: of, .. } if of == key));
        // Its receipt answers.
        let mut replies = world.resource_mut::<PendingReplies>();
        replies.inspected(1, Vec::new());
        assert_eq!(answer(&reply).expect("it is there")["state"], "queued");
    }

    #[test]
    fn a_store_in_trouble_is_not_waited_for() {
        let mut world = world();
        let entity = add_task(&mut world, 1, DETAIL, TaskState::Done);
        was_sent(&mut world, entity);
        world.resource_mut::<StoreHealth>().trouble = Some("it is locked".to_owned());
        let reply = inspect(&mut world, entity);
        let inspected = answer(&reply).expect("the task is there");
        assert_eq!(inspected["state"], "done");
        assert_eq!(inspected["attempts"], json!([]));
        assert!(requests(&mut world).is_empty());
    }

    #[test]
    fn a_task_says_why_it_waits() {
        let mut paused = world();
        let entity = add_task(&mut paused, 1, DETAIL, TaskState::Queued);
        paused.entity_mut(entity).insert(Paused);
        let reply = inspect(&mut paused, entity);
        assert_eq!(waits(&reply), "a person paused it");

        let mut limited = world();
        let entity = add_task(&mut limited, 1, DETAIL, TaskState::Queued);
        enqueue(&mut limited, entity);
        limited.resource_mut::<DispatchLimit>().limited = Some(WaitReason::HttpPermits);
        let reply = inspect(&mut limited, entity);
        assert_eq!(waits(&reply), "http_permits");

        let mut backoff = world();
        let until = NOW + Duration::from_millis(1_500);
        let state = TaskState::Backoff {
            until_us: u64::try_from(until.as_micros()).expect("it is soon"),
            cause: Some(ErrorClass::Reset),
        };
        let entity = add_task(&mut backoff, 1, DETAIL, state);
        let reply = inspect(&mut backoff, entity);
        assert_eq!(waits(&reply), "backoff after reset: 1500 ms left");
    }

    #[test]
    fn a_task_outside_the_window_is_not_found() {
        let mut world = world();
        let key = PageKey::new("shop", "detail", "https://a.test/d1");
        let reply = send(&mut world, Command::Inspect(key));
        run(&mut world, inspect_tasks);
        assert_eq!(
            answer(&reply),
            Err("the task is not in the window".to_owned())
        );
    }
}

mod recall {
    use super::*;

    /// What `call_back` names, with a session that was cancelled at once.
    fn world() -> World {
        let mut world = World::new();
        add_tasks(&mut world);
        add_session(&mut world);
        change_session(&mut world, |session| {
            session.enter(draining(true, Ending::Stopped(None)));
        });
        world.insert_resource(Recall(true));
        world.init_resource::<Slots>();
        world.init_resource::<Permits>();
        world.init_resource::<ParseQueue>();
        world.init_resource::<Stats>();
        world.init_resource::<Outbox>();
        world.init_resource::<StoreRequests>();
        world
    }

    fn queued(world: &World) -> u64 {
        let book = world.resource::<Ledger>().book(SESSION);
        book.map_or(0, |book| book.total[Phase::Queued as usize])
    }

    #[test]
    fn a_fetch_that_is_called_back_is_aborted_and_keeps_its_permit_until_its_report() {
        let mut world = world();
        let (id, entity) = add_fetching(&mut world, 1, LIST);
        run(&mut world, call_back);
        let orders = &world.resource::<Outbox>().orders;
        assert!(matches!(orders.front(), Some(Order::Abort(of)) if *of == id));
        assert_eq!(orders.len(), 1);
        assert_eq!(state_of(&mut world, entity), TaskState::Fetching(id));
        assert_eq!(world.resource::<Permits>().http.used, 1);
        assert!(requests(&mut world).is_empty());
        assert!(!world.resource::<Recall>().0);
    }

    #[test]
    fn what_came_back_is_thrown_away_with_all_that_it_holds() {
        let mut world = world();
        let (parsing, first) = add_flying(&mut world, 1, DETAIL, TaskState::Parsing);
        let (parsed, second) = add_flying(&mut world, 2, DETAIL, TaskState::Parsed);
        world.resource_mut::<ParseQueue>().alone = Some(parsing);
        let mut permits = world.resource_mut::<Permits>();
        permits.cpu.take(1);
        permits.memory.take(300);
        let mut slots = world.resource_mut::<Slots>();
        slots.get_mut(parsing).expect("it is out").cpu = true;
        slots.flight_mut(parsing).memory = 100;
        slots.flight_mut(parsed).memory = 200;
        let mut stats = world.resource_mut::<Stats>();
        stats.began(SESSION, Step::Parse, DETAIL);
        run(&mut world, call_back);
        let mut stats = world.resource_mut::<Stats>();
        assert_eq!(stats.work(SESSION, Step::Parse, DETAIL).active, 0);
        for (id, entity) in [(parsing, first), (parsed, second)] {
            assert_eq!(state_of(&mut world, entity), TaskState::Queued);
            assert!(world.resource::<Slots>().get(id).is_none());
        }
        let permits = world.resource::<Permits>();
        assert_eq!((permits.cpu.used, permits.memory.used), (0, 0));
        assert_eq!(world.resource::<ParseQueue>().alone, None);
        assert_eq!(queued(&world), 2);
        let asked = requests(&mut world);
        let put_back = asked.iter().filter(
            |asked| matches!(&asked.verb, StoreVerb::End(end) if matches!(end.end, PageEnd::Queued)),
        );
        assert_eq!((put_back.count(), asked.len()), (2, 2));
        assert!(world.resource::<Outbox>().orders.is_empty());
    }

    #[test]
    fn what_the_store_has_already_is_saved() {
        let mut world = world();
        let (id, entity) = add_flying(&mut world, 1, DETAIL, TaskState::Saving);
        run(&mut world, call_back);
        assert_eq!(state_of(&mut world, entity), TaskState::Saving(id));
        assert!(world.resource::<Slots>().get(id).is_some());
    }

    #[test]
    fn a_session_that_only_drains_keeps_what_is_in_flight() {
        let mut world = world();
        change_session(&mut world, |session| {
            session.enter(draining(false, Ending::Stopped(None)));
        });
        let (fetching, _) = add_fetching(&mut world, 1, LIST);
        let (parsed, second) = add_flying(&mut world, 2, DETAIL, TaskState::Parsed);
        run(&mut world, call_back);
        assert!(world.resource::<Outbox>().orders.is_empty());
        assert!(world.resource::<Slots>().get(fetching).is_some());
        assert_eq!(state_of(&mut world, second), TaskState::Parsed(parsed));
        assert!(!world.resource::<Recall>().0);
    }
}
