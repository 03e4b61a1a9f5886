//! A checked and compiled site file: what extraction, the store and the engine read.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use ipnet::IpNet;
use regex::Regex;
use url::Url;

use crate::{
    model::{
        ids::{PageKey, StageId},
        named::named_enum,
        retry_policy::RetryPolicy,
    },
    site::{scope::Scope, selector::Selector},
};

/// One site file, checked whole; selectors and regexes are compiled.
#[derive(Debug)]
pub struct Site {
    /// a-z 0-9 _; names the tables.
    pub name: String,
    /// The file's text, kept with the session so that `resume` needs no file.
    pub source: Arc<str>,
    /// Absolute http(s) URLs; at least one.
    pub start: Vec<Url>,
    /// Stage of the start URLs.
    pub enter: StageId,
    /// Hosts in scope and how URLs become canonical.
    pub scope: Scope,
    /// What the site says of requests and hosts, over the settings.
    pub politeness: Politeness,
    /// In the order of the file; `StageId` is the index.
    pub stages: Vec<Stage>,
}

/// `[politeness]`: each `None` falls back to the settings.
#[derive(Debug, Clone, Default)]
pub struct Politeness {
    /// Requests per second per host, at most.
    pub max_rate: Option<f64>,
    /// Requests in flight per host, at most.
    pub max_in_flight: Option<u32>,
    /// Whether robots.txt is obeyed; default true.
    pub robots: Option<bool>,
    /// Addresses that the guard lets through, e.g. `127.0.0.0/8`.
    pub allow_addresses: Vec<IpNet>,
    /// Extra request headers: name and value.
    pub headers: BTreeMap<String, String>,
    /// User agent; its product token is matched against robots.txt.
    pub user_agent: Option<String>,
    /// Proxy URL (http, https, socks5), possibly with credentials.
    pub proxy: Option<String>,
    /// Basic auth for hosts in scope.
    pub basic_auth: Option<BasicAuth>,
    /// Cookies sent from the start: name and value.
    pub cookies: BTreeMap<String, String>,
    /// Time-outs: connect, first byte, whole.
    pub connect_timeout: Option<Duration>,
    /// From sending to the response head.
    pub first_byte_timeout: Option<Duration>,
    /// From sending to the body's end.
    pub timeout: Option<Duration>,
    /// Largest decoded body in bytes.
    pub max_body: Option<u64>,
}

/// User name and password; `Debug` shows neither.
#[derive(Clone)]
pub struct BasicAuth {
    /// User name, without a colon.
    pub user: String,
    /// Password; never logged, shown or kept elsewhere.
    pub password: String,
}

impl std::fmt::Debug for BasicAuth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BasicAuth(***)")
    }
}

/// How to read the pages of one stage.
#[derive(Debug)]
pub struct Stage {
    /// The NAME of `[stages.NAME]`; `sitemap:NAME` on a stage of sitemaps.
    pub name: String,
    /// Distinct links a full page has.
    pub items_per_page: Option<u32>,
    /// Share of tasks that may stay failed, 0 to 1; default from settings (0).
    pub tolerance: Option<f64>,
    /// Wait until every stage leading here has ended.
    pub barrier: bool,
    /// Own retry policy; default from settings.
    pub retry: Option<RetryPolicy>,
    /// How often the batch may run a stage's failed tasks again.
    pub stage_attempts: Option<u32>,
    /// How list pages go on.
    pub pages: Option<Pages>,
    /// Links to follow, in the order of the file.
    pub links: Vec<LinkRule>,
    /// Records to save, in the order of the file.
    pub records: Vec<RecordRule>,
    /// Whether robots.txt's and /sitemap.xml's URLs enter this stage.
    pub sitemaps: Option<SitemapRule>,
    /// On a stage that the loader made of another's `sitemaps`: the stage whose pages its
    /// sitemaps list. Its own pages are sitemaps and robots.txt files.
    pub sitemap_of: Option<StageId>,
}

