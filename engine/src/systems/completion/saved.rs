//! The ends of pages are on disk: saving → done or skipped.

use bevy_ecs::system::ResMut;

use super::{Discovery, EndReceipt, EndedPage, FoundBy};
use crate::{
    feed::frame::Detail,
    model::{class::SkipReason, numbers::millis},
    world::{
        queue::Queue,
        session::Sessions,
        stats::{Stats, Step},
        task_state::{TaskState, Tasks},
        window::Window,
    },
};

pub(super) fn keep_ended(
    mut receipts: ResMut<Queue<EndReceipt>>,
    mut tasks: Tasks,
    mut sessions: Sessions,
    mut window: ResMut<Window>,
    mut stats: ResMut<Stats>,
    mut discoveries: ResMut<Queue<Discovery>>,
) {
    while let Some(EndReceipt { of, ended }) = receipts.pop() {
        let now = tasks.now();
        let (id, found_by) = match of {
            EndedPage::Other(session) => (session, FoundBy::FailedPage),
            EndedPage::Saved(entity, took, bytes) => {
                let task = tasks.identity(entity);
                stats.session(task.session).saved_bytes += bytes;
                stats.ended(task.session, Step::Save, task.stage, took, now);
                if ended.duplicate {
                    let reason = SkipReason::Duplicate;
                    tasks.enter(entity, TaskState::Skipped(reason), Detail::Reason(reason));
                } else {
                    let ms = millis(took);
                    tasks.enter(entity, TaskState::Done, Detail::Took { ms, bytes: 0 });
                    stats.session(task.session).pages.add(now, 1);
                    sessions.get_mut(task.session).ended += 1;
                }
                window.retire(entity, now);
                (task.session, FoundBy::Page(task.stage))
            }
        };
        if !ended.duplicate {
            let saved =
                u64::from(ended.inserted) + u64::from(ended.changed) + u64::from(ended.unchanged);
            let book = tasks.ledger.book_mut(id);
            book.records += saved;
            book.remarks.merge(&ended.remarks);
            stats.session(id).records.add(now, saved);
            let mut session = sessions.get_mut(id);
            session.inserted += u64::from(ended.inserted);
            session.changed += u64::from(ended.changed);
            session.unchanged += u64::from(ended.unchanged);
        }
        discoveries.push(Discovery {
            session: id,
            found_by,
            found: ended.discovered,
        });
    }
}
