//! A TOML document with the place of every key and value. Whoever reads a table asks for each key
//! by a row: its name, perhaps what it should be, and how it is read; other keys are errors.

use std::ops::{Range, RangeInclusive};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::problems::{Problems, nearest, one_of, printable, shown};

/// A larger file is not a site file.
const MAX_FILE: usize = 4 << 20;

/// A value, its dotted name and its place in bytes.
#[derive(Debug, Clone)]
pub(crate) struct Node<'t> {
    pub(crate) field: String,
    pub(crate) span: Range<usize>,
    pub(crate) value: &'t DeValue<'t>,
    problems: &'t Problems<'t>,
}

/// A table whose keys are fixed: those asked for are known, all others are errors.
#[derive(Debug)]
pub(crate) struct Keys<'t> {
    pub(crate) field: String,
    pub(crate) span: Range<usize>,
    entries: &'t DeTable<'t>,
    problems: &'t Problems<'t>,
    known: Vec<&'static str>,
}

/// One entry of a table whose keys are names of the writer's own choice.
#[derive(Debug)]
pub(crate) struct NamedNode<'t> {
    pub(crate) name: &'t str,
    pub(crate) name_span: Range<usize>,
    pub(crate) node: Node<'t>,
}

/// The document, or `None` with its syntax errors noted.
pub(crate) fn parse<'t>(text: &'t str, problems: &Problems<'_>) -> Option<DeTable<'t>> {
    if text.len() > MAX_FILE {
        let message = format!("the file is over {MAX_FILE} bytes");
        problems.error(&(0..0), "", message, None);
        return None;
    }
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let end = text.len();
        let message = format!("not TOML: {}", error.message().replace('\n', "; "));
        problems.error(&error.span().unwrap_or(end..end), "", message, None);
    }
    errors.is_empty().then(|| document.into_inner())
}

impl<'t> Node<'t> {
    fn new(field: String, value: &'t Spanned<DeValue<'t>>, problems: &'t Problems<'t>) -> Self {
        Self {
            field,
            span: value.span(),
            value: value.get_ref(),
            problems,
        }
    }

    /// The same value under another name, for messages.
    pub(crate) fn called(self, field: String) -> Self {
        Self { field, ..self }
    }

    /// Notes an error at this value.
    pub(crate) fn error(&self, message: impl Into<String>) {
        self.error_near(message, None);
    }

    /// Notes an error at this value, with the name that was perhaps meant.
    pub(crate) fn error_near(&self, message: impl Into<String>, near: Option<String>) {
        self.problems.error(&self.span, &self.field, message, near);
    }

    /// Notes an error at the byte `offset` of this string.
    pub(crate) fn error_inside(&self, offset: usize, message: String) {
        let span = self.inside(offset);
        self.problems.error(&span, &self.field, message, None);
    }

    /// Notes that something else was expected here.
    pub(crate) fn expected(&self, what: &str) {
        self.error(format!("expected {what}, found {}", found(self.value)));
    }

    /// The value; without it an error that says what was expected.
    pub(crate) fn or_expected<T>(&self, value: Option<T>, what: &str) -> Option<T> {
        if value.is_none() {
            self.expected(what);
        }
        value
    }

