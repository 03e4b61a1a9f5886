//! Parsed pages: parsing → parsed, or on to where the page leads, or a setback; the acceptance rule
//! of list pages.

use bevy_ecs::{entity::Entity, system::ResMut};

use super::{ParseReport, Redirected, Setback};
use crate::{
    extract::output::Extracted,
    feed::frame::Detail,
    model::{class::ErrorClass, numbers::millis, remark::Remark},
    site::compiled::Pages,
    world::{
        permits::Permits,
        queue::{ParseQueue, Queue, SaveQueue},
        session::{Session, Sessions},
        slots::Slots,
        stats::{Stats, Step},
        task::{CameShort, Identity},
        task_state::{TaskState, Tasks},
    },
};

/// An empty page beyond the count, which may be shrunk for a while, is read so often.
const TRIED: u32 = 4;

pub(super) fn take_pages(
    mut reports: ResMut<Queue<ParseReport>>,
    mut tasks: Tasks,
    mut sessions: Sessions,
    mut slots: ResMut<Slots>,
    mut permits: ResMut<Permits>,
    mut stats: ResMut<Stats>,
    mut parse_queue: ResMut<ParseQueue>,
    mut save_queue: ResMut<SaveQueue>,
    mut redirects: ResMut<Queue<Redirected>>,
    mut setbacks: ResMut<Queue<Setback>>,
) {
    while let Some(report) = reports.pop() {
        let (id, entity, took) = (report.id, report.entity, report.took);
        let task = tasks.identity(entity);
        slots.release(id, &mut permits);
        slots.release_memory(id, &mut permits);
        parse_queue.ended(id);
        slots.flight_mut(id).parse = took;
        let mut extracted = match report.outcome {
            Ok(extracted) => extracted,
            Err(error) => {
                stats.broke(task.session, Step::Parse, task.stage);
                let (class, message) = (error.class, error.message);
                setbacks.push(Setback::new(&mut slots, id, entity, class, message));
                continue;
            }
        };
        if let Some(location) = extracted.refresh {
            redirects.push(Redirected {
                id,
                entity,
                location,
                took,
                bytes: 0,
            });
            continue;
        }
        let mut session = sessions.get_mut(task.session);
        let refused = match accept(&mut tasks, &mut session, entity, &mut extracted) {
            Err(message) => Some((ErrorClass::ShortPage, message)),
            Ok(()) => (extracted.invalid.clone()).map(|why| (ErrorClass::InvalidRecord, why)),
        };
        let flight = slots.flight_mut(id);
        flight.extracted = Some(extracted);
        if let Some((class, message)) = refused {
            // It may come so for good: then what it has counts all the same.
            stats.broke(task.session, Step::Parse, task.stage);
            setbacks.push(Setback::new(&mut slots, id, entity, class, message));
            continue;
        }
        flight.validators = flight.answer.take().map(|answer| answer.validators);
        stats.ended(task.session, Step::Parse, task.stage, took, tasks.now());
        let ms = millis(took);
        tasks.enter(entity, TaskState::Parsed(id), Detail::Took { ms, bytes: 0 });
        save_queue.0.push_back(id);
    }
}

/// Whether a page is taken as it came; how short it came is kept with its task.
fn accept(
    tasks: &mut Tasks,
    session: &mut Session,
    entity: Entity,
    extracted: &mut Extracted,
) -> Result<(), String> {
    let task = tasks.identity(entity);
    let items = extracted.distinct_items;
    let before = tasks.came_short(entity);
    let alike = before.filter(|before| before.items == items);
    let mut short = CameShort {
        items,
        times: alike.map_or(1, |before| before.times + 1),
        promised: false,
    };
    let counted_by = count_pages(session, &task, extracted);
    let Some(full) = session.site.stage(task.stage).items_per_page else {
        return Ok(());
    };
    short.promised = counted_by.promises(extracted);
    let ends_here = match numbered(session, &task, extracted.page, &short) {
        ListEdge::GoesOn => {
            let example = || tasks.url(entity).to_string();
            extracted.remarks.add(Remark::ListGoesOn, example);
            false
        }
        ListEdge::Inside => false,
        ListEdge::EndsHere => true,
    };
    let failed = u32::from(tasks.tries(entity).failed);
    let is_last_try = failed + 1 >= session.retry_policy(task.stage).0.attempts;
    let is_last = counted_by.is_verified_last(extracted, short, is_last_try);
    if items >= full || ends_here || is_last {
        return Ok(());
    }
    tasks.commands.entity(entity).insert(short);
    Err(format!(
        "the page has {items} of {full} links and is not the verified last one; it is read again"
    ))
}

