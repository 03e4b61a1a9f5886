//! One field: source, regex, map, transforms, type; then required, default, warning (SPEC A2).

use std::borrow::Cow;

use html5ever::local_name;
use serde_json::{Map, Value as Json};

use crate::{
    extract::{
        bounds::{Reserve, written},
        convert::{Raw, convert, into_list},
        embedded_json::{JsonMatch, script_value},
        label_rows::{Label, LabelPlace, WantedLabel},
        output::Value,
        page::Page,
        select::{Card, cleaned},
    },
    model::decimal,
    site::{
        compiled::{Fallbacks, Field, FieldType, Source, Transform},
        selector::Selector,
    },
};

/// What became of a field.
#[derive(Clone)]
pub(super) struct Reading {
    /// `Null` if it is missing.
    pub(super) value: Value,
    /// What was found but did not fit.
    pub(super) unfit: Option<String>,
}

/// Reads a field on the page, or inside a card. The default stands in for what is missing.
pub(super) fn read(page: &Page<'_>, field: &Field, card: Card) -> Reading {
    let raws = raws(page, field, card);
    let mut reading = if field.list {
        list(&raws, field, page)
    } else {
        single(&raws, field, page)
    };
    if is_missing(&reading.value)
        && let Some(default) = &field.default
    {
        reading.value = default_value(default, field, page);
    }
    reading
}

/// The default in the field's type; as written where it does not fit that.
fn default_value(default: &toml::Value, field: &Field, page: &Page<'_>) -> Value {
    if let (true, toml::Value::Array(items)) = (field.list, default) {
        let raws: Vec<Raw> = items.iter().map(from_toml).collect();
        return list(&raws, field, page).value;
    }
    let raw = from_toml(default);
    convert(&raw, field, page).unwrap_or(match raw {
        Raw::Text(text) => Value::Text(text),
        Raw::Json(json) | Raw::Written(json, _) => Value::Json(json),
    })
}

/// Whether a required field counts as missing: nothing, or a list or map without items.
pub(super) fn is_missing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Json(Json::Array(items)) => items.is_empty(),
        Value::Json(Json::Object(map)) => map.is_empty(),
        Value::Json(json) => json.is_null(),
        Value::Shared(value) => is_missing(value),
        _ => false,
    }
}

fn single(raws: &[Raw], field: &Field, page: &Page<'_>) -> Reading {
    let Some(raw) = raws.first() else {
        return Reading {
            value: Value::Null,
            unfit: None,
        };
    };
    match convert(raw, field, page) {
        Some(value) => Reading { value, unfit: None },
        None => Reading {
            value: Value::Null,
            unfit: Some(raw.shown()),
        },
    }
}

fn list(raws: &[Raw], field: &Field, page: &Page<'_>) -> Reading {
    let mut items = Vec::with_capacity(raws.len());
    let mut unfit = None;
    for raw in raws {
        match convert(raw, field, page) {
            Some(Value::Null) => {}
            Some(value) => items.push(value),
            None => unfit = unfit.or_else(|| Some(raw.shown())),
        }
    }
    Reading {
        value: into_list(items),
        unfit,
    }
}

/// The raw values after regex, map and transforms: all of them for a list, else at most one.
pub(super) fn raws(page: &Page<'_>, field: &Field, card: Card) -> Vec<Raw> {
    let found = match &field.source {
        Source::Select(fallbacks) => return picked(page, field, fallbacks, card, &|_| true),
        Source::Rows {
            rows,
            label,
            is,
            value,
        } => {
            return from_rows(
                page,
                field,
                card,
                &RowsRule {
                    each: rows,
                    label,
                    is: is.as_deref(),
                    value,
                },
            );
        }
        Source::Meta(name) => return meta(page, field, name),
        Source::JsonLd(paths) => {
            let mut found = paths.iter().filter_map(|path| page.linked(path));
            let found = found.find_map(|found| {
                let raws = from_found(page, field, &found);
                (!raws.is_empty()).then_some(raws)
            });
            return found.unwrap_or_default();
        }
        Source::Json(pointer) => page
            .body()
            .and_then(|body| body.pointer(pointer))
            .map(|json| JsonMatch::borrowed(json, page.text, pointer, page.budget())),
        Source::Script { select, pointer } => page.elements.select(card, select).find_map(|at| {
            let script: String = page.elements.element(at).text().collect();
            script_value(&script, pointer, page.budget())
        }),
        Source::Carried(name) => {
            let carried = page.input.carried.get(name);
            carried.map(|json| JsonMatch::plain(Cow::Borrowed(json)))
        }
        Source::Constant(constant) => {
            Some(JsonMatch::plain(Cow::Owned(json_of(from_toml(constant)))))
        }
    };
    found.map_or_else(Vec::new, |found| from_found(page, field, &found))
}

