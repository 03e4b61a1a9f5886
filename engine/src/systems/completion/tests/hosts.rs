//! What answers say of hosts: health and our network, robots.txt, and hosts seen for the first time.

use std::{sync::Arc, time::Duration};

use bevy_ecs::world::World;

use super::TOOK;
use crate::{
    feed::frame::Change,
    message::reports::{FetchFailure, Outcome},
    model::{
        class::{ErrorClass, WaitReason},
        ids::{HostId, OrderId, SessionId},
        phase::BreakerPhase,
    },
    politeness::{
        breaker::Health,
        pace::{Ceiling, Signal},
        robots::Robots,
    },
    systems::{
        completion::{
            HostAnswered, RobotsReport, host_health::update_hosts, new_hosts::admit_hosts,
            robots::read_robots,
        },
        tests::{
            DETAIL, HOST, NOW, SESSION, add_clock, add_host, add_other_host, add_session,
            add_settings, add_task, add_tasks, answer, answer_with, change_host, charge, enqueue,
            host, host_key, journal, leave, notices, run, take_left, timer, tries,
        },
    },
    world::{
        condition::NetworkWatch,
        host::{HostIndex, RobotsKnown},
        host_queue::HostQueues,
        journal::Journal,
        ledger::Ledger,
        permits::Permits,
        queue::Queue,
        residents::Residents,
        slots::{Owner, Slots},
        task::Task,
        task_state::TaskState,
        timers::{Due, Timers},
    },
};

fn health_world() -> World {
    let mut world = World::new();
    add_tasks(&mut world);
    add_session(&mut world);
    add_host(&mut world);
    world.init_resource::<NetworkWatch>();
    world.init_resource::<HostQueues>();
    world.init_resource::<Timers>();
    world.init_resource::<Residents>();
    world.init_resource::<Queue<HostAnswered>>();
    world
}

fn answered(health: Health, failed: Option<ErrorClass>) -> HostAnswered {
    HostAnswered {
        host: HOST,
        sent: NOW.saturating_sub(TOOK),
        signal: Signal::Neutral,
        health,
        failed,
    }
}

/// Our network is down: no host can be connected to.
fn go_offline(world: &mut World) {
    add_other_host(world, HostId(2), "https://b.test/");
    add_other_host(world, HostId(3), "https://c.test/");
    for host in [HOST, HostId(2), HostId(3)] {
        let failed = answered(Health::Bad, Some(ErrorClass::Connect));
        leave(world, HostAnswered { host, ..failed });
    }
    run(world, update_hosts);
}

#[test]
fn a_host_that_fails_often_is_left_alone_until_its_breaker_lets_it_be_probed() {
    let mut world = health_world();
    for _ in 0..20 {
        let failed = Some(ErrorClass::HttpServer);
        leave(&mut world, answered(Health::Bad, failed));
    }
    run(&mut world, update_hosts);
    let until = host(&mut world).breaker.open_until();
    let until = until.expect("its breaker is open");
    assert!(until > NOW);
    let to = BreakerPhase::Open;
    assert_eq!(
        journal(&mut world),
        [Change::BreakerMoved { host: HOST, to }]
    );
    let (at, due) = timer(&mut world).expect("it is looked at again");
    assert_eq!(due, Due::Host(HOST));
    assert!(at >= until && at < until + Duration::from_millis(1));
}

#[test]
fn an_answer_frees_its_place_at_the_host_and_fills_the_budget_of_retries_if_good() {
    let mut world = health_world();
    change_host(&mut world, |host| {
        host.pace.on_sent(NOW);
        host.pace.on_sent(NOW);
        while host.budget.try_take(NOW).is_ok() {}
    });
    let good = HostAnswered {
        sent: NOW,
        ..answered(Health::Good, None)
    };
    leave(&mut world, good);
    leave(&mut world, good);
    run(&mut world, update_hosts);
    change_host(&mut world, |host| {
        assert_eq!(host.pace.in_flight(), 0);
        assert!(host.budget.try_take(NOW).is_ok());
    });
}

