//! What a link carries to the page that it leads to.

use std::{ops::Index, sync::Arc};

use serde::{Serialize, Serializer};
use serde_json::{Map, Value as Json};

use crate::extract::meter::written;

/// Fields beside a link, `page` and `position`, in their order. What many links of a page carry is
/// held once.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Carried(Vec<(Arc<str>, Arc<Json>)>);

impl Carried {
    /// With room for so many.
    #[must_use]
    pub fn with_capacity(fields: usize) -> Self {
        Self(Vec::with_capacity(fields))
    }

    /// Adds a field, or gives it another value.
    pub fn insert(&mut self, name: impl Into<Arc<str>>, value: impl Into<Arc<Json>>) {
        let (name, value) = (name.into(), value.into());
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = value,
            None => self.0.push((name, value)),
        }
    }

    /// Takes a field out.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(known, _)| **known != *name);
    }

    /// The value of a field.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Json> {
        let mut all = self.fields();
        all.find_map(|(known, value)| (known == name).then_some(value))
    }

    /// The fields in their order.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &Json)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    /// Bytes of their text in the store.
    pub(super) fn stored(&self) -> usize {
        let each = self.fields();
        each.map(|(name, value)| name.len() + written(value) + 4)
            .sum()
    }

    /// As the page that they lead to is given them.
    #[must_use]
    pub fn to_map(&self) -> Map<String, Json> {
        let pairs = self.fields();
        pairs
            .map(|(name, value)| (name.to_owned(), value.clone()))
            .collect()
    }
}

impl From<Map<String, Json>> for Carried {
    fn from(map: Map<String, Json>) -> Self {
        let pairs = map.into_iter();
        Self(
            pairs
                .map(|(name, value)| (name.into(), Arc::new(value)))
                .collect(),
        )
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
        serializer.collect_map(self.fields())
    }
}
