//! One field: where its raw value comes from (exactly one of the ways of SPEC A2), what is done to
//! it, what it must become.

use std::collections::BTreeMap;

use super::{
    compiled::{Field, FieldType, Source, Take},
    document::{Keys, NamedNode, Node, plain},
    load::Loading,
    names, patterns,
    problems::{nearest, shown},
    values,
};
use crate::model::ids::StageId;

/// A table of SQLite has room for more, but nobody reads it.
const MAX_FIELDS: usize = 500;

type ReadSource = fn(&Node<'_>, &mut Keys<'_>, Option<FieldType>) -> Option<Source>;

/// The keys that name a source, of which a field has one, and how each is read.
const SOURCES: [(&str, ReadSource); 8] = [
    ("select", |node, _, _| Some(select(node))),
    ("rows", rows),
    ("jsonld", |node, _, _| linked(node)),
    ("json", |node, _, _| {
        pointer(node, node.text()?).map(Source::Json)
    }),
    ("script", |node, _, _| script(node)),
    ("meta", |node, _, _| name(node, "meta").map(Source::Meta)),
    ("carried", |node, _, _| {
        name(node, "carried").map(Source::Carried)
    }),
    ("constant", |node, _, _| {
        let value = plain(node.value).map(Source::Constant);
        if value.is_none() {
            node.error("the number does not fit 64 bits");
        }
        value
    }),
];

/// The keys that stand beside `rows`.
const OF_ROWS: [&str; 3] = ["label", "is", "value"];

/// All fields of a table, in the order of the file.
pub(super) fn fields<'t>(
    stage: StageId,
    table: &Keys<'t>,
    carry: bool,
    loading: &mut Loading<'t>,
) -> Vec<Field> {
    let entries = table.entries();
    if entries.len() > MAX_FIELDS {
        let n = entries.len();
        table.error(format!("there are {n} fields; at most {MAX_FIELDS}"));
        return Vec::new();
    }
    let mut taken: Vec<&str> = Vec::new();
    let mut fields = Vec::new();
    for entry in &entries {
        names::field(entry, &taken);
        if carry && matches!(entry.name, "page" | "position") {
            let message = format!("`{}` is always carried; choose another name", entry.name);
            entry.error(message, None);
        }
        taken.push(entry.name);
        fields.extend(field(stage, entry, loading));
    }
    fields
}

fn field<'t>(stage: StageId, entry: &NamedNode<'t>, loading: &mut Loading<'t>) -> Option<Field> {
    let node = &entry.node;
    if !node.is_table() {
        return Some(Field::new(entry.name, select(node)));
    }
    node.read_keys(|t| {
        let kind = t.get("type", |node| node.word(&FieldType::NAMED));
        let type_is_known = !t.has("type") || kind.is_some();
        let source = source(t, kind);
        if let (Some(Source::Carried(name)), Some(place)) = (&source, t.take("carried")) {
            let place = place.called(node.field.clone());
            loading.carried.push((stage, place, name.clone()));
        }
        let kind = kind.unwrap_or(FieldType::Text);
        let list = t.flag("list");
        let required = t.flag("required");
        let map = t.take("map").filter(|_| type_is_known);
        let default = t.get("default", |node| {
            if required {
                let message =
                    "a field with a default is never missing; drop `required` or `default`";
                node.error(message);
            }
            let fits = type_is_known && values::fits(node, kind, list);
            plain(node.value).filter(|_| fits)
        });
        let formats = t.get("formats", |node| {
            if type_is_known && kind != FieldType::Date {
                node.error("`formats` is for type = \"date\"");
            }
            Some(formats(node))
        });
        Some(Field {
            regex: t.get("regex", patterns::capturing_regex),
            map: map.and_then(|node| value_table(&node, kind)),
            transforms: values::transforms(t),
            kind,
            list,
            required,
            default,
            formats: formats.unwrap_or_default(),
            ..Field::new(entry.name, source?)
        })
    })
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

fn source(t: &mut Keys<'_>, kind: Option<FieldType>) -> Option<Source> {
    let known = SOURCES.iter();
    let given: Vec<_> = known
        .filter_map(|(key, read)| Some((*key, t.take(key)?, read)))
        .collect();
    let beside = OF_ROWS.map(|key| t.take(key));
    let (key, node, read) = match &given[..] {
        [] => {
            let known = SOURCES.map(|(key, _)| key).join(", ");
            t.error(format!(
                "nothing says where the value comes from: expected one of {known}"
            ));
            return None;
        }
        [one] => one,
        [(first, ..), (second, ..), ..] => {
            let message =
                format!("`{first}` and `{second}` both say where the value comes from; keep one");
            t.error_at(second, message);
            return None;
        }
    };
    if *key != "rows" {
        for node in beside.iter().flatten() {
            node.error("this belongs to `rows`, which is not there");
        }
    }
    if matches!(*key, "select" | "meta") && kind == Some(FieldType::Map) {
        let message = "type = \"map\" is read from `rows` (or from JSON), not from one value";
        t.error_at("type", message);
    }
    read(node, t, kind)
}

fn select(node: &Node<'_>) -> Source {
    Source::Select(patterns::fallbacks(node, &Take::Text))
}

