//! Parsed pages, and the acceptance rule of list pages.

use bevy_ecs::{entity::Entity, world::World};

use super::TOOK;
use crate::{
    extract::output::{ExtractError, Extracted},
    model::{
        class::ErrorClass,
        ids::{OrderId, StageId},
        remark::Remark,
    },
    systems::{
        completion::{ParseReport, Redirected, Setback, pages::take_pages},
        tests::{
            DETAIL, LIST, add_flying, add_session, add_tasks, change_session, leave, run, state,
            take_left,
        },
    },
    world::{
        permits::Permits,
        queue::{ParseQueue, Queue, SaveQueue},
        slots::Slots,
        stats::Stats,
        task::CameShort,
        task_state::TaskState,
    },
};

fn pages_world() -> World {
    let mut world = World::new();
    add_tasks(&mut world);
    add_session(&mut world);
    world.init_resource::<Slots>();
    world.init_resource::<Permits>();
    world.init_resource::<Stats>();
    world.init_resource::<ParseQueue>();
    world.init_resource::<SaveQueue>();
    world.init_resource::<Queue<Redirected>>();
    world.init_resource::<Queue<Setback>>();
    world
}

fn parsed(
    world: &mut World,
    (id, entity): (OrderId, Entity),
    outcome: Result<Extracted, ExtractError>,
) {
    let report = ParseReport {
        id,
        entity,
        took: TOOK,
        outcome: outcome.map(Box::new),
    };
    leave(world, report);
    run(world, take_pages);
}

fn parsing(world: &mut World, n: u64, stage: StageId) -> (OrderId, Entity) {
    add_flying(world, n, stage, TaskState::Parsing)
}

/// A page of the list with so many of its two items.
fn list(page: u32, items: u32) -> Extracted {
    Extracted {
        page,
        distinct_items: items,
        ..Extracted::default()
    }
}

fn came_short(items: u32, times: u32) -> CameShort {
    CameShort {
        items,
        times,
        promised: false,
    }
}

/// Whether a page is taken that came so, and came short like this before.
fn is_taken(world: &mut World, found: Extracted, before: Option<CameShort>) -> bool {
    let page = parsing(world, u64::from(found.page), LIST);
    if let Some(before) = before {
        world.entity_mut(page.1).insert(before);
    }
    parsed(world, page, Ok(found));
    let setbacks = take_left::<Setback>(world);
    assert!(
        setbacks
            .iter()
            .all(|back| back.class == ErrorClass::ShortPage)
    );
    let is_taken = state(world, page.1) == TaskState::Parsed(page.0);
    assert_eq!(is_taken, setbacks.is_empty());
    is_taken
}

#[test]
fn a_parsed_page_waits_for_the_store_and_gives_its_permits_back() {
    let mut world = pages_world();
    let (id, entity) = parsing(&mut world, 1, DETAIL);
    let mut slots = world.resource_mut::<Slots>();
    slots.get_mut(id).expect("it flies").cpu = true;
    slots.flight_mut(id).memory = 650;
    let mut permits = world.resource_mut::<Permits>();
    permits.cpu.take(1);
    permits.memory.take(650);
    world.resource_mut::<ParseQueue>().alone = Some(id);
    parsed(&mut world, (id, entity), Ok(Extracted::default()));
    assert_eq!(world.resource::<SaveQueue>().0, [id]);
    assert_eq!(state(&mut world, entity), TaskState::Parsed(id));
    let permits = world.resource::<Permits>();
    assert_eq!((permits.cpu.used, permits.memory.used), (0, 0));
    assert_eq!(world.resource::<ParseQueue>().alone, None);
}

#[test]
fn a_page_that_cannot_be_read_is_set_back_and_says_why() {
    let mut world = pages_world();
    let page = parsing(&mut world, 1, DETAIL);
    let error = ExtractError {
        class: ErrorClass::WrongType,
        message: "a picture".to_owned(),
    };
    parsed(&mut world, page, Err(error));
    let setbacks = take_left::<Setback>(&mut world);
    assert_eq!(setbacks.len(), 1);
    let expected = (page.1, ErrorClass::WrongType, "a picture");
    let setback = &setbacks[0];
    assert_eq!(
        (setback.entity, setback.class, setback.message.as_str()),
        expected
    );
    assert!(world.resource::<Slots>().get(page.0).is_none());
}

