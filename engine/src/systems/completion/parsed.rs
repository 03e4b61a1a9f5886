//! parsing → parsed, or a setback, or on to where the page leads; the acceptance rule of list pages.

use std::{sync::Arc, time::Duration};

use bevy_ecs::entity::Entity;

use super::{fetched, set_back};
use crate::{
    extract::output::{ExtractError, Extracted},
    feed::frame::Detail,
    model::{class::ErrorClass, ids::OrderId, numbers::millis, remark::Remark},
    site::compiled::Pages,
    systems::crawl::Crawl,
    world::{
        state::TaskState,
        stats::Step,
        task::{CameShort, Identity},
    },
};

/// An empty page beyond the count, which may be shrunk for a while, is read so often.
const TRIED: u32 = 4;

/// Records and links are here.
pub(super) fn parsed(
    crawl: &mut Crawl,
    id: OrderId,
    entity: Entity,
    extracted: Box<Extracted>,
    took: Duration,
) {
    settle(crawl, id, took);
    if let Some(to) = &extracted.refresh {
        fetched::leads_on(crawl, id, entity, to, took);
        return;
    }
    let Some(task) = crawl.moves.identity(entity) else {
        return;
    };
    let items = extracted.distinct_items;
    let before = crawl.came_short(entity);
    let alike = before.filter(|before| before.items == items);
    let mut short = CameShort {
        items,
        times: alike.map_or(1, |before| before.times + 1),
        promised: false,
    };
    let refused = match accept(crawl, entity, &task, &extracted, &mut short) {
        Err(message) => {
            crawl.commands.entity(entity).insert(short);
            Some((ErrorClass::ShortPage, message))
        }
        Ok(()) => extracted
            .invalid
            .clone()
            .map(|message| (ErrorClass::InvalidRecord, message)),
    };
    if let Some((class, message)) = refused {
        // It may come so for good: then what it has counts all the same.
        if let Some(flight) = crawl.slots.flight_mut(id) {
            flight.extracted = Some(extracted);
        }
        set_back(crawl, id, class, message, None);
        return;
    }
    let now = crawl.now();
    crawl
        .stats
        .ended(task.session, Step::Parse, task.stage, took, now);
    if let Some(flight) = crawl.slots.flight_mut(id) {
        flight.validators = flight.answer.take().map(|answer| answer.validators);
        flight.extracted = Some(extracted);
    }
    let detail = Detail::Took {
        ms: millis(took),
        bytes: 0,
    };
    crawl.moves.make(entity, TaskState::Parsed(id), detail);
    crawl.desk.to_save.push_back(id);
}

/// The page could not be read.
pub(super) fn failed(crawl: &mut Crawl, id: OrderId, error: ExtractError, took: Duration) {
    settle(crawl, id, took);
    set_back(crawl, id, error.class, error.message, None);
}

/// The worker is free again.
fn settle(crawl: &mut Crawl, id: OrderId, took: Duration) {
    crawl.release(id);
    crawl.release_memory(id);
    if crawl.desk.alone == Some(id) {
        crawl.desk.alone = None;
    }
    if let Some(flight) = crawl.slots.flight_mut(id) {
        flight.parse = took;
    }
}

/// The acceptance rule (A3): a list page with fewer distinct links than a full one is short,
/// unless it is the verified last one. It is verified when another page told the same page count,
/// when it came the same way twice, or when its stage has judged that the list ends with it; one
/// tried beyond the count when it came so some times more; but never when it is empty and the count
/// promises it: that is its stage's to judge.
fn accept(
    crawl: &mut Crawl,
    entity: Entity,
    task: &Identity,
    extracted: &Extracted,
    short: &mut CameShort,
) -> Result<(), String> {
    let policy = crawl.settings.0.retry.policy;
    let tries = crawl.moves.tries(entity);
    let Some(mut session) = crawl.session_mut(task.session) else {
        return Ok(());
    };
    if let Some(count) = extracted.page_count {
        let seen = session.page_counts.entry(task.stage).or_insert((count, 0));
        if count > seen.0 {
            *seen = (count, 0);
        }
        if count == seen.0 {
            seen.1 += 1;
        }
    }
    let site = Arc::clone(&session.site);
    let stage = site.stage(task.stage);
    let Some(full) = stage.items_per_page else {
        return Ok(());
    };
    let failed = tries.map_or(0, |tries| u32::from(tries.failed));
    let is_last_try = failed + 1 >= stage.retry.unwrap_or(policy).attempts;
    let (items, page) = (short.items, extracted.page);
    let own = u32::from(extracted.page_count.is_some());
    let last = session.page_counts.get(&task.stage).copied();
    let counted = last.is_some_and(|(last, _)| page <= last);
    let came_twice = short.times >= 2;
    // A page that the count promises is not empty: an empty one has failed. A list of one page may
    // well be empty.
    let is_missing = items == 0 && counted && last.is_some_and(|(last, _)| last > 1);
    // One that itself tells a smaller count is of a list that has shrunk for a while.
    short.promised = is_missing && extracted.page_count.is_none_or(|told| page <= told);
    let mut ends_here = false;
    if matches!(stage.pages, Some(Pages::Pattern { .. })) {
        let numbered = session.lists.entry(task.stage).or_default();
        if items > 0 && numbered.hold(page) {
            let example = crawl.moves.url(entity).map(ToString::to_string);
            let example = example.unwrap_or_default();
            crawl.remark(task.session, Remark::ListGoesOn, 1, &example);
        } else if short.promised && came_twice {
            numbered.lack(page, task.key);
        } else {
            ends_here = items > 0 && numbered.ends_with(page);
        }
    }
    if items >= full || ends_here {
        return Ok(());
    }
    let may_be_last = !extracted.has_next && last.is_none_or(|(last, _)| page >= last);
    let told_by_others = last.is_some_and(|(_, said)| said > own);
    let is_verified = match (items, last) {
        (0, _) if is_missing => false,
        // Beyond the count it was only tried, because the page before it was full.
        (0, Some(_)) if page > 1 => short.times >= TRIED || is_last_try,
        (1.., _) if counted => told_by_others || came_twice,
        _ => came_twice,
    };
    if may_be_last && is_verified {
        return Ok(());
    }
    Err(format!(
        "the page has {items} of {full} links and is not the verified last one; it is read again"
    ))
}
