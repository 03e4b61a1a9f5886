//! How a list goes on: the next link, or the pages that a pattern names (SPEC A1, A7, A8, B5).
//!
//! What was asked for travels with the list from page to page ([`PagingState`]), so that a page
//! reads the same whenever and however often it is read. Only what the present page leads to is
//! remembered of it: pagers show their pages without gaps.

use std::{
    hash::{Hash as _, Hasher as _},
    iter::Chain,
    ops::Range,
};

use rustc_hash::{FxHashSet, FxHasher};
use serde_json::Value as Json;
use url::Url;

use crate::{
    extract::{
        carried::{Carried, PagingState, PassedOver, Shown},
        convert::into_json,
        fields::{captured, is_missing},
        outlinks::{Offer, Outlinks},
        output::Extracted,
        page::Page,
        records::looks_at_page,
        select::ElementIndex,
    },
    model::{
        ids::{PageKey, StageId},
        remark::Remark,
    },
    site::compiled::{CountRule, Fallbacks, Pages, Stage},
};

/// The number of this page in its list: the one in its URL where that fits the pattern, else its
/// place in the chain of pages (A7). A page that a card led to begins its own chain: what it
/// carries as `page` is then where its card stood.
#[must_use]
pub fn page_number(stage: &Stage, url: &str, carried: &Carried) -> u32 {
    if let Some(number) = stage.pages.as_ref().and_then(|pages| pages.number_in(url)) {
        return number;
    }
    let first = match &stage.pages {
        Some(Pages::Pattern { first, .. }) => *first,
        _ => 1,
    };
    if stage.pages.is_some() && carried.get("position").is_some() {
        return first;
    }
    let number = carried.get("page").and_then(Json::as_u64);
    number
        .and_then(|number| u32::try_from(number).ok())
        .unwrap_or(first)
}

/// Pages in a row that show what the page before them showed end their list: a site may answer
/// every number with its last page. One alone may be chance, where new items shift the pages.
const REPEATS: u64 = 2;

/// So many targets that were passed over are remembered; what is more is no pager.
const MOST_PASSED_OVER: usize = 16;

/// So many pages asked for are remembered.
const MOST_ASKED: usize = 256;

/// A page of a list that goes on.
struct ListPage<'l, 'p> {
    stage: &'l Stage,
    id: StageId,
    page: &'l Page<'p>,
    /// Its number in the list.
    number: u32,
    /// What it shows; none where it holds nothing.
    shown: Option<Shown>,
}

/// Adds the pages that follow, and what is known of their number.
pub(super) fn read(
    stage: &Stage,
    id: StageId,
    page: &Page<'_>,
    number: u32,
    outlinks: &mut Outlinks<'_>,
    out: &mut Extracted,
) {
    let Some(pages) = &stage.pages else { return };
    let list = ListPage {
        stage,
        id,
        page,
        number,
        shown: shown(stage, page, outlinks, out),
    };
    match pages {
        Pages::Next(next) => list.follow_next(next, outlinks, out),
        Pages::Pattern {
            pattern,
            count,
            max,
            first,
        } => {
            let ceiling = max.unwrap_or(u32::MAX);
            let count = count.as_ref();
            out.page_count = count.and_then(|rule| page_count(&page.elements, rule));
            list.follow_pattern(pattern, *first, ceiling, outlinks, out);
        }
    }
}

impl ListPage<'_, '_> {
    fn is_the_end(&self) -> bool {
        self.shown.is_some_and(|shown| shown.repeats >= REPEATS)
    }

    /// The next link; of several matches the first that leads to a page not yet asked for.
    fn follow_next(&self, next: &Fallbacks, outlinks: &mut Outlinks<'_>, out: &mut Extracted) {
        let onward = self.onward(next, outlinks, out);
        let Some((url, state)) = onward.filter(|_| !self.is_the_end()) else {
            return;
        };
        let number = self.number.saturating_add(1);
        let paging = PagingState {
            shown: self.shown,
            ..state
        };
        let carried = || {
            self.page
                .input
                .carried
                .to_list_page(number, paging.shared())
        };
        out.has_next = outlinks.offer(self.id, &url, carried) == Offer::New;
    }

