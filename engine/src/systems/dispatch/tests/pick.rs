//! Which pages are sent next, and which are not.

use std::{sync::Arc, time::Duration};

use bevy_ecs::{entity::Entity, world::World};

use super::waiting;
use crate::{
    message::orders::Purpose,
    model::{
        class::{ErrorClass, SkipReason, WaitReason},
        page_url::PageUrl,
        session_state::{Budget, Ending, SessionState},
        stage_state::StageState,
    },
    politeness::{
        pace::{Ceiling, Learned, Pace, Signal},
        robots::Robots,
    },
    systems::{
        dispatch::{pick::pick_queued, send::Request, turn_away::TurnedAway},
        tests::{
            DETAIL, HOST, LIST, NOW, SESSION, add_host, add_session, add_tasks, batch, change_host,
            change_session, change_settings, change_site, charge, host, run, session, take_left,
        },
    },
    world::{
        condition::DispatchLimit,
        host::RobotsKnown,
        host_queue::{HostQueueId, HostQueues, LowQueues},
        ledger::Ledger,
        permits::{Permit, Permits},
        queue::Queue,
        slots::Owner,
        task::{Hop, Paused},
    },
};

/// A host that allows all, at any pace.
fn pick_world() -> World {
    let mut world = World::new();
    add_tasks(&mut world);
    add_session(&mut world);
    add_host(&mut world);
    world.init_resource::<HostQueues>();
    world.init_resource::<LowQueues>();
    world.init_resource::<Queue<Request>>();
    world.init_resource::<Queue<TurnedAway>>();
    world.insert_resource(DispatchLimit {
        slots: 100,
        ..DispatchLimit::default()
    });
    let http = Permit { limit: 8, used: 0 };
    world.insert_resource(Permits {
        http,
        ..Permits::default()
    });
    let ceiling = Ceiling {
        max_rate: 1e6,
        max_in_flight: 100,
        crawl_delay: None,
    };
    let learned = Learned {
        limit: 100,
        ..Learned::default()
    };
    change_host(&mut world, |host| {
        host.pace = Pace::new(ceiling, Some(&learned), NOW);
    });
    allow(&mut world, "");
    world
}

fn allow(world: &mut World, rules: &str) {
    let rules = Arc::new(Robots::parse(rules.as_bytes(), "Crawlfield"));
    let until = Duration::MAX;
    change_host(world, |host| {
        host.robots = RobotsKnown::Read { rules, until }
    });
}

/// Whose requests are sent.
fn pick(world: &mut World) -> Vec<Owner> {
    run(world, pick_queued);
    let sent = take_left::<Request>(world);
    sent.iter().map(|request| request.owner).collect()
}

fn tasks(entities: &[Entity]) -> Vec<Owner> {
    entities.iter().copied().map(Owner::Task).collect()
}

fn turned(world: &mut World) -> Vec<TurnedAway> {
    take_left::<TurnedAway>(world)
}

fn queue(world: &World) -> HostQueueId {
    world.resource::<HostQueues>().at_host(HOST)[0]
}

/// Why the queue is not looked at, and when it is next.
fn held(world: &World) -> (Option<WaitReason>, Option<Duration>) {
    let queues = world.resource::<HostQueues>();
    (queues.get(queue(world)).held, queues.next(SESSION))
}

fn left_waiting(world: &World) -> usize {
    world.resource::<HostQueues>().get(queue(world)).waiting()
}

#[test]
fn pages_go_in_their_order_and_each_takes_its_permits() {
    let mut world = pick_world();
    let second = waiting(&mut world, 2, LIST);
    let detail = waiting(&mut world, 3, DETAIL);
    let first = waiting(&mut world, 1, LIST);
    assert_eq!(pick(&mut world), tasks(&[first, second, detail]));
    assert_eq!(world.resource::<Permits>().http.used, 3);
    assert_eq!(host(&mut world).pace.in_flight(), 3);
    assert_eq!(host(&mut world).sent, 3);
    let of = session(&mut world);
    assert_eq!((of.requests, of.pages), (3, 3));
    assert_eq!(world.resource::<DispatchLimit>().slots, 97);
    assert_eq!(left_waiting(&world), 0);
}

#[test]
fn a_page_asked_for_before_is_a_request_more_and_no_page_more() {
    let mut world = pick_world();
    let entity = waiting(&mut world, 1, LIST);
    charge(&mut world, entity, |tries| tries.dispatched = 1);
    pick(&mut world);
    let of = session(&mut world);
    assert_eq!((of.requests, of.pages), (1, 0));
}

