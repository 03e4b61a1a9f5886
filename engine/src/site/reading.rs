//! A TOML document with the place of every key and value; what is not asked for is an error.

use std::ops::{Range, RangeInclusive};

use toml::de::{DeTable, DeValue};

use super::problems::{Problems, shown};

/// A value, its dotted name and its place.
#[derive(Debug, Clone)]
pub(crate) struct Node<'t> {
    pub(crate) field: String,
    pub(crate) span: Range<usize>,
    pub(crate) value: &'t DeValue<'t>,
}

/// A table whose keys are fixed: those taken are known, all others are errors.
#[derive(Debug)]
pub(crate) struct Table<'t> {
    pub(crate) field: String,
    pub(crate) span: Range<usize>,
    entries: &'t DeTable<'t>,
    known: Vec<&'static str>,
}

/// One entry of a table whose keys are names of the writer's own choice.
#[derive(Debug)]
pub(crate) struct Entry<'t> {
    pub(crate) name: &'t str,
    pub(crate) name_span: Range<usize>,
    pub(crate) node: Node<'t>,
}

impl<'t> Node<'t> {
    /// Notes that something else was expected here.
    pub(crate) fn expected(&self, what: &str, problems: &mut Problems<'_>) {
        let found = found(self.value);
        problems.error(
            &self.span,
            &self.field,
            format!("expected {what}, found {found}"),
        );
    }

    /// Notes an error at this value.
    pub(crate) fn error(&self, message: impl Into<String>, problems: &mut Problems<'_>) {
        problems.error(&self.span, &self.field, message);
    }

