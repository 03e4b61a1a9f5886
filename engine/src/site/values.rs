//! Values written in the site file (defaults, value tables), date formats and transforms.

use jiff::{civil::date, fmt::strtime, tz::TimeZone};
use toml::de::DeValue;

use super::{
    compiled::{FieldType, Transform},
    patterns,
    problems::{Problems, nearest, shown},
    reading::{Node, Table, integer_of, number_of},
};

/// The words for transforms without arguments.
const TRANSFORMS: [&str; 4] = ["raw", "lower", "upper", "absolute"];

/// Whether a value of the file can become this type; if not, an error is noted.
pub(super) fn fits(
    node: &Node<'_>,
    kind: FieldType,
    list: bool,
    problems: &mut Problems<'_>,
) -> bool {
    if list && let Some(elements) = node.elements() {
        return elements
            .iter()
            .all(|element| fits(element, kind, false, problems));
    }
    let text = node.value.as_str().map(str::trim);
    let table = matches!(node.value, DeValue::Table(_));
    let array = matches!(node.value, DeValue::Array(_));
    let (fits, what) = match kind {
        FieldType::Text => (!table && !array, "text"),
        FieldType::Integer => (
            integer_of(node.value).is_some() || text.is_some_and(is_integer),
            "an integer, because of type = \"integer\"",
        ),
        FieldType::Decimal => (
            number_of(node.value).is_some() || text.is_some_and(is_decimal),
            "a number, because of type = \"decimal\"",
        ),
        FieldType::Boolean => (
            node.value.is_bool()
                || integer_of(node.value).is_some_and(|n| n == 0 || n == 1)
                || text.is_some_and(is_boolean),
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
        node.expected(what, problems);
    }
    fits
}

fn is_integer(text: &str) -> bool {
    let digits = text.trim_start_matches(['+', '-']);
    match digits
        .strip_prefix("0x")
        .or_else(|| digits.strip_prefix("0X"))
    {
        Some(hex) => i64::from_str_radix(hex, 16).is_ok(),
        None => text.parse::<i64>().is_ok(),
    }
}

fn is_decimal(text: &str) -> bool {
    text.parse::<f64>().is_ok_and(f64::is_finite)
}

fn is_boolean(text: &str) -> bool {
    let words = ["true", "false", "yes", "no", "1", "0"];
    words.iter().any(|word| word.eq_ignore_ascii_case(text))
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
    if has_date {
        Ok(())
    } else {
        Err("it does not name year, month and day".to_owned())
    }
}

/// The transforms of a field: the short forms in the order raw, replace, lower, upper, absolute;
/// then those of `transforms`.
pub(super) fn transforms(table: &mut Table<'_>, problems: &mut Problems<'_>) -> Vec<Transform> {
    let mut all = Vec::new();
    let mut short = |key: &'static str, all: &mut Vec<Transform>, problems: &mut Problems<'_>| {
        let on = table.take(key).and_then(|node| node.boolean(problems));
        all.extend(on.filter(|on| *on).and_then(|_| named(key)));
    };
    short("raw", &mut all, problems);
    let lower_later = all.len();
    for key in ["lower", "upper", "absolute"] {
        short(key, &mut all, problems);
    }
    if let Some(node) = table.take("replace") {
        let replaces = replaces(&node, problems);
        all.splice(lower_later..lower_later, replaces);
    }
    if let Some(node) = table.take("transforms") {
        let Some(elements) = node.elements() else {
            node.expected("a list of transforms", problems);
            return all;
        };
        if elements.is_empty() {
            node.error("the list is empty", problems);
        }
        for element in elements {
            transform(&element, &mut all, problems);
        }
    }
    all
}

fn named(name: &str) -> Option<Transform> {
    match name {
        "raw" => Some(Transform::Raw),
        "lower" => Some(Transform::Lower),
        "upper" => Some(Transform::Upper),
        "absolute" => Some(Transform::AbsoluteUrl),
        _ => None,
    }
}

fn transform(node: &Node<'_>, all: &mut Vec<Transform>, problems: &mut Problems<'_>) {
    let what = "\"raw\", \"lower\", \"upper\", \"absolute\" or { replace = [\"regex\", \"with\"] }";
    match node.value {
        DeValue::String(name) => {
            if let Some(transform) = named(name) {
                all.push(transform);
            } else {
                let message = format!("expected {what}, found {}", shown(name));
                problems.unknown(&node.span, &node.field, message, name, TRANSFORMS);
            }
        }
        DeValue::Table(_) => {
            let Some(mut table) = node.table(problems) else {
                return;
            };
            let replace = table.require("replace", "[\"regex\", \"with\"]", problems);
            if let Some(node) = replace {
                all.extend(replaces(&node, problems));
            }
            table.finish(problems);
        }
        _ => node.expected(what, problems),
    }
}

/// `["regex", "with"]`, or a list of such pairs.
fn replaces(node: &Node<'_>, problems: &mut Problems<'_>) -> Vec<Transform> {
    let what = "a pair [\"regex\", \"with\"], or a list of pairs";
    let Some(elements) = node.elements().filter(|elements| !elements.is_empty()) else {
        node.expected(what, problems);
        return Vec::new();
    };
    if elements.iter().all(|element| element.value.is_array()) {
        return elements
            .iter()
            .filter_map(|pair| replaces_one(pair, problems))
            .collect();
    }
    replaces_one(node, problems).into_iter().collect()
}

fn replaces_one(node: &Node<'_>, problems: &mut Problems<'_>) -> Option<Transform> {
    let elements = node.elements().unwrap_or_default();
    let [from, to] = &elements[..] else {
        node.expected("a pair [\"regex\", \"with\"]", problems);
        return None;
    };
    let regex = patterns::regex(from, false, problems)?;
    let with = to.text(problems)?;
    unknown_group(&regex, with).map_or(Some(()), |group| {
        let known: Vec<&str> = regex.capture_names().flatten().collect();
        let near = nearest(&group, known);
        to.error(format!("`${group}` names no group of the regex (write $$ for a dollar; ${{1}}x before letters)"), problems);
        if let Some(near) = near {
            problems.suggest(near);
        }
        None
    })?;
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