    /// The pages up to the count that this page tells, those before it left out.
    fn follow_pattern(
        &self,
        pattern: &str,
        first: u32,
        ceiling: u32,
        outlinks: &mut Outlinks<'_>,
        out: &mut Extracted,
    ) {
        let following = self.number.checked_add(1).filter(|next| *next <= ceiling);
        let Some(next) = following.filter(|_| !self.is_the_end()) else {
            return;
        };
        let offered_before = if self.number == first {
            Some(self.number)
        } else {
            self.page.input.carried.paging().page_count
        };
        let last = out.page_count.map(|count| count.min(ceiling));
        let (wanted, is_guess) = following_numbers(self.stage, next, last, offered_before, out);
        let paging = PagingState {
            shown: self.shown,
            page_count: out.page_count,
            ..PagingState::default()
        };
        let paging = paging.shared();
        for wanted in wanted {
            let Ok(url) = Url::parse(&pattern.replace("{page}", &wanted.to_string())) else {
                return;
            };
            let carried = || self.page.input.carried.to_list_page(wanted, paging.clone());
            let is_new = outlinks.offer(self.id, &url, carried) == Offer::New;
            out.has_next |= is_new && !is_guess;
            if outlinks.is_full() {
                return;
            }
        }
    }

    /// The next page of the list, if there is one, and what it is told of those before it.
    fn onward(
        &self,
        next: &Fallbacks,
        outlinks: &mut Outlinks<'_>,
        out: &mut Extracted,
    ) -> Option<(Url, PagingState)> {
        let (page, before) = (self.page, self.page.input.carried.paging());
        let own: Vec<u64> = outlinks.own_keys(page.input).map(key_prefix).collect();
        let known: FxHashSet<u64> = (before.asked.iter().chain(&own).copied())
            .chain(before.passed_over.iter().map(|one| one.from))
            .collect();
        let targets = targets(next, page, before.asked.is_empty(), out);
        let (asked, fresh) = sorted(targets, &known, self.id, outlinks);
        warn_of_several(&fresh, out);

        let mut met: FxHashSet<u64> = fresh.iter().map(|(key, _)| *key).collect();
        let from = *own.first()?;
        let mut left: Vec<PassedOver> = (fresh.into_iter().take(MOST_PASSED_OVER + 1))
            .map(|(_, url)| PassedOver {
                from,
                url: url.into(),
            })
            .collect();
        let before_left = before.passed_over.iter().filter(|one| {
            let url = Url::parse(&one.url).ok();
            let key = url
                .and_then(|url| outlinks.key_of(self.id, &url))
                .map(key_prefix);
            key.is_some_and(|key| !known.contains(&key) && met.insert(key))
        });
        left.extend(before_left.cloned());
        if left.is_empty() {
            return None;
        }
        let taken = left.remove(0);
        left.truncate(MOST_PASSED_OVER);
        let mut all = own;
        all.push(taken.from);
        all.extend(asked.into_iter().take(MOST_ASKED));
        all.dedup();
        let state = PagingState {
            asked: all,
            passed_over: left,
            ..PagingState::default()
        };
        Some((Url::parse(&taken.url).ok()?, state))
    }
}

/// What the page shows, and whether the one before showed the same; none where it holds nothing.
fn shown(
    stage: &Stage,
    page: &Page<'_>,
    outlinks: &Outlinks<'_>,
    out: &Extracted,
) -> Option<Shown> {
    let mut hasher = FxHasher::default();
    let mut is_empty = true;
    for link in outlinks.so_far() {
        is_empty = false;
        link.key.0.as_bytes().hash(&mut hasher);
    }
    for record in &out.records {
        let rule = &stage.records[usize::from(record.rule)];
        // Single pages of a chain may well say the same; lists of matches do not.
        if rule.each.is_none() {
            continue;
        }
        for (field, value) in rule.fields.iter().zip(&record.values) {
            // What was carried, the page's number for one, is not what the page shows.
            if looks_at_page(field) && !is_missing(value) {
                is_empty = false;
                into_json(value.clone()).to_string().hash(&mut hasher);
            }
        }
    }
    if is_empty {
        return None;
    }
    let fingerprint = hasher.finish();
    let before = page.input.carried.paging().shown;
    let before = before.filter(|before| before.fingerprint == fingerprint);
    Some(Shown {
        fingerprint,
        repeats: before.map_or(0, |before| before.repeats + 1),
    })
}

