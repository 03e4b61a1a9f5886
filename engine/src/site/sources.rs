//! Where a field's raw value comes from: exactly one of the ways of SPEC A2.

use super::{
    compiled::{FieldType, Source, Take},
    patterns,
    problems::{Problems, shown},
    reading::{Node, Table, plain},
};

/// The keys that name a source; a field has one of them.
const SOURCES: [&str; 8] = [
    "select", "rows", "jsonld", "json", "script", "meta", "carried", "constant",
];

pub(super) fn source(
    table: &mut Table<'_>,
    kind: Option<FieldType>,
    problems: &mut Problems<'_>,
) -> Option<Source> {
    let given: Vec<&str> = SOURCES.into_iter().filter(|key| table.has(key)).collect();
    let rows = table.take("rows");
    let parts = [table.take("label"), table.take("is"), table.take("value")];
    let script = table.take("script");
    let constant = table.take("constant");
    let mut texts = Vec::new();
    for key in ["jsonld", "json", "meta", "carried"] {
        texts.push(table.take(key));
    }
    let select = table.take("select");
    match given[..] {
        [] => {
            let message = format!(
                "nothing says where the value comes from: expected one of {}",
                SOURCES.join(", ")
            );
            problems.error(&table.span, &table.field, message);
            return None;
        }
        [_] => {}
        [first, second, ..] => {
            let message =
                format!("`{first}` and `{second}` both say where the value comes from; keep one");
            problems.error(&table.key_span(second), &table.field, message);
            return None;
        }
    }
    if rows.is_none() {
        for node in parts.iter().flatten() {
            node.error("this belongs to `rows`, which is not there", problems);
        }
    }
    if kind == Some(FieldType::Map) && (select.is_some() || table.has("meta")) {
        let message = "type = \"map\" is read from `rows` (or from JSON), not from one value";
        problems.error(&table.key_span("type"), &table.field, message);
    }
    if let Some(node) = select {
        return Some(Source::Select(patterns::fallbacks(
            &node,
            &Take::Text,
            problems,
        )));
    }
    if let Some(node) = rows {
        return self::rows(&node, &parts, kind, table, problems);
    }
    if let Some(node) = script {
        return self::script(&node, problems);
    }
    if let Some(node) = constant {
        return constant_value(&node, problems);
    }
    let node = texts.into_iter().flatten().next()?;
    if given[0] == "jsonld" {
        return linked(&node, problems);
    }
    let text = node.text(problems)?;
    Some(match given[0] {
        "json" => Source::Json(pointer(&node, text, problems)?),
        name if text.trim().is_empty() => {
            node.error(format!("`{name}` is empty"), problems);
            return None;
        }
        "meta" => Source::Meta(text.to_owned()),
        _ => Source::Carried(text.to_owned()),
    })
}

/// One path into JSON-LD, or a list of them, tried in order.
fn linked(node: &Node<'_>, problems: &mut Problems<'_>) -> Option<Source> {
    let what = "a JSON pointer such as \"/offers/price\" or \"Product/name\"";
    let paths = node.texts(what, problems).into_iter();
    let paths: Vec<String> = paths
        .filter_map(|(node, text)| {
            let (kind, path) = text.split_at(text.find('/').unwrap_or(0));
            // Types of schema.org begin with a capital: `Product/name` means one, `offers/price`
            // lacks its first stroke.
            let is_kind = kind.starts_with(|c: char| c.is_ascii_uppercase())
                && kind.bytes().all(|byte| byte.is_ascii_alphanumeric());
            let path = pointer(&node, if is_kind { path } else { text }, problems)?;
            let kind = if is_kind { kind } else { "" };
            Some(format!("{kind}{path}"))
        })
        .collect();
    (!paths.is_empty()).then_some(Source::JsonLd(paths))
}

fn rows(
    node: &Node<'_>,
    parts: &[Option<Node<'_>>; 3],
    kind: Option<FieldType>,
    table: &Table<'_>,
    problems: &mut Problems<'_>,
) -> Option<Source> {
    let rows = patterns::elements(node, problems);
    let mut inside = |part: &Option<Node<'_>>, key: &str| {
        if let Some(node) = part {
            return Some(patterns::fallbacks(node, &Take::Text, problems));
        }
        let message = format!("`{key}` is missing: a selector inside the row");
        problems.error(&node.span, &format!("{}.{key}", table.field), message);
        None
    };
    let label = inside(&parts[0], "label");
    let value = inside(&parts[2], "value");
    let is = parts[1].as_ref().map(|node| {
        let labels = node.texts("a label's text", problems);
        // Labels are compared with text whose white space is collapsed.
        labels
            .iter()
            .map(|(_, text)| text.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect()
    });
    match (kind == Some(FieldType::Map), &parts[1]) {
        (true, Some(node)) => {
            node.error("type = \"map\" takes all rows; leave `is` out", problems);
        }
        (false, None) => {
            let message = "expected `is` (the label wanted), or type = \"map\" for all rows";
            node.error(message, problems);
        }
        _ => {}
    }
    Some(Source::Rows {
        rows: rows?,
        label: label?,
        is,
        value: value?,
    })
}

fn script(node: &Node<'_>, problems: &mut Problems<'_>) -> Option<Source> {
    let mut table = node.table(problems)?;
    let select = table
        .require("select", "a selector of the script element", problems)
        .and_then(|node| patterns::elements(&node, problems));
    let at = table
        .require("pointer", "a JSON pointer such as \"/a/b\"", problems)
        .and_then(|node| {
            let text = node.text(problems)?;
            pointer(&node, text, problems)
        });
    table.finish(problems);
    Some(Source::Script {
        select: select?,
        pointer: at?,
    })
}

/// A JSON pointer (RFC 6901): empty, or parts that each begin with `/`; `~` only as `~0`, `~1`.
fn pointer(node: &Node<'_>, text: &str, problems: &mut Problems<'_>) -> Option<String> {
    let begins = text.is_empty() || text.starts_with('/');
    let tildes = text
        .split('~')
        .skip(1)
        .all(|part| part.starts_with(['0', '1']));
    if begins && tildes {
        return Some(text.to_owned());
    }
    let message = format!(
        "expected a JSON pointer such as \"/offers/price\", found {}",
        shown(text)
    );
    problems.error(&node.span, &node.field, message);
    if !begins {
        problems.suggest(format!("/{}", text.replace('.', "/")));
    }
    None
}

fn constant_value(node: &Node<'_>, problems: &mut Problems<'_>) -> Option<Source> {
    let value = plain(node.value);
    if value.is_none() {
        node.error("the number does not fit 64 bits", problems);
    }
    value.map(Source::Constant)
}
