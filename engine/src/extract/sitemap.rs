//! Sitemaps (SPEC D1): a robots.txt names sitemaps, an index lists sitemaps, a sitemap or a feed
//! lists pages. All are pages of a stage of their own and yield links only. What is no XML costs
//! the entry it stands in, not the file.

use std::{borrow::Cow, io::Read};

use quick_xml::{
    Reader,
    escape::unescape,
    events::{BytesRef, BytesStart, Event},
};
use url::Url;

use crate::{
    extract::{
        bounds::{Bounds, PageBudget},
        carried::Carried,
        charset, failure,
        outlinks::{Offer, Outlinks},
        output::{ExtractError, Extracted, PageInput},
    },
    model::{class::ErrorClass, ids::StageId, remark::Remark},
    politeness::robots,
    site::{compiled::Site, scope::resolve},
};

/// A sitemap unpacks to 50 MiB at most (sitemaps.org).
const MOST_BYTES: u64 = 50 << 20;

/// Where an entry leads.
#[derive(Debug, PartialEq, Eq)]
enum SitemapEntry {
    Sitemap(String),
    /// To where sitemaps usually stand.
    Usual,
    Page(String),
}

/// What a body lists, and what in it could not be read.
#[derive(Debug, Default, PartialEq, Eq)]
struct SitemapListing {
    entries: Vec<SitemapEntry>,
    /// Whole sentences without the page.
    odd: Vec<String>,
    /// Why it is no sitemap at all.
    unreadable: Option<String>,
}

