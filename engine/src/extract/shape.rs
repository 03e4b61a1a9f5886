//! Text on its way from a source to its type: regex, then map, then transforms.

use serde_json::Value as Json;

use crate::{
    extract::{convert::Raw, find::cleaned, page::Page},
    site::compiled::{Field, Transform},
};

/// Regex, then map, then transforms. None if nothing is left.
pub(super) fn shaped(page: &Page<'_>, field: &Field, text: String) -> Option<Raw> {
    let text = match &field.regex {
        Some(regex) => captured(regex, &text)?,
        None => text,
    };
    if text.is_empty() {
        return None;
    }
    let text = match &field.map {
        Some(map) => match map.get(text.as_str()).map(from_toml)? {
            Raw::Text(text) => text,
            json => return Some(json),
        },
        None => text,
    };
    let mut text = text;
    for transform in &field.transforms {
        text = match transform {
            Transform::Raw => text,
            Transform::Replace(regex, with) => regex.replace_all(&text, with.as_str()).into_owned(),
            Transform::AbsoluteUrl => page.absolute(&text)?.into(),
            Transform::Lower => text.to_lowercase(),
            Transform::Upper => text.to_uppercase(),
        };
    }
    if !is_raw(field) && !field.transforms.is_empty() {
        text = cleaned(&text);
    }
    (!text.is_empty()).then_some(Raw::Text(text))
}

/// The first capture group that took part, or the whole match of a regex without groups.
pub(super) fn captured(regex: &regex::Regex, text: &str) -> Option<String> {
    let captures = regex.captures(text)?;
    let group = captures.iter().skip(1).flatten().next();
    let found = match captures.len() {
        1 => captures.get(0),
        _ => group,
    };
    found.map(|found| found.as_str().to_owned())
}

pub(super) fn is_raw(field: &Field) -> bool {
    field
        .transforms
        .iter()
        .any(|transform| matches!(transform, Transform::Raw))
}

/// A constant of the site file.
pub(super) fn from_toml(value: &toml::Value) -> Raw {
    fn json(value: &toml::Value) -> Json {
        match value {
            toml::Value::String(text) => Json::String(text.clone()),
            toml::Value::Integer(integer) => Json::from(*integer),
            toml::Value::Float(float) => Json::from(*float),
            toml::Value::Boolean(truth) => Json::Bool(*truth),
            toml::Value::Datetime(time) => Json::String(time.to_string()),
            toml::Value::Array(items) => Json::Array(items.iter().map(json).collect()),
            toml::Value::Table(table) => Json::Object(
                table
                    .iter()
                    .map(|(key, value)| (key.clone(), json(value)))
                    .collect(),
            ),
        }
    }
    match json(value) {
        Json::String(text) => Raw::Text(text),
        other => Raw::Json(other),
    }
}
