//! Advance: what is in flight takes its next step: fetched → parsing, parsed → saving.

use std::sync::Arc;

use bevy_ecs::{
    entity::Entity,
    schedule::{IntoScheduleConfigs, Schedule},
};

use crate::{
    feed::frame::Detail,
    message::{
        orders::{Order, ParseOrder},
        store_verbs::{Alias, PageEnd, StoreVerb},
    },
    model::{flight_mark::FlightMark, ids::OrderId},
    systems::{
        TickSystems,
        crawl::{Crawl, Letter, desk},
    },
    world::{slots::Owner, state::TaskState, stats::Step, task::Identity},
};

/// A parse that has not reported by then is given up.
const PARSE_DEADLINE: std::time::Duration = std::time::Duration::from_mins(1);

pub(super) fn install(schedule: &mut Schedule) {
    schedule.add_systems(
        (
            start_parsing.run_if(desk(|desk| !desk.to_parse.is_empty())),
            start_saving.run_if(desk(|desk| !desk.to_save.is_empty())),
        )
            .chain()
            .in_set(TickSystems::Advance),
    );
}

/// fetched → parsing, while the CPU threads have less than they may be handed; a suspect of a
/// crash is parsed alone.
fn start_parsing(mut crawl: Crawl) {
    let most = crawl.permits.cpu.limit * (1 + u64::from(crawl.settings.0.parse_ahead));
    let mut waiting = std::collections::VecDeque::new();
    while let Some(id) = crawl.desk.to_parse.pop_front() {
        if crawl.desk.alone.is_some() || crawl.permits.cpu.used >= most {
            waiting.push_back(id);
            break;
        }
        let Some((entity, task)) =
            flying(&crawl, id, |state| matches!(state, TaskState::Fetched(_)))
        else {
            continue;
        };
        let Some(flight) = crawl.slots.flight_mut(id) else {
            continue;
        };
        if !flight.mark.is_kept() {
            waiting.push_back(id);
            continue;
        }
        if task.suspect {
            if crawl.permits.cpu.used > 0 {
                waiting.push_back(id);
                break;
            }
            if flight.mark == FlightMark::Kept {
                flight.mark = FlightMark::AskedAlone;
                crawl.mark(id, &task, true);
                waiting.push_back(id);
                continue;
            }
        }
        parse(&mut crawl, id, entity, &task);
    }
    while let Some(id) = waiting.pop_back() {
        crawl.desk.to_parse.push_front(id);
    }
}

fn flying(
    crawl: &Crawl,
    id: OrderId,
    wanted: impl Fn(TaskState) -> bool,
) -> Option<(Entity, Identity)> {
    let Owner::Task(entity) = crawl.slots.get(id)?.owner else {
        return None;
    };
    let state = crawl.moves.of(entity)?;
    let is_meant = state.order() == Some(id) && wanted(state);
    let task = crawl.moves.identity(entity).filter(|_| is_meant)?;
    Some((entity, task))
}

fn parse(crawl: &mut Crawl, id: OrderId, entity: Entity, task: &Identity) {
    let now = crawl.now();
    let Some((site, url)) = crawl
        .session(task.session)
        .map(|session| Arc::clone(&session.site))
        .zip(crawl.moves.url(entity).cloned())
    else {
        return;
    };
    let next = crawl.slots.renew(id, now);
    crawl.permits.cpu.take(1);
    let Some(busy) = crawl.slots.get_mut(next) else {
        return;
    };
    busy.cpu = true;
    let Some(flight) = busy.flight.as_deref_mut() else {
        return;
    };
    let answer = flight
        .answer
        .as_mut()
        .expect("a fetched task has its answer");
    let order = ParseOrder {
        id: next,
        site,
        stage: task.stage,
        final_url: flight.target.clone().unwrap_or_else(|| url.clone()),
        url,
        content_type: answer.content_type.take(),
        body: Arc::clone(&answer.body),
        depth: task.depth,
    };
    if task.suspect {
        crawl.desk.alone = Some(next);
    }
    crawl.expect_by(next, now + PARSE_DEADLINE);
    crawl.outbox.orders.push_back(Order::Parse(order));
    let expect_ms = crawl.stats.began(task.session, Step::Parse, task.stage);
    crawl.moves.make(
        entity,
        TaskState::Parsing(next),
        Detail::Began { expect_ms },
    );
}

/// parsed → saving, while there are store permits.
fn start_saving(mut crawl: Crawl) {
    while let Some(id) = crawl.desk.to_save.pop_front() {
        let Some((entity, task)) =
            flying(&crawl, id, |state| matches!(state, TaskState::Parsed(_)))
        else {
            continue;
        };
        let bytes = crawl.slots.flight_mut(id).map_or(0, |flight| {
            let found = flight.extracted.as_ref().map_or(0, |found| found.bytes);
            1024 + flight.bytes.max(found)
        });
        if !crawl.permits.store.has_room(bytes) {
            crawl.desk.to_save.push_front(id);
            break;
        }
        save(&mut crawl, id, entity, &task, bytes);
    }
}

fn save(crawl: &mut Crawl, id: OrderId, entity: Entity, task: &Identity, bytes: u64) {
    let now = crawl.now();
    let Some((site, tries)) = crawl
        .session(task.session)
        .map(|session| Arc::clone(&session.site))
        .zip(crawl.moves.tries(entity))
    else {
        return;
    };
    let next = crawl.slots.renew(id, now);
    crawl.permits.store.take(bytes);
    let busy = crawl.slots.get_mut(next).expect("it was just renewed");
    busy.store = bytes;
    let flight = busy
        .flight
        .as_deref_mut()
        .expect("a parsed task has its flight");
    let extracted = flight
        .extracted
        .take()
        .expect("a parsed task has its records");
    let alias = flight.target.as_ref().and_then(|target| {
        let url = url::Url::parse(target).ok()?;
        let canonical = site.scope.canonical(&url);
        let stage = &site.stage(task.stage).name;
        let key = crate::model::ids::PageKey::new(&site.name, stage, &canonical);
        (key != task.key).then_some(Alias {
            key,
            url: canonical,
        })
    });
    let attempt = flight.attempt(now, tries.dispatched, None);
    let end = PageEnd::Done {
        records: extracted.records,
        links: extracted.links,
        alias,
        validators: flight.validators.take(),
        content_hash: None,
    };
    let end = crawl.end_with(task, tries, Some(attempt), end, extracted.remarks);
    crawl.desk.letters.push_back(Letter {
        owner: Owner::Task(entity),
        verb: StoreVerb::End(end),
        id: Some(next),
    });
    let expect_ms = crawl.stats.began(task.session, Step::Save, task.stage);
    crawl
        .moves
        .make(entity, TaskState::Saving(next), Detail::Began { expect_ms });
}