#[test]
fn a_redirected_page_is_asked_for_where_it_leads() {
    let mut world = pick_world();
    let entity = waiting(&mut world, 1, LIST);
    let url = PageUrl::from("https://a.test/moved");
    world.entity_mut(entity).insert(Hop {
        url: url.clone(),
        count: 2,
        host: HOST,
        visited: Vec::new(),
        spent: Duration::from_secs(4),
    });
    run(&mut world, pick_queued);
    let sent = take_left::<Request>(&mut world);
    assert_eq!(sent.len(), 1);
    assert_eq!(&*sent[0].url, "https://a.test/moved");
    let flight = sent[0].flight.as_ref().expect("a page has a flight");
    assert_eq!(flight.began, NOW.saturating_sub(Duration::from_secs(4)));
    assert!(flight.mark.is_kept());
    assert_eq!(flight.hop.as_ref().map(|hop| hop.count), Some(2));
}

#[test]
fn a_host_is_asked_as_fast_as_its_pace_allows() {
    let mut world = pick_world();
    change_host(&mut world, |host| {
        host.pace.set_ceiling(Ceiling {
            max_rate: 4.0,
            max_in_flight: 4,
            crawl_delay: None,
        });
    });
    let first = waiting(&mut world, 1, LIST);
    waiting(&mut world, 2, LIST);
    assert_eq!(pick(&mut world), tasks(&[first]));
    let next = NOW + Duration::from_millis(250);
    assert_eq!(held(&world), (Some(WaitReason::Pace), Some(next)));
}

#[test]
fn an_unread_robots_is_asked_for_once_and_waited_for() {
    let mut world = pick_world();
    change_host(&mut world, |host| host.robots = RobotsKnown::Unread);
    waiting(&mut world, 1, LIST);
    waiting(&mut world, 2, LIST);
    run(&mut world, pick_queued);
    let sent = take_left::<Request>(&mut world);
    assert_eq!(sent.len(), 1);
    assert_eq!(
        (sent[0].owner, sent[0].purpose),
        (Owner::Robots(HOST), Purpose::Robots)
    );
    assert_eq!(&*sent[0].url, "https://a.test:443/robots.txt");
    assert_eq!(held(&world), (Some(WaitReason::RobotsUnread), None));
    assert_eq!(world.resource::<Permits>().http.used, 1);
    // Somebody wakes the queue before the answer.
    let id = queue(&world);
    world.resource_mut::<HostQueues>().arm(id, NOW);
    assert_eq!(pick(&mut world), []);
    assert_eq!(left_waiting(&world), 2);
    assert_eq!(session(&mut world).requests, 0);
}

#[test]
fn a_robots_whose_time_is_over_is_asked_for_again() {
    let mut world = pick_world();
    let rules = Arc::new(Robots::allow_all());
    let until = NOW;
    change_host(&mut world, |host| {
        host.robots = RobotsKnown::Read { rules, until }
    });
    waiting(&mut world, 1, LIST);
    assert_eq!(pick(&mut world), [Owner::Robots(HOST)]);
}

#[test]
fn a_robots_that_leads_to_a_host_never_seen_waits_until_that_is_admitted() {
    let mut world = pick_world();
    change_host(&mut world, |host| {
        host.robots = RobotsKnown::Redirected {
            tries: 0,
            hops: 1,
            to: PageUrl::from("https://b.test/robots.txt"),
        };
    });
    waiting(&mut world, 1, LIST);
    assert_eq!(pick(&mut world), []);
    let next = NOW + Duration::from_millis(1);
    assert_eq!(held(&world), (Some(WaitReason::RobotsUnread), Some(next)));
    let index = world.resource::<crate::world::host::HostIndex>();
    assert_eq!(index.seen.len(), 1);
}

#[test]
fn pages_that_robots_forbid_are_turned_away_and_others_sent() {
    let mut world = pick_world();
    allow(&mut world, "User-agent: *\nDisallow: /p1");
    let forbidden = waiting(&mut world, 1, LIST);
    let allowed = waiting(&mut world, 2, LIST);
    assert_eq!(pick(&mut world), tasks(&[allowed]));
    let turned = turned(&mut world);
    assert!(matches!(turned[..],
        [TurnedAway::Skip(entity, SkipReason::Robots)] if entity == forbidden));
    assert_eq!(session(&mut world).pages, 1);
}

