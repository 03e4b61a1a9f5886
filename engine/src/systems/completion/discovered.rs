//! Pages that the store has found or read: they enter the window, or wait outside it.

use bevy_ecs::system::ResMut;

use super::{Admission, Discovery, FoundBy};
use crate::{
    message::store_verbs::StoredTask,
    model::{class::SkipReason, ids::Seq, phase::Phase},
    systems::endings::reopen,
    world::{
        frontier::Frontier,
        host::HostIndex,
        queue::Queue,
        session::{Session, Sessions},
        task_state::Tasks,
        timers::Timers,
    },
};

/// What adding links did: books, hosts, and new pages.
pub(super) fn take_discovered(
    mut discoveries: ResMut<Queue<Discovery>>,
    mut tasks: Tasks,
    mut sessions: Sessions,
    mut frontier: Frontier,
    mut host_index: ResMut<HostIndex>,
    mut timers: ResMut<Timers>,
) {
    while let Some(discovery) = discoveries.pop() {
        let Discovery {
            session: id,
            found_by,
            found,
        } = discovery;
        let mut session = sessions.get_mut(id);
        match found_by {
            FoundBy::Start => session.discovering = false,
            FoundBy::Page(stage) => {
                for task in &found.new {
                    *session.children.entry((stage, task.stage)).or_default() += 1;
                }
            }
            FoundBy::FailedPage => {}
        }
        for (host, key) in &found.hosts {
            host_index.see(*host, key, id, None);
        }
        for (batch, stage, host, count) in found.complete {
            let queue = frontier.queues.id(id, host);
            frontier.queues.get_mut(queue).gone.finished += count;
            tasks
                .ledger
                .discover(id, (batch, stage), Phase::Skipped, count);
            let skipped = &mut tasks.ledger.book_mut(id).skipped;
            *skipped.entry(SkipReason::NotModified).or_default() += count;
        }
        tasks.ledger.stages_changed = true;
        let mut last = None;
        for task in found.new {
            let stage = (task.batch, task.stage);
            if last.replace(stage) != Some(stage) {
                reopen(&mut sessions, &mut tasks.journal, id, stage);
            }
            tasks.ledger.discover(id, stage, Phase::Queued, 1);
            let session = sessions.get(id);
            enter(&mut frontier, &mut tasks, &mut timers, session, task);
        }
    }
}

/// A new page enters memory only when its host has nothing unread in the store.
fn enter(
    frontier: &mut Frontier,
    tasks: &mut Tasks,
    timers: &mut Timers,
    session: &Session,
    task: StoredTask,
) {
    let begun = session.opened.contains(&task.batch) && session.takes_in();
    let room = begun && frontier.window.room() > 0;
    let fair = frontier.window.fair_share(frontier.queues.len());
    let id = frontier.queues.id(session.id, task.host);
    let queue = frontier.queues.get_mut(id);
    let room = room && queue.resident < fair;
    let cursor = queue.cursor(task.batch);
    if room && cursor.exhausted && !cursor.asked && task.seq > cursor.after {
        cursor.after = task.seq;
        frontier.admit(tasks, timers, session, task);
        return;
    }
    if task.seq <= cursor.after {
        // A read that was answered before this receipt has brought it in already.
        return;
    }
    cursor.exhausted = false;
    cursor.passed = cursor.passed.max(task.seq);
    frontier.pass_over(id, tasks.now());
}

/// Waiting pages that were read for a host queue that had run low.
pub(super) fn admit_pages(
    mut admissions: ResMut<Queue<Admission>>,
    mut tasks: Tasks,
    sessions: Sessions,
    mut frontier: Frontier,
    mut timers: ResMut<Timers>,
) {
    while let Some(admission) = admissions.pop() {
        let id = admission.queue;
        let session = sessions.get(frontier.queues.get(id).session);
        let mut entered = 0;
        for task in admission.tasks {
            entered += u64::from(frontier.admit(&mut tasks, &mut timers, session, task));
        }
        let queue = frontier.queues.get_mut(id);
        queue.outside = queue.outside.saturating_sub(entered);
        let cursor = queue.cursor(admission.batch);
        cursor.asked = false;
        cursor.after = cursor.after.max(admission.after);
        cursor.exhausted = admission.exhausted && cursor.passed <= cursor.after;
        if std::mem::take(&mut cursor.again) {
            (cursor.after, cursor.exhausted) = (Seq(0), false);
        }
        frontier.low.0.push(id);
    }
}