#[test]
fn a_hosts_share_of_failures_leaves_out_what_we_broke_off_ourselves() {
    let mut world = health_world();
    let ended = [
        answered(Health::Bad, Some(ErrorClass::TimeoutWhole)),
        HostAnswered {
            signal: Signal::Throttled(None),
            ..answered(Health::Neutral, None)
        },
        // A 404, and pages.
        answered(Health::Good, None),
        HostAnswered {
            signal: Signal::Good(TOOK / 2),
            ..answered(Health::Good, None)
        },
        HostAnswered {
            signal: Signal::Good(TOOK / 2),
            ..answered(Health::Good, None)
        },
        answered(Health::Neutral, Some(ErrorClass::Aborted)),
    ];
    for answer in ended {
        leave(&mut world, answer);
    }
    run(&mut world, update_hosts);
    change_host(&mut world, |host| {
        assert_eq!(host.answers.figures(NOW).errors, Some(0.4));
    });
}

/// What becomes of a page's three failed attempts when our network turns out to be down; whether
/// its stage is excused.
fn wronged(state: TaskState) -> (u16, bool) {
    let mut world = health_world();
    let entity = add_task(&mut world, 1, DETAIL, state);
    charge(&mut world, entity, |tries| tries.failed = 3);
    let task = world.get::<Task>(entity).expect("it is a task").identity;
    let of = (task.session, task.batch, task.stage);
    let mut network = world.resource_mut::<NetworkWatch>();
    network.remember(NOW, of, task.key);
    go_offline(&mut world);
    let network = world.resource::<NetworkWatch>();
    assert!(network.offline.is_offline());
    let is_excused = network.excused.contains(&of);
    (tries(&mut world, entity).failed, is_excused)
}

#[test]
fn when_our_network_is_down_it_is_probed_soon_and_people_are_told() {
    let mut world = health_world();
    go_offline(&mut world);
    let probe = (NOW + Duration::from_secs(1), Due::Probe);
    assert_eq!(timer(&mut world), Some(probe));
    let told = notices(&mut world);
    assert_eq!(
        told,
        ["our own network seems down: dispatch rests and probes"]
    );
}

#[test]
fn an_attempt_that_our_network_cost_is_given_back_or_its_stage_excused() {
    let waits = TaskState::Backoff {
        until_us: 200_000_000,
        cause: Some(ErrorClass::Connect),
    };
    assert_eq!(wronged(waits), (2, false));
    // Whoever has used all attempts up is its stage's to judge.
    let failed = TaskState::Failed(ErrorClass::Connect);
    assert_eq!(wronged(failed), (3, true));
}

/// A page waits in the host's queue, which is not looked at.
fn hold(world: &mut World, why: WaitReason) {
    let task = add_task(world, 1, DETAIL, TaskState::Queued);
    let queue = enqueue(world, task);
    world.resource_mut::<HostQueues>().hold(queue, why);
}

#[test]
fn whoever_waits_for_a_place_at_the_host_is_looked_at_when_one_is_free() {
    let mut world = health_world();
    hold(&mut world, WaitReason::HostLimit);
    leave(&mut world, answered(Health::Neutral, None));
    run(&mut world, update_hosts);
    assert_eq!(world.resource::<HostQueues>().next(SESSION), Some(NOW));
}

#[test]
fn when_our_network_is_back_the_queues_of_all_hosts_are_looked_at_again() {
    let mut world = health_world();
    go_offline(&mut world);
    hold(&mut world, WaitReason::Offline);
    let other = HostAnswered {
        host: HostId(2),
        ..answered(Health::Good, None)
    };
    leave(&mut world, other);
    run(&mut world, update_hosts);
    assert!(!world.resource::<NetworkWatch>().offline.is_offline());
    assert_eq!(world.resource::<HostQueues>().next(SESSION), Some(NOW));
    assert!(world.resource::<Ledger>().stages_changed);
    assert!(notices(&mut world).contains(&"the network is back".to_owned()));
}

fn admit_world() -> World {
    let mut world = World::new();
    add_clock(&mut world);
    add_session(&mut world);
    world.init_resource::<HostIndex>();
    world.init_resource::<HostQueues>();
    world.init_resource::<Journal>();
    world
}