/// Whether a page of sitemaps may be missing: a robots.txt, or the usual place that nobody named.
/// `carried` is the JSON text of what its link carried.
#[must_use]
pub fn sitemap_may_be_missing(url: &str, carried: &str) -> bool {
    let is_guess = |carried: &Carried| carried.paging().is_guess;
    is_robots(url) || carried.parse().is_ok_and(|carried| is_guess(&carried))
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
    let mut say = |text: &str| warn(&mut out, page, text);
    if let Some(why) = listing.unreadable.take() {
        let (class, why) = cut.take().unwrap_or((ErrorClass::Parse, why));
        if !page.carried.paging().is_guess {
            let message = format!("this is no sitemap: {why}");
            return Err(failure(class, &message, page));
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
    entries: Vec<SitemapEntry>,
    out: &mut Extracted,
) -> Result<(), ExtractError> {
    let rule = site.stage(listed).sitemaps.as_ref();
    let matches = rule.and_then(|rule| rule.matches.as_ref());
    let base = Url::parse(page.final_url).ok();
    let budget = PageBudget::new(bounds);
    let mut outlinks = Outlinks::new(site, stage, page, bounds, &budget);
    let (mut nowhere, mut unread) = (0, 0);
    for (position, entry) in (1u64..).zip(entries) {
        let (to, href, is_guess) = match entry {
            SitemapEntry::Sitemap(href) => (stage, href, false),
            SitemapEntry::Usual => (stage, "/sitemap.xml".to_owned(), true),
            SitemapEntry::Page(href) => (listed, href, false),
        };
        let Some(url) = base.as_ref().and_then(|base| resolve(base, &href)) else {
            nowhere += 1;
            continue;
        };
        if to == listed && matches.is_some_and(|regex| !regex.is_match(url.as_str())) {
            continue;
        }
        out.distinct_items += u32::from(to == listed);
        let offer = outlinks.offer(to, &url, || Carried::to_sitemap_entry(position, is_guess));
        unread += u32::from(to == stage && offer == Offer::Refused);
    }
    if nowhere > 0 {
        warn(
            out,
            page,
            &format!(
                "{nowhere} entries of the sitemap are no http or https addresses and were passed over"
            ),
        );
    }
    if unread > 0 {
        warn(
            out,
            page,
            &format!(
                "{unread} sitemaps named here lie out of scope or out of bounds and are not read; \
                 `hosts` under [site] names the hosts in scope"
            ),
        );
    }
    outlinks.finish(out);
    budget.result(page)?;
    out.bytes = budget.kept();
    Ok(())
}

/// What is odd about a sitemap, with the page that it is.
fn warn(out: &mut Extracted, page: &PageInput<'_>, text: &str) {
    out.warn(Remark::SitemapOdd, || format!("{text}; {}", page.place()));
}

/// The sitemaps that a robots.txt names; the usual place where it names none.
fn named_by_robots(body: &[u8]) -> SitemapListing {
    let mut entries: Vec<SitemapEntry> = robots::sitemaps(body)
        .into_iter()
        .map(SitemapEntry::Sitemap)
        .collect();
    if entries.is_empty() {
        entries.push(SitemapEntry::Usual);
    }
    SitemapListing {
        entries,
        ..SitemapListing::default()
    }
}

fn of_text(text: &str) -> SitemapListing {
    let text = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    if text.starts_with('<') {
        of_xml(text)
    } else {
        of_lines(text)
    }
}

/// The plain form: one absolute URL a line. Anything else is no entry: a server's "Not found" is
/// no page of that name.
fn of_lines(text: &str) -> SitemapListing {
    let mut listing = SitemapListing::default();
    let mut odd = 0;
    let lines = text.split(['\n', '\r']).map(str::trim);
    for line in lines.filter(|line| !line.is_empty()) {
        if Url::parse(line).is_ok_and(|url| matches!(url.scheme(), "http" | "https")) {
            listing.entries.push(SitemapEntry::Page(line.to_owned()));
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

/// Faults after which reading goes on: each may have been looked for to the end of the file.
const MOST_FAULTS: u32 = 32;

/// What is read, and what was odd about it.
#[derive(Default)]
struct XmlSitemap {
    entries: Vec<SitemapEntry>,
    root: Option<Vec<u8>>,
    root_ended: bool,
    bare: u32,
    faults: u32,
    first: Option<String>,
}

/// An entry that has begun. Any prefix will do, but it is one for the entry and what it holds: the
/// `image:loc` of a `url` is no page, nor the `atom:link` of an `item`.
struct OpenEntry {
    name: Vec<u8>,
    prefix: Option<Vec<u8>>,
    /// The text of its address so far, while that is read.
    text: Option<String>,
    has_led: bool,
}

fn of_xml(text: &str) -> SitemapListing {
    let mut sheet = XmlSitemap::default();
    let mut from = 0;
    while let Err((at, error)) = sheet.read(&text[from..]) {
        let at = from + at;
        sheet.fault(|| format!("at byte {at}: {error}"));
        // The next tag may be whole again.
        let next = text
            .get(at + 1..)
            .and_then(|rest| Some(at + 1 + rest.find('<')?));
        match next {
            Some(next) if sheet.faults < MOST_FAULTS => from = next,
            _ => break,
        }
    }
    if sheet.faults == 0 && sheet.root.is_some() && !sheet.root_ended {
        sheet.fault(|| "it ends in the middle".to_owned());
    }
    sheet.listing()
}

impl XmlSitemap {
    /// Reads on until the end or the first fault: where, and what it is.
    fn read(&mut self, text: &str) -> Result<(), (usize, quick_xml::Error)> {
        let mut reader = Reader::from_str(text);
        let config = reader.config_mut();
        config.check_end_names = false;
        config.allow_unmatched_ends = true;
        config.allow_dangling_amp = true;
        let mut begun: Option<OpenEntry> = None;
        loop {
            let event = reader.read_event().map_err(|error| {
                let at = usize::try_from(reader.error_position()).unwrap_or(usize::MAX);
                (at.min(text.len()), error)
            })?;
            match event {
                Event::Start(tag) => self.start(&tag, &mut begun),
                Event::Empty(tag) => {
                    self.start(&tag, &mut begun);
                    self.end(tag.local_name().as_ref(), &mut begun);
                }
                Event::End(tag) => self.end(tag.local_name().as_ref(), &mut begun),
                Event::Text(part) => self.text(&part, &mut begun),
                Event::CData(part) => {
                    if let Some(text) = address(&mut begun) {
                        text.push_str(&String::from_utf8_lossy(&part));
                    }
                }
                Event::GeneralRef(name) => {
                    if let Some(text) = address(&mut begun) {
                        text.push_str(&reference_text(&name));
                    }
                }
                Event::Eof => return Ok(()),
                _ => {}
            }
        }
    }

    fn start(&mut self, tag: &BytesStart<'_>, begun: &mut Option<OpenEntry>) {
        let name = tag.local_name();
        let name = name.as_ref();
        let prefix = tag.name().prefix().map(|own| own.as_ref().to_vec());
        let root = self.root.get_or_insert_with(|| name.to_vec());
        let is_entry = match root.as_slice() {
            b"rss" | b"RDF" => name == b"item",
            b"feed" => name == b"entry",
            _ => matches!(name, b"url" | b"sitemap"),
        };
        if is_entry {
            *begun = Some(OpenEntry {
                name: name.to_vec(),
                prefix,
                text: None,
                has_led: false,
            });
            return;
        }
        let Some(entry) = begun.as_mut().filter(|entry| entry.prefix == prefix) else {
            return;
        };
        match (entry.name.as_slice(), name) {
            (b"url" | b"sitemap", b"loc") => entry.text = Some(String::new()),
            (b"item", b"link") if !entry.has_led => entry.text = Some(String::new()),
            (b"entry", b"link") if !entry.has_led && is_alternate(tag) => {
                if let Some(href) = attribute(tag, "href") {
                    entry.has_led = true;
                    self.entries.push(SitemapEntry::Page(href));
                }
            }
            _ => {}
        }
    }

    fn text(&mut self, part: &[u8], begun: &mut Option<OpenEntry>) {
        if let Some(text) = address(begun) {
            // Only a bare `&` comes as text that begins with one, and it can mean only itself.
            self.bare += u32::from(part.starts_with(b"&"));
            text.push_str(&String::from_utf8_lossy(part));
        }
    }

    fn end(&mut self, name: &[u8], begun: &mut Option<OpenEntry>) {
        self.root_ended |= self.root.as_deref() == Some(name);
        let Some(entry) = begun else {
            return;
        };
        if entry.name == name {
            *begun = None;
        } else if matches!(name, b"loc" | b"link")
            && let Some(text) = entry.text.take()
        {
            let href = text.trim().to_owned();
            if href.is_empty() {
                return;
            }
            entry.has_led = true;
            self.entries.push(if entry.name == b"sitemap" {
                SitemapEntry::Sitemap(href)
            } else {
                SitemapEntry::Page(href)
            });
        }
    }

    fn fault(&mut self, what: impl FnOnce() -> String) {
        self.faults += 1;
        self.first.get_or_insert_with(what);
    }

    fn listing(self) -> SitemapListing {
        let mut listing = SitemapListing::default();
        let is_known = matches!(
            self.root.as_deref(),
            Some(b"urlset" | b"sitemapindex" | b"rss" | b"RDF" | b"feed")
        );
        if self.entries.is_empty() && (self.faults > 0 || !is_known) {
            let root = self.root.as_deref().map(String::from_utf8_lossy);
            listing.unreadable = Some(match (self.first, root) {
                (Some(first), _) => format!("no XML {first}"),
                (None, Some(root)) => {
                    let root: String = root.chars().take(40).collect();
                    format!("it is a document of {root:?}, neither a sitemap nor a feed")
                }
                (None, None) => "it has no element".to_owned(),
            });
        } else if let Some(first) = self.first {
            let given_up = if self.faults < MOST_FAULTS {
                "the other entries were read"
            } else {
                "after so many the rest was not read"
            };
            let more = match self.faults {
                1 => String::new(),
                faults => format!(", and at {} more places", faults - 1),
            };
            listing
                .odd
                .push(format!("the sitemap is damaged {first}{more}; {given_up}"));
        }
        if self.bare > 0 {
            listing.odd.push(format!(
                "{} times the sitemap has a bare & where XML wants &amp;: read as it stands",
                self.bare
            ));
        }
        listing.entries = self.entries;
        listing
    }
}

/// Where the text goes, while an address is read.
fn address(begun: &mut Option<OpenEntry>) -> Option<&mut String> {
    begun.as_mut()?.text.as_mut()
}

/// What an entity means; one that is not XML's own stands for itself.
fn reference_text(name: &BytesRef<'_>) -> String {
    let entity = format!("&{};", String::from_utf8_lossy(name));
    let plain = unescape(&entity).map(Cow::into_owned);
    plain.unwrap_or(entity)
}

/// A link without `rel` is an alternate one too (RFC 4287).
fn is_alternate(tag: &BytesStart<'_>) -> bool {
    attribute(tag, "rel").is_none_or(|rel| rel.trim() == "alternate")
}

fn attribute(tag: &BytesStart<'_>, name: &str) -> Option<String> {
    let value = tag.try_get_attribute(name).ok()??.value;
    let text = String::from_utf8_lossy(&value);
    // A bare `&` is no entity: then the text is as it stands.
    let plain = unescape(&text).map_or_else(|_| text.to_string(), Cow::into_owned);
    Some(plain.trim().to_owned())
}

#[cfg(test)]
mod tests;
