//! Completion: reports are matched with their orders; what nobody waits for is dropped.

mod fetched;
mod parsed;
mod robots;
mod stored;

use bevy_ecs::{
    schedule::{IntoScheduleConfigs, Schedule},
    system::Res,
};

use crate::{
    message::{
        receipts::StoreError,
        reports::{Outcome, Report},
        store_verbs::StoreVerb,
    },
    model::{class::ErrorClass, ids::OrderId},
    systems::{Inbox, TickSystems, crawl::Crawl},
    world::slots::{Owner, Setback},
};

/// What is said of an order that nobody has answered.
const LOST: &str = "no report came by this order's deadline";

/// Reports of one tick, at most: a burst is several ticks.
const BURST: usize = 8_192;

pub(super) fn install(schedule: &mut Schedule) {
    schedule.add_systems(
        collect_reports
            .run_if(|inbox: Res<Inbox>| !inbox.reports.is_empty())
            .in_set(TickSystems::Completion),
    );
}

/// Takes what came back and moves its owner on.
fn collect_reports(mut crawl: Crawl) {
    for _ in 0..BURST {
        let Some(report) = crawl.inbox.reports.pop_front() else {
            break;
        };
        take(&mut crawl, report);
    }
}

fn take(crawl: &mut Crawl, report: Report) {
    let id = report.id;
    // Before all else: the letters of its page come after this one, so that no page is done whose
    // cookies are not kept; and an order that nobody waits for has changed the jar all the same.
    if let Some(set) = report.cookies {
        let owner = Owner::Note(Some(set.session));
        crawl.write(owner, StoreVerb::KeepCookies(*set));
    }
    let Some(owner) = crawl.slots.get(id).map(|busy| busy.owner) else {
        crawl.desk.discarded += 1;
        return;
    };
    match (owner, report.outcome) {
        (_, Outcome::StoreFailed(error, verb)) => {
            if let Some(busy) = crawl.slots.get_mut(id) {
                busy.verb = verb;
            }
            store_trouble(crawl, id, error);
        }
        (Owner::Task(entity), Outcome::Stored(receipt)) => {
            stored::saved(crawl, id, entity, *receipt, report.took);
        }
        (_, Outcome::Stored(receipt)) => stored::receipt(crawl, id, owner, *receipt),
        (Owner::Task(entity), Outcome::Answered(answer)) => {
            fetched::answered(crawl, id, entity, *answer, report.took);
        }
        (Owner::Task(_), Outcome::FetchFailed(failure)) => {
            fetched::failed(crawl, id, *failure, report.took);
        }
        (Owner::Task(entity), Outcome::Parsed(extracted)) => {
            parsed::parsed(crawl, id, entity, extracted, report.took);
        }
        (Owner::Task(_), Outcome::ParseFailed(error)) => {
            parsed::failed(crawl, id, error, report.took);
        }
        (Owner::Task(entity), Outcome::Panicked(message)) => {
            fetched::broke(crawl, id, entity, ErrorClass::Worker, &message);
        }
        (Owner::Task(entity), Outcome::Lost) => {
            fetched::broke(crawl, id, entity, ErrorClass::Worker, LOST);
        }
        (Owner::Task(entity), Outcome::Aborted) => {
            fetched::broke(
                crawl,
                id,
                entity,
                ErrorClass::Aborted,
                "aborted by a command",
            );
        }
        (Owner::Robots(host) | Owner::Probe(host), outcome) => {
            robots::answered(crawl, id, owner, host, outcome);
        }
        (_, outcome) => {
            // A store thread that panicked says so; nothing it had in hand was committed.
            let message = match outcome {
                Outcome::Panicked(message) => message,
                Outcome::Lost => LOST.to_owned(),
                other => format!("the store answered with {other:?}"),
            };
            store_trouble(crawl, id, StoreError::Fatal(message));
        }
    }
}

/// The store could not: asked again after a while, or lost for good.
fn store_trouble(crawl: &mut Crawl, id: OrderId, error: StoreError) {
    use crate::world::timers::Due;
    if let StoreError::Refused(message) = &error {
        stored::refused(crawl, id, message);
        return;
    }
    let now = crawl.now();
    let since = *crawl.condition.trouble_since.get_or_insert(now);
    let patient = now.saturating_sub(since) < crawl.settings.0.store_patience;
    let message = error.to_string();
    if error.is_retryable() && patient {
        let at = now + std::time::Duration::from_secs(1);
        crawl.timers.set(at, Due::Resend(id));
        if crawl.condition.store_trouble.is_none() {
            crawl.tell_all(&format!(
                "the store is in trouble, dispatch rests: {message}"
            ));
        }
        crawl.condition.store_trouble = Some(message);
    } else {
        if crawl.condition.store_lost.is_none() {
            crawl.tell_all(&format!("the store is lost: {message}"));
        }
        crawl.condition.store_lost = Some(message);
    }
}

/// An attempt ended badly; `retry` judges it.
fn set_back(
    crawl: &mut Crawl,
    id: OrderId,
    class: ErrorClass,
    message: String,
    after: Option<std::time::Duration>,
) {
    crawl.desk.setbacks.push(Setback {
        id,
        class,
        message,
        after,
    });
}
