//! What the simulated backend answers, and what is then read from it.

use std::time::Duration;

use crawlfield_engine::{
    extract::output::{ExtractError, Extracted, Link, Record, Value},
    message::orders::ParseOrder,
    model::{class::ErrorClass, host_key::HostKey, ids::PageKey},
    site::compiled::Pages,
};
use serde_json::{Map, json};
use url::Url;

use crate::full;

/// One answer of the script.
#[derive(Debug, Clone)]
pub struct Reply {
    pub(crate) wire: Wire,
    pub(crate) page: Page,
    pub(crate) latency: Option<Duration>,
    pub(crate) parse: Option<Duration>,
}

/// What comes over the wire.
#[derive(Debug, Clone)]
pub(crate) enum Wire {
    Status(u16, Vec<(String, String)>),
    Fail(ErrorClass),
    /// Accepted, and not answered until we give up.
    Hang,
    /// The same, and nobody gives up.
    Silence,
    /// The I/O worker panics.
    Panic,
}

/// What parsing yields.
#[derive(Debug, Clone, Default)]
pub(crate) struct Page {
    text: Option<String>,
    links: Vec<(Option<String>, String)>,
    next: Option<String>,
    refresh: Option<String>,
    records: Option<usize>,
    told_count: Option<u32>,
    error: Option<(ErrorClass, String)>,
    pub(crate) body: usize,
    /// Parsing never reports.
    pub(crate) hangs: bool,
}

impl Reply {
    fn of(wire: Wire) -> Self {
        Self {
            wire,
            page: Page::default(),
            latency: None,
            parse: None,
        }
    }

    /// A page with one record of this text.
    #[must_use]
    pub fn html(text: &str) -> Self {
        let mut reply = Self::status(200);
        reply.page.text = Some(text.to_owned());
        reply
    }

    /// A page that links to these, by the stage's first link rule.
    #[must_use]
    pub fn links<T: AsRef<str>>(urls: impl IntoIterator<Item = T>) -> Self {
        let mut reply = Self::status(200);
        let links = urls.into_iter().map(|url| (None, full(url.as_ref())));
        reply.page.links = links.collect();
        reply
    }

    /// A page with so many records.
    #[must_use]
    pub fn records(n: usize) -> Self {
        let mut reply = Self::html("record");
        reply.page.records = Some(n);
        reply
    }