#[test]
fn all_pages_of_a_host_fail_whose_robots_stays_unreadable() {
    let mut world = pick_world();
    let again = NOW + Duration::from_secs(5);
    for tries in [2, 3] {
        change_host(&mut world, |host| {
            let why = "status 500".to_owned();
            host.robots = RobotsKnown::Unreachable { again, tries, why };
        });
        let n = u64::from(tries) * 10;
        waiting(&mut world, n, LIST);
        waiting(&mut world, n + 1, LIST);
        let id = queue(&world);
        world.resource_mut::<HostQueues>().arm(id, NOW);
        assert_eq!(pick(&mut world), []);
        let turned = turned(&mut world);
        if tries == 2 {
            assert!(turned.is_empty());
            let why = Some(WaitReason::RobotsUnread);
            assert_eq!(held(&world), (why, Some(again)));
        } else {
            assert_eq!(turned.len(), 4);
            assert!(turned.iter().all(|turned| matches!(turned,
                TurnedAway::Fail(_, ErrorClass::Robots, why) if why.contains("status 500"))));
        }
    }
}

/// The host asks to be left alone for so long.
fn ask_to_wait(world: &mut World, wait: Duration) {
    change_host(world, |host| {
        host.pace.on_sent(NOW);
        host.pace.on_answer(NOW, NOW, Signal::Throttled(Some(wait)));
    });
}

#[test]
fn a_host_that_asks_to_wait_is_waited_for() {
    let mut world = pick_world();
    let wait = Duration::from_hours(23);
    ask_to_wait(&mut world, wait);
    waiting(&mut world, 1, LIST);
    assert_eq!(pick(&mut world), []);
    let why = Some(WaitReason::RetryAfter);
    assert_eq!(held(&world), (why, Some(NOW + wait)));
    assert!(turned(&mut world).is_empty());
}

#[test]
fn all_pages_of_a_host_fail_that_asks_to_wait_for_longer_than_is_waited() {
    let mut world = pick_world();
    ask_to_wait(&mut world, Duration::from_hours(25));
    waiting(&mut world, 1, LIST);
    waiting(&mut world, 2, LIST);
    assert_eq!(pick(&mut world), []);
    let turned = turned(&mut world);
    assert_eq!(turned.len(), 2);
    assert!(
        turned
            .iter()
            .all(|turned| matches!(turned, TurnedAway::Fail(_, ErrorClass::HostParked, _)))
    );
    assert_eq!(left_waiting(&world), 0);
}

#[test]
fn a_host_whose_breaker_a_person_holds_open_waits_until_it_is_woken() {
    let mut world = pick_world();
    change_host(&mut world, |host| {
        host.breaker.hold_open();
    });
    waiting(&mut world, 1, LIST);
    assert_eq!(pick(&mut world), []);
    assert_eq!(held(&world), (Some(WaitReason::Breaker), None));
    assert!(turned(&mut world).is_empty());
}

#[test]
fn a_batch_that_has_not_begun_waits() {
    let mut world = pick_world();
    waiting(&mut world, 1, LIST);
    change_session(&mut world, |session| session.opened.clear());
    assert_eq!(pick(&mut world), []);
    assert_eq!(held(&world), (Some(WaitReason::BatchNotBegun), None));
    assert_eq!(left_waiting(&world), 1);
}

fn raise_barrier(world: &mut World) {
    let detail = "[stages.detail]\n";
    let barred = format!("{detail}barrier = true\n");
    change_site(world, detail, &barred);
}

#[test]
fn a_barrier_holds_its_stage_until_what_leads_to_it_has_ended() {
    let mut world = pick_world();
    raise_barrier(&mut world);
    let entity = waiting(&mut world, 1, DETAIL);
    assert_eq!(pick(&mut world), []);
    assert_eq!(held(&world), (Some(WaitReason::BatchNotBegun), None));
    assert_eq!(left_waiting(&world), 1);
    assert!(turned(&mut world).is_empty());
    batch(&mut world).stages[0].enter(StageState::Success);
    let id = queue(&world);
    world.resource_mut::<HostQueues>().arm(id, NOW);
    assert_eq!(pick(&mut world), tasks(&[entity]));
}

#[test]
fn a_barrier_makes_room_for_pages_that_stand_behind_it_in_the_store() {
    let mut world = pick_world();
    raise_barrier(&mut world);
    let barred = waiting(&mut world, 1, DETAIL);
    let id = queue(&world);
    world.resource_mut::<HostQueues>().get_mut(id).outside = 1;
    assert_eq!(pick(&mut world), []);
    let turned = turned(&mut world);
    assert!(matches!(turned[..], [TurnedAway::Evict(entity)] if entity == barred));
    assert_eq!(world.resource::<LowQueues>().0, [id]);
}