/// `sitemaps = { … }` on a stage: its pages are found in the site's sitemaps.
#[derive(Debug, Clone)]
pub struct SitemapRule {
    /// Absolute sitemap URLs; empty means those that robots.txt names.
    pub urls: Vec<Url>,
    /// Only page URLs that match enter the stage.
    pub matches: Option<Regex>,
}

/// Pagination of a stage.
#[derive(Debug)]
pub enum Pages {
    /// Follow a link to the next page.
    Next(Fallbacks),
    /// `pattern` with `{page}`; how many is read from the page, or found by walking to an empty one.
    Pattern {
        /// Absolute URL with `{page}` where the page's number goes.
        pattern: String,
        /// Reads the number of pages; without it the list goes on until a page has no links and
        /// no records.
        count: Option<CountRule>,
        /// No page beyond this number.
        max: Option<u32>,
        /// The number of the first page; default 1.
        first: u32,
    },
}

impl Pages {
    /// The page number in a URL that fits the pattern.
    #[must_use]
    pub fn number_in(&self, url: &str) -> Option<u32> {
        let Self::Pattern { pattern, .. } = self else {
            return None;
        };
        let (before, after) = pattern.split_once("{page}")?;
        url.strip_prefix(before)?.strip_suffix(after)?.parse().ok()
    }
}

impl Site {
    /// Carried fields by which people know pages, as its links name them.
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        let links = self.stages.iter().flat_map(|stage| &stage.links);
        links.filter_map(|link| link.label.as_deref())
    }
}

/// Reads a page count: the largest integer that the selectors (and regex) yield.
#[derive(Debug)]
pub struct CountRule {
    /// Where the count stands on the page.
    pub select: Fallbacks,
    /// First capture group is the number.
    pub regex: Option<Regex>,
}

/// Links of a page to follow.
#[derive(Debug)]
pub struct LinkRule {
    /// The card; `select` and `carry` are read inside it.
    pub each: Option<Selector>,
    /// The link; default extraction is `@href`.
    pub select: Fallbacks,
    /// The stage the link leads to.
    pub to: StageId,
    /// Fields read beside the link, carried into its task.
    pub carry: Vec<Field>,
    /// The carried field that a person knows the page by; where none is named, it is `title`, one that ends in `_title`, or `name`.
    pub label: Option<String>,
    /// Only links whose absolute URL matches are followed.
    pub matches: Option<Regex>,
}

/// Records of a page.
#[derive(Debug)]
pub struct RecordRule {
    /// Names the table, with the site's name.
    pub kind: String,
    /// Field names; empty: the page's URL (with the ordinal where `each` is used).
    pub key: Vec<String>,
    /// One record per match.
    pub each: Option<Selector>,
    /// In the order of the file.
    pub fields: Vec<Field>,
    /// Whether changed values are kept (I3).
    pub history: bool,
}

/// One field of a record, or one carried beside a link.
#[derive(Debug, Clone)]
pub struct Field {
    /// Column name: letters, digits and `_`.
    pub name: String,
    /// Where the raw value comes from.
    pub source: Source,
    /// First capture group, before `map`.
    pub regex: Option<Regex>,
    /// Value table, after `regex`; a value that is not in it is absent.
    pub map: Option<BTreeMap<String, toml::Value>>,
    /// In order, after `map`.
    pub transforms: Vec<Transform>,
    /// What it must become.
    pub kind: FieldType,
    /// All matches instead of the first.
    pub list: bool,
    /// A missing value fails the record.
    pub required: bool,
    /// Stands in for a missing value.
    pub default: Option<toml::Value>,
    /// Date formats, strptime style, tried in order.
    pub formats: Vec<String>,
}

