//! A page's URL, with what its link carried, in one piece of memory.

use std::{fmt, ops::Deref};

use arcstr::ArcStr;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Ends the URL where something is carried: a canonical URL holds no control characters.
const END: char = '\n';
/// What a link carries that carries nothing.
const NOTHING: &str = "{}";

/// A canonical URL and behind it the JSON object that the link carried; shared, never changed.
///
/// It reads, compares and serialises as the URL: what a link carried leaves the engine only on
/// its way to a parse. Two pieces of `Arc<str>` would cost a waiting task 66 bytes more.
#[derive(Clone)]
pub struct PageUrl(ArcStr);

const _: () = assert!(size_of::<Option<PageUrl>>() == 8);

impl PageUrl {
    /// The URL and what was carried to it: a JSON object as text.
    #[must_use]
    pub fn new(url: &str, carried: &str) -> Self {
        if matches!(carried, "" | NOTHING) {
            return Self::shared(url);
        }
        let mut text = String::with_capacity(url.len() + END.len_utf8() + carried.len());
        text.push_str(url);
        text.push(END);
        text.push_str(carried);
        Self::shared(&text)
    }

    fn shared(text: &str) -> Self {
        Self(ArcStr::from(text))
    }

    /// What the link carried: a JSON object as text.
    #[must_use]
    pub fn carried(&self) -> &str {
        self.0.split_once(END).map_or(NOTHING, |(_, rest)| rest)
    }
}

impl Deref for PageUrl {
    type Target = str;

    fn deref(&self) -> &str {
        let text = &*self.0;
        text.split_once(END).map_or(text, |(url, _)| url)
    }
}

impl From<&str> for PageUrl {
    fn from(url: &str) -> Self {
        Self::new(url, NOTHING)
    }
}

impl PartialEq for PageUrl {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for PageUrl {}

impl fmt::Display for PageUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl fmt::Debug for PageUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl Serialize for PageUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

impl<'de> Deserialize<'de> for PageUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|url| Self::from(url.as_str()))
    }
}

#[cfg(test)]
mod tests;
