//! Receipts of the store: saving → done or skipped, pages found, pages read, sessions open.

use std::{sync::Arc, time::Duration};

use bevy_ecs::entity::Entity;
use serde_json::json;

use crate::{
    feed::frame::{Change, Detail},
    message::{
        commands::Inspected,
        receipts::{Ended, MovedCount, SessionOpened, StoreReceipt},
        store_verbs::AttemptRow,
    },
    model::{
        class::SkipReason,
        ids::{BatchId, OrderId, Seq, SessionId, StageId},
        numbers::millis,
        phase::{Phase, SessionPhase},
        remark::Remark,
        session_state::SessionState,
        stage_state::StageState,
    },
    systems::crawl::Crawl,
    world::{host_queue::LineId, session::Session, slots::Owner, state::TaskState, stats::Step},
};

/// The page's end is on disk.
pub(super) fn saved(
    crawl: &mut Crawl,
    id: OrderId,
    entity: Entity,
    receipt: StoreReceipt,
    took: Duration,
) {
    let StoreReceipt::Ended(ended) = receipt else {
        return;
    };
    crawl.condition.store_trouble = None;
    crawl.condition.trouble_since = None;
    let bytes = crawl.slots.get(id).map_or(0, |busy| busy.store);
    crawl.release(id);
    crawl.slots.close(id);
    let Some(task) = crawl.moves.identity(entity) else {
        return;
    };
    let now = crawl.now();
    crawl.stats.session(task.session).saved_bytes += bytes;
    crawl
        .stats
        .ended(task.session, Step::Save, task.stage, took, now);
    if ended.duplicate {
        crawl.moves.make(
            entity,
            TaskState::Skipped(SkipReason::Duplicate),
            Detail::Reason(SkipReason::Duplicate),
        );
    } else {
        let ms = millis(took);
        crawl
            .moves
            .make(entity, TaskState::Done, Detail::Took { ms, bytes: 0 });
        count(crawl, task.session, &ended);
        let now = crawl.now();
        crawl.stats.session(task.session).pages.add(now, 1);
        if let Some(mut session) = crawl.session_mut(task.session) {
            session.ended += 1;
        }
    }
    crawl.retire(entity);
    crawl.take_discovered(task.session, Some(task.stage), ended.discovered);
}

fn count(crawl: &mut Crawl, session: SessionId, ended: &Ended) {
    let now = crawl.now();
    let saved = u64::from(ended.inserted) + u64::from(ended.changed) + u64::from(ended.unchanged);
    let book = crawl.moves.ledger().book_mut(session);
    book.records += saved;
    book.remarks.merge(&ended.remarks);
    crawl.stats.session(session).records.add(now, saved);
    if let Some(mut session) = crawl.session_mut(session) {
        session.inserted += u64::from(ended.inserted);
        session.changed += u64::from(ended.changed);
        session.unchanged += u64::from(ended.unchanged);
    }
}

