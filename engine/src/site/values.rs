//! Values written in the site file (defaults, value tables), date formats and transforms.

use jiff::{civil::date, fmt::strtime, tz::TimeZone};
use toml::de::DeValue;

use super::{
    compiled::{FieldType, Transform},
    document::{Keys, Node, integer_of, number_of},
    patterns,
    problems::{nearest, shown},
};
use crate::model::decimal::{boolean, decimal, integer};

/// The words for transforms without arguments.
static TRANSFORMS: [(&str, Transform); 4] = [
    ("raw", Transform::Raw),
    ("lower", Transform::Lower),
    ("upper", Transform::Upper),
    ("absolute", Transform::AbsoluteUrl),
];

/// Whether a value of the file can become this type; if not, an error is noted.
pub(super) fn fits(node: &Node<'_>, kind: FieldType, list: bool) -> bool {
    if list && let Some(elements) = node.elements() {
        return elements.iter().all(|element| fits(element, kind, false));
    }
    let text = node.value.as_str().map(str::trim);
    let (table, array) = (node.is_table(), node.value.is_array());
    let (fits, what) = match kind {
        FieldType::Text => (!table && !array, "text"),
        FieldType::Integer => (
            integer_of(node.value).is_some() || text.and_then(integer).is_some(),
            "an integer, because of type = \"integer\"",
        ),
        FieldType::Decimal => (
            number_of(node.value).is_some() || text.and_then(decimal).is_some(),
            "a number, because of type = \"decimal\"",
        ),
        FieldType::Boolean => (
            node.value.is_bool()
                || integer_of(node.value).is_some_and(|n| n == 0 || n == 1)
                || text.and_then(boolean).is_some(),
            "true or false, because of type = \"boolean\"",
        ),
        FieldType::Date => (
            node.value.is_datetime() || text.is_some(),
            "a date, because of type = \"date\"",
        ),
        FieldType::Url => (text.is_some(), "a URL, because of type = \"url\""),
        FieldType::Map => (table, "a table, because of type = \"map\""),
        FieldType::Json => (true, ""),
    };
    if !fits {
        node.expected(what);
    }
    fits
}

/// Whether a strptime format is known and gives a whole date.
pub(super) fn date_format(format: &str) -> Result<(), String> {
    let moment = date(2017, 10, 25)
        .at(13, 24, 35, 0)
        .to_zoned(TimeZone::UTC)
        .map_err(|error| error.to_string())?;
    let written = strtime::format(format, &moment).map_err(|error| error.to_string())?;
    let read = strtime::parse(format, &written).map_err(|error| error.to_string())?;
    let has_date = read.to_date().is_ok() || read.to_timestamp().is_ok();
    let wrong = || "it does not name year, month and day".to_owned();
    has_date.then_some(()).ok_or_else(wrong)
}

/// The transforms of a field: the short forms in the order raw, replace, lower, upper, absolute;
/// then those of `transforms`.
pub(super) fn transforms(t: &mut Keys<'_>) -> Vec<Transform> {
    let mut all = Vec::new();
    for (key, transform) in &TRANSFORMS {
        if t.flag(key) {
            all.push(transform.clone());
        }
        if *key == "raw" {
            all.extend(t.get("replace", replaces).unwrap_or_default());
        }
    }
    let elements = t.get("transforms", |node| {
        let elements = node.or_expected(node.elements(), "a list of transforms")?;
        if elements.is_empty() {
            node.error("the list is empty");
        }
        Some(elements)
    });
    for element in elements.unwrap_or_default() {
        all.extend(transform(&element).unwrap_or_default());
    }
    all
}

fn transform(node: &Node<'_>) -> Option<Vec<Transform>> {
    let what = "\"raw\", \"lower\", \"upper\", \"absolute\" or { replace = [\"regex\", \"with\"] }";
    match node.value {
        DeValue::String(name) => {
            let found = TRANSFORMS.iter().find(|(known, _)| known == name);
            if found.is_none() {
                let message = format!("expected {what}, found {}", shown(name));
                let known = TRANSFORMS.iter().map(|(name, _)| *name);
                node.error_near(message, nearest(name, known));
            }
            found.map(|(_, transform)| vec![transform.clone()])
        }
        DeValue::Table(_) => {
            node.read_keys(|t| t.need("replace", "[\"regex\", \"with\"]", replaces))
        }
        _ => node.or_expected(None, what),
    }
}

/// `["regex", "with"]`, or a list of such pairs.
fn replaces(node: &Node<'_>) -> Option<Vec<Transform>> {
    let elements = node.elements().filter(|elements| !elements.is_empty());
    let what = "a pair [\"regex\", \"with\"], or a list of pairs";
    let elements = node.or_expected(elements, what)?;
    Some(if elements.iter().all(|element| element.value.is_array()) {
        elements.iter().filter_map(replace).collect()
    } else {
        replace(node).into_iter().collect()
    })
}

fn replace(node: &Node<'_>) -> Option<Transform> {
    let elements = node.elements().unwrap_or_default();
    let [from, to] = &elements[..] else {
        node.expected("a pair [\"regex\", \"with\"]");
        return None;
    };
    let regex = patterns::regex(from)?;
    let with = to.text()?;
    if let Some(group) = unknown_group(&regex, with) {
        let message = format!(
            "`${group}` names no group of the regex (write $$ for a dollar; ${{1}}x before letters)"
        );
        to.error_near(message, nearest(&group, regex.capture_names().flatten()));
        return None;
    }
    Some(Transform::Replace(regex, with.to_owned()))
}

/// A group of the replacement that the regex does not have: it would vanish in silence.
fn unknown_group(regex: &regex::Regex, with: &str) -> Option<String> {
    let mut rest = with;
    while let Some(at) = rest.find('$') {
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            rest = after;
            continue;
        }
        let braced = rest
            .strip_prefix('{')
            .and_then(|inner| inner.split_once('}'));
        let plain = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let name = braced.map_or(&rest[..plain.unwrap_or(rest.len())], |(name, _)| name);
        let known = match name.parse::<usize>() {
            Ok(number) => number < regex.captures_len(),
            Err(_) => name.is_empty() || regex.capture_names().flatten().any(|known| known == name),
        };
        if !known {
            return Some(name.to_owned());
        }
    }
    None
}
