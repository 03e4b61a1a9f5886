//! The acceptance rule of list pages: a short one is read again, unless it is the verified last one.

use bevy_ecs::entity::Entity;

use crate::{
    extract::output::Extracted,
    model::remark::Remark,
    site::compiled::Pages,
    world::{
        session::Session,
        task::{CameShort, Identity},
        task_state::Tasks,
    },
};

/// An empty page beyond the count, which may be shrunk for a while, is read so often.
const TRIED: u32 = 4;

/// Whether a page is taken as it came; how short it came is kept with its task.
pub(super) fn accept(
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