/// Any other receipt.
pub(super) fn receipt(crawl: &mut Crawl, id: OrderId, owner: Owner, receipt: StoreReceipt) {
    crawl.condition.store_trouble = None;
    // An admission only reads: it succeeds on a full disk too.
    if !matches!(receipt, StoreReceipt::Admitted { .. }) {
        crawl.condition.trouble_since = None;
    }
    crawl.slots.close(id);
    match (owner, receipt) {
        (Owner::Marks, StoreReceipt::Marked) => {
            for flight in crawl.desk.marking.remove(&id).unwrap_or_default() {
                if let Some(flight) = crawl.slots.flight_mut(flight) {
                    flight.mark = flight.mark.kept();
                }
            }
        }
        (
            Owner::Admit(line, batch),
            StoreReceipt::Admitted {
                tasks,
                cursor,
                exhausted,
            },
        ) => {
            let session = crawl.lines.get(line).session;
            let mut n = 0;
            for task in tasks {
                n += u64::from(crawl.admit(session, task));
            }
            read_up(crawl, line, batch, cursor, exhausted, n);
        }
        (Owner::Discover(session), StoreReceipt::Discovered(found)) => {
            if let Some(mut session) = crawl.session_mut(session) {
                session.discovering = false;
            }
            crawl.take_discovered(session, None, found);
        }
        (Owner::End(session), StoreReceipt::Ended(ended)) => {
            count(crawl, session, &ended);
            crawl.take_discovered(session, None, ended.discovered);
        }
        (Owner::Open(request), StoreReceipt::Opened(opened)) => {
            opened_session(crawl, request, *opened);
        }
        (Owner::Requeue(session, batch, stage), StoreReceipt::Moved(moved)) => {
            bulk(crawl, session, &moved, Phase::Queued);
            judged(crawl, session, batch, stage);
        }
        (Owner::Condemn(session, batch, stage), StoreReceipt::Moved(moved)) => {
            bulk(crawl, session, &moved, Phase::Dead);
            judged(crawl, session, batch, stage);
        }
        (Owner::SkipFailed(session, batch, stage), StoreReceipt::Moved(moved)) => {
            bulk(crawl, session, &moved, Phase::Skipped);
            let skipped = &mut crawl.moves.ledger().book_mut(session).skipped;
            *skipped.entry(SkipReason::PastTheEnd).or_default() +=
                moved.iter().map(|moved| moved.count).sum::<u64>();
            judged(crawl, session, batch, stage);
        }
        (Owner::RequeueDead(session, request), StoreReceipt::Moved(moved)) => {
            bulk(crawl, session, &moved, Phase::Queued);
            for moved in &moved {
                crawl.reopen(session, moved.batch, moved.stage);
            }
            answer(crawl, request, &moved, 0);
        }
        (Owner::Drop(session, request), StoreReceipt::Moved(moved)) => {
            let (count, keys) = crawl.desk.dropping.remove(&request).unwrap_or_default();
            for key in keys {
                // It was read up before the store dropped it.
                if let Some(entity) = crawl.resident(session, key)
                    && matches!(crawl.moves.of(entity), Some(TaskState::Queued))
                {
                    crawl.leave(entity);
                }
            }
            bulk(crawl, session, &moved, Phase::Cancelled);
            answer(crawl, request, &moved, count);
        }
        (Owner::Inspect(request), StoreReceipt::Attempts(attempts)) => {
            inspected(crawl, request, attempts);
        }
        (Owner::Close(session), StoreReceipt::Noted) => closed(crawl, session),
        (Owner::Note(_), StoreReceipt::Noted) => {}
        (_, receipt) => debug_assert!(false, "{owner:?} was answered with {receipt:?}"),
    }
}

/// The store refused a verb: what it names is not there.
pub(super) fn refused(crawl: &mut Crawl, id: OrderId, message: &str) {
    let owner = crawl.slots.get(id).map(|busy| busy.owner);
    if let Some(Owner::Task(entity)) = owner {
        // Somebody ended the page behind our back, or it does not fit the store: what that says
        // counts, and why is told, not guessed.
        crawl.release(id);
        crawl.slots.close(id);
        if let Some(task) = crawl.moves.identity(entity) {
            let url = crawl.moves.url(entity).map(ToString::to_string);
            let url = url.unwrap_or_default();
            crawl.remark(
                task.session,
                Remark::Refused,
                1,
                &format!("{message}: {url}"),
            );
        }
        crawl.moves.make(
            entity,
            TaskState::Skipped(SkipReason::Unknown),
            Detail::Reason(SkipReason::Unknown),
        );
        crawl.retire(entity);
        return;
    }
    crawl.slots.close(id);
    match owner {
        Some(Owner::Open(request)) => {
            if let Some(opening) = crawl.index.opening.remove(&request)
                && let Some(reply) = opening.reply
            {
                reply.try_send(Err(message.to_owned())).ok();
            }
        }
        Some(Owner::RequeueDead(_, request) | Owner::Drop(_, request)) => {
            if let Some(reply) = crawl.index.asking.remove(&request) {
                reply.try_send(Err(message.to_owned())).ok();
            }
        }
        Some(Owner::Inspect(request)) => inspected(crawl, request, Vec::new()),
        _ => {
            crawl.desk.marking.remove(&id);
            crawl.tell_all(&format!("the store refused: {message}"));
        }
    }
}

/// How far a line was read.
fn read_up(
    crawl: &mut Crawl,
    id: LineId,
    batch: BatchId,
    after: crate::model::ids::Seq,
    exhausted: bool,
    n: u64,
) {
    let line = crawl.lines.get_mut(id);
    line.outside = line.outside.saturating_sub(n);
    let cursor = line.cursor(batch);
    cursor.asked = false;
    cursor.after = cursor.after.max(after);
    cursor.exhausted = exhausted && cursor.passed <= cursor.after;
    if std::mem::take(&mut cursor.again) {
        (cursor.after, cursor.exhausted) = (Seq(0), false);
    }
    crawl.desk.hungry.push(id);
}

