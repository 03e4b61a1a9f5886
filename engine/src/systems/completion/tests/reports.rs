//! Reports find who waits for them.

use std::time::Duration;

use bevy_ecs::world::World;

use super::{TOOK, reports_world};
use crate::{
    extract::output::{ExtractError, Extracted},
    message::{
        receipts::{Discovered, Ended, StoreError, StoreReceipt},
        reports::{Outcome, Report},
        store_verbs::{Note, SetCookies, StoreVerb},
    },
    model::{
        class::ErrorClass,
        ids::{OrderId, Seq},
        in_flight::FlightMark,
    },
    systems::{
        completion::{
            Admission, BURST, BulkMove, Discovery, EndReceipt, EndedPage, FetchOutcome,
            FetchReport, FoundBy, Opening, ParseReport, RobotsReport, SessionClosed, StoreFailure,
            match_reports,
        },
        tests::{BATCH, HOST, LIST, NOW, SESSION, answer, opened, requests, run, take_left},
    },
    world::{
        border::Inbox,
        condition::StoreHealth,
        host_queue::HostQueueId,
        permits::Permits,
        slots::{Flight, Owner, Slots},
        store_requests::StoreRequests,
    },
};

fn order(world: &mut World, owner: Owner) -> OrderId {
    let mut slots = world.resource_mut::<Slots>();
    slots.open(owner, NOW).expect("a slot is free")
}

fn told(world: &mut World, id: OrderId, outcome: Outcome) {
    let report = Report::new(id, TOOK, outcome);
    world.resource_mut::<Inbox>().reports.push_back(report);
    run(world, match_reports);
}

fn stored(world: &mut World, owner: Owner, receipt: StoreReceipt) -> OrderId {
    let id = order(world, owner);
    told(world, id, Outcome::Stored(Box::new(receipt)));
    id
}

const LATE: OrderId = OrderId {
    boot: 0,
    slot: 3,
    generation: 1,
};

#[test]
fn a_report_that_nobody_waits_for_is_dropped() {
    let mut world = reports_world();
    told(&mut world, LATE, Outcome::Aborted);
    assert!(world.resource::<Inbox>().reports.is_empty());
    assert!(take_left::<FetchReport>(&mut world).is_empty());
}

#[test]
fn cookies_are_kept_though_nobody_waits_for_their_order() {
    let mut world = reports_world();
    let set = SetCookies {
        session: SESSION,
        cookies: Vec::new(),
    };
    let report = Report {
        cookies: Some(Box::new(set.clone())),
        ..Report::new(LATE, TOOK, Outcome::Aborted)
    };
    world.resource_mut::<Inbox>().reports.push_back(report);
    run(&mut world, match_reports);
    let asked = requests(&mut world);
    let [request] = &asked[..] else {
        panic!("one thing is asked: {asked:?}");
    };
    assert_eq!(request.owner, Owner::Note(Some(SESSION)));
    assert!(matches!(&request.verb, StoreVerb::KeepCookies(kept) if *kept == set));
}

#[test]
fn marks_on_disk_are_kept_by_those_of_their_flights_that_are_out_still() {
    let mut world = reports_world();
    let [flying, ended] = [1, 2].map(|_| {
        let entity = world.spawn_empty().id();
        let id = order(&mut world, Owner::Task(entity));
        let mut slots = world.resource_mut::<Slots>();
        slots.get_mut(id).expect("it is open").flight = Some(Box::new(Flight::begun(NOW)));
        id
    });
    world.resource_mut::<Slots>().close(ended);
    let marks = order(&mut world, Owner::Marks);
    let mut requests = world.resource_mut::<StoreRequests>();
    requests.marking.insert(marks, vec![ended, flying]);
    let receipt = StoreReceipt::Marked;
    told(&mut world, marks, Outcome::Stored(Box::new(receipt)));
    let mut slots = world.resource_mut::<Slots>();
    assert_eq!(slots.flight_mut(flying).mark, FlightMark::Kept);
    assert!(slots.get(marks).is_none());
    assert!(world.resource::<StoreRequests>().marking.is_empty());
}

#[test]
fn a_save_that_panicked_is_a_failure_of_the_store_and_a_parse_that_did_a_setback() {
    let mut world = reports_world();
    let entity = world.spawn_empty().id();
    let [saving, parsing] = [1, 2].map(|_| order(&mut world, Owner::Task(entity)));
    let mut slots = world.resource_mut::<Slots>();
    slots.get_mut(saving).expect("it is open").store = 1024;
    for id in [saving, parsing] {
        told(&mut world, id, Outcome::Panicked("at line 7".to_owned()));
    }
    let failures = take_left::<StoreFailure>(&mut world);
    let [failure] = &failures[..] else {
        panic!("one failed: {failures:?}");
    };
    assert_eq!(failure.id, saving);
    assert_eq!(failure.error, StoreError::Fatal("at line 7".to_owned()));
    let setbacks = take_left::<FetchReport>(&mut world);
    let [setback] = &setbacks[..] else {
        panic!("one was set back: {setbacks:?}");
    };
    assert_eq!(setback.id, parsing);
    assert!(
        matches!(&setback.outcome, FetchOutcome::Broken(ErrorClass::Worker, why)
        if why == "at line 7")
    );
}