/// What is known of a list's page count.
#[derive(Debug, Clone, Copy)]
struct PageCount {
    /// The largest count seen, and how many other pages told it.
    largest: Option<(u32, u32)>,
}

/// A page may tell how many pages its list has.
fn count_pages(session: &mut Session, task: &Identity, extracted: &Extracted) -> PageCount {
    if let Some(count) = extracted.page_count {
        let seen = session.page_counts.entry(task.stage).or_insert((count, 0));
        if count > seen.0 {
            *seen = (count, 0);
        }
        if count == seen.0 {
            seen.1 += 1;
        }
    }
    let own = u32::from(extracted.page_count.is_some());
    let largest = session.page_counts.get(&task.stage);
    PageCount {
        largest: largest.map(|(last, said)| (*last, said.saturating_sub(own))),
    }
}

impl PageCount {
    /// Whether the page is one of those that were counted.
    fn covers(self, page: u32) -> bool {
        self.largest.is_some_and(|(last, _)| page <= last)
    }

    /// A page that the count promises is not empty: an empty one has failed. A list of one page may
    /// well be empty.
    fn lacks(self, extracted: &Extracted) -> bool {
        extracted.distinct_items == 0
            && self.covers(extracted.page)
            && self.largest.is_some_and(|(last, _)| last > 1)
    }

    /// Whether an empty page is promised: one that itself tells a smaller count is of a list that
    /// has shrunk for a while.
    fn promises(self, extracted: &Extracted) -> bool {
        let own = extracted.page_count;
        self.lacks(extracted) && own.is_none_or(|told| extracted.page <= told)
    }

    /// The acceptance rule (A3): a list page with fewer distinct links than a full one is short,
    /// unless it is the verified last one. It is verified when another page told the same page
    /// count, when it came the same way twice, or when its stage has judged that the list ends with
    /// it; one tried beyond the count when it came so some times more; but never when it is empty
    /// and the count promises it: that is its stage's to judge.
    fn is_verified_last(self, extracted: &Extracted, short: CameShort, is_last_try: bool) -> bool {
        let page = extracted.page;
        if extracted.has_next || self.largest.is_some_and(|(last, _)| page < last) {
            return false;
        }
        let came_twice = short.times >= 2;
        match (short.items, self.largest) {
            (0, _) if self.lacks(extracted) => false,
            // Beyond the count it was only tried, because the page before it was full.
            (0, Some(_)) if page > 1 => short.times >= TRIED || is_last_try,
            (1.., Some((_, others))) if self.covers(page) => others > 0 || came_twice,
            _ => came_twice,
        }
    }
}

/// Where a page of a numbered list stands, as its session knows by now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ListEdge {
    Inside,
    /// Its stage has judged that the list ends with this page.
    EndsHere,
    /// Its stage has judged that the list ends before it, yet it holds something.
    GoesOn,
}

fn numbered(session: &mut Session, task: &Identity, page: u32, short: &CameShort) -> ListEdge {
    let stage = session.site.stage(task.stage);
    if !matches!(stage.pages, Some(Pages::Pattern { .. })) {
        return ListEdge::Inside;
    }
    let list = session.lists.entry(task.stage).or_default();
    if short.items > 0 && list.hold(page) {
        return ListEdge::GoesOn;
    }
    if short.promised && short.times >= 2 {
        list.lack(page, task.key);
    } else if short.items > 0 && list.ends_with(page) {
        return ListEdge::EndsHere;
    }
    ListEdge::Inside
}