    pub(crate) fn text(&self, problems: &mut Problems<'_>) -> Option<&'t str> {
        self.text_as("a string", problems)
    }

    pub(crate) fn text_as(&self, what: &str, problems: &mut Problems<'_>) -> Option<&'t str> {
        let text = self.value.as_str();
        if text.is_none() {
            self.expected(what, problems);
        }
        text
    }

    pub(crate) fn boolean(&self, problems: &mut Problems<'_>) -> Option<bool> {
        let value = self.value.as_bool();
        if value.is_none() {
            self.expected("true or false", problems);
        }
        value
    }

    pub(crate) fn integer(
        &self,
        range: RangeInclusive<u32>,
        problems: &mut Problems<'_>,
    ) -> Option<u32> {
        let value = integer_of(self.value)
            .and_then(|value| u32::try_from(value).ok())
            .filter(|value| range.contains(value));
        if value.is_none() {
            let (low, high) = (range.start(), range.end());
            self.expected(&format!("an integer from {low} to {high}"), problems);
        }
        value
    }

    pub(crate) fn table(&self, problems: &mut Problems<'_>) -> Option<Table<'t>> {
        if let DeValue::Table(entries) = self.value {
            let (field, span) = (self.field.clone(), self.span.clone());
            return Some(Table {
                field,
                span,
                entries,
                known: Vec::new(),
            });
        }
        self.expected("a table", problems);
        None
    }

    /// The elements of an array, each with its index in its name.
    pub(crate) fn elements(&self) -> Option<Vec<Node<'t>>> {
        let array = self.value.as_array()?;
        let name = |index| format!("{}[{index}]", self.field);
        Some(
            array
                .iter()
                .enumerate()
                .map(|(index, value)| Node {
                    field: name(index),
                    span: value.span(),
                    value: value.get_ref(),
                })
                .collect(),
        )
    }

    /// A string, or a list of strings that is not empty.
    pub(crate) fn texts(
        &self,
        what: &str,
        problems: &mut Problems<'_>,
    ) -> Vec<(Node<'t>, &'t str)> {
        if let Some(text) = self.value.as_str() {
            return vec![(self.clone(), text)];
        }
        let Some(elements) = self.elements() else {
            self.expected(&format!("{what}, or a list of them"), problems);
            return Vec::new();
        };
        if elements.is_empty() {
            self.error(format!("the list is empty; expected {what}"), problems);
        }
        elements
            .into_iter()
            .filter_map(|node| node.text_as(what, problems).map(|text| (node, text)))
            .collect()
    }

    /// One of these words.
    pub(crate) fn word<T: Copy>(
        &self,
        words: &[(&'static str, T)],
        problems: &mut Problems<'_>,
    ) -> Option<T> {
        let names: Vec<&str> = words.iter().map(|(name, _)| *name).collect();
        let expected = super::problems::one_of(&names);
        let text = self.text_as(&expected, problems)?;
        let found = words
            .iter()
            .find(|(name, _)| *name == text)
            .map(|(_, value)| *value);
        if found.is_none() {
            let message = format!("expected {expected}, found {}", shown(text));
            problems.unknown(&self.span, &self.field, message, text, names);
        }
        found
    }

    /// The place of the byte at `offset` of this string, where it is written without escapes.
    pub(crate) fn inside(&self, offset: usize, problems: &Problems<'_>) -> Range<usize> {
        let raw = problems.text().get(self.span.clone()).unwrap_or_default();
        let quotes = ["\"\"\"\n", "'''\n", "\"\"\"", "'''", "\"", "'"];
        let open = quotes
            .iter()
            .find(|open| raw.starts_with(**open))
            .map_or(0, |open| open.len());
        let value = self.value.as_str().unwrap_or_default();
        let Some(head) = value
            .get(..offset)
            .filter(|head| raw[open..].starts_with(*head))
        else {
            return self.span.clone();
        };
        let start = self.span.start + open + head.len();
        start..self.span.end.saturating_sub(1).max(start + 1)
    }
}

impl<'t> Table<'t> {
    pub(crate) fn root(entries: &'t DeTable<'t>) -> Self {
        Self {
            field: String::new(),
            span: 0..0,
            entries,
            known: Vec::new(),
        }
    }

    /// The value of this key, which is known from now on.
    pub(crate) fn take(&mut self, key: &'static str) -> Option<Node<'t>> {
        self.known.push(key);
        let value = self.entries.get(key)?;
        Some(Node {
            field: self.name(key),
            span: value.span(),
            value: value.get_ref(),
        })
    }

    /// The value of this key; without it an error that says what it should be.
    pub(crate) fn require(
        &mut self,
        key: &'static str,
        what: &str,
        problems: &mut Problems<'_>,
    ) -> Option<Node<'t>> {
        let node = self.take(key);
        if node.is_none() {
            let (span, field) = (self.span.clone(), self.name(key));
            problems.error(
                &span,
                &field,
                format!("`{key}` is missing; expected {what}"),
            );
        }
        node
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// The place of a key, for messages about it; the table's own where the key is not there.
    pub(crate) fn key_span(&self, key: &str) -> Range<usize> {
        self.entries
            .get_key_value(key)
            .map_or_else(|| self.span.clone(), |(key, _)| key.span())
    }

    /// Everything in the table, in the order of the file.
    pub(crate) fn entries(&self) -> Vec<Entry<'t>> {
        let mut entries: Vec<Entry<'t>> = self
            .entries
            .iter()
            .map(|(key, value)| Entry {
                name: key.get_ref().as_ref(),
                name_span: key.span(),
                node: Node {
                    field: self.name(key.get_ref()),
                    span: value.span(),
                    value: value.get_ref(),
                },
            })
            .collect();
        entries.sort_by_key(|entry| entry.name_span.start);
        entries
    }

    /// Every key that nobody asked for is an error.
    pub(crate) fn finish(self, problems: &mut Problems<'_>) {
        for entry in self.entries() {
            if self.known.contains(&entry.name) {
                continue;
            }
            let mut known = self.known.clone();
            known.sort_unstable();
            let place = if self.field.is_empty() {
                "at the top".to_owned()
            } else {
                format!("in `{}`", self.field)
            };
            let message = format!(
                "unknown key `{}` {place}; known here: {}",
                super::problems::printable(entry.name),
                known.join(", ")
            );
            problems.unknown(
                &entry.name_span,
                &entry.node.field,
                message,
                entry.name,
                known,
            );
        }
    }

    fn name(&self, key: &str) -> String {
        let bare = !key.is_empty()
            && key
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
        let key = if bare { key.to_owned() } else { shown(key) };
        if self.field.is_empty() {
            key
        } else {
            format!("{}.{key}", self.field)
        }
    }
}

/// What stands there, in words.
pub(crate) fn found(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("the string {}", shown(text)),
        DeValue::Integer(_) => match integer_of(value) {
            Some(value) => format!("the integer {value}"),
            None => "an integer beyond 64 bits".to_owned(),
        },
        DeValue::Float(value) => format!("the number {}", value.as_str()),
        DeValue::Boolean(value) => value.to_string(),
        DeValue::Datetime(_) => "a date".to_owned(),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

pub(crate) fn integer_of(value: &DeValue<'_>) -> Option<i64> {
    let integer = value.as_integer()?;
    i64::from_str_radix(integer.as_str(), integer.radix()).ok()
}

/// A finite number, integer or not.
pub(crate) fn number_of(value: &DeValue<'_>) -> Option<f64> {
    let number = match value {
        DeValue::Float(value) => value.as_str().parse::<f64>().ok(),
        DeValue::Integer(value) => value.to_string().parse::<f64>().ok(),
        _ => None,
    }?;
    number.is_finite().then_some(number)
}

/// The value without its places; `None` where a number does not fit 64 bits.
pub(crate) fn plain(value: &DeValue<'_>) -> Option<toml::Value> {
    Some(match value {
        DeValue::String(text) => toml::Value::String(text.clone().into_owned()),
        DeValue::Integer(_) => toml::Value::Integer(integer_of(value)?),
        DeValue::Float(_) => toml::Value::Float(number_of(value)?),
        DeValue::Boolean(value) => toml::Value::Boolean(*value),
        DeValue::Datetime(value) => toml::Value::Datetime(*value),
        DeValue::Array(values) => toml::Value::Array(
            values
                .iter()
                .map(|v| plain(v.get_ref()))
                .collect::<Option<_>>()?,
        ),
        DeValue::Table(entries) => toml::Value::Table(
            entries
                .iter()
                .map(|(key, v)| Some((key.get_ref().clone().into_owned(), plain(v.get_ref())?)))
                .collect::<Option<_>>()?,
        ),
    })
}