#[test]
fn what_failed_in_the_store_waits_in_its_slot_to_be_asked_again() {
    let mut world = reports_world();
    let id = order(&mut world, Owner::Note(None));
    let note = StoreVerb::Note(Note::Learned {
        host: HOST,
        state: serde_json::Value::Null,
    });
    let busy = StoreError::Busy("locked".to_owned());
    let outcome = Outcome::StoreFailed(busy.clone(), Some(Box::new(note)));
    told(&mut world, id, outcome);
    let failures = take_left::<StoreFailure>(&mut world);
    assert_eq!(failures.len(), 1);
    assert_eq!((failures[0].id, &failures[0].error), (id, &busy));
    let slots = world.resource::<Slots>();
    assert!(slots.get(id).is_some_and(|busy| busy.verb.is_some()));
}

#[test]
fn a_receipt_ends_the_stores_trouble_but_one_of_reading_does_not_prove_room() {
    let mut world = reports_world();
    world.insert_resource(StoreHealth {
        trouble: Some("the disk is full".to_owned()),
        since: Some(NOW),
        lost: None,
    });
    let read = StoreReceipt::Admitted {
        tasks: Vec::new(),
        cursor: Seq(0),
        exhausted: true,
    };
    stored(&mut world, Owner::Admit(HostQueueId(0), BATCH), read);
    let health = world.resource::<StoreHealth>();
    assert_eq!((&health.trouble, health.since), (&None, Some(NOW)));
    stored(&mut world, Owner::Note(None), StoreReceipt::Noted);
    assert_eq!(world.resource::<StoreHealth>().since, None);
}

#[test]
fn a_saved_page_gives_its_slot_and_its_bytes_back() {
    let mut world = reports_world();
    let entity = world.spawn_empty().id();
    let id = order(&mut world, Owner::Task(entity));
    let mut slots = world.resource_mut::<Slots>();
    slots.get_mut(id).expect("it is open").store = 2048;
    world.resource_mut::<Permits>().store.take(2048);
    let receipt = StoreReceipt::Ended(Ended::default());
    told(&mut world, id, Outcome::Stored(Box::new(receipt)));
    assert_eq!(world.resource::<Permits>().store.used, 0);
    assert_eq!(world.resource::<Slots>().used(), 0);
    let receipts = take_left::<EndReceipt>(&mut world);
    assert!(matches!(
        receipts[..],
        [EndReceipt { of: EndedPage::Saved(of, TOOK, 2048), .. }] if of == entity
    ));
}

#[test]
fn each_receipt_goes_to_the_system_that_takes_its_kind() {
    let mut world = reports_world();
    let ended = StoreReceipt::Ended(Ended::default());
    stored(&mut world, Owner::End(SESSION), ended);
    let receipts = take_left::<EndReceipt>(&mut world);
    assert!(matches!(receipts[0].of, EndedPage::Other(SESSION)));

    let found = StoreReceipt::Discovered(Discovered::default());
    stored(&mut world, Owner::Discover(SESSION), found);
    let found = take_left::<Discovery>(&mut world);
    assert_eq!(found[0].found_by, FoundBy::Start);

    let receipt = StoreReceipt::Opened(Box::new(opened()));
    stored(&mut world, Owner::Open(4), receipt);
    assert_eq!(take_left::<Opening>(&mut world)[0].0, 4);

    let moved = StoreReceipt::Moved(Vec::new());
    let owner = Owner::Requeue(SESSION, BATCH, LIST);
    stored(&mut world, owner, moved);
    assert_eq!(take_left::<BulkMove>(&mut world)[0].owner, owner);

    let read = StoreReceipt::Admitted {
        tasks: Vec::new(),
        cursor: Seq(9),
        exhausted: true,
    };
    stored(&mut world, Owner::Admit(HostQueueId(2), BATCH), read);
    let read = &take_left::<Admission>(&mut world)[0];
    assert_eq!((read.queue, read.after), (HostQueueId(2), Seq(9)));

    stored(&mut world, Owner::Close(SESSION), StoreReceipt::Noted);
    assert_eq!(take_left::<SessionClosed>(&mut world)[0].0, SESSION);
    assert_eq!(world.resource::<Slots>().used(), 0);
}

#[test]
fn robots_probes_and_parses_go_to_those_who_take_them_with_their_slots_open() {
    let mut world = reports_world();
    for owner in [Owner::Robots(HOST), Owner::Probe(HOST)] {
        let id = order(&mut world, owner);
        told(&mut world, id, Outcome::Answered(Box::new(answer(200, ""))));
    }
    let asked = take_left::<RobotsReport>(&mut world);
    let kinds: Vec<_> = asked.iter().map(|asked| asked.is_probe).collect();
    assert_eq!(kinds, [false, true]);
    let entity = world.spawn_empty().id();
    let failed = ExtractError {
        class: ErrorClass::Parse,
        message: "no JSON".to_owned(),
    };
    let outcomes = [
        Outcome::Parsed(Box::<Extracted>::default()),
        Outcome::ParseFailed(failed),
    ];
    for outcome in outcomes {
        let id = order(&mut world, Owner::Task(entity));
        told(&mut world, id, outcome);
    }
    let parsed = take_left::<ParseReport>(&mut world);
    assert_eq!(parsed.len(), 2);
    assert!(parsed[0].outcome.is_ok() && parsed[1].outcome.is_err());
    assert_eq!(world.resource::<Slots>().used(), 4);
}

#[test]
fn a_burst_of_reports_is_several_ticks() {
    let mut world = reports_world();
    let mut inbox = world.resource_mut::<Inbox>();
    let late = Report::new(LATE, Duration::ZERO, Outcome::Aborted);
    inbox.reports.extend(std::iter::repeat_n(late, BURST + 1));
    run(&mut world, match_reports);
    assert_eq!(world.resource::<Inbox>().reports.len(), 1);
}
