//! What a link carries to the page that it leads to: the fields beside it, and, apart from them,
//! what the pages of a list hand on from one to the next.

use std::{ops::Index, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize, Serializer, de::DeserializeOwned, ser::SerializeMap as _};
use serde_json::{Map, Value as Json};

use crate::{
    extract::{bounds::written, output::ExtractError},
    model::class::ErrorClass,
};

/// Fields beside a link, `page` and `position`, in their order, and the state of a list's paging.
/// What many links of a page carry is held once.
///
/// Its text in the store is a JSON object of the fields; the paging state stands in it under
/// `_paging`, a name that no field can have.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Carried {
    fields: Vec<(Arc<str>, Arc<Json>)>,
    paging: Option<Arc<PagingState>>,
}

/// The member of the stored text that holds the paging state: names of fields begin with no `_`.
const PAGING: &str = "_paging";

/// What one page of a list tells the next. No rule of a site file sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PagingState {
    /// What the page before showed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) shown: Option<Shown>,
    /// How many pages the list has, as the page before told it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) page_count: Option<u32>,
    /// Pages asked for so far, by the first eight bytes of their keys.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) asked: Vec<u64>,
    /// Next links that were not taken, the nearest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) passed_over: Vec<PassedOver>,
    /// The page is a sitemap at the usual place that nobody named: it may well be missing.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) is_guess: bool,
}

/// What a page of a list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Shown {
    /// A hash of its items and records.
    pub(super) fingerprint: u64,
    /// Pages in a row before it that showed the same.
    pub(super) repeats: u64,
}

/// A target that was passed over for another one, to be gone to where the list ends otherwise: a
/// list that was entered in its middle goes back to its beginning first, and a first page may
/// have two addresses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PassedOver {
    /// The page that led there, by the first eight bytes of its key.
    pub(super) from: u64,
    pub(super) url: String,
}

impl PagingState {
    const NOTHING: &Self = &Self {
        shown: None,
        page_count: None,
        asked: Vec::new(),
        passed_over: Vec::new(),
        is_guess: false,
    };

    /// To be held once by all pages of a list that are told of it; none where there is nothing to
    /// tell.
    pub(super) fn shared(self) -> Option<Arc<Self>> {
        (self != *Self::NOTHING).then(|| Arc::new(self))
    }

    /// Takes it out of the members of a stored text. Stores of earlier versions have each part of
    /// it among the fields; what cannot be read is as if it were not there.
    fn take(members: &mut Map<String, Json>) -> Self {
        fn read<T: DeserializeOwned>(json: Option<Json>) -> Option<T> {
            serde_json::from_value(json?).ok()
        }
        let mut take = |name| members.shift_remove(name);
        let shown = read(take("_shown"));
        let earlier = Self {
            shown: shown.map(|(fingerprint, repeats)| Shown {
                fingerprint,
                repeats,
            }),
            page_count: read(take("_told")),
            asked: read(take("_asked")).unwrap_or_default(),
            passed_over: read(take("_left")).unwrap_or_default(),
            is_guess: read(take("_usual")).unwrap_or_default(),
        };
        read(take(PAGING)).unwrap_or(earlier)
    }
}

impl Carried {
    /// With room for so many fields.
    #[must_use]
    pub fn with_capacity(fields: usize) -> Self {
        Self {
            fields: Vec::with_capacity(fields),
            paging: None,
        }
    }

    /// Adds a field, or gives it another value.
    pub fn insert(&mut self, name: impl Into<Arc<str>>, value: impl Into<Arc<Json>>) {
        let (name, value) = (name.into(), value.into());
        match self.fields.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = value,
            None => self.fields.push((name, value)),
        }
    }

    /// The value of a field.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Json> {
        let mut all = self.fields();
        all.find_map(|(known, value)| (known == name).then_some(value))
    }

    /// The fields in their order.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &Json)> {
        self.fields.iter().map(|(name, value)| (&**name, &**value))
    }

    /// What the page before told of the list.
    pub(super) fn paging(&self) -> &PagingState {
        self.paging.as_deref().unwrap_or(PagingState::NOTHING)
    }

    fn with_paging(self, paging: Option<Arc<PagingState>>) -> Self {
        Self { paging, ..self }
    }

    /// To another page of the same list: what led to the list, with that page's number. Having no
    /// `position` tells it from a card's page.
    pub(super) fn to_list_page(&self, number: u32, paging: Option<Arc<PagingState>>) -> Self {
        let mut next = self.clone().with_paging(paging);
        next.fields.retain(|(name, _)| **name != *"position");
        next.insert("page", Json::from(number));
        next
    }

    /// To what a sitemap lists; `is_guess`: to where sitemaps usually stand, which nobody named.
    pub(super) fn to_sitemap_entry(position: u64, is_guess: bool) -> Self {
        let mut carried = Self::with_capacity(2);
        carried.insert("page", Json::from(1));
        carried.insert("position", Json::from(position));
        let paging = PagingState {
            is_guess,
            ..PagingState::default()
        };
        carried.with_paging(paging.shared())
    }

    /// Bytes of its text in the store.
    pub(super) fn stored(&self) -> usize {
        let paging = self.paging.iter();
        self.fields()
            .map(|(name, value)| name.len() + written(value) + 4)
            .chain(paging.map(|paging| PAGING.len() + written(&**paging) + 4))
            .sum()
    }
}

impl From<Map<String, Json>> for Carried {
    fn from(mut map: Map<String, Json>) -> Self {
        let has_paging = map.keys().any(|name| name.starts_with('_'));
        let paging = has_paging.then(|| PagingState::take(&mut map));
        Self {
            paging: paging.and_then(PagingState::shared),
            fields: map
                .into_iter()
                .map(|(name, value)| (name.into(), Arc::new(value)))
                .collect(),
        }
    }
}

impl FromStr for Carried {
    type Err = ExtractError;

    /// Reads its text in the store.
    fn from_str(text: &str) -> Result<Self, ExtractError> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let map: Map<String, Json> = serde_json::from_str(text).map_err(|error| ExtractError {
            class: ErrorClass::Parse,
            message: format!(
                "the fields carried with the link are not a JSON object ({error}); the store's row \
                 of this page is damaged"
            ),
        })?;
        Ok(map.into())
    }
}

impl Index<&str> for Carried {
    type Output = Json;

    /// The value of a field that is there.
    fn index(&self, name: &str) -> &Json {
        self.get(name).expect("a field that is carried")
    }
}

impl Serialize for Carried {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let members = self.fields.len() + usize::from(self.paging.is_some());
        let mut map = serializer.serialize_map(Some(members))?;
        for (name, value) in self.fields() {
            map.serialize_entry(name, value)?;
        }
        if let Some(paging) = &self.paging {
            map.serialize_entry(PAGING, &**paging)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests;
