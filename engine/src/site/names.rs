//! Names that become tables and columns: which are allowed, and why one is not.

use super::{
    problems::{Problems, printable, shown},
    reading::{Entry, Node},
};

/// Longer names are refused: `PostgreSQL` cuts them.
const MAX_NAME: usize = 63;

/// The site's name, which begins the names of its tables.
pub(super) fn site(node: &Node<'_>, problems: &mut Problems<'_>) -> Option<String> {
    table_part(node, "the site's name", problems)
}

/// A record kind, which ends the name of its table.
pub(super) fn kind(node: &Node<'_>, problems: &mut Problems<'_>) -> Option<String> {
    table_part(node, "a record kind", problems)
}

fn table_part(node: &Node<'_>, what: &str, problems: &mut Problems<'_>) -> Option<String> {
    let text = node.text_as(&format!("{what}, of a-z, 0-9 and _"), problems)?;
    let plain = text
        .chars()
        .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    let starts = text.starts_with(|c: char| c.is_ascii_alphanumeric());
    if !plain || !starts || text.len() > MAX_NAME {
        let message = format!(
            "{what} is 1 to {MAX_NAME} of a-z, 0-9 and _, and does not begin with _; found {}",
            shown(text)
        );
        let mended = mended(&text.to_lowercase());
        problems.unknown(&node.span, &node.field, message, &mended, [mended.as_str()]);
        return None;
    }
    if text == "sqlite" || text.starts_with("sqlite_") {
        node.error("names that begin with `sqlite` belong to SQLite", problems);
        return None;
    }
    Some(text.to_owned())
}

/// A stage's name.
pub(super) fn stage(entry: &Entry<'_>, problems: &mut Problems<'_>) {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if entry.name.is_empty() || entry.name.len() > MAX_NAME || !entry.name.chars().all(fits) {
        let message = format!(
            "a stage's name is 1 to {MAX_NAME} of a-z, 0-9, _ and -; found {}",
            shown(entry.name)
        );
        problems.error(&entry.name_span, &entry.node.field, message);
    }
}

/// A field's name, which becomes a column; `taken` are those before it.
pub(super) fn field(entry: &Entry<'_>, taken: &[String], problems: &mut Problems<'_>) -> bool {
    let name = entry.name;
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let message = if name.starts_with('_') {
        "names that begin with `_` are Crawlfield's own (`_url`, `_first_seen`, …)".to_owned()
    } else if name.is_empty() || !plain || name.len() > MAX_NAME {
        format!(
            "a field's name is 1 to {MAX_NAME} of a-z, 0-9 and _; found {}",
            shown(name)
        )
    } else if let Some(other) = taken.iter().find(|other| other.eq_ignore_ascii_case(name)) {
        let other = printable(other);
        format!("the field `{other}` is there already: columns differ by more than case")
    } else {
        return true;
    };
    let mended = mended(name);
    let known = (mended != name).then_some(mended.as_str());
    problems.unknown(&entry.name_span, &entry.node.field, message, &mended, known);
    false
}

/// The name with `_` for what is not allowed.
fn mended(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect();
    plain.trim_matches('_').to_owned()
}
