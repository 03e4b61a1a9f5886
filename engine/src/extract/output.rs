//! What extraction is given (a page), and what it yields (records, links, how to go on).

use std::sync::Arc;

use serde_json::Value as Json;

use crate::{
    extract::carried::Carried,
    model::{
        class::ErrorClass,
        host_key::HostKey,
        ids::{PageKey, StageId},
        remark::{Remark, Remarks},
    },
};

/// One page to be read.
#[derive(Debug, Clone)]
pub struct PageInput<'a> {
    /// The page's identity: the canonical URL as asked for.
    pub url: &'a str,
    /// Where the answer came from after redirects; links are resolved against it (or `<base>`).
    pub final_url: &'a str,
    /// `Content-Type` as sent, if any.
    pub content_type: Option<&'a str>,
    /// The body in bytes, its content coding undone.
    pub body: &'a [u8],
    /// What the link carried: fields, `page` and `position`, and how its list goes on.
    pub carried: &'a Carried,
    /// Links beyond this depth are not given; the page's own depth counts from 0.
    pub depth: u32,
}

impl PageInput<'_> {
    /// The page for messages, with where it led: to a login, or home where it is gone.
    pub(super) fn place(&self) -> String {
        if self.url == self.final_url {
            return format!("page {}", self.url);
        }
        format!("page {}, which led to {}", self.url, self.final_url)
    }
}

/// Warnings of a page, at most: what is wrong in one card is wrong in most.
const MOST_WARNINGS: usize = 200;

/// What a page yielded.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Extracted {
    /// In the order of the rules and of the document.
    pub records: Vec<Record>,
    /// In the order of the rules and of the document; each page once.
    pub links: Vec<Link>,
    /// Links that are not followed, and what else is counted and said at a run's end.
    pub remarks: Remarks,
    /// Distinct links of the stage's link rules (what `items_per_page` is held against).
    pub distinct_items: u32,
    /// The number of this page in its list.
    pub page: u32,
    /// How many pages its list has, if its pagination tells.
    pub page_count: Option<u32>,
    /// Whether a following page was found (next link, pattern within count).
    pub has_next: bool,
    /// The page leads on to this URL by itself, as a redirect does (`<meta http-equiv=refresh>`):
    /// nothing else of it is read.
    pub refresh: Option<String>,
    /// Cards lack what their record requires: the page has failed, and the rest of it counts.
    pub invalid: Option<String>,
    /// What is wrong but does not fail the page.
    pub warnings: Vec<String>,
    /// Bytes of records and links as stored (`Bounds::max_output`).
    pub bytes: u64,
}

impl Extracted {
    /// A warning that is also counted, and said at the run's end.
    pub(super) fn warn(&mut self, kind: Remark, text: impl Fn() -> String) {
        self.remarks.add(kind, &text);
        match self.warnings.len() {
            ..MOST_WARNINGS => self.warnings.push(text()),
            MOST_WARNINGS => {
                let more = "there are more warnings of this page".to_owned();
                self.warnings.push(more);
            }
            _ => {}
        }
    }
}

/// A record to save.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Place of its rule in the stage.
    pub rule: u16,
    /// Its identity within site and kind: the key fields' values joined by U+001F, else the page
    /// URL, with `#ordinal` where `each` is used.
    pub identity: String,
    /// One per field of the rule, in its order.
    pub values: Vec<Value>,
}

/// A value of a record.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Value {
    /// The page has nothing for the field.
    #[default]
    Null,
    /// Text, url or ISO date.
    Text(String),
    /// A whole number of 64 bits.
    Integer(i64),
    /// Decimal, digits as read (`-12.50`).
    Decimal(String),
    /// Written as `true`, `yes`, `1` or their opposites.
    Boolean(bool),
    /// Map, list or json.
    Json(Json),
    /// Map, list or json as JSON text: a parsed number would not keep its digits (`12.50`).
    Written(String),
    /// Any of these, held once for all records of a page that have it.
    Shared(Arc<Value>),
}

impl Value {
    /// The value itself, whether it is shared or not.
    #[must_use]
    pub fn plain(&self) -> &Self {
        match self {
            Self::Shared(value) => value.plain(),
            value => value,
        }
    }

    /// To be held once by many records.
    pub(super) fn shared(self) -> Self {
        match self {
            Self::Text(_) | Self::Decimal(_) | Self::Json(_) | Self::Written(_) => {
                Self::Shared(Arc::new(self))
            }
            value => value,
        }
    }
}

/// A link to a page that may be followed.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    pub stage: StageId,
    /// Its identity in that stage.
    pub key: PageKey,
    /// Canonical absolute URL, as the site's scope makes it.
    pub url: String,
    /// The host and port that the URL leads to.
    pub host: HostKey,
    /// Fields beside the link, `page` and `position`.
    pub carried: Carried,
}

/// Why a page yielded nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtractError {
    /// `ShortPage`, `Parse`, `InvalidRecord`, `WrongType` or `TooLarge`.
    pub class: ErrorClass,
    /// What happened, where on the page, and the field.
    pub message: String,
}