/// Pages that a bulk verb moved; they stand in the store.
fn bulk(crawl: &mut Crawl, session: SessionId, moved: &[MovedCount], to: Phase) {
    for count in moved {
        let cell = (count.batch, count.stage);
        crawl
            .moves
            .ledger()
            .shift(session, cell, (count.from, to), count.count);
        let dead = &mut crawl.moves.ledger().book_mut(session).dead;
        if let Some(class) = count.class {
            if count.from == Phase::Dead
                && let Some(known) = dead.get_mut(&class)
            {
                *known = known.saturating_sub(count.count);
            }
            if to == Phase::Dead {
                *dead.entry(class).or_default() += count.count;
            }
            dead.retain(|_, count| *count > 0);
        }
        let id = crawl.lines.id(session, count.host);
        let line = crawl.lines.get_mut(id);
        if count.from.is_waiting() {
            line.outside = line.outside.saturating_sub(count.count);
        }
        if let Some(gone) = line.gone.of(count.from) {
            *gone = gone.saturating_sub(count.count);
        }
        if let Some(gone) = line.gone.of(to) {
            *gone += count.count;
        }
        if to == Phase::Queued {
            line.outside += count.count;
            line.cursor(count.batch).exhausted = false;
            crawl.desk.hungry.push(id);
        }
    }
    crawl.desk.restless = true;
}

/// The store has carried out a stage's verdict.
fn judged(crawl: &mut Crawl, session: SessionId, batch: BatchId, stage: StageId) {
    crawl.desk.restless = true;
    let Some(entity) = crawl.index.batches.get(&(session, batch)).copied() else {
        return;
    };
    if let Ok(mut batch) = crawl.batches.get_mut(entity) {
        batch.stages[usize::from(stage.0)].enter(StageState::Running);
    }
}

/// What the store knows of a task that somebody asks after.
fn inspected(crawl: &mut Crawl, request: u32, attempts: Vec<AttemptRow>) {
    let asked = crawl.desk.inspecting.remove(&request);
    let reply = crawl.index.asking.remove(&request);
    if let (Some(asked), Some(reply)) = (asked, reply) {
        let told = Inspected { attempts, ..asked };
        let ack = serde_json::to_value(told).map_err(|error| error.to_string());
        reply.try_send(ack).ok();
    }
}

fn answer(crawl: &mut Crawl, request: u32, moved: &[MovedCount], before: usize) {
    let count = moved.iter().map(|moved| moved.count).sum::<u64>() + before as u64;
    if let Some(reply) = crawl.index.asking.remove(&request) {
        reply.try_send(Ok(json!({ "pages": count }))).ok();
    }
}

/// A session is open: its books are what the store counts.
fn opened_session(crawl: &mut Crawl, request: u32, opened: SessionOpened) {
    let Some(opening) = crawl.index.opening.remove(&request) else {
        return;
    };
    let start = opening.start;
    let id = opened.session;
    crawl.slots.set_boot(opened.boot);
    crawl.begin_anew(id);
    let ledger = crawl.moves.ledger();
    for (batch, stage, phase, count) in &opened.counts {
        ledger.discover(id, (*batch, *stage), *phase, *count);
    }
    let book = ledger.book_mut(id);
    book.skipped.extend(opened.skipped.iter().copied());
    book.dead.extend(opened.dead.iter().copied());
    book.records = opened.records;
    book.bytes = opened.bytes;
    book.remarks = opened.remarks.clone();
    let site = &start.site;
    crawl.moves.journal().write(Change::SessionBorn {
        session: id,
        site: Arc::from(site.name.as_str()),
        source: start.source.as_deref().map(Arc::from),
        stages: site
            .stages
            .iter()
            .map(|stage| Arc::from(stage.name.as_str()))
            .collect(),
    });
    let session = Session::new(&opened, &start, crawl.now());
    let entity = crawl.commands.spawn(session).id();
    crawl.moves.journal().write(Change::SessionMoved {
        session: id,
        from: SessionPhase::Analysing,
        to: SessionPhase::Planning,
    });
    crawl.index.sessions.insert(id, entity);
    if let Some(reply) = opening.reply {
        reply.try_send(Ok(json!({ "session": id.0 }))).ok();
    }
    crawl.desk.opened.push(opened);
}

/// A session's last note is kept: it is over.
fn closed(crawl: &mut Crawl, id: SessionId) {
    let Some(SessionState::Closing(ending)) = crawl.session(id).map(Session::state) else {
        return;
    };
    let over = SessionState::Over(ending.clone());
    crawl.evict_all(id);
    crawl.move_session(id, over);
}