    pub(crate) fn text(&self) -> Option<&'t str> {
        self.text_as("a string")
    }

    pub(crate) fn text_as(&self, what: &str) -> Option<&'t str> {
        self.or_expected(self.value.as_str(), what)
    }

    pub(crate) fn boolean(&self) -> Option<bool> {
        self.or_expected(self.value.as_bool(), "true or false")
    }

    pub(crate) fn integer(&self, range: RangeInclusive<u32>) -> Option<u32> {
        let value = integer_of(self.value).and_then(|value| u32::try_from(value).ok());
        let (low, high) = (range.start(), range.end());
        let what = format!("an integer from {low} to {high}");
        self.or_expected(value.filter(|value| range.contains(value)), &what)
    }

    pub(crate) fn is_table(&self) -> bool {
        self.value.is_table()
    }

    pub(crate) fn keys(&self) -> Option<Keys<'t>> {
        let entries = self.or_expected(self.value.as_table(), "a table")?;
        Some(Keys {
            field: self.field.clone(),
            span: self.span.clone(),
            ..Keys::root(entries, self.problems)
        })
    }

    /// What `read` makes of this table; keys that it does not ask for are errors.
    pub(crate) fn read_keys<T>(&self, read: impl FnOnce(&mut Keys<'t>) -> Option<T>) -> Option<T> {
        let mut keys = self.keys()?;
        let value = read(&mut keys);
        keys.finish();
        value
    }

    /// The elements of an array, each with its index in its name.
    pub(crate) fn elements(&self) -> Option<Vec<Self>> {
        let elements = self.value.as_array()?.iter().enumerate();
        Some(
            elements
                .map(|(index, value)| {
                    Self::new(format!("{}[{index}]", self.field), value, self.problems)
                })
                .collect(),
        )
    }

    /// A string, or a list of strings that is not empty.
    pub(crate) fn texts(&self, what: &str) -> Vec<(Self, &'t str)> {
        if let Some(text) = self.value.as_str() {
            return vec![(self.clone(), text)];
        }
        let Some(elements) = self.elements() else {
            self.expected(&format!("{what}, or a list of them"));
            return Vec::new();
        };
        if elements.is_empty() {
            self.error(format!("the list is empty; expected {what}"));
        }
        let texts = elements.into_iter();
        texts
            .filter_map(|node| node.text_as(what).map(|text| (node, text)))
            .collect()
    }

    /// What one of these words stands for.
    pub(crate) fn word<T: Copy>(&self, words: &[(&'static str, T)]) -> Option<T> {
        let names: Vec<&str> = words.iter().map(|(name, _)| *name).collect();
        let expected = one_of(&names);
        let text = self.text_as(&expected)?;
        let found = words.iter().find(|(name, _)| *name == text);
        if found.is_none() {
            let message = format!("expected {expected}, found {}", shown(text));
            self.error_near(message, nearest(text, names));
        }
        found.map(|(_, value)| *value)
    }

    /// The place of the byte at `offset` of this string, where it is written without escapes.
    fn inside(&self, offset: usize) -> Range<usize> {
        let raw = self.problems.text().get(self.span.clone());
        let raw = raw.unwrap_or_default();
        let quotes = ["\"\"\"\n", "'''\n", "\"\"\"", "'''", "\"", "'"];
        let open = quotes.iter().find(|open| raw.starts_with(**open));
        let open = open.map_or(0, |open| open.len());
        let head = self.value.as_str().and_then(|value| value.get(..offset));
        match head.filter(|head| raw[open..].starts_with(*head)) {
            Some(head) => {
                let start = self.span.start + open + head.len();
                start..self.span.end.saturating_sub(1).max(start + 1)
            }
            None => self.span.clone(),
        }
    }
}

impl<'t> Keys<'t> {
    pub(crate) const fn root(entries: &'t DeTable<'t>, problems: &'t Problems<'t>) -> Self {
        Self {
            field: String::new(),
            span: 0..0,
            entries,
            problems,
            known: Vec::new(),
        }
    }

    /// The value of this key, which is known from now on.
    pub(crate) fn take(&mut self, key: &'static str) -> Option<Node<'t>> {
        self.known.push(key);
        let value = self.entries.get(key)?;
        Some(Node::new(self.name(key), value, self.problems))
    }

    /// What `read` makes of this key's value; none where the key is not there.
    pub(crate) fn get<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&Node<'t>) -> Option<T>,
    ) -> Option<T> {
        self.take(key).and_then(|node| read(&node))
    }

    /// As [`Keys::get`]; without the key an error that says what it should be.
    pub(crate) fn need<T>(
        &mut self,
        key: &'static str,
        what: &str,
        read: impl FnOnce(&Node<'t>) -> Option<T>,
    ) -> Option<T> {
        if !self.has(key) {
            let message = format!("`{key}` is missing; expected {what}");
            let name = self.name(key);
            self.problems.error(&self.span, &name, message, None);
        }
        self.get(key, read)
    }

    /// Whether this key says true.
    pub(crate) fn flag(&mut self, key: &'static str) -> bool {
        self.get(key, Node::boolean).unwrap_or(false)
    }

    /// Notes an error at the table.
    pub(crate) fn error(&self, message: impl Into<String>) {
        self.problems.error(&self.span, &self.field, message, None);
    }

    /// Notes an error of the table at one of its keys.
    pub(crate) fn error_at(&self, key: &str, message: impl Into<String>) {
        let span = self.key_span(key);
        self.problems.error(&span, &self.field, message, None);
    }

    /// Notes an error of one of its keys, at that key.
    pub(crate) fn error_of(&self, key: &str, message: impl Into<String>) {
        let (span, name) = (self.key_span(key), self.name(key));
        self.problems.error(&span, &name, message, None);
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// Everything in the table, in the order of the file.
    pub(crate) fn entries(&self) -> Vec<NamedNode<'t>> {
        let entries = self.entries.iter();
        let mut entries: Vec<NamedNode<'t>> = entries
            .map(|(key, value)| NamedNode {
                name: key.get_ref().as_ref(),
                name_span: key.span(),
                node: Node::new(self.name(key.get_ref()), value, self.problems),
            })
            .collect();
        entries.sort_by_key(|entry| entry.name_span.start);
        entries
    }

    /// Every key that nobody asked for is an error.
    pub(crate) fn finish(mut self) {
        self.known.sort_unstable();
        self.known.dedup();
        let place = match self.field.as_str() {
            "" => "at the top".to_owned(),
            field => format!("in `{field}`"),
        };
        for entry in self.entries() {
            if !self.known.contains(&entry.name) {
                let message = format!(
                    "unknown key `{}` {place}; known here: {}",
                    printable(entry.name),
                    self.known.join(", ")
                );
                let known = self.known.iter().copied();
                entry.error(message, nearest(entry.name, known));
            }
        }
    }

    fn key_span(&self, key: &str) -> Range<usize> {
        let entry = self.entries.get_key_value(key);
        entry.map_or_else(|| self.span.clone(), |(key, _)| key.span())
    }

    /// The dotted name of a key.
    fn name(&self, key: &str) -> String {
        let is_bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let key = if !key.is_empty() && key.chars().all(is_bare) {
            key.to_owned()
        } else {
            shown(key)
        };
        if self.field.is_empty() {
            key
        } else {
            format!("{}.{key}", self.field)
        }
    }
}

impl NamedNode<'_> {
    /// Notes an error at the name, with the one that was perhaps meant.
    pub(crate) fn error(&self, message: impl Into<String>, near: Option<String>) {
        let problems = self.node.problems;
        problems.error(&self.name_span, &self.node.field, message, near);
    }

    /// Notes at the name what does not stop the file from being used.
    pub(crate) fn warn(&self, message: &str) {
        let problems = self.node.problems;
        problems.warn(&self.name_span, &self.node.field, message);
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
        DeValue::Array(values) => {
            let values = values.iter().map(|value| plain(value.get_ref()));
            toml::Value::Array(values.collect::<Option<_>>()?)
        }
        DeValue::Table(entries) => {
            let entry = |key: &str, value| Some((key.to_owned(), plain(value)?));
            let entries = entries.iter();
            let entries = entries.map(|(key, value)| entry(key.get_ref(), value.get_ref()));
            toml::Value::Table(entries.collect::<Option<_>>()?)
        }
    })
}
