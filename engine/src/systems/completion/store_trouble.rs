//! The store could not: what it refused is answered, the rest asked again after a while, or the
//! store is lost for good.

use std::time::Duration;

use bevy_ecs::{
    entity::Entity,
    system::{Res, ResMut},
};

use super::StoreFailure;
use crate::{
    feed::frame::Detail,
    message::receipts::StoreError,
    model::{class::SkipReason, remark::Remark},
    world::{
        condition::StoreHealth,
        permits::Permits,
        queue::Queue,
        replies::{PendingReplies, acknowledge},
        session::SessionIndex,
        settings::ActiveSettings,
        slots::{Owner, Slots},
        store_requests::StoreRequests,
        task_state::{TaskState, Tasks},
        timers::{Due, Timers},
        window::Window,
    },
};

/// A busy store is asked again after this.
const ASK_AGAIN: Duration = Duration::from_secs(1);

pub(super) fn wait_for_store(
    mut failures: ResMut<Queue<StoreFailure>>,
    mut tasks: Tasks,
    mut slots: ResMut<Slots>,
    mut permits: ResMut<Permits>,
    mut window: ResMut<Window>,
    mut health: ResMut<StoreHealth>,
    mut timers: ResMut<Timers>,
    mut requests: ResMut<StoreRequests>,
    mut replies: ResMut<PendingReplies>,
    sessions: Res<SessionIndex>,
    settings: Res<ActiveSettings>,
) {
    while let Some(StoreFailure { id, error }) = failures.pop() {
        let now = tasks.now();
        if let StoreError::Refused(message) = error {
            slots.release(id, &mut permits);
            let busy = slots.close(id).expect("a matched order is in flight");
            match busy.owner {
                Owner::Task(entity) => {
                    skip_refused(&mut tasks, &mut requests, entity, &message);
                    window.retire(entity, now);
                    continue;
                }
                Owner::Open(request) => {
                    let opening = replies.opening.remove(&request);
                    let reply = opening.and_then(|opening| opening.reply);
                    acknowledge(reply, Err(message));
                }
                Owner::RequeueDead(_, request) | Owner::Drop(_, request) => {
                    replies.answer(request, Err(message));
                }
                Owner::Inspect(request) => replies.inspected(request, Vec::new()),
                _ => {
                    requests.marking.remove(&id);
                    let notice = format!("the store refused: {message}");
                    tasks.journal.notice_all(sessions.ids(), &notice);
                }
            }
            continue;
        }
        let since = *health.since.get_or_insert(now);
        let is_patient = now.saturating_sub(since) < settings.0.store_patience;
        let message = error.to_string();
        let (state, notice) = if error.is_retryable() && is_patient {
            timers.set(now + ASK_AGAIN, Due::Resend(id));
            (
                &mut health.trouble,
                "the store is in trouble, dispatch rests",
            )
        } else {
            (&mut health.lost, "the store is lost")
        };
        if state.is_none() {
            let notice = format!("{notice}: {message}");
            tasks.journal.notice_all(sessions.ids(), &notice);
        }
        *state = Some(message);
    }
}

/// Somebody ended the page behind our back, or it does not fit the store: what that says counts,
/// and why is told, not guessed.
fn skip_refused(tasks: &mut Tasks, requests: &mut StoreRequests, entity: Entity, message: &str) {
    let session = tasks.identity(entity).session;
    let example = format!("{message}: {}", tasks.url(entity));
    requests.remark(&mut tasks.ledger, session, Remark::Refused, 1, &example);
    let reason = SkipReason::Unknown;
    tasks.enter(entity, TaskState::Skipped(reason), Detail::Reason(reason));
}
