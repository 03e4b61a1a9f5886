//! How a list goes on: the next link, or the pages that a pattern names (SPEC A1, A7, B5).

use std::{
    hash::{Hash as _, Hasher as _},
    iter::Chain,
    ops::Range,
};

use rustc_hash::FxHasher;
use serde_json::{Map, Value as Json};
use url::Url;

use crate::{
    extract::{
        carried::Carried,
        chain,
        convert::into_json,
        field::is_missing,
        find::Index,
        found::{Found, Offer},
        output::Extracted,
        page::Page,
        shape::captured,
    },
    model::ids::StageId,
    site::compiled::{CountRule, Pages, Source, Stage},
};

/// The number of this page in its list: the one in its URL where that fits the pattern, else its
/// place in the chain of pages (A7). A page that a card led to begins its own chain: what it
/// carries as `page` is then where its card stood.
#[must_use]
pub fn page_number(stage: &Stage, url: &str, carried: &Map<String, Json>) -> u32 {
    if let Some(number) = stage.pages.as_ref().and_then(|pages| pages.number_in(url)) {
        return number;
    }
    let first = match &stage.pages {
        Some(Pages::Pattern { first, .. }) => *first,
        _ => 1,
    };
    if stage.pages.is_some() && carried.contains_key("position") {
        return first;
    }
    let number = carried.get("page").and_then(Json::as_u64);
    number
        .and_then(|number| u32::try_from(number).ok())
        .unwrap_or(first)
}

/// Carried from page to page of a list: what the page before showed, and how often in a row.
const SHOWN: &str = "_shown";

/// Carried from page to page of a list: how many pages the one before told.
const TOLD: &str = "_told";

/// Pages in a row that show what the page before them showed end their list: a site may answer
/// every number with its last page. One alone may be chance, where new items shift the pages.
const REPEATS: u64 = 2;

/// Adds the pages that follow, and what is known of their number.
pub(super) fn read(
    stage: &Stage,
    id: StageId,
    page: &Page<'_>,
    number: u32,
    found: &mut Found<'_>,
    out: &mut Extracted,
) {
    let Some(pages) = &stage.pages else { return };
    let shown = Shown::read(stage, page, found, out);
    match pages {
        Pages::Next(next) => {
            let onward = chain::onward(next, id, page, found, out);
            if let Some(onward) = onward.filter(|_| !shown.is_the_end()) {
                let next = number.saturating_add(1);
                let tells = |carried: &mut _| onward.carry(carried);
                out.has_next = offer(found, id, &onward.url, page, next, shown, &tells);
            }
        }
        Pages::Pattern {
            pattern,
            count,
            max,
            first,
        } => {
            let ceiling = max.unwrap_or(u32::MAX);
            let told = count
                .as_ref()
                .and_then(|rule| page_count(&page.index, rule));
            out.page_count = told;
            let following = number.checked_add(1).filter(|next| *next <= ceiling);
            let Some(next) = following.filter(|_| !shown.is_the_end()) else {
                return;
            };
            let told_before = if number == *first {
                Some(number)
            } else {
                let told = page.input.carried.get(TOLD).and_then(Json::as_u64);
                told.and_then(|count| u32::try_from(count).ok())
            };
            let last = told.map(|count| count.min(ceiling));
            let (wanted, is_guess) = following_numbers(stage, next, last, told_before, out);
            for wanted in wanted {
                let Ok(url) = Url::parse(&pattern.replace("{page}", &wanted.to_string())) else {
                    return;
                };
                let tells = |carried: &mut Carried| {
                    if let Some(told) = told {
                        carried.insert(TOLD, Json::from(told));
                    }
                };
                out.has_next |= offer(found, id, &url, page, wanted, shown, &tells) && !is_guess;
                if found.is_full() {
                    return;
                }
            }
        }
    }
}

/// The numbers to go on with after the page before `next`, and whether they are only tried. `last`
/// is what the page tells; the pages up to `told_before` were offered already.
fn following_numbers(
    stage: &Stage,
    next: u32,
    last: Option<u32>,
    told_before: Option<u32>,
    out: &Extracted,
) -> (Chain<Range<u32>, Range<u32>>, bool) {
    let full = stage.items_per_page;
    let is_full = full.is_some_and(|full| out.distinct_items >= full);
    let holds_something = out.distinct_items > 0 || !out.records.is_empty();
    let after = next.saturating_add(1);
    let (first, then, is_tried) = match last {
        Some(last) if next <= last => {
            let new = told_before.unwrap_or(last).max(next).saturating_add(1);
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

/// Offers a page of the same list. It carries what led to the list, with its own number; having
/// no `position` tells it from a card's page.
fn offer(
    found: &mut Found<'_>,
    id: StageId,
    url: &Url,
    page: &Page<'_>,
    number: u32,
    shown: Shown,
    tells: &dyn Fn(&mut Carried),
) -> bool {
    let offer = found.offer(id, url, || {
        let mut carried = page.carried().clone();
        carried.remove("position");
        carried.remove(SHOWN);
        carried.remove(TOLD);
        chain::forget(&mut carried);
        carried.insert("page", Json::from(number));
        if let Some(print) = shown.print {
            carried.insert(SHOWN, Json::from(vec![print, shown.repeats]));
        }
        tells(&mut carried);
        carried
    });
    offer == Offer::New
}

/// What a page of a list shows.
#[derive(Clone, Copy)]
struct Shown {
    /// Of its items and records; none where it has none.
    print: Option<u64>,
    /// Pages in a row before it that showed the same.
    repeats: u64,
}

impl Shown {
    fn read(stage: &Stage, page: &Page<'_>, found: &Found<'_>, out: &Extracted) -> Self {
        let mut hasher = FxHasher::default();
        let mut is_empty = true;
        for link in found.so_far() {
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
                let is_shown = !matches!(field.source, Source::Carried(_) | Source::Constant(_));
                if is_shown && !is_missing(value) {
                    is_empty = false;
                    into_json(value.clone()).to_string().hash(&mut hasher);
                }
            }
        }
        let print = (!is_empty).then(|| hasher.finish());
        let before = page.input.carried.get(SHOWN);
        let before = |at: usize| before.and_then(|shown| shown.get(at)?.as_u64());
        let repeats = if print.is_some() && print == before(0) {
            before(1).unwrap_or(0) + 1
        } else {
            0
        };
        Self { print, repeats }
    }

    const fn is_the_end(self) -> bool {
        self.repeats >= REPEATS
    }
}

/// The largest integer that the first fruitful selector yields.
pub(super) fn page_count(index: &Index<'_>, rule: &CountRule) -> Option<u32> {
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