/// Where a field's raw value comes from.
#[derive(Debug, Clone)]
pub enum Source {
    /// CSS selectors tried in order.
    Select(Fallbacks),
    /// Label and value in rows.
    Rows {
        /// Matches one row each.
        rows: Selector,
        /// The label inside the row.
        label: Fallbacks,
        /// The label wanted; none for `type = "map"`.
        is: Option<Vec<String>>,
        /// The value inside the row.
        value: Fallbacks,
    },
    /// Paths into the page's JSON-LD, tried in order: a JSON pointer, perhaps after a node's type
    /// (`Product/name`).
    JsonLd(Vec<String>),
    /// JSON pointer into a JSON body.
    Json(String),
    /// JSON pointer into a script element.
    Script {
        /// Finds the script element.
        select: Selector,
        /// JSON pointer (RFC 6901) into its value.
        pointer: String,
    },
    /// The content of the `<meta>` whose name, property or itemprop this is.
    Meta(String),
    /// A value carried from the link's card; `page` and `position` are always there.
    Carried(String),
    /// A constant of the site file.
    Constant(toml::Value),
}

impl Source {
    /// Whether it yields the same for all cards of a page.
    #[must_use]
    pub const fn is_of_page(&self) -> bool {
        !matches!(
            self,
            Self::Select(_) | Self::Rows { .. } | Self::Script { .. }
        )
    }
}

/// Selectors tried in order; the first that yields something wins.
#[derive(Debug, Clone)]
pub struct Fallbacks(pub Vec<Pick>);

/// One selector and what is taken from its match.
#[derive(Debug, Clone)]
pub struct Pick {
    /// None: the element itself (a selector of `@attr` alone).
    pub selector: Option<Selector>,
    /// As written, for messages.
    pub text: Arc<str>,
    /// What is taken of the match.
    pub take: Take,
}

/// What is taken from a matched element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Take {
    /// Text of the element and all below it.
    Text,
    /// Text of the element's own text nodes.
    Own,
    /// Inner HTML, as the page has it.
    Html,
    /// The value of this attribute.
    Attribute(String),
}

/// A change to a raw text.
#[derive(Debug, Clone)]
pub enum Transform {
    /// Keep white space as it is (the default trims and collapses).
    Raw,
    /// Replace all matches; `$1` is a group.
    Replace(Regex, String),
    /// Resolve against the page's base URL.
    AbsoluteUrl,
    /// To lower case (Unicode).
    Lower,
    /// To upper case (Unicode).
    Upper,
}

named_enum! {
    /// What a field must become.
    pub enum FieldType {
        /// White space trimmed and collapsed.
        Text = "text",
        /// Decimal or `0x` hex.
        Integer = "integer",
        /// A number that keeps its digits as read.
        Decimal = "decimal",
        /// true or false, yes or no, 1 or 0.
        Boolean = "boolean",
        /// A date or time, kept as ISO 8601.
        Date = "date",
        /// Absolute URL, resolved against the page.
        Url = "url",
        /// Any JSON value, kept as JSON.
        Json = "json",
        /// A map of labels to values.
        Map = "map",
    }
}

impl Stage {
    /// Whether its pages lead nowhere, so that mode *new* need not fetch them twice.
    #[must_use]
    pub fn is_leaf(&self) -> bool {
        self.links.is_empty() && self.pages.is_none() && self.sitemap_of.is_none()
    }
}

impl Site {
    /// The stage with this id.
    #[must_use]
    pub fn stage(&self, id: StageId) -> &Stage {
        &self.stages[usize::from(id.0)]
    }

    /// The key of a page of this stage, by its canonical URL.
    #[must_use]
    pub fn page_key(&self, stage: StageId, canonical: &str) -> PageKey {
        PageKey::new(&self.name, &self.stage(stage).name, canonical)
    }

    /// The stage of this name.
    #[must_use]
    pub fn stage_named(&self, name: &str) -> Option<StageId> {
        let index = self.stages.iter().position(|stage| stage.name == name)?;
        u16::try_from(index).ok().map(StageId)
    }
}
