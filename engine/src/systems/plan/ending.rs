//! Sessions end: completed, stopped or failed, with one result document.

use std::time::Duration;

use bevy_ecs::system::{Res, ResMut};
use serde_json::json;

use super::result::result;
use crate::{
    message::store_verbs::{Note, StoreVerb},
    model::{
        ids::SessionId,
        phase::Phase,
        session_state::{Ending, SessionState},
    },
    world::{
        clock::Clock,
        condition::StoreHealth,
        host::Hosts,
        host_queue::HostQueues,
        journal::Journal,
        ledger::{Book, Ledger, in_flight, open},
        session::{Session, Sessions},
        slots::Owner,
        store_requests::StoreRequests,
    },
};

/// Ends sessions that have nothing left, or nothing in flight after a cancel. The last notes go to
/// the store; a session is over when they are kept.
pub(super) fn end_sessions(
    mut sessions: Sessions,
    hosts: Hosts,
    mut requests: ResMut<StoreRequests>,
    mut journal: ResMut<Journal>,
    host_queues: Res<HostQueues>,
    ledger: Res<Ledger>,
    store: Res<StoreHealth>,
    clock: Res<Clock>,
) {
    let ids: Vec<SessionId> = sessions.index.ids().collect();
    for id in ids {
        let mut session = sessions.get_mut(id);
        let book = ledger.book(id);
        let ran = clock.now().saturating_sub(session.began);
        let next = if session.is_over() {
            continue;
        } else if let Some(why) = &store.lost {
            // Nothing more can be kept.
            let ending = Ending::Failed(why.clone());
            let mut document = result(&session, book, ran, &ending);
            document["cause"] = json!("store");
            session.result = Some(document);
            SessionState::Over(ending)
        } else if let Some(ending) = ends(&session, book) {
            let document = result(&session, book, ran, &ending);
            session.result = Some(document.clone());
            learn(id, &host_queues, &hosts, &mut requests, clock.now());
            let note = Note::SessionState {
                session: id,
                state: ending.phase().name().to_owned(),
                result: Some(document),
            };
            requests.ask(Owner::Close(id), StoreVerb::Note(note));
            SessionState::Closing(ending)
        } else {
            continue;
        };
        sessions.enter(id, next, &mut journal);
    }
}

/// How a session ends now, if it does.
fn ends(session: &Session, book: Option<&Book>) -> Option<Ending> {
    match session.state() {
        SessionState::Closing(_) => None,
        SessionState::Draining { then, .. } => {
            let is_still = book.is_none_or(|book| in_flight(&book.total) == 0);
            is_still.then(|| then.clone())
        }
        _ => is_finished(session, book).then_some(Ending::Completed),
    }
}

/// Every batch known has been opened and has ended.
fn is_finished(session: &Session, book: Option<&Book>) -> bool {
    if session.discovering || *session.state() == SessionState::Planning {
        return false;
    }
    book.is_none_or(|book| {
        open(&book.total) == 0
            && book.total[Phase::Failed as usize] == 0
            && book.unopened().is_none()
            && session.running.is_empty()
    })
}

/// What was learned of the session's hosts is kept for the next run.
fn learn(
    id: SessionId,
    host_queues: &HostQueues,
    hosts: &Hosts,
    requests: &mut StoreRequests,
    now: Duration,
) {
    let own = host_queues
        .iter()
        .filter(|(_, queue)| queue.session == id)
        .map(|(_, queue)| queue.host);
    for host in own {
        let known = hosts.get(host);
        let known = known.filter(|known| known.id == host && known.sent > 0);
        if let Some(state) =
            known.and_then(|known| serde_json::to_value(known.pace.learned(now)).ok())
        {
            requests.note(Some(id), Note::Learned { host, state });
        }
    }
}