/// The numbers to go on with after the page before `next`, and whether they are only tried. `last`
/// is what the page tells; the pages up to `offered_before` were offered already.
fn following_numbers(
    stage: &Stage,
    next: u32,
    last: Option<u32>,
    offered_before: Option<u32>,
    out: &Extracted,
) -> (Chain<Range<u32>, Range<u32>>, bool) {
    let full = stage.items_per_page;
    let is_full = full.is_some_and(|full| out.distinct_items >= full);
    let holds_something = out.distinct_items > 0 || !out.records.is_empty();
    let after = next.saturating_add(1);
    let (first, then, is_tried) = match last {
        Some(last) if next <= last => {
            let new = offered_before.unwrap_or(last).max(next).saturating_add(1);
            (next..after, new..last.saturating_add(1), false)
        }
        // A full page promises more than the count does, which shrinks at times.
        Some(_) if is_full => (next..after, Range::default(), true),
        // How many there are is unknown: go on while pages hold something. A page that is not full
        // promises none; the next number is tried all the same.
        None if holds_something => (next..after, Range::default(), full.is_some() && !is_full),
        _ => (Range::default(), Range::default(), true),
    };
    (first.chain(then), is_tried)
}

/// Of these targets the pages asked for already, and those not asked for, each once.
fn sorted(
    targets: Vec<Url>,
    known: &FxHashSet<u64>,
    stage: StageId,
    outlinks: &mut Outlinks<'_>,
) -> (Vec<u64>, Vec<(u64, Url)>) {
    let (mut asked, mut fresh) = (Vec::new(), Vec::new());
    let mut met = FxHashSet::default();
    for url in targets {
        let Some(key) = outlinks.key_of(stage, &url) else {
            // Out of scope or out of bounds: it is counted as any such link is.
            outlinks.offer(stage, &url, Carried::default);
            continue;
        };
        if !met.insert(key) || outlinks.has(stage, key) {
            continue;
        }
        let key = key_prefix(key);
        if known.contains(&key) {
            asked.push(key);
        } else {
            fresh.push((key, url));
        }
    }
    (asked, fresh)
}

fn warn_of_several(fresh: &[(u64, Url)], out: &mut Extracted) {
    if let [(_, first), (_, second), ..] = fresh {
        out.warn(Remark::SeveralNext, || {
            format!(
                "`next` leads to {} pages that were not asked for yet: {first} is taken before {second}",
                fresh.len()
            )
        });
    }
}

fn key_prefix(key: PageKey) -> u64 {
    key.0.as_u64_pair().0
}

/// Where the matches of `next` lead, in the order of the page: those of the first selector that
/// leads anywhere. Where none does on the first page of a list, though one matches, that is told;
/// on the last page of others it is only natural.
fn targets(next: &Fallbacks, page: &Page<'_>, is_first: bool, out: &mut Extracted) -> Vec<Url> {
    let mut without = None;
    for pick in &next.0 {
        let mut urls = Vec::new();
        for at in page.elements.pick(None, pick) {
            let references = page.links_of(at, &pick.take);
            if references.is_empty() {
                without.get_or_insert(pick);
            }
            urls.extend(references.iter().filter_map(|href| page.followed(href)));
        }
        if !urls.is_empty() {
            return urls;
        }
    }
    if let Some(pick) = without.filter(|_| is_first) {
        out.warn(Remark::NextWithoutLink, || {
            format!(
                "`next` \"{}\" matches what is no link, and none is in it or around it; {}",
                pick.text,
                page.input.place()
            )
        });
    }
    Vec::new()
}

/// The largest integer that the first fruitful selector yields.
pub(super) fn page_count(index: &ElementIndex<'_>, rule: &CountRule) -> Option<u32> {
    rule.select.0.iter().find_map(|pick| {
        index
            .pick(None, pick)
            .filter_map(|at| index.take(at, &pick.take, false))
            .filter_map(|text| match &rule.regex {
                Some(regex) => captured(regex, &text),
                None => Some(text),
            })
            .filter_map(|text| largest(&text))
            .max()
    })
}

/// The largest run of digits in a text; thousands separators join runs (`1,234`).
fn largest(text: &str) -> Option<u32> {
    let joined: String = {
        let bytes: Vec<char> = text.chars().collect();
        let digit = |at: Option<&char>| at.is_some_and(char::is_ascii_digit);
        let separates = |at: usize| {
            matches!(bytes[at], ',' | '.' | '\u{a0}' | '\u{202f}')
                && at > 0
                && digit(bytes.get(at - 1))
                && (1..=3).all(|after| digit(bytes.get(at + after)))
                && !digit(bytes.get(at + 4))
        };
        (0..bytes.len())
            .filter(|at| !separates(*at))
            .map(|at| bytes[at])
            .collect()
    };
    joined
        .split(|c: char| !c.is_ascii_digit())
        .filter_map(|run| run.parse().ok())
        .max()
}
