//! Sitemaps (SPEC D1): a robots.txt names sitemaps, an index lists sitemaps, a sitemap or a feed
//! lists pages. All are pages of a stage of their own and yield links only.

mod xml;

use std::{borrow::Cow, io::Read};

use serde_json::{Map, Value as Json};
use url::Url;

use crate::{
    extract::{
        bounds::Bounds,
        carried::Carried,
        charset,
        found::{Found, Offer},
        meter::Meter,
        output::{ExtractError, Extracted, PageInput},
    },
    model::{class::ErrorClass, ids::StageId, remark::Remark},
    politeness::robots,
    site::{compiled::Site, scope::resolve},
};

/// A sitemap unpacks to 50 MiB at most (sitemaps.org).
const MOST_BYTES: u64 = 50 << 20;

/// Carried to a sitemap that nobody named: it may well be missing.
const USUAL: &str = "_usual";

/// Where an entry leads.
#[derive(Debug, PartialEq, Eq)]
enum Entry {
    Sitemap(String),
    /// To where sitemaps usually stand.
    Usual,
    Page(String),
}

/// What a body lists, and what in it could not be read.
#[derive(Debug, Default, PartialEq, Eq)]
struct Listing {
    entries: Vec<Entry>,
    /// Whole sentences without the page.
    odd: Vec<String>,
    /// Why it is no sitemap at all.
    unreadable: Option<String>,
}

/// Whether a page of sitemaps may be missing: a robots.txt, or the usual place that nobody named.
/// `carried` is the JSON text of what its link carried.
#[must_use]
pub fn sitemap_may_be_missing(url: &str, carried: &str) -> bool {
    let carried: Map<String, Json> = serde_json::from_str(carried).unwrap_or_default();
    is_robots(url) || carried.contains_key(USUAL)
}

fn is_robots(url: &str) -> bool {
    url.ends_with("/robots.txt")
}

/// Reads a sitemap, an index of sitemaps, a feed, or a robots.txt.
///
/// # Errors
///
/// `Parse`, `Decode` or `TooLarge` where somebody named the sitemap and nothing of it can be read.
pub(super) fn read(
    site: &Site,
    stage: StageId,
    listed: StageId,
    page: &PageInput<'_>,
    bounds: &Bounds,
) -> Result<Extracted, ExtractError> {
    let Unpacked { body, mut cut } = unpacked(page.body);
    let mut listing = if is_robots(page.url) {
        named_by_robots(&body)
    } else {
        of_text(&charset::decode(page.content_type, &body).text)
    };
    let mut out = Extracted::default();
    let mut say = |text: &str| {
        out.warn(Remark::SitemapOdd, || format!("{text}; {}", page.place()));
    };
    if let Some(why) = listing.unreadable.take() {
        let (class, why) = cut.take().unwrap_or((ErrorClass::Parse, why));
        if !page.carried.contains_key(USUAL) {
            return Err(ExtractError {
                class,
                message: format!("this is no sitemap: {why}; {}", page.place()),
            });
        }
        // Of a page that is not there the body is empty, whatever came with the answer.
        let why = if page.body.is_empty() {
            String::new()
        } else {
            format!(": {why}")
        };
        say(&format!(
            "robots.txt names no sitemap, and at the usual place there is none{why}"
        ));
    }
    for odd in &listing.odd {
        say(odd);
    }
    if let Some((_, why)) = cut {
        say(&format!("{why}; what stands before that was read"));
    }
    follow(
        site,
        (stage, listed),
        page,
        bounds,
        listing.entries,
        &mut out,
    )?;
    Ok(out)
}

