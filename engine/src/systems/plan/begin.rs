//! A session that the store has opened begins: hosts are met, start URLs discovered.

use crate::{
    extract::{output::Link, start_urls},
    message::{receipts::SessionOpened, store_verbs::StoreVerb},
    model::{
        ids::{BatchId, SessionId},
        session_state::SessionState,
    },
    systems::crawl::Crawl,
    world::slots::Owner,
};

/// Planning → running.
pub(super) fn begin_sessions(mut crawl: Crawl) {
    for opened in std::mem::take(&mut crawl.desk.opened) {
        begin(&mut crawl, &opened);
    }
}

fn begin(crawl: &mut Crawl, opened: &SessionOpened) {
    let id = opened.session;
    for host in &opened.hosts {
        crawl.meet_host(host.id, &host.key, id, host.learned.as_ref());
        let line = crawl.lines.id(id, host.id);
        let line = crawl.lines.get_mut(line);
        (line.outside, line.gone) = (host.waiting, host.gone);
    }
    crawl.desk.restless = true;
    if !opened.started
        && let Some(mut session) = crawl.session_mut(id)
    {
        session.discovering = true;
        let links = start_urls::links(&session.site);
        crawl.discover(id, links);
    }
    crawl.move_session(id, SessionState::Running);
}

impl Crawl<'_, '_> {
    /// Start URLs go to the store.
    pub(in crate::systems) fn discover(&mut self, session: SessionId, links: Vec<Link>) {
        let batch_size = self.batch_size(session);
        self.write(
            Owner::Discover(session),
            StoreVerb::Discover {
                session,
                batch: BatchId(0),
                depth: 0,
                links,
                batch_size,
            },
        );
    }
}
