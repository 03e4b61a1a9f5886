//! A page's attempts in the model.

use crate::{
    message::store_verbs::{AttemptRow, EndAttempt, SHOWN_ATTEMPTS},
    model::ids::{PageKey, SessionId},
    sim::store::ModelStore,
};

impl ModelStore {
    /// The attempt that has just ended.
    pub(super) fn keep_attempt(&mut self, order: &EndAttempt) {
        let visit = self
            .sessions
            .get_mut(&order.session)
            .and_then(|session| session.visits.get_mut(&order.key));
        if let (Some(visit), Some(attempt)) = (visit, &order.attempt) {
            visit.attempts.push((self.now, attempt.clone()));
        }
    }

    /// The latest attempts at a page, oldest first.
    pub(super) fn attempts(&self, session: SessionId, key: PageKey) -> Vec<AttemptRow> {
        let session = self.sessions.get(&session);
        let visit = session.and_then(|session| session.visits.get(&key));
        let kept = visit.map_or(&[][..], |visit| &visit.attempts);
        let first = kept.len().saturating_sub(SHOWN_ATTEMPTS as usize);
        kept[first..]
            .iter()
            .map(|(ended, row)| {
                let ended_ago = self.now.saturating_sub(*ended);
                AttemptRow {
                    began_ago: row.began_ago + ended_ago,
                    ended_ago,
                    ..row.clone()
                }
            })
            .collect()
    }
}