/// Entries become links: sitemaps into their own stage, pages that match into the listed one.
fn follow(
    site: &Site,
    (stage, listed): (StageId, StageId),
    page: &PageInput<'_>,
    bounds: &Bounds,
    entries: Vec<Entry>,
    out: &mut Extracted,
) -> Result<(), ExtractError> {
    let matches = site
        .stage(listed)
        .sitemaps
        .as_ref()
        .and_then(|rule| rule.matches.as_ref());
    let base = Url::parse(page.final_url).ok();
    let meter = Meter::new(bounds);
    let mut found = Found::new(site, stage, page, bounds, &meter);
    let (mut nowhere, mut unread) = (0, 0);
    for (position, entry) in (1u64..).zip(entries) {
        let (to, href, is_usual) = match entry {
            Entry::Sitemap(href) => (stage, href, false),
            Entry::Usual => (stage, "/sitemap.xml".to_owned(), true),
            Entry::Page(href) => (listed, href, false),
        };
        let Some(url) = base.as_ref().and_then(|base| resolve(base, &href)) else {
            nowhere += 1;
            continue;
        };
        if to == listed && matches.is_some_and(|regex| !regex.is_match(url.as_str())) {
            continue;
        }
        out.distinct_items += u32::from(to == listed);
        let offer = found.offer(to, &url, || {
            let mut carried = Carried::with_capacity(3);
            carried.insert("page", Json::from(1));
            carried.insert("position", Json::from(position));
            if is_usual {
                carried.insert(USUAL, Json::from(true));
            }
            carried
        });
        unread += u32::from(to == stage && offer == Offer::Refused);
    }
    let mut say = |text: String| {
        out.warn(Remark::SitemapOdd, || format!("{text}; {}", page.place()));
    };
    if nowhere > 0 {
        say(format!(
            "{nowhere} entries of the sitemap are no http or https addresses and were passed over"
        ));
    }
    if unread > 0 {
        say(format!(
            "{unread} sitemaps named here lie out of scope or out of bounds and are not read; \
             `hosts` under [site] names the hosts in scope"
        ));
    }
    found.finish(out);
    meter.result(page)?;
    out.bytes = meter.kept();
    Ok(())
}

/// The sitemaps that a robots.txt names; the usual place where it names none.
fn named_by_robots(body: &[u8]) -> Listing {
    let mut entries: Vec<Entry> = robots::sitemaps(body)
        .into_iter()
        .map(Entry::Sitemap)
        .collect();
    if entries.is_empty() {
        entries.push(Entry::Usual);
    }
    Listing {
        entries,
        ..Listing::default()
    }
}

fn of_text(text: &str) -> Listing {
    let text = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    if text.starts_with('<') {
        xml::read(text)
    } else {
        of_lines(text)
    }
}

/// The plain form: one absolute URL a line. Anything else is no entry: a server's "Not found" is
/// no page of that name.
fn of_lines(text: &str) -> Listing {
    let mut listing = Listing::default();
    let mut odd = 0;
    let lines = text.split(['\n', '\r']).map(str::trim);
    for line in lines.filter(|line| !line.is_empty()) {
        if Url::parse(line).is_ok_and(|url| matches!(url.scheme(), "http" | "https")) {
            listing.entries.push(Entry::Page(line.to_owned()));
        } else {
            odd += 1;
        }
    }
    match (listing.entries.len(), odd) {
        (0, 0) => listing.unreadable = Some("the answer has no text at all".to_owned()),
        (0, _) => {
            listing.unreadable =
                Some("it is neither XML nor a list of absolute URLs, one a line".to_owned());
        }
        (_, 0) => {}
        (_, odd) => listing.odd.push(format!(
            "{odd} lines of the sitemap are no absolute URLs and were passed over"
        )),
    }
    listing
}

/// A body as it is read.
struct Unpacked<'b> {
    body: Cow<'b, [u8]>,
    /// Why it ends before the file does.
    cut: Option<(ErrorClass, String)>,
}

/// A gzip file (`.xml.gz`) is unpacked, as far as it can be; anything else is as it is.
fn unpacked(packed: &[u8]) -> Unpacked<'_> {
    if !packed.starts_with(b"\x1f\x8b") {
        return Unpacked {
            body: Cow::Borrowed(packed),
            cut: None,
        };
    }
    let mut body = Vec::new();
    let read = flate2::read::MultiGzDecoder::new(packed)
        .take(MOST_BYTES + 1)
        .read_to_end(&mut body);
    let cut = match read {
        Ok(_) if body.len() as u64 > MOST_BYTES => {
            body.truncate(usize::try_from(MOST_BYTES).unwrap_or(usize::MAX));
            let text = "the sitemap unpacks to more than 50 MiB".to_owned();
            Some((ErrorClass::TooLarge, text))
        }
        Ok(_) => None,
        Err(error) => {
            let text = format!("the sitemap is a damaged gzip file: {error}");
            Some((ErrorClass::Decode, text))
        }
    };
    Unpacked {
        body: Cow::Owned(body),
        cut,
    }
}

#[cfg(test)]
mod tests;
