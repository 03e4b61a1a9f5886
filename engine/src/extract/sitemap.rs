//! Sitemaps (SPEC D1): a robots.txt names sitemaps, an index lists sitemaps, a sitemap lists
//! pages. All three are pages of a stage of their own and yield links only.

use std::{borrow::Cow, io::Read};

use quick_xml::{Reader, escape::unescape, events::Event};
use serde_json::{Map, Value as Json};
use url::Url;

use crate::{
    extract::{
        bounds::Bounds,
        found::Found,
        meter::Meter,
        output::{ExtractError, Extracted, PageInput},
    },
    model::{class::ErrorClass, ids::StageId},
    site::{compiled::Site, scope::resolve},
};

/// A sitemap unpacks to 50 MiB at most (sitemaps.org).
const MOST_BYTES: u64 = 50 << 20;

/// Where an entry leads.
enum Entry {
    Sitemap(String),
    Page(String),
}

/// Reads a sitemap, an index of sitemaps, or a robots.txt.
pub(super) fn read(
    site: &Site,
    stage: StageId,
    listed: StageId,
    page: &PageInput<'_>,
    bounds: &Bounds,
) -> Result<Extracted, ExtractError> {
    let body = unpacked(page)?;
    let text = String::from_utf8_lossy(&body);
    let entries = if page.url.ends_with("/robots.txt") {
        named_by_robots(&text)
    } else if text.trim_start().starts_with('<') {
        of_xml(&text, page)?
    } else {
        // The plain form: one URL a line.
        text.lines()
            .map(|line| Entry::Page(line.trim().to_owned()))
            .collect()
    };
    let matches = site
        .stage(listed)
        .sitemaps
        .as_ref()
        .and_then(|rule| rule.matches.as_ref());
    let base = Url::parse(page.final_url).ok();
    let meter = Meter::new(bounds);
    let mut found = Found::new(site, stage, page, bounds, &meter);
    let mut pages = 0;
    for (position, entry) in (1u64..).zip(entries) {
        let (to, href) = match entry {
            Entry::Sitemap(href) => (stage, href),
            Entry::Page(href) => (listed, href),
        };
        let Some(url) = base.as_ref().and_then(|base| resolve(base, &href)) else {
            continue;
        };
        if to == listed && matches.is_some_and(|regex| !regex.is_match(url.as_str())) {
            continue;
        }
        pages += u32::from(to == listed);
        found.offer(to, &url, || {
            let mut carried = Map::new();
            carried.insert("page".to_owned(), Json::from(1));
            carried.insert("position".to_owned(), Json::from(position));
            carried
        });
    }
    let mut out = Extracted {
        distinct_items: pages,
        ..Extracted::default()
    };
    found.finish(&mut out);
    meter.result(page)?;
    out.bytes = meter.kept();
    Ok(out)
}

/// The sitemaps that a robots.txt names; the usual place where it names none.
fn named_by_robots(text: &str) -> Vec<Entry> {
    let mut named: Vec<Entry> = text
        .lines()
        .filter_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.trim()
                .eq_ignore_ascii_case("sitemap")
                .then(|| Entry::Sitemap(value.trim().to_owned()))
        })
        .collect();
    if named.is_empty() {
        named.push(Entry::Sitemap("/sitemap.xml".to_owned()));
    }
    named
}

/// `sitemap` and `url` entries by their `loc`. Any prefix will do, but it is one for both: the
/// `image:loc` of a `url` is no page.
fn of_xml(text: &str, page: &PageInput<'_>) -> Result<Vec<Entry>, ExtractError> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().check_end_names = false;
    let mut entries = Vec::new();
    let (mut in_index, mut loc): (bool, Option<String>) = (false, None);
    let mut prefix: Option<Vec<u8>> = None;
    loop {
        let event = reader.read_event().map_err(|error| ExtractError {
            class: ErrorClass::Parse,
            message: format!(
                "the sitemap is no XML at byte {}: {error}; page {}",
                reader.error_position(),
                page.url
            ),
        })?;
        match event {
            Event::Start(tag) => {
                let own = tag.name().prefix().map(|own| own.as_ref().to_vec());
                match tag.local_name().as_ref() {
                    name @ (b"sitemap" | b"url") => {
                        in_index = name == b"sitemap";
                        prefix = own;
                    }
                    b"loc" if own == prefix => loc = Some(String::new()),
                    _ => {}
                }
            }
            Event::Text(part) => {
                if let Some(loc) = &mut loc {
                    loc.push_str(&String::from_utf8_lossy(&part));
                }
            }
            Event::GeneralRef(name) => {
                if let Some(loc) = &mut loc {
                    let entity = format!("&{};", String::from_utf8_lossy(&name));
                    let plain = unescape(&entity).map_or_else(
                        |_| Cow::from(entity.as_str()),
                        |text| Cow::from(text.into_owned()),
                    );
                    loc.push_str(&plain);
                }
            }
            Event::CData(part) => {
                if let Some(loc) = &mut loc {
                    loc.push_str(&String::from_utf8_lossy(&part));
                }
            }
            Event::End(tag) if tag.local_name().as_ref() == b"loc" => {
                let Some(href) = loc.take().map(|loc| loc.trim().to_owned()) else {
                    continue;
                };
                entries.push(if in_index {
                    Entry::Sitemap(href)
                } else {
                    Entry::Page(href)
                });
            }
            Event::Eof => return Ok(entries),
            _ => {}
        }
    }
}

/// A gzip file (`.xml.gz`) is unpacked; anything else is as it is.
fn unpacked<'a>(page: &PageInput<'a>) -> Result<Cow<'a, [u8]>, ExtractError> {
    if !page.body.starts_with(b"\x1f\x8b") {
        return Ok(Cow::Borrowed(page.body));
    }
    let mut text = Vec::new();
    let read = flate2::read::MultiGzDecoder::new(page.body)
        .take(MOST_BYTES + 1)
        .read_to_end(&mut text);
    let failure = |class, what: &str| ExtractError {
        class,
        message: format!("the sitemap {what}; page {}", page.url),
    };
    match read {
        Ok(_) if text.len() as u64 > MOST_BYTES => {
            Err(failure(ErrorClass::TooLarge, "unpacks to more than 50 MiB"))
        }
        Ok(_) => Ok(Cow::Owned(text)),
        Err(error) => Err(failure(
            ErrorClass::Decode,
            &format!("is a damaged gzip file: {error}"),
        )),
    }
}

#[cfg(test)]
mod tests;
