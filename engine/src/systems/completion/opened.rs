//! Sessions that the store has opened, and those whose last note it has kept.

use std::sync::Arc;

use bevy_ecs::system::{Res, ResMut};
use serde_json::json;

use super::{Opening, SessionClosed};
use crate::{
    feed::frame::Change,
    message::receipts::SessionOpened,
    model::{phase::SessionPhase, session_state::SessionState},
    site::compiled::Site,
    world::{
        frontier::Frontier,
        host::HostIndex,
        host_queue::HostQueues,
        ledger::Ledger,
        queue::Queue,
        replies::{PendingReplies, acknowledge},
        session::{Session, Sessions},
        settings::ActiveSettings,
        slots::Slots,
        task_state::Tasks,
    },
};

/// A session is open: its books are what the store counts.
pub(super) fn open_sessions(
    mut openings: ResMut<Queue<Opening>>,
    mut tasks: Tasks,
    mut sessions: Sessions,
    mut host_index: ResMut<HostIndex>,
    mut host_queues: ResMut<HostQueues>,
    mut slots: ResMut<Slots>,
    mut replies: ResMut<PendingReplies>,
    mut begin: ResMut<Queue<SessionOpened>>,
    settings: Res<ActiveSettings>,
) {
    while let Some(Opening(request, opened)) = openings.pop() {
        let asked = replies.opening.remove(&request);
        let asked = asked.expect("only what was asked is opened");
        let (start, id) = (asked.start, opened.session);
        slots.set_boot(opened.boot);
        // What an earlier life of this session in this engine left is forgotten.
        tasks.ledger.begin_anew(id);
        host_queues.begin_anew(id);
        for entity in sessions.index.remove(id) {
            tasks.commands.entity(entity).despawn();
        }
        book(&mut tasks.ledger, &opened);
        let source = start.source.as_deref();
        tasks.journal.write(admitted(&opened, &start.site, source));
        let session = Session::new(&opened, &start, Arc::clone(&settings.0), tasks.now());
        let entity = tasks.commands.spawn(session).id();
        tasks.journal.write(Change::SessionMoved {
            session: id,
            from: SessionPhase::Analysing,
            to: SessionPhase::Planning,
        });
        sessions.index.entities.insert(id, entity);
        for host in &opened.hosts {
            host_index.see(host.id, &host.key, id, host.learned.clone());
        }
        acknowledge(asked.reply, Ok(json!({ "session": id.0 })));
        begin.push(*opened);
    }
}

fn book(ledger: &mut Ledger, opened: &SessionOpened) {
    let id = opened.session;
    for (batch, stage, phase, count) in &opened.counts {
        ledger.discover(id, (*batch, *stage), *phase, *count);
    }
    let book = ledger.book_mut(id);
    book.skipped.extend(opened.skipped.iter().copied());
    book.dead.extend(opened.dead.iter().copied());
    book.records = opened.records;
    book.bytes = opened.bytes;
    book.remarks = opened.remarks.clone();
}

fn admitted(opened: &SessionOpened, site: &Site, source: Option<&str>) -> Change {
    let stages = site.stages.iter();
    Change::SessionAdmitted {
        session: opened.session,
        site: Arc::from(site.name.as_str()),
        source: source.map(Arc::from),
        stages: stages.map(|stage| Arc::from(stage.name.as_str())).collect(),
    }
}

/// A session's last note is kept: it is over.
pub(super) fn close_sessions(
    mut closed: ResMut<Queue<SessionClosed>>,
    mut tasks: Tasks,
    mut sessions: Sessions,
    mut frontier: Frontier,
) {
    while let Some(SessionClosed(id)) = closed.pop() {
        let SessionState::Closing(ending) = sessions.get(id).state().clone() else {
            // The store was lost meanwhile: it has failed.
            continue;
        };
        frontier.evict_all(&mut tasks, id);
        sessions.enter(id, SessionState::Over(ending), &mut tasks.journal);
    }
}
