//! Advance: what is in flight takes its next step: fetched → parsing, parsed → saving.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use bevy_ecs::{
    entity::Entity,
    schedule::{IntoScheduleConfigs, Schedule},
    system::{Res, ResMut},
};
use url::Url;

use crate::{
    feed::frame::Detail,
    message::{
        orders::{Order, ParseOrder},
        store_verbs::{Alias, EndAttempt, PageEnd, StoreVerb},
    },
    model::{
        ids::{OrderId, PageKey},
        in_flight::FlightMark,
        page_url::PageUrl,
    },
    site::compiled::Site,
    systems::TickSystems,
    world::{
        border::Outbox,
        permits::Permits,
        queue::{ParseQueue, SaveQueue},
        session::Sessions,
        settings::ActiveSettings,
        slots::{Flight, Owner, Slots},
        stats::{Stats, Step},
        store_requests::StoreRequests,
        task::Identity,
        task_state::{TaskState, Tasks},
        timers::Timers,
    },
};

/// A parse that has not reported by then is given up.
const PARSE_DEADLINE: Duration = Duration::from_mins(1);

pub(super) fn install(schedule: &mut Schedule) {
    schedule.add_systems(
        (
            start_parsing.run_if(|queue: Res<ParseQueue>| !queue.waiting.is_empty()),
            start_saving.run_if(|queue: Res<SaveQueue>| !queue.0.is_empty()),
        )
            .chain()
            .in_set(TickSystems::Advance),
    );
}

/// The task and the flight of an order, if the order is still the one that its task waits for.
fn flying(tasks: &Tasks, slots: &Slots, id: OrderId) -> Option<(Entity, Identity)> {
    // A person may have called it back, or its parse given it up.
    let Owner::Task(entity) = slots.get(id)?.owner else {
        unreachable!("only tasks are parsed and saved");
    };
    let is_meant = tasks.state(entity).order() == Some(id);
    is_meant.then(|| (entity, tasks.identity(entity)))
}

/// fetched → parsing, while the CPU threads have less than they may be handed; a suspect of a
/// crash is parsed alone.
fn start_parsing(
    mut queue: ResMut<ParseQueue>,
    mut tasks: Tasks,
    sessions: Sessions,
    mut slots: ResMut<Slots>,
    mut permits: ResMut<Permits>,
    mut outbox: ResMut<Outbox>,
    mut timers: ResMut<Timers>,
    mut stats: ResMut<Stats>,
    mut requests: ResMut<StoreRequests>,
    settings: Res<ActiveSettings>,
) {
    let most = permits.cpu.limit * (1 + u64::from(settings.0.parse_ahead));
    let mut waiting = VecDeque::new();
    while let Some(id) = queue.waiting.pop_front() {
        if queue.alone.is_some() || permits.cpu.used >= most {
            waiting.push_back(id);
            break;
        }
        let Some((entity, task)) = flying(&tasks, &slots, id) else {
            continue;
        };
        let mark = &mut slots.flight_mut(id).mark;
        if !mark.is_kept() {
            waiting.push_back(id);
            continue;
        }
        if task.suspect {
            if permits.cpu.used > 0 {
                waiting.push_back(id);
                break;
            }
            if *mark == FlightMark::Kept {
                *mark = FlightMark::AskedAlone;
                requests.mark(id, &task, true);
                waiting.push_back(id);
                continue;
            }
        }
        let now = tasks.now();
        let next = slots.renew(id, now);
        permits.cpu.take(1);
        slots.get_mut(next).expect("it was just renewed").cpu = true;
        if task.suspect {
            queue.alone = Some(next);
        }
        let site = Arc::clone(&sessions.get(task.session).site);
        let order = parse_order(next, slots.flight_mut(next), &task, tasks.url(entity), site);
        timers.expect_by(&mut slots, next, now + PARSE_DEADLINE);
        outbox.orders.push_back(Order::Parse(order));
        let expect_ms = stats.began(task.session, Step::Parse, task.stage);
        let began = Detail::Began { expect_ms };
        tasks.enter(entity, TaskState::Parsing(next), began);
    }
    while let Some(id) = waiting.pop_back() {
        queue.waiting.push_front(id);
    }
}

fn parse_order(
    id: OrderId,
    flight: &mut Flight,
    task: &Identity,
    url: &PageUrl,
    site: Arc<Site>,
) -> ParseOrder {
    let answer = flight.answer.as_mut();
    let answer = answer.expect("a fetched task has its answer");
    ParseOrder {
        id,
        site,
        stage: task.stage,
        final_url: flight.target.clone().unwrap_or_else(|| url.clone()),
        url: url.clone(),
        content_type: answer.content_type.take(),
        body: Arc::clone(&answer.body),
        depth: task.depth,
    }
}

/// parsed → saving, while there are store permits.
fn start_saving(
    mut queue: ResMut<SaveQueue>,
    mut tasks: Tasks,
    sessions: Sessions,
    mut slots: ResMut<Slots>,
    mut permits: ResMut<Permits>,
    mut stats: ResMut<Stats>,
    mut requests: ResMut<StoreRequests>,
) {
    while let Some(id) = queue.0.pop_front() {
        let Some((entity, task)) = flying(&tasks, &slots, id) else {
            continue;
        };
        let flight = slots.flight_mut(id);
        let found = flight.extracted.as_ref();
        let bytes = 1024 + flight.bytes.max(found.map_or(0, |found| found.bytes));
        if !permits.store.has_room(bytes) {
            queue.0.push_front(id);
            break;
        }
        let now = tasks.now();
        let next = slots.renew(id, now);
        permits.store.take(bytes);
        slots.get_mut(next).expect("it was just renewed").store = bytes;
        let session = sessions.get(task.session);
        let tries = tasks.tries(entity);
        let flight = slots.flight_mut(next);
        let found = flight.extracted.take();
        let found = found.expect("a parsed task has its records");
        let end = PageEnd::Done {
            records: found.records,
            links: found.links,
            alias: alias(flight, &task, &session.site),
            validators: flight.validators.take(),
            content_hash: None,
        };
        let end = EndAttempt {
            attempt: Some(flight.attempt(now, tries.dispatched, None)),
            remarks: found.remarks,
            ..session.end_of(&task, tries, end)
        };
        let verb = StoreVerb::End(Arc::new(end));
        requests.ask_in(Some(next), Owner::Task(entity), verb);
        let expect_ms = stats.began(task.session, Step::Save, task.stage);
        let began = Detail::Began { expect_ms };
        tasks.enter(entity, TaskState::Saving(next), began);
    }
}

/// The page that a redirect led to, where that is another one than was asked for.
fn alias(flight: &Flight, task: &Identity, site: &Site) -> Option<Alias> {
    let url = Url::parse(flight.target.as_ref()?).ok()?;
    let canonical = site.scope.canonical(&url);
    let stage = &site.stage(task.stage).name;
    let key = PageKey::new(&site.name, stage, &canonical);
    (key != task.key).then_some(Alias {
        key,
        url: canonical,
    })
}

#[cfg(test)]
mod tests;
