//! One field: where its raw value comes from, what is done to it, what it must become.

use std::collections::BTreeMap;

use toml::de::DeValue;

use super::{
    compiled::{Field, FieldType, Source, Take},
    loading::{CarriedUse, Loading},
    names, patterns,
    problems::{Problems, shown},
    reading::{Node, Table, plain},
    sources, values,
};
use crate::model::ids::StageId;

/// A table of SQLite has room for more, but nobody reads it.
const MAX_FIELDS: usize = 500;

/// The words for types.
pub(super) const TYPES: [(&str, FieldType); 8] = [
    ("text", FieldType::Text),
    ("integer", FieldType::Integer),
    ("decimal", FieldType::Decimal),
    ("boolean", FieldType::Boolean),
    ("date", FieldType::Date),
    ("url", FieldType::Url),
    ("json", FieldType::Json),
    ("map", FieldType::Map),
];

/// All fields of a table, in the order of the file.
pub(super) fn fields(
    stage: StageId,
    table: &Table<'_>,
    carry: bool,
    loading: &mut Loading<'_>,
) -> Vec<Field> {
    let entries = table.entries();
    if entries.len() > MAX_FIELDS {
        let message = format!("there are {} fields; at most {MAX_FIELDS}", entries.len());
        loading.problems.error(&table.span, &table.field, message);
        return Vec::new();
    }
    let mut taken: Vec<String> = Vec::new();
    let mut fields = Vec::new();
    for entry in &entries {
        names::field(entry, &taken, &mut loading.problems);
        if carry && matches!(entry.name, "page" | "position") {
            let message = format!("`{}` is always carried; choose another name", entry.name);
            loading
                .problems
                .error(&entry.name_span, &entry.node.field, message);
        }
        taken.push(entry.name.to_owned());
        fields.extend(field(stage, entry.name, &entry.node, loading));
    }
    fields
}

fn field(stage: StageId, name: &str, node: &Node<'_>, loading: &mut Loading<'_>) -> Option<Field> {
    let p = &mut loading.problems;
    if !matches!(node.value, DeValue::Table(_)) {
        let select = patterns::fallbacks(node, &Take::Text, p);
        return Some(Field::new(name, Source::Select(select)));
    }
    let mut table = node.table(p)?;
    let kind = table.take("type").and_then(|node| node.word(&TYPES, p));
    let mut field = Field::new(name, Source::Constant(toml::Value::Boolean(false)));
    field.kind = kind.unwrap_or(FieldType::Text);
    let type_is_known = !table.has("type") || kind.is_some();
    let source = sources::source(&mut table, kind, p);
    field.regex = table
        .take("regex")
        .and_then(|node| patterns::regex(&node, true, p));
    field.list = table
        .take("list")
        .and_then(|node| node.boolean(p))
        .unwrap_or(false);
    field.required = table
        .take("required")
        .and_then(|node| node.boolean(p))
        .unwrap_or(false);
    let map = table.take("map");
    let default = table.take("default");
    if type_is_known {
        field.map = map.and_then(|node| value_table(&node, field.kind, p));
        field.default = default.as_ref().and_then(|node| {
            let value = plain(node.value);
            values::fits(node, field.kind, field.list, p)
                .then_some(value)
                .flatten()
        });
    }
    if let (Some(node), true) = (&default, field.required) {
        node.error(
            "a field with a default is never missing; drop `required` or `default`",
            p,
        );
    }
    if let Some(node) = table.take("formats") {
        field.formats = formats(&node, field.kind, type_is_known, p);
    }
    field.transforms = values::transforms(&mut table, p);
    table.finish(p);
    field.source = source?;
    if let Source::Carried(from) = &field.source {
        let place = table_place(node);
        let use_ = CarriedUse {
            stage,
            span: place,
            field: node.field.clone(),
            name: from.clone(),
        };
        loading.carried.push(use_);
    }
    Some(field)
}

/// The place of `carried`'s value in a field's table.
fn table_place(node: &Node<'_>) -> std::ops::Range<usize> {
    let carried = node.value.as_table().and_then(|table| table.get("carried"));
    carried.map_or_else(|| node.span.clone(), toml::Spanned::span)
}

impl Field {
    /// The text that this source gives, as it stands.
    pub(crate) fn new(name: &str, source: Source) -> Self {
        Self {
            name: name.to_owned(),
            source,
            regex: None,
            map: None,
            transforms: Vec::new(),
            kind: FieldType::Text,
            list: false,
            required: false,
            default: None,
            formats: Vec::new(),
        }
    }
}

fn value_table(
    node: &Node<'_>,
    kind: FieldType,
    problems: &mut Problems<'_>,
) -> Option<BTreeMap<String, toml::Value>> {
    if !matches!(node.value, DeValue::Table(_)) {
        let what = "a table of values such as { One = 1 } (for label → value write type = \"map\")";
        node.expected(what, problems);
        return None;
    }
    let entries = node.table(problems)?.entries();
    if entries.is_empty() {
        node.error(
            "the value table is empty: every value would be absent",
            problems,
        );
    }
    let mut map = BTreeMap::new();
    for entry in entries {
        if values::fits(&entry.node, kind, false, problems)
            && let Some(value) = plain(entry.node.value)
        {
            map.insert(entry.name.to_owned(), value);
        }
    }
    Some(map)
}

fn formats(
    node: &Node<'_>,
    kind: FieldType,
    type_is_known: bool,
    problems: &mut Problems<'_>,
) -> Vec<String> {
    let texts = node.texts("a date format such as \"%Y-%m-%d\"", problems);
    if type_is_known && kind != FieldType::Date {
        node.error("`formats` is for type = \"date\"", problems);
    }
    let mut formats = Vec::new();
    for (node, text) in texts {
        match values::date_format(text) {
            Ok(()) => formats.push(text.to_owned()),
            Err(reason) => {
                node.error(
                    format!("bad date format {}: {reason}", shown(text)),
                    problems,
                );
            }
        }
    }
    formats
}

/// The key of a record. A field of it is required, so that every record has its identity.
pub(super) fn key(
    node: &Node<'_>,
    fields: &mut [Field],
    written: &BTreeMap<&str, Node<'_>>,
    problems: &mut Problems<'_>,
) -> Vec<String> {
    let mut key: Vec<String> = Vec::new();
    for (node, name) in node.texts("a field's name", problems) {
        let Some(field_node) = written.get(name) else {
            let known: Vec<&str> = written.keys().copied().collect();
            let message = format!(
                "the key names no field of this record: {}; fields: {}",
                shown(name),
                known.join(", ")
            );
            problems.unknown(&node.span, &node.field, message, name, known);
            continue;
        };
        if key.iter().any(|other| other == name) {
            node.error(format!("the key names `{name}` twice"), problems);
            continue;
        }
        let table = field_node.value.as_table();
        let optional = table.is_some_and(|table| {
            let required = table
                .get("required")
                .and_then(|value| value.get_ref().as_bool());
            required == Some(false) || table.contains_key("default")
        });
        if optional {
            let message = format!(
                "the key field `{name}` is optional: `required = false` or a default gives \
                 different records one identity; write required = true"
            );
            node.error(message, problems);
        }
        if let Some(field) = fields.iter_mut().find(|field| field.name == name) {
            if field.list || matches!(field.kind, FieldType::Map | FieldType::Json) {
                node.error(
                    format!("the key field `{name}` is a list, map or json"),
                    problems,
                );
            }
            field.required = !optional;
        }
        key.push(name.to_owned());
    }
    key
}
