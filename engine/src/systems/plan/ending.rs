//! Sessions end: completed, stopped or failed, with one result document.

use serde_json::{Map, Value as Json, json};

use crate::{
    message::store_verbs::{Note, StoreVerb},
    model::{
        class::SkipReason,
        ids::{SessionId, StageId},
        phase::Phase,
        session_state::{Ending, SessionState},
    },
    systems::crawl::Crawl,
    world::{
        ledger::{Counts, open},
        session::Session,
        slots::Owner,
    },
};

/// Ends sessions that have nothing left, or nothing in flight after a cancel.
pub(super) fn end_sessions(mut crawl: Crawl) {
    let sessions: Vec<SessionId> = crawl.index.sessions.keys().copied().collect();
    let lost = crawl.condition.store_lost.clone();
    for id in sessions {
        let Some(session) = crawl.session(id) else {
            continue;
        };
        if session.is_over() {
            continue;
        }
        if let Some(lost) = &lost {
            fail(&mut crawl, id, lost);
            continue;
        }
        let ending = match session.state() {
            SessionState::Closing(_) => continue,
            SessionState::Draining { then, .. } => {
                let book = crawl.moves.book(id);
                let is_still = book.is_none_or(|book| in_flight(&book.total) == 0);
                is_still.then(|| then.clone())
            }
            _ => is_finished(&crawl, id, session).then_some(Ending::Completed),
        };
        if let Some(ending) = ending {
            close(&mut crawl, id, ending);
        }
    }
}

fn in_flight(counts: &Counts) -> u64 {
    Phase::ALL
        .into_iter()
        .filter(|phase| phase.is_in_flight())
        .map(|phase| counts[phase as usize])
        .sum()
}

/// Every batch known has been opened and has ended.
fn is_finished(crawl: &Crawl, id: SessionId, session: &Session) -> bool {
    if session.discovering || *session.state() == SessionState::Planning {
        return false;
    }
    let Some(book) = crawl.moves.book(id) else {
        return !session.discovering;
    };
    open(&book.total) == 0
        && book.total[Phase::Failed as usize] == 0
        && book.unopened().is_none()
        && session.running.is_empty()
}

/// The last notes go to the store; the session is over when they are kept.
fn close(crawl: &mut Crawl, id: SessionId, ending: Ending) {
    let result = result(crawl, id, &ending);
    learn(crawl, id);
    if let Some(mut session) = crawl.session_mut(id) {
        session.result = Some(result.clone());
    }
    crawl.write(
        Owner::Close(id),
        StoreVerb::Note(Note::SessionState {
            session: id,
            state: ending.phase().name().to_owned(),
            result: Some(result),
        }),
    );
    crawl.move_session(id, SessionState::Closing(ending));
}

/// The store is lost: nothing more can be kept.
fn fail(crawl: &mut Crawl, id: SessionId, why: &str) {
    let ending = Ending::Failed(why.to_owned());
    let mut document = result(crawl, id, &ending);
    document["cause"] = json!("store");
    if let Some(mut session) = crawl.session_mut(id) {
        session.result = Some(document);
    }
    crawl.move_session(id, SessionState::Over(ending));
}

/// What was learned of the session's hosts is kept for the next run.
fn learn(crawl: &mut Crawl, id: SessionId) {
    let now = crawl.now();
    let hosts: Vec<_> = crawl
        .lines
        .iter()
        .filter(|(_, line)| line.session == id)
        .map(|(_, line)| line.host)
        .collect();
    for host in hosts {
        let Some(state) = crawl
            .host_mut(host)
            .filter(|known| known.id == host && known.sent > 0)
            .and_then(|known| serde_json::to_value(known.pace.learned(now)).ok())
        else {
            continue;
        };
        let verb = StoreVerb::Note(Note::Learned { host, state });
        crawl.write(Owner::Note(Some(id)), verb);
    }
}

/// The session's result document (SPEC B2).
fn result(crawl: &Crawl, id: SessionId, ending: &Ending) -> Json {
    let Some(session) = crawl.session(id) else {
        return Json::Null;
    };
    let book = crawl.moves.book(id);
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
        "session": id.0,
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
        "durationSeconds": crawl.now().saturating_sub(session.began).as_secs_f64(),
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