/// Selectors in order; the first that yields something wins, of the elements that count. Without a
/// regex only the first match of each is read, with one the first that it captures something from.
fn picked(
    page: &Page<'_>,
    field: &Field,
    fallbacks: &Fallbacks,
    card: Card,
    counts: &dyn Fn(usize) -> bool,
) -> Vec<Raw> {
    let raw = is_raw(field);
    for pick in &fallbacks.0 {
        let elements = page.elements.pick(card, pick).filter(|at| counts(*at));
        let mut values = elements.filter_map(|at| {
            let text = page.elements.take(at, &pick.take, raw);
            text.map(|text| shaped(page, field, text))
        });
        let found: Vec<Raw> = if field.list {
            let mut reserve = page.budget().reserve();
            values
                .flatten()
                .take_while(|raw| admits(&mut reserve, raw))
                .collect()
        } else if field.regex.is_some() {
            values.flatten().take(1).collect()
        } else {
            values.next().flatten().into_iter().collect()
        };
        if !found.is_empty() {
            return found;
        }
    }
    Vec::new()
}

struct RowsRule<'s> {
    each: &'s Selector,
    label: &'s Fallbacks,
    is: Option<&'s [String]>,
    value: &'s Fallbacks,
}

fn from_rows(page: &Page<'_>, field: &Field, card: Card, rule: &RowsRule<'_>) -> Vec<Raw> {
    let rows = page.rows.rows(&page.elements, card, rule.each, rule.label);
    let wanted: Option<Vec<WantedLabel<'_>>> = rule
        .is
        .map(|is| is.iter().map(|text| WantedLabel::new(text)).collect());
    let mut map = Map::new();
    let mut found: Vec<Raw> = Vec::new();
    let mut reserve = page.budget().reserve();
    let labels = |whose| {
        let all = rows.labelled(&page.elements, rule.label, whose);
        all.filter(|(_, label)| wanted.as_ref().is_none_or(|wanted| label.is_one_of(wanted)))
    };
    let nested = labels(LabelPlace::Nested).filter(|(row, label)| {
        let own = rows.row_of(label).filter(|own| own != row);
        !own.is_some_and(|own| has_value(page, rule.value, own))
    });
    for (row, label) in labels(LabelPlace::Own).chain(nested) {
        if field.kind == FieldType::Map {
            let values = values_of(page, field, rule.value, row, label);
            let Some(value) = values.into_iter().next().map(json_of) else {
                continue;
            };
            if !map.contains_key(&label.text) {
                if !reserve.admits(label.text.len() + written(&value)) {
                    break;
                }
                map.insert(label.text.clone(), value);
            }
            continue;
        }
        let beside = values_of(page, field, rule.value, row, label);
        found.extend(
            beside
                .into_iter()
                .take_while(|raw| admits(&mut reserve, raw)),
        );
        if !field.list && !found.is_empty() {
            found.truncate(1);
            break;
        }
    }
    if field.kind == FieldType::Map && !map.is_empty() {
        found.push(Raw::Json(Json::Object(map)));
    }
    found
}

/// Whether something stands in the row where values do.
fn has_value(page: &Page<'_>, value: &Fallbacks, row: usize) -> bool {
    let mut picks = value.0.iter();
    picks.any(|pick| page.elements.pick(Some(row), pick).next().is_some())
}

/// The values of one label of a row.
fn values_of(
    page: &Page<'_>,
    field: &Field,
    value: &Fallbacks,
    row: usize,
    label: &Label,
) -> Vec<Raw> {
    let own = picked(page, field, value, Some(row), &|at| label.owns(at));
    if own.is_empty() && label.may_look_further() {
        return picked(page, field, value, Some(row), &|_| true);
    }
    own
}

/// Whether so much may be held still.
fn admits(reserve: &mut Reserve<'_>, raw: &Raw) -> bool {
    reserve.admits(match raw {
        Raw::Text(text) | Raw::Written(_, text) => text.len(),
        Raw::Json(json) => written(json),
    })
}

/// The attributes that name a `<meta>`: what sharing pages are told counts before what search
/// engines are.
const META: [&str; 3] = ["property", "name", "itemprop"];

