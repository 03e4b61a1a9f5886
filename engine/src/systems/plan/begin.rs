//! A session that the store has opened begins: start URLs are discovered.

use bevy_ecs::system::ResMut;

use crate::{
    extract::{output::Link, start_urls},
    message::{receipts::SessionOpened, store_verbs::StoreVerb},
    model::{ids::BatchId, session_state::SessionState},
    world::{
        host_queue::HostQueues,
        journal::Journal,
        ledger::Ledger,
        queue::Queue,
        session::{Session, Sessions},
        slots::Owner,
        store_requests::StoreRequests,
    },
};

pub(super) fn begin_sessions(
    mut opened: ResMut<Queue<SessionOpened>>,
    mut sessions: Sessions,
    mut host_queues: ResMut<HostQueues>,
    mut requests: ResMut<StoreRequests>,
    mut ledger: ResMut<Ledger>,
    mut journal: ResMut<Journal>,
) {
    while let Some(opened) = opened.pop() {
        let id = opened.session;
        for host in &opened.hosts {
            let queue = host_queues.id(id, host.id);
            let queue = host_queues.get_mut(queue);
            (queue.outside, queue.gone) = (host.waiting, host.gone);
        }
        ledger.stages_changed = true;
        if !opened.started {
            let mut session = sessions.get_mut(id);
            let links = start_urls::links(&session.site);
            discover(&mut session, &mut requests, links);
        }
        sessions.enter(id, SessionState::Running, &mut journal);
    }
}

/// Start URLs go to the store.
pub(in crate::systems) fn discover(
    session: &mut Session,
    requests: &mut StoreRequests,
    links: Vec<Link>,
) {
    session.discovering = true;
    requests.ask(
        Owner::Discover(session.id),
        StoreVerb::Discover {
            session: session.id,
            batch: BatchId(0),
            depth: 0,
            links,
            batch_size: session.batch_size(),
        },
    );
}
