//! Entries of XML sitemaps, of indexes of them, and of RSS and Atom feeds. What is no XML costs
//! the entry it stands in, not the file.

use std::borrow::Cow;

use quick_xml::{
    Reader,
    escape::unescape,
    events::{BytesRef, BytesStart, Event},
};

use super::{Entry, Listing};

/// Faults after which reading goes on: each may have been looked for to the end of the file.
const MOST_FAULTS: u32 = 32;

/// What is read, and what was odd about it.
#[derive(Default)]
struct Sheet {
    entries: Vec<Entry>,
    root: Option<Vec<u8>>,
    root_ended: bool,
    bare: u32,
    faults: u32,
    first: Option<String>,
}

/// An entry that has begun. Any prefix will do, but it is one for the entry and what it holds: the
/// `image:loc` of a `url` is no page, nor the `atom:link` of an `item`.
struct Begun {
    name: Vec<u8>,
    prefix: Option<Vec<u8>>,
    /// The text of its address so far, while that is read.
    text: Option<String>,
    has_led: bool,
}

pub(super) fn read(text: &str) -> Listing {
    let mut sheet = Sheet::default();
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

impl Sheet {
    /// Reads on until the end or the first fault: where, and what it is.
    fn read(&mut self, text: &str) -> Result<(), (usize, quick_xml::Error)> {
        let mut reader = Reader::from_str(text);
        let config = reader.config_mut();
        config.check_end_names = false;
        config.allow_unmatched_ends = true;
        config.allow_dangling_amp = true;
        let mut begun: Option<Begun> = None;
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
                        text.push_str(&meant(&name));
                    }
                }
                Event::Eof => return Ok(()),
                _ => {}
            }
        }
    }

    fn start(&mut self, tag: &BytesStart<'_>, begun: &mut Option<Begun>) {
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
            *begun = Some(Begun {
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
                    self.entries.push(Entry::Page(href));
                }
            }
            _ => {}
        }
    }

    fn text(&mut self, part: &[u8], begun: &mut Option<Begun>) {
        if let Some(text) = address(begun) {
            // Only a bare `&` comes as text that begins with one, and it can mean only itself.
            self.bare += u32::from(part.starts_with(b"&"));
            text.push_str(&String::from_utf8_lossy(part));
        }
    }

    fn end(&mut self, name: &[u8], begun: &mut Option<Begun>) {
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
                Entry::Sitemap(href)
            } else {
                Entry::Page(href)
            });
        }
    }

    fn fault(&mut self, what: impl FnOnce() -> String) {
        self.faults += 1;
        self.first.get_or_insert_with(what);
    }

    fn listing(self) -> Listing {
        let mut listing = Listing::default();
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
fn address(begun: &mut Option<Begun>) -> Option<&mut String> {
    begun.as_mut()?.text.as_mut()
}

/// What an entity means; one that is not XML's own stands for itself.
fn meant(name: &BytesRef<'_>) -> String {
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