/// `<meta property|name|itemprop=NAME content=…>`, the first that has content, of the first
/// attribute that any has.
fn meta(page: &Page<'_>, field: &Field, name: &str) -> Vec<Raw> {
    page.budget().work(page.elements.len());
    let metas: Vec<_> = page.elements.named(local_name!("meta")).collect();
    META.iter()
        .map(|kind| {
            let named = metas.iter().filter(|element| {
                let own = element.attribute(kind);
                own.is_some_and(|own| own.trim().eq_ignore_ascii_case(name))
            });
            let values = named
                .filter_map(|element| element.attribute("content"))
                .filter_map(|content| shaped(page, field, text_for(field, content)));
            let most = if field.list { usize::MAX } else { 1 };
            values.take(most).collect::<Vec<Raw>>()
        })
        .find(|found| !found.is_empty())
        .unwrap_or_default()
}

/// Raw values of a JSON find: a list's items, else the value, or the first of an array where the
/// type is a scalar.
fn from_found(page: &Page<'_>, field: &Field, found: &JsonMatch<'_>) -> Vec<Raw> {
    let written = found.written.as_deref();
    let Json::Array(items) = &*found.json else {
        let one = from_one(page, field, &found.json, written);
        return one.into_iter().collect();
    };
    let texts = written.map_or_else(Vec::new, decimal::items);
    let mut each = items.iter().enumerate().filter_map(|(at, item)| {
        let written = texts.get(at).copied();
        from_one(page, field, item, written)
    });
    if field.list {
        each.collect()
    } else if matches!(field.kind, FieldType::Json | FieldType::Map) {
        let whole = from_one(page, field, &found.json, written);
        whole.into_iter().collect()
    } else {
        each.next().into_iter().collect()
    }
}

fn from_one(page: &Page<'_>, field: &Field, json: &Json, written: Option<&str>) -> Option<Raw> {
    let shapes = field.regex.is_some() || field.map.is_some() || !field.transforms.is_empty();
    match json {
        Json::Null => None,
        Json::String(text) if field.kind == FieldType::Json && !shapes => {
            Some(Raw::Json(Json::String(text.clone())))
        }
        Json::String(text) => shaped(page, field, text_for(field, text)),
        Json::Number(_) | Json::Bool(_) if shapes => {
            let text = written.map_or_else(|| json.to_string(), str::to_owned);
            shaped(page, field, text)
        }
        Json::Number(_) if matches!(field.kind, FieldType::Text | FieldType::Decimal) => {
            let text = written.map(|text| Raw::Text(text.to_owned()));
            text.or_else(|| Some(Raw::Json(json.clone())))
        }
        _ if decimal::may_be_lost(json) => Some(match written {
            Some(text) => Raw::Written(json.clone(), text.to_owned()),
            None => Raw::Json(json.clone()),
        }),
        _ => Some(Raw::Json(json.clone())),
    }
}

/// Where the field looks, for messages.
pub(super) fn source_text(field: &Field) -> String {
    let list = |fallbacks: &Fallbacks| {
        let all: Vec<_> = fallbacks
            .0
            .iter()
            .map(|pick| format!("\"{}\"", pick.text))
            .collect();
        all.join(", then ")
    };
    let source = match &field.source {
        Source::Select(fallbacks) => format!("selector {}", list(fallbacks)),
        Source::Rows {
            rows,
            label,
            is,
            value,
        } => {
            let label = list(label);
            let is = is
                .as_ref()
                .map(|is| format!(" is \"{}\"", is.join("\" or \"")));
            format!(
                "rows \"{}\" whose label {label}{}, value {}",
                rows.text(),
                is.unwrap_or_default(),
                list(value)
            )
        }
        Source::JsonLd(paths) => format!("jsonld \"{}\"", paths.join("\", then \"")),
        Source::Json(pointer) => format!("json \"{pointer}\""),
        Source::Script { select, pointer } => {
            format!("script \"{}\" at \"{pointer}\"", select.text())
        }
        Source::Meta(name) => format!("meta \"{name}\""),
        Source::Carried(name) => format!("carried \"{name}\""),
        Source::Constant(_) => "a constant".to_owned(),
    };
    match &field.regex {
        Some(regex) => format!("{source} with regex \"{regex}\""),
        None => source,
    }
}

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

/// A text with its white space cleaned, unless the field wants it as it stands.
fn text_for(field: &Field, text: &str) -> String {
    if is_raw(field) {
        text.to_owned()
    } else {
        cleaned(text)
    }
}

/// A raw value as JSON; a number's digits are its own there.
fn json_of(raw: Raw) -> Json {
    match raw {
        Raw::Text(text) => Json::String(text),
        Raw::Json(json) | Raw::Written(json, _) => json,
    }
}

fn is_raw(field: &Field) -> bool {
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
