//! A raw value and the type its field must become.

use std::sync::Arc;

use jiff::{
    civil::{Date, DateTime},
    fmt::strtime,
};
use serde::de::IgnoredAny;
use serde_json::{Number, Value as Json};

use crate::{
    extract::{output::Value, page::Page},
    model::decimal::{self, boolean, decimal, integer, keeps_digits},
    site::compiled::{Field, FieldType},
};

/// What a source yielded, before its type.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Raw {
    /// From HTML, or a JSON string.
    Text(String),
    /// JSON that is no string, as parsed.
    Json(Json),
    /// Valid JSON as the page wrote it, where a number's digits count.
    Written(Json, String),
}

impl Raw {
    /// As a message shows it: at most 80 characters.
    pub(super) fn shown(&self) -> String {
        let text = match self {
            Self::Text(text) | Self::Written(_, text) => text.clone(),
            Self::Json(json) => json.to_string(),
        };
        match text.char_indices().nth(80) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text,
        }
    }
}

/// The value, or none if the raw value does not fit the type. An empty text is `Null`.
pub(super) fn convert(raw: &Raw, field: &Field, page: &Page<'_>) -> Option<Value> {
    match raw {
        Raw::Text(text) if text.is_empty() => Some(Value::Null),
        Raw::Text(text) => from_text(text, field, page),
        Raw::Json(Json::Null) => Some(Value::Null),
        Raw::Json(json) => from_json(json, field, page),
        Raw::Written(json, text) => match from_json(json, field, page)? {
            Value::Json(_) => Some(Value::Written(decimal::compact(text))),
            value => Some(value),
        },
    }
}

fn from_text(text: &str, field: &Field, page: &Page<'_>) -> Option<Value> {
    Some(match field.kind {
        FieldType::Text => Value::Text(text.to_owned()),
        FieldType::Integer => Value::Integer(integer(text)?),
        FieldType::Decimal => Value::Decimal(decimal(text)?),
        FieldType::Boolean => Value::Boolean(boolean(text)?),
        FieldType::Date => Value::Text(date(text, &field.formats)?),
        FieldType::Url => Value::Text(page.absolute(text)?.into()),
        FieldType::Json | FieldType::Map => match serde_json::from_str::<Json>(text).ok()? {
            json if field.kind == FieldType::Map && !json.is_object() => return None,
            json if decimal::may_be_lost(&json) => Value::Written(decimal::compact(text)),
            json => Value::Json(json),
        },
    })
}

fn from_json(json: &Json, field: &Field, page: &Page<'_>) -> Option<Value> {
    match (field.kind, json) {
        (FieldType::Json, _) | (FieldType::Map, Json::Object(_)) => Some(Value::Json(json.clone())),
        (FieldType::Boolean, Json::Bool(truth)) => Some(Value::Boolean(*truth)),
        (FieldType::Integer, Json::Number(number)) => number
            .as_i64()
            .or_else(|| integer(&number.to_string()))
            .map(Value::Integer),
        (FieldType::Map, _) => None,
        (_, Json::String(text)) => from_text(text, field, page),
        (FieldType::Text, _) | (_, Json::Number(_) | Json::Bool(_)) => {
            from_text(&json.to_string(), field, page)
        }
        _ => None,
    }
}

/// ISO 8601 of the first format that fits: a date, or a date and time where the format has one,
/// with its offset if the text gives it. Without formats the text must be ISO 8601 itself.
pub(super) fn date(text: &str, formats: &[String]) -> Option<String> {
    let text = text.trim();
    if formats.is_empty() {
        return iso(text);
    }
    formats.iter().find_map(|format| {
        let parsed = strtime::parse(format, text).ok()?;
        if parsed.hour().is_none() {
            return match parsed.to_date() {
                Ok(date) => Some(date.to_string()),
                Err(_) => year_and_month(&parsed),
            };
        }
        let time = parsed.to_datetime().ok()?;
        Some(match parsed.offset() {
            Some(offset) => strtime::format(
                "%Y-%m-%dT%H:%M:%S%.f%:z",
                &offset
                    .to_timestamp(time)
                    .ok()?
                    .to_zoned(offset.to_time_zone()),
            )
            .ok()?,
            None => time.to_string(),
        })
    })
}

/// ISO 8601 allows a date without its day.
fn year_and_month(parsed: &strtime::BrokenDownTime) -> Option<String> {
    let (year, month) = (parsed.year()?, parsed.month()?);
    parsed
        .day()
        .is_none()
        .then(|| format!("{year:04}-{month:02}"))
}

fn iso(text: &str) -> Option<String> {
    if text.len() == 10 {
        return text.parse::<Date>().ok().map(|date| date.to_string());
    }
    // A civil time would drop an offset in silence; keep the text where it has one.
    let time = text.parse::<DateTime>().ok();
    let instant = text.parse::<jiff::Timestamp>().is_ok();
    match (time, instant) {
        (_, true) => Some(text.replacen(' ', "T", 1)),
        (Some(time), false) => Some(time.to_string()),
        (None, false) => text.parse::<Date>().ok().map(|date| date.to_string()),
    }
}

/// A value as an item of a JSON list or map.
pub(crate) fn into_json(value: Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Text(text) => Json::String(text),
        Value::Integer(integer) => Json::from(integer),
        Value::Decimal(digits) => serde_json::from_str::<Number>(&digits)
            .map_or_else(|_| Json::String(digits), Json::Number),
        Value::Boolean(truth) => Json::Bool(truth),
        Value::Json(json) => json,
        Value::Written(text) => serde_json::from_str(&text).unwrap_or(Json::String(text)),
        Value::Shared(value) => into_json(Arc::unwrap_or_clone(value)),
    }
}

/// A list; as text where the digits of an item count.
pub(super) fn into_list(items: Vec<Value>) -> Value {
    let loses = |item: &Value| match item {
        Value::Decimal(digits) => !keeps_digits(digits),
        Value::Written(_) => true,
        _ => false,
    };
    if !items.iter().any(loses) {
        return Value::Json(items.into_iter().map(into_json).collect());
    }
    let texts: Vec<String> = items.into_iter().map(json_text).collect();
    Value::Written(format!("[{}]", texts.join(",")))
}

/// A value as JSON text, with a number's digits where JSON knows such a number.
fn json_text(value: Value) -> String {
    match value {
        Value::Decimal(text) | Value::Written(text)
            if serde_json::from_str::<IgnoredAny>(&text).is_ok() =>
        {
            text
        }
        value => into_json(value).to_string(),
    }
}

#[cfg(test)]
mod tests;
