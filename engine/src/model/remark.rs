//! What a run met that failed no page, and is said at its end all the same (SPEC E5): links that
//! are not followed, parts of a page that could not be read. Each kind is counted, and the first
//! of it is kept as an example.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use crate::model::{class::SkipReason, named::named_enum};

/// Bytes of an example that are kept.
const EXAMPLE: usize = 300;

named_enum! {
    /// A kind of thing that is counted and said. Adding one: a variant here with its name, and its
    /// sentence.
    pub enum Remark {
        /// A link's host is not in scope.
        LinkOutOfScope = "link_out_of_scope",
        /// A link is further from a start URL than `bounds.max_depth`.
        LinkTooDeep = "link_too_deep",
        /// A link is longer than `bounds.max_url`.
        LinkTooLong = "link_too_long",
        /// A link has more segments than `bounds.max_segments`, or one more often than
        /// `bounds.max_repeats`.
        LinkTrap = "link_trap",
        /// A link beyond `bounds.max_links` of its page.
        LinkOverBound = "link_over_bound",
        /// What a link rule found leads to no page: `javascript:`, `mailto:`, user info.
        LinkUnusable = "link_unusable",
        /// A value that does not fit its type was left empty.
        ValueUnfit = "value_unfit",
        /// A record was left out: it is empty, or its key is another's of its page.
        RecordLeftOut = "record_left_out",
        /// A JSON-LD block cannot be read, where a field asks for JSON-LD.
        BlockUnread = "block_unread",
        /// Something of a sitemap could not be read, or was not there.
        SitemapOdd = "sitemap_odd",
        /// `next` leads to several pages that were not asked for; the list goes on with the first.
        SeveralNext = "several_next",
        /// What `next` matches on the first page of a list is no link, and none is near it.
        NextWithoutLink = "next_without_link",
        /// A page that the site counts is empty, as all after it: it was skipped.
        PastTheEnd = "past_the_end",
        /// A page of a list holds something, though the list had seemed to end before it.
        ListGoesOn = "list_goes_on",
        /// The store would not take the end of a page.
        Refused = "refused",
    }
}

impl Remark {
    /// The kind that says why a link is not followed.
    #[must_use]
    pub const fn of_link(reason: SkipReason) -> Self {
        match reason {
            SkipReason::TooDeep => Self::LinkTooDeep,
            SkipReason::TooLong => Self::LinkTooLong,
            SkipReason::Trap => Self::LinkTrap,
            _ => Self::LinkOutOfScope,
        }
    }

    /// What is counted, in words: what it was, why, and what to do.
    const fn words(self) -> &'static str {
        match self {
            Self::LinkOutOfScope => {
                "links not followed, out of scope (`hosts` names what is in scope)"
            }
            Self::LinkTooDeep => "links not followed, too deep (`bounds.max_depth`)",
            Self::LinkTooLong => "links not followed, too long (`bounds.max_url`)",
            Self::LinkTrap => {
                "links not followed, like a trap (`bounds.max_segments`, `bounds.max_repeats`)"
            }
            Self::LinkOverBound => {
                "links not followed, beyond what one page may have (`bounds.max_links`)"
            }
            Self::LinkUnusable => "references that lead to no page",
            Self::ValueUnfit => "values left empty, they did not fit",
            Self::RecordLeftOut => "records left out",
            Self::BlockUnread => {
                "JSON-LD blocks not read (`crawlfield try SITE.toml URL` says what is wrong with one)"
            }
            Self::SitemapOdd => "oddities of sitemaps, which may have cost pages",
            Self::SeveralNext => {
                "pages with several next pages not asked for yet, the first was taken: is it the \
                 next one? (`crawlfield try` shows them)"
            }
            Self::NextWithoutLink => {
                "lists that end at their first page: what `next` matches is no link, and none is in \
                 it or around it"
            }
            Self::PastTheEnd => {
                "list pages skipped as past the end: the site counts them, but they and all after \
                 them are empty; so the run is not complete (is `count` right?)"
            }
            Self::ListGoesOn => {
                "list pages that hold something after empty ones, which were skipped as past the \
                 end; another run reads those again"
            }
            Self::Refused => "pages that the store would not take",
        }
    }

    /// One line for people.
    #[must_use]
    pub fn said(self, count: u64, first: &str) -> String {
        let words = self.words();
        match (count, first) {
            (_, "") => format!("{words}: {count}"),
            (1, only) => format!("{words}: 1, {only}"),
            (_, first) => format!("{words}: {count}, the first {first}"),
        }
    }
}

/// Counts of remarks by kind, each with its first example.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Remarks(BTreeMap<Remark, (u64, String)>);

impl Remarks {
    /// One more of a kind; `example` is asked for the first one only.
    pub fn add(&mut self, kind: Remark, example: impl FnOnce() -> String) {
        self.add_many(kind, 1, example);
    }

    /// `count` more of a kind.
    pub fn add_many(&mut self, kind: Remark, count: u64, example: impl FnOnce() -> String) {
        if count == 0 {
            return;
        }
        let known = self.0.entry(kind).or_insert_with(|| {
            let mut first = example();
            first.truncate(first.floor_char_boundary(EXAMPLE));
            (0, first)
        });
        known.0 = known.0.saturating_add(count);
    }

    /// Takes another's counts too, and its examples where there are none.
    pub fn merge(&mut self, other: &Self) {
        for (kind, count, first) in other.iter() {
            self.add_many(kind, count, || first.to_owned());
        }
    }

    /// How many there are of a kind.
    #[must_use]
    pub fn count(&self, kind: Remark) -> u64 {
        self.0.get(&kind).map_or(0, |(count, _)| *count)
    }

    /// Kind, count and first example, in the order of the kinds.
    pub fn iter(&self) -> impl Iterator<Item = (Remark, u64, &str)> {
        let each = self.0.iter();
        each.map(|(kind, (count, first))| (*kind, *count, first.as_str()))
    }

    /// Whether there is nothing to say.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As results and `try` give them: `{"link_too_long": {"count": 3, "first": "http://…"}}`.
    #[must_use]
    pub fn document(&self) -> Json {
        let each = self.iter().map(|(kind, count, first)| {
            let one = json!({ "count": count, "first": first });
            (kind.name().to_owned(), one)
        });
        Json::Object(each.collect())
    }

    /// The lines that say what a [`Self::document`] holds, the examples made `safe` to be shown.
    #[must_use]
    pub fn lines(document: &Json, safe: impl Fn(&str) -> String) -> Vec<String> {
        let said = |kind: &Remark| {
            let one = document.get(kind.name())?;
            let first = one["first"].as_str().unwrap_or_default();
            Some(kind.said(one["count"].as_u64()?, &safe(first)))
        };
        Remark::ALL.iter().filter_map(said).collect()
    }
}

impl FromIterator<(Remark, u64, String)> for Remarks {
    fn from_iter<T: IntoIterator<Item = (Remark, u64, String)>>(counts: T) -> Self {
        let mut remarks = Self::default();
        for (kind, count, first) in counts {
            remarks.add_many(kind, count, || first);
        }
        remarks
    }
}

#[cfg(test)]
mod tests;