    /// An answer with this status.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self::of(Wire::Status(status, Vec::new()))
    }

    /// No head within the first-byte time-out.
    #[must_use]
    pub fn timeout() -> Self {
        Self::of(Wire::Hang)
    }

    /// The connection is reset.
    #[must_use]
    pub fn reset() -> Self {
        Self::fail(ErrorClass::Reset)
    }

    /// The exchange fails so.
    #[must_use]
    pub fn fail(class: ErrorClass) -> Self {
        Self::of(Wire::Fail(class))
    }

    /// Accepted, and neither answered nor given up.
    #[must_use]
    pub fn silence() -> Self {
        Self::of(Wire::Silence)
    }

    /// The worker that fetches it panics.
    #[must_use]
    pub fn panic() -> Self {
        Self::of(Wire::Panic)
    }

    /// 429 with a Retry-After.
    #[must_use]
    pub fn retry_after(seconds: u64) -> Self {
        Self::status(429).header("retry-after", &seconds.to_string())
    }

    /// 302 to there.
    #[must_use]
    pub fn redirect(to: &str) -> Self {
        Self::status(302).header("location", &full(to))
    }

    /// A robots.txt.
    #[must_use]
    pub fn robots(text: &str) -> Self {
        Self::html(text)
    }

    /// Parsing fails so.
    #[must_use]
    pub fn unreadable(class: ErrorClass) -> Self {
        let mut reply = Self::status(200);
        reply.page.error = Some((class, format!("the script says {}", class.name())));
        reply
    }

    /// Parsing never reports.
    #[must_use]
    pub fn parse_hangs() -> Self {
        let mut reply = Self::status(200);
        reply.page.hangs = true;
        reply
    }

    /// It has a header, too.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let Wire::Status(_, headers) = &mut self.wire {
            headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// It links to one more page, of the stage named.
    #[must_use]
    pub fn link(mut self, stage: &str, url: &str) -> Self {
        let link = (Some(stage.to_owned()), full(url));
        self.page.links.push(link);
        self
    }

    /// It leads to a next page of its own stage.
    #[must_use]
    pub fn next(mut self, url: &str) -> Self {
        self.page.next = Some(full(url));
        self
    }

    /// It leads on to there by itself, as its markup says.
    #[must_use]
    pub fn refresh(mut self, url: &str) -> Self {
        self.page.refresh = Some(full(url));
        self
    }

    /// It says how many pages there are; where its stage numbers them, it leads to all that follow.
    #[must_use]
    pub fn of_pages(mut self, count: u32) -> Self {
        self.page.told_count = Some(count);
        self
    }

    /// It takes so long to answer.
    #[must_use]
    pub fn after(mut self, latency: Duration) -> Self {
        self.latency = Some(latency);
        self
    }

    /// It takes so long to parse.
    #[must_use]
    pub fn parsed_in(mut self, time: Duration) -> Self {
        self.parse = Some(time);
        self
    }

    /// Its body has so many bytes.
    #[must_use]
    pub fn bytes(mut self, bytes: usize) -> Self {
        self.page.body = bytes;
        self
    }

    pub(crate) fn text(&self) -> &str {
        self.page.text.as_deref().unwrap_or_default()
    }

    /// Where its links lead.
    pub(crate) fn targets(&self) -> impl Iterator<Item = &str> {
        let links = self.page.links.iter().map(|(_, url)| url.as_str());
        links.chain(self.page.next.as_deref())
    }

    /// What parsing this page yields.
    pub(crate) fn extract(&self, order: &ParseOrder) -> Result<Extracted, ExtractError> {
        let page = &self.page;
        if let Some((class, message)) = &page.error {
            let (class, message) = (*class, message.clone());
            return Err(ExtractError { class, message });
        }
        if page.refresh.is_some() {
            return Ok(Extracted {
                refresh: page.refresh.clone(),
                ..Extracted::default()
            });
        }
        let site = &order.site;
        let stage = site.stage(order.stage);
        let carried: Map<_, _> = serde_json::from_str(order.url.carried()).unwrap_or_default();
        let number = carried.get("page").and_then(serde_json::Value::as_u64);
        let number = number.unwrap_or(1);
        let mut links = Vec::new();
        for (position, (named, url)) in (1..).zip(&page.links) {
            let to = match named {
                Some(name) => site.stage_named(name),
                None => stage.links.first().map(|rule| rule.to),
            };
            let to = to.expect("a scenario's links lead to a stage of its site");
            let carried = json!({ "page": number, "position": position });
            links.extend(link(order, to, url, &carried));
        }
        let items = u32::try_from(links.len()).unwrap_or(u32::MAX);
        if let Some(next) = &page.next {
            let carried = json!({ "page": number + 1 });
            links.extend(link(order, order.stage, next, &carried));
        }
        let told = page.told_count.map_or(0, u64::from);
        if let Some(Pages::Pattern { pattern, .. }) = &stage.pages {
            for following in number + 1..=told {
                let url = pattern.replace("{page}", &following.to_string());
                let carried = json!({ "page": following });
                links.extend(link(order, order.stage, &url, &carried));
            }
        }
        Ok(Extracted {
            records: self.read_records(order),
            distinct_items: items,
            page: u32::try_from(number).unwrap_or(u32::MAX),
            page_count: page.told_count,
            has_next: links.iter().any(|link| link.stage == order.stage),
            links,
            ..Extracted::default()
        })
    }

    fn read_records(&self, order: &ParseOrder) -> Vec<Record> {
        let Some(rule) = order.site.stage(order.stage).records.first() else {
            return Vec::new();
        };
        let value = Value::Text(self.text().to_owned());
        let n = self.page.records.unwrap_or(1);
        let identity = |ordinal: usize| match self.page.records {
            Some(_) => format!("{}#{ordinal}", order.url),
            None => order.url.to_string(),
        };
        (1..=n)
            .map(|ordinal| Record {
                rule: 0,
                identity: identity(ordinal),
                values: vec![value.clone(); rule.fields.len()],
            })
            .collect()
    }
}

fn link(
    order: &ParseOrder,
    to: crawlfield_engine::model::ids::StageId,
    url: &str,
    carried: &serde_json::Value,
) -> Option<Link> {
    let parsed = Url::parse(url).ok()?;
    let site = &order.site;
    if !site.scope.contains(&parsed) {
        return None;
    }
    let canonical = site.scope.canonical(&parsed);
    Some(Link {
        stage: to,
        key: PageKey::new(&site.name, &site.stage(to).name, &canonical),
        host: HostKey::of(&parsed)?,
        url: canonical,
        carried: carried.as_object().cloned()?.into(),
    })
}
