//! A list that goes on by its next links (SPEC A8): of several matches the first that leads to a
//! page not yet asked for.
//!
//! What was asked for travels with the list from page to page, so that a page reads the same
//! whenever and however often it is read. Only what the present page leads to is remembered of it:
//! pagers show their pages without gaps.

use rustc_hash::FxHashSet;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use url::Url;

use crate::{
    extract::{carried::Carried, found::Found, output::Extracted, page::Page},
    model::{
        ids::{PageKey, StageId},
        remark::Remark,
    },
    site::compiled::Fallbacks,
};

/// Carried from page to page of a list: pages asked for, by the beginnings of their keys.
const ASKED: &str = "_asked";

/// Carried from page to page of a list: targets that were passed over.
const LEFT: &str = "_left";

/// So many targets that were passed over are remembered; what is more is no pager.
const MOST_LEFT: usize = 16;

/// So many pages asked for are remembered.
const MOST_ASKED: usize = 256;

/// A target that was passed over for another one, to be gone to where the list ends otherwise: a
/// list that was entered in its middle goes back to its beginning first, and a first page may
/// have two addresses.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct PassedOver {
    /// The page that led there.
    from: u64,
    url: String,
}

/// Where a list goes on.
pub(super) struct Onward {
    pub(super) url: Url,
    asked: Vec<u64>,
    left: Vec<PassedOver>,
}

impl Onward {
    /// The next page is told what was asked for.
    pub(super) fn carry(&self, carried: &mut Carried) {
        carried.insert(ASKED, Json::from(self.asked.clone()));
        if let (false, Ok(left)) = (self.left.is_empty(), serde_json::to_value(&self.left)) {
            carried.insert(LEFT, left);
        }
    }
}

/// What one page is told is not what it tells the next.
pub(super) fn forget(carried: &mut Carried) {
    carried.remove(ASKED);
    carried.remove(LEFT);
}

/// The next page of the list, if there is one.
pub(super) fn onward(
    next: &Fallbacks,
    stage: StageId,
    page: &Page<'_>,
    found: &mut Found<'_>,
    out: &mut Extracted,
) -> Option<Onward> {
    let told = |name: &str| page.input.carried.get(name).cloned().unwrap_or_default();
    let before: Vec<u64> = serde_json::from_value(told(ASKED)).unwrap_or_default();
    let before_left: Vec<PassedOver> = serde_json::from_value(told(LEFT)).unwrap_or_default();
    let own: Vec<u64> = found.own_keys(page.input).map(mark).collect();
    let known: FxHashSet<u64> = (before.iter().chain(&own).copied())
        .chain(before_left.iter().map(|one| one.from))
        .collect();
    let targets = targets(next, page, before.is_empty(), out);
    let (asked, fresh) = sorted(targets, &known, stage, found);
    tell_several(&fresh, out);

    let mut met: FxHashSet<u64> = fresh.iter().map(|(key, _)| *key).collect();
    let from = *own.first()?;
    let mut left: Vec<PassedOver> = (fresh.into_iter().take(MOST_LEFT + 1))
        .map(|(_, url)| PassedOver {
            from,
            url: url.into(),
        })
        .collect();
    left.extend(before_left.into_iter().filter(|one| {
        let url = Url::parse(&one.url).ok();
        let key = url.and_then(|url| found.key_of(stage, &url)).map(mark);
        key.is_some_and(|key| !known.contains(&key) && met.insert(key))
    }));
    if left.is_empty() {
        return None;
    }
    let taken = left.remove(0);
    left.truncate(MOST_LEFT);
    let mut all = own;
    all.push(taken.from);
    all.extend(asked.into_iter().take(MOST_ASKED));
    all.dedup();
    Some(Onward {
        url: Url::parse(&taken.url).ok()?,
        asked: all,
        left,
    })
}

/// Of these targets the pages asked for already, and those not asked for, each once.
fn sorted(
    targets: Vec<Url>,
    known: &FxHashSet<u64>,
    stage: StageId,
    found: &mut Found<'_>,
) -> (Vec<u64>, Vec<(u64, Url)>) {
    let (mut asked, mut fresh) = (Vec::new(), Vec::new());
    let mut met = FxHashSet::default();
    for url in targets {
        let Some(key) = found.key_of(stage, &url) else {
            // Out of scope or out of bounds: it is counted as any such link is.
            found.offer(stage, &url, Carried::default);
            continue;
        };
        if !met.insert(key) || found.has(stage, key) {
            continue;
        }
        let key = mark(key);
        if known.contains(&key) {
            asked.push(key);
        } else {
            fresh.push((key, url));
        }
    }
    (asked, fresh)
}

fn tell_several(fresh: &[(u64, Url)], out: &mut Extracted) {
    if let [(_, first), (_, second), ..] = fresh {
        out.warn(Remark::SeveralNext, || {
            format!(
                "`next` leads to {} pages that were not asked for yet: {first} is taken before {second}",
                fresh.len()
            )
        });
    }
}

fn mark(key: PageKey) -> u64 {
    key.0.as_u64_pair().0
}

/// Where the matches of `next` lead, in the order of the page: those of the first selector that
/// leads anywhere. Where none does on the first page of a list, though one matches, that is told;
/// on the last page of others it is only natural.
fn targets(next: &Fallbacks, page: &Page<'_>, is_first: bool, out: &mut Extracted) -> Vec<Url> {
    let mut without = None;
    for pick in &next.0 {
        let mut urls = Vec::new();
        for at in page.index.pick(None, pick) {
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