fn see(world: &mut World, id: HostId, session: SessionId) {
    let mut index = world.resource_mut::<HostIndex>();
    index.see(id, &host_key("https://a.test/"), session, None);
}

#[test]
fn a_host_seen_for_the_first_time_can_be_asked_and_is_told_of() {
    let mut world = admit_world();
    see(&mut world, HOST, SESSION);
    run(&mut world, admit_hosts);
    let entity = world.resource::<HostIndex>().entities[&HOST];
    assert_eq!(host(&mut world).id, HOST);
    assert!(world.get::<crate::world::host::Host>(entity).is_some());
    assert!(world.resource::<HostIndex>().seen.is_empty());
    let told = Change::HostAdmitted {
        host: HOST,
        name: Arc::from("a.test"),
    };
    assert_eq!(journal(&mut world), [told]);
}

#[test]
fn the_lowest_ceiling_of_its_sessions_holds_at_a_host() {
    let mut world = admit_world();
    add_host(&mut world);
    let delay = Some(Duration::from_secs(3));
    let ceiling = |max_rate, max_in_flight| Ceiling {
        max_rate,
        max_in_flight,
        crawl_delay: delay,
    };
    // The session's own are 4 requests a second and 4 in flight.
    for (before, after) in [
        (ceiling(100.0, 1), ceiling(4.0, 1)),
        (ceiling(1.0, 50), ceiling(1.0, 4)),
    ] {
        change_host(&mut world, |host| host.pace.set_ceiling(before));
        see(&mut world, HOST, SESSION);
        run(&mut world, admit_hosts);
        assert_eq!(*host(&mut world).pace.ceiling(), after);
    }
    assert!(journal(&mut world).is_empty());
}

#[test]
fn two_numbers_of_one_host_are_one_host() {
    let mut world = admit_world();
    let entity = add_host(&mut world);
    let other = HostId(9);
    let mut queues = world.resource_mut::<HostQueues>();
    let queue = queues.id(SESSION, other);
    see(&mut world, other, SESSION);
    run(&mut world, admit_hosts);
    assert_eq!(world.resource::<HostIndex>().entities[&other], entity);
    assert_eq!(host(&mut world).id, HOST);
    let queues = world.resource::<HostQueues>();
    assert_eq!(queues.at_host(HOST).as_slice(), [queue]);
}

fn robots_world() -> World {
    let mut world = World::new();
    add_clock(&mut world);
    add_session(&mut world);
    add_host(&mut world);
    add_settings(&mut world);
    world.init_resource::<Slots>();
    world.init_resource::<Permits>();
    world.init_resource::<Timers>();
    world.init_resource::<Queue<RobotsReport>>();
    world.init_resource::<HostQueues>();
    world.init_resource::<Queue<HostAnswered>>();
    let first = world.spawn_empty().id();
    let mut queues = world.resource_mut::<HostQueues>();
    let queue = queues.id(SESSION, HOST);
    let rank = (crate::systems::tests::BATCH, 0, crate::model::ids::Seq(1));
    queues.enqueue(queue, rank, first, NOW);
    queues.hold(queue, WaitReason::RobotsUnread);
    asked(&mut world, 0, 0);
    world
}

fn asked(world: &mut World, tries: u32, hops: u16) {
    change_host(world, |host| {
        host.robots = RobotsKnown::Asked { tries, hops }
    });
}

fn read(world: &mut World, outcome: Outcome) -> RobotsKnown {
    reported(world, Owner::Robots(HOST), outcome);
    host(world).robots.clone()
}

fn reported(world: &mut World, owner: Owner, outcome: Outcome) -> OrderId {
    let mut slots = world.resource_mut::<Slots>();
    let id = slots.open(owner, NOW).expect("a slot is free");
    slots.get_mut(id).expect("it is open").http = Some(HOST);
    world.resource_mut::<Permits>().http.take(1);
    let is_probe = matches!(owner, Owner::Probe(_));
    let report = RobotsReport {
        id,
        host: HOST,
        is_probe,
        outcome,
    };
    leave(world, report);
    run(world, read_robots);
    id
}

fn text(status: u16, body: &str) -> Outcome {
    Outcome::Answered(Box::new(answer(status, body)))
}

