//! The result document of a session that ends (SPEC B2).

use std::time::Duration;

use serde_json::{Map, Value as Json, json};

use crate::{
    model::{class::SkipReason, ids::StageId, phase::Phase, session_state::Ending},
    world::{
        ledger::{Book, Counts},
        session::Session,
    },
};

pub(super) fn result(
    session: &Session,
    book: Option<&Book>,
    ran: Duration,
    ending: &Ending,
) -> Json {
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