#[test]
fn a_page_that_a_person_paused_is_parked_and_the_next_one_sent() {
    let mut world = pick_world();
    let paused = waiting(&mut world, 1, LIST);
    let next = waiting(&mut world, 2, LIST);
    world.entity_mut(paused).insert(Paused);
    assert_eq!(pick(&mut world), tasks(&[next]));
    let turned = turned(&mut world);
    assert!(matches!(turned[..], [TurnedAway::Park(entity)] if entity == paused));
}

#[test]
fn a_page_that_left_while_it_waited_is_passed_over() {
    let mut world = pick_world();
    let gone = waiting(&mut world, 1, LIST);
    let next = waiting(&mut world, 2, LIST);
    world.despawn(gone);
    assert_eq!(pick(&mut world), tasks(&[next]));
    assert!(turned(&mut world).is_empty());
}

#[test]
fn a_session_whose_budget_of_pages_is_used_up_drains_and_its_pages_wait() {
    let mut world = pick_world();
    change_settings(&mut world, |settings| settings.bounds.max_pages = Some(1));
    // One that was asked for before is no page more.
    let again = waiting(&mut world, 1, LIST);
    charge(&mut world, again, |tries| tries.dispatched = 1);
    let new = waiting(&mut world, 2, LIST);
    waiting(&mut world, 3, LIST);
    assert_eq!(pick(&mut world), tasks(&[again, new]));
    assert_eq!(left_waiting(&world), 1);
    let draining = SessionState::Draining {
        at_once: false,
        then: Ending::Stopped(Some(Budget::Pages)),
    };
    assert_eq!(*session(&mut world).state(), draining);
    assert!(world.resource::<Ledger>().stages_changed);
}

#[test]
fn a_session_whose_budget_of_bytes_is_used_up_drains() {
    let mut world = pick_world();
    change_settings(&mut world, |settings| settings.bounds.max_bytes = Some(50));
    // Earlier runs of it do not count.
    change_session(&mut world, |session| session.bytes_before = 100);
    for (bytes, is_sent) in [(149, true), (150, false)] {
        let mut ledger = world.resource_mut::<Ledger>();
        ledger.book_mut(SESSION).bytes = bytes;
        waiting(&mut world, bytes, LIST);
        assert_eq!(pick(&mut world).len(), usize::from(is_sent), "{bytes}");
    }
    assert!(!session(&mut world).is_open());
}

#[test]
fn nothing_more_is_sent_than_there_are_permits_and_the_queue_is_looked_at_again() {
    let mut world = pick_world();
    world.resource_mut::<Permits>().http.limit = 1;
    let first = waiting(&mut world, 1, LIST);
    let second = waiting(&mut world, 2, LIST);
    assert_eq!(pick(&mut world), tasks(&[first]));
    let limit = world.resource::<DispatchLimit>();
    assert_eq!(limit.limited, Some(WaitReason::HttpPermits));
    assert_eq!(held(&world), (None, Some(NOW)));
    world.resource_mut::<Permits>().http.give(1);
    world.resource_mut::<DispatchLimit>().limited = None;
    assert_eq!(pick(&mut world), tasks(&[second]));
}

#[test]
fn what_is_lacking_is_found_by_whoever_may_be_sent_next() {
    for (lacking, slots) in [
        (Some(WaitReason::Memory), 9),
        (Some(WaitReason::BackPressure), 0),
    ] {
        let mut world = pick_world();
        let mut limit = world.resource_mut::<DispatchLimit>();
        (limit.lacking, limit.slots) = (lacking, slots);
        assert_eq!(pick(&mut world), []);
        assert_eq!(world.resource::<DispatchLimit>().limited, None);
        waiting(&mut world, 1, LIST);
        assert_eq!(pick(&mut world), []);
        assert_eq!(world.resource::<DispatchLimit>().limited, lacking);
        assert_eq!(left_waiting(&world), 1);
    }
}

#[test]
fn a_paused_session_sends_only_in_a_step_of_a_person() {
    let mut world = pick_world();
    change_session(&mut world, |session| {
        session.enter(SessionState::Paused);
    });
    let entity = waiting(&mut world, 1, LIST);
    assert_eq!(pick(&mut world), []);
    world.resource_mut::<DispatchLimit>().is_step = true;
    assert_eq!(pick(&mut world), tasks(&[entity]));
}
