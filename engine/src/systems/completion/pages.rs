//! Parsed pages: parsing → parsed, or on to where the page leads, or a setback.

use bevy_ecs::system::ResMut;

use super::{ParseReport, Redirected, Setback, acceptance::accept};
use crate::{
    feed::frame::Detail,
    model::{class::ErrorClass, numbers::millis},
    world::{
        permits::Permits,
        queue::{ParseQueue, Queue, SaveQueue},
        session::Sessions,
        slots::Slots,
        stats::{Stats, Step},
        task_state::{TaskState, Tasks},
    },
};

pub(super) fn take_pages(
    mut reports: ResMut<Queue<ParseReport>>,
    mut tasks: Tasks,
    mut sessions: Sessions,
    mut slots: ResMut<Slots>,
    mut permits: ResMut<Permits>,
    mut stats: ResMut<Stats>,
    mut parse_queue: ResMut<ParseQueue>,
    mut save_queue: ResMut<SaveQueue>,
    mut redirects: ResMut<Queue<Redirected>>,
    mut setbacks: ResMut<Queue<Setback>>,
) {
    while let Some(report) = reports.pop() {
        let (id, entity, took) = (report.id, report.entity, report.took);
        let task = tasks.identity(entity);
        slots.release(id, &mut permits);
        parse_queue.ended(id);
        slots.flight_mut(id).parse = took;
        let mut extracted = match report.outcome {
            Ok(extracted) => extracted,
            Err(error) => {
                stats.broke(task.session, Step::Parse, task.stage);
                let (class, message) = (error.class, error.message);
                setbacks.push(Setback::new(&mut slots, id, entity, class, message));
                continue;
            }
        };
        if let Some(location) = extracted.refresh {
            redirects.push(Redirected {
                id,
                entity,
                location,
                took,
                bytes: 0,
            });
            continue;
        }
        let mut session = sessions.get_mut(task.session);
        let refused = match accept(&mut tasks, &mut session, entity, &mut extracted) {
            Err(message) => Some((ErrorClass::ShortPage, message)),
            Ok(()) => (extracted.invalid.clone()).map(|why| (ErrorClass::InvalidRecord, why)),
        };
        let flight = slots.flight_mut(id);
        flight.extracted = Some(extracted);
        if let Some((class, message)) = refused {
            // It may come so for good: then what it has counts all the same.
            stats.broke(task.session, Step::Parse, task.stage);
            setbacks.push(Setback::new(&mut slots, id, entity, class, message));
            continue;
        }
        flight.validators = flight.answer.take().map(|answer| answer.validators);
        stats.ended(task.session, Step::Parse, task.stage, took, tasks.now());
        let ms = millis(took);
        tasks.enter(entity, TaskState::Parsed(id), Detail::Took { ms, bytes: 0 });
        save_queue.0.push_back(id);
    }
}
