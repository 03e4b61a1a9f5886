//! Sessions end: completed, stopped or failed, with one result document.

use std::time::Duration;

use bevy_ecs::system::{Res, ResMut};
use serde_json::{Map, Value as Json, json};

use crate::{
    message::store_verbs::{Note, StoreVerb},
    model::{
        class::SkipReason,
        ids::{SessionId, StageId},
        phase::Phase,
        session_state::{Ending, SessionState},
    },
    world::{
        clock::Clock,
        condition::StoreHealth,
        host::Hosts,
        host_queue::HostQueues,
        journal::Journal,
        ledger::{Book, Counts, Ledger, in_flight, open},
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

/// The session's result document (SPEC B2).
fn result(session: &Session, book: Option<&Book>, ran: Duration, ending: &Ending) -> Json {
    let by_state = |counts: &Counts| -> Json {
        Phase::ALL
            .into_iter()
            .map(|phase| (phase.name().to_owned(), json!(counts[phase as usize])))
            .collect::<Map<_, _>>()
            .into()
    };
    let empty = Counts::default();
    let total = book.map_or(&empty, |book| &book.total);
    let stages: Vec<Json> = (0u16..)
        .zip(&session.site.stages)
        .map(|(index, stage)| {
            let counts = book.map_or(empty, |book| book.stage(StageId(index)));
            json!({
                "name": stage.name,
                "state": session.stages[usize::from(index)].name(),
                "discovered": counts.iter().sum::<u64>(),
                "byState": by_state(&counts),
            })
        })
        .collect();
    let named = |entries: Vec<(&'static str, u64)>| -> Json {
        entries
            .into_iter()
            .map(|(name, count)| (name.to_owned(), json!(count)))
            .collect::<Map<_, _>>()
            .into()
    };
    let mut document = json!({
        "type": "result",
        "session": session.id.0,
        "site": session.site.name,
        "mode": session.mode,
        "outcome": ending.phase().name(),
        "discovered": book.map_or(0, |book| book.discovered),
        "done": total[Phase::Done as usize],
        "failed": total[Phase::Failed as usize],
        "skipped": total[Phase::Skipped as usize],
        "dead": total[Phase::Dead as usize],
        "cancelled": total[Phase::Cancelled as usize],
        "byState": by_state(total),
        "stages": stages,
        "errors": named(book.map_or(Vec::new(), |book| book.errors.iter().map(|(class, n)| (class.name(), *n)).collect())),
        "deadByClass": named(book.map_or(Vec::new(), |book| book.dead.iter().map(|(class, n)| (class.name(), *n)).collect())),
        "skippedByReason": named(book.map_or(Vec::new(), |book| book.skipped.iter().map(|(reason, n)| (reason.name(), *n)).collect())),
        "remarks": book.map_or_else(|| json!({}), |book| book.remarks.document()),
        "records": {
            "saved": book.map_or(0, |book| book.records),
            "new": session.inserted,
            "changed": session.changed,
            "unchanged": session.unchanged,
        },
        "bytes": book.map_or(0, |book| book.bytes),
        "requests": session.requests,
        "durationSeconds": ran.as_secs_f64(),
        "results": session.results,
    });
    let lacks = [SkipReason::PastTheEnd, SkipReason::Unknown];
    let lacks = book.is_some_and(|book| lacks.iter().any(|why| book.skipped.contains_key(why)));
    let lost = total[Phase::Dead as usize] + total[Phase::Failed as usize];
    document["complete"] = json!(*ending == Ending::Completed && lost == 0 && !lacks);
    if let Ending::Stopped(Some(budget)) = ending {
        document["budget"] = json!(budget.setting());
    }
    if let Some(source) = &session.source {
        document["source"] = json!(source);
    }
    if let Ending::Failed(why) = ending {
        document["why"] = json!(why);
    }
    document
}
