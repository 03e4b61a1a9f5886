//! Names that become tables and columns: which are allowed, and why one is not.

use super::{
    document::{NamedNode, Node},
    problems::{nearest, printable, shown},
};

/// Longer names are refused: `PostgreSQL` cuts them.
const MAX_NAME: usize = 63;

/// A name that begins or ends those of tables: the site's, or a record kind.
pub(super) fn table_part(node: &Node<'_>, what: &str) -> Option<String> {
    let text = node.text_as(&format!("{what}, of a-z, 0-9 and _"))?;
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let starts = text.starts_with(|c: char| c.is_ascii_alphanumeric());
    if !text.chars().all(is_plain) || !starts || text.len() > MAX_NAME {
        let message = format!(
            "{what} is 1 to {MAX_NAME} of a-z, 0-9 and _, and does not begin with _; found {}",
            shown(text)
        );
        let mended = mended(&text.to_lowercase());
        node.error_near(message, nearest(&mended, [mended.as_str()]));
        return None;
    }
    if text == "sqlite" || text.starts_with("sqlite_") {
        node.error("names that begin with `sqlite` belong to SQLite");
        return None;
    }
    Some(text.to_owned())
}

pub(super) fn stage(entry: &NamedNode<'_>) {
    let name = entry.name;
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if name.is_empty() || name.len() > MAX_NAME || !name.chars().all(fits) {
        let found = shown(name);
        let message =
            format!("a stage's name is 1 to {MAX_NAME} of a-z, 0-9, _ and -; found {found}");
        entry.error(message, None);
    }
}

/// A field's name, which becomes a column; `taken` are those before it.
pub(super) fn field(entry: &NamedNode<'_>, taken: &[&str]) {
    let name = entry.name;
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let message = if name.starts_with('_') {
        "names that begin with `_` are Crawlfield's own (`_url`, `_first_seen`, …)".to_owned()
    } else if name.is_empty() || !plain || name.len() > MAX_NAME {
        let found = shown(name);
        format!("a field's name is 1 to {MAX_NAME} of a-z, 0-9 and _; found {found}")
    } else if let Some(other) = taken.iter().find(|other| other.eq_ignore_ascii_case(name)) {
        let other = printable(other);
        format!("the field `{other}` is there already: columns differ by more than case")
    } else {
        return;
    };
    let mended = mended(name);
    let known = (mended != name).then_some(mended.as_str());
    entry.error(message, nearest(&mended, known));
}

/// The name with `_` for what is not allowed.
fn mended(name: &str) -> String {
    let allowed = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let plain: String = name.chars().map(allowed).collect();
    plain.trim_matches('_').to_owned()
}
