//! Redirects: the next hop, and what ends a chain of them.

use bevy_ecs::{entity::Entity, world::World};

use super::TOOK;
use crate::{
    message::store_verbs::PageEnd,
    model::{
        class::{ErrorClass, SkipReason},
        ids::{HostId, OrderId},
        page_url::PageUrl,
    },
    systems::{
        completion::{Redirected, Setback, redirects::follow_redirects},
        tests::{
            DETAIL, HOST, NOW, SESSION, add_flying, add_session, add_tasks, answer_with,
            change_site, host_key, leave, page_end, run, state, take_left,
        },
    },
    world::{
        host::HostIndex, host_queue::HostQueues, ledger::Ledger, queue::Queue, slots::Slots,
        stats::Stats, store_requests::StoreRequests, task::Hop, task_state::TaskState,
        window::Window,
    },
};

fn redirects_world() -> World {
    let mut world = World::new();
    add_tasks(&mut world);
    add_session(&mut world);
    world.init_resource::<Slots>();
    world.init_resource::<HostQueues>();
    world.init_resource::<Window>();
    world.init_resource::<Stats>();
    world.init_resource::<StoreRequests>();
    world.init_resource::<Queue<Setback>>();
    let mut index = HostIndex::default();
    index.ids.insert(host_key("https://a.test/"), HOST);
    world.insert_resource(index);
    world
}

fn leads_to(world: &mut World, (id, entity): (OrderId, Entity), location: &str) {
    let redirected = Redirected {
        id,
        entity,
        location: location.to_owned(),
        took: TOOK,
        bytes: 0,
    };
    leave(world, redirected);
    run(world, follow_redirects);
}

fn fetching(world: &mut World) -> (OrderId, Entity) {
    add_flying(world, 1, DETAIL, TaskState::Fetching)
}

fn refused(world: &mut World) -> String {
    let mut setbacks = take_left::<Setback>(world);
    let setback = setbacks.pop().expect("the page was set back");
    assert_eq!(setback.class, ErrorClass::Redirect);
    setback.message
}

#[test]
fn a_redirected_page_waits_for_its_next_hop_with_the_slot_free() {
    let mut world = redirects_world();
    let page = fetching(&mut world);
    leads_to(&mut world, page, "/moved#here");
    assert_eq!(state(&mut world, page.1), TaskState::Queued);
    let hop = world.get::<Hop>(page.1).expect("it leads on");
    assert_eq!((&*hop.url, hop.count), ("https://a.test/moved", 1));
    assert_eq!(world.resource::<Slots>().used(), 0);
    let mut queues = world.resource_mut::<HostQueues>();
    let queue = queues.pop_ready(SESSION, NOW).expect("it may be looked at");
    assert_eq!(queues.get(queue).host, HOST);
    assert_eq!(queues.get(queue).waiting(), 1);
}

#[test]
fn the_next_hop_waits_in_the_queue_of_the_host_that_it_leads_to() {
    let mut world = redirects_world();
    let start = "start = \"https://a.test/p1\"";
    let hosts = format!("{start}\nhosts = [\"a.test\", \"b.test\"]");
    change_site(&mut world, start, &hosts);
    let page = fetching(&mut world);
    leads_to(&mut world, page, "https://b.test/x");
    let hop = world.get::<Hop>(page.1).expect("it leads on").host;
    assert_ne!(hop, HOST);
    let seen: Vec<HostId> = (world.resource::<HostIndex>().seen.iter())
        .map(|seen| seen.id)
        .collect();
    assert_eq!(seen, [hop]);
    let queues = world.resource::<HostQueues>();
    let waiting: Vec<_> = queues.iter().map(|(_, q)| (q.host, q.waiting())).collect();
    assert_eq!(waiting, [(HOST, 0), (hop, 1)]);
}

#[test]
fn a_redirect_out_of_scope_ends_its_page_as_skipped() {
    let mut world = redirects_world();
    let page = fetching(&mut world);
    leads_to(&mut world, page, "https://b.test/x");
    let reason = SkipReason::OutOfScope;
    assert_eq!(state(&mut world, page.1), TaskState::Skipped(reason));
    let end = page_end(&mut world);
    assert!(matches!(end.end, PageEnd::Skipped(SkipReason::OutOfScope)));
    assert!(end.attempt.is_some());
    assert!(world.resource::<Ledger>().stages_changed);
    assert_eq!(world.resource::<Window>().leaving.len(), 1);
    assert_eq!(world.resource::<Slots>().used(), 0);
}

#[test]
fn a_redirect_back_is_a_loop_unless_it_sets_a_cookie() {
    let mut world = redirects_world();
    let page = fetching(&mut world);
    leads_to(&mut world, page, "https://a.test/d1");
    let why = refused(&mut world);
    assert!(why.contains("a loop"), "{why}");

    let (id, entity) = add_flying(&mut world, 2, DETAIL, TaskState::Fetching);
    let sets = answer_with(302, &[("set-cookie", "seen=1")], "");
    world.resource_mut::<Slots>().flight_mut(id).answer = Some(sets);
    leads_to(&mut world, (id, entity), "https://a.test/d2");
    assert_eq!(state(&mut world, entity), TaskState::Queued);
}

#[test]
fn a_loop_is_told_over_several_hops() {
    let mut world = redirects_world();
    let (id, entity) = fetching(&mut world);
    let flight = |url: &str| PageUrl::from(url);
    let mut slots = world.resource_mut::<Slots>();
    slots.flight_mut(id).target = Some(flight("https://a.test/second"));
    slots.flight_mut(id).hop = Some(Hop {
        url: flight("https://a.test/second"),
        count: 1,
        host: HOST,
        visited: vec![flight("https://a.test/d1")],
        spent: TOOK,
    });
    leads_to(&mut world, (id, entity), "d1");
    assert!(refused(&mut world).contains("a loop"));
}

#[test]
fn more_redirects_than_the_setting_allows_are_a_setback() {
    for (count, is_over) in [(9, false), (10, true)] {
        let mut world = redirects_world();
        let (id, entity) = fetching(&mut world);
        let url = PageUrl::from("https://a.test/far");
        world.resource_mut::<Slots>().flight_mut(id).hop = Some(Hop {
            url,
            count,
            host: HOST,
            visited: Vec::new(),
            spent: TOOK,
        });
        leads_to(&mut world, (id, entity), "/farther");
        if is_over {
            let why = refused(&mut world);
            assert!(why.contains("more than 10 redirects"), "{why}");
        } else {
            assert_eq!(state(&mut world, entity), TaskState::Queued);
        }
    }
}

#[test]
fn a_redirect_to_what_is_no_page_of_the_web_is_a_setback() {
    let mut world = redirects_world();
    let page = fetching(&mut world);
    leads_to(&mut world, page, "mailto:us@a.test");
    assert!(refused(&mut world).contains("mailto:"));
}