#[test]
fn rules_that_were_read_are_kept_and_the_hosts_queues_go_on() {
    let mut world = robots_world();
    let rules = "User-agent: *\nDisallow: /d\nCrawl-delay: 3";
    let RobotsKnown::Read { rules, until } = read(&mut world, text(200, rules)) else {
        panic!("it is read");
    };
    assert!(rules.allows("/p1") && !rules.allows("/d1"));
    assert_eq!(until, NOW + Duration::from_hours(24));
    let delay = host(&mut world).pace.ceiling().crawl_delay;
    assert_eq!(delay, Some(Duration::from_secs(3)));
    assert_eq!(world.resource::<HostQueues>().next(SESSION), Some(NOW));
    assert_eq!(world.resource::<Permits>().http.used, 0);
    assert_eq!(world.resource::<Slots>().used(), 0);
    let told = take_left::<HostAnswered>(&mut world);
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].host, told[0].health), (HOST, Health::Good));
}

#[test]
fn a_crawl_delay_counts_up_to_the_setting() {
    let mut world = robots_world();
    read(&mut world, text(200, "User-agent: *\nCrawl-delay: 900"));
    let delay = host(&mut world).pace.ceiling().crawl_delay;
    assert_eq!(delay, Some(Duration::from_mins(1)));
}

#[test]
fn rules_that_could_not_be_read_are_asked_for_again_later_each_time() {
    let mut world = robots_world();
    for (tries, wait) in [(0, 1), (1, 2), (2, 4), (3, 5)] {
        asked(&mut world, tries, 0);
        let known = read(&mut world, text(500, ""));
        let RobotsKnown::Unreachable {
            again, tries: n, ..
        } = known
        else {
            panic!("it is unreachable: {known:?}");
        };
        assert_eq!((again, n), (NOW + Duration::from_secs(wait), tries + 1));
        assert_eq!(timer(&mut world), Some((again, Due::Host(HOST))));
    }
}

#[test]
fn rules_that_lead_on_are_followed_five_hops_far_and_are_none_then() {
    let mut world = robots_world();
    let leads = answer_with(301, &[("location", "https://b.test/robots.txt")], "");
    let leads = Outcome::Answered(Box::new(leads));
    let known = read(&mut world, leads.clone());
    let RobotsKnown::Redirected {
        tries: 0,
        hops: 1,
        to,
    } = known
    else {
        panic!("it leads on: {known:?}");
    };
    assert_eq!(&*to, "https://b.test/robots.txt");
    asked(&mut world, 0, 5);
    let RobotsKnown::Read { rules, .. } = read(&mut world, leads) else {
        panic!("it counts as not there");
    };
    assert_eq!(*rules, Robots::allow_all());
}

#[test]
fn a_host_that_the_guard_refuses_lets_its_pages_tell_so() {
    let mut world = robots_world();
    let failure = |class| {
        Outcome::FetchFailed(Box::new(FetchFailure {
            class,
            message: "not there".to_owned(),
            head: None,
            wire_bytes: 0,
        }))
    };
    let known = read(&mut world, failure(ErrorClass::UnsafeAddress));
    assert!(matches!(known, RobotsKnown::Read { .. }), "{known:?}");
    asked(&mut world, 0, 0);
    let known = read(&mut world, failure(ErrorClass::Connect));
    assert!(matches!(&known, RobotsKnown::Unreachable { why, .. } if why == "not there"));
}

#[test]
fn rules_whose_request_was_called_back_are_unread() {
    let mut world = robots_world();
    let known = read(&mut world, Outcome::Aborted);
    assert!(matches!(known, RobotsKnown::Unread), "{known:?}");
}

#[test]
fn a_probe_tells_of_the_host_and_reads_no_rules() {
    let mut world = robots_world();
    reported(&mut world, Owner::Probe(HOST), text(200, ""));
    let known = &host(&mut world).robots;
    assert!(matches!(known, RobotsKnown::Asked { .. }), "{known:?}");
    assert_eq!(take_left::<HostAnswered>(&mut world).len(), 1);
    assert_eq!(world.resource::<Permits>().http.used, 0);
}