#[test]
fn an_invalid_record_sets_its_page_back_with_all_that_was_found() {
    let mut world = pages_world();
    let page = parsing(&mut world, 1, DETAIL);
    let found = Extracted {
        invalid: Some("no title".to_owned()),
        distinct_items: 7,
        ..Extracted::default()
    };
    parsed(&mut world, page, Ok(found));
    let setbacks = take_left::<Setback>(&mut world);
    assert_eq!(setbacks[0].class, ErrorClass::InvalidRecord);
    let kept = setbacks[0].flight.extracted.as_ref();
    assert_eq!(kept.map(|found| found.distinct_items), Some(7));
}

#[test]
fn a_page_that_leads_on_by_itself_is_left_to_be_followed() {
    let mut world = pages_world();
    let page = parsing(&mut world, 1, DETAIL);
    let found = Extracted {
        refresh: Some("/d2".to_owned()),
        ..Extracted::default()
    };
    parsed(&mut world, page, Ok(found));
    let left = take_left::<Redirected>(&mut world);
    assert_eq!(left.len(), 1);
    assert_eq!((left[0].id, left[0].location.as_str()), (page.0, "/d2"));
    assert!(world.resource::<SaveQueue>().0.is_empty());
    assert_eq!(state(&mut world, page.1), TaskState::Parsing(page.0));
}

#[test]
fn a_full_page_of_a_list_is_taken_and_a_short_one_is_read_again() {
    let mut world = pages_world();
    assert!(is_taken(&mut world, list(1, 2), None));
    assert!(!is_taken(&mut world, list(2, 1), None));
    let mut short = world.query::<&CameShort>();
    let short = short.single(&world).expect("one came short");
    assert_eq!((short.items, short.times), (1, 1));
}

#[test]
fn a_short_page_is_the_last_one_when_it_came_the_same_way_twice() {
    let mut world = pages_world();
    assert!(is_taken(&mut world, list(2, 1), Some(came_short(1, 1))));
    assert!(!is_taken(&mut world, list(3, 1), Some(came_short(0, 1))));
}

#[test]
fn a_short_page_that_has_a_next_one_is_never_the_last() {
    let mut world = pages_world();
    let found = Extracted {
        has_next: true,
        ..list(2, 1)
    };
    assert!(!is_taken(&mut world, found, Some(came_short(1, 9))));
}

#[test]
fn a_short_page_before_the_counted_last_one_is_never_the_last() {
    let mut world = pages_world();
    change_session(&mut world, |session| {
        session.page_counts.insert(LIST, (3, 2));
    });
    assert!(!is_taken(&mut world, list(2, 1), Some(came_short(1, 9))));
}

#[test]
fn a_short_page_is_the_last_one_at_once_where_another_page_told_the_count() {
    let mut world = pages_world();
    let counted = |page| Extracted {
        page_count: Some(3),
        ..list(page, 1)
    };
    // Its own word alone does not count.
    assert!(!is_taken(&mut world, counted(3), None));
    let full = Extracted {
        page_count: Some(3),
        ..list(1, 2)
    };
    assert!(is_taken(&mut world, full, None));
    assert!(is_taken(&mut world, list(3, 1), None));
}

#[test]
fn an_empty_page_that_the_count_promises_is_never_taken() {
    let mut world = pages_world();
    change_session(&mut world, |session| {
        session.page_counts.insert(LIST, (3, 2));
    });
    assert!(!is_taken(&mut world, list(3, 0), Some(came_short(0, 9))));
    let mut short = world.query::<&CameShort>();
    assert!(short.single(&world).expect("one came short").promised);
}

#[test]
fn a_page_that_holds_something_after_the_judged_end_is_remarked() {
    let mut world = pages_world();
    change_session(&mut world, |session| {
        let key = crate::model::ids::PageKey::new("shop", "list", "x");
        let list = session.lists.entry(LIST).or_default();
        list.hold(1);
        list.lack(2, key);
        assert_eq!(list.end().len(), 1);
    });
    let page = parsing(&mut world, 3, LIST);
    parsed(&mut world, page, Ok(list(3, 2)));
    assert_eq!(state(&mut world, page.1), TaskState::Parsed(page.0));
    let mut slots = world.resource_mut::<Slots>();
    let found = slots.flight_mut(page.0).extracted.as_ref();
    let goes_on = found.map(|found| found.remarks.count(Remark::ListGoesOn));
    assert_eq!(goes_on, Some(1));
}