/// Rows of a label and a value; the labels wanted, or all of them for `type = "map"`.
fn rows(node: &Node<'_>, t: &mut Keys<'_>, kind: Option<FieldType>) -> Option<Source> {
    let rows = patterns::elements(node);
    let [label, is, value] = OF_ROWS.map(|key| (key, t.take(key)));
    let inside = |(key, part): (&str, Option<Node<'_>>)| {
        if part.is_none() {
            let message = format!("`{key}` is missing: a selector inside the row");
            let place = node.clone().called(format!("{}.{key}", t.field));
            place.error(message);
        }
        part.map(|node| patterns::fallbacks(&node, &Take::Text))
    };
    let (label, value) = (inside(label), inside(value));
    match (kind == Some(FieldType::Map), &is.1) {
        (true, Some(node)) => node.error("type = \"map\" takes all rows; leave `is` out"),
        (false, None) => {
            node.error("expected `is` (the label wanted), or type = \"map\" for all rows");
        }
        _ => {}
    }
    // Labels are compared with text whose white space is collapsed.
    let collapsed = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let is = is.1.map(|node| {
        let labels = node.texts("a label's text").into_iter();
        labels.map(|(_, text)| collapsed(text)).collect()
    });
    Some(Source::Rows {
        rows: rows?,
        label: label?,
        is,
        value: value?,
    })
}

/// One path into JSON-LD, or a list of them, tried in order.
fn linked(node: &Node<'_>) -> Option<Source> {
    let what = "a JSON pointer such as \"/offers/price\" or \"Product/name\"";
    let read = |(node, text): (Node<'_>, &str)| {
        let (kind, path) = text.split_at(text.find('/').unwrap_or(0));
        // Types of schema.org begin with a capital: `Product/name` means one, `offers/price`
        // lacks its first stroke.
        let is_kind = kind.starts_with(|c: char| c.is_ascii_uppercase())
            && kind.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let (kind, path) = if is_kind { (kind, path) } else { ("", text) };
        Some(format!("{kind}{}", pointer(&node, path)?))
    };
    let paths: Vec<String> = node.texts(what).into_iter().filter_map(read).collect();
    (!paths.is_empty()).then_some(Source::JsonLd(paths))
}

fn script(node: &Node<'_>) -> Option<Source> {
    node.read_keys(|t| {
        let what = "a selector of the script element";
        let select = t.need("select", what, patterns::elements);
        let what = "a JSON pointer such as \"/a/b\"";
        let at = t.need("pointer", what, |node| pointer(node, node.text()?));
        Some(Source::Script {
            select: select?,
            pointer: at?,
        })
    })
}

fn name(node: &Node<'_>, key: &str) -> Option<String> {
    let text = node.text()?;
    if text.trim().is_empty() {
        node.error(format!("`{key}` is empty"));
        return None;
    }
    Some(text.to_owned())
}

/// A JSON pointer (RFC 6901): empty, or parts that each begin with `/`; `~` only as `~0`, `~1`.
fn pointer(node: &Node<'_>, text: &str) -> Option<String> {
    let begins = text.is_empty() || text.starts_with('/');
    let mut after_tildes = text.split('~').skip(1);
    if begins && after_tildes.all(|part| part.starts_with(['0', '1'])) {
        return Some(text.to_owned());
    }
    let found = shown(text);
    let near = (!begins).then(|| format!("/{}", text.replace('.', "/")));
    node.error_near(
        format!("expected a JSON pointer such as \"/offers/price\", found {found}"),
        near,
    );
    None
}

fn value_table(node: &Node<'_>, kind: FieldType) -> Option<BTreeMap<String, toml::Value>> {
    if !node.is_table() {
        let what = "a table of values such as { One = 1 } (for label → value write type = \"map\")";
        node.expected(what);
        return None;
    }
    let entries = node.keys()?.entries();
    if entries.is_empty() {
        node.error("the value table is empty: every value would be absent");
    }
    let mut map = BTreeMap::new();
    for entry in entries {
        let fits = values::fits(&entry.node, kind, false);
        if let Some(value) = plain(entry.node.value).filter(|_| fits) {
            map.insert(entry.name.to_owned(), value);
        }
    }
    Some(map)
}

fn formats(node: &Node<'_>) -> Vec<String> {
    let mut formats = Vec::new();
    for (node, text) in node.texts("a date format such as \"%Y-%m-%d\"") {
        match values::date_format(text) {
            Ok(()) => formats.push(text.to_owned()),
            Err(reason) => node.error(format!("bad date format {}: {reason}", shown(text))),
        }
    }
    formats
}

/// The key of a record. A field of it is required, so that every record has its identity.
pub(super) fn key(node: &Node<'_>, fields: &mut [Field], written: &[NamedNode<'_>]) -> Vec<String> {
    let mut key: Vec<String> = Vec::new();
    for (node, name) in node.texts("a field's name") {
        let Some(field_node) = written.iter().find(|entry| entry.name == name) else {
            let mut known: Vec<&str> = written.iter().map(|entry| entry.name).collect();
            known.sort_unstable();
            let (named, all) = (shown(name), known.join(", "));
            let message = format!("the key names no field of this record: {named}; fields: {all}");
            node.error_near(message, nearest(name, known));
            continue;
        };
        if key.iter().any(|other| other == name) {
            node.error(format!("the key names `{name}` twice"));
            continue;
        }
        let optional = field_node.node.value.as_table().is_some_and(|table| {
            let required = table.get("required").map(toml::Spanned::get_ref);
            required.and_then(toml::de::DeValue::as_bool) == Some(false)
                || table.contains_key("default")
        });
        if optional {
            node.error(format!(
                "the key field `{name}` is optional: `required = false` or a default gives \
                 different records one identity; write required = true"
            ));
        }
        if let Some(field) = fields.iter_mut().find(|field| field.name == name) {
            if field.list || matches!(field.kind, FieldType::Map | FieldType::Json) {
                node.error(format!("the key field `{name}` is a list, map or json"));
            }
            field.required = !optional;
        }
        key.push(name.to_owned());
    }
    key
}
