//! A session ends by pages, bytes or minutes where that was asked (SPEC B9): it drains and is
//! stopped; what waits stays queued, and `resume` goes on with as much again.

use bevy_ecs::system::{Res, ResMut};

use crate::{
    model::{
        ids::SessionId,
        session_state::{Budget, Ending, SessionState},
    },
    world::{
        clock::Clock, journal::Journal, ledger::Ledger, session::Sessions, settings::ActiveSettings,
    },
};

pub(super) fn is_set(settings: Res<ActiveSettings>) -> bool {
    settings.0.bounds.max_minutes.is_some()
}

/// Looked at in every tick; a snapshot's timer makes one at least once in its interval.
pub(super) fn stop_in_time(
    mut sessions: Sessions,
    mut ledger: ResMut<Ledger>,
    mut journal: ResMut<Journal>,
    settings: Res<ActiveSettings>,
    clock: Res<Clock>,
) {
    let minutes = settings.0.bounds.max_minutes.unwrap_or(u64::MAX);
    let is_late = |id: &SessionId| {
        let session = sessions.get(*id);
        let runs = matches!(
            session.state(),
            SessionState::Running | SessionState::Paused
        );
        let ran = clock.now().saturating_sub(session.began);
        runs && ran.as_secs() >= minutes.saturating_mul(60)
    };
    let due: Vec<SessionId> = sessions.index.ids().filter(is_late).collect();
    for id in due {
        use_up(
            &mut sessions,
            &mut ledger,
            &mut journal,
            id,
            Budget::Minutes,
        );
    }
}

/// A budget is used up: the session drains and is stopped.
pub(in crate::systems) fn use_up(
    sessions: &mut Sessions,
    ledger: &mut Ledger,
    journal: &mut Journal,
    id: SessionId,
    budget: Budget,
) {
    let text = format!("{} is used up: the session stops", budget.setting());
    journal.notice(id, &text);
    let then = Ending::Stopped(Some(budget));
    let at_once = false;
    sessions.enter(id, SessionState::Draining { at_once, then }, journal);
    ledger.stages_changed = true;
}
