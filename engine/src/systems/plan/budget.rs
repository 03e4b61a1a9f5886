//! A session ends by pages, bytes or minutes where that was asked (SPEC B9): it drains and is
//! stopped; what waits stays queued, and `resume` goes on with as much again.

use crate::{
    model::{
        ids::SessionId,
        session_state::{Budget, SessionState},
    },
    systems::crawl::Crawl,
    world::session::Session,
};

/// Looked at in every tick; a snapshot's timer makes one at least once in its interval.
pub(super) fn stop_in_time(mut crawl: Crawl) {
    let Some(minutes) = crawl.settings.0.bounds.max_minutes else {
        return;
    };
    let now = crawl.now();
    let late = |session: &Session| {
        let runs = matches!(
            session.state(),
            SessionState::Running | SessionState::Paused
        );
        runs && now.saturating_sub(session.began).as_secs() >= minutes.saturating_mul(60)
    };
    let due: Vec<SessionId> = crawl
        .index
        .sessions
        .keys()
        .copied()
        .filter(|id| crawl.session(*id).is_some_and(late))
        .collect();
    for id in due {
        crawl.use_up(id, Budget::Minutes);
    }
}
